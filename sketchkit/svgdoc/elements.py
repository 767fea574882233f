"""SVG elements, written by svgwrite; no other module of the package knows it.

Elements are of svgwrite's classes and opaque to everybody else: make them with the functions here, `add`
one to another, and turn the outermost into bytes or text.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import svgwrite

from sketchkit.errors import InputError
from sketchkit.svgdoc.numbers import number
from sketchkit.svgdoc.strings import checked_color, clean, json_text

__all__ = ["INK", "Element", "Pen", "document", "group", "path", "rectangle", "text", "to_bytes", "to_text"]

#: The colour of a drawing that nobody gave one: nearly black.
INK = "#222222"

Element = Any

SVG_NAMESPACE = "http://www.w3.org/2000/svg"
INKSCAPE_NAMESPACE = "http://www.inkscape.org/namespaces/inkscape"


@dataclass(frozen=True)
class Pen:
    """What a line is drawn with: a round pen.

    Args:
        color: `#rgb`, `#rrggbb` or a name.
        width: in the units of the element that it draws, above 0.

    Raises:
        InputError: a colour that is something else, or a width that is not above 0.
    """

    color: str
    width: float

    def __post_init__(self) -> None:
        checked_color(self.color)
        if not 0 < self.width < math.inf:
            raise InputError(f"the width of a line must be above 0, got {self.width}")

    @property
    def attributes(self) -> dict[str, str]:
        """Presentation attributes, by name."""
        return {
            "fill": "none",
            "stroke": self.color,
            "stroke-width": number(self.width),
            "stroke-linecap": "round",
            "stroke-linejoin": "round",
        }

    @property
    def style(self) -> str:
        """The same as inline CSS, which a style sheet's rule for all paths does not override."""
        return ";".join(f"{name}:{value}" for name, value in self.attributes.items())


def document(
    size: tuple[float, float],
    viewbox: tuple[float, float, float, float] | None = None,
    *,
    title: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, object] | None = None,
    background: str | None = None,
) -> Element:
    """An empty SVG document.

    Args:
        size: width and height in CSS pixels.
        viewbox: x, y, width and height of the page in user units; the size, from (0, 0), when None.
        title: a short name, shown as a tooltip and read aloud.
        description: a sentence.
        metadata: provenance, written as JSON.
        background: the colour of the paper; none when None.

    Returns:
        The root element.
    """
    x, y, width, height = (0.0, 0.0, *size) if viewbox is None else viewbox
    root = svgwrite.Drawing(size=(number(size[0]), number(size[1])), debug=False)
    root.elements.clear()  # the empty <defs> that svgwrite always adds
    # All digits: a small drawing far from (0, 0) must not slip off its page.
    root["viewBox"] = " ".join(number(value, digits=15) for value in (x, y, width, height))
    root["xmlns:inkscape"] = INKSCAPE_NAMESPACE
    _describe(root, title, description, metadata)
    if background is not None:
        root.add(rectangle((x, y, width, height), background))
    return root


def group(
    *,
    id: str | None = None,
    label: str | None = None,
    layer: bool = False,
    standalone: bool = False,
    style: str | None = None,
    attributes: Mapping[str, str] | None = None,
    title: str | None = None,
    metadata: Mapping[str, object] | None = None,
    children: Iterable[Element] = (),
) -> Element:
    """A `<g>`.

    Args:
        id: unique in its document.
        label: the name that Inkscape and plotter tools show.
        layer: whether Inkscape should list it among the layers.
        standalone: declare the namespaces, for a document that may not.
        style: inline CSS.
        attributes: presentation attributes, such as those of a `Pen`.
        title: the tooltip.
        metadata: provenance, written as JSON.
        children: elements to add.
    """
    element = _factory().g()
    if standalone:
        element["xmlns"] = SVG_NAMESPACE
        element["xmlns:inkscape"] = INKSCAPE_NAMESPACE
    if layer:
        element["inkscape:groupmode"] = "layer"
    named = {"id": id, "inkscape:label": None if label is None else clean(label), "style": style}
    for name, value in {**named, **(attributes or {})}.items():
        element[name] = value
    _describe(element, title, None, metadata)
    for child in children:
        element.add(child)
    return element


def path(data: str, style: str | None = None) -> Element:
    """A `<path>` of the data that `path_data` wrote."""
    element = _factory().path(d=data)
    if style is not None:
        element["style"] = style
    return element


def rectangle(box: tuple[float, float, float, float], color: str) -> Element:
    """A filled `<rect>`; the box is x, y, width, height in user units."""
    x, y, width, height = map(number, box)
    return _factory().rect(insert=(x, y), size=(width, height), fill=checked_color(color), stroke="none")


def text(words: str, middle: tuple[float, float], size: float, color: str) -> Element:
    """A `<text>` in the reader's sans-serif font.

    Args:
        words: one line.
        middle: where the middle of its baseline stands, in user units.
        size: of the font, in user units.
        color: of the letters.
    """
    return _factory().text(
        clean(words),
        insert=(number(middle[0]), number(middle[1])),
        font_family="sans-serif",
        font_size=number(size),
        text_anchor="middle",
        fill=checked_color(color),
        stroke="none",
    )


def to_text(element: Element) -> str:
    """An element and what is in it as XML, without a declaration."""
    return str(element.tostring())


def to_bytes(root: Element) -> bytes:
    """A document as UTF-8, with its XML declaration."""
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + to_text(root).encode() + b"\n"


class _Description:
    """A child that only holds text, of the shape that svgwrite asks of its elements."""

    def __init__(self, name: str, words: str) -> None:
        self.elementname = name
        self._words = words

    def get_xml(self) -> ElementTree.Element:
        element = ElementTree.Element(self.elementname)
        element.text = clean(self._words)
        return element


def _describe(
    element: Element, title: str | None, description: str | None, metadata: Mapping[str, object] | None
) -> None:
    if title:
        element.add(_Description("title", title))
    if description:
        element.add(_Description("desc", description))
    if metadata:
        element.add(_Description("metadata", json_text(metadata)))


@cache
def _factory() -> Any:
    # Elements of one factory share its settings; each one's own would cost more than the element itself.
    return svgwrite.Drawing(debug=False)
