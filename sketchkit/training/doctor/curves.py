"""Statistics of noisy curves: means over parts of a run, their errors, and trends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bins", "Trend", "trend"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bins:
    """A curve in parts of equal numbers of rows.

    Args:
        steps: [B] the last step of each part.
        means: [B] of the curve.
        error: how far the mean of a part is from what it would be without noise: the spread within the parts
            over the root of their rows, which a slope within a part makes a little larger.
    """

    steps: Floats
    means: Floats
    error: float

    @classmethod
    def of(cls, steps: NDArray[np.generic], values: Floats, count: int) -> Bins:
        """Cut a curve of at least 2 rows a part into `count` parts."""
        parts = np.array_split(values, count)
        spread = float(np.median([part.std(ddof=1) for part in parts]))
        ends = np.cumsum([len(part) for part in parts]) - 1
        means = np.array([part.mean() for part in parts])
        return cls(np.asarray(steps, float)[ends], means, spread / float(np.sqrt(len(values) / count)))

    @property
    def lowest(self) -> int:
        """The index of the lowest part."""
        return int(self.means.argmin())

    @property
    def end(self) -> float:
        """The mean of the last two parts."""
        return float(self.means[-2:].mean())


@dataclass(frozen=True)
class Trend:
    """A straight line through a curve.

    Args:
        slope: of the line.
        certainty: the slope over its standard error, without sign; 0 where nothing can be said.
        wander: the spread of the curve around the line.
    """

    slope: float
    certainty: float
    wander: float


def trend(x: Floats, y: Floats) -> Trend:
    """The line of least squares through some points."""
    if len(x) < 3 or np.ptp(x) == 0:
        return Trend(0.0, 0.0, 0.0)
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    rest = dy - slope * dx
    wander = float(np.sqrt(rest @ rest / (len(x) - 2)))
    error = wander / float(np.sqrt(dx @ dx))
    return Trend(slope, abs(slope) / error if error > 0 else 0.0 if slope == 0 else float("inf"), wander)
