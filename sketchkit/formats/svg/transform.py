"""Affine maps: the `transform` attribute, the CSS property of that name, and view boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from sketchkit.formats.svg.limits import MAX_COORDINATE
from sketchkit.formats.svg.values import NUMBER, SEPARATOR, SPACE, Units, ViewBox

__all__ = [
    "IDENTITY",
    "NOTHING",
    "Matrix",
    "is_flat",
    "mean_scale",
    "multiply",
    "parse_origin",
    "parse_transform",
    "place_view_box",
    "translation",
]

#: (a, b, c, d, e, f): x' = a x + c y + e, y' = b x + d y + f.
Matrix = tuple[float, float, float, float, float, float]

IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
#: Puts everything into one point, so that nothing is drawn.
NOTHING: Matrix = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

_UNIT = r"(?:px|deg|rad|grad|turn)?+"
_ARGUMENTS = f"(?:{NUMBER}{_UNIT}{SEPARATOR})*+"
_FUNCTION = re.compile(rf"{SEPARATOR}([a-zA-Z]++){SPACE}\({SPACE}({_ARGUMENTS})\){SPACE}")
_ARGUMENT = re.compile(f"({NUMBER})({_UNIT})")
#: Functions looked at in one attribute; a longer list is not a transform anybody wrote.
_MAX_FUNCTIONS = 1000
_DEGREES = {"": 1.0, "deg": 1.0, "rad": 180 / math.pi, "grad": 0.9, "turn": 360.0}


def multiply(outer: Matrix, inner: Matrix) -> Matrix:
    """The map that does `inner` first and then `outer`."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * m + e, b * k + d * m + f)


def translation(x: float, y: float) -> Matrix:
    """The map that moves by (x, y)."""
    return (1.0, 0.0, 0.0, 1.0, x, y)


def mean_scale(matrix: Matrix) -> float:
    """How much longer a transform makes a length, on average over the directions."""
    return math.sqrt(abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]))


def is_flat(matrix: Matrix) -> bool:
    """Whether a map leaves no area, or is not made of finite numbers: nothing it maps is drawn."""
    area = matrix[0] * matrix[3] - matrix[1] * matrix[2]
    return area == 0 or not math.isfinite(area) or not all(map(math.isfinite, matrix))


def parse_transform(text: str) -> Matrix:
    """The map of a `transform` attribute or of a simple CSS `transform`.

    Args:
        text: a list of functions; lengths in user units or px, angles in degrees or any CSS unit.

    Returns:
        The map; one that leaves nothing to draw where the text has an error: what stands in an unknown place
        would be wrong in any other.
    """
    matrix = IDENTITY
    position = 0
    for _ in range(_MAX_FUNCTIONS):
        match = _FUNCTION.match(text, position)
        if match is None:
            break
        step = _function(match[1], _ARGUMENT.findall(match[2]))
        if step is None:
            return NOTHING
        matrix = multiply(matrix, step)
        position = match.end()
    return NOTHING if text[position:].strip() else matrix


def _function(name: str, written: list[tuple[str, str]]) -> Matrix | None:
    """One function of a list; None where there is no such function or its arguments do not fit."""
    known = _FUNCTIONS.get(name)
    if known is None or len(written) not in known[0]:
        return None
    units = {unit for _, unit in written if unit}
    angle = name in _ANGLES
    # rotate(30 10 10) mixes an angle with lengths, but only in the attribute, which has no units.
    if units - (_DEGREES.keys() if angle else {"px"}):
        return None
    numbers = [float(number) * (_DEGREES[unit] if angle else 1.0) for number, unit in written]
    if not all(abs(number) <= MAX_COORDINATE for number in numbers):
        return None
    return known[1](*numbers)


def _translate(x: float, y: float = 0.0) -> Matrix:
    return translation(x, y)


def _scale(x: float, y: float | None = None) -> Matrix:
    return (x, 0.0, 0.0, x if y is None else y, 0.0, 0.0)


def _rotate(degrees: float, x: float = 0.0, y: float = 0.0) -> Matrix:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)


def _skew(x: float, y: float = 0.0) -> Matrix:
    return (1.0, math.tan(math.radians(y)), math.tan(math.radians(x)), 1.0, 0.0, 0.0)


_ANGLES = {"rotate", "skewX", "skewY", "skew"}
#: Name -> how many arguments it may have, and the map it makes of them.
_FUNCTIONS: dict[str, tuple[tuple[int, ...], Callable[..., Matrix]]] = {
    "matrix": ((6,), lambda *numbers: numbers),
    "translate": ((1, 2), _translate),
    "translateX": ((1,), _translate),
    "translateY": ((1,), lambda y: translation(0.0, y)),
    "scale": ((1, 2), _scale),
    "scaleX": ((1,), lambda x: _scale(x, 1.0)),
    "scaleY": ((1,), lambda y: _scale(1.0, y)),
    "rotate": ((1, 3), _rotate),
    "skew": ((1, 2), _skew),
    "skewX": ((1,), _skew),
    "skewY": ((1,), lambda y: _skew(0.0, y)),
}


def place_view_box(box: ViewBox, width: float, height: float, aspect: str) -> Matrix:
    """The map from a view box into a viewport at the origin.

    Args:
        box: the view box.
        width: of the viewport, in the units outside.
        height: of the viewport, in the units outside.
        aspect: the value of `preserveAspectRatio`; empty for the usual one.

    Returns:
        The map.
    """
    x_scale, y_scale = width / box.width, height / box.height
    words = [word for word in aspect.split() if word != "defer"] or ["xMidYMid"]
    if words[0] != "none":
        x_scale = y_scale = (max if words[1:] == ["slice"] else min)(x_scale, y_scale)
    align = words[0] if re.fullmatch("x(Min|Mid|Max)Y(Min|Mid|Max)", words[0]) else "xMidYMid"
    x = (width - box.width * x_scale) * _SHARES[align[1:4]] - box.x * x_scale
    y = (height - box.height * y_scale) * _SHARES[align[5:8]] - box.y * y_scale
    return (x_scale, 0.0, 0.0, y_scale, x, y)


_SHARES = {"Min": 0.0, "Mid": 0.5, "Max": 1.0}


def parse_origin(text: str, units: Units) -> tuple[float, float] | None:
    """A `transform-origin`, in user units; None where the text is not one."""
    words = [_KEYWORDS.get(word, word) for word in text.split()[:3]]
    if not words:
        return None
    if len(words) == 1:
        words = ["50%", words[0]] if text.strip() in ("top", "bottom") else [words[0], "50%"]
    elif text.split()[0] in ("top", "bottom") or text.split()[1] in ("left", "right"):
        words[:2] = words[1::-1]
    x, y = units.length(words[0], "x"), units.length(words[1], "y")
    return None if x is None or y is None else (x, y)


_KEYWORDS = {"left": "0%", "top": "0%", "center": "50%", "right": "100%", "bottom": "100%"}
