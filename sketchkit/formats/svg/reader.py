"""Reading a document: a walk through its elements in drawing order, whose outlines become polylines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from sketchkit.errors import InputError
from sketchkit.formats.svg.colours import BLACK, UNKNOWN, Paint, parse_colour, url_of
from sketchkit.formats.svg.document import DrawnWith, Filled, SvgDocument
from sketchkit.formats.svg.flatten import Canvas
from sketchkit.formats.svg.layout import NO_STROKES, Layout, Place, above, line_ends
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.outline import Outline
from sketchkit.formats.svg.paper import WHITE, Colour, Shape, colour_on, paper_of
from sketchkit.formats.svg.properties import MARKERS
from sketchkit.formats.svg.shapes import LENGTHS, SHAPES
from sketchkit.formats.svg.values import (
    Units,
    ViewBox,
    area_scale,
    is_far,
    mean_scale,
    multiply,
    parse_view_box,
)
from sketchkit.formats.svg.xmltree import Document, Node, fragment, parse_document

#: The default tolerance, as a share of the drawing's diagonal: half a pixel in a picture 1000 pixels wide.
_FINENESS = 1 / 2000
#: The shapes that may have markers at their points.
_MARKED = frozenset({"path", "line", "polyline", "polygon"})


class Walk(Layout):
    """Visits the elements in drawing order and puts their outlines on `canvas`.

    Attributes:
        canvas: the outlines.
        shapes: the paints and the pen of each.
        ground: the colour that they lie on.
        beside: the paints of texts and other elements without strokes.
    """

    def __init__(self, document: Document, page: ViewBox | None, budget: Budget) -> None:
        super().__init__(document, page, budget)
        self.canvas = Canvas(budget)
        self.shapes: list[Shape] = []
        self.ground = WHITE
        self.beside: list[Paint] = []
        self._markers = {key for key, node in document.ids.items() if node.name == "marker" and node.children}
        self._pictures = {key for key, node in document.ids.items() if self._is_picture(node)}

    def run(self) -> None:
        """Visit everything, without recursion, since a document may be deep."""
        stack = [(self.document.root, self.outermost())]
        while stack:
            stack.extend(reversed(self._visit(*stack.pop())))

    def _visit(self, node: Node, around: Place) -> list[tuple[Node, Place]]:
        """Draw an element, or return the elements to draw in its stead, each with the place around it."""
        if not self.can_be_drawn(node, around):
            return []
        place, rendered = self.enter(node, around)
        if not rendered:
            return []
        if node is self.document.root:
            self.ground = _ground(place.values)
        place = place._replace(matrix=multiply(around.matrix, self.transform(place)))
        if node.name in NO_STROKES:
            if node.href if node.name == "image" else node.shows_text:
                self._leave_out(place, node.name)
        elif math.isnan(area_scale(place.matrix)):
            self.left_out["out of range"] += 1
        elif not area_scale(place.matrix):
            return []  # flat, so it is not seen
        elif node.name in SHAPES:
            self._draw(place)
        else:
            self.left_out["use"] += node.name == "use" and node.href != "" and fragment(node.href) is None
            children, inside = self.content(place)
            return [(child, inside) for child in children] if area_scale(inside.matrix) else []
        return []

    def _draw(self, place: Place) -> None:
        if not place.style.is_drawn or place.values.get("display", "").lower() == "contents":
            return
        # Path data is drawn up to such a number, as up to an error; a shape with such a length is left out.
        self.left_out["out of range"] += is_far(place.node.get("d")) or is_far(place.node.get("points"))
        if any(is_far(place.values.get(name, "")) for name in LENGTHS):
            self.left_out["out of range"] += 1
            return
        if self._shows_picture(place):
            self._leave_out(place, "image")
            return
        outline = self.outline(place)
        if not self.canvas.add(outline, place.matrix):
            return
        self.left_out["marker"] += self._is_marked(place, outline)
        fill, stroke = place.style.paints
        width = 0.0 if stroke is None else place.style.stroke_width * mean_scale(place.matrix)
        even_odd = fill is not None and above(place, "fill-rule").lower() == "evenodd"
        self.shapes.append(Shape(fill, stroke, width, *line_ends(place), place.cut, even_odd))

    def _is_marked(self, place: Place, outline: Outline) -> bool:
        """Whether a shape has arrow heads or the like."""
        if not self._markers or place.node.name not in _MARKED:
            return False
        names = MARKERS if len(outline.kinds) > 1 else MARKERS[:-1]
        return any(fragment(url_of(above(place, name))) in self._markers for name in names)

    def _is_picture(self, node: Node) -> bool:
        """Whether a pattern shows an image: so Figma writes the images of its drawings."""
        shown = (self.document.by_reference(each.href) or each for each in node.children)
        return node.name == "pattern" and any(each.name == "image" for each in shown)

    def _shows_picture(self, place: Place) -> bool:
        """Whether a shape is only the frame of an image."""
        if not self._pictures or place.node.name != "rect" or place.style.is_stroked:
            return False
        return fragment(url_of(above(place, "fill"))) in self._pictures

    def _leave_out(self, place: Place, kind: str) -> None:
        """Count an element that is seen but lacks strokes."""
        self.look_at(len(place.node.children))
        if place.style.visible:
            self.left_out[kind] += 1
            self.beside += filter(None, place.style.paints) if kind == "text" else [UNKNOWN]


def _ground(values: Mapping[str, str]) -> Colour:
    """The colour under the root element."""
    texts = [values[name] for name in ("background-color", "background") if name in values]
    paint = parse_colour(texts[0], BLACK) if texts else None
    return colour_on(paint, WHITE) or WHITE


def read_svg(
    data: bytes, name: str, *, tolerance: float | None = None, keep_background: bool = False
) -> SvgDocument:
    """Read the pen strokes of an SVG document.

    A shape is a stroke if it is visible and has a stroke or a fill. Clips, masks, filters and dashes do not
    change a stroke; text, images and markers are not drawn. Paper is left out: shapes without a
    stroke under the drawing, or of the colour of bare paper on it.

    Args:
        data: the document.
        name: the document's, for an error.
        tolerance: the largest distance between a curve and its polyline, in user units of the root; 1/2000
            of the diagonal of the drawing, or of the page if that is smaller, when `None`.
        keep_background: whether paper becomes strokes, too.

    Returns:
        The strokes and the facts of the document.

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
    widths = sorted(shape.width for i, shape in enumerate(walk.shapes) if shape.stroke and i not in paper)
    return SvgDocument(
        polylines=[line for line, _ in kept],
        view_box=page,
        insert_at=document.insert_at,
        self_closing=document.self_closing,
        encoding=document.encoding,
        prefix=document.prefix,
        tolerance=tolerance,
        left_out={kind: count for kind, count in walk.left_out.items() if count},
        pen_width=_median(widths) if widths else None,
        size=(document.root.get("width").strip(), document.root.get("height").strip()),
        drawn_with=[drawn_with[i] for _, i in kept],
        filled=[
            Filled.of(walk.shapes[i], [line for line, _ in pieces])
            for i, pieces in groupby(kept, itemgetter(1))
            if walk.shapes[i].fill is not None
        ],
    )


def _median(ordered: Sequence[float]) -> float:
    """The median of rising numbers; statistics and numpy have it, too, behind imports that take longer."""
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _page(root: Node) -> ViewBox | None:
    """The root's view box, or the one that its width and height stand for."""
    box = parse_view_box(root.get("viewBox"))
    if box is not None:
        return box
    units = Units(0.0, 0.0)  # a share of an unknown window is unknown
    width = units.length(root.get("width"), "x")
    height = units.length(root.get("height"), "y")
    return ViewBox(0.0, 0.0, width, height) if width and height and width > 0 and height > 0 else None


def _default_tolerance(extent: float, page: ViewBox | None) -> float:
    sizes = [extent] + ([] if page is None else [math.hypot(page.width, page.height)])
    return min((size for size in sizes if size > 0), default=1.0) * _FINENESS
