"""Where ink may go: inside a rectangle, and clear of lines and areas.

Ink is a line without width here: the way of the pen's middle. `Bounds.clearance` leaves room for the width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError
from sketchkit.sketch import Float64, Sketch

__all__ = ["Avoided", "Bounds", "Region"]

Bools = npt.NDArray[np.bool_]

#: x and y of the upper left corner, width and height, in drawing units.
Region = tuple[float, float, float, float]
#: What ink keeps out of: a drawing, or polygons [n, 2].
Avoided = Sketch | Sequence[npt.ArrayLike]

# A line whose ends are this close, as a share of its extent, is a closed outline: the gap cannot be seen.
_CLOSED = 1e-3


class Bounds:
    """Where ink may go.

    Args:
        region: (x, y, width, height) of the rectangle that holds all ink, its border included.
        avoid: areas, walls and points that ink stays clear of. Of a drawing, the closed outlines are areas
            without holes, the open lines are walls, and dots are points. Polygons [n, 2], each of three
            points or more, are areas.
        clearance: how far ink stays from both, in drawing units, 0 or more.

    Raises:
        InputError: a rectangle that is empty, also after the clearance, an empty drawing or list to avoid, a
            number that is not finite.
    """

    def __init__(
        self, region: Region | None = None, avoid: Avoided | None = None, clearance: float = 0.0
    ) -> None:
        if region is None and avoid is None:
            raise InputError("a clearance needs a region or something to avoid")
        if not (_is_number(clearance) and 0 <= clearance < math.inf):
            raise InputError(f"the clearance must be 0 or more, got {clearance!r}")
        self.clearance = float(clearance)
        self._corners = None if region is None else _corners(region, self.clearance)
        self._obstacles = [] if avoid is None else _obstacles(_lines(avoid))

    def allows(self, starts: Float64, ends: Float64, drawn: Bools) -> Bools:
        """Whether ink may be where a pen has put it.

        Args:
            starts: [N, 2], where the pen was.
            ends: [N, 2], where it has come to; there it touches the paper.
            drawn: [N], whether it touched the paper on its way, too.

        Returns:
            [N].
        """
        fine = self._inside(ends) & (self._inside(starts) | ~drawn)
        if self._obstacles and fine.any():
            fine[fine] = self._clear(starts[fine], ends[fine], drawn[fine])
        return fine

    def allow_drawing(self, sketch: Sketch, first: int = 0) -> bool:
        """Whether all the ink of a drawing from row `first` on is where it may be."""
        points, down = sketch.points, sketch.stroke5[:, 2] == 1.0
        if len(points) <= first:
            return True
        starts = np.concatenate([[sketch.origin], points[:-1]])[first:]
        drawn = np.concatenate([[False], down[: len(points) - 1]])[first:]
        return bool(self.allows(starts, points[first:], drawn).all())

    def _inside(self, points: Float64) -> Bools:
        if self._corners is None:
            return np.ones(len(points), np.bool_)
        low, high = self._corners
        return np.asarray(((points >= low) & (points <= high)).all(axis=-1))

    def _clear(self, starts: Float64, ends: Float64, drawn: Bools) -> Bools:
        """Whether ink keeps away from every obstacle."""
        import shapely

        # GEOS rejects a line without length.
        lines = drawn & (starts != ends).any(axis=-1)
        ink = np.empty(len(ends), object)
        ink[~lines] = shapely.points(ends[~lines])
        ink[lines] = shapely.linestrings(np.stack((starts[lines], ends[lines]), axis=1))
        fine = np.ones(len(ends), np.bool_)
        for obstacle in self._obstacles:
            if self.clearance:
                fine &= ~shapely.dwithin(obstacle, ink, self.clearance)
            else:
                fine &= ~shapely.intersects(obstacle, ink)
        return fine


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _corners(region: Region, clearance: float) -> tuple[Float64, Float64]:
    """The corners of the rectangle in which ink may be."""
    values = tuple(region) if isinstance(region, Sequence | np.ndarray) else ()
    if len(values) != 4 or not all(_is_number(value) and math.isfinite(value) for value in values):
        raise InputError(f"a region is four numbers (x, y, width, height), got {region!r}")
    x, y, width, height = values
    if not (width > 0 and height > 0):
        raise InputError(f"the width and height of a region must be above 0, got {width:g} and {height:g}")
    low = np.array([x + clearance, y + clearance], np.float64)
    high = np.array([x + width - clearance, y + height - clearance], np.float64)
    if not (low < high).all():
        raise InputError(
            f"a clearance of {clearance:g} leaves nothing of a region of {width:g} by {height:g}"
        )
    return low, high


def _lines(avoid: Avoided) -> list[Float64]:
    """The avoided drawing or polygons as polylines, areas closed."""
    if isinstance(avoid, Sketch):
        lines = avoid.to_polylines()
        if not lines:
            raise InputError("the drawing to avoid is empty")
        return lines
    polygons = [_polygon(each) for each in avoid]
    if not polygons:
        raise InputError("the list of polygons to avoid is empty")
    return polygons


def _polygon(points: npt.ArrayLike) -> Float64:
    try:
        polygon = np.array(points, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"a polygon must be an array of numbers [n, 2]: {error}") from error
    if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
        raise InputError(f"a polygon must have the shape [n, 2], n at least 3, got {list(polygon.shape)}")
    if not np.isfinite(polygon).all():
        raise InputError("a polygon holds a number that is not finite")
    return np.concatenate([polygon, polygon[:1]])


def _obstacles(lines: Sequence[Float64]) -> list[Any]:
    """Areas, walls and dots, at most one geometry of each kind, prepared for many tests."""
    import shapely

    dots = [line for line in lines if len(line) == 1 or not np.ptp(line, axis=0).any()]
    walls = [shapely.linestrings(line) for line in lines if len(line) > 1 and np.ptp(line, axis=0).any()]
    areas = [area for line in lines if len(line) > 2 and _is_closed(line) for area in _find_areas(line)]
    # The walls among them are the outlines, too: one without an inside still stands in the way.
    out = [shapely.multilinestrings(walls)] if walls else []
    if areas:
        out.append(shapely.union_all(areas))
    if dots:
        out.append(shapely.multipoints(np.concatenate([line[:1] for line in dots])))
    shapely.prepare(out)
    return out


def _is_closed(line: Float64) -> bool:
    gap = math.hypot(*(line[-1] - line[0]))
    return gap <= _CLOSED * float(np.ptp(line, axis=0).max())


def _find_areas(line: Float64) -> list[Any]:
    """The areas that a closed outline encloses, however often it crosses itself."""
    import shapely

    ring = shapely.linestrings(np.concatenate([line, line[:1]]))
    faces = shapely.polygonize(shapely.get_parts(shapely.node(ring)))
    return list(shapely.get_parts(faces))
