"""Drawings made a little different each time they are seen; many at once, laid end to end."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["kept_points"]

#: The first points of a line that are never left out.
_KEPT_FIRST = 3


def kept_points(
    lifts: npt.NDArray[np.bool_],
    lengths: npt.NDArray[np.int64],
    uniform: npt.NDArray[np.floating[Any]],
    share: float,
) -> npt.NDArray[np.int64]:
    """Which rows stay when some points inside lines are left out.

    The way past a row that goes is to be added to the row before: `np.add.reduceat(offsets, kept)`.

    Args:
        lifts: bool [R], whether the pen lifts after each row, drawing after drawing.
        lengths: [B], the rows of each drawing, each 1 or more, R in all.
        uniform: [R] numbers in 0..1; a row below `share` goes, if it may.
        share: the probability.

    Returns:
        int64 [K], the rows that stay, among them the first of every drawing and all at which the pen lifts.

    Source: the augmentation of the released sketch-rnn code: of a line's rows the first three and the last
        stay.
    """
    rows = np.arange(len(lifts))
    begins = np.concatenate(([True], lifts[:-1]))[: len(lifts)]
    begins[np.cumsum(lengths)[:-1]] = True
    within = rows - np.maximum.accumulate(np.where(begins, rows, 0))  # rows of the same line before each
    return np.flatnonzero(lifts | (within < _KEPT_FIRST) | (uniform >= share))
