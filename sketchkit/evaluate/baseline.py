"""The baseline: the best prediction of a drawing's next point that ignores the drawing.

A mixture of as many normal distributions as a model's, the same for every point, and how often each pen state
follows each other. The gain of a model over it comes from reading the drawing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from sketchkit.evaluate.heldout import HeldOut
from sketchkit.training.data import Dataset

__all__ = ["COMPONENTS", "ConstantMixture", "Mixture", "fit_constant", "fit_mixture", "pen_chances"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: M, as many components as the published models have.
COMPONENTS = 20
#: The most offsets and rounds of a fit.
_MOST_OFFSETS = 100_000
_MOST_ROUNDS = 200
#: A fit ends when a round gains less than this per point.
_LEAST_GAIN = 3e-5
_AT_ONCE = 1024
#: The variance of a number that was rounded to whole pixels.
_ROUNDING = 1.0 / 12.0


@dataclass(frozen=True)
class Mixture:
    """A mixture of M normal distributions in the plane.

    Args:
        weights: [M], which add up to 1.
        means: [M, 2].
        covariances: [M, 2, 2].
    """

    weights: Float64
    means: Float64
    covariances: Float64

    def log_density(self, points: Float64) -> Float64:
        """The natural logarithm of the density at points [N, 2]; [N]."""
        scores = torch.from_numpy(_monomials(points)) @ torch.from_numpy(self._coefficients()).T
        out: Float64 = scores.logsumexp(1).numpy()
        return out

    def _coefficients(self) -> Float64:
        """Of each component's log density, a polynomial in (1, x, y, xx, xy, yy); [M, 6]."""
        precision = np.linalg.inv(self.covariances)
        slope = np.einsum("mij,mj->mi", precision, self.means)
        _, log_det = np.linalg.slogdet(self.covariances)
        level = -0.5 * np.einsum("mi,mi->m", slope, self.means) - 0.5 * log_det - math.log(2 * math.pi)
        with np.errstate(divide="ignore"):  # a component of no weight has the log density -inf
            level = level + np.log(self.weights)
        xx, xy, yy = -0.5 * precision[:, 0, 0], -precision[:, 0, 1], -0.5 * precision[:, 1, 1]
        return np.stack([level, slope[:, 0], slope[:, 1], xx, xy, yy], axis=1)


@dataclass(frozen=True)
class ConstantMixture:
    """A model of points that ignores their history.

    Args:
        mixture: of the offsets, in model units.
        log_pens: [3, 3], the logarithm of how often the pen draws, lifts or ends (columns) at the first point
            and after a point where it drew or lifted (rows).
        scale_factor: pixels in a model unit.
    """

    mixture: Mixture
    log_pens: Float64
    scale_factor: float

    def score(self, held: HeldOut) -> tuple[Float64, Float64]:
        """The sums of -log p of the offsets and of the pen states of each drawing, [n] each.

        The offset of an end row does not count; model units and natural logarithms, as of a model.
        """
        losses = []
        for points in _batches(held, held.indices):
            scores = np.zeros(points.inked.shape)
            scores[points.inked] = self.mixture.log_density(points.offsets / self.scale_factor)
            pens = np.where(points.counted, self.log_pens[points.before, points.after], 0.0)
            losses.append((-scores.sum(1), -pens.sum(1)))
        offset, pen = (np.concatenate(parts) for parts in zip(*losses, strict=True))
        return offset, pen


@dataclass(frozen=True)
class _Points:
    """The points of B drawings.

    Args:
        counted: [B, T], whether there is a row.
        inked: [B, T], whether its offset counts: all but end rows.
        offsets: [N, 2], those of the inked rows, in pixels.
        before: int64 [B, T], the pen state before each point: 0 at the first or behind the end, 1 drawing,
            2 lifted.
        after: int64 [B, T], its own: 0 drawing, 1 lifted, 2 ended.
    """

    counted: Bools
    inked: Bools
    offsets: Float64
    before: Int64
    after: Int64


def _batches(held: HeldOut, indices: Int64) -> Iterator[_Points]:
    """Drawings of a split, in the order given, some at a time."""
    for begin in range(0, len(indices), _AT_ONCE):
        rows, lengths, _ = held.split.gather(indices[begin : begin + _AT_ONCE])
        counted = np.arange(rows.shape[1]) < lengths[:, None]
        inked = counted & (rows[..., 4] == 0)
        after = rows[..., 2:].argmax(-1)  # [B, T]
        before = np.zeros_like(after)
        before[:, 1:] = (after[:, :-1] + 1) % 3
        yield _Points(counted, inked, rows[inked][:, :2].astype(np.float64), before, after)


def fit_constant(data: Dataset, scale_factor: float, seed: int = 0) -> ConstantMixture:
    """Fit the constant mixture to training drawings.

    Args:
        data: a data set.
        scale_factor: pixels in a model unit.
        seed: of the choice among many drawings, and of the first components.

    Returns:
        The fit, a function of the arguments.

    Raises:
        InputError: a data set without training drawings.
    """
    train, rng = HeldOut.choose(data, "train"), np.random.default_rng(seed)
    offsets: list[Float64] = []
    counts, found = np.zeros((3, 3)), 0
    for points in _batches(train, rng.permutation(train.indices)):
        offsets.append(points.offsets / scale_factor)
        np.add.at(counts, (points.before[points.counted], points.after[points.counted]), 1)
        found += len(offsets[-1])
        if found >= _MOST_OFFSETS:
            break
    floor = _ROUNDING / scale_factor**2
    mixture = fit_mixture(np.concatenate(offsets)[:_MOST_OFFSETS], COMPONENTS, rng, floor)
    return ConstantMixture(mixture, np.log(pen_chances(counts)), scale_factor)


def fit_mixture(points: Float64, components: int, rng: np.random.Generator, floor: float = 0.0) -> Mixture:
    """Fit a mixture by expectation and maximisation.

    Args:
        points: [N, 2].
        components: M; at most N are fitted.
        rng: chooses the points that the components begin at.
        floor: added to every variance, so that components stay wider than a line of rounded points.

    Returns:
        The mixture, after a round with a negligible gain or after 200 rounds.

    Source: Dempster, Laird & Rubin 1977. The log density of a component is a polynomial in the point, so that
        both steps are products of matrices.
    """
    m = min(components, len(points))
    spread = np.cov(points.T, bias=True) + floor * np.eye(2)
    start = points[rng.choice(len(points), m, replace=False)]
    mixture = Mixture(np.full(m, 1.0 / m), start, np.repeat(spread[None] / 4, m, axis=0))
    # Products by torch, whose number of threads the caller has set.
    monomials, last = torch.from_numpy(_monomials(points)), -math.inf
    for _ in range(_MOST_ROUNDS):
        scores = monomials @ torch.from_numpy(mixture._coefficients()).T  # [N, M]
        log_density = scores.logsumexp(1, keepdim=True)
        shares = scores.sub_(log_density).exp_()
        mixture = _maximise((shares.T @ monomials).numpy(), len(points), floor)
        mean = float(log_density.mean())
        if mean - last < _LEAST_GAIN:
            break
        last = mean
    return mixture


def pen_chances(counts: Float64) -> Float64:
    """How likely each state follows each, [3, 3], from how often it did, each once more than counted."""
    more = counts + 1.0
    out: Float64 = more / more.sum(axis=1, keepdims=True)
    return out


def _maximise(moments: Float64, n: int, floor: float) -> Mixture:
    """The mixture of these moments [M, 6]: each component's share of 1, x, y, xx, xy and yy."""
    weight = np.maximum(moments[:, 0], 1e-12)
    means = moments[:, 1:3] / weight[:, None]
    squares = moments[:, [3, 4, 4, 5]].reshape(-1, 2, 2) / weight[:, None, None]
    covariances = squares - means[:, :, None] * means[:, None, :]
    # The rounded matrix of a component that has fallen on one point must still be a covariance.
    tiny = floor + 1e-9 * np.trace(moments[:, [3, 4, 4, 5]].sum(0).reshape(2, 2)) / n
    return Mixture(moments[:, 0] / moments[:, 0].sum(), means, covariances + tiny * np.eye(2))


def _monomials(points: Float64) -> Float64:
    x, y = points.T
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
