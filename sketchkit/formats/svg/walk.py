"""The walk through a document: what is drawn, in which order, and what is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sketchkit.formats.svg.colours import BLACK, UNKNOWN, Paint, parse_colour, url_of
from sketchkit.formats.svg.flatten import Canvas
from sketchkit.formats.svg.layout import NO_STROKES, Layout, Place, above, line_ends
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.outline import Outline
from sketchkit.formats.svg.paper import WHITE, Colour, Shape, colour_on
from sketchkit.formats.svg.properties import MARKERS
from sketchkit.formats.svg.shapes import LENGTHS, SHAPES
from sketchkit.formats.svg.transform import area_scale, mean_scale, multiply
from sketchkit.formats.svg.values import ViewBox, is_far
from sketchkit.formats.svg.xmltree import Document, Node, fragment

__all__ = ["Walk"]

#: The shapes that may have markers at their points.
_MARKED = frozenset({"path", "line", "polyline", "polygon"})


class Walk(Layout):
    """Visits the elements in drawing order and puts their outlines on `canvas`.

    Args:
        document: the tree.
        page: where the document says how large it is.
        budget: for all that is looked at.

    Attributes:
        canvas: the outlines.
        shapes: of each of them, what it is drawn with.
        ground: the colour of what they lie on.
        beside: what that is painted with which has no strokes, such as text.
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
        """Visit everything, without recursion: how deep a document is must not matter to Python."""
        stack = [(self.document.root, self.outermost())]
        while stack:
            stack.extend(reversed(self._visit(*stack.pop())))

    def _visit(self, node: Node, around: Place) -> list[tuple[Node, Place]]:
        """Draw an element, or return what to draw in its stead, each with the place around it."""
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
            return []  # flat, so nothing of it is seen
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
        # What stands before such a number is drawn, as before an error; a length that is one has no place.
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
        fill, stroke = place.style.seen
        width = 0.0 if stroke is None else place.style.stroke_width * mean_scale(place.matrix)
        self.shapes.append(Shape(fill, stroke, width, *line_ends(place), place.cut))

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
        """Whether a shape is no more than the frame of an image."""
        if not self._pictures or place.node.name != "rect" or place.style.is_stroked:
            return False
        return fragment(url_of(above(place, "fill"))) in self._pictures

    def _leave_out(self, place: Place, kind: str) -> None:
        """Count an element that shows something but has no strokes."""
        self.look_at(len(place.node.children))
        if place.style.visible:
            self.left_out[kind] += 1
            self.beside += filter(None, place.style.seen) if kind == "text" else [UNKNOWN]


def _ground(values: Mapping[str, str]) -> Colour:
    """What the root element is laid on."""
    texts = [values[name] for name in ("background-color", "background") if name in values]
    paint = parse_colour(texts[0], BLACK) if texts else None
    return colour_on(paint, WHITE) or WHITE
