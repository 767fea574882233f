"""Which pen draws which colour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from PIL import ImageColor

from sketchkit.errors import InputError
from sketchkit.svgdoc import check_color

__all__ = ["MOST_PENS", "PenMap", "color_name", "long_color"]

#: The highest number of a pen.
MOST_PENS = 64

_OTHERS = "*"
_NUMBER = re.compile("[0-9]{1,2}")


@dataclass(frozen=True)
class PenMap:
    """The pens of colours that a user names.

    Args:
        numbers: of the pens, from 1, by colour as `long_color` writes it.
        others: of the pen for all other colours; they are refused when None.
    """

    numbers: Mapping[str, int]
    others: int | None = None

    @classmethod
    def parse(cls, text: str) -> PenMap:
        """The pens of a text such as "black=1+#06c=2+*=3".

        Raises:
            InputError: a part that is not a colour and the number of a pen, or a colour that is named twice.
        """
        numbers: dict[str, int] = {}
        for part in text.split("+"):
            color, _, number = (word.strip() for word in part.partition("="))
            if not (_NUMBER.fullmatch(number) and 1 <= int(number) <= MOST_PENS):
                raise InputError(
                    f"colors are written black=1+#06c=2+*=3, with pens from 1 to {MOST_PENS}, got {part!r}"
                )
            key = color if color == _OTHERS else long_color(check_color(color))
            if key in numbers:
                raise InputError(f"colors names {color} twice")
            numbers[key] = int(number)
        others = numbers.pop(_OTHERS, None)
        return cls(numbers, others)

    @property
    def highest(self) -> int:
        """The highest number of a pen."""
        return max([*self.numbers.values(), self.others or 1])

    def group(self, colors: Iterable[str]) -> dict[int, list[str]]:
        """The colours of each pen, by its number.

        Raises:
            InputError: a colour without a pen.
        """
        pens: dict[int, list[str]] = {}
        for color in colors:
            number = self.numbers.get(color, self.others)
            if number is None:
                name = color_name(color)
                raise InputError(f"colors has no pen for {name}: add {name}=1, or *=1 for all others")
            pens.setdefault(number, []).append(color)
        return dict(sorted(pens.items()))


def long_color(color: str) -> str:
    """A colour as `#rrggbb` in lower case, so that one colour has one spelling.

    Args:
        color: `#rgb`, `#rrggbb` or a name of SVG's.
    """
    return "#{:02x}{:02x}{:02x}".format(*ImageColor.getrgb(color)[:3])


def color_name(color: str) -> str:
    """The name of a colour `#rrggbb`, or the colour itself where SVG has no name for it."""
    return _names().get(color, color)


@cache
def _names() -> dict[str, str]:
    # Of two names of a colour, such as gray and grey, the first in the alphabet.
    return {long_color(name): name for name in sorted(ImageColor.colormap, reverse=True)}
