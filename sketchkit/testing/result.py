"""The check of an installed plugin, and its result."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from sketchkit import registry
from sketchkit.testing.capture import capture_stdout
from sketchkit.testing.faults import CheckFailed, in_a_line
from sketchkit.testing.resolve import Entry

__all__ = ["CheckResult", "find_unmet", "run_check"]


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
