"""The registry of plugins: entry points, listed without imports, loaded one at a time, isolated in failure.

Built-ins use the same groups as third-party plugins. A built-in owns its bare name; a bare name that two
third-party plugins share is an error that shows `dist:name`, which always works. A plugin is imported when it
is loaded, and a failing one costs a warning at most.
"""

from __future__ import annotations

import difflib
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from sketchkit.arguments import hint
from sketchkit.errors import InputError, PluginError, PluginWarning
from sketchkit.guard import attribute_errors, first_line, redirect_stdout
from sketchkit.installed import OWN_NAME, Installed, Plugin, installed_distributions, read_installed

__all__ = [
    "GROUPS",
    "PLUGINS_VARIABLE",
    "Plugin",
    "all_plugins",
    "attribute_errors",
    "damaged",
    "find",
    "find_duplicates",
    "known",
    "load",
    "make",
    "names",
    "plugins_for_suffix",
    "plugins_of",
    "suffixes_of",
    "warn_of",
]

#: The groups of entry points, by kind of plugin.
GROUPS = {
    "command": "sketchkit.commands",
    "engine": "sketchkit.engines",
    "exporter": "sketchkit.exporters",
    "format": "sketchkit.formats",
    "model": "sketchkit.models",
    "renderer": "sketchkit.renderers",
    "sampler": "sketchkit.samplers",
}
#: The environment variable that enables third-party plugins; empty and `0` disable them.
PLUGINS_VARIABLE = "SKETCHKIT_PLUGINS"
_YES, _NO = ("1", "yes", "true", "on"), ("", "0", "no", "false", "off")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
T = TypeVar("T")

_indices: dict[str, tuple[Sequence[Plugin], dict[str, list[Plugin]]]] = {}
_warned: set[str] = set()


def all_plugins(kind: str | None = None) -> list[Plugin]:
    """The enabled plugins of a kind or of all kinds, built-ins first; without imports."""
    found = [p for each in GROUPS if kind in (None, each) for p in _plugins(each, _allows_third_party())]
    return sorted(found, key=lambda p: (p.kind, not p.builtin, p.name, p.distribution))


def plugins_of(kind: str) -> tuple[Plugin, ...]:
    """The plugins of a kind in any order; the same tuple object until plugins change."""
    return _plugins(kind, _allows_third_party())


def find_duplicates(plugin: Plugin) -> list[Plugin]:
    """The plugins of the same kind and name, the plugin itself included."""
    return list(_by_name(plugin.kind)[plugin.name])


def damaged() -> list[tuple[Installed, str]]:
    """The distributions whose plugins are unusable since metadata are damaged, and the damage."""
    if not _allows_third_party():
        return []
    out = [(each, each.problem) for each in _all_installed(True) if each.problem is not None]
    for each in _all_installed(True):
        nameless = [e.name for e in each.entry_points if not _NAME.fullmatch(e.name)]
        out += [(each, f"{name!r} is an invalid name for a plugin") for name in nameless]
        groups = dict.fromkeys(e.group for e in each.entry_points)
        out += [(each, _describe_unknown(group)) for group in groups if group not in GROUPS.values()]
    return out


def names(kind: str) -> list[str]:
    """The names that `load` accepts for a kind of plugin, sorted; without imports.

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
    """Whether a bare or full name refers to at least one plugin."""
    return bool(_find_named(kind, name))


def find(kind: str, name: str) -> Plugin:
    """The plugin behind a name, without importing it.

    Args:
        kind: a key of `GROUPS`.
        name: a bare name or `distribution:name`.

    Raises:
        PluginError: an unknown name (with the nearest known one), or an ambiguous one.
    """
    named = _find_named(kind, name)
    if not named:
        raise PluginError(f"no {kind} named {name!r}{_suggestion(name, names(kind))}")
    owner = _owner(named)
    if owner is None:
        choices = ", ".join(sorted(p.full_name for p in named))
        a = "an" if kind.startswith("e") else "a"
        raise PluginError(f"several plugins bring {a} {kind} named {name!r}: choose one of {choices}")
    return owner


def load(kind: str, name: str) -> Any:
    """Import a plugin and return the object of its entry point.

    Output of a third-party module during its import goes to stderr: stdout belongs to the result.

    Args:
        kind: a key of `GROUPS`.
        name: a bare name or `distribution:name`.

    Raises:
        PluginError: the name is unknown or ambiguous, the plugin is made for another version of sketchkit, or
            the import raised an exception of any kind; the message names the distribution.
    """
    plugin = find(kind, name)
    if plugin.builtin:
        return plugin.entry_point.load()
    if plugin.problem is not None:
        raise PluginError(f"{plugin} cannot be loaded: {plugin.problem}")
    try:
        with redirect_stdout():
            return plugin.entry_point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # plugins raise exceptions of all kinds
        raise PluginError(f"{plugin} cannot be loaded: {first_line(error)}") from error


def make(
    kind: str,
    name: str,
    create: Callable[[Any], T],
    guard: Callable[[Plugin, T], Any],
    find_problem: Callable[[object], str | None] = lambda made: None,
) -> T:
    """An object of a plugin; that of a third party in a guard.

    Args:
        kind: a key of `GROUPS`.
        name: a bare name or `distribution:name`.
        create: makes the object from that of the entry point.
        guard: wraps objects of third parties; offers the same methods.
        find_problem: the reason, in a few words, why an object is not of the kind; None for one that is.

    Raises:
        PluginError: an unknown or invalid plugin, or an error while the object is made.
    """
    found, plugin = load(kind, name), find(kind, name)
    with attribute_errors(plugin):
        made = create(found)
    problem = find_problem(made)
    if problem is not None:
        raise PluginError(f"the {kind} {name!r} {problem}")
    return made if plugin.builtin else guard(plugin, made)


def suffixes_of(plugin: Any) -> tuple[str, ...]:
    """The suffixes of a format or renderer; empty for an invalid attribute."""
    suffixes = getattr(plugin, "suffixes", ())
    return tuple(s for s in suffixes if isinstance(s, str)) if isinstance(suffixes, tuple | list) else ()


def plugins_for_suffix(kind: str, suffix: str, *, builtin: bool) -> Iterator[str]:
    """The names of the plugins for a suffix; a plugin that cannot be loaded causes a warning.

    Args:
        kind: a key of `GROUPS`.
        suffix: lower case, with its dot.
        builtin: whether built-in or third-party plugins are searched.

    Yields:
        First the plugin that is named like the suffix, so that usually a single one is imported.
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
    """Warn once in a process that a plugin is skipped, with the reason."""
    key = f"{plugin.kind} {plugin.full_name}"
    if key not in _warned:
        _warned.add(key)
        warnings.warn(str(error), PluginWarning, stacklevel=2)


def _describe_unknown(group: str) -> str:
    near = difflib.get_close_matches(group, GROUPS.values(), n=1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(GROUPS.values())}"
    return f"there is no group {group!r} of entry points: {meant}"


def _allows_third_party() -> bool:
    """Whether the environment enables third-party plugins.

    Raises:
        InputError: an invalid value.
    """
    value = os.environ.get(PLUGINS_VARIABLE, "1")
    word = value.strip().lower()
    if word not in _YES + _NO:
        choices = ", ".join([*_YES, *_NO[1:]])
        raise InputError(f"{PLUGINS_VARIABLE} must be one of {choices}, or empty, got {value!r}")
    return word in _YES


@cache
def _all_installed(third_party: bool) -> tuple[Installed, ...]:
    # One scan serves all groups: it is what takes the time.
    return tuple(read_installed(installed_distributions(others=third_party)))


@cache
def _plugins(kind: str, third_party: bool) -> tuple[Plugin, ...]:
    unique: dict[str, Plugin] = {}
    for distribution in _all_installed(third_party):
        if not third_party and distribution.name != OWN_NAME:
            continue
        for entry_point in distribution.entry_points:
            # The shell and `distribution:name` must be able to carry a name.
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
    """The plugins of a kind by their bare names."""
    plugins = plugins_of(kind)
    known, index = _indices.get(kind, (None, {}))
    if known is not plugins:
        index = {}
        for plugin in plugins:
            index.setdefault(plugin.name, []).append(plugin)
        _indices[kind] = plugins, index
    return index


def _find_named(kind: str, name: str) -> list[Plugin]:
    by_name = _by_name(kind)
    # The names of plugins hold no colon.
    return by_name.get(name) or [p for p in by_name.get(name.rpartition(":")[2], ()) if p.full_name == name]


def _owner(named: Sequence[Plugin]) -> Plugin | None:
    """The plugin that owns a shared bare name: the built-in, or the single plugin; None for several."""
    builtin = [p for p in named if p.builtin]
    if builtin:
        return builtin[0]
    return named[0] if len(named) == 1 else None


def _suggestion(name: str, known: list[str]) -> str:
    return f": {hint(name, known)}" if known else ": none is installed"
