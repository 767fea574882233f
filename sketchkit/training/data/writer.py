"""The arrays of a data set, written: drawings are appended in blocks, and memory holds one block of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.files import file_checksum
from sketchkit.training.data.manifest import ARRAYS, ArrayInfo, SplitInfo, array_path
from sketchkit.training.data.recipe import Rows

__all__ = ["Deviation", "SplitWriter"]

Array = npt.NDArray[Any]

#: Numbers rewritten at once.
_CHUNK = 1 << 20


class _ArrayWriter:
    """The file of one array, appended to."""

    def __init__(self, path: Path, dtype: str) -> None:
        self.path, self.dtype, self.count = path, dtype, 0
        self._stream = open(path, "xb")  # noqa: SIM115 - lives as long as the writer

    def append(self, values: Array) -> None:
        self._stream.write(np.ascontiguousarray(values, self.dtype).data)
        self.count += values.size

    def rewrite(self, dtype: str, table: Array | None = None) -> None:
        """Write all numbers anew: as another type, and looked up in a table if there is one."""
        self.close()
        fresh = self.path.with_name(f"{self.path.name}.new")
        with open(self.path, "rb") as old, open(fresh, "xb") as new:
            while piece := old.read(_CHUNK * np.dtype(self.dtype).itemsize):
                values = np.frombuffer(piece, self.dtype)
                new.write((values if table is None else table[values]).astype(dtype).data)
        os.replace(fresh, self.path)
        self.dtype = dtype
        self._stream = open(self.path, "ab")  # noqa: SIM115

    def close(self) -> None:
        self._stream.close()

    def finish(self) -> ArrayInfo:
        self.close()
        return ArrayInfo(self.dtype, self.count, file_checksum(self.path))


class SplitWriter:
    """The five arrays of one split, appended to.

    Args:
        folder: of the data set.
        name: of the split.
        stack: closes the files; on a full disk that may fail for one of them, and the others are closed.
    """

    def __init__(self, folder: Path, name: str, stack: ExitStack) -> None:
        self._arrays: dict[str, _ArrayWriter] = {}
        for kind, dtypes in ARRAYS.items():
            self._arrays[kind] = _ArrayWriter(array_path(folder, name, kind), dtypes[0])
            stack.callback(self._arrays[kind].close)
        self._arrays["bounds"].append(np.zeros(1, np.int64))
        self._per_class = np.zeros(0, np.int64)
        self._points = 0

    def append(self, drawings: Sequence[Rows], labels: Sequence[int], keys: Sequence[int]) -> None:
        """Add drawings.

        Args:
            drawings: one or more, each [n, 3] with n at least 1: dx, dy in pixels, lift.
            labels: the class of each.
            keys: the hash of each one's identifier.
        """
        rows = np.concatenate(drawings)
        offsets = self._arrays["offsets"]
        if offsets.dtype == "<i2" and not _fits_int16(rows[:, :2]):
            offsets.rewrite("<f4")
        offsets.append(rows[:, :2])
        self._arrays["lifts"].append(rows[:, 2])
        self._arrays["bounds"].append(self._points + np.cumsum([len(each) for each in drawings]))
        self._arrays["labels"].append(np.array(labels))
        self._arrays["keys"].append(np.array(keys, np.uint64))
        self._points += len(rows)
        counts = np.bincount(labels, minlength=len(self._per_class))
        counts[: len(self._per_class)] += self._per_class
        self._per_class = counts

    def finish(self, order: Sequence[int]) -> SplitInfo:
        """Close the files and describe them.

        Args:
            order: the classes by their final place; `order[0]` is the label that becomes 0.
        """
        per_class = np.zeros(len(order), np.int64)
        per_class[: len(self._per_class)] = self._per_class
        labels = self._arrays["labels"]
        if list(order) != sorted(order):
            labels.rewrite(labels.dtype, np.argsort(order))
        return SplitInfo(
            drawings=labels.count,
            points=self._points,
            per_class=tuple(per_class[list(order)].tolist()),
            arrays={kind: array.finish() for kind, array in self._arrays.items()},
        )


def _fits_int16(offsets: Rows) -> bool:
    limits = np.iinfo(np.int16)
    inside = offsets.min() >= limits.min and offsets.max() <= limits.max
    return bool(inside and (offsets == np.rint(offsets)).all())


@dataclass
class Deviation:
    """The standard deviation of numbers that come in blocks.

    Source: as `sketchkit.geometry.scale_factor`, by Chan's update, which does not cancel.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, block: Rows) -> None:
        """Count the numbers of a block in, of which there is one at least."""
        values = block.astype(np.float64)
        step = float(values.mean()) - self.mean
        total = self.count + values.size
        self.squares += values.size * float(values.var()) + step * step * self.count * values.size / total
        self.mean += step * values.size / total
        self.count = total

    @property
    def value(self) -> float:
        """The standard deviation; 0 before the first number."""
        return float(np.sqrt(self.squares / self.count)) if self.count else 0.0
