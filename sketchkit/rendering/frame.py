"""The parts of a sheet for one size of its cells: the grid, and the bands of words around it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

#: How far below the upper edge of its band the baseline of a line stands, in parts of the font size.
BASELINE = 1.1

# The font grows with the cell, within readable bounds.
_FONT_SHARE = 0.07
_LARGEST_FONT = 20.0
_TITLE_SHARE = 1.5
_LINE_HEIGHT = 1.6
# Of a row's label: from its last letter to the cells; from its middle down to its baseline.
_SPACE, _HALF_LETTER = 0.7, 0.35
# A row's label is cut where it is longer than a cell, or than this in parts of the font size.
_LABEL_LENGTH = 8.0

# Halvings of the size of a cell: more than float64 tells apart.
_HALVINGS = 60

# Advance widths in parts of the font size, on the generous side of the usual sans-serif fonts.
_NARROW, _USUAL, _CAPITAL, _WIDE = 0.36, 0.64, 0.78, 1.02
_WIDTHS = {letter: _NARROW for letter in " !'()*,-./:;I[]`fijlrt|"} | {letter: _WIDE for letter in "%@MWmw"}


@dataclass(frozen=True)
class Words:
    """A line of words on a sheet.

    Args:
        text: the line, which fits where it stands.
        at: (x, y) in pixels where its baseline is held.
        font: its size in pixels.
        anchor: which part of the baseline is held there.
        title: whether it is the title.
    """

    text: str
    at: tuple[float, float]
    font: float
    anchor: Literal["middle", "end"] = "middle"
    title: bool = False


@dataclass(frozen=True)
class Legend:
    """The words of a sheet.

    Args:
        captions: whether each cell has a band for one under it.
        title: a line above everything.
        rows: the names of the rows, from the top.
        columns: the names of the columns, from the left.
        least: the smallest size of a font, in pixels.
    """

    captions: bool
    title: str | None
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    least: float


@dataclass(frozen=True)
class Frame:
    """A grid of cells with its bands; all lengths in pixels, from the upper left corner of the whole.

    Args:
        columns: of cells.
        rows: of cells.
        cell: the side of a cell.
        gap: between two cells.
        legend: the words around them.
    """

    columns: int
    rows: int
    cell: float
    gap: float
    legend: Legend

    @property
    def font(self) -> float:
        """The size of all words but the title, in whole pixels so that the page stays in whole pixels too."""
        return float(round(min(max(_FONT_SHARE * self.cell, self.legend.least), _LARGEST_FONT)))

    @property
    def title_font(self) -> float:
        """The size of the title."""
        return float(round(_TITLE_SHARE * self.font))

    @property
    def label_band(self) -> float:
        """The width of the band of the rows' labels."""
        longest = max(map(length, self.legend.rows), default=0.0)
        if not longest:
            return 0.0
        return float(math.ceil(min(longest * self.font, self._label_room) + _SPACE * self.font))

    @property
    def top(self) -> float:
        """The height of the bands of the title and of the columns' labels."""
        return self._title_band + (self._line(self.font) if any(self.legend.columns) else 0.0)

    @property
    def step(self) -> tuple[float, float]:
        """From one cell to the next: to the right, and down."""
        caption = self._line(self.font) if self.legend.captions else 0.0
        return (self.cell + self.gap, self.cell + caption + self.gap)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the whole."""
        across, down = self.step
        return (self.label_band + self.columns * across - self.gap, self.top + self.rows * down - self.gap)

    def corner(self, index: int) -> tuple[float, float]:
        """(x, y) of the upper left corner of a cell, counted row by row."""
        across, down = self.step
        row, column = divmod(index, self.columns)
        return (self.label_band + column * across, self.top + row * down)

    def words(self, room: float) -> list[Words]:
        """The title and the labels.

        Args:
            room: the width for the title, which stands in the middle of the whole.
        """
        out = []
        if self.legend.title:
            line = fit_words(self.legend.title, room, self.title_font)
            out.append(
                Words(line, (self.size[0] / 2, BASELINE * self.title_font), self.title_font, title=True)
            )
        return [*out, *self._column_words(), *self._row_words()]

    def _column_words(self) -> list[Words]:
        baseline = self._title_band + BASELINE * self.font
        return [
            Words(
                fit_words(label, self.cell, self.font),
                (self.corner(i)[0] + self.cell / 2, baseline),
                self.font,
            )
            for i, label in enumerate(self.legend.columns)
            if label
        ]

    def _row_words(self) -> list[Words]:
        right = self.label_band - _SPACE * self.font
        return [
            Words(
                fit_words(label, self._label_room, self.font),
                (right, self.corner(i * self.columns)[1] + self.cell / 2 + _HALF_LETTER * self.font),
                self.font,
                "end",
            )
            for i, label in enumerate(self.legend.rows)
            if label
        ]

    @property
    def _label_room(self) -> float:
        return max(self.cell, _LABEL_LENGTH * self.font)

    @property
    def _title_band(self) -> float:
        return self._line(self.title_font) if self.legend.title else 0.0

    @staticmethod
    def _line(font: float) -> float:
        return float(math.ceil(_LINE_HEIGHT * font))


def largest(frame: Callable[[float], Frame], room: tuple[float, float]) -> Frame | None:
    """The frame of the largest cells that fits into a room; `None` where even cells of size 0 are too large.

    Args:
        frame: the frame of a size of cell.
        room: width and height.
    """

    def fits(cell: float) -> bool:
        return all(side <= most for side, most in zip(frame(cell).size, room, strict=True))

    low, high = 0.0, max(room)
    if not fits(low):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return frame(low)


def best(frames: Sequence[Frame | None]) -> Frame | None:
    """The frame with the largest cells, of such with the fewest, or `None`."""
    there = [frame for frame in frames if frame is not None]
    return max(there, key=lambda frame: (frame.cell, -frame.columns * frame.rows), default=None)


def fit_words(words: str, width: float, font: float) -> str:
    """Words on one line, cut with an ellipsis where they would be wider than the cell.

    Args:
        words: any text; runs of white space become one space.
        width: in pixels.
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
