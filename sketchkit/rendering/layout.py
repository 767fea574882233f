"""Where each picture of a sheet stands: a grid of square cells with words under them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sketchkit.errors import InputError
from sketchkit.rendering.picture import Picture, bounds
from sketchkit.sketch import Float64
from sketchkit.svgdoc import checked_color

__all__ = ["Layout", "Place", "Sheet"]

#: Empty paper between a drawing and the edge of its cell, as a share of the cell.
PADDING = 0.06

# The font of captions grows with the cell, but is never too small to read nor loud.
_FONT_SHARE = 0.07
_SMALLEST_FONT, _LARGEST_FONT = 7.0, 20.0
_LINE_HEIGHT = 1.6
_BASELINE = 1.1


@dataclass(frozen=True)
class Place:
    """One cell of a sheet and the transform that brings a picture there.

    Args:
        corner: (x, y) of the cell's upper left corner, in pixels of the sheet.
        cell: the side of the cell in pixels.
        scale: pixels a drawing unit.
        centre: the middle of the picture, in drawing units; it comes to the middle of the cell.
    """

    corner: tuple[float, float]
    cell: float
    scale: float
    centre: tuple[float, float]

    @property
    def middle(self) -> tuple[float, float]:
        """(x, y) of the middle of the cell, in pixels."""
        return (self.corner[0] + self.cell / 2, self.corner[1] + self.cell / 2)

    def apply(self, points: Float64) -> Float64:
        """Points [n, 2] in drawing units as points [n, 2] in pixels of the sheet."""
        # The difference first: multiplied coordinates far from (0, 0) would swallow a small drawing.
        moved: Float64 = (points - np.array(self.centre)) * self.scale + np.array(self.middle)
        return moved


@dataclass(frozen=True)
class Sheet:
    """A page with a place for each picture.

    Args:
        width: of the page in pixels.
        height: of the page in pixels.
        places: one a picture, row by row.
        font: the size of captions in pixels; 0 where there are none.
    """

    width: float
    height: float
    places: tuple[Place, ...]
    font: float

    def baseline(self, place: Place) -> tuple[float, float]:
        """(x, y) in pixels of the middle of the line that the caption of a place stands on."""
        return (place.middle[0], place.corner[1] + place.cell + _BASELINE * self.font)


@dataclass(frozen=True)
class Layout:
    """How pictures are set out on a sheet; all lengths in pixels.

    Args:
        tile: (columns, rows); as many rows as it takes when rows is None, nearly a square when tile is.
        cell: the side of a cell.
        gap: between two cells.
        label: whether captions are written, in a band under each cell.
        stroke: the width of lines, whatever the scale of a drawing.
        margin: around the whole grid.
        background: the colour of the paper, "none" for transparent; what suits the renderer when None.
        scale: "fit" fills each cell, "common" shows all pictures at one scale, so that sizes compare.

    Raises:
        InputError: a length or a tile that makes no page.
    """

    tile: tuple[int, int | None] | None = None
    cell: float = 128.0
    gap: float = 8.0
    label: bool = False
    stroke: float = 2.0
    margin: float = 8.0
    background: str | None = None
    scale: Literal["fit", "common"] = "fit"

    def __post_init__(self) -> None:
        for name in ("cell", "stroke"):
            _check_length(name, getattr(self, name), above=True)
        for name in ("gap", "margin"):
            _check_length(name, getattr(self, name), above=False)
        if self.tile is not None and any(n is not None and n < 1 for n in self.tile):
            raise InputError(f"a tile needs at least one column and one row, got {_tile_text(self.tile)}")
        if self.scale not in ("fit", "common"):
            raise InputError(f"the scale must be 'fit' or 'common', got {self.scale!r}")
        if self.background is not None:
            checked_color(self.background)

    def arrange(self, pictures: Sequence[Picture]) -> Sheet:
        """Give each picture its place.

        Args:
            pictures: any number; none at all make a page of one empty cell.

        Returns:
            The sheet.

        Raises:
            InputError: more pictures than the tile has cells, a line too wide for the cell, or drawings too
                large to be measured.
        """
        columns, rows = self._grid(len(pictures))
        font = self._font()
        step_x = self.cell + self.gap
        step_y = step_x + math.ceil(_LINE_HEIGHT * font)
        boxes = [bounds(picture) for picture in pictures]
        scales = self._scales(pictures, boxes)
        corners = [
            (self.margin + (i % columns) * step_x, self.margin + (i // columns) * step_y)
            for i in range(len(pictures))
        ]
        places = [
            Place(corner, self.cell, scale, _centre(box))
            for corner, scale, box in zip(corners, scales, boxes, strict=True)
        ]
        width = columns * step_x - self.gap + 2 * self.margin
        height = rows * step_y - self.gap + 2 * self.margin
        return Sheet(width, height, tuple(places), font)

    def _font(self) -> float:
        """The size of captions, in whole pixels so that the page stays in whole pixels too."""
        if not self.label:
            return 0.0
        return float(round(min(max(_FONT_SHARE * self.cell, _SMALLEST_FONT), _LARGEST_FONT)))

    def _grid(self, count: int) -> tuple[int, int]:
        """(columns, rows) for so many pictures."""
        columns, rows = self.tile or (math.ceil(math.sqrt(count)) or 1, None)
        if rows is None:
            rows = max(1, math.ceil(count / columns))
        if count > columns * rows:
            raise InputError(
                f"{count} pictures do not fit a tile of {columns}x{rows}, which has {columns * rows} cells"
            )
        return columns, rows

    def _scales(
        self, pictures: Sequence[Picture], boxes: Sequence[tuple[float, float, float, float]]
    ) -> list[float]:
        """Pixels a drawing unit, for each picture."""
        extents = [max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes]
        if not all(map(math.isfinite, extents)):
            raise InputError("a drawing is too large to be set out on a page")
        inners = [self._inner(picture) for picture in pictures]
        scales = [inner / e if e else 1.0 for inner, e in zip(inners, extents, strict=True)]
        if self.scale == "common":
            # Pictures without extent fit at any scale.
            common = min((s for s, e in zip(scales, extents, strict=True) if e), default=1.0)
            return [common] * len(scales)
        return scales

    def _inner(self, picture: Picture) -> float:
        """The side of the square that a picture's points may fill, in pixels."""
        widest = max((ink.width or self.stroke for ink in picture.inks), default=self.stroke)
        inner = self.cell * (1 - 2 * PADDING) - widest
        if inner <= 0:
            raise InputError(f"a line {widest:g} pixels wide does not fit a cell of {self.cell:g} pixels")
        return inner


def _check_length(name: str, value: float, above: bool) -> None:
    if not (0 < value < math.inf if above else 0 <= value < math.inf):
        raise InputError(f"the {name} must be {'above 0' if above else '0 or more'} pixels, got {value}")


def _centre(box: tuple[float, float, float, float]) -> tuple[float, float]:
    # Halves first: the sum of two large coordinates may leave float64.
    return (box[0] / 2 + box[2] / 2, box[1] / 2 + box[3] / 2)


def _tile_text(tile: tuple[int, int | None]) -> str:
    return f"{tile[0]}x{'' if tile[1] is None else tile[1]}"
