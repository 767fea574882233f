"""A file of lines that a run writes block by block: it appears when it is whole, and a killed run goes on.

Until then the lines are in a hidden part file beside it, whose name tells runs apart. What is in that file is
counted, not recorded: whatever stopped a run, its whole blocks are taken and the rest is cut off.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import BinaryIO

from sketchkit.cli.console import say
from sketchkit.cli.locks import lock, lockable
from sketchkit.errors import InputError
from sketchkit.files import checksum_of, open_handle, place_new, reason, shown

__all__ = ["Part", "alone"]

#: No drawing takes as many bytes: something that goes on for so long without an end is no line of ours.
_MOST_LINE_BYTES = 1 << 26
#: A name may have 255 bytes in most file systems, and ours are made longer.
_MOST_NAME_BYTES = 180
_TAKEN = "another run is writing this file: wait for its end or choose another name"
_NO_LOCK = "let no other run write it"
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


class Part:
    """A part file, open for writing.

    Args:
        path: where it lies.
        target: the file to be, no link.
        name: what an error calls that.
        n: how many lines make it whole.
        block: how many lines are written at once, but for the last ones.

    Attributes:
        done: how many lines are in it.
    """

    def __init__(self, path: str, target: str, name: str, n: int, block: int) -> None:
        self.path, self.target, self.name, self.n, self.block = path, target, name, n, block
        with self._told():
            self._handle = open_handle(path, os.O_RDWR | os.O_CREAT | _NO_LINKS)
        try:
            with self._told():
                self.done = self._taken_up()
        except BaseException:
            os.close(self._handle)
            raise

    @classmethod
    @contextmanager
    def opened(cls, target: str, name: str, run: str, n: int, block: int) -> Iterator[Part]:
        """Open the part file of a run, which goes on where it was.

        What stops the writing leaves the file with its whole blocks, and a line on stderr that says so, or
        no file if there are none.

        Args:
            target: as in `Part`; `alone` has to be held.
            name: as in `Part`.
            run: a checksum of all that decides the lines.
            n: as in `Part`.
            block: as in `Part`.

        Raises:
            InputError: it cannot be opened or read.
        """
        part = cls(_beside(target, f"{run}.part"), target, name, n, block)
        try:
            yield part
        except BaseException:
            part._leave()
            raise
        finally:
            os.close(part._handle)

    def append(self, lines: bytes, count: int) -> None:
        """Write a block.

        Args:
            lines: its bytes.
            count: how many lines these are.

        Raises:
            InputError: they have no room.
        """
        rest = memoryview(lines)
        with self._told():
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        self.done += count

    def finish(self, *, overwrite: bool) -> None:
        """Give the file its name.

        Args:
            overwrite: whether there may be one of that name, whose permissions are kept.

        Raises:
            InputError: there is one and must not be, or the system refuses.
        """
        with self._told():
            os.fsync(self._handle)
            if overwrite:
                self._replace()
            else:
                self._place()
            # A replacement does nothing where both are names of one file, as they are when a run was killed
            # while it gave the file its second name.
            with suppress(FileNotFoundError):
                os.unlink(self.path)

    def _replace(self) -> None:
        with suppress(FileNotFoundError):
            os.chmod(self.path, stat.S_IMODE(os.stat(self.target).st_mode))
        os.replace(self.path, self.target)

    def _place(self) -> None:
        try:
            place_new(self.path, self.target)
        except FileExistsError:
            raise InputError(f"{shown(self.name)}: the file exists already; --force overwrites it") from None

    def _taken_up(self) -> int:
        """Cut off what follows the last whole block, and count the lines that are left."""
        with open(self._handle, "rb", closefd=False) as stream:
            lines, size = _whole_blocks(stream, self.n, self.block)
        os.ftruncate(self._handle, size)
        os.lseek(self._handle, size, os.SEEK_SET)
        return lines

    def _leave(self) -> None:
        if self.done:
            say(f"{self.done:,} of {self.n:,} drawings are kept: the same command goes on after them")
            return
        with suppress(OSError):
            os.unlink(self.path)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{shown(self.name)}: {reason(error)}") from error


def _whole_blocks(stream: BinaryIO, n: int, block: int) -> tuple[int, int]:
    """How many lines of whole blocks there are, and how many bytes they take.

    A line with a zero in it is none: a system that lost its power may have kept the size of a file, but not
    all that was in it.
    """
    lines = size = 0
    whole = (0, 0)
    for line in iter(partial(stream.readline, _MOST_LINE_BYTES), b""):
        if not line.endswith(b"\n") or b"\0" in line or lines == n:
            break
        lines, size = lines + 1, size + len(line)
        if lines % block == 0 or lines == n:
            whole = lines, size
    return whole


@contextmanager
def alone(target: str, name: str) -> Iterator[None]:
    """Keep other runs away from a file to be.

    The lock is that of a hidden file beside it, which goes at the end. A process that is killed loses the
    lock and leaves the empty file, for the next to take.

    Args:
        target: the file to be, no link.
        name: what an error calls it.

    Raises:
        InputError: another run is at work on it, or the folder cannot be written.
    """
    if not lockable(name, "files", _NO_LOCK):
        yield
        return
    path = _beside(target, "lock")
    try:
        handle = _locked(path, name)
    except OSError as error:
        raise InputError(f"{shown(name)}: {reason(error)}") from error
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(path)
        os.close(handle)


def _locked(path: str, name: str) -> int:
    """A lock's file, open and locked. Whoever had it before may have removed it since it was opened."""
    while True:
        handle = open_handle(path, os.O_RDONLY | os.O_CREAT | _NO_LINKS)
        try:
            lock(handle, name, _TAKEN, _NO_LOCK)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.lstat(path)):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _beside(target: str, ending: str) -> str:
    """A hidden file for a file to be, in the same folder."""
    folder, name = os.path.split(target)
    if len(os.fsencode(name)) > _MOST_NAME_BYTES:
        name = checksum_of(os.fsencode(name))
    return os.path.join(folder, f".{name}.{ending}")
