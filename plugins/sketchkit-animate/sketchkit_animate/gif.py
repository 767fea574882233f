"""GIF, frame by frame: one palette for all of them, and of each frame only what is new."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from PIL import GifImagePlugin, Image

from sketchkit_animate.canvas import Pixels
from sketchkit_animate.film import Film, Frame
from sketchkit_animate.timing import durations

__all__ = ["LONGEST_SIDE", "Palette", "gif"]

#: In pixels: sizes are written in 16 bits.
LONGEST_SIDE = 65535

#: The unit of its times, in parts of a second.
_TICKS = 100

# The last colour of the table stands for what stays as it is.
_COLORS, _UNCHANGED = 255, 255


class Palette:
    """Up to 255 colours, and for every other one the nearest of them.

    Args:
        picture: uint8 [height, width, 3], whose most frequent colours it takes.
        first: colours that it has in any case, such as those of the inks.
    """

    def __init__(self, picture: Pixels, first: Sequence[tuple[int, ...]]) -> None:
        found, counts = np.unique(_packed(picture), return_counts=True)
        often = found[np.argsort(-counts, kind="stable")].tolist()
        wanted = [int(_packed(np.array(color, np.uint8))) for color in first]
        self._known = list(dict.fromkeys([*wanted, *often]))[:_COLORS]
        self._indices = {color: index for index, color in enumerate(self._known)}
        self._table = np.array([_unpacked(color) for color in self._known], np.int64)

    @property
    def table(self) -> bytes:
        """256 colours of three bytes each, black where there are fewer."""
        return bytes(self._table.astype(np.uint8).tobytes()).ljust(3 * 256, b"\0")

    def indices(self, pixels: Pixels) -> npt.NDArray[np.uint8]:
        """The numbers [n] of the colours nearest to those of uint8 [n, 3]."""
        colors, where = np.unique(_packed(pixels), return_inverse=True)
        numbers = np.array([self._nearest(color) for color in colors.tolist()], np.uint8)
        return numbers[where]

    def _nearest(self, color: int) -> int:
        if color not in self._indices:
            far = ((self._table - np.array(_unpacked(color))) ** 2).sum(axis=1)
            self._indices[color] = int(far.argmin())
        return self._indices[color]


def gif(film: Film, palette: Palette, *, loop: bool, words: str) -> bytes:
    """A film as the bytes of a GIF.

    Args:
        film: its frames, at most 50 a second.
        palette: the colours of all of them.
        loop: whether it begins again.
        words: for the comment, ASCII; none where empty.
    """
    starts, images = [], []
    for frame in film.frames:
        starts.append(frame.start)
        images.append(_image(frame, palette))
    parts = [b"GIF89a", struct.pack("<HHBBB", *film.size, 0xF7, 0, 0), palette.table]
    if loop:
        parts.append(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")
    if words:
        parts += [b"\x21\xfe", *_blocks(words.encode("ascii")), b"\0"]
    for image, ticks in zip(images, durations(starts, film.seconds, _TICKS), strict=True):
        # Of the flags: leave the picture as it is for the next frame, and there is a transparent colour.
        parts += [b"\x21\xf9\x04", struct.pack("<BHBB", 0b101, ticks, _UNCHANGED, 0), image]
    return b"".join([*parts, b";"])


def _image(frame: Frame, palette: Palette) -> bytes:
    """The descriptor and the pixels of a frame."""
    left, top, right, bottom = frame.box
    indices = np.full(frame.changed.shape, _UNCHANGED, np.uint8)
    indices[frame.changed] = palette.indices(frame.pixels[top:bottom, left:right][frame.changed])
    return b"".join(GifImagePlugin.getdata(Image.fromarray(indices), (left, top)))


def _blocks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 255):
        block = content[start : start + 255]
        yield bytes([len(block)]) + block


def _packed(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Colours as one number each, of an array [..., 3]."""
    wide = pixels.astype(np.int64)
    packed: npt.NDArray[np.int64] = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    return packed


def _unpacked(color: int) -> tuple[int, int, int]:
    return color >> 16, color >> 8 & 255, color & 255
