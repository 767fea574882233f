"""Files of the command line as drawings, each with a name to call its outputs by."""

from __future__ import annotations

import io
import itertools
import sys
from dataclasses import dataclass, field
from pathlib import Path

from sketchkit.errors import InputError
from sketchkit.formats import format_for, read_all
from sketchkit.formats.svg import SvgDocument, read_svg
from sketchkit.sketch import Sketch

__all__ = ["Input", "only_once", "read_inputs"]

STDIN = "-"


@dataclass(frozen=True)
class Input:
    """One drawing to work on.

    Args:
        sketch: the drawing.
        source: the file as the user wrote it.
        stem: what outputs made from it are called.
        document: for SVG, its bytes and what the reader found; kept where layers are added to it.
    """

    sketch: Sketch
    source: str
    stem: str
    document: tuple[bytes, SvgDocument] | None = field(default=None, repr=False)


def read_inputs(
    files: list[str], stdin_format: str = "svg", limit: int | None = None, keep_documents: bool = False
) -> list[Input]:
    """Read every drawing of every file.

    Args:
        files: paths; `-` is standard input.
        stdin_format: what comes on standard input.
        limit: the most drawings taken from one file.
        keep_documents: keep the bytes of SVG documents.

    Raises:
        InputError: a file that is missing, unreadable, or without a drawing.
    """
    return [each for file in files for each in _inputs_of(file, stdin_format, limit, keep_documents)]


def only_once(files: list[str]) -> None:
    """Refuse `-` given twice: standard input can only be read once."""
    if files.count(STDIN) > 1:
        raise InputError("standard input (-) is given more than once")


def _inputs_of(file: str, stdin_format: str, limit: int | None, keep_documents: bool) -> list[Input]:
    kind = stdin_format if file == STDIN else format_for(Path(file).suffix)
    stem = "stdin" if file == STDIN else Path(file).stem
    if kind == "svg" and keep_documents:
        return [_with_document(file, stem)]
    drawings = read_all(file, format=kind)
    sketches = list(itertools.islice(drawings, limit))
    drawings.close()
    if not sketches:
        raise InputError(f"{file}: holds no drawing")
    if len(sketches) == 1:
        return [Input(sketches[0], file, stem)]
    digits = len(str(len(sketches) - 1))
    return [Input(sketch, file, f"{stem}-{i:0{digits}}") for i, sketch in enumerate(sketches)]


def _with_document(file: str, stem: str) -> Input:
    from sketchkit.formats.svg.limits import MAX_BYTES

    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if file == STDIN else _head(Path(file), MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{file}: {(error.strerror or str(error)).lower()}") from error
    document = read_svg(data, file)
    sketch = next(iter(read_all(io.BytesIO(data), format="svg")))
    return Input(sketch, file, stem, (data, document))


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(size)
