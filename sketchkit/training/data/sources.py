"""From files to drawings with a class: one at a time, however many there are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sketchkit.errors import FormatError, InputError
from sketchkit.files import explain_errors, is_url, open_file, shown
from sketchkit.formats import format_for, read_all
from sketchkit.formats.npz import SPLITS, NpzFormat
from sketchkit.formats.quickdraw import BinFormat, read_records
from sketchkit.formats.streams import bound, stem_of, suffix_of, unpack
from sketchkit.formats.svg import read_bounded, read_svg
from sketchkit.remote import accept
from sketchkit.sketch import Sketch
from sketchkit.training.data.recipe import Item

__all__ = ["Source", "find_sources", "read_items"]

# Looked for in the line itself, since a drawing leaves these entries out. In JSON text neither pattern can
# stand inside a string, whose quotation marks would have a backslash.
_RECOGNIZED = re.compile(rb'"recognized"\s*:\s*(true|false)')
#: A first stroke of three columns or more, which hold times or pressure, so the drawing is raw.
_TIMED = re.compile(rb'"drawing"\s*:\s*\[\s*\[\s*\[[^\]]*\]\s*,\s*\[[^\]]*\]\s*,')
#: The head of a packed drawing, and where in it stands whether the drawing was recognised.
_HEAD_BYTES, _RECOGNIZED_BYTE = 17, 10


@dataclass(frozen=True)
class Source:
    """One file of drawings.

    Args:
        path: the file; a `str` is a URL.
        label: the class of its drawings, where they do not say so themselves.
        kind: the name of its format.
    """

    path: str | Path
    label: str
    kind: str


def find_sources(paths: Sequence[str | os.PathLike[str]]) -> Iterator[Source]:
    """The files that a user means: files as they are, and of folders all readable files in them, by name.

    Args:
        paths: files, their URLs, or folders. The class of an SVG in a folder is the name of that folder.

    Raises:
        InputError: a file that is missing, or a folder that lacks readable files.
        FormatError: a file of an unknown kind.
    """
    for given in paths:
        path = Path(given)
        if is_url(given):
            name = accept(given)
            yield Source(name, _to_text(stem_of(name)), _find_kind(name))
        elif path.is_dir():
            source: Source | None = None
            for source in _walk_folder(path):
                yield source
            if source is None:
                raise InputError(f"{shown(path)}: holds no file of drawings")
        elif path.exists():
            yield Source(path, _to_text(stem_of(path)), _find_kind(path))
        else:
            raise InputError(f"{shown(path)}: no such file")


def _walk_folder(folder: Path) -> Iterator[Source]:
    """The files of a folder, then those of the folders in it; a loop, as folders may be very deep."""
    top, waiting = folder.resolve().name, [folder]
    while waiting:
        place = waiting.pop()
        with explain_errors(place):
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        # Links to folders are not followed: they may lead back.
        folders = [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
        waiting += [each for each in reversed(folders) if not each.name.startswith(".")]
        for path in map(Path, entries):
            try:
                kind = _find_kind(path)
            except FormatError:
                continue  # a readme, a licence...
            if path.is_file() or not path.exists():  # else a pipe, a socket, a device, a folder
                parent = top if place == folder else place.name
                yield Source(path, _to_text(parent if kind == "svg" else stem_of(path)), kind)


def _find_kind(path: str | Path) -> str:
    try:
        return format_for(suffix_of(path))
    except FormatError as error:
        raise FormatError(f"{shown(path)}: {error}") from None


def _to_text(name: str) -> str:
    """A name as text that can be written down; file names may hold any bytes."""
    return name.encode("utf-8", "replace").decode()


def read_items(
    source: Source,
    progress: Callable[[int], None] = lambda done: None,
    *,
    left_out: Callable[[Mapping[str, int]], None] = lambda counts: None,
    keep_background: bool = False,
) -> Iterator[Item]:
    """The drawings of a file, one at a time.

    Args:
        source: the file.
        progress: called with the bytes read so far, where the format tells them.
        left_out: called with the counts, by kind, of things that an SVG document's strokes leave out.
        keep_background: make strokes of the paper in an SVG document, too.

    Raises:
        InputError: the file cannot be opened.
        FormatError: the file is damaged.
    """
    if source.kind == "ndjson":
        return _read_ndjson(source, progress)
    if source.kind == "quickdraw-bin":
        return _read_bin(source, progress)
    if source.kind == "svg":
        return _read_svg(source, left_out, keep_background=keep_background)
    drawings = read_all(source.path, format=source.kind)
    if source.kind == "npz":
        return _read_npz(source, drawings)
    return (Item(each, each.label or source.label, "page", key=each.key) for each in drawings)


class _ProgressStream:
    """A stream that reports how far it has been read, and keeps the last head of a packed drawing."""

    def __init__(self, stream: BinaryIO, progress: Callable[[int], None]) -> None:
        self._stream, self._progress = stream, progress
        self._done = 0
        self.head = b""

    def read(self, count: int = -1) -> bytes:
        data = self._count(self._stream.read(count))
        if count == _HEAD_BYTES:  # odd, as the size of no other part is
            self.head = data
        return data

    def readline(self, limit: int = -1) -> bytes:
        return self._count(self._stream.readline(limit))

    def _count(self, data: bytes) -> bytes:
        before, self._done = self._done, self._done + len(data)
        if self._done >> 20 != before >> 20:  # every mebibyte is often enough
            self._progress(self._done)
        return data


def _read_ndjson(source: Source, progress: Callable[[int], None]) -> Iterator[Item]:
    with _open(source.path) as file:
        stream: Any = _ProgressStream(file, progress)
        name = shown(source.path)
        if suffix_of(source.path).lower() == ".ndjson.gz":
            stream = unpack(stream, name)
        for text, sketch in read_records(stream, name):
            match = _RECOGNIZED.search(text)
            yield Item(
                sketch,
                sketch.label or source.label,
                "page" if _TIMED.search(text) else "pixels",
                key=sketch.key,
                recognized=None if match is None else match[1] == b"true",
            )


def _read_bin(source: Source, progress: Callable[[int], None]) -> Iterator[Item]:
    with _open(source.path) as file:
        stream: Any = _ProgressStream(file, progress)
        for sketch in BinFormat().read(stream, shown(source.path)):
            recognized = stream.head[_RECOGNIZED_BYTE] == 1
            yield Item(sketch, source.label, "pixels", key=sketch.key, recognized=recognized)


def _read_svg(
    source: Source, left_out: Callable[[Mapping[str, int]], None], *, keep_background: bool
) -> Iterator[Item]:
    name = shown(source.path)
    with _open(source.path) as stream:
        document = read_svg(read_bounded(stream), name, keep_background=keep_background)
    left_out(document.left_out)
    # A document of text alone is an empty drawing here: it is counted as one, among many.
    sketch = document.sketch(name) if document.polylines else Sketch.from_polylines([])
    yield Item(sketch, source.label, "page")


def _read_npz(source: Source, drawings: Iterable[Sketch]) -> Iterator[Item]:
    has_splits = _has_splits(source.path)
    for sketch in drawings:
        # The key only says where in the file the drawing is.
        split = (sketch.key or "").partition("/")[0] if has_splits else None
        yield Item(sketch, source.label, "rows", split=split)


def _has_splits(path: str | Path) -> bool:
    """Whether an npz file has drawings to validate or to test with; taken for granted of a pipe."""
    if not (is_url(path) or os.path.isfile(path)):
        return True
    for split in SPLITS[1:]:
        with _open(path) as stream, suppress(FormatError):  # reading the file itself says what is wrong
            if next(NpzFormat(split).read(stream, shown(path)), None) is not None:
                return True
    return False


@contextmanager
def _open(path: str | Path) -> Iterator[BinaryIO]:
    with explain_errors(path), open_file(path, pipes=True) as stream:
        yield bound(stream, shown(path))
