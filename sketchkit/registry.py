"""Finding plugins: entry points, listed without importing, loaded one at a time, none able to hurt another.

Built-ins come through the same groups as everybody else's. A built-in owns its bare name; two strangers
with one name make that name an error that shows `dist:name`, which always works. Nothing here imports a
plugin until somebody asks for it by name.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sketchkit.errors import PluginError

__all__ = ["GROUPS", "Plugin", "find", "load", "names"]

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
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise PluginError(f"the {kind} {plugin.full_name} cannot be loaded: {reason}") from error


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
