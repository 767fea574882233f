"""Where each picture of a sheet stands: a grid of square cells with words around them, on a page or not.

There is one unit inside: the pixel of CSS, the 96th part of an inch. Users write millimetres for a page;
`Layout.on_page` turns them into pixels, and the file has its size in millimetres again.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from sketchkit.arguments import whole
from sketchkit.errors import InputError
from sketchkit.rendering.frame import BASELINE, Frame, Legend, Words, best, largest
from sketchkit.rendering.page import GAP, MARGIN, MILLIMETRE, STROKE, OwnPage, Page
from sketchkit.rendering.picture import Curves, Picture, bounds
from sketchkit.sketch import Float64
from sketchkit.svgdoc import check_color

#: Empty paper between a drawing and the edge of its cell, as a share of the cell.
PADDING = 0.06

# Of a font, in pixels; on paper seven points.
_LEAST_FONT, _LEAST_PRINTED_FONT = 7.0, 9.0


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
        font: the size of captions in pixels; 0 without captions.
        words: the title and the labels of rows and columns.
        page: the paper of the same size, if any.
    """

    width: float
    height: float
    places: tuple[Place, ...]
    font: float
    words: tuple[Words, ...] = ()
    page: Page | None = None

    def baseline(self, place: Place) -> tuple[float, float]:
        """(x, y) in pixels of the middle of the line that the caption of a place stands on."""
        return (place.middle[0], place.corner[1] + place.cell + BASELINE * self.font)


@dataclass(frozen=True)
class Layout:
    """How pictures are set out on a sheet; all lengths in pixels, see `on_page` for millimetres.

    Args:
        tile: (columns, rows); as many rows as it takes when rows is `None`. When tile is `None`, there are as
            many columns or rows as labels, else it is nearly a square, or the grid that fills the page best.
        cell: the side of a cell; with a page, cells are as large as it lets them be.
        gap: between two cells.
        label: whether captions are written, in a band under each cell.
        stroke: the width of lines, at every scale of a drawing.
        margin: around the whole, words included.
        background: the colour of the paper, `#rgb`, `#rrggbb` or a name of SVG's, `none` for transparent;
            the renderer's default when `None`.
        scale: "fit" fills each cell, "common" shows all pictures at one scale, so that sizes compare.
        title: a line above the sheet.
        row_labels: the names of all rows, in a band on the left, or ().
        column_labels: the names of all columns, in a band above the cells, or ().
        page: the paper, in the middle of which everything is set; as large as its content when `None`.
        curves: the inks that `with_curves` draws as smooth curves: "auto" those that ask for it, as ink drawn
            by a model does; all if "on", zero if "off".
        own_page: the page of the file that the pictures come from: they are drawn on it in their place and
            size, and of the other arguments only `stroke` and `background` count.

    Raises:
        InputError: a length, a tile or a colour that is invalid, or a margin that fills the page.
    """

    tile: tuple[int, int | None] | None = None
    cell: float = 128.0
    gap: float = 8.0
    label: bool = False
    stroke: float = 2.0
    margin: float = 8.0
    background: str | None = None
    scale: Literal["fit", "common"] = "fit"
    title: str | None = None
    row_labels: tuple[str, ...] = ()
    column_labels: tuple[str, ...] = ()
    page: Page | None = None
    curves: Curves = "auto"
    own_page: OwnPage | None = None

    @classmethod
    def on_page(
        cls,
        page: str | Page | None,
        *,
        cell: float | None = None,
        gap: float | None = None,
        stroke: float | None = None,
        margin: float | None = None,
        **others: Any,
    ) -> Layout:
        """A layout of lengths as a user writes them, each of which may be left open.

        Args:
            page: its name, such as "A4" or "Letter-landscape", measures such as "210x297mm", or a `Page`;
                `None` for a sheet as large as its content.
            cell: the side of a cell in pixels, without a page only.
            gap: in millimetres on a page, else in pixels; the default when `None`, as for all lengths.
            stroke: in the same unit.
            margin: in the same unit, out of reach of a printer or plotter.
            others: more of the arguments of the class, by name.

        Raises:
            InputError: an unknown page, a page and a cell, or invalid arguments of the class.
        """
        lengths = {"gap": gap, "stroke": stroke, "margin": margin}
        given: dict[str, Any] = {name: value for name, value in lengths.items() if value is not None}
        if page is None:
            return cls(**given if cell is None else {**given, "cell": cell}, **others)
        if cell is not None:
            raise InputError("cells are as large as the page lets them be: give a page or the size of a cell")
        suited: dict[str, float] = {"gap": GAP, "stroke": STROKE, "margin": MARGIN} | given
        for name, value in suited.items():
            _check_length(name, value, "mm", above=name == "stroke")
        paper = page if isinstance(page, Page) else Page.named(page)
        pixels: dict[str, Any] = {name: value * MILLIMETRE for name, value in suited.items()}
        return cls(**pixels, page=paper, **others)

    def __post_init__(self) -> None:
        for name in ("cell", "stroke", "gap", "margin"):
            _check_length(name, getattr(self, name), "pixels", above=name in ("cell", "stroke"))
        _check_tile(self.tile)
        if self.tile is not None and any(n is not None and n < 1 for n in self.tile):
            raise InputError(f"a tile needs at least one column and one row, got {_tile_text(self.tile)}")
        if self.scale not in ("fit", "common"):
            raise InputError(f"the scale must be 'fit' or 'common', got {self.scale!r}")
        if self.background is not None:
            check_color(self.background, none=True)
        if self.page is not None and min(self._room(self.page)) <= 0:
            margin = self._format_length(self.margin)
            raise InputError(f"a margin of {margin} leaves nothing of a page of {self.page}")

    def with_curves(self, pictures: Iterable[Picture]) -> list[Picture]:
        """Pictures as a renderer is to draw them: with curves where they are chosen."""
        return [picture.with_curves(self.curves) for picture in pictures]

    def arrange(self, pictures: Sequence[Picture]) -> Sheet:
        """Give each picture its place.

        Args:
            pictures: an empty sequence makes a page of one empty cell.

        Returns:
            The sheet.

        Raises:
            InputError: more pictures than the tile has cells, another number of labels than of rows or
                columns, cells too small for their lines, a full page, or drawings too large to be measured.
        """
        if self.own_page is not None:
            return _on_own_page(self.own_page, len(pictures))
        frame = self._frame(len(pictures))
        across, down = frame.size
        if self.page is None:
            width, height = across + 2 * self.margin, down + 2 * self.margin
            left = top = self.margin
        else:
            width, height = self.page.width * MILLIMETRE, self.page.height * MILLIMETRE
            left, top = (width - across) / 2, (height - down) / 2
        boxes = [bounds(picture) for picture in pictures]
        scales = self._scales(frame.cell, pictures, boxes)
        places = []
        for i, (scale, box) in enumerate(zip(scales, boxes, strict=True)):
            x, y = frame.corner(i)
            places.append(Place((left + x, top + y), frame.cell, scale, _centre(box)))
        words = [
            dataclasses.replace(line, at=(left + line.at[0], top + line.at[1]))
            for line in frame.words(width - 2 * self.margin)
        ]
        return Sheet(width, height, tuple(places), frame.font if self.label else 0.0, tuple(words), self.page)

    def _frame(self, count: int) -> Frame:
        """The grid for so many pictures, with its words."""
        least = _LEAST_FONT if self.page is None else _LEAST_PRINTED_FONT
        legend = Legend(self.label, self.title, self.row_labels, self.column_labels, least)
        grids = self._grids(count)
        for columns, rows in grids:
            self._check_labels(columns, rows, count)
        if self.page is None:
            return Frame(*grids[0], self.cell, self.gap, legend)
        gap, room = self.gap, self._room(self.page)
        frame = best([largest(partial(Frame, *grid, gap=gap, legend=legend), room) for grid in grids])
        if frame is None:
            raise InputError(f"{count} pictures do not fit a page of {self.page} with its gaps and words")
        return frame

    def _room(self, page: Page) -> tuple[float, float]:
        """The printable width and height of a page, in pixels."""
        return (page.width * MILLIMETRE - 2 * self.margin, page.height * MILLIMETRE - 2 * self.margin)

    def _grids(self, count: int) -> list[tuple[int, int]]:
        """(columns, rows) for so many pictures: one grid, or those worth a try on a page."""
        if self.tile is not None:
            columns, rows = self.tile
            rows = max(1, math.ceil(count / columns)) if rows is None else rows
            if count > columns * rows:
                cells = f"which has {columns * rows} cells"
                raise InputError(f"{count} pictures do not fit a tile of {columns}x{rows}, {cells}")
            return [(columns, rows)]
        if self.column_labels:
            return [_grid(len(self.column_labels), count)]
        if self.row_labels:
            return [(max(1, math.ceil(count / len(self.row_labels))), len(self.row_labels))]
        if self.page is None:
            return [_grid(math.ceil(math.sqrt(count)), count)]
        # Words make the room for the cells a little narrower or lower than the page's own shape says.
        width, height = self._room(self.page)
        likely = math.sqrt(max(count, 1) * width / height)
        most = max(1, min(math.ceil(2 * likely), count))
        return [_grid(columns, count) for columns in range(min(int(likely / 2), most), most + 1)]

    def _check_labels(self, columns: int, rows: int, count: int) -> None:
        for what, labels, number in (("row", self.row_labels, rows), ("column", self.column_labels, columns)):
            if labels and len(labels) != number:
                many = "many" if len(labels) > number else "few"
                raise InputError(f"{len(labels)} {what} labels are too {many} for {number} {what}s")
            if self.tile is None and len(labels) > max(count, 1):
                raise InputError(f"{len(labels)} {what} labels are too many for {count} drawings")

    def _scales(
        self, cell: float, pictures: Sequence[Picture], boxes: Sequence[tuple[float, float, float, float]]
    ) -> list[float]:
        """Pixels a drawing unit, for each picture."""
        extents = [max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes]
        if not all(map(math.isfinite, extents)):
            raise InputError("a drawing is too large to be set out on a page")
        inners = [self._inner(cell, picture) for picture in pictures]
        # Lines that are scaled with their drawing make it larger.
        thick = [
            e + max((ink.own_width or 0.0 for ink in p.inks), default=0.0) if e else 0.0
            for e, p in zip(extents, pictures, strict=True)
        ]
        scales = [inner / e if e else 1.0 for inner, e in zip(inners, thick, strict=True)]
        if self.scale == "common":
            # Pictures without extent fit at any scale.
            common = min((s for s, e in zip(scales, extents, strict=True) if e), default=1.0)
            return [common] * len(scales)
        return scales

    def _inner(self, cell: float, picture: Picture) -> float:
        """The side of the square that a picture's points may fill, in pixels."""
        fixed = [ink.width or self.stroke for ink in picture.inks if ink.own_width is None]
        widest = max(fixed, default=0.0 if picture.inks else self.stroke)
        inner = cell * (1 - 2 * PADDING) - widest
        if inner <= 0:
            width, side = self._format_length(widest), self._format_length(cell)
            raise InputError(f"a line {width} wide does not fit a cell of {side}")
        return inner

    def _format_length(self, pixels: float) -> str:
        """A length in the unit that the user writes."""
        return f"{pixels:g} pixels" if self.page is None else f"{pixels / MILLIMETRE:.3g} mm"


def _on_own_page(own: OwnPage, count: int) -> Sheet:
    """A sheet on which each of so many pictures stands where it is."""
    page = Page(own.width, own.height)
    width, height = own.width * MILLIMETRE, own.height * MILLIMETRE
    scale, cell = own.unit * MILLIMETRE, max(width, height)
    place = Place((0.0, 0.0), cell, scale, (own.left + cell / 2 / scale, own.top + cell / 2 / scale))
    return Sheet(width, height, (place,) * count, 0.0, (), page)


def _check_length(name: str, value: float, unit: str, above: bool) -> None:
    if not (0 < value < math.inf if above else 0 <= value < math.inf):
        raise InputError(f"the {name} must be {'above 0' if above else '0 or more'} {unit}, got {value}")


def _check_tile(tile: object) -> None:
    """Refuse a tile that is not two whole numbers, or one and `None`."""
    if tile is None:
        return
    if not isinstance(tile, tuple | list) or len(tile) != 2:
        raise InputError(f"a tile is (columns, rows), got {tile!r}")
    whole("the columns of a tile", tile[0])
    if tile[1] is not None:
        whole("the rows of a tile", tile[1])


def _grid(columns: int, count: int) -> tuple[int, int]:
    """(columns, rows): as many rows as it takes, at least one of each."""
    columns = max(1, columns)
    return columns, max(1, math.ceil(count / columns))


def _centre(box: tuple[float, float, float, float]) -> tuple[float, float]:
    # Halves first: the sum of two large coordinates may leave float64.
    return (box[0] / 2 + box[2] / 2, box[1] / 2 + box[3] / 2)


def _tile_text(tile: tuple[int, int | None]) -> str:
    return f"{tile[0]}x{'' if tile[1] is None else tile[1]}"
