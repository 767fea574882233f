"""The user's document: which part of it is meant, a copy that shows no other, and where results go."""

from __future__ import annotations

import copy
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection, Iterable, Sequence

import inkex
from process import Trouble, _

#: Elements that draw nothing where they stand, and which others refer to.
_RESOURCES = {
    *("defs", "style", "metadata", "namedview", "symbol", "clipPath", "mask", "marker", "pattern", "filter"),
    *("linearGradient", "radialGradient", "meshgradient", "title", "desc", "script", "font"),
}
#: Shapes that sketchkit reads no strokes of.
_NO_STROKES = (inkex.TextElement, inkex.FlowRoot, inkex.Image)


class Extension(inkex.EffectExtension):
    """An extension made of two functions.

    Args:
        options: adds the extension's options to a parser.
        draw: changes the document.
    """

    def __init__(
        self,
        options: Callable[[ArgumentParser], None],
        draw: Callable[[inkex.SvgDocumentElement, Namespace], None],
    ) -> None:
        self._options, self._draw = options, draw
        super().__init__()

    def add_arguments(self, pars: ArgumentParser) -> None:
        """Add the extension's options."""
        self._options(pars)

    def effect(self) -> None:
        """Change the document, or say in Inkscape's message dialogue why it stays as it was."""
        try:
            self._draw(self.svg, self.options)
        except Trouble as trouble:
            raise inkex.AbortExtension(str(trouble)) from None


def chosen(svg: inkex.SvgDocumentElement, where: str) -> list[inkex.BaseElement] | None:
    """The elements that an extension works on.

    Args:
        svg: the document.
        where: `selection` (the page if nothing is selected), `layer` or `page`.

    Returns:
        The elements; `None` for the whole document.
    """
    if where == "selection" and len(svg.selection):
        return list(svg.selection)
    layer = svg.get_current_layer()
    if where == "layer" and layer is not svg:
        return [layer]
    pages = svg.namedview.findall("inkscape:page")
    return None if len(pages) < 2 else _on_page(svg, pages)


def _on_page(svg: inkex.SvgDocumentElement, pages: Sequence[inkex.BaseElement]) -> list[inkex.BaseElement]:
    """The shapes whose middle lies on the page of what is selected; on the first page if nothing is."""
    boxes = [_box_of_page(page) for page in pages]
    first = svg.selection.first() if len(svg.selection) else None
    page = next((each for each in boxes if first is not None and _is_on(each, first)), boxes[0])
    shapes = [each for each in svg.iter() if isinstance(each, inkex.ShapeElement) and not len(each)]
    found = [shape for shape in shapes if not _in_resource(shape) and _is_on(page, shape)]
    if not found:
        raise Trouble(_("There is nothing on this page."))
    return found


def _box_of_page(page: inkex.BaseElement) -> inkex.BoundingBox:
    x, y, width, height = (float(page.get(name) or 0) for name in ("x", "y", "width", "height"))
    return inkex.BoundingBox((x, x + width), (y, y + height))


def _is_on(page: inkex.BoundingBox, element: inkex.BaseElement) -> bool:
    """Whether the middle of an element lies on a page."""
    box = box_of(element)
    if box is None:
        return False
    x, y = box.center
    return bool(page.left <= x <= page.right and page.top <= y <= page.bottom)


def _in_resource(element: inkex.BaseElement) -> bool:
    return any(_name(each) in _RESOURCES for each in element.iterancestors())


def _name(element: inkex.BaseElement) -> str:
    """The name of an element without its namespace; empty for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def only(svg: inkex.SvgDocumentElement, shown: Iterable[inkex.BaseElement] | None) -> bytes:
    """The document with nothing but some elements, each where it stands.

    What clones among them are copies of is kept among the definitions.

    Args:
        svg: the document, which stays as it is.
        shown: elements of it; `None` for all.
    """
    if shown is None:
        return svg.tostring()
    shown = list(shown)
    kept = {part for each in shown for part in (*each.iterancestors(), *each.iter())}
    originals = [each for each in _originals(shown) if each not in kept and not _in_resource(each)]
    copied = copy.deepcopy(svg)
    _prune(svg, copied, kept)
    copied.defs.extend(copy.deepcopy(each) for each in originals)
    return copied.tostring()


def _prune(element: inkex.BaseElement, twin: inkex.BaseElement, kept: Collection[inkex.BaseElement]) -> None:
    """Remove from the twin of an element what is neither kept nor a resource."""
    for child, its_twin in zip(list(element), list(twin)):  # noqa: B905 (not in Python 3.8)
        if child in kept:
            _prune(child, its_twin, kept)
        elif _name(child) not in _RESOURCES:
            twin.remove(its_twin)


def _originals(elements: Iterable[inkex.BaseElement]) -> list[inkex.BaseElement]:
    """What clones among elements and their descendants are copies of, and so on."""
    found: list[inkex.BaseElement] = []
    waiting = list(elements)
    while waiting:
        for each in waiting.pop().iter():
            original = each.href if isinstance(each, inkex.Use) else None
            if original is not None and original not in found:
                found.append(original)
                waiting.append(original)
    return found


def box_of(
    element: inkex.BaseElement, transform: inkex.Transform | None = None, depth: int = 0
) -> inkex.BoundingBox | None:
    """The box around the visible shapes of an element in the document's units, without the width of strokes.

    Args:
        element: of the document.
        transform: of its parent; `None` where it stands.
        depth: of clones around it, to end where they lead in a circle.
    """
    if transform is None:
        parent = element.getparent()
        transform = parent.composed_transform() if parent is not None else inkex.Transform()
    if isinstance(element, _NO_STROKES) or depth > 20 or element.style.get("display") == "none":
        return None
    transform = transform @ element.transform
    if isinstance(element, inkex.Use):
        x, y = (element.to_dimensionless(element.get(name) or 0) for name in ("x", "y"))
        moved = transform @ inkex.Transform(translate=(x, y))
        return None if element.href is None else box_of(element.href, moved, depth + 1)
    if len(element) and not isinstance(element, inkex.PathElement):
        return union(
            box_of(child, transform, depth) for child in element if isinstance(child, inkex.ShapeElement)
        )
    path = element.path.to_absolute().transform(transform) if isinstance(element, inkex.ShapeElement) else []
    return path.bounding_box() if len(path) else None


def union(boxes: Iterable[inkex.BoundingBox | None]) -> inkex.BoundingBox | None:
    """The box around boxes; `None` without any."""
    found = [box for box in boxes if box]
    return sum(found[1:], found[0]) if found else None


def stroke_of(elements: Iterable[inkex.BaseElement]) -> dict[str, str]:
    """The stroke of the first shape that has one in a plain colour, its width in the document's units.

    Returns:
        Properties of a style; empty without such a shape.
    """
    elements = list(elements)
    for shape in (part for each in (*elements, *_originals(elements)) for part in each.iter()):
        if not isinstance(shape, inkex.ShapeElement) or isinstance(shape, (*_NO_STROKES, inkex.Group)):
            continue
        style = shape.specified_style()
        if not inkex.Color.iscolor(style.get("stroke", "none")):
            continue
        width = shape.to_dimensionless(style.get("stroke-width", 1)) * _scale_of(shape.composed_transform())
        ends = {name: style[name] for name in ("stroke-linecap", "stroke-linejoin") if name in style}
        return {"stroke": str(style["stroke"]), "stroke-width": f"{width:g}", **ends}
    return {}


def _scale_of(transform: inkex.Transform) -> float:
    """How many times as wide a transform makes a stroke, on average; 0 where it cannot be undone."""
    (a, c, _e), (b, d, _f) = transform.matrix
    return float(abs(a * d - b * c) ** 0.5)


class Drawing:
    """A drawing that sketchkit wrote.

    Args:
        element: its group; the label of an ending says where it adds nothing.
    """

    def __init__(self, element: inkex.BaseElement) -> None:
        inner = element.find("svg:g", inkex.NSS)
        holder = element if inner is None else inner
        names = ("fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin")
        self.style = {name: holder.get(name) for name in names if holder.get(name)}
        self.paths = [inkex.Path(path.get("d")) for path in holder.iterchildren("{*}path")]
        self.visible = "none" not in (element.get("style") or "")
        self.empty = not self.paths or "adds nothing" in (element.get("inkscape:label") or "")
        self.record = element.findtext("svg:metadata", "", inkex.NSS)

    @property
    def shows(self) -> str:
        """What it shows, in the user's language; empty where the model knows no classes."""
        name = json.loads(self.record or "{}").get("class")
        return _(name) if name else ""

    @property
    def box(self) -> inkex.BoundingBox | None:
        """Around its points."""
        return union(path.bounding_box() for path in self.paths)

    def fitted(self, centre: tuple[float, float], side: float) -> inkex.Transform:
        """What brings it to a centre and gives its longer side a length.

        Raises:
            Trouble: it has no ink.
        """
        box = self.box
        if box is None:
            raise Trouble(_("The model drew nothing. Another seed may help."))
        scale = side / (max(box.width, box.height) or 1.0)
        x, y = centre[0] - scale * box.center.x, centre[1] - scale * box.center.y
        return inkex.Transform((scale, 0, 0, scale, x, y))

    def fill(self, group: inkex.Group, transform: inkex.Transform | None = None) -> None:
        """Draw it into a group, with its record.

        Args:
            group: a layer or group.
            transform: from its units to those of the group.
        """
        if self.record:
            record = inkex.Metadata()
            record.text = self.record
            group.append(record)
        for path in self.paths:
            element = inkex.PathElement()
            element.path = path if transform is None else path.transform(transform)
            element.style = {**self.style, "stroke-dasharray": "none"}
            group.append(element)


def drawings_in(data: bytes) -> list[Drawing]:
    """The drawings of a document that sketchkit wrote."""
    return [Drawing(each) for each in inkex.load_svg(data).getroot().iterchildren("{*}g")]


def add_above(
    svg: inkex.SvgDocumentElement, elements: Sequence[inkex.BaseElement] | None, groups: Sequence[inkex.Group]
) -> None:
    """Put groups, whose content is in the document's units, right above the layer of some elements.

    Without a layer they come above what holds the topmost element; for the whole document, on top.

    Args:
        svg: the document.
        elements: of it; `None` for all.
        groups: the first one undermost.
    """
    if not elements:
        svg.extend(groups)
        return
    marked = set(elements)
    home = _home([each for each in svg.iter() if each in marked][-1])
    inverse = -home.getparent().composed_transform()
    for group in reversed(groups):
        group.transform = inverse
        home.addnext(group)


def _home(element: inkex.BaseElement) -> inkex.BaseElement:
    """The layer of an element, or else its outermost group.

    A layer below something other than groups, or below a group without extent, is passed over.
    """
    chain = [element, *element.iterancestors()][:-1]  # without the root
    for place, each in enumerate(chain):
        inside = all(isinstance(outer, inkex.Group) for outer in chain[place + 1 :])
        if isinstance(each, inkex.Layer) and inside and _scale_of(each.getparent().composed_transform()):
            return each
    return chain[-1]
