"""Finding plugins: entry points, listed without importing, loaded one at a time, none able to hurt another.

Built-ins come through the same groups as everybody else's. A built-in owns its bare name; two strangers
with one name make that name an error that shows `dist:name`, which always works. Nothing here imports a
plugin until somebody asks for it, and one that fails costs a warning at the most.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import EntryPoint
from typing import Any, TextIO

from sketchkit._version import __version__
from sketchkit.errors import InputError, PluginError, PluginWarning, SketchkitError
from sketchkit.hints import hint
from sketchkit.installed import OWN_NAME, Installed, installed, installed_distributions, misfit

__all__ = [
    "GROUPS",
    "STRANGERS_VARIABLE",
    "Plugin",
    "all_plugins",
    "answering",
    "blamed",
    "damaged",
    "find",
    "known",
    "load",
    "names",
    "namesakes",
    "plugins_of",
    "suffixes_of",
    "warn_of",
]

#: The kinds of plugin, by what a user calls one of them.
GROUPS = {
    "command": "sketchkit.commands",
    "engine": "sketchkit.engines",
    "format": "sketchkit.formats",
    "model": "sketchkit.models",
    "renderer": "sketchkit.renderers",
    "sampler": "sketchkit.samplers",
}
#: Whether others than the built-ins are there: empty and `0` say no.
STRANGERS_VARIABLE = "SKETCHKIT_PLUGINS"
_YES, _NO = ("1", "yes", "true", "on"), ("", "0", "no", "false", "off")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\s*:\s*[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\s*(\[.*\])?")
_indices: dict[str, tuple[Sequence[Plugin], dict[str, list[Plugin]]]] = {}
_warned: set[str] = set()
_lock = threading.Lock()
#: How many strangers are at work, and where stdout led before.
_depth = 0
_stdout: TextIO | None = None


@dataclass(frozen=True)
class Plugin:
    """One entry point: a name, where it lives and who published it.

    Args:
        kind: a key of `GROUPS`.
        name: of the entry point.
        distribution: that brings it.
        entry_point: what it names.
        version: of the distribution.
        requires: the distribution's requirements.
    """

    kind: str
    name: str
    distribution: str
    entry_point: EntryPoint
    version: str = ""
    requires: tuple[str, ...] = ()

    @property
    def builtin(self) -> bool:
        """Whether sketchkit itself brings it."""
        return self.distribution == OWN_NAME

    @property
    def full_name(self) -> str:
        """`distribution:name`, which nobody else can take."""
        return f"{self.distribution}:{self.name}"

    @cached_property
    def problem(self) -> str | None:
        """Why it cannot be loaded, as far as its metadata tell; None where they say nothing against it."""
        if self.builtin:
            return None
        trouble = misfit(self.requires, OWN_NAME, __version__)
        if trouble is not None:
            return trouble
        if not _TARGET.fullmatch(self.entry_point.value):
            return f"its entry point is {self.entry_point.value!r}, which is not of the form module:attribute"
        return None

    def __str__(self) -> str:
        return f"the {self.kind} {self.full_name}"


def all_plugins(kind: str | None = None) -> list[Plugin]:
    """Every plugin that may be used, of one kind or of all; the built-ins first, nothing is imported."""
    found = [p for each in GROUPS if kind in (None, each) for p in _plugins(each, _strangers_allowed())]
    return sorted(found, key=lambda p: (p.kind, not p.builtin, p.name, p.distribution))


def plugins_of(kind: str) -> tuple[Plugin, ...]:
    """The plugins of a kind, in no promised order; the very same tuple again while there are no others."""
    return _plugins(kind, _strangers_allowed())


def namesakes(plugin: Plugin) -> list[Plugin]:
    """The plugins of a plugin's kind and name, itself among them."""
    return list(_by_name(plugin.kind)[plugin.name])


def damaged() -> list[tuple[Installed, str]]:
    """What brings plugins that nobody can use, since its metadata are damaged, and how they are."""
    if not _strangers_allowed():
        return []
    out = [(each, each.problem) for each in _all_installed(True) if each.problem is not None]
    for each in _all_installed(True):
        nameless = [e.name for e in each.entry_points if not _NAME.fullmatch(e.name)]
        out += [(each, f"{name!r} is no name for a plugin") for name in nameless]
        groups = dict.fromkeys(e.group for e in each.entry_points)
        out += [(each, _no_group(group)) for group in groups if group not in GROUPS.values()]
    return out


def names(kind: str) -> list[str]:
    """The names that `load` accepts for a kind of plugin, sorted; nothing is imported.

    Args:
        kind: a key of `GROUPS`.

    Returns:
        Bare names where they are unambiguous, `distribution:name` for the others.
    """
    found = set()
    for name, mine in _by_name(kind).items():
        owner = _owner(mine)
        found |= {name if plugin is owner else plugin.full_name for plugin in mine}
    return sorted(found)


def known(kind: str, name: str) -> bool:
    """Whether a name, bare or full, means at least one plugin."""
    return bool(_named(kind, name))


def find(kind: str, name: str) -> Plugin:
    """The plugin behind a name, without importing it.

    Args:
        kind: a key of `GROUPS`.
        name: a bare name or `distribution:name`.

    Raises:
        PluginError: no plugin of that name (with the nearest that exists), or several.
    """
    named = _named(kind, name)
    if not named:
        raise PluginError(f"no {kind} named {name!r}{_suggestion(name, names(kind))}")
    owner = _owner(named)
    if owner is None:
        choices = ", ".join(sorted(p.full_name for p in named))
        a = "an" if kind.startswith("e") else "a"
        raise PluginError(f"several plugins bring {a} {kind} named {name!r}: choose one of {choices}")
    return owner


def load(kind: str, name: str) -> Any:
    """Import a plugin and return what its entry point names.

    What a stranger's module prints while it is imported goes to stderr: stdout belongs to the result.

    Args:
        kind: a key of `GROUPS`.
        name: a bare name or `distribution:name`.

    Raises:
        PluginError: the name is unknown or ambiguous, the plugin is made for another version of sketchkit, or
            the import failed, whatever it raised; names the distribution.
    """
    plugin = find(kind, name)
    if plugin.builtin:
        return plugin.entry_point.load()
    if plugin.problem is not None:
        raise PluginError(f"{plugin} cannot be loaded: {plugin.problem}")
    try:
        with _quiet_stdout():
            return plugin.entry_point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise whatever it likes, and must not end us
        raise PluginError(f"{plugin} cannot be loaded: {_in_a_line(error)}") from error


def suffixes_of(plugin: Any) -> tuple[str, ...]:
    """The suffixes that a format or a renderer says it answers to; none where it says nothing sensible."""
    suffixes = getattr(plugin, "suffixes", ())
    return tuple(s for s in suffixes if isinstance(s, str)) if isinstance(suffixes, tuple | list) else ()


def answering(kind: str, suffix: str, *, builtin: bool) -> Iterator[str]:
    """The names of the plugins that answer to a suffix; each that cannot be loaded is warned of.

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
        except PluginError as error:
            warn_of(find(kind, name), error)
            continue
        if suffix in suffixes:
            yield name


def warn_of(plugin: Plugin, error: Exception) -> None:
    """Say once in a process that a plugin is passed over, and why."""
    key = f"{plugin.kind} {plugin.full_name}"
    if key not in _warned:
        _warned.add(key)
        warnings.warn(str(error), PluginWarning, stacklevel=2)


@contextmanager
def blamed(plugin: Plugin) -> Iterator[None]:
    """Whatever fails inside is told as the failure of a stranger's plugin, by its full name.

    What it prints goes to stderr. Our own errors pass, for a plugin may raise them; so does what no plugin
    can help: Ctrl-C, memory that is at its end, and everything from a built-in, whose bugs are ours.

    Raises:
        PluginError: in one line.
    """
    try:
        with nullcontext() if plugin.builtin else _quiet_stdout():
            yield
    except (Exception, SystemExit) as error:
        helpless = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
        if plugin.builtin or helpless or isinstance(error, SketchkitError):
            raise
        raise PluginError(f"{plugin} failed: {_in_a_line(error)}") from error


def _no_group(group: str) -> str:
    near = difflib.get_close_matches(group, GROUPS.values(), n=1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(GROUPS.values())}"
    return f"there is no group {group!r} of entry points: {meant}"


@contextmanager
def _quiet_stdout() -> Iterator[None]:
    """Send to stderr what is printed, from however many threads at once: stdout belongs to the result."""
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


def _in_a_line(error: BaseException) -> str:
    return (f"{type(error).__name__}: {error}".splitlines() or [""])[0]


def _strangers_allowed() -> bool:
    """Whether the environment leaves others than the built-ins.

    Raises:
        InputError: it says neither yes nor no.
    """
    value = os.environ.get(STRANGERS_VARIABLE, "1")
    word = value.strip().lower()
    if word not in _YES + _NO:
        choices = ", ".join([*_YES, *_NO[1:]])
        raise InputError(f"{STRANGERS_VARIABLE} must be one of {choices}, or empty, got {value!r}")
    return word in _YES


@cache
def _all_installed(strangers: bool) -> tuple[Installed, ...]:
    # One scan serves all groups: it is what takes the time.
    return tuple(installed(installed_distributions(others=strangers)))


@cache
def _plugins(kind: str, strangers: bool) -> tuple[Plugin, ...]:
    unique: dict[str, Plugin] = {}
    for distribution in _all_installed(strangers):
        if not strangers and distribution.name != OWN_NAME:
            continue
        for entry_point in distribution.entry_points:
            # A name that the shell or `distribution:name` could not carry is none.
            if entry_point.group == GROUPS[kind] and _NAME.fullmatch(entry_point.name):
                plugin = Plugin(
                    kind,
                    entry_point.name,
                    distribution.name,
                    entry_point,
                    distribution.version,
                    distribution.requires,
                )
                unique.setdefault(plugin.full_name, plugin)
    return tuple(unique.values())


def _by_name(kind: str) -> dict[str, list[Plugin]]:
    """The plugins of a kind by their bare names, which several may have."""
    plugins = plugins_of(kind)
    known, index = _indices.get(kind, (None, {}))
    if known is not plugins:
        index = {}
        for plugin in plugins:
            index.setdefault(plugin.name, []).append(plugin)
        _indices[kind] = plugins, index
    return index


def _named(kind: str, name: str) -> list[Plugin]:
    """The plugins that a name, bare or full, may mean."""
    by_name = _by_name(kind)
    # The names of plugins hold no colon.
    return by_name.get(name) or [p for p in by_name.get(name.rpartition(":")[2], ()) if p.full_name == name]


def _owner(named: Sequence[Plugin]) -> Plugin | None:
    """The one that a name means which all of them have: the built-in, or the only one."""
    builtin = [p for p in named if p.builtin]
    if builtin:
        return builtin[0]
    return named[0] if len(named) == 1 else None


def _suggestion(name: str, known: list[str]) -> str:
    return f": {hint(name, known)}" if known else ": none is installed"
