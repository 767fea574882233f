"""Numbers, lengths and view boxes, as attributes spell them."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator
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
