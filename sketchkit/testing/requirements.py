"""What a distribution says that it needs, and whether it is there."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

__all__ = ["missing"]


def missing(requires: Iterable[str], extras: frozenset[str] = frozenset()) -> list[str]:
    """The requirements that are not met, a sentence each.

    Args:
        requires: requirements, a line each, as in a distribution's metadata; those for another system, or for
            an extra that is not asked for, do not count.
        extras: of the distribution that are asked for.
    """
    return list(dict.fromkeys(_missing(requires, extras, set())))


def _missing(requires: Iterable[str], extras: frozenset[str], seen: set[str]) -> Iterable[str]:
    for line in requires:
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            yield f"its requirement {line!r} is none: write it as in 'numpy>=2'"
            continue
        if str(wanted) in seen or not _counts(wanted, extras):
            continue
        seen.add(str(wanted))
        yield from _unmet(wanted, seen)


def _counts(wanted: Requirement, extras: frozenset[str]) -> bool:
    if wanted.marker is None:
        return True
    return any(wanted.marker.evaluate({"extra": extra}) for extra in extras or {""})


def _unmet(wanted: Requirement, seen: set[str]) -> Iterable[str]:
    plain = f"{wanted.name}{wanted.specifier}"
    try:
        found = distribution(wanted.name)
    except PackageNotFoundError:
        yield f"it needs {plain}, which is not installed: pip install '{plain}'"
        return
    if not wanted.specifier.contains(found.version, prereleases=True):
        yield f"it needs {plain}, and {found.version} is installed: pip install '{plain}'"
    if wanted.extras:
        # Of the other distribution only what the extras add: its own needs are its own affair.
        extras = frozenset(canonicalize_name(extra) for extra in wanted.extras)
        added = [line for line in found.requires or () if "extra" in line]
        yield from _missing(added, extras, seen)
