"""Opening files: to write them whole or not at all, and to read nothing that is no file."""

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedReader
from typing import BinaryIO

from sketchkit.counts import named
from sketchkit.errors import FormatError, InputError

__all__ = [
    "GZIP_MAGIC",
    "atomic_write",
    "check_path",
    "checksum_of",
    "file_checksum",
    "is_temporary",
    "open_file",
    "open_handle",
    "place_new",
    "read_file",
    "reason",
    "shown",
    "standard_input",
    "standard_output",
    "utf8_text",
]

#: How every file begins that gzip has packed.
GZIP_MAGIC = b"\x1f\x8b"
#: How text in UTF-16 or UTF-32 begins: with a byte-order mark, or with a character of ASCII.
_UTF16 = re.compile(rb"\xff\xfe|\xfe\xff|\0\0\xfe\xff|[\t\n\r -~]\0|\0[\t\n\r -~]")

# Opening a pipe that has no writer waits for one, and opening a terminal may make it the process's own.
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def open_file(path: str | os.PathLike[str], *, pipes: bool = False) -> BufferedReader:
    """Open a file to read its bytes.

    Args:
        path: of the file; links are followed.
        pipes: whether a pipe or a terminal may stand for the file, as in `<(...)` and `/dev/stdin`. A pipe
            must have a writer, for which nothing waits.

    Raises:
        OSError: it cannot be opened, or is no file; `reason` says so in a few words.
        ValueError: the path holds a null character.
    """
    stream = open(path, "rb", opener=partial(open_handle, pipes=pipes))  # noqa: SIM115 - the caller's to close
    # A pipe without a writer ends at once.
    if pipes and not stat.S_ISREG(os.fstat(stream.fileno()).st_mode) and not stream.peek(1):
        stream.close()
        raise OSError(errno.EINVAL, "nothing was written to this pipe", os.fspath(path))
    return stream


def open_handle(path: str | os.PathLike[str], flags: int, mode: int = 0o666, *, pipes: bool = False) -> int:
    """Open a file as `os.open` does, but nothing else: neither to wait for a pipe nor to read without end.

    Args:
        path: of the file.
        flags: of `os.open`.
        mode: the permissions of a new file.
        pipes: see `open_file`.

    Returns:
        The descriptor.

    Raises:
        OSError: it cannot be opened, or is no file.
    """
    with suppress(FileNotFoundError):
        _check_kind(os.stat(path).st_mode, path, pipes=pipes)
    handle = os.open(path, flags | _AT_ONCE, mode)
    try:
        found = os.fstat(handle).st_mode  # another file may have taken the name since
        _check_kind(found, path, pipes=pipes and (not stat.S_ISCHR(found) or os.isatty(handle)))
        if not stat.S_ISREG(found):
            os.set_blocking(handle, True)
    except BaseException:
        os.close(handle)
        raise
    return handle


def read_file(path: str | os.PathLike[str], most: int, *, pipes: bool = False) -> bytes:
    """The bytes of a file.

    Args:
        path: of the file; links are followed.
        most: how many bytes it may have.
        pipes: see `open_file`.

    Raises:
        OSError, ValueError: see `open_file`.
        FormatError: it is longer.
    """
    with open_file(path, pipes=pipes) as stream:
        size = os.fstat(stream.fileno()).st_size  # 0 for a pipe
        content = stream.read(min(size or most, most) + 1)
    if len(content) > most:
        raise FormatError(f"{shown(path)}: more than {most} bytes")
    return content


def _check_kind(mode: int, path: str | os.PathLike[str], *, pipes: bool) -> None:
    kind = stat.S_IFMT(mode)
    if kind in _KINDS and not (pipes and kind in (stat.S_IFIFO, stat.S_IFCHR)):
        number = errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL
        raise OSError(number, f"this is {_KINDS[kind]}, not a file", os.fspath(path))


def standard_input() -> BinaryIO:
    """The bytes of standard input.

    Raises:
        InputError: whoever started the program closed it.
    """
    if sys.stdin is None:
        raise InputError("standard input is closed")
    return sys.stdin.buffer


def standard_output() -> BinaryIO:
    """The bytes of standard output.

    Raises:
        InputError: whoever started the program closed it.
    """
    if sys.stdout is None:
        raise InputError("standard output is closed")
    return sys.stdout.buffer


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only when everything in it is written.

    The bytes go to a temporary file in the same folder; whatever interrupts the writing, Ctrl-C included,
    removes it and leaves a file of that name as it was. A new file gets the usual permissions, a replaced one
    keeps its own. Links are followed; pipes and devices are written straight, as nothing in them can be lost.

    Args:
        path: the file to be.
        overwrite: whether it may exist already.

    Yields:
        A binary stream.

    Raises:
        InputError: the file exists and must not, its folder is missing, or it cannot be written.
    """
    name = shown(path)
    target, mode = _destination(path, name)
    if mode is not None and not stat.S_ISREG(mode):
        with _told(name, target), open(target, "wb") as stream:
            yield stream
        return
    if mode is not None and not overwrite:
        raise InputError(f"{name}: the file exists already")
    temporary = os.path.join(os.path.dirname(target), f".{os.urandom(8).hex()}.tmp")
    try:
        with _told(name, temporary):
            with open(temporary, "xb") as stream:
                if mode is not None:
                    os.chmod(temporary, stat.S_IMODE(mode))
                yield stream
            if overwrite:
                os.replace(temporary, target)
            else:
                _place(temporary, target, name)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def is_temporary(name: str) -> bool:
    """Whether a file of this name is what `atomic_write` left when it was killed."""
    return re.fullmatch(r"\.[0-9a-f]{16}\.tmp", name) is not None


def _place(temporary: str, target: str, name: str) -> None:
    try:
        place_new(temporary, target)
    except FileExistsError:
        raise InputError(f"{name}: the file exists already") from None


def place_new(source: str, target: str) -> None:
    """Give a file its final name, unless somebody else has taken that by now.

    Args:
        source: where it lies, in the same folder.
        target: its name to be.

    Raises:
        FileExistsError: there is a file of that name.
    """
    try:
        os.link(source, target)  # in one step, where a look and a rename would take two
    except FileExistsError:
        raise
    except OSError as error:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(target) from error
        os.replace(source, target)
    else:
        os.unlink(source)


def checksum_of(data: bytes) -> str:
    """The BLAKE2b checksum of some bytes, 16 bytes in hexadecimal."""
    import hashlib

    return hashlib.blake2b(data, digest_size=16).hexdigest()


def check_path(path: object, what: str = "a path") -> None:
    """Refuse what is no path.

    Args:
        path: as a caller gives it.
        what: is needed.

    Raises:
        InputError: something else.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"{what} is needed, got {named(path)}")


def utf8_text(data: bytes, name: str = "") -> bytes:
    """Text without the byte-order marks that some editors put before it.

    Args:
        data: the text, or its beginning.
        name: of the file, in the error.

    Raises:
        FormatError: it is compressed, or text in UTF-16 or UTF-32, not in UTF-8.
    """
    where = f"{name}: " if name else ""
    if data.startswith(GZIP_MAGIC):
        raise FormatError(f"{where}the file is compressed with gzip: unpack it with gunzip first")
    if _UTF16.match(data):
        raise FormatError(f"{where}the file is text in UTF-16 or UTF-32: save it as UTF-8")
    while data.startswith(codecs.BOM_UTF8):
        data = data.removeprefix(codecs.BOM_UTF8)
    return data


def file_checksum(path: str | os.PathLike[str]) -> str:
    """The BLAKE2b checksum of a file's bytes, 16 bytes in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    import hashlib

    try:
        with open_file(path) as stream:
            return hashlib.file_digest(stream, partial(hashlib.blake2b, digest_size=16)).hexdigest()
    except OSError as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error


def shown(path: str | os.PathLike[str]) -> str:
    """A path as an error shows it: on one line, whatever characters it is made of."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)


def reason(error: Exception) -> str:
    """What the operating system objects to, in lower case and without the path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return str(error)


def _destination(path: str | os.PathLike[str], name: str) -> tuple[str, int | None]:
    """Where the bytes shall end up, and the mode of what is there already, if anything."""
    try:
        target = os.path.realpath(path)
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        folder = os.path.dirname(target)
        if not os.path.isdir(folder):
            raise InputError(f"{name}: there is no folder {shown(folder)}") from None
        return target, None
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: {reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{name}: this is a folder")
    # A link such as /dev/fd/3 may lead to a pipe, whose own name opens nothing.
    return target if stat.S_ISREG(mode) else os.fspath(path), mode


@contextmanager
def _told(name: str, path: str) -> Iterator[None]:
    """Errors of writing `path` in one line; the writer's own troubles with other files pass."""
    try:
        yield
    except OSError as error:
        if error.filename not in (None, path):
            raise
        raise InputError(f"{name}: {reason(error)}") from error
