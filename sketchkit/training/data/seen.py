"""Which of very many 64-bit numbers have come before, in eight bytes each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Seen"]

UInt64 = npt.NDArray[np.uint64]


class Seen:
    """A growing set of 64-bit numbers.

    A Python set takes ten times the memory. Here the numbers lie in sorted runs, each at least twice as long
    as the next, so that a number is moved only a handful of times and there are few runs to look in.
    """

    def __init__(self) -> None:
        self._runs: list[UInt64] = []

    def __len__(self) -> int:
        """How many different numbers have been added."""
        return sum(map(len, self._runs))

    def add(self, numbers: UInt64) -> npt.NDArray[np.bool_]:
        """Add numbers.

        Args:
            numbers: uint64 [n].

        Returns:
            bool [n]: which of them are new; of equal ones among them, the first.
        """
        values, first = np.unique(numbers, return_index=True)
        fresh = ~self._known(values)
        out = np.zeros(len(numbers), bool)
        out[first[fresh]] = True
        if fresh.any():
            self._runs.append(values[fresh])
            self._merge()
        return out

    def _known(self, values: UInt64) -> npt.NDArray[np.bool_]:
        known = np.zeros(len(values), bool)
        for run in self._runs:
            place = np.searchsorted(run, values)
            known |= run[np.minimum(place, len(run) - 1)] == values
        return known

    def _merge(self) -> None:
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(np.sort(np.concatenate([before, last]), kind="stable"))
