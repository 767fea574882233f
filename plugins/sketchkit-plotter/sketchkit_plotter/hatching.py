"""Parallel lines in the areas that a drawing fills, so that a pen can shade.

The lines of all areas lie on one grid, so that those of neighbours go on from each other. The winding number
changes where a line crosses the outlines of an area; the spans between two crossings are inside or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError
from sketchkit.rendering import Area, Picture, Place, Sheet
from sketchkit_plotter.pens import long_color

__all__ = ["MAX_CROSSINGS", "Hatch", "hatch_lines"]

_Float64 = npt.NDArray[np.float64]
_Int64 = npt.NDArray[np.int64]

#: How often the lines of one area may cross its outlines: what is beyond would fill the memory.
MAX_CROSSINGS = 5_000_000

# The lightest colours get one line of so many.
_LIGHTEST = 6

# Shorter lines, as a share of the distance of two, only make the pen jump.
_SHORTEST = 0.1


@dataclass(frozen=True)
class Hatch:
    """How areas are hatched.

    Args:
        distance: of two neighbouring lines, in pixels of the sheet.
        angles: of the lines to the lower edge of the sheet, in degrees, counter-clockwise; each makes a set.
        by_tone: whether light colours get every second, third or further line only.
    """

    distance: float
    angles: tuple[float, ...]
    by_tone: bool = False


@dataclass(frozen=True)
class _Grid:
    """The lines of a set over a whole sheet; row k is (k + 1/2) distances below the upper left corner.

    Args:
        distance: of two rows, in pixels.
        turn: [2, 2]; points of the sheet times it have level rows.
        first: the number of the first row on the sheet.
        last: the number of the last row on it.
    """

    distance: float
    turn: _Float64
    first: int
    last: int

    @classmethod
    def of(cls, sheet: Sheet, distance: float, angle: float) -> _Grid:
        """The rows at an angle to the lower edge of a sheet."""
        # Pixels grow downwards, so that this turns the lines to the x-axis.
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        turn = np.array([[cos, sin], [-sin, cos]])
        corners = np.array([(x, y) for x in (0.0, sheet.width) for y in (0.0, sheet.height)]) @ turn
        low, high = corners[:, 1].min() / distance - 0.5, corners[:, 1].max() / distance - 0.5
        return cls(distance, turn, math.floor(low), math.ceil(high))


@dataclass(frozen=True)
class _Spans:
    """Parts of the lines of a grid: rows [n], and where each begins and ends along its row [n]."""

    rows: _Int64
    begins: _Float64
    ends: _Float64

    def events(self) -> tuple[_Int64, _Float64, _Int64]:
        """Rows, places and steps [2 n]: 1 where a span begins, -1 where it ends."""
        ones = np.ones(len(self.rows), np.int64)
        rows, at = np.tile(self.rows, 2), np.concatenate([self.begins, self.ends])
        return rows, at, np.concatenate([ones, -ones])

    def near(self, other: _Spans) -> _Spans:
        """Those on the rows between the first and the last of other spans."""
        if not len(other.rows):
            return _NONE
        kept = (self.rows >= other.rows.min()) & (self.rows <= other.rows.max())
        return _Spans(self.rows[kept], self.begins[kept], self.ends[kept])


_NONE = _Spans(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def hatch_lines(pictures: Sequence[Picture], sheet: Sheet, hatch: Hatch) -> list[tuple[str, _Float64]]:
    """The hatching of all areas that are seen.

    An opaque area hides those that lie under it in its picture; lines are never hidden.

    Args:
        pictures: what the cells show.
        sheet: where they are.
        hatch: how areas are hatched.

    Returns:
        (colour, line [2, 2] in pixels of the sheet), set by set and row by row, to and fro.

    Raises:
        InputError: an area with a place that is not finite, or one that takes too many lines.
    """
    grids = [_Grid.of(sheet, hatch.distance, angle) for angle in hatch.angles]
    return [
        line
        for picture, place in zip(pictures, sheet.places, strict=True)
        for grid in grids
        for line in _hatch_picture(picture.areas, place, grid, hatch.by_tone)
    ]


def _hatch_picture(
    areas: Sequence[Area], place: Place, grid: _Grid, by_tone: bool
) -> list[tuple[str, _Float64]]:
    out: list[list[tuple[str, _Float64]]] = []
    hidden = _NONE
    for area in reversed(areas):
        spans = _spans(area, place, grid)
        if area.color is not None:
            seen = _inside(spans, hidden.near(spans), lambda own, over: (own > 0) & (over == 0))
            every = _every(area.color) if by_tone else 1
            out.append([(area.color, line @ grid.turn.T) for line in _lines(seen, grid.distance, every)])
        if area.opaque:
            hidden = _inside(spans, hidden, lambda own, over: own + over > 0)
    return [line for lines in reversed(out) for line in lines]


def _spans(area: Area, place: Place, grid: _Grid) -> _Spans:
    """The parts of the rows that are inside an area."""
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is refused
        rings = [place.apply(line) @ grid.turn for line in area.rings.to_polylines() if len(line) > 2]
    if not rings:
        return _NONE
    start, end = np.concatenate(rings), np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    if not np.isfinite(start).all():
        raise InputError("a filled shape has a point that is no place on a sheet")
    rows, at, steps = _crossings(start, end, grid)
    if area.even_odd:
        return _between(rows, at, np.ones_like(steps)[:, None], lambda count: count[:, 0] % 2 == 1)
    return _between(rows, at, steps[:, None], lambda count: count[:, 0] != 0)


def _crossings(start: _Float64, end: _Float64, grid: _Grid) -> tuple[_Int64, _Float64, _Int64]:
    """Where rows cross edges.

    Args:
        start: [n, 2], where each edge begins, turned as the grid.
        end: [n, 2], where it ends.
        grid: of the rows.

    Returns:
        Of each crossing the row, the place along it, and 1 for an edge that goes up or -1 for one down.
    """
    ends = np.sort(np.stack([start[:, 1], end[:, 1]]), axis=0)
    low, high = np.ceil(ends / grid.distance - 0.5).clip(grid.first, grid.last + 1)
    if (total := float((high - low).sum())) > MAX_CROSSINGS:
        few = f"more than {MAX_CROSSINGS:,}: take a larger hatch"
        raise InputError(f"hatching a shape takes {total:,.0f} ends of lines, {few}")
    counts = (high - low).astype(np.int64)
    edge = np.repeat(np.arange(len(start)), counts)
    within = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = low[edge].astype(np.int64) + within
    way = end[edge] - start[edge]
    share = ((rows + 0.5) * grid.distance - start[edge, 1]) / way[:, 1]
    return rows, start[edge, 0] + share * way[:, 0], np.sign(way[:, 1]).astype(np.int64)


def _inside(spans: _Spans, over: _Spans, test: Callable[[_Int64, _Int64], npt.NDArray[np.bool_]]) -> _Spans:
    """The parts of rows where a test of the numbers of spans and of others holds."""
    (rows, at, steps), (other_rows, other_at, other_steps) = spans.events(), over.events()
    changes = np.zeros((len(rows) + len(other_rows), 2), np.int64)
    changes[: len(rows), 0], changes[len(rows) :, 1] = steps, other_steps
    rows, at = np.concatenate([rows, other_rows]), np.concatenate([at, other_at])
    return _between(rows, at, changes, lambda count: test(count[:, 0], count[:, 1]))


def _between(
    rows: _Int64, at: _Float64, changes: _Int64, test: Callable[[_Int64], npt.NDArray[np.bool_]]
) -> _Spans:
    """The spans between changes [n, c] along rows where a test of their running sums holds.

    Changes add up to 0 (of even-odd counts: to an even number) on each row, where the test fails.
    """
    order = np.lexsort((at, rows))
    rows, at = rows[order], at[order]
    inside = np.concatenate([[False], test(np.cumsum(changes[order], axis=0)), [False]])
    # Element i + 1 stands for the way from change i to the next.
    begins, ends = (np.flatnonzero(inside[1:-1] & ~beside) for beside in (inside[:-2], inside[2:]))
    return _Spans(rows[begins], at[begins], at[np.minimum(ends + 1, len(at) - 1)])


def _every(color: str) -> int:
    """Which rows a colour gets by its tone: 1 for all of them, which is black, to one in `_LIGHTEST`."""
    red, green, blue = (int(long_color(color)[i : i + 2], 16) / 255 for i in (1, 3, 5))
    # Source: the luma of ITU-R BT.601.
    darkness = 1 - (0.299 * red + 0.587 * green + 0.114 * blue)
    return max(1, round(1 / max(darkness, 1 / _LIGHTEST)))


def _lines(spans: _Spans, distance: float, every: int) -> list[_Float64]:
    """The spans on rows that `every` divides, as lines [2, 2] of the turned sheet, to and fro."""
    kept = (spans.rows % every == 0) & (spans.ends - spans.begins > _SHORTEST * distance)
    rows, begins, ends = spans.rows[kept], spans.begins[kept], spans.ends[kept]
    back = rows // every % 2 == 1
    order = np.lexsort((np.where(back, -begins, begins), rows))
    lines = np.empty((len(rows), 2, 2))
    lines[:, 0, 0], lines[:, 1, 0] = np.where(back, ends, begins), np.where(back, begins, ends)
    lines[:, :, 1] = ((rows + 0.5) * distance)[:, None]
    return list(lines[order])
