"""Reading and writing drawings by file name: the format follows from the suffix."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, ClassVar, Literal, TypeAlias

from sketchkit import options as option_tools
from sketchkit import registry
from sketchkit.arguments import describe_value
from sketchkit.errors import FormatError, InputError, PluginError
from sketchkit.files import (
    atomic_write,
    is_url,
    open_file,
    reason,
    shown,
    standard_input,
    standard_output,
)
from sketchkit.formats.base import Format
from sketchkit.formats.streams import (
    SIGNATURE_BYTES,
    bound,
    is_packed,
    kind_of_bytes,
    pack,
    suffix_of,
    unpack,
)
from sketchkit.guard import Guarded
from sketchkit.remote import accept
from sketchkit.sketch import Drawn, Sketch

__all__ = [
    "count_drawings",
    "format_for",
    "format_of",
    "read",
    "read_all",
    "split_reference",
    "write",
    "write_table",
]

#: Digits of the number of a drawing.
_MOST_DIGITS = 12

#: One drawing or many, endings and infills of models, and lists of these.
Drawings: TypeAlias = "Sketch | Drawn | Iterable[Sketch | Drawn | Iterable[Sketch | Drawn]]"
Place = str | os.PathLike[str] | BinaryIO


def split_reference(reference: str) -> tuple[str, int | None]:
    """Split `FILE#K` into a file and the number of a drawing in it.

    Args:
        reference: a file, or FILE#K for its drawing K, counted from 0. A file of this very name goes first.

    Returns:
        The file, and K where it is given.

    Raises:
        InputError: the file exists, but the text after # is not the number of a drawing.
    """
    file, mark, number = reference.rpartition("#")
    if not (mark and file) or os.path.exists(reference):
        return reference, None
    if number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS:
        return file, int(number)
    if is_url(file) or (file != "-" and not os.path.isfile(file)):
        return reference, None
    raise InputError(
        f"{shown(reference)}: drawings are numbered from 0: {shown(file)}#0 is the first of them, and "
        f"{shown(number)} is no such number"
    )


def read(path: Place, *, format: str | None = None, **options: Any) -> Sketch:
    """Read the one drawing of a file, or one of many.

    Args:
        path: a file name or a URL, "-" for standard input, or a binary stream; the last two need `format`.
            FILE#K is drawing K of a file, counted from 0, and reading stops there. A file of this very name
            goes first.
        format: the name of a format; the suffix tells when `None`.
        options: of the format.

    Returns:
        The drawing.

    Raises:
        InputError: the file cannot be opened, the text after # is not a number, or an option is unknown.
        FormatError: an unknown format, a broken file, a missing drawing, or several where one is meant.
        PluginError: the format's plugin does not load.
    """
    number = None
    path = _accept(path)
    if isinstance(path, str | os.PathLike):
        path, number = split_reference(os.fspath(path))
    drawings = read_all(path, format=format, **options)
    name = _name(path, "standard input")
    if number is not None:
        return _pick(drawings, number, name)
    first = next(drawings, None)
    if first is None:
        raise FormatError(f"{name}: holds no drawing")
    another = next(drawings, None)
    drawings.close()
    if another is not None:
        named = isinstance(path, str) and path != "-"
        hint = f", and {name}#0 means the first of them" if named else ""
        raise FormatError(f"{name}: holds several drawings; read_all reads them{hint}")
    return first


def read_all(
    path: Place, *, format: str | None = None, first: int = 0, **options: Any
) -> Generator[Sketch, None, None]:
    """Read the drawings of a file, one at a time.

    The file is opened for the first drawing and closed after the last, or when the generator is closed.

    Args:
        path: a file name or a URL, "-" for standard input, or a binary stream; the last two need `format`.
        format: the name of a format; the suffix tells when `None`.
        first: the number of the first drawing, from 0; those before it are passed over.
        options: of the format.

    Returns:
        A generator of drawings.

    Raises:
        InputError: the file cannot be opened, or an option is unknown.
        FormatError: an unknown format, or a broken file, as soon as reading comes to it.
        PluginError: the format's plugin does not load.
    """
    path = _accept(path)
    return _read_with(_format(path, format, options, format_of), path, first)


def count_drawings(path: Place, *, format: str | None = None) -> int:
    """Count the drawings of a file, in constant memory where the format allows.

    Args:
        path: see `read_all`.
        format: likewise.

    Raises:
        InputError: see `read_all`; also FormatError and PluginError.
    """
    path = _accept(path)
    reader = _format(path, format, {}, format_of)
    count = _extra(reader, "count")
    if count is None:
        return sum(1 for _ in _read_with(reader, path))
    with _explain_missing(path), _open_to_read(path) as stream:
        return int(count(stream, _name(path, "standard input")))


def write(
    sketches: Drawings,
    path: Place,
    *,
    format: str | None = None,
    overwrite: bool = True,
    metadata: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """Write one drawing or many.

    A file appears only when it is complete.

    Args:
        sketches: a drawing, an ending or an infill, of which the whole drawing is written, or any iterable of
            these and of lists of them, used once.
        path: a file name or a URL, "-" for standard output, or a binary stream; the last two need `format`.
        format: the name of a format; the suffix tells when `None`.
        overwrite: whether the file may exist already.
        metadata: how the drawings were made, as JSON values; left out in formats that have no place for it.
        options: of the format.

    Raises:
        InputError: the file exists and must not or cannot be written, or an option is unknown.
        FormatError: an unknown format, or a drawing that the format cannot hold.
        PluginError: the format's plugin does not load.
    """
    if isinstance(sketches, str | os.PathLike):
        raise InputError("write takes drawings, then a path: sketchkit.write(drawings, path)")
    path = _accept(path)
    writer = _format(path, format, options, _format_to_write)
    about = [dict(metadata or {})] if _extra(writer, "keeps_metadata") else []
    _write_with(writer.write, _drawings(sketches), path, overwrite, *about)


def write_table(
    kind: Literal["latents", "scores"],
    blocks: Iterable[Any],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = True,
    metadata: Mapping[str, Any],
) -> None:
    """Write latent vectors or scores; see `Format`.

    Args:
        kind: of the table.
        blocks: its rows, some at a time.
        path: a file name or a URL, whose suffix tells the format.
        overwrite: whether the file may exist already.
        metadata: how they were made, as JSON values.

    Raises:
        InputError: the file exists and must not or cannot be written.
        FormatError: an unknown format, or one without such tables, or rows that it cannot hold.
        PluginError: the format's plugin does not load.
    """
    path = accept(path) if is_url(path) else path
    writer = _extra(_format(path, None, {}, _format_to_write), f"write_{kind}")
    if writer is None:
        raise FormatError(f"{shown(path)}: such files hold no {kind}")
    _write_with(writer, blocks, path, overwrite, dict(metadata))


def format_for(suffix: str) -> str:
    """The name of the format that answers to a suffix.

    Args:
        suffix: with its dot, such as ".svg"; upper case is the same.

    Raises:
        FormatError: an unknown suffix; lists the known ones.
        PluginError: plugins of several publishers answer to it.
    """
    if suffix.lower() == ".svgz":
        raise FormatError("compressed SVG (.svgz) is neither read nor written: unpack it with gunzip first")
    wanted, known, broken = suffix.lower(), set[str](), list[str]()
    plugins = [(name, registry.find("format", name).builtin) for name in registry.names("format")]
    # A built-in that bears the suffix's name is tried first: most files are recognised by one import.
    builtin = sorted((n for n, b in plugins if b), key=lambda n: (f".{n}" != wanted, n))
    for name in builtin:
        suffixes = registry.suffixes_of(registry.load("format", name))
        if wanted in suffixes:
            return name
        known.update(suffixes)
    claims = []
    for name in (n for n, b in plugins if not b):
        try:
            suffixes = registry.suffixes_of(registry.load("format", name))
        except PluginError as error:
            broken.append(str(error))
            continue
        known.update(suffixes)
        if wanted in suffixes:
            claims.append(name)
    if len(claims) == 1:
        return claims[0]
    if claims:
        raise PluginError(f"several plugins read {suffix} files: give format as one of {', '.join(claims)}")
    if wanted.endswith(".gz"):
        raise FormatError(f"{suffix} files are compressed with gzip: unpack them with gunzip first")
    fault = f"the suffix {suffix!r} is unknown" if suffix else "a name without a suffix needs format"
    raise FormatError("; ".join([f"{fault}: there are {', '.join(sorted(known))}", *broken]))


def format_of(path: str | os.PathLike[str]) -> str:
    """The name of the format of a file that is there, by its suffix.

    Raises:
        InputError: a folder, or a missing file whose name lacks a suffix.
        FormatError: an unknown suffix.
        PluginError: see `format_for`.
    """
    try:
        return _format_to_write(path)
    except FormatError:
        if os.path.isdir(path):
            raise InputError(f"{shown(path)}: this is a folder") from None
        if not (is_url(path) or os.path.splitext(path)[1] or os.path.exists(path)):
            raise InputError(f"{shown(path)}: no such file") from None
        raise


class _GuardedFormat(Guarded[Format]):
    """A third-party format: errors name the plugin, except those of the file and of the drawings."""

    # Asked of the class, before a format is made.
    suffixes: ClassVar[tuple[str, ...]] = ()

    passes: ClassVar[tuple[type[Exception], ...]] = (OSError,)  # of the stream

    def read(self, stream: BinaryIO, name: str, *first: int) -> Iterator[Sketch]:
        """Yield the drawings of a stream; see `Format`."""
        return self._iterate(self.__wrapped__.read, stream, name, *first, find_problem=_find_problem)

    def write(self, sketches: Iterable[Sketch], stream: BinaryIO, *metadata: Mapping[str, Any]) -> None:
        """Write drawings to a stream; see `Format`."""
        self.write_with(self.__wrapped__.write, sketches, stream, *metadata)

    def write_with(
        self, method: Callable[..., None], rows: Iterable[Any], stream: BinaryIO, *rest: Any
    ) -> None:
        """Write drawings or rows of a table by a method of the format."""
        try:
            self._call(method, rows, stream, *rest)
            # A wrapper such as io.TextIOWrapper closes its stream when it is deleted.
            if getattr(stream, "closed", False):
                raise PluginError(
                    f"{self.plugin} closes the stream that it is given: leave that to sketchkit"
                )
        except PluginError as error:
            if isinstance(rows, _Source) and error.__cause__ is not None:
                failed = rows.error
                if failed is not None and failed is error.__cause__:
                    raise failed from None
            raise


def _find_problem(sketch: object) -> str | None:
    return None if isinstance(sketch, Sketch) else f"read a {type(sketch).__name__}, not a Sketch"


class _Source(Iterator[Any]):
    """Drawings or rows on their way into a file, with the error that they failed with, if any."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = iter(rows)
        self.error: BaseException | None = None

    def __next__(self) -> Any:
        try:
            return next(self._rows)
        except Exception as error:
            self.error = error
            raise


def _write_with(
    method: Callable[..., None], rows: Iterable[Any], path: Place, overwrite: bool, *rest: Any
) -> None:
    """Write a file by a method of a format."""
    source = _Source(rows)
    try:
        with _open_to_write(path, overwrite) as stream:
            method(source, stream, *rest)
    except FormatError as error:
        if error is source.error:
            raise  # it already names the file it came from
        raise FormatError(f"{_name(path, 'standard output')}: {error}") from error


def _extra(made: Format, name: str) -> Any:
    """What a format may have beside what each has, of a third party guarded; None where it lacks it."""
    if not isinstance(made, _GuardedFormat):
        return getattr(made, name, None)
    found = getattr(made.__wrapped__, name, None)
    if not callable(found):
        return found
    return partial(made.write_with if name.startswith("write_") else made._call, found)


def _drawings(given: Any) -> Iterator[Sketch]:
    """The drawings to be written; of endings and infills the whole ones."""
    sketch = given if isinstance(given, Sketch) else getattr(given, "sketch", None)
    if isinstance(sketch, Sketch):
        yield sketch
        return
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InputError(f"only drawings can be written, got {describe_value(given)}")
    for each in given:
        yield from _drawings(each)


def _pick(drawings: Generator[Sketch, None, None], number: int, name: str) -> Sketch:
    count = 0
    try:
        for count, sketch in enumerate(drawings, start=1):
            if count > number:
                return sketch
    finally:
        drawings.close()
    there = f"only 0 to {count - 1}" if count else "and no other"
    raise FormatError(f"{name}: holds no drawing {number}, {there}")


def _read_with(reader: Format, path: Place, first: int = 0) -> Generator[Sketch, None, None]:
    name = _name(path, "standard input")
    with _explain_missing(path), _open_to_read(path) as stream:
        packed, head = is_packed(stream), _peek(stream)
        drawings = _read_from(reader, stream, name, first)
        try:
            sketch = _first(drawings, head, reader.suffixes)
            if sketch is not None:
                yield sketch
                yield from drawings
        except FormatError:
            if packed:
                raise FormatError(
                    f"{name}: the file is compressed with gzip: unpack it with gunzip first"
                ) from None
            raise


def _read_from(reader: Format, stream: BinaryIO, name: str, first: int) -> Iterator[Sketch]:
    """The drawings from a number on; a format that can count passes over the others unread."""
    if first and _extra(reader, "count"):
        found: Iterator[Sketch] = reader.read(stream, name, first)  # type: ignore[call-arg]
        return found
    return itertools.islice(reader.read(stream, name), first, None)


@contextmanager
def _explain_missing(path: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{_name(path, 'standard input')}: {_missing(error)}") from error


def _first(drawings: Iterator[Sketch], head: bytes, suffixes: Sequence[str]) -> Sketch | None:
    """The first drawing, if any; the error of a file of another kind names the kind."""
    try:
        return next(drawings, None)
    except FormatError as error:
        kind = kind_of_bytes(head, suffixes[0]) if suffixes else None
        if kind is None or kind in str(error):
            raise
        raise FormatError(f"{error}; it is {kind}") from error


def _peek(stream: BinaryIO) -> bytes:
    """The first bytes of a stream, which stay in it; empty where it cannot be looked into."""
    return stream.peek(SIGNATURE_BYTES)[:SIGNATURE_BYTES] if isinstance(stream, io.BufferedReader) else b""


def _format_to_write(path: str | os.PathLike[str]) -> str:
    """The name of the format of a file that may not be there yet."""
    try:
        return format_for(suffix_of(path))
    except FormatError as error:
        raise FormatError(f"{shown(path)}: {error}") from None


def _format(
    path: Place,
    name: str | None,
    values: dict[str, Any],
    by_path: Callable[[str | os.PathLike[str]], str],
) -> Format:
    """The format by its name or by the path, made with its options."""
    if not isinstance(path, str | os.PathLike) and not (hasattr(path, "read") or hasattr(path, "write")):
        raise InputError(f"a path or a binary stream is needed, got {describe_value(path)}")
    if name is None:
        if not isinstance(path, str | os.PathLike) or os.fspath(path) == "-":
            raise InputError(f"{_name(path, 'standard input or output')}: without a suffix it needs format")
        name = by_path(path)

    def create(found: Any) -> Format:
        made: Format = option_tools.create(found, f"format {name!r}", values)
        return made

    def find_problem(made: object) -> str | None:
        return None if isinstance(made, Format) else "has no read, write and suffixes"

    return registry.make("format", name, create, _GuardedFormat, find_problem)


@contextmanager
def _open_to_read(path: Place) -> Iterator[BinaryIO]:
    if not isinstance(path, str | os.PathLike):
        yield path
    elif os.fspath(path) == "-":
        yield bound(standard_input(), "standard input")
    elif "\0" in os.fspath(path):
        raise InputError(f"{shown(path)}: a file name holds no null character")
    else:
        with open_file(path, pipes=True) as stream:
            content = bound(stream, shown(path))
            yield unpack(content, _name(path, "")) if _is_gz(path) else content


@contextmanager
def _open_to_write(path: Place, overwrite: bool) -> Iterator[BinaryIO]:
    if not isinstance(path, str | os.PathLike):
        yield path
    elif os.fspath(path) == "-":
        stream = standard_output()
        yield stream
        stream.flush()
    else:
        with atomic_write(path, overwrite=overwrite) as stream:
            if _is_gz(path):
                with pack(stream) as packed:
                    yield packed
            else:
                yield stream


def _accept(path: Place) -> Place:
    """A URL without its secrets, by which the format is told; anything else as it is."""
    return accept(path) if is_url(path) else path


def _is_gz(path: str | os.PathLike[str]) -> bool:
    return os.fspath(path).lower().endswith(".gz")


def _name(path: Place, standard: str) -> str:
    """The name of the file in an error."""
    if isinstance(path, str | os.PathLike):
        return standard if os.fspath(path) == "-" else shown(path)
    name = getattr(path, "name", None)
    return shown(name) if isinstance(name, str) else "the stream"


def _missing(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return "this is a folder" if isinstance(error, IsADirectoryError) else reason(error)
