"""A document as its pen strokes."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sketchkit.errors import FormatError, InputError
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.paper import WHITE, Shape, colour_on, paper_of
from sketchkit.formats.svg.values import Units, ViewBox, parse_view_box
from sketchkit.formats.svg.walk import Walk
from sketchkit.formats.svg.xmltree import Node, parse_document
from sketchkit.sketch import Sketch

__all__ = ["LEFT_OUT", "DrawnWith", "SvgDocument", "TruePage", "omissions", "read_svg"]

#: Kinds of things that the strokes of a document leave out -> what one and what several are called.
LEFT_OUT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "text": ("text", "texts"),
        "image": ("image", "images"),
        "foreignObject": ("piece of HTML", "pieces of HTML"),
        "marker": ("set of markers", "sets of markers"),
        "use": ("use of another file", "uses of another file"),
        "transform": ("transform that cannot be read", "transforms that cannot be read"),
        "out of range": ("shape outside the limits", "shapes outside the limits"),
        "background": ("background shape", "background shapes"),
    }
)

#: The default tolerance, as a share of the drawing's diagonal: half a pixel in a picture 1000 pixels wide.
_FINENESS = 1 / 2000


#: In every channel, from here on a stroke cannot be told from white paper.
_PALE = 0.94
_PIXELS_A_MILLIMETRE = 96 / 25.4


class DrawnWith(NamedTuple):
    """What a stroke is drawn with.

    Attributes:
        colour: `#rrggbb`, on white paper; that of the fill where there is no stroke. None where it is not
            known, as of a gradient, or cannot be seen on white paper.
        width: in the coordinates of the document; None where only the inside is painted.
        cap: `butt`, `round` or `square`.
        join: `miter`, `round` or `bevel`; `miter` for what is new in SVG 2.
    """

    colour: str | None
    width: float | None
    cap: str = "butt"
    join: str = "miter"

    @classmethod
    def of(cls, shape: Shape) -> DrawnWith:
        """What a shape is drawn with."""
        rgb = colour_on(shape.stroke or shape.fill, WHITE)
        seen = rgb is not None and min(rgb) < _PALE and all(map(math.isfinite, rgb))
        channels = [round(255 * min(max(channel, 0.0), 1.0)) for channel in rgb] if rgb and seen else []
        colour = "#" + "".join(f"{channel:02x}" for channel in channels) if channels else None
        join = shape.join if shape.join in ("round", "bevel") else "miter"
        return cls(colour, shape.width if shape.stroke else None, shape.cap, join)


class TruePage(NamedTuple):
    """How large a document is on paper.

    Attributes:
        width: in millimetres.
        height: in millimetres.
        left: the x of its left edge, in the coordinates of the document.
        top: the y of its upper edge, likewise.
        unit: millimetres in one of these units.
    """

    width: float
    height: float
    left: float
    top: float
    unit: float


@dataclass(frozen=True, slots=True, eq=False)
class SvgDocument:
    """The pen strokes of a document, and where something can be inserted into its bytes.

    Attributes:
        polylines: float64 [n, 2] each, in drawing order, in the coordinates that a last child of the root
            element would have; a dot has one point.
        view_box: left, top, width and height of the page in these coordinates; None where the document
            does not say.
        insert_at: the byte at which the root's end tag starts, or the `/>` of a root that closes itself.
        self_closing: whether the root closes itself.
        encoding: the codec in which inserted text is to be encoded.
        prefix: what the names of SVG's elements start with in this document ("svg:"), mostly empty.
        tolerance: how far a polyline may be from its curve, in the same coordinates.
        left_out: how many things of each kind of `LEFT_OUT` its strokes leave out; empty where nothing is.
        pen_width: the median width of what is stroked, in the same coordinates; None where nothing is.
        size: the root's width and height as they are written ("120mm"); empty where they are not.
        drawn_with: for each polyline, what it is drawn with.
    """

    polylines: list[npt.NDArray[np.float64]]
    view_box: ViewBox | None
    insert_at: int
    self_closing: bool
    encoding: str
    prefix: str
    tolerance: float
    left_out: Mapping[str, int]
    pen_width: float | None
    size: tuple[str, str] = ("", "")
    drawn_with: Sequence[DrawnWith] = ()

    @property
    def usual_pen(self) -> DrawnWith | None:
        """What most of the drawing is stroked with, each fact by itself; None where nothing is stroked."""
        strokes = [each for each in self.drawn_with if each.width is not None]
        if not strokes or self.pen_width is None:
            return None
        colours, caps, joins = (
            Counter(column).most_common(1)[0][0]
            for column in zip(*((s.colour, s.cap, s.join) for s in strokes), strict=True)
        )
        return DrawnWith(colours, self.pen_width, caps, joins)

    @property
    def true_page(self) -> TruePage | None:
        """How large the page is on paper: a length without a unit is in pixels, 96 of them an inch.

        None where the document does not say how large its page is. A page of another shape than its view box
        shows that in the middle, as large as it fits.
        """
        box = self.view_box
        if box is None:
            return None
        nothing = Units(0.0, 0.0)
        written = (nothing.length(text, axis) for text, axis in zip(self.size, ("x", "y"), strict=True))
        across, down = (length if length and 0 < length < math.inf else None for length in written)
        width = across or (down / box.height * box.width if down else box.width)
        height = down or width / box.width * box.height
        unit = min(width / box.width, height / box.height)
        left = box.x - (width / unit - box.width) / 2
        top = box.y - (height / unit - box.height) / 2
        width, height, unit = (length / _PIXELS_A_MILLIMETRE for length in (width, height, unit))
        return TruePage(width, height, left, top, unit)

    @property
    def omissions(self) -> str:
        """What its strokes leave out, as words; empty where nothing is."""
        return omissions(self.left_out)

    @property
    def skipped(self) -> int:
        """Subpaths left out because a coordinate is not finite or too large."""
        return self.left_out.get("out of range", 0)

    def sketch(self, name: str) -> Sketch:
        """The strokes as a drawing.

        Args:
            name: what to call the document in an error.

        Raises:
            FormatError: it holds nothing but what has no strokes, such as text.
        """
        without = [kind for kind in _CONVERSIONS if kind in self.left_out]
        if not self.polylines and without:
            words = _listed([_CONVERSIONS[kind][0] for kind in without])
            advice = _listed([_CONVERSIONS[kind][1] for kind in without])
            raise FormatError(f"{name}: holds only {words}, no strokes: {advice}")
        try:
            return Sketch.from_polylines(self.polylines, ended=False)
        except InputError as error:
            raise FormatError(f"{name}: {error}") from error


#: What has no strokes, and how it gets them.
_CONVERSIONS = {
    "text": ("text", "Inkscape's Path > Object to Path makes paths of text"),
    "image": ("an image", "Inkscape's Path > Trace Bitmap makes paths of an image"),
    "foreignObject": ("HTML", "the program that made the file has to export its HTML as SVG text or paths"),
}


def omissions(left_out: Mapping[str, int]) -> str:
    """What was left out as words, such as "2 texts and 1 image"; empty where nothing was.

    Args:
        left_out: of an `SvgDocument`, or the sum of several.
    """
    counts = [(left_out.get(kind, 0), words) for kind, words in LEFT_OUT.items()]
    return _listed([f"{count:,} {words[count > 1]}" for count, words in counts if count])


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def read_svg(
    data: bytes, name: str, *, tolerance: float | None = None, keep_background: bool = False
) -> SvgDocument:
    """Read the pen strokes of an SVG document.

    A shape is a stroke if it is visible and has a stroke or a fill. Clips, masks, filters and dashes do not
    change a stroke; text, images and markers are not drawn. Shapes without a stroke leave no ink where they
    are the paper under the drawing, or are of its colour and lie on nothing else.

    Args:
        data: the document.
        name: what to call it in an error.
        tolerance: the largest distance between a curve and its polyline, in user units of the root; 1/2000
            of the diagonal of the drawing, or of the page if that is smaller, when None.
        keep_background: make strokes of paper, too.

    Returns:
        The strokes and what is known of the document.

    Raises:
        FormatError: not SVG, damaged, or above one of the limits; one line that begins with `name`.
        InputError: a tolerance that is not a positive number.
    """
    if tolerance is not None and not 0 < tolerance < math.inf:
        raise InputError(f"the tolerance must be a positive number, got {tolerance}")
    budget = Budget(name)
    document = parse_document(data, budget)
    page = _page(document.root)
    walk = Walk(document, page, budget)
    walk.run()
    if tolerance is None:
        tolerance = _default_tolerance(walk.canvas.extent(), page)
    polylines, owners = walk.canvas.flatten(tolerance)
    walk.left_out["out of range"] += int((owners < 0).sum())
    owners = owners[owners >= 0]
    paper = (
        set() if keep_background else paper_of(walk.shapes, polylines, owners, page, walk.ground, walk.beside)
    )
    walk.left_out["background"] += len(paper)
    kept = [(line, i) for line, i in zip(polylines, owners.tolist(), strict=True) if i not in paper]
    drawn_with = {i: DrawnWith.of(walk.shapes[i]) for _, i in kept}
    widths = [shape.width for i, shape in enumerate(walk.shapes) if shape.stroke and i not in paper]
    return SvgDocument(
        polylines=[line for line, _ in kept],
        view_box=page,
        insert_at=document.insert_at,
        self_closing=document.self_closing,
        encoding=document.encoding,
        prefix=document.prefix,
        tolerance=tolerance,
        left_out={kind: count for kind, count in walk.left_out.items() if count},
        pen_width=statistics.median(widths) if widths else None,
        size=(document.root.get("width").strip(), document.root.get("height").strip()),
        drawn_with=[drawn_with[i] for _, i in kept],
    )


def _page(root: Node) -> ViewBox | None:
    """The root's view box, or the one that its width and height stand for."""
    box = parse_view_box(root.get("viewBox"))
    if box is not None:
        return box
    nothing = Units(0.0, 0.0)  # a share of a window that nobody knows is no size
    width = nothing.length(root.get("width"), "x")
    height = nothing.length(root.get("height"), "y")
    return ViewBox(0.0, 0.0, width, height) if width and height and width > 0 and height > 0 else None


def _default_tolerance(extent: float, page: ViewBox | None) -> float:
    sizes = [extent] + ([] if page is None else [math.hypot(page.width, page.height)])
    return min((size for size in sizes if size > 0), default=1.0) * _FINENESS
