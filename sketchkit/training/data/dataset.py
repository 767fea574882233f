"""A data set on disk, read: flat arrays mapped into memory, of which only the rows in use are loaded.

A drawing of P points has P - 1 stored rows, since the first point is the start token's, and an end row that
reading adds. Offsets are pixels of the training data; divided by the scale factor, model units.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from sketchkit.errors import FormatError, InputError
from sketchkit.files import file_checksum, open_file, reason, shown
from sketchkit.notebook import clip, facts_html
from sketchkit.training.data.manifest import ARRAYS, SPLITS, ArrayInfo, Manifest, array_path, read_manifest

__all__ = ["Dataset", "Split", "pad_drawings"]

Array = npt.NDArray[Any]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

#: Numbers checked at once.
_CHUNK = 1 << 20


def pad_drawings(offsets: Array, lifts: Array, inks: Int64, length: int) -> Float32:
    """Turn drawings that lie end to end into a batch, padded with end rows (0, 0, 0, 0, 1).

    Args:
        offsets: [R, 2], drawing after drawing.
        lifts: bool [R], whether the pen lifts after each row.
        inks: [B], the rows of each drawing, R in all.
        length: T, more than the rows of the longest drawing.

    Returns:
        Stroke-5 [B, T, 5], float32.
    """
    out = np.zeros((len(inks) * length, 5), np.float32)
    out[:, 4] = 1.0
    rows = np.zeros((len(offsets), 5), np.float32)
    rows[:, :2], rows[:, 2], rows[:, 3] = offsets, ~lifts, lifts
    skipped = np.arange(len(inks)) * length - (np.cumsum(inks) - inks)
    out[np.arange(len(rows)) + np.repeat(skipped, inks)] = rows
    return out.reshape(len(inks), length, 5)


@final
class Split:
    """The drawings of one split, by their place in it.

    Args:
        name: of the split.
        arrays: by kind, as `sketchkit.training.data.manifest.ARRAYS` describes them.
    """

    __slots__ = ("_bounds", "_lifts", "_offsets", "classes", "keys", "lengths", "name")

    def __init__(self, name: str, arrays: Mapping[str, Array]) -> None:
        self.name = name
        self._offsets = arrays["offsets"].reshape(-1, 2)
        self._lifts = arrays["lifts"]
        self._bounds = arrays["bounds"]
        #: [n] uint16, an index into the data set's classes.
        self.classes: npt.NDArray[np.uint16] = arrays["labels"]
        #: [n] uint64, the hash of each drawing's own identifier; 0 where its file had none.
        self.keys: npt.NDArray[np.uint64] = arrays["keys"]
        #: [n] int64, the rows of each drawing, its end row included.
        self.lengths: Int64 = np.diff(self._bounds) + 1

    @property
    def n(self) -> int:
        """How many drawings."""
        return len(self.lengths)

    def __len__(self) -> int:
        return self.n

    def drawing(self, index: int) -> Float32:
        """One drawing, stroke-5 [length, 5], as `gather` returns it."""
        rows, _, _ = self.gather(np.array([index]))
        return rows[0]  # type: ignore[no-any-return]

    def flat(self, indices: npt.ArrayLike) -> tuple[Float32, npt.NDArray[np.bool_], Int64, Int64]:
        """Many drawings, end to end, with their end rows left out.

        Args:
            indices: [B] whole numbers 0..n - 1, in any order, repeated at will.

        Returns:
            Offsets [R, 2] in pixels of the training data, whether the pen lifts after each row [R], how many
            rows each drawing has [B], and the classes [B].

        Raises:
            InputError: there is no such drawing.
        """
        chosen = self._check_indices(indices)
        starts = self._bounds[chosen]  # [B]
        inks = self._bounds[chosen + 1] - starts  # [B]
        source = np.arange(int(inks.sum())) + np.repeat(starts - (np.cumsum(inks) - inks), inks)
        offsets = self._offsets[source].astype(np.float32, copy=False)
        return offsets, self._lifts[source] != 0, inks, self.classes[chosen].astype(np.int64)

    def gather(self, indices: npt.ArrayLike, length: int | None = None) -> tuple[Float32, Int64, Int64]:
        """Many drawings, padded to one length with end rows (0, 0, 0, 0, 1).

        Args:
            indices: [B], as in `flat`.
            length: T; the longest of these drawings when None.

        Returns:
            Stroke-5 [B, T, 5] in pixels of the training data, the rows of each drawing with its end row [B],
            and the classes [B].

        Raises:
            InputError: there is no such drawing, or one is longer than `length`.
        """
        offsets, lifts, inks, classes = self.flat(indices)
        longest = int(inks.max(initial=0)) + 1
        total = longest if length is None else length
        if total < longest:
            raise InputError(f"a drawing of {longest} rows does not fit the length {total}")
        return pad_drawings(offsets, lifts, inks, total), inks + 1, classes

    def _check_indices(self, indices: npt.ArrayLike) -> Int64:
        chosen = np.asarray(indices)
        if chosen.size == 0:
            chosen = chosen.astype(np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise InputError(f"drawings are chosen by a list of whole numbers, got {chosen.dtype}")
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < self.n):
            raise InputError(
                f"{self.name} holds the drawings 0 to {self.n - 1}, and not all that are asked for"
            )
        return chosen.astype(np.int64)


@final
class Dataset:
    """A data set on disk; `Dataset.open` makes one.

    Args:
        path: its folder.
        manifest: its description.
        splits: by name.
    """

    def __init__(self, path: Path, manifest: Manifest, splits: Mapping[str, Split]) -> None:
        self.path = path
        self.manifest = manifest
        self._splits = splits

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, verify: bool = True) -> Dataset:
        """Open a data set.

        Args:
            path: its folder.
            verify: read every byte once and compare the checksums; otherwise only sizes, places and labels
                are checked.

        Raises:
            InputError: there is no data set, or a file cannot be read.
            FormatError: damaged, or of another version; one line.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        splits = {}
        for name in SPLITS:
            infos = manifest.splits[name].arrays
            arrays = {kind: _map_array(array_path(folder, name, kind), infos[kind]) for kind in ARRAYS}
            _check_places(folder, name, arrays, manifest)
            splits[name] = Split(name, arrays)
        if verify:
            for name, split in manifest.splits.items():
                for kind, info in split.arrays.items():
                    _check_contents(array_path(folder, name, kind), info)
        return cls(folder, manifest, splits)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, sorted; a drawing's class is an index into them."""
        return self.manifest.classes

    @property
    def scale_factor(self) -> float:
        """The standard deviation of the training offsets, in pixels: the unit of models."""
        return self.manifest.scale_factor

    @property
    def max_length(self) -> int:
        """The rows of the longest drawing of any split, its end row included."""
        return self.manifest.max_length

    def split(self, name: str) -> Split:
        """One split: `train`, `valid` or `test`.

        Raises:
            InputError: another name.
        """
        if name not in self._splits:
            raise InputError(f"a split is one of {', '.join(SPLITS)}, got {name!r}")
        return self._splits[name]

    def __len__(self) -> int:
        """How many drawings, in all splits."""
        return self.manifest.drawings

    def _repr_html_(self) -> str:
        """The data set as a table in a notebook."""
        facts = [(name, f"{len(split):,} drawings") for name, split in self._splits.items()]
        more = [
            ("classes", f"{len(self.classes)}: {clip(self.classes)}"),
            ("scale factor", f"{self.scale_factor:.4g}"),
            ("longest drawing", f"{self.max_length} rows"),
        ]
        return facts_html(str(self.path), [*facts, *more])

    def __repr__(self) -> str:
        splits = ", ".join(f"{name} {len(self._splits[name])}" for name in SPLITS)
        return f"<Dataset {str(self.path)!r}: {splits}; {len(self.classes)} classes>"


def _map_array(path: Path, info: ArrayInfo) -> Array:
    try:
        with open_file(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size != info.nbytes:
                raise FormatError(f"{shown(path)}: {size} bytes where the manifest says {info.nbytes}")
            if not size:  # an empty file cannot be mapped
                return np.zeros(0, info.dtype)
            # A plain array: numpy's own class of mapped ones costs time at every look.
            return np.memmap(stream, info.dtype, "r", shape=(info.count,)).view(np.ndarray)
    except FileNotFoundError:
        raise FormatError(f"{shown(path)}: a part of the data set is missing") from None
    except OSError as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error


def _check_places(folder: Path, split: str, arrays: Mapping[str, Array], manifest: Manifest) -> None:
    """Check that every drawing lies within its array and its table, also where checksums are not compared."""
    bounds, labels = arrays["bounds"], arrays["labels"]
    name = shown(array_path(folder, split, "bounds"))
    if bounds[0] != 0 or bounds[-1] != len(arrays["lifts"]):
        raise FormatError(f"{name}: damaged: the drawings do not fill the array of points")
    for begin in range(0, len(bounds) - 1, _CHUNK):
        steps = np.diff(bounds[begin : begin + _CHUNK + 1])
        if steps.min() < 1 or steps.max() >= max(manifest.max_length, 1):
            raise FormatError(f"{name}: damaged: a drawing without points, or longer than the longest")
    if len(labels) and int(labels.max()) >= len(manifest.classes):
        raise FormatError(f"{shown(array_path(folder, split, 'labels'))}: damaged: a class that has no name")


def _check_contents(path: Path, info: ArrayInfo) -> None:
    if file_checksum(path) != info.blake2b:
        raise FormatError(f"{shown(path)}: damaged: its checksum is not the manifest's")
