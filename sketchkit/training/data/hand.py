"""A hand that draws lines, arcs and curves, a little differently every time and the same for the same number.

Everything is drawn on a page of about 100 by 100, y pointing down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError

__all__ = ["Hand", "Line", "Point", "polar"]

Line = npt.NDArray[np.float64]
Point = tuple[float, float]
T = TypeVar("T")

#: Points of a line before it is simplified, by its length.
_SPACING = 2.0
#: Random numbers made at once; a drawing takes some two hundred.
_STOCK = 128

#: The two waves of a tremor: how often they come in a unit of the way, and how strong each is. [wave, 1]
_WAVES, _SHARES = np.array([[1.0 / 60], [2.3 / 60]]), np.array([[0.7], [0.4]])
#: The eight places of a point between two others, [8, 1].
_EIGHTHS = np.linspace(0.0, 1.0, 9)[:-1, None]


class Hand:
    """A hand and its habits.

    The numbers come from Philox's raw output, which numpy promises never to change; its distributions carry
    no such promise.

    Args:
        seed: 0..2^64 - 1.
        index: of the drawing, 0..2^64 - 1.

    Raises:
        InputError: a seed or an index out of range.
    """

    def __init__(self, seed: int, index: int) -> None:
        if not (0 <= seed < 2**64 and 0 <= index < 2**64):
            raise InputError(f"a seed and an index must lie in 0..2^64 - 1, got {seed} and {index}")
        self._source = np.random.Philox(key=np.array([seed, index], np.uint64))
        self._stock: list[float] = []
        #: How unsteady this hand is, in units of the page.
        self.tremor = self.between(0.3, 1.1)
        #: How far its circles fail to close, or overlap, as an angle.
        self.carelessness = self.between(0.0, 0.28)

    # --- chance ---------------------------------------------------------------------------------------

    def between(self, low: float, high: float) -> float:
        """A number from low to high, all alike likely."""
        return low + (high - low) * self._uniform()

    def count(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int((high - low + 1) * self._uniform())

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self._uniform() < probability

    def near(self, value: float, share: float = 0.1) -> float:
        """About a value, at most so great a share of it away."""
        return value * self.between(1 - share, 1 + share)

    def pick(self, things: Sequence[T]) -> T:
        """One of some things."""
        return things[self.count(0, len(things) - 1)]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """The things in any order."""
        rest, out = list(things), []
        while rest:
            out.append(rest.pop(self.count(0, len(rest) - 1)))
        return out

    # --- lines ----------------------------------------------------------------------------------------

    def line(self, *points: Point) -> Line:
        """Straight from point to point, as straight as a hand does it."""
        return self._wobbled(np.array(points, float))

    def closed(self, *points: Point) -> Line:
        """A polygon begun at any corner, either way round, that misses its beginning by a hair."""
        first = self.count(0, len(points) - 1)
        ring = [*points[first:], *points[:first]]
        if self.chance(0.3):
            ring = ring[::-1]
        miss = 2 * self.tremor
        end = (ring[0][0] + self.between(-miss, miss), ring[0][1] + self.between(-miss, miss))
        return self.line(*ring, end)

    def curve(self, *points: Point) -> Line:
        """Smoothly through all points.

        Source: Catmull & Rom 1974, the uniform spline; the ends are doubled.
        """
        p = np.array([points[0], *points, points[-1]], float)
        parts = _spline(np.stack([p[:-3], p[1:-2], p[2:-1], p[3:]]))
        return self._wobbled(np.concatenate([parts, p[-1:]]))

    def arc(
        self,
        middle: Point,
        radius: float | Point,
        start: float = 0.0,
        sweep: float = 360.0,
        tilt: float = 0.0,
    ) -> Line:
        """A part of an ellipse.

        Args:
            middle: its centre.
            radius: one, or two of them.
            start: where it begins, in degrees clockwise from the right.
            sweep: how far it goes, in degrees; negative for the other way round.
            tilt: how far the ellipse is turned, in degrees.
        """
        rx, ry = (radius, radius) if isinstance(radius, float | int) else radius
        angle = np.radians(np.linspace(start, start + sweep, max(int(abs(sweep) / 12), 3) + 1))
        x, y, turn = rx * np.cos(angle), ry * np.sin(angle), math.radians(tilt)
        points = np.stack(
            [x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)], axis=1
        )
        return self._wobbled(points + np.array(middle))

    def round(self, middle: Point, radius: float | Point, tilt: float = 0.0) -> Line:
        """A whole ellipse, begun near the top, that does not quite close or overlaps."""
        way = 1 if self.chance(0.35) else -1
        extra = math.degrees(self.carelessness) * self.between(-0.5, 1.0)
        return self.arc(middle, radius, self.between(-140, -60), way * (360 + extra), tilt)

    def _wobbled(self, points: Line) -> Line:
        """Finer points, moved by a slow wave that has nothing to do with the page."""
        way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        if way[-1] == 0.0:
            return points
        # Corners stay: the fine points come in addition to those given.
        fine = np.sort(np.concatenate([np.arange(0.0, way[-1], _SPACING), way]))
        out = np.stack([np.interp(fine, way, column) for column in points.T])  # [2, n]
        size = self.tremor * min(1.0, way[-1] / 25)  # small things are drawn with more care
        chance = np.array([self._uniform() for _ in range(8)]).reshape(2, 2, 2, 1)  # of what, axis, wave
        turns = _WAVES * (0.5 + chance[0]) * fine + chance[1]
        return np.asarray((out + size * (_SHARES * np.sin(2 * math.pi * turns)).sum(axis=1)).T)

    def _uniform(self) -> float:
        if not self._stock:
            raw = self._source.random_raw(_STOCK)
            self._stock = ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).tolist()
        return self._stock.pop()


def _spline(p: Line) -> Line:
    """Eight points from the second of four points towards the third, for many fours [4, n, 2] in turn."""
    p0, p1, p2, p3 = p[:, :, None]  # [n, 1, 2]
    t = _EIGHTHS
    between: Line = (
        p1
        + 0.5 * t * (p2 - p0)
        + t**2 * (p0 - 2.5 * p1 + 2 * p2 - 0.5 * p3)
        + t**3 * (-0.5 * p0 + 1.5 * p1 - 1.5 * p2 + 0.5 * p3)
    )
    return between.reshape(-1, 2)


def polar(middle: Point, radius: float, degrees: float) -> Point:
    """The point so far from a middle, in a direction clockwise from the right."""
    angle = math.radians(degrees)
    return middle[0] + radius * math.cos(angle), middle[1] + radius * math.sin(angle)
