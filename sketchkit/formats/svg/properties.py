"""The CSS properties that decide about ink and its place, and the valid values of each.

A declaration whose value is not valid does not exist (CSS 2.1, 4.2): an earlier one, or the attribute, stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from sketchkit.formats.svg.calc import MAX_NESTING, nesting
from sketchkit.formats.svg.colours import BLACK, parse_colour, parse_paint
from sketchkit.formats.svg.csstransform import TRANSFORM_PROPERTIES, is_transform_valid
from sketchkit.formats.svg.outline import is_path_data
from sketchkit.formats.svg.values import Units, parse_number

#: Pixels of each font size with a name, and how much the relative ones scale the size around.
FONT_SIZES = {
    "xx-small": 9.0,
    "x-small": 10.0,
    "small": 13.0,
    "medium": 16.0,
    "large": 18.0,
    "x-large": 24.0,
    "xx-large": 32.0,
    "xxx-large": 48.0,
}
#: The keywords that every property has.
WIDE_KEYWORDS = frozenset({"initial", "inherit", "unset", "revert", "revert-layer"})
_DISPLAY = (
    "none contents block inline flow flow-root inline-block run-in list-item flex inline-flex grid"
    " inline-grid table inline-table table-row table-cell table-column table-caption table-row-group"
    " table-header-group table-footer-group table-column-group ruby ruby-text math -webkit-box"
    " -webkit-inline-box -webkit-flex -webkit-inline-flex"
)
_DISPLAYS = frozenset(_DISPLAY.split())
#: Any, since only whether a value is valid is asked.
_UNITS = Units(1.0, 1.0)


def parse_opacity(text: str) -> float | None:
    """A number or a percentage; `None` where the text is invalid."""
    if text.endswith("%"):
        share = parse_number(text[:-1])
        return None if share is None else share / 100
    number = parse_number(text)
    if number is not None or "(" not in text:
        return number
    return Units(1.0, 1.0).length(text)  # of 1, 100 % is 1


def path_data(text: str) -> str | None:
    """The path data of a value of the property `d`, "" for an empty path; `None` where it is invalid."""
    if text.lower() == "none" or text.lower() in WIDE_KEYWORDS:
        return ""
    if not text.lower().startswith("path("):
        return None
    if nesting(text) > MAX_NESTING:
        return None
    import tinycss2

    token = tinycss2.parse_one_component_value(text, skip_comments=True)
    inside = [part for part in getattr(token, "arguments", ()) if part.type != "whitespace"]
    return str(inside[0].value) if len(inside) == 1 and inside[0].type == "string" else None


def _is_path(text: str) -> bool:
    data = path_data(text)
    return data is not None and is_path_data(data)


def _is_length(text: str) -> bool:
    return _UNITS.length(text) is not None


def _is_size(text: str) -> bool:
    """Whether a text is a length of 0 or more; a calculated length is cut off at 0."""
    length = _UNITS.length(text)
    return length is not None and (length >= 0 or "(" in text)


def _is_size_with_unit(text: str) -> bool:
    return _is_size(text) and parse_number(text) in (None, 0)


def _or(valid: Callable[[str], bool], *keywords: str) -> Callable[[str], bool]:
    return lambda text: text.lower() in keywords or valid(text)


def _is_display(text: str) -> bool:
    words = text.lower().split()
    single = len(words) == 1 or not {"none", "contents"}.intersection(words)
    return bool(words) and single and _DISPLAYS.issuperset(words)


_SIDE = _or(_is_size_with_unit, "auto", "min-content", "max-content", "fit-content", "stretch")
#: Property of geometry -> whether a text in a style sheet is valid for it.
GEOMETRY: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "cx": _is_length,
        "cy": _is_length,
        "d": _is_path,
        "height": _SIDE,
        "r": _is_size,
        "rx": _or(_is_size, "auto"),
        "ry": _or(_is_size, "auto"),
        "width": _SIDE,
        "x": _is_length,
        "y": _is_length,
    }
)
#: The properties that put markers on a shape, from the point that every one has to those in between.
MARKERS = ("marker", "marker-start", "marker-end", "marker-mid")
#: Property -> whether a text in a style sheet is valid for it.
PROPERTIES: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        **GEOMETRY,
        "background": lambda text: parse_colour(text, BLACK) is not None,
        "background-color": lambda text: parse_colour(text, BLACK) is not None,
        "clip-path": lambda text: text != "",
        "color": lambda text: parse_colour(text, BLACK) is not None,
        "display": _is_display,
        "fill": lambda text: parse_paint(text, BLACK, (), {}) is not None,
        "fill-rule": lambda text: text.lower() in ("nonzero", "evenodd"),
        "fill-opacity": lambda text: parse_opacity(text) is not None,
        "font-size": _or(_is_size_with_unit, *FONT_SIZES, "larger", "smaller", "math"),
        **dict.fromkeys(MARKERS, lambda text: text != ""),
        "mask": lambda text: text != "",
        "opacity": lambda text: parse_opacity(text) is not None,
        "stroke": lambda text: parse_paint(text, BLACK, (), {}) is not None,
        "stroke-opacity": lambda text: parse_opacity(text) is not None,
        "stroke-width": _is_size,
        "stroke-linecap": lambda text: text.lower() in ("butt", "round", "square"),
        "stroke-linejoin": lambda text: text.lower() in ("miter", "miter-clip", "round", "bevel"),
        "stroke-miterlimit": lambda text: parse_number(text) is not None,
        **{name: partial(is_transform_valid, name) for name in TRANSFORM_PROPERTIES},
        "visibility": lambda text: text.lower() in ("visible", "hidden", "collapse"),
    }
)
#: The lengths that need a unit in a style sheet.
_UNITLESS = frozenset({"font-size", "height", "width"})
#: The attributes that are properties of CSS, and the lengths that are attributes only. The grammar of the
#: attribute `transform` is its own, and the other ways to move an element exist in CSS only.
ATTRIBUTES = frozenset(
    {*PROPERTIES, "x1", "y1", "x2", "y2"} - {*TRANSFORM_PROPERTIES, "marker"} | {"transform-origin"}
)

#: The properties that browsers also know by the name that they had before they were standard.
_PREFIXED = frozenset(
    f"-webkit-{name}" for name in ("clip-path", "mask", "opacity", "transform", "transform-origin")
)


def standard_name(name: str) -> str:
    """The name of a property without the prefix that it had before it was standard."""
    return name.removeprefix("-webkit-") if name in _PREFIXED else name


def is_valid(name: str, text: str, *, unitless: bool = False) -> bool:
    """Whether CSS may give a value to a property.

    Args:
        name: one of `PROPERTIES`.
        text: the value, without `var()`.
        unitless: whether every length may be a plain number, as browsers have it in `style` attributes.
    """
    if text.lower() in WIDE_KEYWORDS:
        return True
    number = parse_number(text) if unitless and name in _UNITLESS else None
    return text != "" and ((number is not None and number >= 0) or PROPERTIES[name](text))
