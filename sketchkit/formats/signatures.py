"""What a file is whose suffix says something else, by its first bytes."""

from __future__ import annotations

__all__ = ["SIGNATURE_BYTES", "kind_of_bytes"]

#: So many bytes tell.
SIGNATURE_BYTES = 64

_TRACE = "trace it to SVG first"
_UNPACK = "unpack it first"
_SAVE = "save or export it as SVG first"
#: First bytes, what begins with them, what to do, and the formats of which they are the usual ones.
_SIGNATURES: tuple[tuple[bytes, str, str, tuple[str, ...]], ...] = (
    (b"\x89PNG", "a PNG image", _TRACE, ()),
    (b"\xff\xd8\xff", "a JPEG image", _TRACE, ()),
    (b"GIF8", "a GIF image", _TRACE, ()),
    (b"BM", "a BMP image", _TRACE, ()),
    (b"II*\0", "a TIFF image", _TRACE, ()),
    (b"MM\0*", "a TIFF image", _TRACE, ()),
    (b"\0\0\1\0", "an ICO image", _TRACE, ()),
    (b"8BPS", "a Photoshop image", _TRACE, ()),
    (b"%PDF", "a PDF document", _SAVE, ()),
    (b"%!PS", "a PostScript document", _SAVE, ()),
    (b"\xd0\xcf\x11\xe0", "an Office document", _SAVE, ()),
    (b"\x1f\x8b", "a gzip file", "unpack it with gunzip first", (".ndjson",)),
    (b"BZh", "a bzip2 file", _UNPACK, ()),
    (b"\xfd7zXZ", "an xz file", _UNPACK, ()),
    (b"\x28\xb5\x2f\xfd", "a zstd file", _UNPACK, ()),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK, ()),
    (b"PK\x03\x04", "a zip archive", _UNPACK, (".npz",)),
    (b"\x93NUMPY", "a numpy array", "save drawings as npz", (".npz",)),
    (b"<!doctype html", "an HTML page", _SAVE, ()),
    (b"<html", "an HTML page", _SAVE, (".svg",)),
    (b"<svg", "SVG", "give it the suffix .svg", (".svg",)),
    (b"<?xml", "XML", "give SVG the suffix .svg", (".svg",)),
    (b"{", "JSON text", "lines of drawings have the suffix .ndjson", (".ndjson",)),
    (b"[", "JSON text", "lines of drawings have the suffix .ndjson", (".ndjson",)),
)
#: The same inside a container: at byte 4 or 8.
_BRANDS = {
    b"WEBP": "a WebP image",
    b"avif": "an AVIF image",
    b"heic": "a HEIC image",
    b"mif1": "a HEIC image",
}


def kind_of_bytes(head: bytes, suffix: str) -> str | None:
    """What begins with some bytes, and what to do about it; None if unknown, or what the suffix says.

    Args:
        head: the first `SIGNATURE_BYTES` of the file, or all of it.
        suffix: of the format that the file should be of.
    """
    if head[:4] == b"RIFF" or head[4:8] == b"ftyp":
        brand = _BRANDS.get(head[8:12])
        return None if brand is None else f"{brand}: {_TRACE}"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, what, advice, usual in _SIGNATURES:
        if head.startswith(start) or (start[:1] in b"<{[" and text.startswith(start)):
            return None if suffix in usual else f"{what}: {advice}"
    return None
