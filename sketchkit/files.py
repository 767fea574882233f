"""Opening files: to write them atomically, and to read regular files only. A URL may stand for a file."""

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

from sketchkit import remote
from sketchkit.arguments import describe_value
from sketchkit.errors import FormatError, InputError, SketchkitError
from sketchkit.remote import is_url

__all__ = [
    "GZIP_MAGIC",
    "atomic_write",
    "check_path",
    "checksum_of",
    "display_path",
    "explain_errors",
    "file_checksum",
    "file_names",
    "is_file",
    "is_temporary",
    "is_url",
    "join_path",
    "open_file",
    "open_handle",
    "place_new",
    "read_file",
    "reason",
    "remove_file",
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
        path: of the file; links are followed. A local copy of what a URL names is opened.
        pipes: whether a pipe or a terminal may stand for the file, as in `<(...)` and `/dev/stdin`. A pipe
            must have a writer already.

    Raises:
        OSError: it cannot be opened, or is another kind of file; `reason` gives the cause in a few words.
        ValueError: the path holds a null character.
        InputError: a URL that cannot be read.
    """
    if is_url(path):
        path = remote.local_copy(path)
    stream = open(path, "rb", opener=partial(open_handle, pipes=pipes))  # noqa: SIM115 - the caller's to close
    # A pipe without a writer ends at once.
    if pipes and not stat.S_ISREG(os.fstat(stream.fileno()).st_mode) and not stream.peek(1):
        stream.close()
        raise OSError(errno.EINVAL, "nothing was written to this pipe", os.fspath(path))
    return stream


def open_handle(path: str | os.PathLike[str], flags: int, mode: int = 0o666, *, pipes: bool = False) -> int:
    """Open a file as `os.open` does, but refuse pipes, which may wait, and devices, which may be endless.

    Args:
        path: of the file.
        flags: of `os.open`.
        mode: the permissions of a new file.
        pipes: see `open_file`.

    Returns:
        The descriptor.

    Raises:
        OSError: it cannot be opened, or is another kind of file.
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
    """Read the bytes of a file.

    Args:
        path: of the file; links are followed.
        most: the limit of its size in bytes.
        pipes: see `open_file`.

    Raises:
        OSError, ValueError: see `open_file`.
        FormatError: it is larger.
    """
    with open_file(path, pipes=pipes) as stream:
        size = os.fstat(stream.fileno()).st_size  # 0 for a pipe
        content = stream.read(min(size or most, most) + 1)
    if len(content) > most:
        raise FormatError(f"{display_path(path)}: more than {most} bytes")
    return content


def _check_kind(mode: int, path: str | os.PathLike[str], *, pipes: bool) -> None:
    kind = stat.S_IFMT(mode)
    if kind in _KINDS and not (pipes and kind in (stat.S_IFIFO, stat.S_IFCHR)):
        number = errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL
        raise OSError(number, f"this is {_KINDS[kind]}, not a file", os.fspath(path))


def standard_input() -> BinaryIO:
    """The bytes of standard input.

    Raises:
        InputError: it is closed.
    """
    if sys.stdin is None:
        raise InputError("standard input is closed")
    return sys.stdin.buffer


def standard_output() -> BinaryIO:
    """The bytes of standard output.

    Raises:
        InputError: it is closed.
    """
    if sys.stdout is None:
        raise InputError("standard output is closed")
    return sys.stdout.buffer


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only when everything in it is written.

    The bytes go to a temporary file in the same folder; an interruption, Ctrl-C included, removes it and
    leaves an existing file as it was. A new file gets the usual permissions, a replaced one keeps its own.
    Links are followed; pipes and devices are written directly, since they hold no content to lose. What a URL
    names is put in its place as a whole.

    Args:
        path: of the file.
        overwrite: whether to replace an existing file.

    Yields:
        A binary stream.

    Raises:
        InputError: the file exists although `overwrite` is false, its folder is missing, or writing fails.
    """
    name = display_path(path)
    if is_url(path):
        with remote.upload(path, overwrite=overwrite) as stream:
            yield stream
        return
    target, mode = _destination(path, name)
    if mode is not None and not stat.S_ISREG(mode):
        with _convert_errors(name, target), open(target, "wb") as stream:
            yield stream
        return
    if mode is not None and not overwrite:
        raise InputError(f"{name}: the file exists already")
    temporary = os.path.join(os.path.dirname(target), f".{os.urandom(8).hex()}.tmp")
    try:
        with _convert_errors(name, temporary):
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
    """Whether a name is that of a file left behind by a killed `atomic_write`."""
    return re.fullmatch(r"\.[0-9a-f]{16}\.tmp", name) is not None


def _place(temporary: str, target: str, name: str) -> None:
    try:
        place_new(temporary, target)
    except FileExistsError:
        raise InputError(f"{name}: the file exists already") from None


def place_new(source: str, target: str) -> None:
    """Give a file its final name, unless another process has taken that by now.

    Args:
        source: its path, in the same folder.
        target: its final path.

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
    """Refuse a value that is neither text nor a path.

    Args:
        path: as a caller gives it.
        what: the name of the wanted value in the error.

    Raises:
        InputError: a value of another type.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"{what} is needed, got {describe_value(path)}")


def utf8_text(data: bytes, name: str = "") -> bytes:
    """Remove the byte-order marks that some editors put before text.

    Args:
        data: the text, or its beginning.
        name: of the file, in the error.

    Raises:
        FormatError: it is compressed, or text in UTF-16 or UTF-32.
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

    with explain_errors(path), open_file(path) as stream:
        return hashlib.file_digest(stream, partial(hashlib.blake2b, digest_size=16)).hexdigest()


def is_file(path: str) -> bool:
    """Whether there is a file of this path or URL.

    Raises:
        InputError: the server of a URL does not say.
    """
    return remote.exists(path) if is_url(path) else os.path.isfile(path)


def file_names(folder: str) -> set[str]:
    """The names of the files in a folder or under a URL; none where there is no folder.

    Raises:
        OSError: the folder cannot be read.
        InputError: likewise, of a URL.
    """
    if is_url(folder):
        return remote.names_in(folder)
    with suppress(FileNotFoundError):
        return {entry.name for entry in os.scandir(folder) if entry.is_file()}
    return set()


def join_path(folder: str, name: str) -> str:
    """The path or the URL of a file in a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_url(folder) else os.path.join(folder, name)


def remove_file(path: str) -> None:
    """Remove a file, if it is there.

    Raises:
        InputError: it cannot be removed.
    """
    if is_url(path):
        remote.remove(path)
        return
    with explain_errors(path), suppress(FileNotFoundError):
        os.unlink(path)


def display_path(path: str | os.PathLike[str]) -> str:
    """A path for an error message, on one line; with control characters, in quotes and escaped.

    A URL is without its secrets.
    """
    text = os.fspath(path)
    if is_url(text):
        text = remote.public_name(text)
    return text if text.isprintable() else repr(text)


shown = display_path  # the old name, until all callers have moved


def reason(error: Exception) -> str:
    """The cause of an error, as the operating system words it, in lower case and without the path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return str(error)


@contextmanager
def explain_errors(
    path: str | os.PathLike[str],
    kind: type[SketchkitError] = InputError,
    catch: tuple[type[Exception], ...] = (OSError,),
) -> Iterator[None]:
    """Turn errors of the operating system in the block into one line that names a file.

    Args:
        path: of the file or folder.
        kind: the type of the error that is raised.
        catch: the types of errors that are turned; `ValueError` comes from a name that no file can have.
    """
    try:
        yield
    except catch as error:
        raise kind(f"{display_path(path)}: {reason(error)}") from error


def _destination(path: str | os.PathLike[str], name: str) -> tuple[str, int | None]:
    """The path to write to, and the mode of the existing file, if any."""
    try:
        target = os.path.realpath(path)
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        folder = os.path.dirname(target)
        if not os.path.isdir(folder):
            raise InputError(f"{name}: there is no folder {display_path(folder)}") from None
        return target, None
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: {reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{name}: this is a folder")
    # A link such as /dev/fd/3 may lead to a pipe, whose own name opens nothing.
    return target if stat.S_ISREG(mode) else os.fspath(path), mode


@contextmanager
def _convert_errors(name: str, path: str) -> Iterator[None]:
    """Turn errors of writing `path` into an `InputError`; errors of other files pass."""
    try:
        yield
    except OSError as error:
        if error.filename not in (None, path):
            raise
        raise InputError(f"{name}: {reason(error)}") from error
