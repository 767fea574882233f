"""Films as their frames: what is seen from when on, and what of it is new; one frame in memory at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.rendering import Picture, Place
from sketchkit_animate.canvas import Box, Pixels
from sketchkit_animate.pens import Pen, pieces_of
from sketchkit_animate.stage import Stage

__all__ = ["Film", "Frame", "drawn", "finished", "pens_of", "shown"]


@dataclass(frozen=True)
class Frame:
    """What is seen from one time until the next frame.

    Args:
        start: in seconds.
        pixels: uint8 [height, width, 3], the whole picture; another one once the next frame is asked for.
        box: the part of it that has changed; all of the first frame.
        changed: bool [height, width] of the box, which of its pixels have changed.
    """

    start: float
    pixels: Pixels
    box: Box
    changed: npt.NDArray[np.bool_]

    def fresh(self) -> Pixels:
        """The box as RGBA, uint8 [height, width, 4]: what has changed is opaque, the rest is (0, 0, 0, 0)."""
        left, top, right, bottom = self.box
        part = self.pixels[top:bottom, left:right]
        return np.dstack([part * self.changed[..., None], self.changed.astype(np.uint8) * 255])


@dataclass(frozen=True)
class Film:
    """Frames in the order of time.

    Args:
        size: width and height in pixels.
        frames: at least one, the first from 0 seconds on; each differs from the one before.
        seconds: until the end of the last one.
    """

    size: tuple[int, int]
    frames: Iterator[Frame]
    seconds: float


def pens_of(pictures: Sequence[Picture], places: Sequence[Place], *, together: bool) -> list[Pen]:
    """A pen for each picture.

    Args:
        pictures: what they draw.
        places: where.
        together: whether all begin at once, or each one after the one before it has lifted.
    """
    pens: list[Pen] = []
    start = 0.0
    for picture, place in zip(pictures, places, strict=True):
        pens.append(Pen(pieces_of(picture, place), place.cell, 0.0 if together else start))
        start = pens[-1].end
    return pens


def drawn(
    stage: Stage, pictures: Sequence[Picture], *, together: bool, count: int, fps: float, hold: float
) -> Film:
    """Drawings that draw themselves.

    Args:
        stage: the sheet.
        pictures: what they become.
        together: whether all are drawn at once.
        count: moments of `1 / fps` seconds until the last line is drawn; each is a frame, unless
            nothing new is seen in it.
        fps: moments a second.
        hold: seconds for which the finished sheet is seen beyond its moment.
    """

    def frames() -> Iterator[Frame]:
        pens = pens_of(pictures, stage.places, together=together)
        whole = max((pen.end for pen in pens), default=0.0)
        canvas = stage.canvas(pictures)
        for moment in range(count):
            # A moment shows what is drawn until its end, so that the last one of all is finished.
            time = whole * (moment + 1) / count if moment + 1 < count else math.inf
            new = canvas.draw(piece for pen in pens for piece in pen.until(time))
            if moment == 0:
                yield _first(canvas.pixels)
            elif new is not None:
                yield Frame(moment / fps, canvas.pixels, *new)

    return Film(stage.size, frames(), count / fps + hold)


def finished(stage: Stage, pictures: Sequence[Picture]) -> Pixels:
    """The sheet with all its lines, uint8 [height, width, 3]."""
    canvas = stage.canvas(pictures)
    pairs = zip(pictures, stage.places, strict=True)
    canvas.draw(piece for picture, place in pairs for piece in pieces_of(picture, place))
    return canvas.pixels


def shown(stage: Stage, pictures: Sequence[Picture], starts: Sequence[float], seconds: float) -> Film:
    """Pictures one after another in the one place of a stage.

    Args:
        stage: a sheet of one cell, whose transform holds for all of them.
        pictures: in the order of time.
        starts: from when on each of them is seen, in seconds, rising from 0.
        seconds: until the end.
    """

    def frames() -> Iterator[Frame]:
        before: Pixels | None = None
        for picture, start in zip(pictures, starts, strict=True):
            pixels = finished(stage, [picture])
            if before is None:
                yield _first(pixels)
            elif (changed := (pixels != before).any(axis=2)).any():
                yield Frame(start, pixels, (0, 0, *stage.size), changed)
            before = pixels

    return Film(stage.size, frames(), seconds)


def _first(pixels: Pixels) -> Frame:
    height, width = pixels.shape[:2]
    return Frame(0.0, pixels, (0, 0, width, height), np.ones((height, width), np.bool_))
