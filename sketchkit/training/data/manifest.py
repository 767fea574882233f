"""The folder of a data set, and its description `manifest.json`.

The folder takes its name when it is complete. The description is written last, and checked when it is read.
"""

from __future__ import annotations

import math
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sketchkit.errors import FormatError, InputError
from sketchkit.files import checksum_of, read_file, reason, shown

__all__ = [
    "ARRAYS",
    "FILE_NAME",
    "SPLITS",
    "ArrayInfo",
    "Manifest",
    "array_path",
    "atomic_folder",
    "data_folder",
    "find",
    "list_datasets",
    "read_manifest",
]

FILE_NAME = "manifest.json"
FORMAT, FORMAT_VERSION = "sketchkit-data", 1
#: The splits, in the order in which they are made and shown.
SPLITS = ("train", "valid", "test")
#: The arrays of a split, and the types of number that each may be made of; the first is the usual one.
ARRAYS: Mapping[str, tuple[str, ...]] = {
    "offsets": ("<i2", "<f4"),  # [points, 2]: dx, dy in pixels of the training data
    "lifts": ("|u1",),  # [points]: 1 where the pen lifts after the point
    "bounds": ("<i8",),  # [drawings + 1]: where a drawing's points begin, and the last one's end
    "labels": ("<u2",),  # [drawings]: an index into the table of classes
    "keys": ("<u8",),  # [drawings]: the hash of the drawing's own identifier, 0 where it has none
}
#: Limits of what labels can number, and of names.
MAX_CLASSES, MAX_CLASS_NAME = 65_535, 200
#: A table of 65,535 long names and the rest of it.
MAX_BYTES = 32 << 20


def array_path(folder: Path, split: str, kind: str) -> Path:
    """The file of one array."""
    return folder / f"{split}.{kind}"


@dataclass(frozen=True)
class ArrayInfo:
    """One array: its type of number, how many there are, and the BLAKE2b checksum of its bytes."""

    dtype: str
    count: int
    blake2b: str

    @property
    def nbytes(self) -> int:
        """The size of its file."""
        return self.count * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class SplitInfo:
    """One split: how many drawings, how many stored rows, how many drawings of each class, and its arrays."""

    drawings: int
    points: int
    per_class: tuple[int, ...]
    arrays: Mapping[str, ArrayInfo]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that is known of a data set before its drawings are read.

    Args:
        classes: the names, sorted; labels index them.
        scale_factor: the standard deviation of the training offsets, in pixels.
        read: how many drawings the sources held.
        dropped: how many of them were left out, by reason.
        left_out: how many things of each kind the strokes of SVG files leave out, such as texts.
        length_counts: how many drawings have 0, 1, 2... rows, their end row included.
        recipe: how it was made, as JSON values.
        sources: the files it was made from, by name alone.
        n_sources: how many there were; `sources` names the first thousand.
        splits: by name.
        fingerprint: a checksum of all of this, and so of all the data; the same set has the same.
    """

    # The fields stand in the order of the file.
    classes: tuple[str, ...]
    scale_factor: float
    read: int
    dropped: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)
    length_counts: tuple[int, ...]
    recipe: Mapping[str, Any]
    sources: tuple[str, ...]
    n_sources: int
    splits: Mapping[str, SplitInfo]
    fingerprint: str = field(default="", compare=False)

    @property
    def drawings(self) -> int:
        """How many drawings it holds, in all splits."""
        return sum(split.drawings for split in self.splits.values())

    @property
    def max_length(self) -> int:
        """The rows of the longest drawing, its end row included: the paper's Nmax."""
        return len(self.length_counts) - 1

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON values."""
        import orjson

        values: dict[str, Any] = orjson.loads(self.to_bytes())
        return values

    def to_bytes(self) -> bytes:
        """The manifest as its file holds it."""
        import orjson

        counts = {"max_length": self.max_length, "drawings": self.drawings}
        first = {"classes": self.classes, "scale_factor": self.scale_factor, **counts}
        values = {"format": FORMAT, "version": FORMAT_VERSION, **first, **vars(self)}
        del values["fingerprint"]
        if not self.left_out:
            del values["left_out"]
        return orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a data set.

    Args:
        folder: of the data set.

    Raises:
        InputError: there is no data set.
        FormatError: damaged, of another version, or absurd; one line.
    """
    path = folder / FILE_NAME
    try:
        return _parse_manifest(read_file(path, MAX_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        fault = "holds no data set" if folder.is_dir() else "no such folder"
        raise InputError(f"{shown(folder)}: {fault}: `sketchkit data prepare` makes one") from None
    except OSError as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error
    except ValueError as error:
        raise FormatError(f"{shown(path)}: not the manifest of a data set: {error}") from error
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        fault = "an entry is missing or of another type"
        raise FormatError(f"{shown(path)}: not the manifest of a data set: {fault}") from error


def _parse_manifest(content: bytes) -> Manifest:
    import orjson

    values = orjson.loads(content)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    if values.get("version") != FORMAT_VERSION:
        raise ValueError(f"version {values.get('version')!r}; this sketchkit reads version {FORMAT_VERSION}")
    classes = tuple(values["classes"])
    if len(classes) > MAX_CLASSES or not all(isinstance(name, str) for name in classes):
        raise ValueError("the classes are no table of names")
    scale = float(values["scale_factor"])
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"the scale factor must be above 0, got {scale:g}")
    manifest = Manifest(
        classes=classes,
        scale_factor=scale,
        splits={name: _parse_split(values["splits"][name], name, len(classes)) for name in SPLITS},
        length_counts=tuple(map(_parse_count, values["length_counts"])),
        recipe=dict(values["recipe"]),
        sources=tuple(map(str, values["sources"])),
        n_sources=_parse_count(values["n_sources"]),
        read=_parse_count(values["read"]),
        dropped=_parse_counts(values["dropped"]),
        left_out=_parse_counts(values.get("left_out", {})),
        fingerprint=checksum_of(content),
    )
    if sum(manifest.length_counts) != manifest.drawings:
        raise ValueError("the lengths do not add up to the drawings")
    return manifest


def _parse_split(values: Any, name: str, n_classes: int) -> SplitInfo:
    per_class = tuple(map(_parse_count, values["per_class"]))
    n, points = _parse_count(values["drawings"]), _parse_count(values["points"])
    if len(per_class) != n_classes or sum(per_class) != n:
        raise ValueError(f"the classes of {name} do not add up to its drawings")
    arrays = {kind: _parse_array(values["arrays"][kind], kind) for kind in ARRAYS}
    for kind, count in zip(ARRAYS, (2 * points, points, n + 1, n, n), strict=True):
        if arrays[kind].count != count:
            raise ValueError(f"the {kind} of {name} do not fit its drawings")
    return SplitInfo(n, points, per_class, arrays)


def _parse_array(values: Any, kind: str) -> ArrayInfo:
    dtype, checksum = values["dtype"], values["blake2b"]
    if dtype not in ARRAYS[kind] or not isinstance(checksum, str):
        raise ValueError(f"the {kind} are of the unknown type {dtype!r}")
    return ArrayInfo(dtype, _parse_count(values["count"]), checksum)


def _parse_counts(values: Any) -> dict[str, int]:
    return {str(name): _parse_count(count) for name, count in values.items()}


def _parse_count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**48:
        raise ValueError(f"{value!r} is no number of things")
    return value


DATA_DIR_VARIABLE = "SKETCHKIT_DATA_DIR"
_NAME = re.compile(r"[^./\\\0][^/\\\0]{0,199}")


@contextmanager
def atomic_folder(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Make a data set's folder that appears only when it is complete.

    It is filled under a hidden name beside its place. An interruption, Ctrl-C included, removes it and leaves
    a data set of that name as it was.

    Args:
        path: the folder to be.
        overwrite: whether a data set of that name may be replaced; all other files and folders stay.

    Yields:
        The folder to fill.

    Raises:
        InputError: the name is taken, the folder around it is missing, or the disk is full.
    """
    target, name = Path(os.path.realpath(path)), shown(path)
    _check_free(target, name, overwrite)
    temporary = target.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        temporary.mkdir()
        yield temporary
        _check_free(target, name, overwrite)  # another program may have taken the name by now
        _place(temporary, target)
    except OSError as error:
        if error.filename is not None and not Path(os.fsdecode(error.filename)).is_relative_to(temporary):
            raise
        raise InputError(f"{name}: {reason(error)}") from error
    finally:
        _remove(temporary)


def _check_free(target: Path, name: str, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise InputError(f"{name}: there is no folder {shown(target.parent)}")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{name}: the folder {shown(target.parent)} cannot be written to")
    is_empty_folder = target.is_dir() and not any(target.iterdir())
    if is_empty_folder or not os.path.lexists(target):
        return
    if not (target / FILE_NAME).is_file():
        raise InputError(f"{name}: exists and is no data set, so it is not replaced")
    if not overwrite:
        raise InputError(f"{name}: the data set exists already; --force replaces it")


def _place(temporary: Path, target: Path) -> None:
    """Give the folder its name; a folder that had it is removed only after that."""
    if not os.path.lexists(target):
        os.rename(temporary, target)
        return
    old = target.parent / f".{secrets.token_hex(8)}.old"
    os.rename(target, old)
    try:
        os.rename(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.rename(old, target)
        raise
    _remove(old)


def _remove(folder: Path) -> None:
    """Remove a folder, also when a signal comes meanwhile."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def data_folder() -> Path:
    """The user's folder of data sets and downloads, which may be missing."""
    # Imported here, and the variable read here, so that a user's setting may come late.
    from platformdirs import user_data_path

    chosen = os.environ.get(DATA_DIR_VARIABLE)
    return (Path(chosen) if chosen else user_data_path("sketchkit", appauthor=False)) / "data"


def find(name: str) -> Path:
    """The folder of a data set.

    Args:
        name: a folder, or the name of one in the user's data folder.

    Raises:
        InputError: there is neither.
    """
    if os.path.lexists(name):
        return Path(name)
    known = [path.name for path in list_datasets(data_folder())]
    if name in known:
        return data_folder() / name
    hint = f"stored are {', '.join(known)}" if known else "`sketchkit data prepare` makes one"
    raise InputError(f"{shown(name)}: no such data set: {hint}")


def list_datasets(folder: Path) -> list[Path]:
    """The data sets in a folder, by name; damaged ones too.

    Raises:
        InputError: the folder cannot be read.
    """
    try:
        found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{shown(folder)}: {reason(error)}") from error
    return sorted(path for path in found if (path / FILE_NAME).is_file())
