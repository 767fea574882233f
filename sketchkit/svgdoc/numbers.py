"""Numbers and path data: few decimals, without exponents.

Points are first rounded to a grid and then written as offsets between grid points, so the short relative
numbers add up to the rounded positions and errors do not grow along a stroke.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sketchkit.sketch import Float64

Int64 = npt.NDArray[np.int64]


#: The largest rounding error of a written coordinate, as a share of the drawing's extent.
PRECISION = 0.5e-5

# Up to four decimals and fifteen digits, repr of a float is plain, short and as exact as asked.
_REPR_DECIMALS = 4
_EXACT_DIGITS = 15

# Enough for the smallest steps of float32; powers of ten stay far from the end of float64.
_MOST_DECIMALS = 50


@lru_cache(4096)  # a sheet says the same few widths, sizes and places again and again
def number(value: float, digits: int = 7) -> str:
    """A number for an attribute, to so many significant digits, without exponent and needless zeros."""
    return np.format_float_positional(value + 0.0, precision=digits, fractional=False, trim="-")


def decimals_for(polylines: Sequence[Float64]) -> int:
    """How many decimals keep the rounding error below half of 1e-5 of the extent.

    Args:
        polylines: [n, 2] each, in drawing units.

    Returns:
        0 or more; limited by the digits of float64.
    """
    lines = [line for line in polylines if len(line)]
    if not lines:
        return 0
    points = np.concatenate(lines)
    farthest = float(np.abs(points).max())
    extent = float(np.ptp(points, axis=0).max()) or farthest or 1.0
    wanted = math.ceil(-math.log10(extent) - math.log10(2 * PRECISION))
    offered = _EXACT_DIGITS - math.ceil(math.log10(farthest)) if farthest else wanted
    return max(0, min(wanted, offered, _MOST_DECIMALS))


def path_data(polylines: Sequence[Float64], decimals: int) -> str:
    """The `d` of one path: a subpath a polyline, a dot as a line of length 0.

    Args:
        polylines: [n, 2] each, absolute; empty ones are skipped.
        decimals: digits after the point.

    Returns:
        `M x y l dx dy ...` for strokes and `M x y h 0` for dots (a round cap makes those visible); "" without
        points.
    """
    lines = [line for line in polylines if len(line)]
    if not lines:
        return ""
    starts = np.cumsum([0] + [len(line) for line in lines[:-1]])
    return paths_data([np.concatenate(lines)], [starts], decimals)[0]


def paths_data(points: Sequence[Float64], starts: Sequence[Int64], decimals: int) -> list[str]:
    """The same for many paths at once, which is much faster than one by one.

    Args:
        points: [n, 2] of each path, absolute, stroke after stroke.
        starts: of each path the rows where its strokes begin, rising, the first of them 0; empty for a path
            without points.
        decimals: digits after the point.

    Returns:
        The `d` of each path.
    """
    if not points:
        return []
    firsts = np.cumsum([0] + [len(each) for each in points])
    begins = np.concatenate([first + each for first, each in zip(firsts[:-1], starts, strict=True)])
    grid = np.rint(np.concatenate(points) * 10.0**decimals) + 0.0
    steps = np.diff(grid, axis=0, prepend=0.0)
    steps[begins] = grid[begins]
    words = _words(steps.ravel(), decimals)
    subpaths = [_subpath(words[2 * a : 2 * b]) for a, b in pairwise([*begins.tolist(), len(grid)])]
    shares = np.cumsum([0] + [len(each) for each in starts]).tolist()
    return ["".join(subpaths[a:b]) for a, b in pairwise(shares)]


def curves_data(strokes: Sequence[Float64], decimals: int) -> str:
    """The `d` of one path of cubic curves: a subpath a stroke; straight ones are written as lines.

    Args:
        strokes: [m, 4, 2] of each stroke, absolute, start, two handles and end of each curve, which begins
            where the one before ends; or [1, 2], a dot. Empty ones are skipped.
        decimals: digits after the point.

    Returns:
        `M x y c ... l ...` for strokes and `M x y h 0` for dots.
    """
    return "".join(_curve_data(stroke, decimals) for stroke in strokes if len(stroke))


def _curve_data(stroke: Float64, decimals: int) -> str:
    grid = np.rint(stroke * 10.0**decimals) + 0.0
    if grid.ndim == 2:
        return _subpath(_words(grid[0], decimals))
    steps = grid[:, 1:] - grid[:, :1]
    straight = _straight(steps)
    first = _words(grid[0, 0], decimals)
    numbers = _words(steps.reshape(-1), decimals)
    out, last = [f"M{first[0]} {first[1]}"], ""
    for i, line in enumerate(straight):
        command, begin = ("l", 6 * i + 4) if line else ("c", 6 * i)
        out.append((" " if command == last else command) + " ".join(numbers[begin : 6 * i + 6]))
        last = command
    return "".join(out)


def _straight(steps: Float64) -> list[bool]:
    """Which curves [m, 3, 2], told from their starts on the grid, are lines on it."""
    ends = steps[:, 2]
    aside = np.abs(steps[:, :2, 0] * ends[:, None, 1] - steps[:, :2, 1] * ends[:, None, 0]).max(1)
    along = np.einsum("mkc,mc->mk", steps[:, :2], ends)
    length = np.einsum("mc,mc->m", ends, ends)
    within = (along >= 0).all(1) & (along <= length[:, None]).all(1)
    flat: list[bool] = (within & (aside <= 0.75 * np.sqrt(length))).tolist()
    return flat


def _subpath(words: list[str]) -> str:
    """`x y dx dy ...` as path commands."""
    start = f"M{words[0]} {words[1]}"
    return f"{start}l{' '.join(words[2:])}" if len(words) > 2 else f"{start}h0"


def _words(grid: Float64, decimals: int) -> list[str]:
    """Whole numbers of 10^-decimals [n], each as text."""
    values = grid / 10.0**decimals
    if decimals > _REPR_DECIMALS or np.abs(values).max(initial=0.0) >= 10.0**_EXACT_DIGITS:
        return [_trim(f"{value:.{decimals}f}") for value in values.tolist()]
    # One replacement over the joined text instead of a call a number: this is the hot line of a large sheet.
    return (" ".join(map(repr, values.tolist())) + " ").replace(".0 ", " ").split()


def _trim(word: str) -> str:
    return word.rstrip("0").rstrip(".") if "." in word else word
