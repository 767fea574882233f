"""Flawed copies of drawings, from which a recogniser learns what belongs to a drawing and where."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sketchkit.critic.raster import Lines

__all__ = ["add_flaws"]

Float64 = npt.NDArray[np.float64]
Strokes = list[Float64]

#: How far a part is displaced, as shares of the longer side of the drawing.
_SHIFTS = (0.15, 0.4)
#: How much smaller or larger a part becomes.
_FACTORS = ((0.3, 0.6), (1.6, 2.6))
#: The share of a stroke that is missing.
_GAPS = (0.2, 0.45)
#: How often the last strokes are missing, and not any.
_UNFINISHED = 0.3
#: A part is taken in proportion to its size, and to this share of the drawing's beside.
_LEAST_SIZE = 0.02


def add_flaws(lines: Lines, rng: np.random.Generator) -> Lines:
    """Give each of some drawings one flaw.

    Strokes are missing, or a piece of one; a part is in another place, of another size, or there once too
    often. The largest part of a drawing stays where it is. A drawing of a single stroke loses a piece.

    Args:
        lines: of n drawings.
        rng: the source of randomness.

    Returns:
        As many drawings; one of fewer than four points is unchanged.
    """
    return Lines.of_strokes([_add_flaw(lines.strokes(i), rng) for i in range(len(lines))])


def _add_flaw(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """A flawed copy of a drawing."""
    if sum(map(len, strokes)) < 4:
        return strokes
    flaw = _FLAWS[rng.choice(len(_FLAWS), p=_OFTEN)]
    return (_cut if len(strokes) == 1 else flaw)(list(strokes), rng)


def _cut(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """A piece of the stroke with the most points is missing."""
    longest = max(range(len(strokes)), key=lambda i: len(strokes[i]))
    stroke = strokes[longest]
    if len(stroke) < 4:
        return _lose(strokes, rng) if len(strokes) > 1 else strokes
    gap = max(2, int(len(stroke) * rng.uniform(*_GAPS)))
    begin = int(rng.integers(len(stroke) - gap + 1))
    rest = [piece for piece in (stroke[:begin], stroke[begin + gap :]) if len(piece) > 1]
    return strokes[:longest] + (rest or [stroke[:1]]) + strokes[longest + 1 :]


def _lose(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Strokes are missing, a third of all at the most."""
    count = int(rng.integers(1, 1 + max(1, len(strokes) // 3)))
    if rng.random() < _UNFINISHED:
        return strokes[:-count]
    sizes = _sizes(strokes)
    lost = rng.choice(len(strokes), count, replace=False, p=sizes / sizes.sum())
    return [stroke for i, stroke in enumerate(strokes) if i not in lost]


def _displace(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    part = _part(strokes, rng)
    strokes[part] = strokes[part] + _shift(strokes, rng)
    return strokes


def _resize(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    part = _part(strokes, rng)
    middle = strokes[part].mean(0)
    strokes[part] = middle + (strokes[part] - middle) * rng.uniform(*_FACTORS[rng.integers(2)])
    return strokes


def _repeat(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    return [*strokes, strokes[_part(strokes, rng)] + _shift(strokes, rng)]


_FLAWS: tuple[Callable[[Strokes, np.random.Generator], Strokes], ...]
_FLAWS = (_lose, _displace, _resize, _repeat, _cut)
#: How often each flaw is chosen.
_OFTEN = (0.4, 0.2, 0.15, 0.15, 0.1)


def _sizes(strokes: Strokes) -> Float64:
    """How large strokes are: the longer side of each, and a little more, so that a dot counts, too."""
    return np.array([np.ptp(stroke, 0).max() for stroke in strokes]) + _LEAST_SIZE * _extent(strokes)


def _extent(strokes: Strokes) -> float:
    """The longer side of a drawing; 1 of a drawing of one place."""
    return float(np.ptp(np.concatenate(strokes), 0).max()) or 1.0


def _part(strokes: Strokes, rng: np.random.Generator) -> int:
    """A stroke other than the largest."""
    sizes = _sizes(strokes)
    sizes[sizes.argmax()] = 0.0
    return int(rng.choice(len(strokes), p=sizes / sizes.sum()))


def _shift(strokes: Strokes, rng: np.random.Generator) -> Float64:
    angle, far = rng.uniform(0.0, 2 * math.pi), rng.uniform(*_SHIFTS) * _extent(strokes)
    return far * np.array([math.cos(angle), math.sin(angle)])
