"""From declarations to the few facts that matter here: whether an element is drawn, and its units."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from sketchkit.formats.svg.colours import BLACK, NO_PAINT, Paint, parse_colour, parse_paint
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.properties import (
    FONT_SIZES,
    GEOMETRY,
    PROPERTIES,
    WIDE_KEYWORDS,
    is_valid,
    parse_opacity,
)
from sketchkit.formats.svg.values import Root, Units
from sketchkit.formats.svg.variables import Variables, has_variables

_NO_VARIABLES = Variables(Budget(""))


class Inherited(NamedTuple):
    """The style that the children of an element inherit.

    Attributes:
        fill: the paint of the inside.
        stroke: the paint of the outline.
        fill_opacity: how much of the fill is seen.
        stroke_opacity: how much of the stroke is seen.
        stroke_width: of the stroke, in user units.
        visible: whether `visibility` shows it.
        font_size: one em, in user units.
        color: the paint of "currentcolor".
        root: the units of the root element; `None` outside of it.
        variables: the custom properties in sight.
        context: the paints of "context-fill" and "context-stroke", inside of a `use`.
    """

    fill: Paint = BLACK
    stroke: Paint = NO_PAINT
    fill_opacity: float = 1.0
    stroke_opacity: float = 1.0
    stroke_width: float = 1.0
    visible: bool = True
    font_size: float = 16.0
    color: Paint = BLACK
    root: Root | None = None
    variables: Variables = _NO_VARIABLES
    context: Mapping[str, Paint] = MappingProxyType({})

    @property
    def is_drawn(self) -> bool:
        """Whether a shape of this style leaves ink."""
        return self.is_stroked or self.is_filled

    @property
    def is_filled(self) -> bool:
        """Whether the inside of a shape of this style is seen."""
        return self.visible and self.fill_opacity > 0 and self._resolve_current(self.fill).opacity > 0

    @property
    def is_stroked(self) -> bool:
        """Whether the outline of a shape of this style is seen."""
        seen = self.stroke_opacity > 0 and self.stroke_width > 0
        return self.visible and seen and self._resolve_current(self.stroke).opacity > 0

    @property
    def paints(self) -> tuple[Paint | None, Paint | None]:
        """The paints of the fill and of the stroke, each `None` where it is not seen."""
        fill, stroke = self._resolve_current(self.fill), self._resolve_current(self.stroke)
        return (
            fill._replace(opacity=fill.opacity * self.fill_opacity) if self.is_filled else None,
            stroke._replace(opacity=stroke.opacity * self.stroke_opacity) if self.is_stroked else None,
        )

    def _resolve_current(self, paint: Paint) -> Paint:
        return self.color if paint.is_current else paint

    def used_by(self) -> Inherited:
        """The style for an element shown by reference, whose context are the paints of this one."""
        paints = {
            "context-fill": self._resolve_current(self.fill),
            "context-stroke": self._resolve_current(self.stroke),
        }
        return self._replace(context=paints)


INITIAL = Inherited()


@dataclass(frozen=True, slots=True)
class Computed:
    """The style of one element.

    Attributes:
        inherited: the style of its shape, from which its children start.
        rendered: False where the element and all below it are not drawn at all.
        values: of its properties, without custom properties and `var()`.
    """

    inherited: Inherited
    rendered: bool
    values: Mapping[str, str]


def compute(
    properties: Mapping[str, str],
    parent: Inherited,
    units: Units,
    paints: Container[str],
    around: Mapping[str, str],
) -> Computed:
    """Work out the style of an element; a value that cannot be read counts as not set.

    Args:
        properties: the specified values, as the cascade found them.
        parent: the style of the element around it.
        units: that relative lengths refer to in that element.
        paints: the ids of the gradients and patterns that `url(#...)` may refer to.
        around: the values of the element around it.
    """
    variables = parent.variables.declare(properties)
    values = _specify(properties, variables, around)
    style = _change(parent, ("font-size", "color"), values, units, paints)
    root = parent.root or _root(values, style.font_size, units)
    units = units._replace(font_size=style.font_size, root=root)
    style = _change(style, _PAINTING & values.keys(), values, units, paints)
    style = style._replace(variables=variables, root=root)
    display = values.get("display", "").lower()
    if display == "contents":  # the children are drawn as if the element were not there
        return Computed(style, True, values)
    opacity = parse_opacity(values.get("opacity", "1"))
    seen = opacity is None or opacity > 0
    return Computed(style, seen and display != "none", values)


def _specify(
    properties: Mapping[str, str], variables: Variables, around: Mapping[str, str]
) -> dict[str, str]:
    """The values with custom properties filled in; the invalid ones are unset."""
    values = {}
    for name, text in properties.items():
        if name.startswith("--"):
            continue
        if has_variables(text):
            replaced = variables.substitute(text)
            known = replaced is not None and (
                name not in PROPERTIES or is_valid(name, replaced, unitless=True)
            )
            text = replaced if replaced is not None and known else "unset"
        if name in GEOMETRY and text.lower() == "inherit":
            text = around.get(name, "unset")
        values[name] = text
    return values


def _root(values: Mapping[str, str], font_size: float, units: Units) -> Root:
    """The units of the root element: its size is the viewport, or else its view box."""
    absolute = Units(0.0, 0.0, font_size)  # percentages are unknown
    width, height = (absolute.length(values.get(name, "")) for name in ("width", "height"))
    return Root(font_size, width or units.width, height or units.height)


#: Inherited property -> the field that holds it.
_FIELDS = {
    "color": "color",
    "fill": "fill",
    "stroke": "stroke",
    "fill-opacity": "fill_opacity",
    "stroke-opacity": "stroke_opacity",
    "stroke-width": "stroke_width",
    "visibility": "visible",
    "font-size": "font_size",
}


#: The inherited properties that may depend on the font size and the colour.
_PAINTING = _FIELDS.keys() - {"color", "font-size"}


def _change(
    style: Inherited, names: Iterable[str], values: Mapping[str, str], units: Units, paints: Container[str]
) -> Inherited:
    """A style with the values of some inherited properties; as it was where a value is not valid."""
    changes = {}
    for name in names:
        word = values.get(name, "unset").lower()
        if word == "initial":
            changes[_FIELDS[name]] = getattr(INITIAL, _FIELDS[name])
        elif word not in WIDE_KEYWORDS:
            value = _read(style, name, values[name], units, paints)
            if value is not None:
                changes[_FIELDS[name]] = value
    return style._replace(**changes) if changes else style


def _read(
    style: Inherited, name: str, text: str, units: Units, paints: Container[str]
) -> Paint | bool | float | None:
    """The value of an inherited property; `None` where it is not valid."""
    if name == "color":
        colour = parse_colour(text, style.color)
        return colour._replace(is_current=False) if colour else None
    if name in ("fill", "stroke"):
        return parse_paint(text, style.color, paints, style.context)
    if name == "visibility":
        return {"visible": True, "hidden": False, "collapse": False}.get(text.lower())
    if name == "font-size":
        return _font_size(text, style.font_size, units.root)
    if name == "stroke-width":
        return _size(units.length(text), text)
    return parse_opacity(text)


def _font_size(text: str, around: float, root: Root) -> float | None:
    word = text.lower()
    if word in FONT_SIZES:
        return FONT_SIZES[word]
    scale = {"larger": 1.2, "smaller": 1 / 1.2, "math": 1.0}.get(word)
    if scale is not None:
        return around * scale
    return _size(Units(around, around, around, root).length(text, "x"), text)


def _size(length: float | None, text: str) -> float | None:
    """A length of 0 or more; a calculated one is cut off at 0."""
    return None if length is None or (length < 0 and "(" not in text) else max(0.0, length)
