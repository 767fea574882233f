"""From declarations to the few facts that matter here: is it drawn, how large is an em, how is it moved."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sketchkit.formats.svg.transform import (
    IDENTITY,
    Matrix,
    multiply,
    parse_origin,
    parse_transform,
    translation,
)
from sketchkit.formats.svg.values import Units, parse_number

__all__ = ["INITIAL", "Computed", "Inherited", "compute"]


class Inherited(NamedTuple):
    """What an element hands on to its children.

    Attributes:
        fill: whether the inside is painted.
        stroke: whether the outline is painted.
        fill_opacity: how much of the fill is seen.
        stroke_opacity: how much of the stroke is seen.
        stroke_width: of the stroke, in user units.
        visible: whether `visibility` shows it.
        font_size: one em, in user units.
    """

    fill: bool = True
    stroke: bool = False
    fill_opacity: float = 1.0
    stroke_opacity: float = 1.0
    stroke_width: float = 1.0
    visible: bool = True
    font_size: float = 16.0

    @property
    def is_drawn(self) -> bool:
        """Whether a shape of this style leaves ink."""
        return self.is_stroked or (self.visible and self.fill and self.fill_opacity > 0)

    @property
    def is_stroked(self) -> bool:
        """Whether the outline of a shape of this style is seen."""
        return self.visible and self.stroke and self.stroke_opacity > 0 and self.stroke_width > 0


INITIAL = Inherited()


@dataclass(frozen=True, slots=True)
class Computed:
    """The style of one element.

    Attributes:
        inherited: what its shape is drawn with, and its children start from.
        rendered: False where the element and all below it are not drawn at all.
        transform: the element's own map.
    """

    inherited: Inherited
    rendered: bool = True
    transform: Matrix = IDENTITY


def compute(properties: dict[str, str], parent: Inherited, units: Units, paints: Container[str]) -> Computed:
    """Work out the style of an element.

    Args:
        properties: the specified values, as the cascade found them.
        parent: the style of the element around it.
        units: what relative lengths refer to.
        paints: the ids of the gradients and patterns that `url(#...)` may refer to.

    Returns:
        The style; a value that cannot be read counts as not set.
    """
    if not properties:
        return Computed(parent)
    changes: dict[str, bool | float] = {}
    for name, value in properties.items():
        field = _FIELDS.get(name)
        if field is None or value in ("inherit", "unset"):
            continue
        new = getattr(INITIAL, field) if value == "initial" else _read(name, value, parent, units, paints)
        if new is not None:
            changes[field] = new
    seen = "opacity" not in properties or _opacity(properties["opacity"]) != 0
    rendered = seen and properties.get("display") != "none"
    return Computed(parent._replace(**changes), rendered, _transform(properties, units))  # type: ignore[arg-type]


#: Inherited property -> the field that holds it.
_FIELDS = {
    "fill": "fill",
    "stroke": "stroke",
    "fill-opacity": "fill_opacity",
    "stroke-opacity": "stroke_opacity",
    "stroke-width": "stroke_width",
    "visibility": "visible",
    "font-size": "font_size",
}


def _read(
    name: str, value: str, parent: Inherited, units: Units, paints: Container[str]
) -> bool | float | None:
    """The value of an inherited property; None where it is not valid."""
    if name in ("fill", "stroke"):
        return _is_paint(value, paints)
    if name == "visibility":
        return {"visible": True, "hidden": False, "collapse": False}.get(value)
    if name == "font-size":
        return _not_negative(Units(parent.font_size, parent.font_size, parent.font_size).length(value, "x"))
    if name == "stroke-width":
        return _not_negative(units.length(value))
    return _opacity(value)


def _not_negative(value: float | None) -> float | None:
    return value if value is not None and value >= 0 else None


def _opacity(text: str) -> float | None:
    if text.endswith("%"):
        share = parse_number(text[:-1])
        return None if share is None else share / 100
    return parse_number(text)


def _is_paint(value: str, paints: Container[str]) -> bool | None:
    """Whether a `fill` or `stroke` paints; None where it is not valid."""
    if not value.startswith("url("):
        return _is_colour(value[:100])
    target, _, fallback = value[4:].partition(")")
    if target.strip(" \t\n\"'").removeprefix("#") in paints:
        return True
    return bool(_is_colour(fallback.strip()[:100]))


@lru_cache(maxsize=1024)
def _is_colour(value: str) -> bool | None:
    if value == "none":
        return False
    if value.lower() in ("currentcolor", "context-fill", "context-stroke", "black", "white"):
        return True
    from tinycss2.color4 import parse_color

    colour = parse_color(value.partition(" icc-color")[0])
    if colour is None:
        return None
    return bool(colour == "currentcolor" or colour.alpha > 0)


_NO_TRANSFORM = ("", "none", "initial", "inherit", "unset", "revert")


def _transform(properties: dict[str, str], units: Units) -> Matrix:
    text = properties.get("transform", "")
    if text in _NO_TRANSFORM:
        return IDENTITY
    matrix = parse_transform(text)
    origin = parse_origin(properties.get("transform-origin", ""), units)
    if origin is None:
        return matrix
    x, y = origin
    if not (math.isfinite(x) and math.isfinite(y)):
        return matrix
    return multiply(multiply(translation(x, y), matrix), translation(-x, -y))
