"""SVG in and out.

A document is read within `limits`, from its bytes alone, and its shapes become polylines in the coordinates
of its root element.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from sketchkit.errors import FormatError
from sketchkit.formats.svg.document import LEFT_OUT, SvgDocument, omissions
from sketchkit.formats.svg.limits import MAX_BYTES
from sketchkit.formats.svg.reader import read_svg
from sketchkit.sketch import Sketch

__all__ = ["LEFT_OUT", "SvgDocument", "SvgFormat", "omissions", "read_bounded", "read_svg", "svg_bytes"]


@dataclass
class SvgFormat:
    """SVG files: each is one drawing.

    Attributes:
        tolerance: how far a polyline may be from its curve, in user units; chosen by the size of the
            drawing when `None`.
        keep_background: whether the paper under the drawing becomes a stroke, too.
    """

    tolerance: float | None = None
    keep_background: bool = False

    suffixes: ClassVar[tuple[str, ...]] = (".svg",)

    def read(self, stream: BinaryIO, name: str) -> Iterator[Sketch]:
        """Yield the one drawing of an SVG document.

        Args:
            stream: the document; may be a pipe.
            name: the document's, for an error.

        Raises:
            FormatError: not SVG, damaged, above one of the limits, or holding text and images only.
        """
        data = read_bounded(stream)
        document = read_svg(data, name, tolerance=self.tolerance, keep_background=self.keep_background)
        yield document.sketch(name)

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        """Write drawings as one SVG document.

        Raises:
            FormatError: drawings that SVG cannot hold.
        """
        from sketchkit.svgdoc import write_drawings

        write_drawings(sketches, stream)


#: The encoding that the declaration of a document names; bounded, so that the search is short.
_DECLARED = re.compile(r"^(\ufeff?<\?xml[^>]{0,200}?)\s{1,20}encoding\s{0,20}=\s{0,20}(?:\"[^\"]*\"|'[^']*')")


def svg_bytes(text: str, name: str) -> bytes:
    """A document that is text already, as UTF-8 bytes; the encoding in its declaration is dropped.

    Args:
        text: the document.
        name: the document's, for an error.

    Raises:
        FormatError: half of a surrogate pair.
    """
    try:
        return _DECLARED.sub(r"\1", text, count=1).encode()
    except UnicodeEncodeError as error:
        raise FormatError(f"{name}: character {error.start} is half of a surrogate pair") from error


def read_bounded(stream: BinaryIO) -> bytes:
    """All of a stream, or one byte more than a document may have."""
    pieces: list[bytes] = []
    left = MAX_BYTES + 1
    while left > 0 and (piece := stream.read(left)):  # a pipe may hand over less than it is asked for
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
