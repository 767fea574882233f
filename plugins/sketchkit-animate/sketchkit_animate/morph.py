"""Lines that can turn into each other: as many in each picture, of as many points each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketchkit.errors import InputError
from sketchkit_animate.pens import Float64

__all__ = ["alike"]


def alike(pictures: Sequence[Sequence[Float64]], points: int) -> list[list[Float64]]:
    """The lines of pictures, the first of one for the first of the next, in pen order.

    A picture of fewer lines than another has its longest ones cut where nobody sees it; the corners of a line
    stay where it has no more of them than points.

    Args:
        pictures: the lines of each, [n, 2].
        points: of each line afterwards, at least 2.

    Returns:
        As many lines of `points` points [points, 2] for each picture.

    Raises:
        InputError: some pictures have lines and others none.
    """
    most = max(map(len, pictures), default=0)
    empty = [number for number, lines in enumerate(pictures, start=1) if not lines]
    if most and empty:
        raise InputError(f"nothing can turn into picture {empty[0]}, which is empty: use flip-svg:morph=0")
    return [[_resampled(line, points) for line in _cut(lines, most)] for lines in pictures]


def _cut(lines: Sequence[Float64], count: int) -> list[Float64]:
    """So many lines: the longest one is cut in half until there are."""
    out = list(lines)
    while len(out) < count:
        lengths = [_ways(line)[-1] for line in out]
        longest = lengths.index(max(lengths))
        out[longest : longest + 1] = _halves(out[longest])
    return out


def _halves(line: Float64) -> list[Float64]:
    """The two halves of a line, which share a point."""
    ways = _ways(line)
    half = ways[-1] / 2
    middle = _at(line, ways, np.array([half]))
    return [np.vstack([line[ways < half], middle]), np.vstack([middle, line[ways > half]])]


def _resampled(line: Float64, points: int) -> Float64:
    """A line of so many points, equally far along it but for its corners, which keep their places."""
    ways = _ways(line)
    out = _at(line, ways, np.linspace(0.0, ways[-1], points))
    if ways[-1]:
        out[np.rint(ways / ways[-1] * (points - 1)).astype(int)] = line
    return out


def _at(line: Float64, ways: Float64, where: Float64) -> Float64:
    """The points of a line that have so much of it behind them."""
    return np.column_stack([np.interp(where, ways, line[:, axis]) for axis in (0, 1)])


def _ways(line: Float64) -> Float64:
    """How far it is along a line to each of its points."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    return np.concatenate([[0.0], np.cumsum(steps)])
