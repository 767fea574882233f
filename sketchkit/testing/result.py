"""The check of an installed plugin and its result; and plugins as their authors pass them to a check.

An author passes a name, a class or an object, which `make_plugin` resolves into an object to try.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from sketchkit import options, registry
from sketchkit.errors import SketchkitError
from sketchkit.formats.streams import suffix_of
from sketchkit.testing.faults import CheckFailed, Faults, capture_stdout, in_a_line

__all__ = [
    "CheckResult",
    "Entry",
    "Subject",
    "check_suffixes",
    "find_unmet",
    "load_plugin",
    "make_plugin",
    "run_check",
]


@dataclass(frozen=True)
class CheckResult:
    """The result of a check.

    Args:
        kind: of the plugin, a key of `sketchkit.registry.GROUPS`.
        name: `distribution:name`.
        faults: one sentence each.
    """

    kind: str
    name: str
    faults: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`works` or `broken`."""
        return "broken" if self.faults else "works"

    @property
    def reason(self) -> str | None:
        """The first fault."""
        return self.faults[0] if self.faults else None

    def to_json(self) -> dict[str, Any]:
        """All fields and properties as JSON values."""
        return {**asdict(self), "faults": list(self.faults), "state": self.state, "reason": self.reason}


def run_check(plugin: registry.Plugin) -> CheckResult:
    """Import a plugin by its entry point and try it.

    A plugin that ends the process or blocks gives a result only from outside: run `python -m
    sketchkit.testing` in a process of its own for third-party plugins.

    Args:
        plugin: of any kind.

    Returns:
        `broken` for metadata that rule the plugin out, missing requirements, an import that fails or prints,
        the wrong type, and every fault that the check of its kind finds.
    """
    return CheckResult(plugin.kind, plugin.full_name, tuple(_find_faults(plugin)))


def _find_faults(plugin: registry.Plugin) -> list[str]:
    if plugin.problem is not None:
        return [plugin.problem]
    if unmet := find_unmet(plugin.requires):
        return unmet
    faults: list[str] = []
    found = _run_captured("when it is imported", plugin.entry_point.load, faults)
    if not faults:
        check = getattr(importlib.import_module("sketchkit.testing"), f"check_{plugin.kind}")
        # A built-in engine compiles a step per model, which takes long; its own tests try them all.
        more = {"few": True} if plugin.kind == "engine" and plugin.builtin else {}
        _run_captured("while it works", lambda: check(Entry(plugin.name, found), **more), faults)
    return faults


def _run_captured(situation: str, run: Callable[[], Any], faults: list[str]) -> Any:
    """Run a function; add its exceptions and its output to the faults."""
    result = None
    with capture_stdout() as read_output:
        try:
            result = run()
        except KeyboardInterrupt:
            raise
        except CheckFailed as failed:
            faults.extend(failed.faults)
        except BaseException as error:  # plugins raise exceptions of all kinds
            faults.append(in_a_line(error))
    if text := read_output().strip():
        first = text.splitlines()[0][:60]
        faults.append(f"it prints {first!r} {situation}: print to stderr, since stdout belongs to the result")
    return result


def find_unmet(requires: Iterable[str], extras: frozenset[str] = frozenset()) -> list[str]:
    """The requirements that are missing, one sentence each.

    Args:
        requires: one requirement a line, as in a distribution's metadata; those for another system or for an
            extra outside `extras` are skipped.
        extras: of the distribution.
    """
    return list(dict.fromkeys(_iterate_unmet(requires, extras, set())))


def _iterate_unmet(requires: Iterable[str], extras: frozenset[str], seen: set[str]) -> Iterable[str]:
    for line in requires:
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            yield f"its requirement {line!r} is invalid: write it as in 'numpy>=2'"
            continue
        if str(wanted) not in seen and _applies(wanted, extras):
            seen.add(str(wanted))
            yield from _check_installed(wanted, seen)


def _applies(wanted: Requirement, extras: frozenset[str]) -> bool:
    marker = wanted.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


def _check_installed(wanted: Requirement, seen: set[str]) -> Iterable[str]:
    plain = f"{wanted.name}{wanted.specifier}"
    try:
        found = distribution(wanted.name)
    except PackageNotFoundError:
        yield f"it needs {plain}, which is not installed: pip install '{plain}'"
        return
    if not wanted.specifier.contains(found.version, prereleases=True):
        yield f"it needs {plain}, and {found.version} is installed: pip install '{plain}'"
    if wanted.extras:
        # Only the additions of its extras: the distribution's own requirements are checked by its own check.
        extras = frozenset(canonicalize_name(extra) for extra in wanted.extras)
        yield from _iterate_unmet((line for line in found.requires or () if "extra" in line), extras, seen)


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
