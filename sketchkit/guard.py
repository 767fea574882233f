"""The guard around third-party objects: errors carry the name of the plugin, and results are checked."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import ClassVar, Generic, ParamSpec, TextIO, TypeVar

from sketchkit.errors import PluginError, SketchkitError
from sketchkit.installed import Plugin

__all__ = ["Guarded", "attribute_errors", "first_line", "redirect_stdout"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True)
class Guarded(Generic[T]):
    """The base of guards, one for each kind of plugin that makes objects.

    Args:
        plugin: the origin of the object.
        __wrapped__: the object itself.
    """

    plugin: Plugin
    __wrapped__: T

    #: Exceptions that are no faults of the plugin, beside those of `attribute_errors`.
    passes: ClassVar[tuple[type[Exception], ...]] = ()

    def _call(
        self,
        method: Callable[..., R],
        *arguments: object,
        find_problem: Callable[[R], str | None] | None = None,
    ) -> R:
        """The result of a method of the object.

        Args:
            method: of the object.
            arguments: of the method.
            find_problem: the fault behind an invalid result, such as "drew a str, not bytes"; None for a
                valid one.

        Raises:
            PluginError: the method failed, or its result is invalid.
        """
        with attribute_errors(self.plugin, self.passes):
            result = method(*arguments)
            problem = None if find_problem is None else find_problem(result)
            if problem is not None:
                raise PluginError(f"{self.plugin} {problem}")
        return result

    def _iterate(
        self,
        method: Callable[..., Iterable[R]],
        *arguments: object,
        find_problem: Callable[[R], str | None],
    ) -> Iterator[R]:
        """The results of a method that yields them, up to the first None; see `_call`."""
        results = self._call(lambda: iter(method(*arguments)))
        while True:
            result = self._call(
                next, results, None, find_problem=lambda found: None if found is None else find_problem(found)
            )
            if result is None:
                return
            yield result


def attribute_errors(
    plugin: Plugin, passes: tuple[type[Exception], ...] = ()
) -> AbstractContextManager[None]:
    """Attribute exceptions in a block to a third-party plugin, by its full name; output goes to stderr.

    `SketchkitError` passes, since plugins may raise it, and so do Ctrl-C, exhausted memory, and the
    exceptions of built-ins, which are bugs of sketchkit.

    Args:
        plugin: the origin of what runs in the block.
        passes: further exceptions that pass.

    Raises:
        PluginError: in one line.
    """
    return nullcontext() if plugin.builtin else _Attribution(plugin, passes)


def redirect_stdout() -> AbstractContextManager[None]:
    """Send output in a block to stderr, from any number of threads at once."""
    return _REDIRECTION


# Classes, since a generator would take several times as long to enter, and engines are entered at each step.


class _Redirection(AbstractContextManager[None]):
    """The stream of stdout while blocks redirect it; one object for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._stdout: TextIO | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1 and sys.stderr is not None:
                self._stdout, sys.stdout = sys.stdout, sys.stderr

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0 and sys.stdout is sys.stderr and self._stdout is not None:
                sys.stdout, self._stdout = self._stdout, None


_REDIRECTION = _Redirection()


class _Attribution(AbstractContextManager[None]):
    """See `attribute_errors`."""

    __slots__ = ("_passes", "_plugin")

    def __init__(self, plugin: Plugin, passes: tuple[type[Exception], ...]) -> None:
        self._plugin, self._passes = plugin, passes

    def __enter__(self) -> None:
        _REDIRECTION.__enter__()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        _REDIRECTION.__exit__()
        if not isinstance(error, Exception | SystemExit) or type(error).__name__ == "OutOfMemoryError":
            return
        if not isinstance(error, (SketchkitError, MemoryError, *self._passes)):
            raise PluginError(f"{self._plugin} failed: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The type of an exception and the first line of its message."""
    return (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
