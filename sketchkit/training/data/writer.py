"""A data set on disk, written: drawings are appended in blocks, and nothing is held but the block."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError
from sketchkit.files import file_checksum
from sketchkit.training.data.dataset import array_path
from sketchkit.training.data.manifest import ARRAYS, MAX_CLASS_NAME, MAX_CLASSES, SPLITS, ArrayInfo, SplitInfo
from sketchkit.training.data.recipe import Rows

__all__ = ["ClassTable", "ScaleFactor", "SplitWriter", "Writer"]

Array = npt.NDArray[Any]

#: Numbers rewritten at once.
_CHUNK = 1 << 20


class ArrayWriter:
    """One array's file, appended to."""

    def __init__(self, path: Path, dtype: str) -> None:
        self.path, self.dtype, self.count = path, dtype, 0
        self._stream = open(path, "xb")  # noqa: SIM115 - lives as long as the writer

    def append(self, values: Array) -> None:
        """Add numbers, which must fit the type."""
        self._stream.write(np.ascontiguousarray(values, self.dtype).data)
        self.count += values.size

    def change(self, dtype: str, table: Array | None = None) -> None:
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
        """Write what is still held back."""
        self._stream.close()

    def finish(self) -> ArrayInfo:
        """Close the file and say what is in it."""
        self.close()
        return ArrayInfo(self.dtype, self.count, file_checksum(self.path))


class SplitWriter:
    """The five arrays of one split, appended to."""

    def __init__(self, folder: Path, name: str, stack: ExitStack) -> None:
        self._arrays: dict[str, ArrayWriter] = {}
        for kind, dtypes in ARRAYS.items():
            self._arrays[kind] = ArrayWriter(array_path(folder, name, kind), dtypes[0])
            stack.callback(self._arrays[kind].close)
        self._arrays["bounds"].append(np.zeros(1, np.int64))
        self._per_class = np.zeros(0, np.int64)
        self._points = 0

    def append(self, drawings: Sequence[Rows], labels: Sequence[int], keys: Sequence[int]) -> None:
        """Add drawings.

        Args:
            drawings: [n, 3] each, n at least 1: dx, dy in pixels, lift.
            labels: the class of each.
            keys: the hash of each one's identifier.
        """
        if not drawings:
            return
        rows = np.concatenate(drawings)
        offsets = self._arrays["offsets"]
        if offsets.dtype == "<i2" and not _fit_int16(rows[:, :2]):
            offsets.change("<f4")
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
        """Close the files and say what is in them.

        Args:
            order: the classes by their final place; `order[0]` is the label that becomes 0.
        """
        per_class = np.zeros(len(order), np.int64)
        per_class[: len(self._per_class)] = self._per_class
        if list(order) != sorted(order):
            self._arrays["labels"].change(ARRAYS["labels"][0], np.argsort(order))
        return SplitInfo(
            drawings=self._arrays["labels"].count,
            points=self._points,
            per_class=tuple(per_class[list(order)].tolist()),
            arrays={kind: array.finish() for kind, array in self._arrays.items()},
        )


class Writer:
    """All splits of a data set.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        with ExitStack() as stack:
            self.splits = {name: SplitWriter(folder, name, stack) for name in SPLITS}
            self._stack = stack.pop_all()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        # On a full disk closing may fail too, and all files are to be closed all the same.
        self._stack.close()


class ClassTable:
    """Classes, numbered as they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The number of a class.

        Raises:
            InputError: a name too long, or too many of them.
        """
        if name not in self._numbers:
            if len(name) > MAX_CLASS_NAME or len(self._numbers) == MAX_CLASSES:
                raise InputError(
                    f"at most {MAX_CLASSES} classes, with names of at most {MAX_CLASS_NAME} characters"
                )
            self._numbers[name] = len(self._numbers)
        return self._numbers[name]

    def sorted(self) -> tuple[tuple[str, ...], list[int]]:
        """The names, sorted, and the number that each one had."""
        names = sorted(self._numbers)
        return tuple(names), [self._numbers[name] for name in names]


@dataclass
class ScaleFactor:
    """The standard deviation of numbers that come in blocks.

    Source: as `sketchkit.geometry.scale_factor`, by Chan's update, which does not cancel.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, offsets: Rows) -> None:
        """Count offsets in."""
        if not offsets.size:
            return
        values = offsets.astype(np.float64)
        step = float(values.mean()) - self.mean
        total = self.count + values.size
        self.squares += values.size * float(values.var()) + step * step * self.count * values.size / total
        self.mean += step * values.size / total
        self.count = total

    @property
    def value(self) -> float:
        """The standard deviation; 0 where there is none."""
        return float(np.sqrt(self.squares / self.count)) if self.count else 0.0


def _fit_int16(offsets: Rows) -> bool:
    limits = np.iinfo(np.int16)
    inside = offsets.min() >= limits.min and offsets.max() <= limits.max
    return bool(inside and (offsets == np.rint(offsets)).all())
