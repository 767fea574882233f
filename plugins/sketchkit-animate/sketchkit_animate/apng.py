"""Animated PNG, frame by frame and without loss; whoever knows no animation sees a still picture."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

from sketchkit_animate.canvas import Pixels
from sketchkit_animate.film import Film
from sketchkit_animate.timing import durations

__all__ = ["LONGEST_SIDE", "apng"]

#: In pixels: what readers of PNG can be trusted with.
LONGEST_SIDE = 32767

# Times are fractions of two numbers of 16 bits: milliseconds where they fit.
_TICKS, _MOST_TICKS = 1000, 65535

_LEVEL = 9
_OVER = 1  # a frame is laid over what is there, and stays


def apng(film: Film, still: Pixels, *, loop: bool, words: str) -> bytes:
    """A film as the bytes of an animated PNG.

    Args:
        film: its frames.
        still: uint8 [height, width, 3], what readers show that know no animation.
        loop: whether it begins again.
        words: for a text chunk, ASCII; none where empty.
    """
    starts, boxes, bodies = [], [], []
    for frame in film.frames:
        starts.append(frame.start)
        boxes.append(frame.box)
        bodies.append(_compressed(frame.fresh()))
    parts = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", struct.pack(">IIBBBBB", *film.size, 8, 6, 0, 0, 0))]
    parts.append(_chunk(b"acTL", struct.pack(">II", len(bodies), 0 if loop else 1)))
    if words:
        parts.append(_chunk(b"tEXt", b"sketchkit\0" + words.encode("ascii")))
    opaque = np.full((*still.shape[:2], 1), 255, np.uint8)
    parts.append(_chunk(b"IDAT", _compressed(np.dstack([still, opaque]))))
    sequence = iter(range(2 * len(bodies)))
    times = durations(starts, film.seconds, _TICKS)
    for (left, top, right, bottom), body, ticks in zip(boxes, bodies, times, strict=True):
        place = struct.pack(">IIIII", next(sequence), right - left, bottom - top, left, top)
        parts.append(_chunk(b"fcTL", place + struct.pack(">HHBB", *_delay(ticks), 0, _OVER)))
        parts.append(_chunk(b"fdAT", struct.pack(">I", next(sequence)) + body))
    return b"".join([*parts, _chunk(b"IEND", b"")])


def _delay(ticks: int) -> tuple[int, int]:
    """A time as numerator and denominator."""
    return (ticks, _TICKS) if ticks <= _MOST_TICKS else (round(ticks / 10), _TICKS // 10)


def _compressed(pixels: npt.NDArray[np.uint8]) -> bytes:
    """The rows of pixels [height, width, channels], none of them filtered: they have few colours."""
    rows = pixels.reshape(len(pixels), -1)
    return zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes(), _LEVEL)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
