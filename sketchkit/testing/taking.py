"""A plugin as its author hands it over (a name, a class, an object) turned into something to try."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sketchkit import options, registry
from sketchkit.errors import SketchkitError
from sketchkit.formats.streams import suffix_of
from sketchkit.testing.faults import Faults, in_a_line

__all__ = ["Entry", "Taken", "check_suffixes", "loaded", "taken", "variants"]


@dataclass(frozen=True)
class Entry:
    """What an entry point names, imported already.

    Args:
        name: of the entry point.
        found: what it names.
    """

    name: str
    found: Any


@dataclass(frozen=True)
class Taken:
    """A plugin to try.

    Args:
        made: an object.
        cls: its class.
        given: whether the author handed over the object himself, with options of his choice.
    """

    made: Any
    cls: Any
    given: bool


def loaded(kind: str, plugin: Any, faults: Faults) -> Any:
    """What an entry point names, where the plugin is given by its name; else the plugin itself.

    Raises:
        PluginError: no plugin of that name, or several.
    """
    if isinstance(plugin, Entry):
        return plugin.found
    if not isinstance(plugin, str):
        return plugin
    registry.find(kind, plugin)
    with faults.during("importable", "when it is imported", "make the module importable by itself"):
        return registry.load(kind, plugin)
    return None


def taken(kind: str, plugin: Any, faults: Faults) -> Taken | None:
    """The plugin as an object, made with the defaults of its options; None where that fails.

    Raises:
        PluginError: no plugin of that name, or several.
    """
    found = loaded(kind, plugin, faults)
    if found is None:
        return None
    if not isinstance(plugin, str | type | Entry):
        _check_options(type(found), faults)
        return Taken(found, type(found), given=True)
    if not callable(found):
        kind_of = type(found).__name__
        faults.add("makeable", f"it is an object of the type {kind_of}, not a class: name the class instead")
        return None
    _check_options(found, faults)
    if len(faults):
        return None
    advice = "give every argument of the class a default"
    with faults.during("makeable", "when it is made without options", advice):
        return Taken(options.create(found, f"the {kind}", {}), found, given=False)
    return None


def variants(cls: Any, faults: Faults) -> Iterator[tuple[str, Any]]:
    """The plugin made with each option at the ends of its range, and with each of its choices.

    Yields:
        Which option has which value, and the object.
    """
    for info in options.describe(cls):
        for value in (info.low, info.high, *info.choices):
            if value is None:
                continue
            shown = f"{info.name}={value}" if isinstance(value, str) else f"{info.name}={value:g}"
            made = None
            advice = "take every value that the option's range allows, or make the range narrower"
            with faults.during("options at their ends", f"when it is made with {shown}", advice):
                made = options.create(cls, "the plugin", {info.name: value})
            if made is not None:
                yield shown, made


def check_suffixes(cls: Any, faults: Faults) -> None:
    """The suffixes must be such as a file's name can end in."""
    suffixes = getattr(cls, "suffixes", None)
    example = 'such as suffixes = (".xyz",)'
    if not isinstance(suffixes, tuple) or not suffixes:
        faults.add("suffixes", f"its suffixes are {suffixes!r}: name them in a tuple of the class, {example}")
        return
    for suffix in suffixes:
        if not isinstance(suffix, str) or not _is_suffix(suffix):
            faults.add(
                "suffixes",
                f"{suffix!r} is no suffix that a file's name is told by: write it in lower case with one dot "
                f"in front, {example}",
            )


def _is_suffix(suffix: str) -> bool:
    whole = len(suffix) > 1 and suffix.isprintable() and not set(suffix) & set("/\\ ")
    return whole and suffix == suffix.lower() and suffix_of(f"name{suffix}") == suffix


def _check_options(cls: Any, faults: Faults) -> None:
    advice = "annotate each field with a type that the module knows"
    with faults.during("options described", "when its options are described", advice):
        infos = options.describe(cls)
        for info in infos:
            _check_option(cls, info, faults)


def _check_option(cls: Any, info: options.OptionInfo, faults: Faults) -> None:
    field = next(each for each in dataclasses.fields(cls) if each.name == info.name)
    if field.default is dataclasses.MISSING:
        if field.default_factory is dataclasses.MISSING:
            example = f"{info.name}: {info.type.__name__} = option(..., 'what it is')"
            faults.add("defaults", f"the option {info.name!r} has no default: give it one, {example}")
        return
    try:
        options.check(info, info.default, "the plugin")
    except (SketchkitError, TypeError) as error:
        faults.add(
            "defaults fit",
            f"the default of the option {info.name!r} is {info.default!r}, which is refused "
            f"({in_a_line(error)}): make the default fit the option's type and range",
            error,
        )
