"""Cubic Bézier curves along polylines: smooth, with the corners kept.

Source: P. J. Schneider, "An Algorithm for Automatically Fitting Digitized Curves", Graphics Gems I (1990):
least squares for the handles, Newton's steps for the parameters, a cut where the error is largest.
Departure: all pieces of all lines are fitted at once; the direction at a free end is fitted too; a cut lies
at a point of the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["CORNER", "TOLERANCE", "fit_curves", "fit_drawings", "flatten_curves"]

Float64 = npt.NDArray[np.float64]

#: The farthest that a curve is from its line, as a share of the longer side of the drawing.
TOLERANCE = 0.0145
#: A turn of so many degrees is a corner.
CORNER = 60.0

_SAMPLES = 32
_NEWTON_STEPS = 3
_MOST_CHORDS = 1_000
#: A curve that misses by more tolerances than this is cut in the middle.
_NEAR = 4.0
_TINY = 1e-12


@dataclass(frozen=True)
class _Piece:
    """A part of a line without a corner inside.

    Args:
        line: the number of its line.
        first: the row where it begins.
        points: [n, 2], n at least 2.
        tolerance: the farthest that the curve may be from it.
        begin, end: unit vectors [2] in the direction of the pen at either end; free when `None`.
    """

    line: int
    first: int
    points: Float64
    tolerance: float
    begin: Float64 | None
    end: Float64 | None


def fit_curves(
    lines: Sequence[npt.ArrayLike], tolerance: float | None = None, corner: float = CORNER
) -> list[Float64]:
    """Cubic Bézier curves along the lines of a drawing.

    Args:
        lines: [n, 2] each, in drawing units, the pen down throughout.
        tolerance: the farthest that a curve may be from its line, in drawing units; a share of `TOLERANCE` of
            the longer side of all lines together when `None`.
        corner: a turn of more degrees stays a corner, above 0 up to 180.

    Returns:
        Of each line float64 [m, 4, 2]: start, two handles and end of each curve. A curve begins where the one
        before ends; the first begins at the first point and the last ends at the last. A dot has m = 0.
    """
    return fit_drawings([lines], tolerance, corner)[0]


def fit_drawings(
    drawings: Sequence[Sequence[npt.ArrayLike]], tolerance: float | None = None, corner: float = CORNER
) -> list[list[Float64]]:
    """Curves along the lines of several drawings, as `fit_curves` makes them of each, in less time.

    Args:
        drawings: the lines of each.
        tolerance: of all; a share of the longer side of each drawing when `None`.
        corner: as of `fit_curves`.

    Returns:
        The curves of each line of each drawing.
    """
    clean = [[_distinct(np.asarray(line, np.float64).reshape(-1, 2)) for line in lines] for lines in drawings]
    waiting: list[_Piece] = []
    for lines, first in zip(clean, np.cumsum([0, *map(len, clean)]).tolist(), strict=False):
        near = _usual_tolerance(lines) if tolerance is None else tolerance
        waiting += [piece for i, line in enumerate(lines, first) for piece in _pieces(i, line, corner, near)]
    curves = iter(_fit_pieces(waiting, sum(map(len, clean))))
    return [[next(curves) for _ in lines] for lines in clean]


def _usual_tolerance(lines: Sequence[Float64]) -> float:
    points = np.concatenate([*lines, np.zeros((0, 2))])
    return TOLERANCE * float(np.ptp(points, axis=0).max()) if len(points) else 0.0


def _fit_pieces(waiting: list[_Piece], lines: int) -> list[Float64]:
    """The curves of each of so many lines, from its pieces."""
    found: list[tuple[int, int, Float64]] = []
    while waiting:
        waiting, done = _fit(waiting)
        found += done
    out: list[list[Float64]] = [[] for _ in range(lines)]
    for line, _, curves in sorted(found, key=lambda each: each[:2]):
        out[line].append(curves)
    return [np.concatenate(each) if each else np.zeros((0, 4, 2)) for each in out]


def flatten_curves(curves: Float64, tolerance: float) -> Float64:
    """The polyline of joined curves.

    Args:
        curves: float64 [m, 4, 2].
        tolerance: the farthest that a chord may be from its curve, in drawing units, above 0.

    Returns:
        float64 [n, 2].
    """
    if not len(curves):
        return np.zeros((0, 2))
    bends = np.linalg.norm(curves[:, :-2] - 2 * curves[:, 1:-1] + curves[:, 2:], axis=2).max(1)
    chords = np.clip(np.ceil(np.sqrt(0.75 * bends / tolerance)), 1, _MOST_CHORDS).astype(int)
    which = np.repeat(np.arange(len(curves)), chords)
    ends = np.arange(len(which)) - np.repeat(np.cumsum(chords) - chords, chords) + 1
    at = (ends / chords[which])[:, None]
    return np.concatenate([curves[:1, 0], _curve(curves[which], at)[:, 0]])


def _distinct(line: Float64) -> Float64:
    """A line without points that repeat the one before."""
    keep = np.ones(len(line), bool)
    keep[1:] = np.any(line[1:] != line[:-1], axis=1)
    return line[keep]


def _pieces(number: int, line: Float64, corner: float, tolerance: float) -> list[_Piece]:
    """A line cut at its corners; the ends of a closed curve have one direction."""
    if len(line) < 2:
        return []
    bent = _turns(line) > corner
    cuts = [0, *(np.flatnonzero(bent) + 1).tolist(), len(line) - 1]
    seam = None
    if len(line) > 3 and np.linalg.norm(line[0] - line[-1]) <= tolerance:
        around = np.stack([line[-2], (line[0] + line[-1]) / 2, line[1]])
        if _turns(around)[0] <= corner:
            seam = _direction(*around)
    last = len(cuts) - 2
    return [
        _Piece(
            number,
            a,
            line[a : b + 1],
            tolerance,
            seam if i == 0 else None,
            seam if i == last else None,
        )
        for i, (a, b) in enumerate(pairwise(cuts))
    ]


def _turns(line: Float64) -> Float64:
    """By how many degrees a line turns at each inner point."""
    steps = np.diff(line, axis=0)
    cross = steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]
    angles: Float64 = np.abs(np.degrees(np.arctan2(cross, (steps[:-1] * steps[1:]).sum(1))))
    return angles


def _direction(before: Float64, at: Float64, after: Float64) -> Float64:
    """The direction at the middle one of three points of a circle: the shorter step counts more."""
    a, b = at - before, after - at
    long_a, long_b = np.hypot(*a), np.hypot(*b)
    way = a / max(long_a, _TINY) * long_b + b / max(long_b, _TINY) * long_a
    size = float(np.hypot(*way))
    straight = after - before
    if size < _TINY:
        way, size = straight, float(np.hypot(*straight))
    result: Float64 = way / max(size, _TINY)
    return result


def _fit(pieces: Sequence[_Piece]) -> tuple[list[_Piece], list[tuple[int, int, Float64]]]:
    """One curve along each piece: halves of the pieces that it does not fit, and the finished curves."""
    samples = np.stack([_spread(piece.points) for piece in pieces])
    curves, shares = _least_squares(samples, pieces)
    miss = np.linalg.norm(_curve(curves, shares) - samples, axis=2)
    ways = np.array([np.hypot(*np.diff(piece.points, axis=0).T).sum() for piece in pieces])
    handles = np.linalg.norm(curves[:, [1, 2]] - curves[:, [0, 3]], axis=2).max(1)
    wrong = (miss.max(1) > [piece.tolerance for piece in pieces]) | (handles > ways)
    waiting, done = [], []
    for i, piece in enumerate(pieces):
        if len(piece.points) == 2:
            done.append((piece.line, piece.first, _hermite(piece)))
        elif wrong[i] and miss[i].max() <= _NEAR * piece.tolerance:
            waiting += _halves(piece, int(miss[i, 1:-1].argmax()) + 1)
        elif wrong[i] or _strays(curves[i], piece.points, piece.tolerance):
            waiting += _halves(piece, _SAMPLES // 2)
        else:
            done.append((piece.line, piece.first, curves[i : i + 1]))
    return waiting, done


def _spread(line: Float64) -> Float64:
    """Points [_SAMPLES, 2] at equal distances along a line."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0.0, along[-1], _SAMPLES)
    return np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], axis=1)


def _halves(piece: _Piece, sample: int) -> list[_Piece]:
    """A piece cut at the inner point that is nearest to a sample."""
    points = piece.points
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    inner = along[1:-1]
    cut = int(np.abs(inner - along[-1] * sample / (_SAMPLES - 1)).argmin()) + 1
    way = _direction(points[cut - 1], points[cut], points[cut + 1])
    return [
        replace(piece, points=points[: cut + 1], end=way),
        replace(piece, first=piece.first + cut, points=points[cut:], begin=way),
    ]


def _least_squares(samples: Float64, pieces: Sequence[_Piece]) -> tuple[Float64, Float64]:
    """The curves [B, 4, 2] nearest to samples [B, K, 2], and the parameters [B, K] of the samples."""
    shares = np.tile(np.linspace(0.0, 1.0, _SAMPLES), (len(samples), 1))
    start, end = samples[:, 0], samples[:, -1]
    begins = _ways(samples[:, :3], [piece.begin for piece in pieces])
    ends = _ways(samples[:, :-4:-1], [None if piece.end is None else -piece.end for piece in pieces])
    curves = _handles(samples, shares, start, end, begins, ends)
    for _ in range(_NEWTON_STEPS):
        shares = _nearer(curves, shares, samples)
        curves = _handles(samples, shares, start, end, begins, ends)
    return curves, shares


def _ways(near: Float64, fixed: Sequence[Float64 | None]) -> tuple[Float64, npt.NDArray[np.bool_]]:
    """Unit vectors [B, 2] into the piece at one end, and which of them are fixed [B]."""
    guess = near[:, -1] - near[:, 0]
    guess /= np.maximum(np.linalg.norm(guess, axis=1, keepdims=True), _TINY)
    known = np.array([way is not None for way in fixed])
    guess[known] = [way for way in fixed if way is not None] or np.zeros((0, 2))
    return guess, known


def _handles(
    samples: Float64,
    shares: Float64,
    start: Float64,
    end: Float64,
    begins: tuple[Float64, npt.NDArray[np.bool_]],
    ends: tuple[Float64, npt.NDArray[np.bool_]],
) -> Float64:
    """Least squares for the handles: along a fixed direction, or along and across a free one."""
    b0, b1, b2, b3 = np.moveaxis(_bernstein(shares), -1, 0)[..., None]
    rest = samples - start[:, None] * (b0 + b1) - end[:, None] * (b2 + b3)
    columns, free = [], []
    for weight, (way, known) in ((b1, begins), (b2, ends)):
        across = np.stack([-way[:, 1], way[:, 0]], axis=1) * ~known[:, None]
        columns += [weight * way[:, None], weight * across[:, None]]
        free += [np.zeros(len(known)), known.astype(float)]
    basis = np.stack(columns, axis=-1).reshape(len(samples), -1, 4)
    square = np.einsum("bki,bkj->bij", basis, basis)
    scale = np.trace(square, axis1=1, axis2=2)[:, None]
    square[:, range(4), range(4)] += np.stack(free, axis=1) * scale + 1e-9 * scale + _TINY
    found = np.linalg.solve(
        square, np.einsum("bki,bk->bi", basis, rest.reshape(len(samples), -1))[..., None]
    )[..., 0]
    chord = np.linalg.norm(end - start, axis=1)
    out = np.stack([start, start, end, end], axis=1)
    for place, (way, known) in ((1, begins), (2, ends)):
        along, beside = found[:, 2 * place - 2], found[:, 2 * place - 1]
        along = np.where(known & (along < 0.02 * chord), chord / 3, along)  # as Schneider does
        across = np.stack([-way[:, 1], way[:, 0]], axis=1)
        out[:, place] += along[:, None] * way + (beside * ~known)[:, None] * across
    return out


def _nearer(curves: Float64, shares: Float64, samples: Float64) -> Float64:
    """A step of Newton's towards the parameters where the curves are nearest to the samples."""
    first, second = 3 * np.diff(curves, axis=1), 6 * np.diff(curves, 2, axis=1)
    t = shares[..., None]
    off = _curve(curves, shares) - samples
    slope = first[:, None, 0] * (1 - t) ** 2 + 2 * first[:, None, 1] * t * (1 - t) + first[:, None, 2] * t**2
    bend = second[:, None, 0] * (1 - t) + second[:, None, 1] * t
    below = (slope * slope).sum(2) + (off * bend).sum(2)
    step = np.where(below > _TINY, (off * slope).sum(2) / np.maximum(below, _TINY), 0.0)
    moved = np.clip(shares - step, 0.0, 1.0)
    moved[:, 0], moved[:, -1] = 0.0, 1.0
    return np.maximum.accumulate(moved, axis=1)


def _hermite(piece: _Piece) -> Float64:
    """The curve [1, 4, 2] along a step of a line; it leaves its ends in the directions of its neighbours."""
    start, end = piece.points
    chord = end - start
    way, length = chord / np.hypot(*chord), float(np.hypot(*chord))
    begin, stop = (way if each is None else each for each in (piece.begin, piece.end))
    # Two handles that lead away from the chord move the curve by at most 3/4 of the farther one.
    aside = max(abs(way[0] * each[1] - way[1] * each[0]) for each in (begin, stop))
    reach = min(length / 3, piece.tolerance / max(0.75 * aside, _TINY))
    return np.stack([start, start + reach * begin, end - reach * stop, end])[None]


def _strays(curve: Float64, line: Float64, tolerance: float) -> bool:
    """Whether a curve is somewhere farther from its line than a tolerance, or the line from the curve."""
    drawn = _curve(curve[None], np.linspace(0.0, 1.0, 2 * _SAMPLES)[None])[0]
    return max(_away(drawn, line), _away(line, drawn)) > tolerance


def _away(points: Float64, line: Float64) -> float:
    """The farthest that points [n, 2] are from a polyline [m, 2]."""
    start, step = line[:-1], np.diff(line, axis=0)
    off = points[:, None] - start
    share = np.clip((off * step).sum(2) / np.maximum((step * step).sum(1), _TINY), 0.0, 1.0)
    return float(np.linalg.norm(off - share[..., None] * step, axis=2).min(1).max())


def _curve(curves: Float64, shares: Float64) -> Float64:
    """Points [B, K, 2] of curves [B, 4, 2] at parameters [B, K]."""
    points: Float64 = np.einsum("bkw,bwc->bkc", _bernstein(shares), curves)
    return points


def _bernstein(shares: Float64) -> Float64:
    """The four weights [..., 4] at parameters [...]."""
    t, u = shares, 1.0 - shares
    return np.stack([u**3, 3 * t * u**2, 3 * t**2 * u, t**3], axis=-1)
