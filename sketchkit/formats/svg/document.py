"""A document as it was read: its pen strokes, its page, and the things that its strokes leave out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sketchkit.errors import FormatError, InputError
from sketchkit.formats.svg.paper import WHITE, Colour, Shape, colour_on
from sketchkit.formats.svg.values import Units, ViewBox
from sketchkit.sketch import Sketch

#: Kinds of things that the strokes of a document leave out -> the words for one and for several.
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

#: In every channel, from here on a stroke cannot be told from white paper.
_PALE = 0.94
_PIXELS_A_MILLIMETRE = 96 / 25.4


class DrawnWith(NamedTuple):
    """The colour and the pen of a stroke.

    Attributes:
        colour: `#rrggbb`, on white paper, of the stroke or else of the fill; `None` where it is unknown, such
            as of a gradient, or too pale to be seen on white paper.
        width: in the coordinates of the document; `None` where only the inside is painted.
        cap: `butt`, `round` or `square`.
        join: `miter`, `round` or `bevel`; `miter` for the new ones of SVG 2.
    """

    colour: str | None
    width: float | None
    cap: str = "butt"
    join: str = "miter"

    @classmethod
    def of(cls, shape: Shape) -> DrawnWith:
        """The colour and the pen of a shape."""
        colour = _seen_colour(colour_on(shape.stroke or shape.fill, WHITE))
        join = shape.join if shape.join in ("round", "bevel") else "miter"
        return cls(colour, shape.width if shape.stroke else None, shape.cap, join)


class Filled(NamedTuple):
    """The inside of a shape that is filled.

    Attributes:
        rings: its outlines, float64 [n, 2] each, in the coordinates of the document; each goes on from its
            last point to its first.
        colour: `#rrggbb`, on white paper; `None` where it is unknown, such as of a gradient, or not `seen`.
        seen: whether it can be told from white paper.
        opaque: whether it hides what lies under it.
        even_odd: whether its inside is where a way out crosses the rings an odd number of times, and not
            where they turn around it.
    """

    rings: Sequence[npt.NDArray[np.float64]]
    colour: str | None
    seen: bool
    opaque: bool
    even_odd: bool

    @classmethod
    def of(cls, shape: Shape, rings: Sequence[npt.NDArray[np.float64]]) -> Filled:
        """The inside of a shape with a fill."""
        assert shape.fill is not None
        rgb = colour_on(shape.fill, WHITE)
        colour = _seen_colour(rgb)
        return cls(rings, colour, rgb is None or colour is not None, shape.fill.opacity >= 1, shape.even_odd)


def _seen_colour(rgb: Colour | None) -> str | None:
    """A colour as `#rrggbb`; `None` where it is unknown or too pale to be seen on white paper."""
    if rgb is None or min(rgb) >= _PALE or not all(map(math.isfinite, rgb)):
        return None
    return "#" + "".join(f"{round(255 * min(max(channel, 0.0), 1.0)):02x}" for channel in rgb)


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
        view_box: left, top, width and height of the page in these coordinates; `None` where the document
            lacks them.
        insert_at: the byte at which the root's end tag starts, or the `/>` of a root that closes itself.
        self_closing: whether the root closes itself.
        encoding: the codec in which inserted text is to be encoded.
        prefix: the start of the names of SVG's elements in this document ("svg:"), mostly empty.
        tolerance: how far a polyline may be from its curve, in the same coordinates.
        left_out: how many things of each kind of `LEFT_OUT` its strokes leave out.
        pen_width: the median width of the stroked shapes, in the same coordinates; `None` without them.
        size: the root's width and height as they are written ("120mm"); empty where they are not.
        drawn_with: the colour and the pen of each polyline.
        filled: the insides of the shapes that are filled, the lowest first.
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
    filled: Sequence[Filled] = ()

    @property
    def usual_pen(self) -> DrawnWith | None:
        """The commonest colour, cap and join, and the median width, of strokes; `None` without strokes."""
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

        `None` where the size of the page is unknown. A page of another shape than its view box shows that in
        the middle, as large as it fits.
        """
        box = self.view_box
        if box is None:
            return None
        absolute = Units(0.0, 0.0)
        written = (absolute.length(text, axis) for text, axis in zip(self.size, ("x", "y"), strict=True))
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
        """The things that its strokes leave out, in words; empty where all was drawn."""
        return omissions(self.left_out)

    @property
    def skipped(self) -> int:
        """Subpaths left out because a coordinate is not finite or too large."""
        return self.left_out.get("out of range", 0)

    def sketch(self, name: str) -> Sketch:
        """The strokes as a drawing.

        Args:
            name: the document's, for an error.

        Raises:
            FormatError: it holds only elements without strokes, such as text.
        """
        without = [kind for kind in _CONVERSIONS if kind in self.left_out]
        if not self.polylines and without:
            words = _join_words([_CONVERSIONS[kind][0] for kind in without])
            advice = _join_words([_CONVERSIONS[kind][1] for kind in without])
            raise FormatError(f"{name}: holds only {words}, no strokes: {advice}")
        try:
            return Sketch.from_polylines(self.polylines, ended=False)
        except InputError as error:
            raise FormatError(f"{name}: {error}") from error


#: Elements without strokes, and how to convert them.
_CONVERSIONS = {
    "text": ("text", "Inkscape's Path > Object to Path makes paths of text"),
    "image": ("an image", "Inkscape's Path > Trace Bitmap makes paths of an image"),
    "foreignObject": ("HTML", "the program that made the file has to export its HTML as SVG text or paths"),
}


def omissions(left_out: Mapping[str, int]) -> str:
    """The things left out, in words such as "2 texts and 1 image"; empty where all was drawn.

    Args:
        left_out: of an `SvgDocument`, or the sum of several.
    """
    counts = [(left_out.get(kind, 0), words) for kind, words in LEFT_OUT.items()]
    return _join_words([f"{count:,} {words[count > 1]}" for count, words in counts if count])


def _join_words(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)
