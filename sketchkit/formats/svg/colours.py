"""Whether a paint is seen: the colours of CSS Color 5 and the paints of SVG, as browsers know them.

tinycss2 knows the names and the colours of sRGB. Functions that mix colours or take them apart are evaluated
here, for their opacity only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sketchkit.formats.svg.calc import (
    DEGREES,
    Quantity,
    arguments,
    components,
    drop_spaces,
    evaluate,
    is_function,
    keyword,
)
from sketchkit.formats.svg.xmltree import fragment


class Paint(NamedTuple):
    """The paint of a fill or a stroke.

    Attributes:
        opacity: 0, which is unseen, to 1.
        rgb: red, green and blue, each 0 to 1; `None` where they are not known.
        is_current: whether it stands for the value of the property `color`.
    """

    opacity: float
    rgb: tuple[float, float, float] | None = None
    is_current: bool = False


_DIGITS = re.compile("#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6}")

NO_PAINT = Paint(0.0)
BLACK = Paint(1.0, (0.0, 0.0, 0.0))
UNKNOWN = Paint(1.0)


def parse_paint(
    text: str, current: Paint, servers: Container[str], context: Mapping[str, Paint]
) -> Paint | None:
    """The paint of a `fill` or `stroke`.

    Args:
        text: the value of the property.
        current: the value of the property `color`.
        servers: the ids of the gradients and patterns that `url(#...)` may refer to.
        context: the paints of "context-fill" and "context-stroke".

    Returns:
        The paint; `None` where the text is not valid.
    """
    word = text.strip().lower()
    if word == "none":
        return NO_PAINT
    if word in ("context-fill", "context-stroke"):
        return context.get(word, NO_PAINT)
    if not word.startswith("url("):
        return parse_colour(text.partition(" icc-color")[0], current)
    tokens = components(text)
    target = _target(tokens[0]) if tokens else None
    if target is None:
        return None
    fallback = drop_spaces(tokens[1:])
    colour: Paint | None = NO_PAINT
    if fallback and not (len(fallback) == 1 and keyword(fallback[0]) == "none"):
        colour = _colour(fallback[0], current) if len(fallback) == 1 else None
    known = target.startswith("#") and (fragment(target) in servers or target[1:] in servers)
    return UNKNOWN if known and colour is not None else colour


def url_of(text: str) -> str:
    """Where a value that is a `url()` leads to; empty for any other value."""
    tokens = components(text)
    return (_target(tokens[0]) if len(tokens) == 1 else None) or ""


def _target(token: Any) -> str | None:
    """Where a `url()` leads to; `None` for any other component value."""
    if token.type == "url":
        return str(token.value).strip()
    if token.type == "function" and token.lower_name == "url":
        strings = [argument for argument in token.arguments if argument.type == "string"]
        return str(strings[0].value).strip() if len(strings) == 1 else None
    return None


@lru_cache(maxsize=1024)
def parse_colour(text: str, current: Paint) -> Paint | None:
    """A colour; `None` where the text is not one. `current` is the value of the property `color`."""
    if _DIGITS.fullmatch(text):  # the usual case, which spares the import of tinycss2
        digits = text[1:] if len(text) == 7 else "".join(2 * digit for digit in text[1:])
        red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
        return Paint(1.0, (red, green, blue))
    tokens = components(text)
    return _colour(tokens[0], current) if len(tokens) == 1 else None


def _colour(token: Any, current: Paint) -> Paint | None:
    word = keyword(token)
    if word == "currentcolor":
        return current._replace(is_current=True)
    if word in _SYSTEM_COLOURS:
        return UNKNOWN
    if token.type in ("ident", "hash"):
        return _srgb(token)
    if token.type != "function":
        return None
    name = token.lower_name
    if name in ("light-dark", "contrast-color"):
        parts = arguments(token.arguments)
        colours = [_colour(part[0], current) for part in parts if len(part) == 1]
        if None in colours or not len(colours) == len(parts) == (2 if name == "light-dark" else 1):
            return None
        return colours[0] if name == "light-dark" else UNKNOWN
    if name == "color-mix":
        return _mix(arguments(token.arguments), current)
    tokens = drop_spaces(token.arguments)
    if name not in _CHANNELS or not tokens:
        return None
    opacity = (
        _relative(name, tokens[1:], current) if keyword(tokens[0]) == "from" else _plain(name, tokens, {})
    )
    if opacity is None:
        return None
    return Paint(opacity, getattr(_srgb(token), "rgb", None))


def _srgb(token: Any) -> Paint | None:
    """A colour of sRGB that tinycss2 knows, else `None`."""
    from tinycss2.color4 import parse_color

    colour = parse_color(token)
    if colour is None or colour == "currentcolor" or colour.space not in ("srgb", "hsl", "hwb"):
        return None
    red, green, blue = colour.to("srgb").coordinates
    return Paint(colour.alpha, (red, green, blue))


def _mix(parts: Sequence[Sequence[Any]], current: Paint) -> Paint | None:
    """`color-mix()`: opacities are mixed as colours are; shares below 100 % leave the rest transparent."""
    if parts[0] and keyword(parts[0][0]) == "in":
        method = [keyword(token) for token in drop_spaces(parts[0][1:])]
        if not method or method[0] not in _SPACES | _POLAR:
            return None
        if method[1:] and not (method[0] in _POLAR and method[1] in _ARCS and method[2:] == ["hue"]):
            return None
        parts = parts[1:]
    mixed = [_part(part, current) for part in parts]
    opacities = [part[0].opacity for part in mixed if part is not None]
    shares = [part[1] for part in mixed if part is not None]
    if len(opacities) != 2 or len(parts) != 2:
        return None
    first = shares[0] if shares[0] is not None else 1 - (0.5 if shares[1] is None else shares[1])
    second = shares[1] if shares[1] is not None else 1 - first
    total = first + second
    if total == 0:
        return NO_PAINT
    return Paint((opacities[0] * first + opacities[1] * second) / total * min(total, 1.0))


def _part(tokens: Sequence[Any], current: Paint) -> tuple[Paint, float | None] | None:
    """A colour with or without its share."""
    tokens = drop_spaces(tokens)
    if not 1 <= len(tokens) <= 2:
        return None
    shares = [token for token in tokens if token.type == "percentage" or is_function(token)]
    colours = [colour for token in tokens if (colour := _colour(token, current)) is not None]
    if len(colours) != 1 or len(shares) != len(tokens) - 1:
        return None
    if not shares:
        return colours[0], None
    share = evaluate(shares[0], _unit)
    valid = share is not None and share.dimension == "percentage" and 0 <= share.value <= 1
    return (colours[0], share.value) if share is not None and valid else None


def _relative(name: str, tokens: Sequence[Any], current: Paint) -> float | None:
    """The opacity of a colour made from the channels of another."""
    origin = _colour(tokens[0], current) if tokens else None
    if origin is None or "," in tokens:
        return None
    rest = list(tokens[1:])
    if name == "alpha":
        return _opacity(rest[1:], {"alpha": origin.opacity}) if rest[:1] == ["/"] else None
    opacity = _plain(name, rest, _numbers(name, rest, origin)) if rest else None
    return opacity if "/" in rest or opacity is None else origin.opacity


def _numbers(name: str, tokens: Sequence[Any], origin: Paint) -> dict[str, float]:
    """The values of the names of channels: that of the opacity, and 1 for the others."""
    space = keyword(tokens[0]) if name == "color" and tokens else ""
    channels = "xyz" if space.startswith("xyz") else _CHANNELS[name]
    return {**dict.fromkeys(channels, 1.0), "alpha": origin.opacity}


def _plain(name: str, tokens: Sequence[Any], numbers: Mapping[str, float]) -> float | None:
    """The opacity of a colour whose channels are written out; `None` where it is not valid."""
    if name == "color":
        if keyword(tokens[0]) not in _SPACES - {"lab", "oklab"}:
            return None
        tokens = tokens[1:]
    if any(token == "," for token in tokens):
        return _legacy(name, tokens)
    channels, alpha = list(tokens), []
    if "/" in channels:
        at = channels.index("/")
        channels, alpha = channels[:at], channels[at + 1 :]
        if not alpha:
            return None
    hue = _CHANNELS[name].find("h") if name not in ("color", "rgb", "rgba") else -1
    for i, token in enumerate(channels):
        channel = _channel(token, numbers)
        if channel is None or (channel.dimension == "angle") > (i == hue):
            return None
    return _opacity(alpha, numbers) if len(channels) == 3 else None


def _legacy(name: str, tokens: Sequence[Any]) -> float | None:
    """The older notation with commas, which is stricter."""
    if name not in ("rgb", "rgba", "hsl", "hsla") or len(tokens) not in (5, 7):
        return None
    if any(token != "," for token in tokens[1::2]):
        return None
    values = [None if keyword(token) else _channel(token, {}) for token in tokens[::2]]
    kinds = ["" if value is None else value.dimension for value in values]
    if name.startswith("hsl"):
        valid = kinds[0] in ("number", "angle") and kinds[1:3] == ["percentage"] * 2
    else:
        valid = kinds[:3] in (["number"] * 3, ["percentage"] * 3)
    return _opacity(tokens[6:], {}) if valid else None


def _opacity(tokens: Sequence[Any], numbers: Mapping[str, float]) -> float | None:
    """The part of a colour behind its slash."""
    if not tokens:
        return 1.0
    channel = _channel(tokens[0], numbers) if len(tokens) == 1 else None
    if channel is None or channel.dimension == "angle":
        return None
    return 0.0 if math.isnan(channel.value) else min(1.0, max(0.0, channel.value))


def _channel(token: Any, numbers: Mapping[str, float]) -> Quantity | None:
    word = keyword(token)
    if word:
        return Quantity(0.0) if word == "none" else Quantity(numbers[word]) if word in numbers else None
    if token.type not in ("number", "percentage", "dimension") and not is_function(token):
        return None
    return evaluate(_replace_names(token, numbers) if numbers else token, _unit)


def _replace_names(token: Any, numbers: Mapping[str, float]) -> Any:
    """A component value with numbers for the names in it."""
    from tinycss2 import ast

    if keyword(token) in numbers:
        value = numbers[token.lower_value]
        return ast.NumberToken(token.source_line, token.source_column, value, None, repr(value))
    if token.type == "function":
        inside = [_replace_names(argument, numbers) for argument in token.arguments]
        return ast.FunctionBlock(token.source_line, token.source_column, token.name, inside)
    if token.type == "() block":
        inside = [_replace_names(argument, numbers) for argument in token.content]
        return ast.ParenthesesBlock(token.source_line, token.source_column, inside)
    return token


def _unit(value: float, unit: str) -> Quantity | None:
    if unit == "%":
        return Quantity(value / 100, "percentage")
    return Quantity(value * DEGREES[unit], "angle") if unit in DEGREES else None


_CHANNELS = {
    "rgb": "rgb",
    "rgba": "rgb",
    "hsl": "hsl",
    "hsla": "hsl",
    "hwb": "hwb",
    "lab": "lab",
    "oklab": "lab",
    "lch": "lch",
    "oklch": "lch",
    "color": "rgb",
    "alpha": "",
}
_POLAR = frozenset({"hsl", "hwb", "lch", "oklch"})
_ARCS = frozenset({"shorter", "longer", "increasing", "decreasing"})
_SPACES = frozenset(
    {"srgb", "srgb-linear", "display-p3", "display-p3-linear", "a98-rgb", "prophoto-rgb", "rec2020"}
    | {"lab", "oklab", "xyz", "xyz-d50", "xyz-d65"}
)
_SYSTEM = (
    "accentcolor accentcolortext activetext buttonborder buttonface buttontext canvas canvastext field"
    " fieldtext graytext highlight highlighttext linktext mark marktext selecteditem selecteditemtext"
    " visitedtext activeborder activecaption appworkspace background buttonhighlight buttonshadow"
    " captiontext inactiveborder inactivecaption inactivecaptiontext infobackground infotext menu menutext"
    " scrollbar threeddarkshadow threedface threedhighlight threedlightshadow threedshadow window windowframe"
    " windowtext -webkit-link -webkit-activelink -webkit-focus-ring-color"
)
_SYSTEM_COLOURS = frozenset(_SYSTEM.split())
