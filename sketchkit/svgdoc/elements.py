"""The kinds of SVG elements that we write, each made by a function of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from sketchkit.errors import InputError
from sketchkit.svgdoc.markup import Element, Root
from sketchkit.svgdoc.numbers import number
from sketchkit.svgdoc.strings import check_color, clean, json_text

#: The default colour of a drawing: nearly black.
INK = "#222222"

#: The shapes of the ends and of the corners of lines that every reader of SVG knows.
CAPS, JOINS = ("butt", "round", "square"), ("miter", "round", "bevel")

SVG_NAMESPACE = "http://www.w3.org/2000/svg"
INKSCAPE_NAMESPACE = "http://www.inkscape.org/namespaces/inkscape"


@dataclass(frozen=True)
class Pen:
    """The pen of a line, round by default.

    Args:
        color: `#rgb`, `#rrggbb` or a name of SVG's.
        width: in the units of the element that it draws, above 0.
        cap: the shape of the ends of lines: `butt`, `round` or `square`.
        join: the shape of their corners: `miter`, `round` or `bevel`.

    Raises:
        InputError: another colour or shape, or a width that is not above 0.
    """

    color: str
    width: float
    cap: str = "round"
    join: str = "round"

    def __post_init__(self) -> None:
        check_color(self.color)
        if self.cap not in CAPS or self.join not in JOINS:
            raise InputError(f"a line cannot end {self.cap!r} and turn {self.join!r}")
        if not 0 < self.width < math.inf:
            raise InputError(f"the width of a line must be above 0, got {self.width}")

    @property
    def attributes(self) -> dict[str, str]:
        """Presentation attributes, by name."""
        return {
            "fill": "none",
            "stroke": self.color,
            "stroke-width": number(self.width),
            "stroke-linecap": self.cap,
            "stroke-linejoin": self.join,
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
    unit: str = "",
) -> Element:
    """An empty SVG document.

    Args:
        size: width and height of the page as it is shown.
        viewbox: x, y, width and height of the page in user units; the size, from (0, 0), when `None`.
        title: a short name, shown as a tooltip and read aloud.
        description: a sentence.
        metadata: provenance, written as JSON.
        background: the colour of the paper; transparent when `None`.
        unit: of the size: CSS pixels when empty, else "mm" or another of CSS's absolute units.

    Returns:
        The root element.
    """
    x, y, width, height = (0.0, 0.0, *size) if viewbox is None else viewbox
    # All digits: a small drawing far from (0, 0) must not slip off its page.
    page = " ".join(number(value, digits=15) for value in (x, y, width, height))
    shown = {"width": number(size[0]) + unit, "height": number(size[1]) + unit}
    root = Root("svg", {**shown, "viewBox": page, "xmlns:inkscape": INKSCAPE_NAMESPACE})
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
    names = {"xmlns": SVG_NAMESPACE, "xmlns:inkscape": INKSCAPE_NAMESPACE} if standalone else {}
    named = {
        "inkscape:groupmode": "layer" if layer else None,
        "id": id,
        "inkscape:label": None if label is None else clean(label),
        "style": style,
    }
    element = Element("g", {**names, **named, **(attributes or {})})
    _describe(element, title, None, metadata)
    element.children.extend(children)
    return element


def path(
    data: str,
    style: str | None = None,
    *,
    attributes: Mapping[str, str] | None = None,
    children: Iterable[Element] = (),
) -> Element:
    """A `<path>` of the data that `path_data` wrote, with animations in it where there are any."""
    return Element("path", {"d": data, "style": style, **(attributes or {})}, children=children)


def animate(
    attribute: str, steps: Iterable[tuple[float, str]], seconds: float, *, loop: bool, jump: bool
) -> Element:
    """An `<animate>` of one attribute of the element that it is put in; it ends on its last value.

    Args:
        attribute: its name.
        steps: (share, value): from 0 to 1, when the attribute has the value.
        seconds: how long it takes.
        loop: whether it begins again, for ever.
        jump: whether the value jumps at each step, instead of gliding there.
    """
    shares, values = zip(*steps, strict=True)
    return Element(
        "animate",
        {
            "attributeName": attribute,
            "keyTimes": ";".join(map(number, shares)),
            "values": ";".join(values),
            "dur": f"{number(seconds)}s",
            "calcMode": "discrete" if jump else None,
            "repeatCount": "indefinite" if loop else None,
            "fill": "freeze",
        },
    )


def rectangle(box: tuple[float, float, float, float], color: str) -> Element:
    """A filled `<rect>`; the box is x, y, width, height in user units."""
    x, y, width, height = map(number, box)
    place = {"x": x, "y": y, "width": width, "height": height}
    return Element("rect", {**place, "fill": check_color(color), "stroke": "none"})


def text(
    words: str,
    at: tuple[float, float],
    size: float,
    color: str,
    anchor: Literal["start", "middle", "end"] = "middle",
) -> Element:
    """A `<text>` in the reader's sans-serif font.

    Args:
        words: one line.
        at: where its baseline is held, in user units.
        size: of the font, in user units.
        color: of the letters.
        anchor: which part of the baseline is held there.
    """
    return Element(
        "text",
        {
            "x": number(at[0]),
            "y": number(at[1]),
            "font-family": "sans-serif",
            "font-size": number(size),
            "text-anchor": anchor,
            "fill": check_color(color),
            "stroke": "none",
        },
        words=clean(words),
    )


def _describe(
    element: Element, title: str | None, description: str | None, metadata: Mapping[str, object] | None
) -> None:
    if title:
        element.add(Element("title", words=clean(title)))
    if description:
        element.add(Element("desc", words=clean(description)))
    if metadata:
        element.add(Element("metadata", words=clean(json_text(metadata))))
