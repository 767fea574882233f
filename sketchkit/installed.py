"""The plugins of installed distributions, read from their metadata without imports.

Metadata are third-party text: damage to those of one distribution is reported and leaves the others intact.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import Distribution, EntryPoint, distributions
from io import TextIOWrapper
from typing import Any

from sketchkit._version import __version__
from sketchkit.files import open_file, reason

__all__ = ["OWN_NAME", "Installed", "Plugin", "find_misfit", "installed_distributions", "read_installed"]

#: The distribution of the built-ins.
OWN_NAME = "sketchkit"

#: The prefix of the groups of entry points.
GROUP_PREFIX = "sketchkit."
#: The longest list of entry points that is read.
_MAX_CHARACTERS, _MAX_ENTRY_POINTS = 1_000_000, 1_000
#: Far more than environments have; reading so many takes seconds.
_MAX_DISTRIBUTIONS = 10_000
_SPACES = re.compile(r"[-_.]+")
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?$")
_AT_LEAST = re.compile(r"^>=\s*(\d+(?:\.\d+)*)$")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\s*:\s*[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\s*(\[.*\])?")
_NUMBERS = re.compile(r"^\d+(?:\.\d+)*$")


@dataclass(frozen=True)
class Installed:
    """A distribution with plugins.

    Args:
        name: of the distribution.
        version: empty where it is missing.
        requires: its requirements, a line each.
        entry_points: in the groups whose name begins with `GROUP_PREFIX`.
        problem: of its metadata, in a few words; None for valid metadata.
    """

    name: str
    version: str
    requires: tuple[str, ...]
    entry_points: tuple[EntryPoint, ...]
    problem: str | None = None


@dataclass(frozen=True)
class Plugin:
    """An entry point and the distribution that publishes it.

    Args:
        kind: a key of `sketchkit.registry.GROUPS`.
        name: of the entry point.
        distribution: its name.
        entry_point: the entry point itself.
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
        """Whether sketchkit itself publishes it."""
        return self.distribution == OWN_NAME

    @property
    def full_name(self) -> str:
        """`distribution:name`, which is unique."""
        return f"{self.distribution}:{self.name}"

    @cached_property
    def problem(self) -> str | None:
        """The reason in its metadata that rules it out; None for a plugin that can be tried."""
        if self.builtin:
            return None
        unmet = find_misfit(self.requires, OWN_NAME, __version__)
        if unmet is not None:
            return unmet
        if not _TARGET.fullmatch(self.entry_point.value):
            return f"its entry point is {self.entry_point.value!r}, which is not of the form module:attribute"
        return None

    def __str__(self) -> str:
        return f"the {self.kind} {self.full_name}"


def installed_distributions(*, others: bool = True) -> Iterator[Distribution]:
    """The distributions: sketchkit's own, then all in the order of `sys.path`.

    Args:
        others: whether to include them; otherwise only files of sketchkit are opened.
    """
    # A pipe on the path would be taken for an archive and block.
    path = [each for each in sys.path if os.path.isdir(each or ".") or os.path.isfile(each)]
    yield from distributions(path=path, name=OWN_NAME)
    if others:
        yield from distributions(path=path)


def read_installed(found: Iterable[Distribution]) -> list[Installed]:
    """The distributions with plugins, up to a limit.

    Args:
        found: to read; of two with one name the first counts, as on import.
    """
    unique: dict[str, list[Installed]] = {}
    for number, distribution in enumerate(found):
        if number == _MAX_DISTRIBUTIONS:
            problem = f"there are more distributions than {_MAX_DISTRIBUTIONS}: the others are skipped"
            unique["\0"] = [Installed("sys.path", "", (), (), problem)]
            break
        described = _describe(distribution)
        if described is not None:
            unique.setdefault(_SPACES.sub("-", described.name).lower(), []).append(described)
    own = _separate_own(unique.pop(OWN_NAME, []))
    return own + [several[0] for several in unique.values()]


def _separate_own(several: list[Installed]) -> list[Installed]:
    """Sketchkit itself, of this version and with the most plugins, then others of its name, as damaged."""
    if not several:
        return []
    own = max(several, key=lambda each: (each.version == __version__, len(each.entry_points)))
    others = [each for each in several if each is not own and each.entry_points != own.entry_points]
    trouble = "it is named like sketchkit itself"
    return [replace(own, name=OWN_NAME)] + [replace(o, entry_points=(), problem=trouble) for o in others]


def find_misfit(requires: Iterable[str], name: str, version: str) -> str | None:
    """The first requirement that a version of a package violates, in a few words; None where it meets all.

    Args:
        requires: requirements, a line each, as in a distribution's metadata.
        name: of the package, in lower case.
        version: that is installed.
    """
    for line in requires:
        match = _REQUIREMENT.match(line)
        if match is None or _SPACES.sub("-", match[1]).lower() != name:
            continue
        wanted, said = match[3].strip(), f"{match[1]}{match[3].strip()}"
        # A URL is silent about versions, and a condition may be false here.
        if not wanted or wanted.startswith("@") or match[4]:
            continue
        try:
            if not _meets(version, wanted):
                return f"it needs {said}, and this is {version}"
        except ValueError:
            return f"its requirement {said!r} cannot be read"
    return None


def _meets(version: str, wanted: str) -> bool:
    """Whether a version is among those wanted; `ValueError` for unreadable specifiers."""
    simple = _AT_LEAST.match(wanted)
    if simple and _NUMBERS.match(version):
        # The usual case, without the 30 ms that importing packaging takes.
        return _release(version) >= _release(simple[1])
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def _release(version: str) -> list[int]:
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def _describe(distribution: Distribution) -> Installed | None:
    """The plugins of a distribution; None for a distribution without them."""
    name, problem = "unknown", None
    try:
        text = _read_text(distribution, "entry_points.txt")
        if GROUP_PREFIX not in text:
            return None
        name, version, requires = _read_header(distribution)
        if not name:
            name, problem = _folder_name(distribution), "its metadata have no name"
    except Exception as error:  # files may hold anything
        problem = f"its metadata cannot be read: {reason(error)}"
        return Installed(_folder_name(distribution), "", (), (), problem)
    try:
        return Installed(name, version, requires, _entry_points(text), problem)
    except (configparser.Error, ValueError) as error:
        said = str(error).splitlines()[0]
        return Installed(name, version, requires, (), f"its entry_points.txt cannot be read: {said}")


def _read_header(distribution: Distribution) -> tuple[str, str, tuple[str, ...]]:
    """Name, version and requirements, from the head of the metadata."""
    text = _read_text(distribution, "METADATA") or _read_text(distribution, "PKG-INFO")
    name, version, requires = "", "", list[str]()
    for line in text.split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        match key.lower():
            case "name":
                name = value.strip()
            case "version":
                version = value.strip()
            case "requires-dist":
                requires.append(value.strip())
    return name, version, tuple(requires)


def _read_text(distribution: Distribution, name: str) -> str:
    """A file of the metadata, at most a character more than the limit; empty where it is missing.

    Raises:
        OSError: it is another kind of file, or unreadable.
        UnicodeDecodeError: it is not text.
    """
    folder: Any = getattr(distribution, "_path", None)  # on disk, or in an archive
    if folder is None:
        return distribution.read_text(name) or ""
    try:
        place = folder / name
        stream = open_file(place) if isinstance(place, os.PathLike) else place.open("rb")
        with TextIOWrapper(stream, "utf-8") as text:
            return text.read(_MAX_CHARACTERS + 1)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError, KeyError):
        return ""


def _folder_name(distribution: Distribution) -> str:
    """A substitute for a missing name: that of the folder of the metadata."""
    path = getattr(distribution, "_path", None)
    return str(getattr(path, "name", "unknown")).split("-")[0].removesuffix(".dist") or "unknown"


def _entry_points(text: str) -> tuple[EntryPoint, ...]:
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"longer than {_MAX_CHARACTERS} characters")
    parser = configparser.ConfigParser(
        delimiters=("=",),
        comment_prefixes=("#",),
        interpolation=None,
        strict=False,
        default_section="\0",  # which would apply to all sections
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    entries = tuple(
        EntryPoint(name, value, group)
        for group in parser.sections()
        if group.startswith(GROUP_PREFIX)
        for name, value in parser.items(group)
    )
    if len(entries) > _MAX_ENTRY_POINTS:
        raise ValueError(f"it names {len(entries)} plugins, the limit is {_MAX_ENTRY_POINTS}")
    return entries
