"""What a data set says about itself: `manifest.json`, written last and believed only after a look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sketchkit.errors import FormatError, InputError
from sketchkit.files import checksum_of, read_file, reason, shown

__all__ = ["ARRAYS", "FILE_NAME", "SPLITS", "ArrayInfo", "Manifest", "SplitInfo", "read_manifest"]

FILE_NAME = "manifest.json"
FORMAT = "sketchkit-data"
FORMAT_VERSION = 1
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
#: What the labels can number.
MAX_CLASSES = 65_535
MAX_CLASS_NAME = 200
#: A table of 65,535 long names and the rest of it.
MAX_BYTES = 32 << 20


@dataclass(frozen=True)
class ArrayInfo:
    """One array: its type of number, how many there are, and the BLAKE2b checksum of its bytes."""

    dtype: str
    count: int
    checksum: str

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


@dataclass(frozen=True)
class Manifest:
    """Everything that is known of a data set without looking at a drawing.

    Args:
        classes: the names, sorted; labels index them.
        scale_factor: the standard deviation of the training offsets, in pixels.
        splits: by name.
        length_counts: how many drawings have 0, 1, 2... rows, their end row included.
        recipe: how it was made, as JSON values.
        sources: the files it was made from, without their folders.
        n_sources: how many there were; `sources` names the first thousand.
        read: how many drawings the sources held.
        dropped: how many of them were left out, by reason.
        left_out: how many things of each kind the strokes of SVG files leave out, such as texts.
        fingerprint: a checksum of all of this, and so of all the data; the same set has the same.
    """

    classes: tuple[str, ...]
    scale_factor: float
    splits: Mapping[str, SplitInfo]
    length_counts: tuple[int, ...]
    recipe: Mapping[str, Any]
    sources: tuple[str, ...]
    n_sources: int
    read: int
    dropped: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)
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
        splits = {
            name: {
                "drawings": split.drawings,
                "points": split.points,
                "per_class": list(split.per_class),
                "arrays": {
                    kind: {"dtype": a.dtype, "count": a.count, "blake2b": a.checksum}
                    for kind, a in split.arrays.items()
                },
            }
            for name, split in self.splits.items()
        }
        return {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "classes": list(self.classes),
            "scale_factor": self.scale_factor,
            "max_length": self.max_length,
            "drawings": self.drawings,
            "read": self.read,
            "dropped": dict(self.dropped),
            **({"left_out": dict(self.left_out)} if self.left_out else {}),
            "length_counts": list(self.length_counts),
            "recipe": dict(self.recipe),
            "sources": list(self.sources),
            "n_sources": self.n_sources,
            "splits": splits,
        }

    def to_bytes(self) -> bytes:
        """The manifest as its file holds it."""
        import orjson

        return orjson.dumps(self.to_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_manifest(folder: Path) -> Manifest:
    """Read and check what a data set says about itself.

    Args:
        folder: of the data set.

    Raises:
        InputError: no data set there.
        FormatError: damaged, of another version, or absurd; one line.
    """
    path = folder / FILE_NAME
    content = _content(folder, path)
    try:
        return _parsed(content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = f"{error}" if isinstance(error, ValueError) else "an entry is missing or of another type"
        raise FormatError(f"{shown(path)}: not the manifest of a data set: {what}") from error


def _content(folder: Path, path: Path) -> bytes:
    try:
        return read_file(path, MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        what = "holds no data set" if folder.is_dir() else "no such folder"
        raise InputError(f"{shown(folder)}: {what}: `sketchkit data prepare` makes one") from None
    except OSError as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error


def _parsed(content: bytes) -> Manifest:
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
        splits={name: _split(values["splits"][name], name, len(classes)) for name in SPLITS},
        length_counts=tuple(map(_count, values["length_counts"])),
        recipe=dict(values["recipe"]),
        sources=tuple(map(str, values["sources"])),
        n_sources=_count(values["n_sources"]),
        read=_count(values["read"]),
        dropped={str(why): _count(n) for why, n in values["dropped"].items()},
        left_out={str(kind): _count(n) for kind, n in values.get("left_out", {}).items()},
        fingerprint=checksum_of(content),
    )
    if sum(manifest.length_counts) != manifest.drawings:
        raise ValueError("the lengths do not add up to the drawings")
    return manifest


def _split(values: Any, name: str, n_classes: int) -> SplitInfo:
    per_class = tuple(map(_count, values["per_class"]))
    split = SplitInfo(
        drawings=_count(values["drawings"]),
        points=_count(values["points"]),
        per_class=per_class,
        arrays={kind: _array(values["arrays"][kind], kind) for kind in ARRAYS},
    )
    if len(per_class) != n_classes or sum(per_class) != split.drawings:
        raise ValueError(f"the classes of {name} do not add up to its drawings")
    n, points = split.drawings, split.points
    for kind, count in zip(ARRAYS, (2 * points, points, n + 1, n, n), strict=True):
        if split.arrays[kind].count != count:
            raise ValueError(f"the {kind} of {name} do not fit its drawings")
    return split


def _array(values: Any, kind: str) -> ArrayInfo:
    dtype, checksum = values["dtype"], values["blake2b"]
    if dtype not in ARRAYS[kind] or not isinstance(checksum, str):
        raise ValueError(f"the {kind} are of the unknown type {dtype!r}")
    return ArrayInfo(dtype, _count(values["count"]), checksum)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**48:
        raise ValueError(f"{value!r} is no number of things")
    return value
