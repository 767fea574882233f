"""Where the elements of a document lie: styles, transforms and viewports lead to a place; boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from sketchkit.errors import FormatError
from sketchkit.formats.svg import limits, shapes
from sketchkit.formats.svg.cascade import Cascade
from sketchkit.formats.svg.csstransform import TRANSFORM_PROPERTIES, Box, css_transform, reference_box
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.outline import Outline
from sketchkit.formats.svg.shapes import SHAPES, Rectangle, Stroke, data_of, outline_of
from sketchkit.formats.svg.style import INITIAL, Inherited, compute
from sketchkit.formats.svg.values import (
    IDENTITY,
    Matrix,
    Root,
    Units,
    ViewBox,
    multiply,
    parse_number,
    parse_transform,
    parse_view_box,
    place_view_box,
    translation,
)
from sketchkit.formats.svg.variables import Variables
from sketchkit.formats.svg.xmltree import Document, Node

#: The size of a document that does not say how large it is, as browsers have it.
_DEFAULT_SIZE = (300.0, 150.0)
#: The elements whose children are drawn in place; others (`defs`, `clipPath`, `mask`) are passed over.
_CONTAINERS = frozenset({"svg", "g", "a", "switch", "use"})
#: The elements that browsers show and that lack strokes.
NO_STROKES = frozenset({"text", "image", "foreignObject"})
#: The properties that show only a part of an element.
_CUTS = ("mask", "clip-path")
#: The elements that a fill or a stroke may refer to.
_PAINT_SERVERS = frozenset({"linearGradient", "radialGradient", "pattern"})


class Place(NamedTuple):
    """A place in a document: an element, the elements around it, and the style that its children inherit."""

    node: Node
    around: Place | None
    depth: int
    matrix: Matrix
    style: Inherited
    size: tuple[float, float]
    used: bool = False  # by a `use`, so it may come again
    values: Mapping[str, str] = MappingProxyType({})
    cut: bool = False  # to shape, by a mask or a clip path

    @property
    def units(self) -> Units:
        """The units that relative lengths refer to."""
        return Units(*self.size, self.style.font_size, self.style.root or Root())

    def length(self, name: str, axis: str) -> float | None:
        """One of the element's own lengths; `None` where it is missing or not one."""
        return self.units.length(self.values.get(name, ""), axis)

    def outwards(self) -> Iterator[Place]:
        """This place and those around it, also through a `use`."""
        place: Place | None = self
        while place is not None:
            yield place
            place = place.around


class Layout:
    """Finds the places of elements.

    Attributes:
        left_out: how many things of each kind are not drawn that belong to the picture.
    """

    def __init__(self, document: Document, page: ViewBox | None, budget: Budget) -> None:
        self.document = document
        self.budget = budget
        self.cascade = Cascade(document.root, budget)
        self.left_out: Counter[str] = Counter()
        self._size = _DEFAULT_SIZE if page is None else (page.width, page.height)
        self._paints = {key for key, node in document.ids.items() if node.name in _PAINT_SERVERS}
        self._paths: dict[str, Outline] = {}
        self._unreadable: set[Node] = set()
        self._measured = Budget(budget.name)
        self._known_boxes: dict[tuple[object, ...], Rectangle | None] = {}

    def outermost(self) -> Place:
        """The place around the root element."""
        style = INITIAL._replace(variables=Variables(self.budget, self.cascade.initial))
        return Place(self.document.root, None, 0, IDENTITY, style, self._size)

    def can_be_drawn(self, node: Node, around: Place) -> bool:
        """Whether an element is one that is drawn and its conditions hold."""
        self.look_at(1)
        by_use = node.name == "symbol" and around.node.name == "use"
        known = node.name in SHAPES or node.name in _CONTAINERS or node.name in NO_STROKES or by_use
        return node.is_svg and known and _conditions_hold(node)

    def look_at(self, elements: int) -> None:
        """Count elements that are looked at."""
        self.budget.spend("elements, with every use expanded", limits.MAX_EXPANDED, elements)

    def enter(self, node: Node, around: Place) -> tuple[Place, bool]:
        """The place inside an element, but for its transform; and whether any of it is rendered."""
        if around.depth >= limits.MAX_DEPTH:
            raise FormatError(f"{self.budget.name}: elements nested more than {limits.MAX_DEPTH} deep by use")
        properties = self.cascade.properties(node)
        style = compute(properties, around.style, around.units, self._paints, around.values)
        place = around._replace(
            node=node,
            around=around,
            depth=around.depth + 1,
            style=style.inherited,
            values=style.values,
            cut=around.cut or any(style.values.get(cut, "none").lower() != "none" for cut in _CUTS),
        )
        return place, style.rendered

    def outline(self, place: Place) -> Outline:
        """The outline of a shape, in its own coordinates."""
        # The other shapes may depend on the place's units.
        data = data_of(place.node, place.values) if place.used and place.node.name == "path" else None
        outline = None if data is None else self._paths.get(data)
        if outline is None:
            outline = outline_of(place.node, place.values, place.units, self.budget)
            if data is not None:
                self._paths[data] = outline
        return outline

    # --- the content of an element --------------------------------------------------------------------

    def content(self, place: Place) -> tuple[list[Node], Place]:
        """The elements to draw inside a container, and the place around them."""
        node = place.node
        if node.name == "use":
            return self._used(place)
        if node.name == "symbol" or (node.name == "svg" and node is not self.document.root):
            return node.children, self._viewport(place)
        if node.name == "switch":
            self.look_at(len(node.children))
            return _choose_child(node), place
        return node.children, place

    def _used(self, place: Place) -> tuple[list[Node], Place]:
        """The element that a `use` shows; [] where it refers to another file, to itself, or is invalid."""
        node = place.node
        self.budget.spend("expanded use elements", limits.MAX_USES)
        target = self.document.by_reference(node.href)
        if target is None or any(each.node is target for each in place.outwards()):
            return [], place
        moved = translation(place.length("x", "x") or 0.0, place.length("y", "y") or 0.0)
        matrix = multiply(place.matrix, moved)
        return [target], place._replace(matrix=matrix, style=place.style.used_by(), used=True)

    def _viewport(self, place: Place) -> Place:
        """The place inside a nested `svg` or a `symbol`, in the coordinates of its view box."""
        node, units = place.node, place.units
        around = None if place.around is None else place.around.node
        sized_by = around if around is not None and around.name == "use" else node  # a `use` comes first
        width, height = (
            self._side(units, (sized_by.get(name), node.get(name)), axis, whole)
            for name, axis, whole in (("width", "x", place.size[0]), ("height", "y", place.size[1]))
        )
        if width <= 0 or height <= 0:
            return place._replace(matrix=multiply(place.matrix, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)))
        x, y = (units.length(node.get(axis), axis) or 0.0 for axis in ("x", "y"))
        matrix = multiply(place.matrix, translation(x, y))
        size = (width, height)
        box = parse_view_box(node.get("viewBox"))
        if box is not None:
            matrix = multiply(matrix, place_view_box(box, width, height, node.get("preserveAspectRatio")))
            size = (box.width, box.height)
        return place._replace(matrix=matrix, size=size)

    @staticmethod
    def _side(units: Units, written: Iterable[str], axis: str, whole: float) -> float:
        """The first valid length, else all of the viewport around it."""
        lengths = (units.length(text, axis) for text in written)
        return next((length for length in lengths if length is not None), whole)

    # --- transforms -----------------------------------------------------------------------------------

    def transform(self, place: Place) -> Matrix:
        """The map of an element itself; `place` is inside of it, but for this map."""
        if place.node is self.document.root:  # its map is that of inserted elements, too
            return IDENTITY
        if place.values.get("display", "").lower() == "contents":  # as if the element were not there
            return IDENTITY
        declared = self._declared_transforms(place)
        attribute = self._attribute(place.node)
        if "transform" in declared:
            attribute = IDENTITY
        kind = reference_box(declared, attribute)
        if not kind:
            return attribute
        self.budget.spend(
            "functions of CSS", limits.MAX_CSS_FUNCTIONS, sum(value.count("(") for value in declared.values())
        )
        box = Box(0.0, 0.0, place.units)
        if kind != "view":
            inner = self._inner(place._replace(matrix=IDENTITY), kind) or Rectangle(0.0, 0.0, 0.0, 0.0)
            size = place.units._replace(width=inner.x1 - inner.x0, height=inner.y1 - inner.y0)
            box = Box(inner.x0, inner.y0, size)
        return css_transform(declared, box, attribute)

    def _declared_transforms(self, place: Place) -> dict[str, str]:
        """The declared transforms of an element."""
        declared = {name: place.values[name] for name in TRANSFORM_PROPERTIES if name in place.values}
        for name, value in list(declared.items()):
            if value.lower() == "inherit":
                declared[name] = above(place, name)
            elif value.lower() == "revert-layer":  # back to the attribute
                del declared[name]
        return declared

    def _attribute(self, node: Node) -> Matrix:
        """The map of a `transform` attribute; one that cannot be read does not count, as in browsers."""
        text = node.get("transform").strip()
        matrix = parse_transform(text) if text and text not in _NO_TRANSFORM else IDENTITY
        if matrix is None and node not in self._unreadable:
            self._unreadable.add(node)
            self.left_out["transform"] += 1
        return matrix or IDENTITY

    def _box(self, node: Node, around: Place, kind: str) -> Rectangle | None:
        """The box around an element, in the coordinates around it; `None` where it is not displayed.

        Source: Chromium, which maps the boxes of children, not their outlines.
        """
        if not self.can_be_drawn(node, around):
            return None
        place, _ = self.enter(node, around._replace(matrix=IDENTITY))
        if place.values.get("display", "").lower() == "none":
            return None
        inner = self._inner(place, kind)
        own = self.transform(place)
        if node.name not in SHAPES and node.name not in NO_STROKES:
            own = multiply(own, self.content(place)[1].matrix)
        return shapes.map_box(inner, own)

    def _inner(self, place: Place, kind: str) -> Rectangle | None:
        """The box around the content of an element, in the element's own coordinates."""
        node = place.node
        # An element inherits from the elements around it, and through these.
        key = (node, kind, *(each.node for each in place.outwards() if each.node.name == "use"))
        if key not in self._known_boxes:
            if node.name in SHAPES:
                self._known_boxes[key] = self._shape_box(place, kind)
            elif node.name in NO_STROKES:
                self._known_boxes[key] = _attribute_box(place)
            else:
                children, inside = self.content(place)
                inside = inside._replace(matrix=IDENTITY)
                self._known_boxes[key] = shapes.around(self._box(child, inside, kind) for child in children)
        return self._known_boxes[key]

    def _shape_box(self, place: Place, kind: str) -> Rectangle | None:
        outline = self.outline(place)
        if kind == "fill" or not place.style._replace(visible=True).is_stroked:
            return shapes.fill_box(outline, self._measured)
        cap, join = line_ends(place)
        limit = parse_number(above(place, "stroke-miterlimit"))
        stroke = Stroke(place.style.stroke_width, cap, join, limit or 4.0)
        return shapes.stroke_box(outline, stroke, self._measured)


def above(place: Place, name: str) -> str:
    """The value of a property on the nearest element that sets it, from a place outwards."""
    values = (each.values.get(name, "") for each in place.outwards())
    return next((value for value in values if value.lower() not in ("", "inherit")), "initial")


def line_ends(place: Place) -> tuple[str, str]:
    """The shape of the ends and of the corners of a stroke: `stroke-linecap` and `stroke-linejoin`."""
    cap, join = (above(place, f"stroke-line{name}").lower() for name in ("cap", "join"))
    return (cap if cap != "initial" else "butt", join if join != "initial" else "miter")


#: Attributes that are valid without being a list of functions.
_NO_TRANSFORM = ("none", "inherit", "initial", "unset", "revert", "revert-layer")


def _attribute_box(place: Place) -> Rectangle | None:
    """The box of an image or of a piece of HTML; that of a text is unknown without its font."""
    x, y, width, height = (
        place.length(name, axis) for name, axis in (("x", "x"), ("y", "y"), ("width", "x"), ("height", "y"))
    )
    if place.node.name == "text" or not width or not height:
        return None
    return Rectangle(x or 0.0, y or 0.0, (x or 0.0) + width, (y or 0.0) + height)


def _conditions_hold(node: Node) -> bool:
    """Whether the conditional attributes let an element be drawn: in English, without extensions."""
    if "requiredExtensions" in node.attrib:
        return False
    languages = node.attrib.get("systemLanguage")
    if languages is None:
        return True
    return any(language.strip().lower().split("-")[0] == "en" for language in languages.split(","))


def _choose_child(switch: Node) -> list[Node]:
    """The child that a `switch` draws: the first whose conditions hold; HTML comes last."""
    known = SHAPES | _CONTAINERS | NO_STROKES
    fit = [node for node in switch.children if node.is_svg and node.name in known and _conditions_hold(node)]
    return sorted(fit, key=lambda node: node.name == "foreignObject")[:1]
