"""Strokes drawn by chance on a page of about 100 by 100, y pointing down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError

__all__ = ["Pen", "Point", "Stroke", "mirror", "polar"]

Stroke = npt.NDArray[np.float64]  # [n, 2]
Point = tuple[float, float]
T = TypeVar("T")

#: Points of a stroke before it is simplified, by its length.
_SPACING = 2.0
#: Random numbers made at once; a drawing takes some two hundred.
_STOCK = 128
#: The two waves of a tremor: their frequencies per unit of length, and their amplitudes. [wave, 1]
_FREQUENCIES, _AMPLITUDES = np.array([[1.0 / 60], [2.3 / 60]]), np.array([[0.7], [0.4]])
#: The eight places of a point between two others, [8, 1].
_EIGHTHS = np.linspace(0.0, 1.0, 9)[:-1, None]


class Pen:
    """An unsteady pen: a source of random numbers, and strokes that waver by them.

    The numbers come from Philox's raw output, which numpy promises to keep, unlike its distributions.

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
        self._tremor = self.uniform(0.3, 1.1)  # in units of the page
        self._overlap = self.uniform(0.0, 0.28)  # of an ellipse with itself, as an angle

    # --- random numbers -------------------------------------------------------------------------------

    def uniform(self, low: float, high: float) -> float:
        """A number in low..high."""
        return low + (high - low) * self._random()

    def integer(self, low: int, high: int) -> int:
        """A whole number in low..high, both included."""
        return low + int((high - low + 1) * self._random())

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def vary(self, value: float, share: float) -> float:
        """A number at most this share of the value away from it."""
        return value * self.uniform(1 - share, 1 + share)

    def choose(self, things: Sequence[T]) -> T:
        """One of some things."""
        return things[self.integer(0, len(things) - 1)]

    def permute(self, things: Sequence[T]) -> list[T]:
        """The things in random order."""
        rest = list(things)
        return [rest.pop(self.integer(0, len(rest) - 1)) for _ in things]

    def _random(self) -> float:
        if not self._stock:
            raw = self._source.random_raw(_STOCK)
            self._stock = ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).tolist()
        return self._stock.pop()

    # --- strokes --------------------------------------------------------------------------------------

    def line(self, *points: Point) -> Stroke:
        """From point to point."""
        return self._waver(np.array(points, float))

    def polygon(self, *points: Point) -> Stroke:
        """Around a polygon from a random corner, in either direction, to an end near the beginning."""
        first = self.integer(0, len(points) - 1)
        ring = [*points[first:], *points[:first]]
        if self.chance(0.3):
            ring = ring[::-1]
        miss = 2 * self._tremor
        return self.line(
            *ring, (ring[0][0] + self.uniform(-miss, miss), ring[0][1] + self.uniform(-miss, miss))
        )

    def curve(self, *points: Point) -> Stroke:
        """Smoothly through all points.

        Source: Catmull & Rom 1974, the uniform spline; the ends are doubled.
        """
        p = np.array([points[0], *points, points[-1]], float)
        p0, p1, p2, p3 = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]  # [n - 1, 1, 2]
        t = _EIGHTHS
        between = (
            p1
            + 0.5 * t * (p2 - p0)
            + t**2 * (p0 - 2.5 * p1 + 2 * p2 - 0.5 * p3)
            + t**3 * (-0.5 * p0 + 1.5 * p1 - 1.5 * p2 + 0.5 * p3)
        )
        return self._waver(np.concatenate([between.reshape(-1, 2), p[-1:]]))

    def arc(
        self, middle: Point, radius: float | Point, start: float, sweep: float, tilt: float = 0.0
    ) -> Stroke:
        """A part of an ellipse.

        Args:
            middle: its centre.
            radius: one, or the two half axes.
            start: where it begins, in degrees clockwise from the right.
            sweep: its extent in degrees; negative for counter-clockwise.
            tilt: the rotation of the ellipse, in degrees.
        """
        rx, ry = (radius, radius) if isinstance(radius, float | int) else radius
        angle = np.radians(np.linspace(start, start + sweep, max(int(abs(sweep) / 12), 3) + 1))
        x, y = rx * np.cos(angle), ry * np.sin(angle)
        cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
        return self._waver(np.stack([x * cos - y * sin, x * sin + y * cos], axis=1) + np.array(middle))

    def ellipse(self, middle: Point, radius: float | Point, tilt: float = 0.0) -> Stroke:
        """A whole ellipse, begun near the top, with a small gap or overlap at its end."""
        way = 1 if self.chance(0.35) else -1
        extra = math.degrees(self._overlap) * self.uniform(-0.5, 1.0)
        return self.arc(middle, radius, self.uniform(-140, -60), way * (360 + extra), tilt)

    def _waver(self, points: Stroke) -> Stroke:
        """Finer points, moved by slow waves along the stroke."""
        way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        if way[-1] == 0.0:
            return points
        # Corners stay: the fine points come in addition to those given.
        fine = np.sort(np.concatenate([np.arange(0.0, way[-1], _SPACING), way]))
        out = np.stack([np.interp(fine, way, column) for column in points.T])  # [2, n]
        size = self._tremor * min(1.0, way[-1] / 25)  # small strokes are steadier
        chance = np.array([self._random() for _ in range(8)]).reshape(2, 2, 2, 1)  # of what, axis, wave
        turns = _FREQUENCIES * (0.5 + chance[0]) * fine + chance[1]
        return np.asarray((out + size * (_AMPLITUDES * np.sin(2 * math.pi * turns)).sum(axis=1)).T)


def polar(middle: Point, radius: float, degrees: float) -> Point:
    """The point at this distance from a middle, in a direction clockwise from the right."""
    angle = math.radians(degrees)
    return middle[0] + radius * math.cos(angle), middle[1] + radius * math.sin(angle)


def mirror(*points: Point) -> list[Point]:
    """Points to the left of the page's middle, then their mirror images backwards.

    Args:
        points: the distance to the axis x = 50 and y of each; a point on the axis stands once.
    """
    left = [(50 - x, y) for x, y in points]
    return left + [(50 + x, y) for x, y in reversed(points) if x]
