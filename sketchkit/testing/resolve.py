"""A plugin as its author passes it (a name, a class or an object), resolved into an object to try."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sketchkit import options, registry
from sketchkit.errors import SketchkitError
from sketchkit.formats.streams import suffix_of
from sketchkit.testing.faults import Faults, in_a_line

__all__ = ["Entry", "Subject", "check_suffixes", "load_plugin", "make_plugin"]


@dataclass(frozen=True)
class Entry:
    """An entry point that has been imported: its name, and the object that it refers to."""

    name: str
    found: Any


@dataclass(frozen=True)
class Subject:
    """A plugin to try.

    Args:
        made: an object.
        cls: its class.
        given: whether the author passed the object itself, with options of their choice.
    """

    made: Any
    cls: Any
    given: bool

    def variants(self, faults: Faults) -> Iterator[tuple[str, Any]]:
        """The class made with each option at the ends of its range, and with each of its choices.

        Yields:
            A situation such as "with k=2", and the object.
        """
        for info in [] if self.given else options.describe(self.cls):
            for value in (info.low, info.high, *info.choices):
                if value is None:
                    continue
                situation = f"with {info.name}={value if isinstance(value, str) else format(value, 'g')}"
                advice = "accept every value in the option's range, or narrow the range"
                made = None
                with faults.during("options at their ends", f"when it is made {situation}", advice):
                    made = options.create(self.cls, "the plugin", {info.name: value})
                if made is not None:
                    yield situation, made


def load_plugin(kind: str, plugin: Any, faults: Faults) -> Any:
    """The object behind the name of a plugin; a plugin that is given otherwise comes back as it is.

    Raises:
        PluginError: an unknown or ambiguous name.
    """
    if isinstance(plugin, Entry):
        return plugin.found
    if not isinstance(plugin, str):
        return plugin
    registry.find(kind, plugin)
    with faults.during("importable", "when it is imported", "make the module importable by itself"):
        return registry.load(kind, plugin)
    faults.stop_if_any()


def make_plugin(kind: str, plugin: Any, faults: Faults, *, with_options: bool = True) -> Subject:
    """A plugin as an object, made with the defaults of its options.

    Args:
        kind: a key of `sketchkit.registry.GROUPS`.
        plugin: a name as registered, a class, or an object.
        faults: receives the faults.
        with_options: whether the fields of the class are options.

    Raises:
        PluginError: an unknown or ambiguous name.
    """
    found = load_plugin(kind, plugin, faults)
    given = not isinstance(plugin, str | type | Entry)
    problem = f"it is a {type(found).__name__}, not a class"
    faults.require(given or callable(found), "makeable", f"{problem}: name the class instead")
    if with_options:
        _check_options(type(found) if given else found, faults)
    subject = Subject(found, type(found), given=True)
    if not given:
        faults.stop_if_any()
        with faults.during("makeable", "when it is made without options", "give every argument a default"):
            made = options.create(found, f"the {kind}", {}) if with_options else found()
            subject = Subject(made, found, given=False)
        faults.stop_if_any()
    return subject


def check_suffixes(cls: Any, faults: Faults) -> None:
    """Check that files can be recognised by the suffixes of a class."""
    suffixes = getattr(cls, "suffixes", None)
    if not isinstance(suffixes, tuple) or not suffixes:
        faults.add("suffixes", f'its suffixes are {suffixes!r}: list them in a tuple, such as (".xyz",)')
        return
    for suffix in suffixes:
        if not isinstance(suffix, str) or not _is_suffix(suffix):
            faults.add("suffixes", f"{suffix!r} is an invalid suffix: write it in lower case, such as .xyz")


def _is_suffix(suffix: str) -> bool:
    whole = len(suffix) > 1 and suffix.isprintable() and not set(suffix) & set("/\\ ")
    return whole and suffix == suffix.lower() and suffix_of(f"name{suffix}") == suffix


def _check_options(cls: Any, faults: Faults) -> None:
    advice = "annotate each field with a type that the module knows"
    with faults.during("options described", "when its options are described", advice):
        for info in options.describe(cls):
            _check_option(cls, info, faults)


def _check_option(cls: Any, info: options.OptionInfo, faults: Faults) -> None:
    field = next(each for each in dataclasses.fields(cls) if each.name == info.name)
    if field.default is dataclasses.MISSING:
        if field.default_factory is dataclasses.MISSING:
            faults.add(
                "defaults", f"the option {info.name!r} lacks a default: write it as option(default, help)"
            )
        return
    try:
        options.check(info, info.default, "the plugin")
    except (SketchkitError, TypeError) as error:
        problem = f"the default {info.default!r} of the option {info.name!r} is refused ({in_a_line(error)})"
        faults.add("defaults fit", f"{problem}: make it fit the option's type and range", error)
