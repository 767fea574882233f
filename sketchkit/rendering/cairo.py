"""Sheets as PNG and PDF: our own SVG, drawn by CairoSVG.

The SVG is always made by sketchkit, users' files stay out, and references are refused.
"""

from __future__ import annotations

import dataclasses
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from sketchkit.errors import InputError, PluginError
from sketchkit.options import option
from sketchkit.rendering.layout import Layout, Sheet
from sketchkit.rendering.page import DOTS
from sketchkit.rendering.palette import PAPER
from sketchkit.rendering.picture import Picture
from sketchkit.rendering.svg import draw_sheet
from sketchkit.svgdoc import json_text

#: The longest side of a PNG, in pixels: cairo counts in 16 bits.
LONGEST_SIDE = 32767

#: The most pixels of a PNG: a gibibyte of memory at four bytes each.
MOST_PIXELS = 2**28

#: The longest side of a PDF page, in pixels: 200 inches, the limit of readers of PDF 1.x.
LONGEST_PDF_SIDE = 19200

_PNG_KEYWORD = b"sketchkit"
_PNG_HEADER_END = 8 + 25  # the signature and the IHDR chunk, which must stay first


@dataclass(frozen=True)
class PngRenderer:
    """PNG on white paper, unless the layout names a background; its metadata in a text chunk.

    Args:
        scale: how much larger than at `dpi`; 2 suits a screen of high density.
        dpi: pixels of the image an inch of the sheet, which has 96 pixels of the layout. The image of a page
            says it, too, so that it is printed at its true size.

    Raises:
        InputError: a scale or a dpi that is not above 0.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    scale: float = option(1.0, "How many times larger; 2 suits a fine screen.")
    dpi: float = option(DOTS, "Pixels an inch; 300 suits a printer.")

    def __post_init__(self) -> None:
        for name in ("scale", "dpi"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise InputError(f"the {name} of a PNG must be above 0, got {value}")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`."""
        factor = self.scale * self.dpi / DOTS
        png = draw_png(layout.arrange(pictures), pictures, layout, factor)
        chunks = [_chunk(b"pHYs", _density(DOTS * factor))] if layout.page else []
        if metadata:
            chunks.append(_chunk(b"tEXt", _PNG_KEYWORD + b"\0" + json_text(metadata).encode("ascii")))
        return b"".join((png[:_PNG_HEADER_END], *chunks, png[_PNG_HEADER_END:]))


def draw_png(sheet: Sheet, pictures: Sequence[Picture], layout: Layout, scale: float) -> bytes:
    """Pictures whose places are known as PNG, on white paper unless the layout names a background.

    Args:
        sheet: where they are.
        pictures: one a cell.
        layout: for the width of lines, the background and the title.
        scale: pixels of the image a pixel of the layout.

    Raises:
        InputError: a sheet of 0 pixels, or of more than a PNG should have.
        PluginError: cairo is not installed.
    """
    cairosvg = _cairosvg()
    _check_png_size(sheet, scale)
    on_paper = dataclasses.replace(layout, background=layout.background or PAPER)
    drawn = draw_sheet(sheet, pictures, on_paper, {})
    png: bytes = cairosvg.surface.PNGSurface.convert(drawn, scale=scale, unsafe=False, url_fetcher=_refuse)
    return png


@dataclass(frozen=True)
class PdfRenderer:
    """PDF of one page, 96 pixels of the layout an inch; its metadata is the subject of the document."""

    suffixes: ClassVar[tuple[str, ...]] = (".pdf",)

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`."""
        cairosvg = _cairosvg()
        sheet = layout.arrange(pictures)
        if max(sheet.width, sheet.height) > LONGEST_PDF_SIDE:
            raise InputError(
                f"a PDF page of {sheet.width:g}x{sheet.height:g} pixels is too large (at most "
                f"{LONGEST_PDF_SIDE} a side): use smaller cells or write SVG"
            )
        surface = _pdf_surface(cairosvg, json_text(metadata) if metadata else "")
        drawn = draw_sheet(sheet, pictures, layout, {})
        pdf: bytes = surface.convert(drawn, unsafe=False, url_fetcher=_refuse)
        return pdf


def _cairosvg() -> Any:
    """CairoSVG, imported only when something is drawn with it.

    Raises:
        PluginError: it or the library that it needs is not installed.
    """
    try:
        import cairosvg
    except (ImportError, OSError) as error:
        raise PluginError(
            "PNG and PDF need CairoSVG and the cairo library: install it with `apt-get install libcairo2` "
            "(Debian, Ubuntu) or `brew install cairo` (macOS), or write SVG"
        ) from error
    return cairosvg


def _refuse(url: str, resource_type: str) -> NoReturn:
    """Refuse a reference, which a sheet lacks."""
    raise InputError(f"a sheet may not fetch {url!r}")


def _check_png_size(sheet: Sheet, scale: float) -> None:
    if not math.isfinite(scale * max(sheet.width, sheet.height)):
        raise InputError(f"a PNG at {scale:g} times its size is too large")
    width, height = round(sheet.width * scale), round(sheet.height * scale)
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


def _pdf_surface(cairosvg: Any, subject: str) -> Any:
    """CairoSVG's PDF surface without the time of day, so that the same sheet is the same bytes."""
    cairo = cairosvg.surface.cairo

    class Surface(cairosvg.surface.PDFSurface):  # type: ignore[misc]
        def _create_surface(self, width: float, height: float) -> Any:
            made = super()._create_surface(width, height)
            made[0].set_metadata(cairo.PDF_METADATA_CREATE_DATE, "")
            made[0].set_metadata(cairo.PDF_METADATA_SUBJECT, subject)
            return made

    return Surface
