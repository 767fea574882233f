"""Stroke-3 npz files as sketch-rnn publishes them: three arrays of drawings in a zip."""

from __future__ import annotations

import itertools
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar

import numpy as np

from sketchkit.errors import FormatError, InputError
from sketchkit.formats.npy import Array, ByteSource, Malformed, numeric_drawings, read_header
from sketchkit.formats.object_array import read_object_array
from sketchkit.options import option
from sketchkit.sketch import Sketch

__all__ = ["SPLITS", "NpzFormat"]

#: The arrays of drawings, in the order they are read.
SPLITS = ("train", "valid", "test")

#: One array, unpacked. The largest published ones have a tenth of it; it is read in pieces.
MAX_ARRAY_BYTES = 4 << 30
#: How much smaller than its content a packed array may be; drawings shrink to a third.
MAX_RATIO = 200
#: A pipe is copied to a temporary file first, since a zip is read from its end.
MAX_PIPE_BYTES = 4 << 30
#: The most that is read at once; bounds the zip's table of contents too.
MAX_READ_BYTES = 4 << 20

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class NpzFormat:
    """Drawings as stroke-3 in a zip of numpy arrays: `train`, `valid` and `test`, any of them.

    Reading takes arrays of arrays [N, 3] and plain arrays [B, N, 3] of any number type and ignores other
    arrays in the file; pickles are read by a machine of its own, which imports and calls nothing. A drawing's
    key is its split and number, such as "valid/12". Writing puts a drawing under the split its key names,
    else under `train`. The format knows rows only: a drawing's place on the page, its label and whether it is
    finished are lost.

    The first point of a drawing is left out, as published files do it: row 0 is ink from there. Only a row 0
    of exactly (0, 0, 0) is the first point itself; it is written only for a drawing of one point and for one
    that begins with the same point twice. A first stroke of one point, if others follow, comes back as that
    point twice, which is how Quick, Draw! writes dots.

    Args:
        split: read or write only this one.

    Raises:
        InputError: a split that does not exist.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    split: str | None = option(None, "read or write only this split", choices=SPLITS)

    def __post_init__(self) -> None:
        if self.split is not None and self.split not in SPLITS:
            raise InputError(f"a split is one of {', '.join(SPLITS)}, got {self.split!r}")

    def read(self, stream: BinaryIO, name: str) -> Iterator[Sketch]:
        """Yield the drawings of train, valid and test, in this order, one at a time.

        Args:
            stream: bytes from the start; a pipe is copied to a temporary file.
            name: the file's, for an error.

        Raises:
            FormatError: one line that begins with `name`, and names the split and the drawing if known.
        """
        with _seekable(stream, name) as file, _open_archive(file, name) as archive:
            members = _members(archive, name)
            splits = SPLITS if self.split is None else (self.split,)
            found = [split for split in splits if f"{split}.npy" in members]
            if not found:
                raise FormatError(f"{name}: holds no array named {' or '.join(splits)}")
            for split in found:
                yield from _read_split(archive, members[f"{split}.npy"], split, name)

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO) -> None:
        """Write drawings as sketch-rnn reads them; the same drawings give the same bytes.

        Offsets are int16 where all are whole numbers in its range, else float32. All drawings are held in
        memory, since that is known only at the end.

        Args:
            sketches: the drawings.
            stream: where to write.
        """
        splits: dict[str, list[Array]] = {split: [] for split in SPLITS}
        for sketch in sketches:
            splits[self.split or _split_of(sketch.key)].append(_to_stored(sketch))
        dtype = np.int16 if all(map(_fits_int16, itertools.chain(*splits.values()))) else np.float32
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for split, drawings in splits.items():
                # A fixed date: the same drawings make the same file on any day.
                info = zipfile.ZipInfo(f"{split}.npy", (1980, 1, 1, 0, 0, 0))
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                with archive.open(info, "w", force_zip64=True) as member:
                    np.save(member, _object_array(drawings, dtype), allow_pickle=True)


def _read_split(archive: zipfile.ZipFile, info: zipfile.ZipInfo, split: str, name: str) -> Iterator[Sketch]:
    where = f"{name}: {split}"
    drawings = _drawings(archive, info)
    index = 0
    while True:
        try:
            rows = next(drawings, None)
            if rows is None:
                return
            sketch = Sketch.from_stroke3(_with_first_point(rows), key=f"{split}/{index}")
        except Malformed as error:
            raise FormatError(f"{where}: {error}") from error
        except InputError as error:
            raise FormatError(f"{where}: drawing {index}: {error}") from error
        yield sketch
        index += 1


def _drawings(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[Array]:
    """The arrays [N, 3] of one member."""
    if info.flag_bits & 0x1:
        raise Malformed("the array is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Malformed(f"the array is packed by the unknown method {info.compress_type}")
    if info.file_size > MAX_ARRAY_BYTES or info.file_size > MAX_RATIO * info.compress_size + MAX_READ_BYTES:
        raise Malformed(f"the array is absurdly large: {info.file_size} bytes")
    with _zip_errors():
        member = archive.open(info)
    with member:

        def read(count: int) -> bytes:
            with _zip_errors():
                return member.read(count)

        source = ByteSource(read, info.file_size)
        header = read_header(source)
        if header.dtype is None:
            yield from read_object_array(source, header.shape)
        else:
            yield from numeric_drawings(source, header)
        source.finish()


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.filename in members:
            raise FormatError(f"{name}: the zip holds {info.filename[:64]!r} twice")
        members[info.filename] = info
    return members


class _Guarded:
    """A stream for `zipfile`, which reads a table of contents at once, however long it says it is."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seekable, self.seek, self.tell = stream.seekable, stream.seek, stream.tell

    def read(self, count: int = -1) -> bytes:
        data = self._stream.read(count if 0 <= count <= MAX_READ_BYTES else MAX_READ_BYTES + 1)
        if len(data) > MAX_READ_BYTES:
            raise ValueError("the zip's table of contents is too long")
        return data


@contextmanager
def _open_archive(stream: BinaryIO, name: str) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(_Guarded(stream))
    except _BROKEN as error:
        raise FormatError(f"{name}: not a zip archive that can be read ({_one_line(error)})") from error
    with archive:
        yield archive


@contextmanager
def _seekable(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    if stream.seekable():
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        size = 0
        while chunk := stream.read(1 << 20):
            size += len(chunk)
            if size > MAX_PIPE_BYTES:
                raise FormatError(f"{name}: more than {MAX_PIPE_BYTES} bytes")
            copy.write(chunk)
        copy.seek(0)
        yield copy


@contextmanager
def _zip_errors() -> Iterator[None]:
    """Turn the errors of a broken zip into `Malformed`."""
    try:
        yield
    except _BROKEN as error:
        raise Malformed(f"the zip is damaged ({_one_line(error)})") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__


def _split_of(key: str | None) -> str:
    """`valid` for "valid/12", and `train` for every other key."""
    split, slash, index = (key or "").partition("/")
    return split if slash and split in SPLITS and index.isdecimal() else SPLITS[0]


def _with_first_point(stored: Array) -> Array:
    """The rows of a drawing with its first point, which files leave out unless it is the row (0, 0, 0)."""
    if not len(stored) or not stored[0].any():
        return stored
    return np.concatenate([np.zeros((1, 3), stored.dtype), stored])


def _to_stored(sketch: Sketch) -> Array:
    """The rows of a drawing as `_with_first_point` takes them."""
    rows = sketch.to_stroke3()
    if len(rows) < 2:
        return np.zeros_like(rows)
    rows[0, :2] = 0.0
    return rows if rows[0].any() or not rows[1].any() else rows[1:]


def _fits_int16(stroke3: Array) -> bool:
    limits = np.iinfo(np.int16)
    inside = (stroke3 >= limits.min).all() and (stroke3 <= limits.max).all()
    return bool(inside and (stroke3 == np.rint(stroke3)).all())


def _object_array(drawings: list[Array], dtype: Any) -> Array:
    # Filled one by one: numpy would turn drawings of one length into a single block.
    array = np.empty(len(drawings), object)
    for i, rows in enumerate(drawings):
        array[i] = rows.astype(dtype)
    return array
