"""The title, the labels and the captions of a sheet as lines of a pen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketchkit.rendering import Layout, Picture, Sheet
from sketchkit_plotter.letters import BASELINE, CAPITAL, Lines, cut, lines_of, width_of

__all__ = ["words_of"]

# Of capitals, in parts of the font size: a little less than in print, so that words are no wider than there.
_HEIGHT = 0.66


def words_of(pictures: Sequence[Picture], sheet: Sheet, layout: Layout) -> Lines:
    """The lines of all words, points [n, 2] in pixels of the sheet.

    Args:
        pictures: for their captions.
        sheet: for the places of all words.
        layout: whether captions are shown.

    Returns:
        Lines on the sheet; words too wide for it are narrowed, captions wider than their cell cut.
    """
    out: Lines = []
    for line in sheet.words:
        out += _set(line.text, line.at, line.font, line.anchor == "end", sheet.width)
    if layout.label:
        for picture, place in zip(pictures, sheet.places, strict=True):
            columns = place.cell / (sheet.font * _HEIGHT / CAPITAL)
            words = cut(picture.caption or "", columns)
            out += _set(words, sheet.baseline(place), sheet.font, False, sheet.width)
    return out


def _set(words: str, at: tuple[float, float], font: float, at_end: bool, width: float) -> Lines:
    """Words with the middle or the end of their baseline at a point."""
    x, y = at
    size = font * _HEIGHT / CAPITAL
    columns = width_of(words)
    room = x if at_end else 2 * min(x, width - x)
    narrow = min(size, room / columns) if columns else size
    left = x - columns * narrow * (1.0 if at_end else 0.5)
    grid, scale = np.array([0.0, BASELINE]), np.array([narrow, -size])
    return [np.array([left, y]) + (line - grid) * scale for line in lines_of(words)]
