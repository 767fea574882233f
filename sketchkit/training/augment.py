"""Drawings made a little different each time they are seen; many at once, laid end to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["kept_points", "strayed"]

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


def strayed(
    chances: Sequence[np.random.Generator], time: int, lengths: npt.NDArray[np.int64], most: float
) -> npt.NDArray[np.float32]:
    """How far the pen is from every point when it goes astray, more in one drawing than in another.

    Args:
        chances: of each of B drawings.
        time: T, how many rows they are laid out in.
        lengths: [B], the rows of each drawing, 1..T.
        most: the largest standard deviation of a coordinate; each drawing has one between 0 and this.

    Returns:
        float32 [B, T, 2], 0 behind each drawing, in the unit of `most`.

    Source: Laskey et al. 2017, "DART: noise injection for robust imitation learning": who learns only from
        flawless drawing never learns to make up for a flaw.
    """
    out = np.zeros((len(chances), time, 2), np.float32)
    for b, (chance, n) in enumerate(zip(chances, lengths.tolist(), strict=True)):
        out[b, :n] = chance.standard_normal((n, 2), dtype=np.float32) * np.float32(most * chance.random())
    return out
