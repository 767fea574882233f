"""Drawings as files, with what they were drawn by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson

from sketchkit import Sketch, __version__, render
from sketchkit.rendering import Ink, Picture, make_renderer
from sketchkit_canvas.frames import frames_svg
from sketchkit_canvas.messages import MAX_TEXT, Drawing, MessageError, drawing_of
from sketchkit_canvas.version import VERSION

__all__ = ["FORMATS", "Export", "Exported", "export"]

#: By name: the media type, and the suffix of a file.
FORMATS = {
    "svg": ("image/svg+xml", "svg"),
    "png": ("image/png", "png"),
    "gif": ("image/gif", "gif"),
    "animated-svg": ("image/svg+xml", "svg"),
}
#: What a model drew, as in sketchkit's own sheets.
ADDED = "#0072B2"
MAX_DRAWINGS = 40
#: The side of a picture in pixels: alone on the sheet, one of several, and of a film.
_ALONE, _AMONG, _FILM = 768.0, 256.0, 384.0
#: Seconds for which a drawing of a row is shown, and more for both ends of it.
_SECONDS, _PAUSE = 0.12, 0.6
_ANIMATED = ("gif", "animated-svg")


@dataclass(frozen=True)
class Export:
    """What is to become a file.

    Args:
        drawings: one or more, perhaps without a stroke.
        added: of a single drawing, which of its strokes a model drew; None where nothing is known.
        metadata: what the page knows of how they were drawn.
    """

    drawings: tuple[Drawing, ...]
    added: tuple[bool, ...] | None
    metadata: Mapping[str, Any]

    @classmethod
    def read(cls, content: bytes) -> Export:
        """Check what the page sends.

        Raises:
            MessageError: anything else; one line.
        """
        try:
            values = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise MessageError(f"not JSON: {error.msg}") from None
        if not isinstance(values, dict):
            raise MessageError("an export is a JSON object")
        given = values.get("drawings")
        if not isinstance(given, list) or not 1 <= len(given) <= MAX_DRAWINGS:
            raise MessageError(f"drawings must be a list of 1 to {MAX_DRAWINGS}")
        drawings = tuple(drawing_of(each, least=0) for each in given)
        return cls(drawings, _added(values.get("added"), drawings), _metadata(values.get("metadata")))


@dataclass(frozen=True)
class Exported:
    """A file."""

    content: bytes
    media_type: str
    name: str


def export(asked: Export, format: str) -> Exported:
    """Make a file.

    Args:
        asked: what is in it.
        format: one of `FORMATS`.

    Raises:
        InputError: a sheet or a film that the format cannot hold.
    """
    pictures = _pictures(asked)
    media_type, suffix = FORMATS[format]
    if format == "animated-svg" and len(pictures) > 1:
        frames = [Sketch.from_polylines(drawing) for drawing in asked.drawings]
        content = frames_svg(frames, _SECONDS, _PAUSE, asked.metadata, _FILM)
    else:
        content = _rendered(pictures, format, asked.metadata)
    return Exported(content, media_type, f"{_stem(asked.metadata)}.{suffix}")


def _rendered(pictures: Sequence[Picture], format: str, metadata: Mapping[str, Any]) -> bytes:
    cell = _FILM if format in _ANIMATED else _ALONE if len(pictures) == 1 else _AMONG
    options: dict[str, Any] = {}
    if format == "gif":
        options = {"seconds": _SECONDS, "pause": _PAUSE, "back_and_forth": len(pictures) > 2}
    return render(
        pictures,
        renderer=make_renderer(format, options),
        cell=cell,
        stroke=max(cell / 192, 2),
        metadata=metadata,
    )


def _pictures(asked: Export) -> list[Picture]:
    if asked.added is None:
        return [Picture((Ink(Sketch.from_polylines(drawing)),)) for drawing in asked.drawings]
    # Strokes of one hand that follow each other are one ink, so that the order of them all is kept.
    strokes = zip(asked.added, asked.drawings[0], strict=True)
    runs = [(model, [line for _, line in run]) for model, run in groupby(strokes, key=lambda each: each[0])]
    inks = [
        Ink(Sketch.from_polylines(lines), ADDED, "added") if model else Ink(Sketch.from_polylines(lines))
        for model, lines in runs
    ]
    return [Picture(tuple(inks))]


def _added(value: object, drawings: Sequence[Drawing]) -> tuple[bool, ...] | None:
    if value is None:
        return None
    if len(drawings) != 1:
        raise MessageError("added is for a single drawing: give null for several")
    if not isinstance(value, list) or not all(isinstance(each, bool) for each in value):
        raise MessageError("added must be a list of true and false, or null")
    if len(value) != len(drawings[0]):
        raise MessageError(f"added must say {len(drawings[0])} times true or false, a stroke each")
    return tuple(value)


def _metadata(value: object) -> dict[str, Any]:
    """Provenance under the names that sketchkit's own files have."""
    if value is not None and not isinstance(value, dict):
        raise MessageError("metadata must be an object, or null")
    given = {name: each for name, each in (value or {}).items() if each is not None}
    kinds: dict[str, tuple[type, ...]] = {
        "model": (str,),
        "label": (str,),
        "mode": (str,),
        "temperature": (int, float),
        "seed": (int,),
        "index": (int,),
        "tries": (int,),
        "part": (int, float),
        "curves": (bool,),
    }
    out: dict[str, Any] = {"generator": "sketchkit", "version": __version__, "canvas": VERSION}
    for name, types in kinds.items():
        each = given.get(name)
        if each is None:
            continue
        if type(each) not in types or (isinstance(each, str) and len(each) > MAX_TEXT):
            raise MessageError(f"the metadata's {name} makes no sense")
        out["class" if name == "label" else name] = each
    return out


def _stem(metadata: Mapping[str, Any]) -> str:
    """The name of a file without its suffix, in letters that every system takes."""
    words = [str(metadata[name]) for name in ("class", "mode", "seed", "index") if name in metadata]
    harmless = (re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-") for word in words)
    return "-".join(filter(None, harmless)) or "drawing"
