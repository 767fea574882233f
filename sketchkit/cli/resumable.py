"""Runs that are stopped and go on when they are called again: a lock, part files, folders with a record.

A run is known by a checksum of all that decides its output. A file that is written block by block grows in a
hidden part file beside it, whose name holds the checksum. Many files, each written whole, share a record in
their folder.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, BinaryIO

from sketchkit.cli.console import say
from sketchkit.errors import FormatError, InputError
from sketchkit.files import (
    atomic_write,
    checksum_of,
    explain_errors,
    file_names,
    is_file,
    is_temporary,
    is_url,
    join_path,
    open_handle,
    place_new,
    read_file,
    reason,
    remove_file,
    shown,
)
from sketchkit.remote import forget

__all__ = [
    "RECORD",
    "PartFile",
    "RunFolder",
    "checksum_of_json",
    "exclusive_lock",
    "read_run",
    "shared_folder",
    "write_blocks",
]

#: The name of the record in the folder of many files.
RECORD = "sketchkit-run.json"
_FORMAT = "sketchkit-bulk"
_MAX_RECORD_BYTES = 1 << 20
#: The most bytes of a line: a drawing takes fewer.
_MOST_LINE_BYTES = 1 << 26
#: A name may have 255 bytes in most file systems, and ours are made longer.
_MOST_NAME_BYTES = 180
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


def checksum_of_json(values: Any) -> str:
    """The checksum of JSON values: of all that decides the output of a run."""
    return checksum_of(json.dumps(values, sort_keys=True).encode())


# --- one run at a time ------------------------------------------------------------------------------------

#: For files and for folders: the name of the kind, the refusal of a second run, and advice without locks.
_FILES = (
    "files",
    "another run is writing this file: wait for its end or choose another name",
    "let no other run write it",
)
_FOLDERS = (
    "folders",
    "another run is writing into this folder: wait for its end or choose another",
    "start no second run in it",
)


@contextmanager
def exclusive_lock(target: str, name: str, *, folder: bool = False) -> Iterator[None]:
    """Keep other runs away from a file to be, or from a folder.

    A folder is locked itself; for a file, a hidden file beside it, which goes at the end. The lock ends with
    the process: a process that is killed leaves the empty file, for the next to lock.

    Args:
        target: the file to be, or the folder; a path without links.
        name: its name in errors.
        folder: whether it is a folder.

    Raises:
        InputError: another run has the lock, or the system refuses.
    """
    kind, refusal, advice = _FOLDERS if folder else _FILES
    if find_spec("fcntl") is None:
        say(f"sketchkit: {shown(name)}: this system locks no {kind}: {advice}")  # Windows
        yield
        return
    path = target if folder else _beside(target, "lock")
    with explain_errors(name):
        handle = _open_locked(path, name, refusal, advice, folder=folder)
    try:
        yield
    finally:
        if not folder:
            with suppress(OSError):
                os.unlink(path)
        os.close(handle)


def _open_locked(path: str, name: str, refusal: str, advice: str, *, folder: bool) -> int:
    """A file or folder, open and locked; another run may have removed it since it was opened."""
    while True:
        if folder:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        else:
            handle = open_handle(path, os.O_RDONLY | os.O_CREAT | _NO_LINKS)
        try:
            _lock(handle, name, refusal, advice)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=folder)):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, name: str, refusal: str, advice: str) -> None:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{shown(name)}: {refusal}") from None
    except OSError as error:  # as on some network file systems
        say(f"sketchkit: {shown(name)}: cannot be locked ({reason(error)}): {advice}")


@contextmanager
def shared_folder(folder: str, begin: Callable[[bool], None]) -> Iterator[None]:
    """Hold a folder together with other processes of the same run, and keep other runs out.

    Args:
        folder: that is there.
        begin: makes sure that the folder is of this run; it is told whether the process is alone in it, and
            may then replace what is there.

    Raises:
        InputError: as `begin` raises it.
    """
    if is_url(folder):
        begin(True)  # a store has no locks
        begin(False)  # another run may have begun at the same moment
        yield
        return
    if find_spec("fcntl") is None:
        with exclusive_lock(folder, folder, folder=True):
            begin(True)
            yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            begin(True)
            fcntl.flock(handle, fcntl.LOCK_SH)
        except BlockingIOError:
            fcntl.flock(handle, fcntl.LOCK_SH)
        except OSError as error:  # as on some network file systems
            say(f"sketchkit: {shown(folder)}: cannot be locked ({reason(error)}): start no other run in it")
            begin(True)
        # On the way from one lock to the other another run may have got the folder.
        begin(False)
        yield
    finally:
        os.close(handle)


def _beside(target: str, ending: str) -> str:
    """A hidden file beside a file to be."""
    folder, name = os.path.split(target)
    if len(os.fsencode(name)) > _MOST_NAME_BYTES:
        name = checksum_of(os.fsencode(name))
    return os.path.join(folder, f".{name}.{ending}")


# --- one file, block by block -----------------------------------------------------------------------------


def write_blocks(
    path: str,
    run: str,
    n: int,
    block: int,
    make_blocks: Callable[[int], Iterator[tuple[bytes, int]]],
    *,
    overwrite: bool,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write a file of lines, which appears when it is whole; a run that was stopped goes on.

    Args:
        path: as the user wrote it.
        run: a checksum of all that decides the lines.
        n: the lines in all.
        block: the lines of each block but the last.
        make_blocks: makes the blocks after so many lines: the bytes of each, and how many lines they are.
        overwrite: whether the file may exist.
        check: is called once the file is locked.

    Raises:
        InputError: the file cannot be written, or another run writes it.
    """
    target = os.path.realpath(path)
    with exclusive_lock(target, path):
        check()
        with PartFile.open(target, path, run, n, block) as part:
            if part.done:
                say(f"going on after {part.done:,} drawings")
            for lines, count in make_blocks(part.done):
                part.append(lines, count)
            part.finish(overwrite=overwrite)


class PartFile:
    """A part file, open for writing. Its whole blocks are counted when it is opened, the rest is cut off.

    Args:
        path: of the part file.
        target: the file to be, without links.
        name: its name in errors.
        n: the lines of the whole file.
        block: the lines of each block but the last.

    Attributes:
        done: the lines in it.
    """

    def __init__(self, path: str, target: str, name: str, n: int, block: int) -> None:
        self.path, self.target, self.name, self.n, self.block = path, target, name, n, block
        with explain_errors(self.name):
            self._handle = open_handle(path, os.O_RDWR | os.O_CREAT | _NO_LINKS)
        try:
            with explain_errors(self.name):
                self.done = self._cut_to_blocks()
        except BaseException:
            os.close(self._handle)
            raise

    @classmethod
    @contextmanager
    def open(cls, target: str, name: str, run: str, n: int, block: int) -> Iterator[PartFile]:
        """Open the part file of a run.

        An error or a signal leaves the file with its whole blocks, and says so on stderr; without a block,
        the file goes.

        Args:
            target: as in `PartFile`, locked.
            name: as in `PartFile`.
            run: a checksum of all that decides the lines.
            n: as in `PartFile`.
            block: as in `PartFile`.

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
        """Write a block of so many lines.

        Raises:
            InputError: the disk is full.
        """
        rest = memoryview(lines)
        with explain_errors(self.name):
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        self.done += count

    def finish(self, *, overwrite: bool) -> None:
        """Give the file its name.

        Args:
            overwrite: whether there may be a file of that name, whose permissions are kept.

        Raises:
            InputError: the file exists, or the system refuses.
        """
        with explain_errors(self.name):
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

    def _cut_to_blocks(self) -> int:
        """Cut off the bytes after the last whole block, and count the lines that are left."""
        with open(self._handle, "rb", closefd=False) as stream:
            lines, size = _measure_blocks(stream, self.n, self.block)
        os.ftruncate(self._handle, size)
        os.lseek(self._handle, size, os.SEEK_SET)
        return lines

    def _leave(self) -> None:
        if self.done:
            say(f"{self.done:,} of {self.n:,} drawings are kept: the same command goes on after them")
            return
        with suppress(OSError):
            os.unlink(self.path)


def _measure_blocks(stream: BinaryIO, n: int, block: int) -> tuple[int, int]:
    """The lines of whole blocks, and their bytes.

    A line with a zero is damaged: a system that lost its power may have kept the size of a file, but its
    bytes only in part.
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


# --- many files, each whole or missing --------------------------------------------------------------------


@dataclass(frozen=True)
class RunFolder:
    """A folder of files of one run, and the record that says of which.

    Args:
        path: of the folder, or its URL.
        overwrite: whether to begin anew over the files of another run.
    """

    path: str
    overwrite: bool

    @property
    def record(self) -> str:
        """The file of the record."""
        return join_path(self.path, RECORD)

    def begin(self, paths: Sequence[str], jobs: int, identity: Mapping[str, Any], alone: bool = True) -> None:
        """Make sure that all files in the folder are of this very run.

        Args:
            paths: the files of the run.
            jobs: how many jobs it has.
            identity: all that decides the content of the files, as JSON values; `pattern` holds the patterns
                of their names.
            alone: whether no other process of this run is at work; else its record must be there.

        Raises:
            InputError: files or a record of another run, or a folder that cannot be written.
        """
        names = "\0".join(map(os.path.basename, paths))
        files = checksum_of(names.encode("utf-8", "surrogateescape"))
        record = {"format": _FORMAT, "version": 1, "run": dict(identity), "jobs": jobs, "files": files}
        signed = {**record, "checksum": checksum_of_json(record)}
        content = json.dumps(signed, indent=2, sort_keys=True).encode() + b"\n"
        there = self._read_record()
        if not alone:
            if there != content:
                raise InputError(
                    f"{shown(self.path)}: another run is writing into this folder: choose another"
                )
            return
        if there == content and not self.overwrite:
            self._sweep()
            return
        self._check_replaceable(there, files)
        self._remove(paths)
        self._sweep()
        try:
            # Where there are no locks, of several runs that begin at once the first has the folder.
            with atomic_write(self.record, overwrite=there is not None or not is_url(self.path)) as stream:
                stream.write(content)
        except InputError:
            if self._read_record() != content:
                raise

    def _check_replaceable(self, there: bytes | None, files: str) -> None:
        """Refuse a record of another run, unless `--force` replaces its files or they are missing."""
        if there is None or self._is_empty_run(there):
            return
        if _read_run(there) is None:
            raise InputError(f"{shown(self.record)}: the record is damaged: choose another folder")
        other = f"{shown(self.record)}: the folder holds files of another run"
        if not self.overwrite:
            raise InputError(f"{other}; --force replaces them")
        if _read_files(there) != files:
            raise InputError(f"{other}, which has other names: choose another folder")

    def _remove(self, paths: Sequence[str]) -> None:
        """Remove the files of another run first: a run that is killed must not count them as its own."""
        found = file_names(self.path)
        present = [file for file in paths if os.path.basename(file) in found]
        if present and not self.overwrite:
            raise InputError(f"{shown(present[0])}: the file exists already; --force overwrites it")
        for file in present:
            remove_file(file)

    def _read_record(self) -> bytes | None:
        if is_url(self.record):
            forget(self.record)  # others may have replaced it
            if not is_file(self.record):
                return None
        with explain_errors(self.record), suppress(FileNotFoundError):
            return read_file(self.record, _MAX_RECORD_BYTES)
        return None

    def _is_empty_run(self, record: bytes) -> bool:
        """Whether a run left its record alone: it failed or was killed before its first file."""
        patterns = _read_patterns(record)
        return patterns is not None and not any(
            pattern.fullmatch(name) for name in file_names(self.path) for pattern in patterns
        )

    def _sweep(self) -> None:
        """Remove the file that a killed run was writing; a store shows none."""
        if is_url(self.path):
            return
        with suppress(OSError):
            for entry in os.scandir(self.path):
                if is_temporary(entry.name) and entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)


def read_run(folder: str) -> dict[str, Any]:
    """All that decides the files of a folder of parts, from its record.

    Args:
        folder: of the parts.

    Raises:
        InputError: no folder, or one without a record.
        FormatError: a damaged record, or one of other files.
    """
    path = join_path(folder, RECORD)
    if (is_url(folder) or os.path.isdir(folder)) and not is_file(path):
        raise InputError(f"{shown(folder)}: the folder holds no parts: there is no {RECORD}")
    with explain_errors(path):
        record = read_file(path, _MAX_RECORD_BYTES)
    run = _read_run(record)
    if run is None:
        raise FormatError(f"{shown(path)}: the record is damaged")
    if not {"n", "size", "lines"} <= set(run):
        raise FormatError(f"{shown(path)}: the folder holds pictures, which stay as they are, and no parts")
    return run


def _read_run(record: bytes) -> dict[str, Any] | None:
    """What a valid record says of its run."""
    try:
        found = json.loads(record)
        checksum = found.pop("checksum")
        run: dict[str, Any] = found["run"]
        [os.path.basename(pattern) for pattern in run["pattern"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return run if checksum == checksum_of_json(found) else None


def _read_files(record: bytes) -> object:
    """The checksum of the names of the files of another run."""
    try:
        return json.loads(record)["files"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _read_patterns(record: bytes) -> list[re.Pattern[str]] | None:
    """The names of the files of another run; None of an invalid record."""
    run = _read_run(record)
    if run is None:
        return None
    patterns = [os.path.basename(pattern) for pattern in run["pattern"]]
    fields = {r"\{stem\}": ".+", r"\{index\}": "[0-9]+"}
    return [
        re.compile(
            re.sub(r"\\\{(?:stem|index)\\\}", lambda field: fields[field[0]], re.escape(pattern)), re.S
        )
        for pattern in patterns
    ]
