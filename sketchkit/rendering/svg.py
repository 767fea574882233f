"""Sheets as SVG: a group a cell, in it a named group an ink."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sketchkit import svgdoc
from sketchkit.curves import fit_drawings
from sketchkit.rendering.frame import fit_words
from sketchkit.rendering.layout import Layout, Place, Sheet
from sketchkit.rendering.palette import CAPTION, TITLE
from sketchkit.rendering.picture import Ink, Picture
from sketchkit.sketch import Float64

#: Of coordinates: a hundredth of a pixel is finer than any screen or plotter shows.
DECIMALS = 2


@dataclass(frozen=True)
class Track:
    """Where the pen goes for one ink of a picture.

    Args:
        points: [n, 2] in pixels of the sheet.
        starts: the rows where strokes begin, rising, the first of them 0; empty without points.
        curves: of each stroke [m, 4, 2], cubic curves in pixels of the sheet, or [1, 2], a dot; `None` where
            the pen goes straight from point to point.
    """

    points: Float64
    starts: npt.NDArray[np.int64]
    curves: tuple[Float64, ...] | None = None

    @classmethod
    def of(cls, ink: Ink, place: Place) -> Track:
        """The way of the pen of an ink that has its place, straight from point to point."""
        points = place.apply(ink.sketch.points)
        lifts = np.flatnonzero(ink.sketch.stroke5[: max(len(points) - 1, 0), 3]) + 1
        return cls(points, np.concatenate([[0], lifts]) if len(points) else lifts)

    @property
    def lines(self) -> list[Float64]:
        """The points of each stroke, [n, 2]."""
        return np.split(self.points, self.starts[1:]) if len(self.points) else []

    def strokes(self) -> list[Track]:
        """A track for each stroke."""
        curves: Sequence[Float64 | None] = self.curves or [None] * len(self.starts)
        start = np.zeros(1, np.int64)
        return [
            Track(line, start, None if curve is None else (curve,))
            for line, curve in zip(self.lines, curves, strict=True)
        ]


# From the tracks of each cell, an ink each, to the elements that draw them.
_Drawer = Callable[[Sequence[Sequence[Track]]], Sequence[Sequence[Sequence[svgdoc.Element]]]]


@dataclass(frozen=True)
class SvgRenderer:
    """SVG 1.1, transparent unless the layout names a background; a page has its true size.

    One pixel is a user unit: 96 of them are an inch on a page; elsewhere the size is the reader's choice.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".svg",)

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`."""
        return draw_sheet(layout.arrange(pictures), pictures, layout, metadata)


def draw_still(cells: Sequence[Sequence[Track]]) -> list[list[list[svgdoc.Element]]]:
    """The paths of finished inks, one an ink, [] for an ink without points."""
    data = iter(tracks_data([track for inks in cells for track in inks]))
    return [[[svgdoc.path(d)] if (d := next(data)) else [] for _ in inks] for inks in cells]


def tracks_data(tracks: Sequence[Track]) -> list[str]:
    """The `d` of the path of each track."""
    straight = [track for track in tracks if track.curves is None]
    data = iter(svgdoc.paths_data([t.points for t in straight], [t.starts for t in straight], DECIMALS))
    return [
        next(data) if track.curves is None else svgdoc.curves_data(track.curves, DECIMALS) for track in tracks
    ]


def draw_sheet(
    sheet: Sheet,
    pictures: Sequence[Picture],
    layout: Layout,
    metadata: Mapping[str, object],
    draw: _Drawer = draw_still,
) -> bytes:
    """The SVG of pictures whose places are known.

    Args:
        sheet: from `layout.arrange(pictures)`.
        pictures: one a cell.
        layout: for the width of lines, the background and the title.
        metadata: provenance of the whole sheet.
        draw: makes the elements of all inks from the tracks of their pens.

    Returns:
        A UTF-8 document.
    """
    root = _document(sheet, layout, layout.title or _title(pictures), metadata)
    pairs = list(zip(pictures, sheet.places, strict=True))
    drawn = draw(_tracks(pairs))
    for number, ((picture, place), elements) in enumerate(zip(pairs, drawn, strict=True), start=1):
        root.add(_cell(f"cell-{number}", picture, place, elements, sheet, layout))
    if sheet.words:
        words = [
            svgdoc.text(line.text, line.at, line.font, TITLE if line.title else CAPTION, line.anchor)
            for line in sheet.words
        ]
        root.add(svgdoc.group(id="words", label="words", children=words))
    return svgdoc.to_bytes(root)


def _tracks(cells: Sequence[tuple[Picture, Place]]) -> list[list[Track]]:
    """The way of the pen of each ink of each cell; the curves of all are fitted at once."""
    tracks = [[(ink, Track.of(ink, place)) for ink in picture.inks] for picture, place in cells]
    curved = [track.lines for row in tracks for ink, track in row if ink.curved and len(track.points)]
    found = zip(curved, fit_drawings(curved), strict=True)

    def bend(ink: Ink, track: Track) -> Track:
        if not ink.curved or not len(track.points):
            return track
        pairs = zip(*next(found), strict=True)
        return dataclasses.replace(track, curves=tuple(c if len(c) else line[:1] for line, c in pairs))

    return [[bend(ink, track) for ink, track in row] for row in tracks]


def _document(sheet: Sheet, layout: Layout, title: str, metadata: Mapping[str, object]) -> svgdoc.Element:
    paper = None if layout.background == "none" else layout.background
    area = (0.0, 0.0, sheet.width, sheet.height)
    if sheet.page is None:
        return svgdoc.document(area[2:], area, title=title, metadata=metadata, background=paper)
    size = (sheet.page.width, sheet.page.height)
    return svgdoc.document(size, area, title=title, metadata=metadata, background=paper, unit="mm")


def _title(pictures: Sequence[Picture]) -> str:
    if len(pictures) == 1 and pictures[0].caption:
        return pictures[0].caption
    return f"{len(pictures)} drawing{'' if len(pictures) == 1 else 's'}"


def _cell(
    id: str,
    picture: Picture,
    place: Place,
    drawn: Sequence[Sequence[svgdoc.Element]],
    sheet: Sheet,
    layout: Layout,
) -> svgdoc.Element:
    inks = [
        _ink(f"{id}-{number}-{svgdoc.slug(ink.name, 'ink')}", ink, elements, place.scale, layout)
        for number, (ink, elements) in enumerate(zip(picture.inks, drawn, strict=True), start=1)
    ]
    # The whole caption is the cell's tooltip: the words under it may be cut short.
    cell = svgdoc.group(
        id=id, label=picture.caption, title=picture.caption, metadata=picture.metadata, children=inks
    )
    if layout.label and picture.caption:
        words = fit_words(picture.caption, place.cell, sheet.font)
        cell.add(svgdoc.text(words, sheet.baseline(place), sheet.font, CAPTION))
    return cell


def _ink(
    id: str, ink: Ink, elements: Sequence[svgdoc.Element], scale: float, layout: Layout
) -> svgdoc.Element:
    # Points have been moved, not the group: a transform would scale the width of the line with the drawing.
    pen = ink.pen(scale, layout.stroke)
    return svgdoc.group(id=id, label=ink.name, attributes=pen.attributes, children=elements)
