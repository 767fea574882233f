"""Animated WebP, frame by frame and without loss."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image

from sketchkit_animate.film import Film, Frame
from sketchkit_animate.timing import durations

__all__ = ["LONGEST_SIDE", "webp"]

#: In pixels: what its encoder takes.
LONGEST_SIDE = 16383

_TICKS = 1000
_ANIMATED, _EXIF, _ALPHA = 0x02, 0x08, 0x10
_DESCRIPTION = 0x010E  # EXIF's ImageDescription
_METHOD = 4  # how hard the encoder tries: from 5 on it is several times slower


def webp(film: Film, *, loop: bool, words: str) -> bytes:
    """A film as the bytes of an animated WebP.

    Args:
        film: its frames.
        loop: whether it begins again.
        words: for the EXIF description, ASCII; none where empty.
    """
    starts, places, bodies = [], [], []
    for frame in film.frames:
        starts.append(frame.start)
        place, body = _still(frame)
        places.append(place)
        bodies.append(body)
    flags = _ANIMATED | _ALPHA | (_EXIF if words else 0)
    width, height = film.size
    parts = [_chunk(b"VP8X", struct.pack("<I", flags) + _three(width - 1) + _three(height - 1))]
    parts.append(_chunk(b"ANIM", b"\xff\xff\xff\xff" + struct.pack("<H", 0 if loop else 1)))
    for place, body, ticks in zip(places, bodies, durations(starts, film.seconds, _TICKS), strict=True):
        # The last byte: a frame is laid over what is there, and stays.
        parts.append(_chunk(b"ANMF", place + _three(ticks) + b"\0" + body))
    if words:
        exif = Image.Exif()
        exif[_DESCRIPTION] = words
        parts.append(_chunk(b"EXIF", exif.tobytes()))
    content = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def _still(frame: Frame) -> tuple[bytes, bytes]:
    """The place of a frame and its picture, as the container holds them."""
    left, top, _, _ = frame.box
    # Frames begin at even pixels.
    pixels = np.pad(frame.fresh(), ((top % 2, 0), (left % 2, 0), (0, 0)))
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", lossless=True, method=_METHOD)
    size = _three(pixels.shape[1] - 1) + _three(pixels.shape[0] - 1)
    return _three(left // 2) + _three(top // 2) + size, _pixels_of(stream.getvalue())


def _pixels_of(file: bytes) -> bytes:
    """The chunk of pixels of a file of one lossless picture.

    Raises:
        ValueError: it has none.
    """
    at = 12  # behind RIFF, the length and WEBP
    while at + 8 <= len(file):
        length = struct.unpack_from("<I", file, at + 4)[0]
        end = at + 8 + length + length % 2
        if file[at : at + 4] == b"VP8L":
            return file[at:end]
        at = end
    raise ValueError("the WebP encoder wrote no lossless picture")


def _three(number: int) -> bytes:
    """A number in 24 bits."""
    return struct.pack("<I", number)[:3]


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
