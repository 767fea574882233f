"""Letters of single lines, as a pen draws them.

Each is a few polylines on a grid of whole numbers: 4 wide or less, the baseline at 2, small letters up to 6,
capitals up to 8, tails down to 0. Written `xy xy,xy` are a line from point to point and a dot.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt

__all__ = ["BASELINE", "CAPITAL", "SPACING", "Lines", "cut", "lines_of", "width_of"]

#: Polylines [n, 2] on the grid, x to the right, y up.
Lines = list[npt.NDArray[np.float64]]

#: The row that letters stand on, and the height of capitals above it.
BASELINE, CAPITAL = 2, 6

#: Empty columns between two letters.
SPACING = 1.2

_BLANK = 2.0
_ELLIPSIS = "..."

_GLYPHS = {
    "A": "02 06 28 46 42,04 44",
    "B": "02 08 38 47 46 35 05,35 44 43 32 02",
    "C": "47 38 18 07 03 12 32 43",
    "D": "02 08 28 46 44 22 02",
    "E": "48 08 02 42,05 35",
    "F": "48 08 02,05 35",
    "G": "47 38 18 07 03 12 32 43 45 25",
    "H": "02 08,42 48,05 45",
    "I": "02 08",
    "J": "38 33 22 12 03",
    "K": "02 08,48 05 42",
    "L": "08 02 42",
    "M": "02 08 25 48 42",
    "N": "02 08 42 48",
    "O": "12 03 07 18 38 47 43 32 12",
    "P": "02 08 38 47 46 35 05",
    "Q": "12 03 07 18 38 47 43 32 12,24 42",
    "R": "02 08 38 47 46 35 05,25 42",
    "S": "47 38 18 07 06 15 35 44 43 32 12 03",
    "T": "08 48,28 22",
    "U": "08 03 12 32 43 48",
    "V": "08 22 48",
    "W": "08 12 26 32 48",
    "X": "02 48,08 42",
    "Y": "08 25 48,25 22",
    "Z": "08 48 02 42",
    "a": "35 26 16 05 03 12 22 33,36 32",
    "b": "08 02,05 16 26 35 33 22 12 03",
    "c": "35 26 16 05 03 12 22 33",
    "d": "38 32,35 26 16 05 03 12 22 33",
    "e": "04 34 35 26 16 05 03 12 22 33",
    "f": "28 18 07 02,06 26",
    "g": "36 31 20 10 01,35 26 16 05 03 12 22 33",
    "h": "08 02,05 16 26 35 32",
    "i": "06 02,08",
    "j": "16 11 00,18",
    "k": "08 02,36 04 32",
    "l": "08 03 12",
    "m": "06 02,05 16 25 22,25 36 45 42",
    "n": "06 02,05 16 26 35 32",
    "o": "12 03 05 16 26 35 33 22 12",
    "p": "06 00,05 16 26 35 33 22 12 03",
    "q": "36 30,35 26 16 05 03 12 22 33",
    "r": "06 02,05 16 26",
    "s": "36 16 05 14 24 33 22 02",
    "t": "18 13 22,06 26",
    "u": "06 03 12 22 33,36 32",
    "v": "06 22 46",
    "w": "06 12 25 32 46",
    "x": "06 32,02 36",
    "y": "06 03 12 22 33,36 31 20 10 01",
    "z": "06 36 02 32",
    "0": "12 03 07 18 28 37 33 22 12",
    "1": "07 18 12",
    "2": "07 18 28 37 36 02 32",
    "3": "07 18 28 37 36 25 15,25 34 33 22 12 03",
    "4": "22 28 04 34",
    "5": "38 08 05 25 34 33 22 02",
    "6": "37 28 18 07 03 12 22 33 34 25 05",
    "7": "08 38 12",
    "8": "15 06 07 18 28 37 36 25 15 04 03 12 22 33 34 25",
    "9": "03 12 22 33 37 28 18 07 06 15 35",
    "!": "08 04,02",
    '"': "08 06,18 16",
    "#": "12 18,32 38,04 44,06 46",
    "$": "47 38 18 07 06 15 35 44 43 32 12 03,29 21",
    "%": "08 18 17 07 08,33 43 42 32 33,02 48",
    "&": "42 06 07 18 27 26 04 03 12 22 44",
    "'": "08 06",
    "(": "18 07 03 12",
    ")": "08 17 13 02",
    "*": "17 13,06 24,04 26",
    "+": "23 27,05 45",
    ",": "12 01",
    "-": "05 25",
    ".": "02",
    "/": "02 28",
    ":": "05,02",
    ";": "15,12 01",
    "<": "37 05 33",
    "=": "04 34,06 36",
    ">": "07 35 03",
    "?": "07 18 28 37 36 25 24,22",
    "@": "33 35 26 15 14 23 33 44 47 38 18 07 03 12 42",
    "[": "18 08 02 12",
    "\\": "08 22",
    "]": "08 18 12 02",
    "^": "06 18 26",
    "_": "01 41",
    "`": "08 16",
    "{": "28 17 16 05 14 13 22",
    "|": "09 01",
    "}": "08 17 16 25 14 13 02",
    "~": "04 15 34 45",
}

# What a reader takes for the same; everything else that has no glyph is drawn as an empty box.
_ALIKE = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014\u2212\u00d7\u2044", "''\"\"---x/")
_BOX = "02 08 38 32 02"


def _parsed(glyph: str) -> Lines:
    return [
        np.array([(int(point[0]), int(point[1])) for point in line.split()], np.float64)
        for line in glyph.split(",")
    ]


_LINES = {letter: _parsed(glyph) for letter, glyph in _GLYPHS.items()}
_BOX_LINES = _parsed(_BOX)


def lines_of(words: str) -> Lines:
    """The lines of words on one line, from x = 0 on.

    Args:
        words: any text. Accents are left out, letters without a glyph become boxes.
    """
    out: Lines = []
    x = 0.0
    for letter in _plain(words):
        out += [line + np.array([x, 0.0]) for line in _lines(letter)]
        x += _width(letter) + SPACING
    return out


def width_of(words: str) -> float:
    """How wide words are, in columns of the grid."""
    widths = [_width(letter) for letter in _plain(words)]
    return sum(widths) + SPACING * max(len(widths) - 1, 0)


def cut(words: str, width: float) -> str:
    """Words that are no wider than so many columns: as they are, or as many letters as fit and three dots."""
    plain = _plain(words)
    if width_of(plain) <= width:
        return plain
    used = width_of(_ELLIPSIS)
    kept = 0
    for letter in plain:
        used += _width(letter) + SPACING
        if used > width:
            break
        kept += 1
    return plain[:kept].rstrip() + _ELLIPSIS


def _plain(words: str) -> str:
    """Words in the letters that there are glyphs for, as far as they can be: without accents, on one line."""
    letters = unicodedata.normalize("NFKD", words).translate(_ALIKE)
    shown = (letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Me", "Cf"))
    return " ".join("".join(shown).split())


def _lines(letter: str) -> Lines:
    return [] if letter == " " else _LINES.get(letter, _BOX_LINES)


def _width(letter: str) -> float:
    return max((float(line[:, 0].max()) for line in _lines(letter)), default=_BLANK)
