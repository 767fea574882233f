"""Finding plugins: entry points, listed without importing, loaded one at a time, none able to hurt another.

Built-ins come through the same groups as everybody else's. A built-in owns its bare name; two strangers
with one name make that name an error that shows `dist:name`, which always works. Nothing here imports a
plugin until somebody asks for it by name.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sketchkit.errors import PluginError, SketchkitError

__all__ = ["GROUPS", "Plugin", "answering", "blamed", "find", "load", "names", "suffixes_of"]

#: The kinds of plugin, by what a user calls one of them.
GROUPS = {
    "format": "sketchkit.formats",
    "model": "sketchkit.models",
    "sampler": "sketchkit.samplers",
    "renderer": "sketchkit.renderers",
}

_OWN_DISTRIBUTION = "sketchkit"


@dataclass(frozen=True)
class Plugin:
    """One entry point: a name, where it lives and who published it."""

    kind: str
    name: str
    distribution: str
    entry_point: EntryPoint

    @property
    def builtin(self) -> bool:
        """Whether sketchkit itself brings it."""
        return self.distribution == _OWN_DISTRIBUTION

    @property
    def full_name(self) -> str:
        """`distribution:name`, which nobody else can take."""
        return f"{self.distribution}:{self.name}"

    def __str__(self) -> str:
        return f"the {self.kind} {self.full_name}"


def names(kind: str) -> list[str]:
    """The names that `load` accepts for a kind of plugin, sorted; nothing is imported.

    Args:
        kind: a key of `GROUPS`.

    Returns:
        Bare names where they are unambiguous, `distribution:name` for the others.
    """
    plugins = _plugins(kind, _strangers_allowed())
    bare = {p.name for p in plugins if _owner(p.name, plugins) is not None}
    full = {p.full_name for p in plugins if p is not _owner(p.name, plugins)}
    return sorted(bare | full)


def find(kind: str, name: str) -> Plugin:
    """The plugin behind a name, without importing it.

    Args:
        kind: a key of `GROUPS`.
        name: a bare name or `distribution:name`.

    Raises:
        PluginError: no plugin of that name (with the nearest that exists), or several.
    """
    plugins = _plugins(kind, _strangers_allowed())
    named = [p for p in plugins if name in (p.name, p.full_name)]
    if not named:
        raise PluginError(f"no {kind} named {name!r}{_suggestion(name, names(kind))}")
    if len(named) == 1:
        return named[0]
    owner = _owner(name, named)
    if owner is None:
        choices = ", ".join(sorted(p.full_name for p in named))
        raise PluginError(f"several plugins bring a {kind} named {name!r}: choose one of {choices}")
    return owner


def load(kind: str, name: str) -> Any:
    """Import a plugin and return what its entry point names.

    Args:
        kind: a key of `GROUPS`.
        name: a bare name or `distribution:name`.

    Raises:
        PluginError: the name is unknown or ambiguous, or the import failed, whatever it raised; names the
            distribution.
    """
    plugin = find(kind, name)
    try:
        return plugin.entry_point.load()
    except (Exception, SystemExit) as error:
        if plugin.builtin:
            raise
        raise PluginError(f"{plugin} cannot be loaded: {_in_a_line(error)}") from error


def suffixes_of(plugin: Any) -> tuple[str, ...]:
    """The suffixes that a format or a renderer says it answers to; none where it says nothing sensible."""
    suffixes = getattr(plugin, "suffixes", ())
    return tuple(s for s in suffixes if isinstance(s, str)) if isinstance(suffixes, tuple | list) else ()


def answering(kind: str, suffix: str, *, builtin: bool) -> Iterator[str]:
    """The names of the plugins that answer to a suffix; those that cannot be loaded are passed over.

    Args:
        kind: a key of `GROUPS`.
        suffix: lower case, with its dot.
        builtin: of sketchkit's own, or of all others.

    Yields:
        One that is called like the suffix first: usually no other is imported.
    """
    known = [name for name in names(kind) if find(kind, name).builtin == builtin]
    for name in sorted(known, key=lambda name: (f".{name}" != suffix, ":" in name, name)):
        try:
            suffixes = suffixes_of(load(kind, name))
        except PluginError:
            continue
        if suffix in suffixes:
            yield name


@contextmanager
def blamed(plugin: Plugin) -> Iterator[None]:
    """Whatever fails inside is told as the failure of a stranger's plugin, by its full name.

    Our own errors pass, for a plugin may raise them; so does what no plugin can help: Ctrl-C, memory that is
    at its end, and everything from a built-in, whose bugs are ours.

    Raises:
        PluginError: in one line.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        helpless = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
        if plugin.builtin or helpless or isinstance(error, SketchkitError):
            raise
        raise PluginError(f"{plugin} failed: {_in_a_line(error)}") from error


def _in_a_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _strangers_allowed() -> bool:
    """`SKETCHKIT_PLUGINS=` (set and empty) or `=0` leaves only the built-ins."""
    return os.environ.get("SKETCHKIT_PLUGINS", "1") not in ("", "0")


@cache
def _all_entry_points() -> dict[str, tuple[EntryPoint, ...]]:
    # One scan of the installed distributions serves all groups: it is what takes the time.
    found = entry_points()
    return {group: tuple(found.select(group=group)) for group in GROUPS.values()}


@cache
def _plugins(kind: str, strangers: bool) -> tuple[Plugin, ...]:
    unique: dict[str, Plugin] = {}
    for entry_point in _all_entry_points()[GROUPS[kind]]:
        distribution = entry_point.dist.name if entry_point.dist is not None else "unknown"
        plugin = Plugin(kind, entry_point.name, distribution, entry_point)
        if strangers or plugin.builtin:
            # The same distribution may be found twice on sys.path; the first one wins, as on import.
            unique.setdefault(plugin.full_name, plugin)
    return tuple(unique.values())


def _owner(name: str, plugins: Iterable[Plugin]) -> Plugin | None:
    """Who a bare name means: the built-in, or the only one, or nobody."""
    named = [p for p in plugins if p.name == name]
    builtin = [p for p in named if p.builtin]
    if builtin:
        return builtin[0]
    return named[0] if len(named) == 1 else None


def _suggestion(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f": did you mean {near[0]!r}?"
    return f": there are {', '.join(known)}" if known else ": none is installed"
