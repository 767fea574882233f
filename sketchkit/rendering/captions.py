"""Words that fit under or beside a cell, as far as one can tell without the reader's font."""

from __future__ import annotations

import unicodedata

__all__ = ["fitted", "length"]

# Advance widths in parts of the font size, on the generous side of the usual sans-serif fonts.
_NARROW, _USUAL, _CAPITAL, _WIDE = 0.36, 0.64, 0.78, 1.02
_WIDTHS = {letter: _NARROW for letter in " !'()*,-./:;I[]`fijlrt|"} | {letter: _WIDE for letter in "%@MWmw"}


def fitted(words: str, width: float, font: float) -> str:
    """Words on one line, cut with an ellipsis where they would be wider than the cell.

    Args:
        words: any text; runs of white space become one space.
        width: what there is, in pixels.
        font: the size of the font in pixels.
    """
    line = " ".join(words.split())
    room = width / font
    if len(line) * _WIDE <= room or length(line) <= room:
        return line
    kept, used = 0, _WIDE  # the ellipsis
    for letter in line:
        used += _advance(letter)
        if used > room:
            break
        kept += 1
    return line[:kept].rstrip() + "\u2026"


def length(words: str) -> float:
    """How long words are as a line, in parts of the font size: rather too long than too short."""
    return sum(map(_advance, " ".join(words.split())))


def _advance(letter: str) -> float:
    """How far a letter moves on, in parts of the font size."""
    if letter in _WIDTHS:
        return _WIDTHS[letter]
    if letter.isascii():
        return _CAPITAL if letter.isupper() else _USUAL
    if unicodedata.combining(letter):
        return 0.0
    return _USUAL if unicodedata.category(letter) == "Ll" else _WIDE
