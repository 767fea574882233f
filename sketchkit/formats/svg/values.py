"""Numbers, lengths, view boxes and affine maps, as attributes spell them."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple

from sketchkit.formats.svg.calc import Quantity, components, evaluate, is_function
from sketchkit.formats.svg.limits import MAX_COORDINATE

#: Pieces of regular expressions. Possessive, so that a hostile text cannot make them try again.
NUMBER = r"[+-]?+(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+"
SPACE = r"[ \t\n\r\f]*+"
SEPARATOR = f"{SPACE},?+{SPACE}"

_NUMBER = re.compile(NUMBER)
_NUMBERS = re.compile(f"{SPACE}(?:{NUMBER}{SEPARATOR})*+")
_LENGTH = re.compile(f"{SPACE}({NUMBER})([a-zA-Z]*+|%){SPACE}")

#: Pixels in one of each absolute unit, at the 96 dots an inch of CSS.
_PIXELS = {
    "": 1.0,
    "px": 1.0,
    "pt": 96 / 72,
    "pc": 16.0,
    "in": 96.0,
    "cm": 96 / 2.54,
    "mm": 96 / 25.4,
    "q": 96 / 101.6,
}


#: Usual ems in one of each unit that depends on the font, since fonts are not read.
_EMS = {"em": 1.0, "ex": 0.5, "ch": 0.5, "cap": 0.7, "ic": 1.0, "lh": 1.15}
_VIEWPORT_UNIT = re.compile("[sld]?v(w|h|i|b|min|max)")


class ViewBox(NamedTuple):
    """A rectangle of user space: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


class Root(NamedTuple):
    """The units that are the same in all of a document.

    Attributes:
        font_size: one rem, in user units.
        width: 100vw, in user units: of the page, as for a document that is shown as an image.
        height: 100vh, in user units.
    """

    font_size: float = 16.0
    width: float = 300.0
    height: float = 150.0


class Units(NamedTuple):
    """The relative units at one place of a document.

    Attributes:
        width: of the nearest viewport, in user units; 100 % along x.
        height: of the nearest viewport, in user units; 100 % along y.
        font_size: one em, in user units.
        root: those of the root element.
    """

    width: float
    height: float
    font_size: float = 16.0
    root: Root = Root()

    def length(self, text: str, axis: str = "") -> float | None:
        """A length in user units; `None` where the text is invalid.

        Args:
            text: as written: "3", "2.5mm", "50%", "calc(1em + 2px)".
            axis: of a percentage: "x", "y", or "" for the diagonal.
        """
        match = _LENGTH.fullmatch(text)
        if match is not None:
            value = float(match[1]) * self._scale(match[2].lower(), axis)
        elif "(" in text:
            value = self._calculate(text, axis)
        else:
            return None
        return value if abs(value) <= MAX_COORDINATE else None

    def _calculate(self, text: str, axis: str) -> float:
        """The value of a mathematical function, NaN where it is invalid."""
        tokens = components(text)
        if len(tokens) != 1 or not is_function(tokens[0]):
            return math.nan
        quantity = evaluate(tokens[0], lambda value, unit: self._quantity(value, unit, axis))
        return math.nan if quantity is None else quantity.value

    def _quantity(self, value: float, unit: str, axis: str) -> Quantity | None:
        scale = self._scale(unit, axis)
        return None if math.isinf(scale) else Quantity(value * scale, "length")

    def _scale(self, unit: str, axis: str) -> float:
        """User units in one unit; infinity, which is above every bound, for an unknown one."""
        if unit == "%":
            whole = {"x": self.width, "y": self.height}.get(
                axis, math.hypot(self.width, self.height) / math.sqrt(2)
            )
            return whole / 100
        if unit in _PIXELS:
            return _PIXELS[unit]
        if unit in _EMS:
            return self.font_size * _EMS[unit]
        if unit[:1] == "r" and unit[1:] in _EMS:
            return self.root.font_size * _EMS[unit[1:]]
        viewport = _VIEWPORT_UNIT.fullmatch(unit)
        if viewport is None:
            return math.inf
        _, width, height = self.root
        sides = {"h": height, "b": height, "min": min(width, height), "max": max(width, height)}
        return sides.get(viewport[1], width) / 100


#: A number with so many digits, or such an exponent, that it may be too large to draw.
_LARGE = re.compile(r"[0-9]{13}|[eE]\+?[0-9]{2}")
#: Browsers hold numbers in single precision: a larger one is invalid.
MAX_NUMBER = 3.4028234663852886e38


def is_far(text: str) -> bool:
    """Whether a text holds a number that browsers read and that is too large to draw."""
    if not _LARGE.search(text):
        return False
    return any(MAX_COORDINATE < abs(float(match[0])) <= MAX_NUMBER for match in _NUMBER.finditer(text))


def number_list(text: str, most: int) -> tuple[array[float], bool]:
    """The numbers at the start of a text, separated by spaces or single commas.

    Args:
        text: numbers, and perhaps something else behind them.
        most: how many the caller can use; reading stops behind one more, so that the caller can tell.

    Returns:
        The numbers, and whether the text holds only numbers of a size that can be drawn.
    """
    prefix = _NUMBERS.match(text)
    end = prefix.end() if prefix else 0
    short = end < _SHORT  # the usual case; a long list is read piece by piece, so that `most` bounds it
    numbers = array("d", map(float, _NUMBER.findall(text, 0, end)) if short else _floats(text, end, most))
    if numbers and not max(max(numbers), -min(numbers)) <= MAX_COORDINATE:
        good = next(i for i, value in enumerate(numbers) if not abs(value) <= MAX_COORDINATE)
        return numbers[:good], False
    return numbers, is_clean(text, end)


def is_clean(text: str, end: int) -> bool:
    """Whether numbers read up to `end` are all of a text: a comma asks for one more."""
    return end == len(text) and not text.rstrip(" \t\n\r\f").endswith(",")


#: Characters of a text whose numbers may all be read before they are counted.
_SHORT = 4096


def _floats(text: str, end: int, most: int) -> Iterator[float]:
    for count, match in enumerate(_NUMBER.finditer(text, 0, end)):
        if count > most:
            return
        yield float(match[0])


def parse_number(text: str) -> float | None:
    """A single number without a unit; `None` where the text is not one, or too large to draw."""
    numbers, clean = number_list(text, 1)
    return numbers[0] if clean and len(numbers) == 1 else None


def parse_view_box(text: str) -> ViewBox | None:
    """A `viewBox` with an area; `None` where the text is not one."""
    numbers, clean = number_list(text, 4)
    if not clean or len(numbers) != 4 or numbers[2] <= 0 or numbers[3] <= 0:
        return None
    return ViewBox(*numbers)


#: (a, b, c, d, e, f): x' = a x + c y + e, y' = b x + d y + f.
Matrix = tuple[float, float, float, float, float, float]

IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_ARGUMENTS = f"{NUMBER}(?:{SEPARATOR}{NUMBER})*+"
_FUNCTION = re.compile(rf"{SPACE}([a-zA-Z]++){SPACE}\({SPACE}({_ARGUMENTS}){SPACE}\){SPACE}(,?+)")
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
