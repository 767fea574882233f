"""Writing a file so that nobody ever sees half of it."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import BinaryIO

from sketchkit.errors import InputError

__all__ = [
    "atomic_write",
    "checksum_of",
    "file_checksum",
    "is_temporary",
    "place_new",
    "reason",
    "shown",
    "standard_input",
    "standard_output",
]


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


def file_checksum(path: str | os.PathLike[str]) -> str:
    """The BLAKE2b checksum of a file's bytes, 16 bytes in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    import hashlib

    try:
        with open(path, "rb") as stream:
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
