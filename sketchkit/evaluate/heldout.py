"""The drawings that a model is held against: some of one split of a data set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.deprecation import renamed
from sketchkit.errors import InputError
from sketchkit.files import shown
from sketchkit.hints import hint, meant
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset, Split
from sketchkit.units import from_rows

__all__ = ["HeldOut", "sketches_of"]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """Drawings of a data set that somebody has chosen.

    Args:
        data: the data set.
        split: that holds them.
        indices: [n], their places in the split, ascending; n is at least 1.
        available: how many there were to choose from.
    """

    data: Dataset
    split: Split
    indices: Int64
    available: int

    @classmethod
    @renamed(label="class_name")
    def choose(
        cls,
        data: Dataset,
        split: str = "test",
        *,
        class_name: str | None = None,
        limit: int | None = None,
        seed: int = 0,
    ) -> HeldOut:
        """Choose drawings.

        Args:
            data: the data set.
            split: `train`, `valid` or `test`.
            class_name: only drawings of this class.
            limit: the most drawings; chance chooses them, since a split may be sorted.
            seed: of that chance.

        Raises:
            InputError: an unknown split or class, or no drawing at all.
        """
        there = data.split(split)
        indices = np.arange(len(there))
        if class_name is not None:
            class_name = _class_of(data, class_name)
            indices = np.flatnonzero(there.classes == data.classes.index(class_name))
        if not len(indices):
            what = "no drawings" if class_name is None else f"no drawings of {class_name!r}"
            raise InputError(
                f"{shown(data.path)}: the {split} split holds {what}{_elsewhere(data, class_name)}"
            )
        available = len(indices)
        if limit is not None and limit < available:
            indices = np.sort(np.random.default_rng(seed).permutation(indices)[: max(limit, 1)])
        return cls(data, there, indices, available)

    def only(self, places: npt.NDArray[Any]) -> HeldOut:
        """Some of them, by their places among these, in ascending order, or by a mask [n]."""
        return replace(self, indices=self.indices[places])

    def __len__(self) -> int:
        """How many drawings, n."""
        return len(self.indices)

    @property
    def labels(self) -> list[str]:
        """What each drawing shows."""
        return [self.data.classes[c] for c in self.split.classes[self.indices]]

    @property
    def lengths(self) -> Int64:
        """The rows of each drawing, its end row included, int64 [n]."""
        return self.split.lengths[self.indices]

    def sketches(self) -> list[Sketch]:
        """The drawings themselves."""
        return sketches_of(self.data, self.split, self.indices)


def sketches_of(data: Dataset, split: Split, indices: Int64) -> list[Sketch]:
    """Drawings of a data set in pixels, from (0, 0), with their end rows and labels.

    Args:
        data: whose classes they are of.
        split: that holds them.
        indices: their places in it.
    """
    return [
        from_rows(split.drawing(int(i)), 1.0, (0.0, 0.0), joined=True, label=data.classes[split.classes[i]])
        for i in indices
    ]


def _elsewhere(data: Dataset, label: str | None) -> str:
    """Which splits do hold drawings, in words; nothing if none does."""
    counts = {
        name: info.drawings if label is None else info.per_class[data.classes.index(label)]
        for name, info in data.manifest.splits.items()
    }
    return "".join(f", {name} holds {count}" for name, count in counts.items() if count)


def _class_of(data: Dataset, label: str) -> str:
    if (name := meant(label, data.classes)) is None:
        raise InputError(f"{shown(data.path)}: holds no class {label!r}: {hint(label, data.classes)}")
    return name
