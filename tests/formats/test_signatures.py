"""Files that are not what their suffix says: the error says what they are."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from sketchkit.errors import FormatError
from sketchkit.formats import read, read_all
from sketchkit.formats.svg import read_svg


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.svg", "<svg/>")
    return stream.getvalue()


KINDS = {
    "a PNG image": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "a JPEG image": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "a GIF image": b"GIF89a\x01\0\x01\0",
    "a WebP image": b"RIFF\x24\0\0\0WEBPVP8 ",
    "an AVIF image": b"\0\0\0\x20ftypavif",
    "a TIFF image": b"II*\0\x08\0\0\0",
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3",
    "a PostScript document": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "a zip archive": _zip(),
    "an HTML page": b"\n<!DOCTYPE html>\n<html><br></html>",
    "JSON text": b'\xef\xbb\xbf{"drawing": [[[0, 1], [0, 1]]]}\n',
}


@pytest.mark.parametrize("what", KINDS)
def test_a_file_that_is_called_svg_is_told_by_what_it_is(tmp_path: Path, what: str) -> None:
    path = tmp_path / "drawing.svg"
    path.write_bytes(KINDS[what])
    with pytest.raises(FormatError, match=f"drawing.svg: not SVG but {what}"):
        read(path)
    with pytest.raises(FormatError, match=f"^it: not SVG but {what}"):
        read_svg(KINDS[what], "it")


@pytest.mark.parametrize(
    ("suffix", "what"),
    [
        (".npz", "a PNG image"),
        (".npz", "JSON text"),
        (".ndjson", "a PNG image"),
        (".ndjson", "a PDF document"),
        (".ndjson", "a zip archive"),
        (".bin", "JSON text"),
    ],
)
def test_so_is_a_file_with_another_suffix(tmp_path: Path, suffix: str, what: str) -> None:
    path = tmp_path / f"drawing{suffix}"
    path.write_bytes(KINDS[what])
    with pytest.raises(FormatError, match=f"drawing{suffix}: .*; it is {what}"):
        list(read_all(path))


@pytest.mark.parametrize("suffix", [".svg", ".npz", ".bin"])
def test_so_is_what_gzip_has_packed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"drawing{suffix}"
    path.write_bytes(gzip.compress(b"<svg/>"))
    with pytest.raises(FormatError, match="the file is compressed with gzip: unpack it with gunzip first"):
        list(read_all(path))
    with pytest.raises(FormatError, match=r"^it: not SVG but a gzip file: unpack it with gunzip first$"):
        read_svg(path.read_bytes(), "it")


def test_svg_under_another_suffix_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "drawing.ndjson"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L1 1"/></svg>')
    with pytest.raises(FormatError, match=r"line 1: .*; it is SVG: give it the suffix \.svg$"):
        read(path)


def test_a_broken_file_of_the_right_kind_keeps_its_own_error(tmp_path: Path) -> None:
    path = tmp_path / "drawings.ndjson"
    path.write_text('{"drawing": [[[0, 1], [0, 1]]]}\n{"drawing": 5}\n')
    with pytest.raises(FormatError, match="line 2"):
        list(read_all(path))
    path.write_text('{"drawing": 5}\n')
    with pytest.raises(FormatError, match="line 1: no list of strokes"):
        list(read_all(path))
