"""How sure a figure is: the same figure of drawings that are drawn anew from those at hand, many times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError

__all__ = ["Bootstrap", "Figure"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

#: The middle 95 % of the resamples.
_PERCENTILES = (2.5, 97.5)
#: Places of drawings held at once, to bound memory.
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Figure:
    """A number and its 95 % interval.

    Args:
        value: of the drawings at hand.
        low: where the interval begins; None where nobody asked for one.
        high: where it ends.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Bootstrap:
    """Percentile intervals by resampling drawings, never points: those of one drawing hang together.

    Args:
        resamples: how many; 0 for no intervals.
        seed: of the resampling. Sets of equally many drawings are resampled alike, so that figures of the
            same drawings move together.

    Raises:
        InputError: a number out of range.

    Source: Efron & Tibshirani 1993, chapter 13.
    """

    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 0 or self.seed < 0:
            raise InputError("the bootstrap needs a number of resamples and a seed of 0 or more")

    def mean(self, values: npt.ArrayLike) -> Figure:
        """The mean of a number a drawing, [n]; of booleans, a share."""
        array = np.asarray(values, np.float64)
        return self.ratio(array, np.ones(len(array)))

    def ratio(self, numerators: npt.ArrayLike, denominators: npt.ArrayLike) -> Figure:
        """The ratio of two sums over drawings, such as losses [n] over points [n]."""
        above, below = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
        drawn = [above[some].sum(axis=1) / below[some].sum(axis=1) for some in self._places(len(above))]
        return self._figure(float(above.sum() / below.sum()), drawn)

    def median(self, values: npt.ArrayLike) -> Figure:
        """The median of a number a drawing, [n]."""
        array = np.asarray(values, np.float64)
        drawn = [np.median(array[some], axis=1) for some in self._places(len(array))]
        return self._figure(float(np.median(array)), drawn)

    def distance(
        self,
        function: Callable[[Any, Any], float],
        a: npt.NDArray[Any],
        b: npt.NDArray[Any],
        most: int | None = None,
    ) -> Figure:
        """A distance between two sets of drawings, [n, ...] and [m, ...], each resampled for itself.

        Resamples repeat some drawings and lack others, and so lie further apart than the sets themselves do.
        The interval shows how they spread, moved so that their median is the figure.

        Args:
            function: the distance of two such sets.
            a: one set.
            b: the other.
            most: no more resamples than this, for a distance that takes long.
        """
        value = float(function(a, b))
        wanted = self.resamples if most is None else min(self.resamples, most)
        rng = np.random.default_rng(self.seed)
        drawn = np.array(
            [
                function(a[rng.integers(0, len(a), len(a))], b[rng.integers(0, len(b), len(b))])
                for _ in range(wanted)
            ]
        )
        shift = value - float(np.median(drawn)) if wanted else 0.0
        figure = self._figure(value, [drawn + shift])
        # No distance is below 0, wherever the interval has been moved.
        return figure if figure.low is None else Figure(value, max(figure.low, 0.0), figure.high)

    def _places(self, n: int) -> Iterator[Int64]:
        """Places of drawings with repetition, [r, n] at a time; in all as many rows as resamples."""
        rng = np.random.default_rng(self.seed)
        at_once = max(1, _AT_ONCE // max(n, 1))
        for begin in range(0, self.resamples, at_once):
            yield rng.integers(0, n, (min(at_once, self.resamples - begin), n))

    def _figure(self, value: float, drawn: list[Float64]) -> Figure:
        if not self.resamples:
            return Figure(value)
        low, high = np.percentile(np.concatenate(drawn), _PERCENTILES)
        return Figure(value, float(low), float(high))
