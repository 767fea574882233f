"""Figures with their intervals, and distances between two sets of drawings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sketchkit.errors import InputError

__all__ = [
    "NEIGHBOURS",
    "Bootstrap",
    "Figure",
    "frechet",
    "frechet_gaussians",
    "is_covered",
    "wasserstein",
]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: The middle 95 % of the resamples.
_PERCENTILES = (2.5, 97.5)
#: k: how far a drawing's neighbourhood reaches.
NEIGHBOURS = 3
#: Places of drawings, or distances, held at once, to bound memory.
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Figure:
    """A number and its 95 % interval.

    Args:
        value: of the drawings at hand.
        low: the lower end of the interval; None without resampling.
        high: its upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Bootstrap:
    """Percentile intervals by resampling whole drawings, since the points of a drawing hang together.

    Args:
        resamples: how many; 0 for figures without intervals.
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
        """The mean of a number per drawing, [n]; of booleans, a share."""
        array = np.asarray(values, np.float64)
        return self.ratio(array, np.ones(len(array)))

    def ratio(self, numerators: npt.ArrayLike, denominators: npt.ArrayLike) -> Figure:
        """The ratio of two sums over drawings, such as losses [n] over points [n]."""
        above, below = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
        drawn = [above[some].sum(axis=1) / below[some].sum(axis=1) for some in self._places(len(above))]
        return self._figure(float(above.sum() / below.sum()), drawn)

    def median(self, values: npt.ArrayLike) -> Figure:
        """The median of a number per drawing, [n]."""
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
        """A distance between two sets of drawings, each resampled by itself.

        Resamples repeat some drawings and lack others, and so lie further apart than the sets themselves.
        The interval shows how they spread, moved so that their median is the figure.

        Args:
            function: the distance of two such sets.
            a: one set, [n, ...].
            b: the other, [m, ...].
            most: the greatest number of resamples, for a slow distance.
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
        # The moved interval may reach below 0, a distance cannot.
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


def frechet(a: Float64, b: Float64) -> float:
    """The Frechet distance between the normal distributions that fit two sets of features.

    Args:
        a: [n, F], n at least 2.
        b: [m, F], m at least 2.

    Returns:
        0 or more. It shrinks with the size of the sets: compare figures of equal sizes only.

    Raises:
        InputError: a set of fewer than two.

    Source: Heusel et al. 2017, equation 6, in the features of another network.
    """
    if min(len(a), len(b)) < 2:
        raise InputError("the Frechet distance needs two drawings or more on either side")
    cov_a, cov_b = (torch.cov(torch.from_numpy(features).T).numpy() for features in (a, b))
    return frechet_gaussians(a.mean(0), cov_a, b.mean(0), cov_b)


def frechet_gaussians(mean_a: Float64, cov_a: Float64, mean_b: Float64, cov_b: Float64) -> float:
    """The Frechet distance |m - n|^2 + tr(A + B - 2 (A B)^(1/2)) between N(m, A) and N(n, B).

    Args:
        mean_a: [F].
        cov_a: [F, F], symmetric and positive semi-definite; it may be singular.
        mean_b: [F].
        cov_b: [F, F], likewise.

    Source: Dowson & Landau 1982. The trace of (A B)^(1/2) is that of (A^(1/2) B A^(1/2))^(1/2), which is
        symmetric.
    """
    # By torch, whose number of threads the caller has set: these matrices are small and many.
    values, vectors = torch.linalg.eigh(torch.from_numpy(cov_a))
    root = (vectors * values.clamp(min=0.0).sqrt()) @ vectors.T
    product = torch.linalg.eigvalsh(root @ torch.from_numpy(cov_b) @ root)
    overlap = float(product.clamp(min=0.0).sqrt().sum())
    distance = np.square(mean_a - mean_b).sum() + np.trace(cov_a) + np.trace(cov_b) - 2.0 * overlap
    return max(float(distance), 0.0)


def is_covered(points: Float64, by: Float64, neighbours: int = NEIGHBOURS) -> Bools:
    """Which drawings lie in the neighbourhood of a drawing of another set.

    The neighbourhood of a drawing reaches as far as its k-th nearest neighbour in its own set. The share of
    samples covered by real drawings is the precision, that of real drawings covered by samples the recall.

    Args:
        points: [n, F].
        by: [m, F], the drawings with neighbourhoods; m above k.
        neighbours: k.

    Returns:
        [n].

    Raises:
        InputError: too few drawings to have so many neighbours.

    Source: Kynkaanniemi et al. 2019, section 3, k = 3.
    """
    if not 1 <= neighbours < len(by):
        raise InputError(f"{len(by)} drawings do not have {neighbours} neighbours each")
    others = torch.from_numpy(by)
    # A drawing is its own nearest, at distance 0.
    reach = torch.cat([d.kthvalue(neighbours + 1, 1).values for d in _distances(by, others)])
    return np.concatenate(
        [np.zeros(0, bool)] + [(d <= reach).any(1).numpy() for d in _distances(points, others)]
    )


def wasserstein(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """The Wasserstein distance W1 between two sets of numbers: how far one must be moved to become the other.

    Args:
        a: [n], n at least 1.
        b: [m], m at least 1.

    Returns:
        In the unit of the numbers.
    """
    left, right = np.sort(np.asarray(a, np.float64)), np.sort(np.asarray(b, np.float64))
    places = np.sort(np.concatenate([left, right]))
    below_left = np.searchsorted(left, places[:-1], "right") / len(left)
    below_right = np.searchsorted(right, places[:-1], "right") / len(right)
    return float((np.abs(below_left - below_right) * np.diff(places)).sum())


def _distances(points: Float64, others: torch.Tensor) -> Iterator[torch.Tensor]:
    """Distances [b, m] from some points at a time; exactly 0 between equal ones."""
    at_once = max(1, _AT_ONCE // len(others))
    exact = "donot_use_mm_for_euclid_dist"
    chunks = torch.split(torch.from_numpy(points), at_once) if len(points) else ()
    return (torch.cdist(chunk, others, compute_mode=exact) for chunk in chunks)
