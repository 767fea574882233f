"""Affine maps: the `transform` attribute and view boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from sketchkit.formats.svg.values import MAX_NUMBER, NUMBER, SEPARATOR, SPACE, ViewBox

#: (a, b, c, d, e, f): x' = a x + c y + e, y' = b x + d y + f.
Matrix = tuple[float, float, float, float, float, float]

IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_ARGUMENTS = f"{NUMBER}(?:{SEPARATOR}{NUMBER})*+"
_FUNCTION = re.compile(rf"{SPACE}([a-zA-Z]++){SPACE}\({SPACE}({_ARGUMENTS}){SPACE}\){SPACE}(,?+)")
_NUMBER = re.compile(NUMBER)
#: Functions looked at in one attribute.
_MAX_FUNCTIONS = 1000


def multiply(outer: Matrix, inner: Matrix) -> Matrix:
    """The map that does `inner` first and then `outer`."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * m + e, b * k + d * m + f)


def translation(x: float, y: float = 0.0) -> Matrix:
    """The map that moves by (x, y)."""
    return (1.0, 0.0, 0.0, 1.0, x, y)


def mean_scale(matrix: Matrix) -> float:
    """How much longer a transform makes a length, on average over the directions."""
    return math.sqrt(abs(area_scale(matrix)))


def area_scale(matrix: Matrix) -> float:
    """How much larger a transform makes an area; not a number where it is not made of finite numbers."""
    area = matrix[0] * matrix[3] - matrix[1] * matrix[2]
    return area if math.isfinite(area) and all(map(math.isfinite, matrix)) else math.nan


def parse_transform(text: str) -> Matrix | None:
    """The map of a `transform` attribute in SVG 1.1's grammar; `None` where it has an error.

    Browsers ignore all of an attribute with an error.
    """
    matrix = IDENTITY
    position, more = 0, ""
    for _ in range(_MAX_FUNCTIONS):
        match = _FUNCTION.match(text, position)
        if match is None:
            break
        numbers = [float(number) for number in _NUMBER.findall(match[2])]
        known = _FUNCTIONS.get(match[1])
        if known is None or len(numbers) not in known[0] or not max(map(abs, numbers)) <= MAX_NUMBER:
            return None
        matrix, position, more = multiply(matrix, known[1](*numbers)), match.end(), match[3]
    return None if more or text[position:].strip(" \t\n\r\f") else matrix


def scaling(x: float, y: float | None = None) -> Matrix:
    """The map that makes x times as wide, and y times or as many times as high."""
    return (x, 0.0, 0.0, x if y is None else y, 0.0, 0.0)


def rotation(degrees: float, x: float = 0.0, y: float = 0.0) -> Matrix:
    """The map that turns around (x, y), from the x axis towards the y axis."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)


def skewing(x: float, y: float = 0.0) -> Matrix:
    """The map that slants along x and along y, by degrees."""
    return (1.0, math.tan(math.radians(y)), math.tan(math.radians(x)), 1.0, 0.0, 0.0)


#: Name -> how many arguments it may have, and the map it makes of them.
_FUNCTIONS: dict[str, tuple[tuple[int, ...], Callable[..., Matrix]]] = {
    "matrix": ((6,), lambda *numbers: numbers),
    "translate": ((1, 2), translation),
    "scale": ((1, 2), scaling),
    "rotate": ((1, 3), rotation),
    "skewX": ((1,), skewing),
    "skewY": ((1,), lambda y: skewing(0.0, y)),
}


def place_view_box(box: ViewBox, width: float, height: float, aspect: str) -> Matrix:
    """The map from a view box into a viewport at the origin.

    Args:
        box: the view box.
        width: of the viewport, in the units outside.
        height: likewise.
        aspect: the value of `preserveAspectRatio`; empty for the usual one.
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
