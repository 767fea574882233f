"""Sheets of paper by name, and millimetres as pixels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from sketchkit.errors import InputError

#: Pixels an inch: those of CSS, which a screen shows smaller or larger.
DOTS = 96.0

#: Pixels a millimetre.
MILLIMETRE = DOTS / 25.4

#: The defaults on paper, in millimetres.
MARGIN, GAP, STROKE = 10.0, 3.0, 0.4

#: Width and height in millimetres, upright.
_SIZES = {
    "A3": (297.0, 420.0),
    "A4": (210.0, 297.0),
    "A5": (148.0, 210.0),
    "Letter": (215.9, 279.4),
    "Legal": (215.9, 355.6),
}
_BY_NAME = {name.lower(): size for name, size in _SIZES.items()}
_LANDSCAPE = "-landscape"
_MEASURES = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)x(\d{1,6}(?:\.\d{1,6})?)mm", re.ASCII)


@dataclass(frozen=True)
class OwnPage:
    """The page of the file that a drawing comes from.

    Args:
        width: in millimetres.
        height: in millimetres.
        left: the x of its left edge, in drawing units.
        top: the y of its upper edge, in drawing units.
        unit: millimetres in a drawing unit.
    """

    width: float
    height: float
    left: float
    top: float
    unit: float


@dataclass(frozen=True)
class Page:
    """A page of paper.

    Args:
        width: in millimetres.
        height: in millimetres.

    Raises:
        InputError: a side that is not above 0.
    """

    width: float
    height: float

    def __post_init__(self) -> None:
        if not (0 < self.width < math.inf and 0 < self.height < math.inf):
            raise InputError(f"the sides of a page must be above 0 mm, got {self}")

    @classmethod
    def named(cls, name: str) -> Page:
        """The page of a name.

        Args:
            name: A3, A4, A5, Letter or Legal, each also with `-landscape`, or measures such as `210x297mm`;
                in any case.

        Raises:
            InputError: another name.
        """
        wanted = name.lower()
        upright = _BY_NAME.get(wanted.removesuffix(_LANDSCAPE))
        if upright is not None:
            return cls(*(upright[::-1] if wanted.endswith(_LANDSCAPE) else upright))
        measures = _MEASURES.fullmatch(wanted)
        if measures is None:
            raise InputError(
                f"no page is called {name!r}: there are {', '.join(_SIZES)}, each also with {_LANDSCAPE}, "
                "and measures such as 210x297mm"
            )
        return cls(float(measures[1]), float(measures[2]))

    def __str__(self) -> str:
        return f"{self.width:g}x{self.height:g} mm"
