"""How far two sets of drawings are apart, by their features or by a number each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from sketchkit.errors import InputError

__all__ = ["NEIGHBOURS", "covered", "frechet", "frechet_gaussians", "wasserstein"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: k: how far a drawing's neighbourhood reaches.
NEIGHBOURS = 3
#: Distances computed at once, to bound memory.
_AT_ONCE = 1 << 22


def frechet(a: Float64, b: Float64) -> float:
    """The Frechet distance between the normal distributions that fit two sets of features.

    Args:
        a: [n, F], n at least 2.
        b: [m, F], m at least 2.

    Returns:
        0 or more. It shrinks with the size of the sets: only figures of equal sizes can be compared.

    Raises:
        InputError: a set of fewer than two.

    Source: Heusel et al. 2017, equation 6, in the features of another network.
    """
    if min(len(a), len(b)) < 2:
        raise InputError("the Frechet distance needs two drawings or more on either side")
    return frechet_gaussians(a.mean(0), _covariance(a), b.mean(0), _covariance(b))


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
    # By torch, which keeps to one thread where it is told to: these matrices are small and many.
    values, vectors = torch.linalg.eigh(torch.from_numpy(cov_a))
    root = (vectors * values.clamp(min=0.0).sqrt()) @ vectors.T
    product = torch.linalg.eigvalsh(root @ torch.from_numpy(cov_b) @ root)
    overlap = float(product.clamp(min=0.0).sqrt().sum())
    distance = np.square(mean_a - mean_b).sum() + np.trace(cov_a) + np.trace(cov_b) - 2.0 * overlap
    return max(float(distance), 0.0)


def covered(points: Float64, by: Float64, neighbours: int = NEIGHBOURS) -> Bools:
    """Which drawings lie in the neighbourhood of one of some others.

    The neighbourhood of a drawing reaches as far as its k-th nearest neighbour among its own. The share of
    samples covered by real drawings is the precision, that of real drawings covered by samples the recall.

    Args:
        points: [n, F], what may be covered.
        by: [m, F], whose neighbourhoods; m above k.
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


def _covariance(features: Float64) -> Float64:
    out: Float64 = torch.cov(torch.from_numpy(features).T).numpy()
    return out


def _distances(points: Float64, others: torch.Tensor) -> Iterator[torch.Tensor]:
    """Distances [b, m] from some points at a time; exactly 0 between equal ones."""
    at_once = max(1, _AT_ONCE // len(others))
    exact = "donot_use_mm_for_euclid_dist"
    chunks = torch.split(torch.from_numpy(points), at_once) if len(points) else ()
    return (torch.cdist(chunk, others, compute_mode=exact) for chunk in chunks)
