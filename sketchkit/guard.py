"""The guard around third-party objects: errors carry the name of the plugin, and results are checked."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import ClassVar, Generic, ParamSpec, TextIO, TypeVar

from sketchkit.errors import PluginError, SketchkitError
from sketchkit.installed import Plugin

__all__ = ["Guarded", "attribute_errors", "first_line", "redirect_stdout"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_lock = threading.Lock()
#: How many blocks redirect stdout, and its stream before.
_depth = 0
_stdout: TextIO | None = None


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


@contextmanager
def attribute_errors(plugin: Plugin, passes: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Attribute exceptions in the block to a third-party plugin, by its full name; output goes to stderr.

    `SketchkitError` passes, since plugins may raise it, and so do Ctrl-C, exhausted memory, and the
    exceptions of built-ins, which are bugs of sketchkit.

    Args:
        plugin: the origin of what runs in the block.
        passes: further exceptions that pass.

    Raises:
        PluginError: in one line.
    """
    try:
        with nullcontext() if plugin.builtin else redirect_stdout():
            yield
    except (Exception, SystemExit) as error:
        memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
        if plugin.builtin or memory or isinstance(error, (SketchkitError, *passes)):
            raise
        raise PluginError(f"{plugin} failed: {first_line(error)}") from error


@contextmanager
def redirect_stdout() -> Iterator[None]:
    """Send output to stderr, from any number of threads at once."""
    global _depth, _stdout
    with _lock:
        _depth += 1
        if _depth == 1 and sys.stderr is not None:
            _stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and sys.stdout is sys.stderr and _stdout is not None:
                sys.stdout, _stdout = _stdout, None


def first_line(error: BaseException) -> str:
    """The type of an exception and the first line of its message."""
    return (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
