"""Drawings as small grey pictures, which are independent of how a drawing was drawn.

A line is spread over the pixels by pieces of half a pixel, each of which leaves its length in ink on the four
pixels around it. All pixels are computed by numpy, independently of the renderers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError
from sketchkit.sketch import Sketch

__all__ = ["MARGIN", "SIZE", "VIEWS", "Lines", "affine", "draw", "draw_views", "fit_lines"]

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: The side of a picture, and what stays empty around a fitted drawing, in pixels.
SIZE, MARGIN = 48, 2.0
#: How a drawing is turned (degrees), slanted, and stretched along x and y in the views that are averaged.
VIEWS = (
    (0.0, 0.0, 1.0, 1.0),
    (0.0, 0.0, -0.9, 0.9),
    (-8.0, 0.05, 0.92, 0.88),
    (8.0, -0.05, -0.92, 0.88),
    (6.0, 0.1, 0.85, 0.95),
    (-6.0, -0.1, -0.85, 0.95),
    (0.0, 0.08, 0.95, 0.8),
    (0.0, -0.08, -0.95, 0.8),
    (0.0, 0.0, 0.78, 0.78),
)
#: How much ink a line leaves on a pixel that it crosses in the middle; a pixel holds 1.
_WIDTH = 1.5
#: The length of a piece, in pixels.
_PIECE = 0.5


@dataclass(frozen=True)
class Lines:
    """The lines of many drawings, one after the other.

    Args:
        points: [P, 2] in drawing units.
        joined: [P], whether ink leads to a point from the one before it.
        bounds: int64 [n + 1], where the points of each drawing begin.
    """

    points: Float64
    joined: Bools
    bounds: Int64

    @classmethod
    def of(cls, sketches: Sequence[Sketch]) -> Lines:
        """The lines of some sketches."""
        return cls.of_strokes([sketch.to_polylines() for sketch in sketches])

    @classmethod
    def of_strokes(cls, drawings: Sequence[Sequence[Float64]]) -> Lines:
        """The lines of drawings that are strokes, each [n, 2]."""
        lines = [line for drawing in drawings for line in drawing]
        counts = [sum(map(len, drawing)) for drawing in drawings]
        joined = np.ones(sum(counts), bool)
        lengths = np.array([len(line) for line in lines], np.int64)
        joined[np.cumsum(lengths) - lengths] = False
        points = np.concatenate(lines) if lines else np.zeros((0, 2))
        return cls(points, joined, np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]))

    def __len__(self) -> int:
        """The number of drawings, n."""
        return len(self.bounds) - 1

    @property
    def owners(self) -> Int64:
        """Which drawing each point belongs to, int64 [P]."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))

    def strokes(self, drawing: int) -> list[Float64]:
        """The strokes of one drawing, each [n, 2]."""
        begin, end = self.bounds[drawing : drawing + 2]
        starts = np.flatnonzero(~self.joined[begin:end])
        return np.split(self.points[begin:end], starts[1:]) if end > begin else []

    def take(self, indices: npt.ArrayLike) -> Lines:
        """Select drawings, in the order given."""
        chosen = np.asarray(indices, np.int64)
        counts = np.diff(self.bounds)[chosen]
        bounds = np.concatenate([[0], np.cumsum(counts)])
        source = np.arange(bounds[-1]) + np.repeat(self.bounds[chosen] - bounds[:-1], counts)
        return Lines(self.points[source], self.joined[source], bounds)

    def join(self, other: Lines) -> Lines:
        """The drawings of both."""
        bounds = np.append(self.bounds, self.bounds[-1] + other.bounds[1:])
        points, joined = (self.points, other.points), (self.joined, other.joined)
        return Lines(np.concatenate(points), np.concatenate(joined), bounds)

    def with_points(self, points: Float64) -> Lines:
        """The same lines through other points, [P, 2]."""
        return Lines(points, self.joined, self.bounds)


def fit_lines(lines: Lines, size: int = SIZE) -> Lines:
    """Put each drawing in the middle of its picture, its longer side as long as the margins allow.

    Args:
        lines: in drawing units.
        size: the side of a picture in pixels.

    Returns:
        Lines in pixels; the middle of the first pixel is (0, 0).

    Raises:
        InputError: a size too small to hold a margin and a drawing.
    """
    if size < 2 * MARGIN + 2:
        raise InputError(f"a picture needs {2 * MARGIN + 2:.0f} pixels or more a side, got {size}")
    inked = np.diff(lines.bounds) > 0
    starts = lines.bounds[:-1][inked]
    low, high = np.zeros((2, len(lines), 2))
    if len(starts):
        low[inked] = np.minimum.reduceat(lines.points, starts)
        high[inked] = np.maximum.reduceat(lines.points, starts)
    extent = (high - low).max(axis=1)
    scale = np.divide(size - 1 - 2 * MARGIN, extent, out=np.zeros(len(lines)), where=extent > 0)
    owners = lines.owners
    centred = lines.points - ((low + high) / 2)[owners]
    return lines.with_points(centred * scale[owners, None] + (size - 1) / 2)


def affine(turn: npt.ArrayLike, slant: npt.ArrayLike, wide: npt.ArrayLike, high: npt.ArrayLike) -> Float64:
    """Matrices [..., 2, 2] that stretch, slant and turn (degrees), in this order."""
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    w, s, h = np.asarray(wide), np.asarray(slant), np.asarray(high)
    rows = [w * cos, h * (s * cos - sin)], [w * sin, h * (s * sin + cos)]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def draw(lines: Lines, size: int = SIZE) -> Float32:
    """Draw pictures of lines that are in pixels already.

    Args:
        lines: of n drawings; what lies outside a picture is drawn on its border.
        size: the side of a picture in pixels.

    Returns:
        Ink 0..1, float32 [n, 1, size, size].
    """
    points, ink, owners = _pieces(lines)
    # The last pixel's neighbour must exist too: a point on the far border has all its ink on this side of it.
    places = np.clip(points, 0.0, size - 1 - 1e-9)
    corner = places.astype(np.int64)  # [S, 2]
    (right, down), first = (places - corner).T, (owners * size + corner[:, 1]) * size + corner[:, 0]
    shares = ((1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down)
    total = np.zeros(len(lines) * size * size)
    for step, share in zip((0, 1, size, size + 1), shares, strict=True):
        total += np.bincount(first + step, ink * share, len(total))[: len(total)]
    return np.minimum(total, 1.0).astype(np.float32).reshape(-1, 1, size, size)


def draw_views(
    sketches: Sequence[Sketch], size: int, views: int, at_once: int
) -> Iterator[tuple[slice, Float32]]:
    """Draw each of some drawings in several views.

    Args:
        sketches: n drawings, which are fitted to the picture.
        size: the side of a picture in pixels.
        views: how many of `VIEWS`.
        at_once: the most drawings at a time.

    Yields:
        The places of B drawings, and their pictures [B, 1, size, size] in a view.
    """
    middle = (size - 1) / 2
    for begin in range(0, len(sketches), at_once):
        some = slice(begin, begin + at_once)
        lines = fit_lines(Lines.of(sketches[some]), size)
        for view in VIEWS[:views]:
            points = (lines.points - middle) @ affine(*view).T + middle
            yield some, draw(lines.with_points(points), size)


def _pieces(lines: Lines) -> tuple[Float64, Float64, Int64]:
    """Where ink falls [S, 2], how much [S], and to which drawing it belongs [S]."""
    owners, joined = lines.owners, lines.joined
    to = np.flatnonzero(joined)
    way: npt.NDArray[Any] = lines.points[to] - lines.points[to - 1]
    length = np.hypot(way[:, 0], way[:, 1])
    count = np.maximum(np.ceil(length / _PIECE), 1.0).astype(np.int64)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    share = (within + 0.5) / np.repeat(count, count)
    along = np.repeat(lines.points[to - 1], count, axis=0) + np.repeat(way, count, axis=0) * share[:, None]
    # The tip of the pen: half a pixel beyond each end of a line, so that a dot is a dot.
    ends = np.concatenate([np.flatnonzero(~joined), np.flatnonzero(~np.append(joined[1:], False))])
    if not len(joined):
        ends = ends[:0]
    ink = np.concatenate([np.repeat(length / count, count), np.full(len(ends), 0.5)]) * _WIDTH
    places = np.concatenate([along, lines.points[ends]])
    return places, ink, np.concatenate([np.repeat(owners[to], count), owners[ends]])
