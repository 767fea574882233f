"""Sheets as SVG: a group a cell, in it a named group an ink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sketchkit import svgdoc
from sketchkit.rendering.captions import fitted
from sketchkit.rendering.layout import Layout, Place, Sheet
from sketchkit.rendering.palette import CAPTION
from sketchkit.rendering.picture import Ink, Picture

__all__ = ["SvgRenderer", "draw_sheet"]

# A hundredth of a pixel is finer than any screen or plotter shows.
_DECIMALS = 2


@dataclass(frozen=True)
class SvgRenderer:
    """SVG 1.1, one pixel a user unit, transparent unless the layout names a background."""

    suffixes: ClassVar[tuple[str, ...]] = (".svg",)

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.render.base.Renderer`."""
        return draw_sheet(layout.arrange(pictures), pictures, layout, metadata)


def draw_sheet(
    sheet: Sheet, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]
) -> bytes:
    """The SVG of pictures whose places are known.

    Args:
        sheet: what `layout.arrange(pictures)` returned.
        pictures: what the cells show.
        layout: for the width of lines and the background.
        metadata: provenance of the whole sheet.

    Returns:
        A UTF-8 document.
    """
    paper = None if layout.background == "none" else layout.background
    root = svgdoc.document(
        (sheet.width, sheet.height), title=_title(pictures), metadata=metadata, background=paper
    )
    for number, (picture, place) in enumerate(zip(pictures, sheet.places, strict=True), start=1):
        root.add(_cell(f"cell-{number}", picture, place, sheet, layout))
    return svgdoc.to_bytes(root)


def _title(pictures: Sequence[Picture]) -> str:
    if len(pictures) == 1 and pictures[0].caption:
        return pictures[0].caption
    return f"{len(pictures)} drawing{'' if len(pictures) == 1 else 's'}"


def _cell(id: str, picture: Picture, place: Place, sheet: Sheet, layout: Layout) -> svgdoc.Element:
    inks = [
        _ink(f"{id}-{number}-{svgdoc.slug(ink.name, 'ink')}", ink, place, layout)
        for number, ink in enumerate(picture.inks, start=1)
    ]
    # The whole caption is the cell's tooltip: what stands under it may be cut short.
    cell = svgdoc.group(
        id=id, label=picture.caption, title=picture.caption, metadata=picture.metadata, children=inks
    )
    if layout.label and picture.caption:
        words = fitted(picture.caption, place.cell, sheet.font)
        cell.add(svgdoc.text(words, sheet.baseline(place), sheet.font, CAPTION))
    return cell


def _ink(id: str, ink: Ink, place: Place, layout: Layout) -> svgdoc.Element:
    # Points are moved, not the group: a transform would scale the width of the line with the drawing.
    data = svgdoc.path_data([place.apply(line) for line in ink.sketch.to_polylines()], _DECIMALS)
    pen = svgdoc.Pen(ink.color, ink.width or layout.stroke)
    children = [svgdoc.path(data)] if data else []
    return svgdoc.group(id=id, label=ink.name, attributes=pen.attributes, children=children)
