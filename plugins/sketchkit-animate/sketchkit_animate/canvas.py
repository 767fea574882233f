"""The sheet that lines are drawn on, of which only what a new line touches is computed anew.

How much of a pixel a line covers is told by how far its middle is from the line, so that a line drawn in many
small pieces is the same as one drawn at once; no larger picture is made to be shrunk.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from sketchkit_animate.pens import Float64, Piece

__all__ = ["Box", "Canvas", "Pixels"]

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

#: (left, top, right, bottom) in pixels, the right and lower edge not included.
Box = tuple[int, int, int, int]

#: Shares of a pixel that are told apart: enough for smooth edges, and few colours, which files like.
LEVELS = 16


class Canvas:
    """A sheet with lines on it.

    Args:
        base: what is there before the first line, RGB.
        scale: pixels of the picture a pixel of the sheet.
        stroke: the width of lines of inks that have none of their own, in pixels of the sheet.
    """

    #: The picture, uint8 [height, width, 3]; it changes as lines are drawn.
    pixels: Pixels

    def __init__(self, base: Image.Image, scale: float, stroke: float) -> None:
        self._scale, self._stroke = scale, stroke
        self.pixels = np.array(base)
        # Lines of one ink are one shape: where two of them meet, a pixel is covered by the larger share, and
        # what is under it is what was there before the ink was.
        self._under = self.pixels.copy()
        self._cover = np.zeros(self.pixels.shape[:2], np.uint8)
        self._layer = np.full(self.pixels.shape[:2], -1, np.int32)

    def draw(self, pieces: Iterable[Piece]) -> tuple[Box, Mask] | None:
        """Draw lines.

        Returns:
            The part of the picture that changed, and which of its pixels did, bool
            [height, width]; None where none did.
        """
        changed = np.zeros(self.pixels.shape[:2], np.bool_)
        boxes = [box for piece in pieces if (box := self._line(piece, changed)) is not None]
        if not boxes:
            return None
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        left, top, right, bottom = _tight(changed, (min(lefts), min(tops), max(rights), max(bottoms)))
        return (left, top, right, bottom), changed[top:bottom, left:right]

    def _line(self, piece: Piece, changed: Mask) -> Box | None:
        """Draw a line, and mark what it changes; returns where that may be, None where nothing is."""
        radius = piece.ink.pen(piece.scale, self._stroke).width * self._scale / 2
        points = piece.points * self._scale
        box = _around(points, radius, self.pixels.shape)
        left, top, right, bottom = box
        cover = np.zeros((bottom - top, right - left), np.uint8)
        for a, b in pairwise(points if len(points) > 1 else np.repeat(points, 2, axis=0)):
            x0, y0, x1, y1 = _around(np.stack([a, b]), radius, self.pixels.shape)
            part = cover[y0 - top : y1 - top, x0 - left : x1 - left]
            np.maximum(part, _coverage(a, b, radius, (x0, y0, x1, y1)), out=part)
        return box if self._lay(box, cover, piece, changed) else None

    def _lay(self, box: Box, cover: Pixels, piece: Piece, changed: Mask) -> bool:
        """Lay colour over a part of the picture; returns whether that changes it."""
        left, top, right, bottom = box
        part = np.s_[top:bottom, left:right]
        there = np.where(self._layer[part] == piece.layer, self._cover[part], 0)
        more = cover > there
        if not more.any():
            return False
        new = more & (self._layer[part] != piece.layer)
        self._under[part][new] = self.pixels[part][new]
        self._layer[part][more] = piece.layer
        self._cover[part][more] = cover[more]
        share = cover[more, None].astype(np.int32)
        color = np.array(ImageColor.getrgb(piece.ink.color)[:3], np.int32)
        mixed = (self._under[part][more] * (LEVELS - share) + color * share + LEVELS // 2) // LEVELS
        differs = (mixed != self.pixels[part][more]).any(axis=1)
        self.pixels[part][more] = mixed
        changed[part][more] |= differs
        return bool(differs.any())


def _around(points: Float64, radius: float, shape: tuple[int, ...]) -> Box:
    """The pixels that a line of points [n, 2] may touch; there may be none beside the picture."""
    (left, top), (right, bottom) = points.min(axis=0) - radius - 1, points.max(axis=0) + radius + 1
    height, width = shape[:2]
    x0, y0 = min(max(math.floor(left), 0), width), min(max(math.floor(top), 0), height)
    return x0, y0, max(min(math.ceil(right), width), x0), max(min(math.ceil(bottom), height), y0)


def _coverage(a: Float64, b: Float64, radius: float, box: Box) -> Pixels:
    """How much of each pixel of a box a line from a to b with round ends covers, from 0 to `LEVELS`."""
    left, top, right, bottom = box
    x, y = np.arange(left, right) + 0.5 - a[0], np.arange(top, bottom)[:, None] + 0.5 - a[1]
    dx, dy = b - a
    length = dx * dx + dy * dy
    along = np.clip((x * dx + y * dy) / length, 0.0, 1.0) if length else 0.0
    far = np.hypot(x - along * dx, y - along * dy)
    # The second term is of lines thinner than a pixel, which cover no pixel whole.
    share = np.clip(radius + 0.5 - far, 0.0, 1.0) - np.clip(0.5 - radius - far, 0.0, 1.0)
    cover: Pixels = np.rint(share * LEVELS).astype(np.uint8)
    return cover


def _tight(mask: Mask, box: Box) -> Box:
    """The smallest box in a box that holds all that is true, of which there is some."""
    left, top, right, bottom = box
    part = mask[top:bottom, left:right]
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    return (left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)
