"""The walk through a document: what is drawn, in which order, and where it lands."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sketchkit.errors import FormatError, InputError
from sketchkit.formats.svg import limits
from sketchkit.formats.svg.css import Cascade
from sketchkit.formats.svg.flatten import Canvas
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.outline import Outline
from sketchkit.formats.svg.shapes import SHAPES, data_of, outline_of
from sketchkit.formats.svg.style import INITIAL, Inherited, compute
from sketchkit.formats.svg.transform import (
    IDENTITY,
    Matrix,
    is_flat,
    mean_scale,
    multiply,
    place_view_box,
    translation,
)
from sketchkit.formats.svg.values import Units, ViewBox, parse_view_box
from sketchkit.formats.svg.variables import Variables
from sketchkit.formats.svg.xmltree import Document, Node, parse_document

__all__ = ["SvgDocument", "read_svg"]

#: The default tolerance, as a share of the drawing's diagonal: half a pixel in a picture 1000 pixels wide.
_FINENESS = 1 / 2000
#: The size of a document that does not say how large it is, as browsers have it.
_DEFAULT_SIZE = (300.0, 150.0)


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
        skipped: subpaths left out because a coordinate is not finite or too large.
        pen_width: the median width of what is stroked, in the same coordinates; None where nothing is.
        size: the root's width and height as they are written ("120mm"); empty where they are not.
    """

    polylines: list[npt.NDArray[np.float64]]
    view_box: ViewBox | None
    insert_at: int
    self_closing: bool
    encoding: str
    prefix: str
    tolerance: float
    skipped: int
    pen_width: float | None
    size: tuple[str, str] = ("", "")


def read_svg(data: bytes, name: str, *, tolerance: float | None = None) -> SvgDocument:
    """Read the pen strokes of an SVG document.

    A shape is a stroke if it is visible and has a stroke or a fill. Clips, masks, filters, markers and dashes
    do not change a stroke; text and images are not drawn.

    Args:
        data: the document.
        name: what to call it in an error.
        tolerance: the largest distance between a curve and its polyline, in user units of the root; 1/2000
            of the diagonal of the drawing, or of the page if that is smaller, when None.

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
    walk = _Walk(document, page, budget)
    walk.run()
    if tolerance is None:
        tolerance = _default_tolerance(walk.canvas.extent(), page)
    polylines, skipped = walk.canvas.flatten(tolerance)
    return SvgDocument(
        polylines=polylines,
        view_box=page,
        insert_at=document.insert_at,
        self_closing=document.self_closing,
        encoding=document.encoding,
        prefix=document.prefix,
        tolerance=tolerance,
        skipped=skipped,
        pen_width=statistics.median(walk.widths) if walk.widths else None,
        size=(document.root.get("width").strip(), document.root.get("height").strip()),
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


class _Place(NamedTuple):
    """Where the walk is: an element, the elements around it, and what they hand on to its children."""

    node: Node
    around: _Place | None
    depth: int
    matrix: Matrix
    style: Inherited
    size: tuple[float, float]
    used: bool = False  # by a `use`, so it may come again
    values: Mapping[str, str] = MappingProxyType({})

    @property
    def units(self) -> Units:
        em = self.style.font_size
        return Units(*self.size, em, self.style.root_font_size or em)

    def length(self, name: str, axis: str) -> float:
        """One of the element's own lengths; 0 where it is missing or not one."""
        return self.units.length(self.values.get(name, ""), axis) or 0.0

    def is_inside(self, node: Node) -> bool:
        """Whether an element is this one or around it, also through a `use`."""
        place: _Place | None = self
        while place is not None:
            if place.node is node:
                return True
            place = place.around
        return False


class _Walk:
    """Visits the elements in drawing order and puts their outlines on `canvas`."""

    def __init__(self, document: Document, page: ViewBox | None, budget: Budget) -> None:
        self.document = document
        self.budget = budget
        self.cascade = Cascade(document.root, budget)
        self.canvas = Canvas(budget)
        self._size = _DEFAULT_SIZE if page is None else (page.width, page.height)
        self._paints = {key for key, node in document.ids.items() if node.name in _PAINT_SERVERS}
        self._paths: dict[str, Outline] = {}
        #: Of each shape that is stroked, in the root's coordinates.
        self.widths: list[float] = []

    def run(self) -> None:
        """Visit everything, without recursion: how deep a document is must not matter to Python."""
        style = INITIAL._replace(variables=Variables(self.budget, self.cascade.initial))
        start = _Place(self.document.root, None, 0, IDENTITY, style, self._size)
        stack = [(self.document.root, start)]
        while stack:
            stack.extend(reversed(self._visit(*stack.pop())))

    def _visit(self, node: Node, around: _Place) -> list[tuple[Node, _Place]]:
        """Draw an element, or return what to draw in its stead, each with the place around it."""
        is_root = around.around is None and node is self.document.root
        self._look_at(1)
        if not node.is_svg or not (node.name in SHAPES or node.name in _CONTAINERS):
            return []
        if not _conditions_hold(node):
            return []
        place = self._enter(node, around, is_root)
        if place is None:
            return []
        if node.name in SHAPES:
            self._draw(place)
            return []
        if node.name == "use":
            return self._use(place)
        if node.name == "svg" and not is_root:
            return self._viewport(place, node, node)
        if node.name == "switch":
            self._look_at(len(node.children))
            return [(child, place) for child in node.children if _can_be_chosen(child)][:1]
        return [(child, place) for child in node.children]

    def _look_at(self, elements: int) -> None:
        self.budget.spend("elements, with every use expanded", limits.MAX_EXPANDED, elements)

    def _enter(self, node: Node, around: _Place, is_root: bool = False) -> _Place | None:
        """The place inside an element; None where nothing of it is drawn."""
        if around.depth >= limits.MAX_DEPTH:
            raise FormatError(f"{self.budget.name}: elements nested more than {limits.MAX_DEPTH} deep by use")
        style = compute(self.cascade.properties(node), around.style, around.units, self._paints)
        # The root's own transform also moves what is inserted into it, so it is none of ours.
        matrix = around.matrix if is_root else multiply(around.matrix, style.transform)
        if not style.rendered or is_flat(matrix):
            return None
        return around._replace(
            node=node,
            around=around,
            depth=around.depth + 1,
            matrix=matrix,
            style=style.inherited,
            values=style.values,
        )

    def _draw(self, place: _Place) -> None:
        if not place.style.is_drawn:
            return
        # The other shapes may depend on the place's units.
        data = data_of(place.node, place.values) if place.used and place.node.name == "path" else None
        outline = None if data is None else self._paths.get(data)
        if outline is None:
            outline = outline_of(place.node, place.values, place.units, self.budget)
            if data is not None:
                self._paths[data] = outline
        self.canvas.add(outline, place.matrix)
        if place.style.is_stroked:
            self.widths.append(place.style.stroke_width * mean_scale(place.matrix))

    def _use(self, place: _Place) -> list[tuple[Node, _Place]]:
        """What a `use` shows; nothing where it refers to another file, to nothing, or to what it is in."""
        node = place.node
        self.budget.spend("expanded use elements", limits.MAX_USES)
        target = self.document.ids.get(node.href[1:]) if node.href.startswith("#") else None
        if target is None or place.is_inside(target):
            return []
        matrix = multiply(place.matrix, translation(place.length("x", "x"), place.length("y", "y")))
        place = place._replace(matrix=matrix, style=place.style.used_by(), used=True)
        if not target.is_svg or target.name not in ("symbol", "svg"):
            return [(target, place)]
        inside = self._enter(target, place)
        return [] if inside is None else self._viewport(inside, target, node)

    def _viewport(self, place: _Place, node: Node, sized_by: Node) -> list[tuple[Node, _Place]]:
        """The children of a nested `svg` or a `symbol`, in the coordinates of its view box.

        Args:
            place: inside the element.
            node: the element.
            sized_by: itself, or the `use` whose width and height come first.
        """
        units = place.units
        width, height = (
            self._side(units, (sized_by.get(name), node.get(name)), axis, whole)
            for name, axis, whole in (("width", "x", place.size[0]), ("height", "y", place.size[1]))
        )
        if width <= 0 or height <= 0:
            return []
        x, y = units.length(node.get("x"), "x") or 0.0, units.length(node.get("y"), "y") or 0.0
        matrix = multiply(place.matrix, translation(x, y))
        size = (width, height)
        box = parse_view_box(node.get("viewBox"))
        if box is not None:
            matrix = multiply(matrix, place_view_box(box, width, height, node.get("preserveAspectRatio")))
            size = (box.width, box.height)
        inside = place._replace(matrix=matrix, size=size)
        return [] if is_flat(matrix) else [(child, inside) for child in node.children]

    @staticmethod
    def _side(units: Units, written: Iterable[str], axis: str, whole: float) -> float:
        """The first of some lengths that is one; all of the viewport around it where none is."""
        lengths = (units.length(text, axis) for text in written)
        return next((length for length in lengths if length is not None), whole)


#: The elements whose children are drawn in place; others (`defs`, `clipPath`, `text`) are passed over.
_CONTAINERS = frozenset({"svg", "g", "a", "switch", "use"})
#: The elements that a fill or a stroke may refer to.
_PAINT_SERVERS = frozenset({"linearGradient", "radialGradient", "pattern"})


def _conditions_hold(node: Node) -> bool:
    """Whether the conditional attributes let an element be drawn; we speak English and know no extensions."""
    if "requiredExtensions" in node.attrib:
        return False
    languages = node.attrib.get("systemLanguage")
    if languages is None:
        return True
    return any(language.strip().lower().split("-")[0] == "en" for language in languages.split(","))


def _can_be_chosen(node: Node) -> bool:
    """Whether a `switch` may choose a child: an element that could be drawn and whose conditions hold."""
    drawable = node.name in SHAPES or node.name in _CONTAINERS or node.name in ("text", "image")
    return node.is_svg and drawable and _conditions_hold(node)
