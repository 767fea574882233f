"""Where the pen is at which time: along its lines at one speed, with a moment for each lift and each dot."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.rendering import Ink, Picture, Place

__all__ = ["Pen", "Piece", "pieces_of"]

Float64 = npt.NDArray[np.float64]

#: A pen that lifts takes the time of a line of this share of its cell, whether it goes far or not.
LIFT_SHARE = 0.08

#: A line takes at least the time of a line of this share of its cell: a dot has no length.
DOT_SHARE = 0.03


@dataclass(frozen=True)
class Piece:
    """What a pen draws without lifting.

    Args:
        points: [n, 2] in pixels of the sheet, n at least 1; one point is a dot.
        ink: in whose colour and width.
        layer: the number of the ink in its picture.
        scale: pixels of the sheet in a drawing unit.
    """

    points: Float64
    ink: Ink
    layer: int
    scale: float = 1.0


def pieces_of(picture: Picture, place: Place) -> list[Piece]:
    """The lines of a picture in pen order, the first ink's first."""
    return [
        Piece(place.apply(line), ink, layer, place.scale)
        for layer, ink in enumerate(picture.inks)
        for line in ink.polylines()
    ]


class Pen:
    """The pen of one picture; time is how many pixels it could have drawn until then.

    Args:
        pieces: its lines, in pen order.
        cell: the side of its cell in pixels: what lifts and dots are measured by.
        start: when it begins.
    """

    #: When it is finished; when it begins where it has nothing to draw.
    end: float

    def __init__(self, pieces: Sequence[Piece], cell: float, start: float = 0.0) -> None:
        self._pieces = list(pieces)
        counts = [len(piece.points) for piece in pieces]
        self._line = np.repeat(np.arange(len(pieces)), counts)
        self._points = np.concatenate([piece.points for piece in pieces]) if pieces else np.zeros((0, 2))
        self._begins = np.diff(self._line, prepend=-1) > 0
        times, self.end = _times(pieces, cell, start)
        self._times = np.concatenate(times) if times else np.zeros(0)
        self._next, self._tip = 0, np.zeros(2)

    def until(self, time: float) -> list[Piece]:
        """What it draws from the last time it was asked for until a time; nothing before that is told again.

        Args:
            time: not before the last one; infinity for all that is left.
        """
        reached = int(np.searchsorted(self._times, time, side="right"))
        tip = self._on_the_way(reached, time)
        drawn = list(self._runs(reached, tip))
        if reached > self._next:
            self._tip = self._points[reached - 1]
        if tip is not None:
            self._tip = tip
        self._next = reached
        return drawn

    def _on_the_way(self, reached: int, time: float) -> Float64 | None:
        """Where the pen is between the last point that it has reached and the next; None in the air."""
        if reached in (0, len(self._points)) or self._begins[reached]:
            return None
        before, after = self._times[reached - 1 : reached + 1]
        share = (time - before) / (after - before)
        tip: Float64 = self._points[reached - 1] + share * (self._points[reached] - self._points[reached - 1])
        return tip

    def _runs(self, reached: int, tip: Float64 | None) -> Iterator[Piece]:
        """From where the pen is to the row before `reached`, and to the tip: a piece for each line."""
        points, lines = self._points[self._next : reached], self._line[self._next : reached]
        if 0 < self._next < len(self._points) and not self._begins[self._next]:
            points, lines = np.vstack([self._tip, points]), np.append(self._line[self._next], lines)
        if tip is not None:
            points, lines = np.vstack([points, tip]), np.append(lines, self._line[reached])
        for part in np.split(np.arange(len(lines)), np.flatnonzero(np.diff(lines)) + 1):
            if len(part):
                yield dataclasses.replace(self._pieces[lines[part[0]]], points=points[part])


def _times(pieces: Sequence[Piece], cell: float, start: float) -> tuple[list[Float64], float]:
    """When each point of each line is reached, and when all is done."""
    times, now, end = [], start, start
    for piece in pieces:
        steps = np.hypot(*np.diff(piece.points, axis=0).T)
        times.append(now + np.concatenate([[0.0], np.cumsum(steps)]))
        end = max(float(times[-1][-1]), now + DOT_SHARE * cell)
        now = end + LIFT_SHARE * cell
    return times, end
