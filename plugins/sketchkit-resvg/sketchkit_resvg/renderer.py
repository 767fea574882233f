"""Sheets as PNG: sketchkit's own SVG, drawn by resvg, which needs no library of the system.

Only SVG that sketchkit has just written comes here, never a user's file.
"""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sketchkit.errors import InputError
from sketchkit.options import option
from sketchkit.rendering import Layout, Picture, Sheet, json_text, make_renderer
from sketchkit_resvg.fonts import Font, font

__all__ = ["LONGEST_SIDE", "MOST_PIXELS", "ResvgRenderer"]

#: The longest side of an image, in pixels, as of sketchkit's own PNG.
LONGEST_SIDE = 32767

#: The most pixels of an image: resvg ends the whole process where it finds no memory.
MOST_PIXELS = 2**27

#: Pixels of the sheet an inch.
_DOTS = 96.0

_PAPER = "#FFFFFF"
_HEADER_END = 8 + 25  # the signature and the IHDR chunk, which must stay first


@dataclass(frozen=True)
class ResvgRenderer:
    """PNG on white paper, unless the layout names a background; its metadata in a text chunk.

    Args:
        scale: how much larger than at `dpi`.
        dpi: pixels of the image an inch of the sheet, which has 96 of its own; the image of a page says it.
        font: of titles, labels and captions: the name of a family that is installed, or a file; empty for the
            first of the usual ones that there is.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    scale: float = option(1.0, "How many times larger; 2 suits a fine screen.", low=0.01, high=100)
    dpi: float = option(_DOTS, "Pixels an inch; 300 suits a printer.", low=1, high=9600)
    font: str = option("", "A font's family or its file, .ttf or .otf; found when empty.")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`.

        Raises:
            InputError: a sheet of no pixels or of too many, or a font that is not there.
            PluginError: words on the sheet, and no font to write them in.
        """
        words = json_text(metadata) if metadata else ""
        factor = self.scale * self.dpi / _DOTS
        _check_size(layout.arrange(pictures), factor)
        on_paper = dataclasses.replace(layout, background=layout.background or _PAPER)
        svg = make_renderer("svg").render(pictures, on_paper, {}).decode()
        letters = font(self.font) if self.font or "<text" in svg else None
        png = _drawn(svg, factor, letters)
        chunks = [_chunk(b"pHYs", _density(_DOTS * factor))] if layout.page else []
        if words:
            chunks.append(_chunk(b"tEXt", b"sketchkit\0" + words.encode("ascii")))
        return b"".join((png[:_HEADER_END], *chunks, png[_HEADER_END:]))


def _drawn(svg: str, factor: float, letters: Font | None) -> bytes:
    from resvg_py import svg_to_bytes

    # Without a dpi it takes no sizes in millimetres; the zoom comes on top of it.
    named = letters.arguments if letters else {"skip_system_fonts": True}
    return bytes(svg_to_bytes(svg_string=svg, dpi=_DOTS, zoom=factor, **named))


def _check_size(sheet: Sheet, factor: float) -> None:
    width, height = round(sheet.width * factor), round(sheet.height * factor)
    if min(width, height) < 1:
        raise InputError(f"a PNG of {width}x{height} pixels is empty: use larger cells")
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise InputError(
            f"a PNG of {width}x{height} pixels is too large (at most {LONGEST_SIDE} a side and "
            f"{MOST_PIXELS} in all): use smaller cells, fewer drawings or write SVG"
        )


def _chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _density(dpi: float) -> bytes:
    """The body of a `pHYs` chunk: pixels a metre, the same both ways."""
    metre = max(1, round(dpi / 0.0254))
    return struct.pack(">IIB", metre, metre, 1)
