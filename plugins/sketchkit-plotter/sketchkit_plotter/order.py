"""The order of strokes, and which end each begins at, for a short way with the pen up.

The nearest end is taken first; then 2-opt turns round what lies between two moves of the lifted pen wherever
that makes the way shorter. Coordinates are whole steps of a machine, so that distances, and with them the
order, are the same wherever they are computed.

Of n strokes both cost about n * n distances a sweep, vectorised. What bounds the time are counts: more than
`PORTION` strokes are ordered in portions, as drawn, and there are at most `SWEEPS` sweeps.

Source: Croes 1958, "A Method for Solving Traveling-Salesman Problems" (2-opt). Departure: a node is a stroke,
entered at one of its two ends, so that turning a part round turns each of its strokes round, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["HOME", "PORTION", "SWEEPS", "Stroke", "shortened", "travel"]

#: The points of a stroke, int64 [n, 2] in steps of the machine, n at least 1.
Stroke = npt.NDArray[np.int64]

_Float64 = npt.NDArray[np.float64]
_Ends = npt.NDArray[np.int64]

#: Where the pen waits before and after: the origin of the machine.
HOME: Stroke = np.zeros(2, np.int64)
HOME.flags.writeable = False

#: The most strokes that are ordered together.
PORTION = 4000

#: The most times that 2-opt goes through all strokes of a portion.
SWEEPS = 50

# In steps: what is saved must be more than sums of float64 can be wrong by.
_LEAST_GAIN = 1e-6


def travel(strokes: Sequence[Stroke]) -> float:
    """How far the lifted pen goes, in steps: from home, between the strokes, and home again."""
    stops = [HOME, *(end for stroke in strokes for end in (stroke[0], stroke[-1])), HOME]
    ways = list(pairwise(stops))[::2]
    return math.fsum(math.hypot(*(int(a) - int(b) for a, b in zip(*way, strict=True))) for way in ways)


def shortened(strokes: Sequence[Stroke]) -> list[Stroke]:
    """The same strokes in another order, some of them reversed, with short ways between them.

    Args:
        strokes: in the order they were drawn in.

    Returns:
        An order that begins and ends near home. Nothing says that its way is shorter than the one given; on
        drawings it nearly always is.
    """
    out: list[Stroke] = []
    for begin in range(0, len(strokes), PORTION):
        portion, rest = strokes[begin : begin + PORTION], strokes[begin + PORTION :]
        start, goal = out[-1][-1] if out else HOME, rest[0][0] if rest else HOME
        ends = np.array([end for stroke in portion for end in (stroke[0], stroke[-1])], np.float64)
        tour = _nearest(ends, start)
        _two_opt(tour, ends, start, goal)
        out += [portion[end // 2][::-1] if end % 2 else portion[end // 2] for end in tour]
    return out


def _nearest(ends: _Float64, start: Stroke) -> _Ends:
    """A tour that always goes on to the nearest end.

    Args:
        ends: [2 n, 2]; those of stroke s are 2 s, where it was begun, and 2 s + 1.
        start: [2], where the pen comes from.

    Returns:
        [n]: the end that each stroke in turn is entered at. Of two that are equally near, the earlier.
    """
    x, y = ends.T.copy()
    names = np.arange(len(ends))
    at: npt.NDArray[np.generic] = start
    tour = np.empty(len(ends) // 2, np.int64)
    left = len(tour)
    for k in range(len(tour)):
        if 4 * left < len(names):
            # Strokes that are done are looked at until they are half of all.
            kept = np.isfinite(x)
            x, y, names = x[kept], y[kept], names[kept]
        found = int(np.argmin((x - at[0]) ** 2 + (y - at[1]) ** 2))
        tour[k] = names[found]
        at = ends[tour[k] ^ 1]
        x[[found, found ^ 1]] = np.inf
        left -= 1
    return tour


def _two_opt(tour: _Ends, ends: _Float64, start: Stroke, goal: Stroke) -> None:
    """Turn parts of a tour round, in place, as long as that shortens the way of the lifted pen."""
    # Position 0 is the start, position n + 1 the goal; neither is ever turned.
    entry = np.concatenate([[start], ends[tour], [goal]]).T.copy()  # [2, n + 2]
    leave = np.concatenate([[start], ends[tour ^ 1], [goal]]).T.copy()  # [2, n + 2]
    ways = _distance(leave[:, :-1], entry[:, 1:])  # [n + 1], from each position to the next
    for _ in range(SWEEPS):
        turned = False
        for first in range(1, len(tour) + 1):
            last = _best_turn(entry, leave, ways, first)
            if last:
                _turn(tour, entry, leave, ways, first, last)
                turned = True
        if not turned:
            break


def _best_turn(entry: _Float64, leave: _Float64, ways: _Float64, first: int) -> int:
    """The last position of the part from `first` on that is best turned round; 0 where none is."""
    way = ways[first - 1]
    if way == 0:
        return 0  # by the triangle inequality nothing can be gained
    before, here = leave[:, first - 1, None], entry[:, first, None]
    new = _distance(leave[:, first:-1], before) + _distance(entry[:, first + 1 :], here)
    gain = way + ways[first:] - new
    best = int(np.argmax(gain))
    return first + best if gain[best] > _LEAST_GAIN else 0


def _turn(tour: _Ends, entry: _Float64, leave: _Float64, ways: _Float64, first: int, last: int) -> None:
    part = slice(first, last + 1)
    entry[:, part], leave[:, part] = leave[:, part][:, ::-1].copy(), entry[:, part][:, ::-1].copy()
    tour[first - 1 : last] = tour[first - 1 : last][::-1] ^ 1
    around = slice(first - 1, last + 1)
    ways[around] = _distance(leave[:, around], entry[:, first : last + 2])


def _distance(a: _Float64, b: _Float64) -> _Float64:
    """Between points [2, n] each; not by hypot, whose last bit differs from one library to another."""
    x, y = a - b
    distance: _Float64 = np.sqrt(x * x + y * y)
    return distance
