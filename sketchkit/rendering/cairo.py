"""Sheets as PNG and PDF: our own SVG, drawn by CairoSVG.

Only SVG that sketchkit has just written comes here, never a user's file, and nothing is fetched for it.
"""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from sketchkit.errors import InputError, PluginError
from sketchkit.rendering.layout import Layout, Sheet
from sketchkit.rendering.palette import PAPER
from sketchkit.rendering.picture import Picture
from sketchkit.rendering.svg import draw_sheet
from sketchkit.svgdoc import json_text

__all__ = ["PdfRenderer", "PngRenderer"]

#: The longest side of a PNG, in pixels: cairo counts in 16 bits.
LONGEST_SIDE = 32767

#: The most pixels of a PNG: a gibibyte of memory at four bytes each.
MOST_PIXELS = 2**28

#: The longest side of a PDF page, in pixels: 200 inches, what readers of PDF 1.x show.
LONGEST_PDF_SIDE = 19200

_PNG_KEYWORD = b"sketchkit"
_PNG_HEADER_END = 8 + 25  # the signature and the IHDR chunk, which must stay first


@dataclass(frozen=True)
class PngRenderer:
    """PNG on white paper, unless the layout names a background; its metadata in a text chunk.

    Args:
        scale: pixels of the image a pixel of the layout; 2 suits a screen of high density.

    Raises:
        InputError: a scale that is not above 0.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.scale < float("inf"):
            raise InputError(f"the scale of a PNG must be above 0, got {self.scale}")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures on one sheet; see `sketchkit.rendering.Renderer`."""
        cairosvg = _cairosvg()
        on_paper = dataclasses.replace(layout, background=layout.background or PAPER)
        sheet = on_paper.arrange(pictures)
        _check_png_size(sheet, self.scale)
        drawn = draw_sheet(sheet, pictures, on_paper, {})
        png = cairosvg.surface.PNGSurface.convert(drawn, scale=self.scale, unsafe=False, url_fetcher=_refuse)
        return _with_text_chunk(png, metadata)


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
    """Fetches nothing: a sheet refers to nothing outside itself."""
    raise InputError(f"a sheet may not fetch {url!r}")


def _check_png_size(sheet: Sheet, scale: float) -> None:
    width, height = round(sheet.width * scale), round(sheet.height * scale)
    if min(width, height) < 1:
        raise InputError(f"a PNG of {width}x{height} pixels is empty: use larger cells")
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise InputError(
            f"a PNG of {width}x{height} pixels is too large (at most {LONGEST_SIDE} a side and "
            f"{MOST_PIXELS} in all): use smaller cells, fewer drawings or write SVG"
        )


def _with_text_chunk(png: bytes, metadata: Mapping[str, object]) -> bytes:
    """The image with its provenance as JSON in a `tEXt` chunk."""
    if not metadata:
        return png
    body = b"tEXt" + _PNG_KEYWORD + b"\0" + json_text(metadata).encode("ascii")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_PNG_HEADER_END] + chunk + png[_PNG_HEADER_END:]


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
