"""Outlines to polylines: each curve gets as few straight pieces as the tolerance allows, all at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sketchkit.formats.svg import limits
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.outline import ARC, CUBIC, Outline
from sketchkit.formats.svg.values import Matrix

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

#: Segments put into one outline; bounds the memory of the steps between outlines and polylines.
_CHUNK = 50_000


class _Placed(NamedTuple):
    """An outline and the map from its coordinates to those of the drawing."""

    outline: Outline
    matrix: Matrix


class Canvas:
    """Gathers outlines, each where its map puts it, and turns all of them into polylines.

    The tolerance depends on how large the drawing is, so flattening waits for the last outline; but a small
    array is mostly overhead, so outlines are put together as they come.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._waiting: list[_Placed] = []
        self._waiting_segments = 0
        self._placed: list[Outline] = []
        self._subpaths: list[int] = []

    def add(self, outline: Outline, matrix: Matrix) -> bool:
        """Draw an outline through a map to the coordinates of the drawing; whether it has a segment."""
        if not len(outline.kinds):
            return False
        self._budget.spend("points in all shapes", limits.MAX_POINTS, outline.n_points)
        self._waiting.append(_Placed(outline, matrix))
        self._waiting_segments += len(outline.kinds)
        self._subpaths.append(len(outline.firsts))
        if self._waiting_segments >= _CHUNK:
            self._gather()
        return True

    def extent(self) -> float:
        """The diagonal of a box around the control points of all outlines, 0 for an empty canvas."""
        self._gather()
        low, high = np.full(2, np.inf), np.full(2, -np.inf)
        with np.errstate(all="ignore"):
            for outline in self._placed:
                points = _hull(outline)
                points = points[(np.abs(points) <= limits.MAX_COORDINATE).all(axis=1)]
                low = np.minimum(low, points.min(axis=0, initial=np.inf))
                high = np.maximum(high, points.max(axis=0, initial=-np.inf))
        return float(np.hypot(*(high - low))) if (high >= low).all() else 0.0

    def flatten(self, tolerance: float) -> tuple[list[Float64], Int64]:
        """Turn everything drawn into polylines.

        Args:
            tolerance: the largest distance between a curve and its polyline, in units of the drawing.

        Returns:
            The polylines [n, 2] in drawing order, one a subpath, without repeated points (a dot has one
            point), but for those left out because a coordinate is not finite or too large; and of each
            subpath, those left out included, its outline's number as `add` counts them, or -1 - that of one
            left out.
        """
        self._gather()
        polylines: list[Float64] = []
        broken: list[npt.NDArray[np.bool_]] = []
        for outline in self._placed:
            with np.errstate(all="ignore"):  # the result is searched for infinities
                lines, missing = _flatten(outline, tolerance, self._budget)
            polylines += lines
            broken.append(missing)
        owners = np.repeat(np.arange(len(self._subpaths)), self._subpaths)
        return polylines, np.where(np.concatenate([*broken, np.zeros(0, bool)]), -1 - owners, owners)

    def _gather(self) -> None:
        if self._waiting:
            with np.errstate(all="ignore"):
                self._placed.append(_place(self._waiting))
            self._waiting, self._waiting_segments = [], 0


def _place(chunk: list[_Placed]) -> Outline:
    """One outline of many, in the coordinates of the drawing."""
    sizes = [len(shape.outline.kinds) for shape in chunk]
    subpaths = [len(shape.outline.firsts) for shape in chunk]
    linear = np.array([shape.matrix[:4] for shape in chunk]).reshape(-1, 2, 2)  # [n, 2, 2], transposed maps
    shift = np.array([shape.matrix[4:] for shape in chunk])  # [n, 2]
    kinds = np.concatenate([shape.outline.kinds for shape in chunk])
    controls = np.concatenate([shape.outline.controls for shape in chunk])  # [S, 5, 2]
    angles = controls[:, 3].copy()
    controls = controls @ np.repeat(linear, sizes, axis=0)
    moved = np.repeat(shift, sizes, axis=0)[:, None]
    arc = kinds == ARC
    controls += moved
    controls[arc, 1:3] -= moved[arc]  # half-axes are directions, they do not move
    controls[arc, 3] = angles[arc]
    starts = np.concatenate([shape.outline.starts for shape in chunk])
    starts = (starts[:, None] @ np.repeat(linear, subpaths, axis=0))[:, 0] + np.repeat(
        shift, subpaths, axis=0
    )
    before: Int64 = np.repeat(np.cumsum(sizes, dtype=np.int64) - sizes, subpaths)
    firsts = np.concatenate([shape.outline.firsts for shape in chunk])
    return Outline(kinds, controls, firsts + before, starts)


def _hull(outline: Outline) -> Float64:
    """Points [n, 2] whose bounding box holds the outline."""
    controls = outline.controls
    cubic, arc = outline.kinds == CUBIC, outline.kinds == ARC
    reach = np.abs(controls[arc, 1]) + np.abs(controls[arc, 2])
    return np.concatenate(
        [
            outline.starts,
            controls[:, 4],
            controls[cubic, 1],
            controls[cubic, 2],
            controls[arc, 0] - reach,
            controls[arc, 0] + reach,
        ]
    )


def _pieces(outline: Outline, tolerance: float) -> Int64:
    """How many straight pieces each segment needs, int64 [S].

    Source: a chord over a parameter step h is off by at most h^2 / 8 max |B''|; for a cubic |B''| is at most
        6 times the larger second difference of its control points, for an arc at most the longest radius.
    """
    controls = outline.controls
    bend = np.zeros(len(controls))
    cubic, arc = outline.kinds == CUBIC, outline.kinds == ARC
    p0, p1, p2, _, p3 = np.moveaxis(controls[cubic], 1, 0)
    bend[cubic] = 6 * np.sqrt(np.maximum(_square(p0 - 2 * p1 + p2), _square(p1 - 2 * p2 + p3)))
    bend[arc] = _longest_radius(controls[arc, 1], controls[arc, 2]) * controls[arc, 3, 1] ** 2
    pieces = np.ceil(np.sqrt(bend / (8 * tolerance)))
    # A piece count that is not finite belongs to a shape that will be left out.
    pieces = np.nan_to_num(pieces, nan=1, posinf=1)
    counts: Int64 = np.clip(pieces, 1, limits.MAX_POINTS + 1).astype(np.int64)
    return counts


def _square(vectors: Float64) -> Float64:
    squares: Float64 = (vectors * vectors).sum(axis=1)
    return squares


def _longest_radius(u: Float64, v: Float64) -> Float64:
    """The longer half-axis of each ellipse with the conjugate half-axes u and v."""
    total = _square(u) + _square(v)
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    longest: Float64 = np.sqrt((total + np.sqrt(np.maximum(total**2 - 4 * area**2, 0))) / 2)
    return longest


def flatten_outline(outline: Outline, budget: Budget) -> list[Float64]:
    """The polylines of one outline in its own coordinates, off by less than 1/10,000 of its size."""
    if not len(outline.kinds):
        return []
    with np.errstate(all="ignore"):
        points = _hull(outline)
        size = float((points.max(axis=0) - points.min(axis=0)).max())
        return _flatten(outline, size / 10_000 if 0 < size < math.inf else 1.0, budget)[0]


def _flatten(
    outline: Outline, tolerance: float, budget: Budget
) -> tuple[list[Float64], npt.NDArray[np.bool_]]:
    pieces = _pieces(outline, tolerance)
    budget.spend("points", limits.MAX_POINTS, int(pieces.sum()) + len(outline.firsts))
    subpath = np.zeros(len(pieces), np.int64)
    subpath[outline.firsts] = 1
    # Segment s puts its points behind those of the segments before it and behind one start a subpath.
    at = np.cumsum(pieces) - pieces + np.cumsum(subpath)
    begins = at[outline.firsts] - 1
    points = np.empty((int(pieces.sum()) + len(outline.firsts), 2))
    points[begins] = outline.starts
    for kind, evaluate in ((CUBIC, _cubics), (ARC, _arcs)):
        chosen = np.flatnonzero(outline.kinds == kind)
        counts = pieces[chosen]
        step = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        t = (step + 1) / np.repeat(counts, counts)
        points[np.repeat(at[chosen], counts) + step] = evaluate(
            outline.controls[np.repeat(chosen, counts)], t
        )
    points[at + pieces - 1] = outline.controls[:, 4]  # the ends are exact, without the curves' rounding
    return _split(points, begins)


def _cubics(controls: Float64, t: Float64) -> Float64:
    """Points of cubic curves, [n, 2]: one parameter in 0..1 for each row of controls."""
    p0, p1, p2, _, p3 = np.moveaxis(controls, 1, 0)
    t = t[:, None]
    s = 1 - t
    points: Float64 = s**3 * p0 + 3 * s * s * t * p1 + 3 * s * t * t * p2 + t**3 * p3
    return points


def _arcs(controls: Float64, t: Float64) -> Float64:
    """Points of elliptic arcs, [n, 2]: one parameter in 0..1 for each row of controls."""
    angle = controls[:, 3, 0] + t * controls[:, 3, 1]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    points: Float64 = controls[:, 0] + cos * controls[:, 1] + sin * controls[:, 2]
    return points


def _split(points: Float64, begins: Int64) -> tuple[list[Float64], npt.NDArray[np.bool_]]:
    """Cut into polylines that begin at given rows; drop repeated points and lines that cannot be drawn."""
    if not len(begins):
        return [], np.zeros(0, bool)
    bad = ~(np.abs(points) <= limits.MAX_COORDINATE).all(axis=1)
    keep = np.ones(len(points), bool)
    keep[1:] = (points[1:] != points[:-1]).any(axis=1)
    keep[begins] = True
    broken = np.add.reduceat(bad, begins, dtype=np.int64) > 0
    ends = np.cumsum(np.add.reduceat(keep, begins, dtype=np.int64))
    points = points[keep]
    lines = [
        points[begin:end]
        for begin, end, skip in zip([0, *ends[:-1].tolist()], ends.tolist(), broken.tolist(), strict=True)
        if not skip
    ]
    return lines, broken
