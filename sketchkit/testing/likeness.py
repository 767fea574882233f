"""Whether a drawing that comes back from a file is the one that went in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.sketch import Sketch

__all__ = ["Measure", "unlikeness"]

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """How like a drawing must be.

    Args:
        tolerance: how far points may be off, as a share of the drawing's longer side.
        in_place: whether place and size must be the same; else both may have been changed.
        same_points: whether each point must come back; else the lines must pass by it.
    """

    tolerance: float
    in_place: bool
    same_points: bool


def unlikeness(given: list[Sketch], back: list[Sketch], measure: Measure) -> str | None:
    """What of drawings is not the same; None where nothing is.

    Args:
        given: that were written.
        back: that were read; one that holds them all will do, since some files are one drawing.
        measure: how like they must be.

    Returns:
        A clause, such as "drawing 3 comes back with 2 strokes instead of 3".
    """
    if len(back) == 1 and len(given) > 1:
        given = [_joined(given)]
    if len(back) != len(given):
        return f"{len(given)} drawings come back as {len(back)}"
    for number, (one, other) in enumerate(zip(given, back, strict=True)):
        problem = _unlike(one.to_polylines(), other.to_polylines(), measure)
        if problem is not None:
            return f"drawing {number} comes back {problem}" if len(given) > 1 else f"it comes back {problem}"
    return None


def _joined(sketches: list[Sketch]) -> Sketch:
    return Sketch.from_polylines([line for sketch in sketches for line in sketch.to_polylines()])


def _unlike(given: list[Float64], back: list[Float64], measure: Measure) -> str | None:
    if len(back) != len(given):
        return f"with {len(back)} strokes instead of {len(given)}"
    if not given:
        return None
    size = _size(given)
    if not measure.in_place:
        given, back = _normalised(given), _normalised(back)
        size = min(size, 1.0)
    for number, (line, other) in enumerate(zip(given, back, strict=True)):
        if measure.same_points and len(line) != len(other):
            return f"with {len(other)} points in stroke {number} instead of {len(line)}"
        off = np.abs(line - other).max() if measure.same_points else _away(line, other)
        if off > measure.tolerance * (size or 1.0):
            share = f"{100 * off / (size or 1.0):.3g} % of its size"
            return f"with stroke {number} off by {share} where {100 * measure.tolerance:g} % may be"
    return None


def _size(lines: list[Float64]) -> float:
    points = np.concatenate(lines)
    return float((points.max(axis=0) - points.min(axis=0)).max())


def _normalised(lines: list[Float64]) -> list[Float64]:
    """Lines moved to (0, 0) and scaled so that the longer side is 1; a single place is not scaled."""
    points = np.concatenate(lines)
    size = _size(lines) or 1.0
    return [(line - points.min(axis=0)) / size for line in lines]


def _away(points: Float64, line: Float64) -> float:
    """How far the farthest of some points is from a polyline."""
    import shapely

    path = shapely.LineString(line) if len(line) > 1 else shapely.Point(line[0])
    return float(shapely.distance(shapely.points(points), path).max())
