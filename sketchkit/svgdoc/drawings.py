"""Drawings as SVG documents, each at its own place on the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

from sketchkit.curves import fit_curves
from sketchkit.errors import InputError
from sketchkit.sketch import Sketch
from sketchkit.svgdoc.elements import INK, Pen, document, group, path
from sketchkit.svgdoc.markup import Element, to_bytes, to_text
from sketchkit.svgdoc.numbers import curves_data, decimals_for, path_data

#: The pen of a drawing is this share of the largest drawing's extent, in drawing units.
PEN_SHARE = 1 / 128

_Box = tuple[float, float, float, float]

# Pages between these sizes are shown one pixel a drawing unit; smaller and larger ones at the usual size.
_SHOWN_AS_THEY_ARE = (64.0, 4096.0)
_USUAL_SIZE = 512.0


def sketch_data(sketch: Sketch, curved: bool = False) -> str:
    """The path data of a drawing in its own units, rounded by less than 1e-5 of its extent.

    Args:
        sketch: the drawing.
        curved: as smooth curves, rounded by less than 1e-4 of its extent, which is finer than their fit.
    """
    lines = sketch.to_polylines()
    if not curved:
        return path_data(lines, decimals_for(lines))
    strokes = [each if len(each) else line[:1] for line, each in zip(lines, fit_curves(lines), strict=True)]
    return curves_data(strokes, max(decimals_for(lines) - 1, 0))


def write_drawings(
    sketches: Iterable[Sketch],
    stream: BinaryIO,
    *,
    color: str = INK,
    title: str | None = None,
    metadata: Mapping[str, object] | None = None,
) -> None:
    """Write drawings as one SVG document: a group each, every point where it is on the page.

    Args:
        sketches: the drawings; empty ones become empty groups.
        stream: takes the whole document, UTF-8.
        color: of the pen.
        title: of the document.
        metadata: provenance, written as JSON.

    Raises:
        InputError: drawings too far apart for a page.
    """
    drawings = list(sketches)
    page, width = _page(drawings)
    root = document(display_size(page), page, title=title, metadata=metadata)
    for number, sketch in enumerate(drawings, start=1):
        root.add(_drawing(sketch, Pen(color, width), id=f"drawing-{number}"))
    stream.write(to_bytes(root))


def sketch_svg(sketch: Sketch, size: float = 256) -> str:
    """One drawing as a small SVG on white paper, for a notebook.

    Args:
        sketch: the drawing.
        size: the longer side in CSS pixels.

    Returns:
        An `<svg>` element without an XML declaration.
    """
    page, width = _page([sketch])
    factor = size / max(page[2], page[3])
    # Without an id: a page of notebook cells is one HTML document.
    root = document((page[2] * factor, page[3] * factor), page, title=sketch.label)
    # Paper by style: a rectangle would be a stroke to a reader of the drawing.
    root["style"] = "background:white"
    root.add(_drawing(sketch, Pen(INK, width), id=None))
    return to_text(root)


def _drawing(sketch: Sketch, pen: Pen, id: str | None) -> Element:
    data = sketch_data(sketch)
    children = [path(data)] if data else []
    return group(id=id, label=sketch.label, attributes=pen.attributes, children=children)


def _page(sketches: Sequence[Sketch]) -> tuple[_Box, float]:
    """The page that holds all drawings with a margin (x, y, width, height), and the width of the pen."""
    boxes = [s.bounds for s in sketches if len(s.without_end())] or [s.bounds for s in sketches[:1]]
    x0, y0, x1, y1 = _union(boxes) if boxes else (0.0, 0.0, 0.0, 0.0)
    largest = max((max(box[2] - box[0], box[3] - box[1]) for box in boxes), default=0.0)
    pen = (largest or 1.0) * PEN_SHARE
    margin = 2 * pen + 0.02 * max(x1 - x0, y1 - y0)
    page = (x0 - margin, y0 - margin, x1 - x0 + 2 * margin, y1 - y0 + 2 * margin)
    if not all(map(math.isfinite, page)):
        raise InputError("the drawings are too far apart for one page")
    return page, pen


def page_around(sketches: Sequence[Sketch], view_box: _Box | None = None) -> _Box:
    """The page (x, y, width, height) that holds drawings with a margin, and a given page too."""
    page, _ = _page(sketches)
    if view_box is None:
        return page
    corners = [(x, y, x + w, y + h) for x, y, w, h in (page, view_box)]
    x0, y0, x1, y1 = _union(corners)
    inside = all(
        view_box[i] <= s.bounds[i] and s.bounds[i + 2] <= view_box[i] + view_box[i + 2]
        for s in sketches
        for i in (0, 1)
    )
    return view_box if inside else (x0, y0, x1 - x0, y1 - y0)


def _union(boxes: Sequence[_Box]) -> _Box:
    """The smallest box (x_min, y_min, x_max, y_max) around all."""
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def display_size(page: _Box) -> tuple[float, float]:
    """The size of a page in CSS pixels."""
    longer = max(page[2], page[3])
    low, high = _SHOWN_AS_THEY_ARE
    factor = 1.0 if low <= longer <= high else _USUAL_SIZE / longer
    return page[2] * factor, page[3] * factor
