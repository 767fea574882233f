"""The held-out drawings of an evaluation: a selection from a split of a data set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.deprecation import renamed
from sketchkit.errors import InputError
from sketchkit.files import display_path
from sketchkit.hints import find_name, hint
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset, Split
from sketchkit.units import from_rows

__all__ = ["HeldOut", "sketches_of"]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """A selection of the drawings of a data set.

    Args:
        data: the data set.
        split: the split with the drawings.
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
            limit: the most drawings; chosen at random, since a split may be sorted.
            seed: of the choice.

        Raises:
            InputError: an unknown split or class, or an empty selection.
        """
        there = data.split(split)
        indices = np.arange(len(there))
        if class_name is not None:
            if (found := find_name(class_name, data.classes)) is None:
                advice = hint(class_name, data.classes)
                raise InputError(f"{display_path(data.path)}: holds no class {class_name!r}: {advice}")
            class_name = found
            indices = np.flatnonzero(there.classes == data.classes.index(class_name))
        if not len(indices):
            what = "no drawings" if class_name is None else f"no drawings of {class_name!r}"
            raise InputError(
                f"{display_path(data.path)}: the {split} split holds {what}{_other_splits(data, class_name)}"
            )
        available = len(indices)
        if limit is not None and limit < available:
            indices = np.sort(np.random.default_rng(seed).permutation(indices)[: max(limit, 1)])
        return cls(data, there, indices, available)

    def only(self, places: npt.NDArray[Any]) -> HeldOut:
        """Select drawings by their places among these, in ascending order, or by a mask [n]."""
        return replace(self, indices=self.indices[places])

    def __len__(self) -> int:
        """The number of drawings, n."""
        return len(self.indices)

    @property
    def labels(self) -> list[str]:
        """The class of each drawing."""
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
        data: the data set.
        split: of it.
        indices: places of drawings in the split.
    """
    return [
        from_rows(split.drawing(int(i)), 1.0, (0.0, 0.0), joined=True, label=data.classes[split.classes[i]])
        for i in indices
    ]


def _other_splits(data: Dataset, label: str | None) -> str:
    """The splits that hold drawings, as the rest of a sentence."""
    counts = {
        name: info.drawings if label is None else info.per_class[data.classes.index(label)]
        for name, info in data.manifest.splits.items()
    }
    return "".join(f", {name} holds {count}" for name, count in counts.items() if count)
