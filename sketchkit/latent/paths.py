"""Arithmetic on latent vectors: lines, great circles, surfaces between four corners, analogies and means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError

__all__ = ["Method", "analogy", "between", "class_means", "lerp", "path", "slerp", "surface"]

Method = Literal["slerp", "lerp"]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

#: Vectors whose directions are nearer than this angle, or opposite to within it, in radians, span a straight
#: line instead of a great circle.
_LEAST_ANGLE = 1e-6


def lerp(a: npt.ArrayLike, b: npt.ArrayLike, t: npt.ArrayLike) -> Float64:
    """Points on the straight line from a to b.

    Args:
        a: [..., Z].
        b: [..., Z].
        t: [...], the share of the way, 0 at a and 1 at b; beyond, the line goes on.

    Returns:
        [..., Z].

    Raises:
        InputError: shapes that do not fit, or an infinite number or NaN, also on the way.
    """
    start, end, share = _check(a, b, t)
    scale = np.maximum(_exponents(start), _exponents(end))
    way = _scale(_straight(np.ldexp(start, -scale), np.ldexp(end, -scale), share), scale)
    out: Float64 = np.where(share[..., None] == 1.0, end, way)
    return out


def slerp(a: npt.ArrayLike, b: npt.ArrayLike, t: npt.ArrayLike) -> Float64:
    """Points on the great circle from a to b, whose length goes evenly from that of a to that of b.

    Args:
        a: [..., Z].
        b: [..., Z].
        t: [...], the share of the way, 0 at a and 1 at b.

    Returns:
        [..., Z]; the straight line where the directions coincide, are opposite or undefined.

    Raises:
        InputError: shapes that do not fit, or an infinite number or NaN, also on the way.

    Source: Shoemake 1985, "Animating rotation with quaternion curves"; in latent spaces White 2016, "Sampling
        generative networks", as Ha & Eck 2017 use it. Departure: both weigh a and b themselves, by which the
        length dips or bulges between vectors of unequal length; here the direction alone turns, and the
        length is a straight line of its own.
    """
    start, end, share = _check(a, b, t)
    # Squares of large numbers are infinite and those of small ones zero, so all vectors are scaled near 1.
    exponents = _exponents(start), _exponents(end)
    near = np.ldexp(start, -exponents[0]), np.ldexp(end, -exponents[1])
    norms = [np.linalg.norm(each, axis=-1, keepdims=True) for each in near]
    directions = [each / np.where(norm, norm, 1.0) for each, norm in zip(near, norms, strict=True)]
    scale = np.maximum(*exponents)
    lengths = [np.ldexp(norm, mine - scale) for norm, mine in zip(norms, exponents, strict=True)]
    # By both chords: the arc cosine loses half its digits where directions are near each other.
    apart, along = (np.linalg.norm(d, axis=-1) for d in (np.subtract(*directions), np.add(*directions)))
    angle = 2.0 * np.arctan2(apart, along)
    turns = (np.minimum(angle, np.pi - angle) > _LEAST_ANGLE) & (norms[0] * norms[1] > 0)[..., 0]
    angle = np.where(turns, angle, 1.0)
    weights = np.sin((1.0 - share) * angle) / np.sin(angle), np.sin(share * angle) / np.sin(angle)
    length = lengths[0] + share[..., None] * (lengths[1] - lengths[0])
    circle = length * (weights[0][..., None] * directions[0] + weights[1][..., None] * directions[1])
    straight = _straight(np.ldexp(start, -scale), np.ldexp(end, -scale), share)
    way = _scale(np.where(turns[..., None], circle, straight), scale)
    ends = np.where(share[..., None] == 1.0, end, way)
    out: Float64 = np.where(share[..., None] == 0.0, start, ends)  # both to the last bit
    return out


def between(method: Method, a: npt.ArrayLike, b: npt.ArrayLike, t: npt.ArrayLike) -> Float64:
    """`slerp` or `lerp`, by name.

    Raises:
        InputError: another name.
    """
    if method not in get_args(Method):
        raise InputError(f"the method must be slerp or lerp, got {method!r}")
    return slerp(a, b, t) if method == "slerp" else lerp(a, b, t)


def path(stations: npt.ArrayLike, n: int, method: Method = "slerp") -> Float64:
    """Points on a path through several stations, which are among the points.

    Args:
        stations: [S, Z], S at least 2.
        n: how many points, S or more. Between two stations they are at even distances, and the numbers of
            points between two stations differ by at most 1.
        method: of the way between two stations.

    Returns:
        [n, Z].

    Raises:
        InputError: fewer stations or points.
    """
    given = np.asarray(stations, np.float64)
    if given.ndim != 2 or len(given) < 2:
        raise InputError(f"a way needs two stations or more, got an array of shape {list(given.shape)}")
    count = len(given)
    if n < count:
        raise InputError(f"a way past {count} stations has {count} points or more, got {n}")
    # The number of the point that each station is: whole numbers, halves rounded up.
    stops = (2 * np.arange(count) * (n - 1) + count - 1) // (2 * (count - 1))
    legs = np.searchsorted(stops[1:-1], np.arange(n), side="right")
    shares = (np.arange(n) - stops[legs]) / (stops[legs + 1] - stops[legs])
    return between(method, given[legs], given[legs + 1], shares)


def surface(corners: npt.ArrayLike, steps: tuple[int, int], method: Method = "slerp") -> Float64:
    """Points of the surface that four corners span: along both edges first, then from edge to edge.

    Args:
        corners: [..., 4, Z]: upper left, upper right, lower left, lower right.
        steps: (columns, rows), each at least 2.
        method: of the way between two points.

    Returns:
        [..., rows, columns, Z], the corners themselves in the corners.

    Raises:
        InputError: another number of corners or fewer steps.

    Source: Ha & Eck 2017, section 4 (bilinear interpolation with slerp). Spherical ways do not commute: down
        the left and the right edge first and then across is the order here.
    """
    given = np.asarray(corners, np.float64)
    if given.ndim < 2 or given.shape[-2] != 4:
        raise InputError(f"a grid needs four corners, got an array of shape {list(given.shape)}")
    columns, rows = steps
    if min(columns, rows) < 2:
        raise InputError(f"a grid has 2 columns and 2 rows or more, got {columns}x{rows}")
    down, across = np.linspace(0.0, 1.0, rows), np.linspace(0.0, 1.0, columns)
    # [..., rows, 2, Z]
    edges = between(method, given[..., None, :2, :], given[..., None, 2:, :], down[:, None])
    return between(method, edges[..., :1, :], edges[..., 1:, :], across)


def analogy(a: npt.ArrayLike, b: npt.ArrayLike, c: npt.ArrayLike) -> Float64:
    """An analogy, c + (a - b): c with the difference between a and b.

    Args:
        a: [..., Z].
        b: [..., Z].
        c: [..., Z].

    Returns:
        [..., Z].

    Raises:
        InputError: shapes that do not fit.

    Source: Ha & Eck 2017, section 4: a pig's body, from a whole cat, a cat's head and a pig's head.
    """
    first, less, more = (np.asarray(each, np.float64) for each in (a, b, c))
    try:
        return first - less + more
    except ValueError:
        what = ", ".join(str(list(each.shape)) for each in (first, less, more))
        raise InputError(f"vectors of the shapes {what} cannot be added") from None


def class_means(z: npt.ArrayLike, labels: Sequence[str | None]) -> dict[str, Float64]:
    """The mean of the latent vectors of each class.

    Args:
        z: [n, Z].
        labels: n names; drawings without a name are left out.

    Returns:
        Means [Z] by name, sorted by name.

    Raises:
        InputError: another number of names than of vectors.
    """
    vectors = np.asarray(z, np.float64)
    if vectors.ndim != 2 or len(vectors) != len(labels):
        raise InputError(f"{len(labels)} labels do not fit latent vectors of the shape {list(vectors.shape)}")
    names = np.array(["" if label is None else label for label in labels], object)
    return {
        name: vectors[names == name].mean(0) for name in sorted({each for each in labels if each is not None})
    }


def _straight(start: Float64, end: Float64, share: Float64) -> Float64:
    return start + share[..., None] * (end - start)


def _exponents(vectors: Float64) -> Int32:
    """The power of two just above the largest coordinate of each vector, [..., 1]."""
    out: Int32 = np.frexp(np.abs(vectors).max(axis=-1, keepdims=True, initial=0.0))[1]
    return out


def _scale(way: Float64, exponents: Int32) -> Float64:
    with np.errstate(over="ignore"):
        out: Float64 = np.ldexp(way, exponents)
    if not np.isfinite(out).all():
        raise InputError("the way leads through a number that is too large")
    return out


def _check(a: npt.ArrayLike, b: npt.ArrayLike, t: npt.ArrayLike) -> tuple[Float64, Float64, Float64]:
    """Both ends and the shares as float64 of common shapes."""
    start, end, share = (_numbers(values) for values in (a, b, t))
    if not start.ndim or not end.ndim or start.shape[-1] != end.shape[-1]:
        raise InputError(f"a way cannot lead from {list(start.shape)} to {list(end.shape)} numbers")
    try:
        shape = np.broadcast_shapes(start.shape[:-1], end.shape[:-1], share.shape)
    except ValueError:
        what = f"{list(start.shape)}, {list(end.shape)} and {list(share.shape)}"
        raise InputError(f"vectors and shares of the shapes {what} do not go together") from None
    size = start.shape[-1]
    return (
        np.broadcast_to(start, (*shape, size)),
        np.broadcast_to(end, (*shape, size)),
        np.broadcast_to(share, shape),
    )


def _numbers(values: Any) -> Float64:
    try:
        out = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"a way leads between numbers: {error}") from error
    if not np.isfinite(out).all():
        raise InputError("a way cannot lead through a number that is not finite")
    return out
