"""Which shapes are paper: they lie under the drawing, or look the same as the ground they lie on.

The ground is white paper, or the background that the document lays under all of its page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sketchkit.formats.svg.colours import Paint
from sketchkit.formats.svg.values import ViewBox

Float64 = npt.NDArray[np.float64]
Colour = tuple[float, float, float]

WHITE: Colour = (1.0, 1.0, 1.0)
#: From here on, in every channel, a colour is one of paper: ivory, beige, light grey.
_LIGHT = 0.8
#: How much two colours differ at most, in every channel, that look the same.
_ALIKE = 3.5 / 255
#: The shares of the page that paper covers at least, wherever it lies; and under everything, if it is light.
_WHOLE, _NEARLY = 0.98, 0.9
#: The sides of the raster on which is noted where something has been painted.
_CELLS = 64


class Shape(NamedTuple):
    """The paints and the pen of a shape.

    Attributes:
        fill: the paint of its inside; `None` where it is not seen.
        stroke: the paint of its outline; `None` where it is not seen.
        width: of its stroke, in the coordinates of the page.
        cap: the shape of the ends of its stroke.
        join: the shape of the corners of its stroke.
        cut: whether a mask or a clip path cuts it to shape, or all of a group that it is in.
        even_odd: whether its inside is where a way out crosses its outline an odd number of times.
    """

    fill: Paint | None
    stroke: Paint | None
    width: float = 0.0
    cap: str = "butt"
    join: str = "miter"
    cut: bool = False
    even_odd: bool = False


def colour_on(paint: Paint | None, ground: Colour | None) -> Colour | None:
    """The colour of a paint on a ground; `None` where it is not known."""
    if paint is None or paint.rgb is None or (ground is None and paint.opacity < 1):
        return None
    under = ground or paint.rgb
    red, green, blue = (
        paint.opacity * a + (1 - paint.opacity) * b for a, b in zip(paint.rgb, under, strict=True)
    )
    return red, green, blue


def paper_of(
    shapes: Sequence[Shape],
    lines: Sequence[Float64],
    owners: npt.NDArray[np.int64],
    page: ViewBox | None,
    ground: Colour,
    beside: Sequence[Paint],
) -> set[int]:
    """Find the shapes that are paper.

    Args:
        shapes: in drawing order.
        lines: their outlines as polylines [n, 2] in the coordinates of the page.
        owners: [lines] the shape of each line, never falling.
        page: where the document says how large it is.
        ground: the colour of the ground.
        beside: the paints of texts, images and the like, which are drawn without strokes.

    Returns:
        The numbers of these shapes.
    """
    if not lines or not any(shape.stroke is None or shape.stroke == shape.fill for shape in shapes):
        return set()
    return _PaperFinder(_boxes(lines, owners, len(shapes)), page, ground).find_paper(shapes, beside)


class _Boxes(NamedTuple):
    """The corners of each shape [n, 4], NaN without lines; and whether it is a full rectangle."""

    corners: Float64
    full: npt.NDArray[np.bool_]


def _boxes(lines: Sequence[Float64], owners: npt.NDArray[np.int64], count: int) -> _Boxes:
    corners = np.full((count, 4), np.nan)
    begins = np.cumsum([0, *map(len, lines[:-1])])
    points = np.concatenate(lines)
    each = np.concatenate([np.minimum.reduceat(points, begins), np.maximum.reduceat(points, begins)], axis=1)
    firsts = np.flatnonzero(np.diff(owners, prepend=-1))
    shapes = owners[firsts]
    corners[shapes, :2] = np.minimum.reduceat(each[:, :2], firsts)
    corners[shapes, 2:] = np.maximum.reduceat(each[:, 2:], firsts)
    after = np.roll(points, -1, axis=0)
    after[np.append(begins[1:], len(points)) - 1] = points[begins]
    middle = np.repeat(each[:, :2], np.diff(np.append(begins, len(points))), axis=0)
    (x, y), (x1, y1) = (points - middle).T, (after - middle).T
    areas = np.abs(np.add.reduceat(x * y1 - x1 * y, begins)) / 2
    full = np.zeros(count, bool)
    alone = shapes[np.diff(np.append(firsts, len(owners))) == 1]
    sides = np.diff(corners.reshape(-1, 2, 2), axis=1)[:, 0]
    full[alone] = areas[np.isin(owners, alone)] >= _WHOLE * sides[alone].prod(axis=1)
    return _Boxes(corners, full)


class _PaperFinder:
    """Goes through the shapes from the lowest to the topmost."""

    def __init__(self, boxes: _Boxes, page: ViewBox | None, ground: Colour) -> None:
        self._boxes = boxes
        self._ground: Colour | None = ground
        # The box around all shapes from one on.
        from_on = np.concatenate([boxes.corners, np.full((1, 4), np.nan)])[::-1]
        self._rest = np.concatenate(
            [np.fmin.accumulate(from_on[:, :2]), np.fmax.accumulate(from_on[:, 2:])], axis=1
        )[::-1]
        self._page = (
            None if page is None else np.array([page.x, page.y, page.x + page.width, page.y + page.height])
        )
        self._painted = np.zeros((_CELLS, _CELLS), bool)
        self._bare = True  # only paper so far

    def find_paper(self, shapes: Sequence[Shape], beside: Sequence[Paint]) -> set[int]:
        """The numbers of the shapes that are paper."""
        sheets, unseen = set[int](), set[int]()
        drawn = seen = False  # whether other shapes exist, and whether they differ from the ground
        for i, shape in enumerate(shapes):
            if np.isnan(self._boxes.corners[i, 0]):
                continue
            if shape.stroke in (None, shape.fill) and self._is_sheet(i, shape):
                sheets.add(i)
                self._ground = colour_on(shape.fill, self._ground)
                self._painted[:] = False
            elif self._is_unseen(i, shape):
                unseen.add(i)
            else:
                self._bare = False
                drawn = True
                seen = seen or not all(map(self._blends, filter(None, (shape.fill, shape.stroke))))
                if shape.fill is not None and not self._blends(shape.fill):
                    self._painted[self._cells(i)] = True
        if seen or not all(map(self._blends, beside)):
            return sheets | unseen
        if drawn or unseen or beside:  # white on white is a drawing for dark paper
            return sheets
        return {i for i in sheets if _is_light(colour_on(shapes[i].fill, WHITE))}  # a red one is a red square

    def _is_sheet(self, i: int, shape: Shape) -> bool:
        """Whether a shape covers the page, or all later shapes where the page is unknown."""
        if not self._boxes.full[i]:
            return False
        light = _is_light(colour_on(shape.fill, self._ground))
        share = self._share(i, self._rest[i + 1] if self._page is None else self._page)
        if self._bare and light:
            return share >= _NEARLY
        return share >= _WHOLE and (self._bare or light) and not shape.cut

    def _is_unseen(self, i: int, shape: Shape) -> bool:
        """Whether a shape has the colour of the paper only and lies on bare paper."""
        alike = shape.stroke in (None, shape.fill) and self._blends(shape.fill)
        return alike and not self._painted[self._cells(i)].any()

    def _share(self, i: int, area: Float64) -> float:
        """How much of an area a shape's box covers."""
        box = self._boxes.corners[i]
        low, high = np.maximum(box[:2], area[:2]), np.minimum(box[2:], area[2:])
        whole = float((area[2:] - area[:2]).prod())
        return float(np.maximum(high - low, 0).prod()) / whole if whole > 0 else 0.0

    def _blends(self, paint: Paint | None) -> bool:
        """Whether a paint cannot be told from the ground."""
        colour = colour_on(paint, self._ground)
        if colour is None or self._ground is None:
            return False
        return max(abs(mine - under) for mine, under in zip(colour, self._ground, strict=True)) <= _ALIKE

    def _cells(self, i: int) -> tuple[slice, slice]:
        """The part of the raster in which a shape's box lies."""
        box, whole = self._boxes.corners[i], self._rest[0]
        size = np.maximum(whole[2:] - whole[:2], 1e-300)
        low = np.clip((box[:2] - whole[:2]) / size * _CELLS, 0, _CELLS - 1).astype(int)
        high = np.clip((box[2:] - whole[:2]) / size * _CELLS, 0, _CELLS - 1).astype(int)
        return slice(low[0], high[0] + 1), slice(low[1], high[1] + 1)


def _is_light(colour: Colour | None) -> bool:
    return colour is not None and min(colour) >= _LIGHT
