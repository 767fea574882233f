"""Copies of remote files in the user's cache, and local files that are put in a remote place.

`SKETCHKIT_CACHE_DIR` names another folder for the cache, which may be removed at any time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_cache_path

from sketchkit.errors import InputError
from sketchkit.remote.command import current_watch, forget
from sketchkit.remote.sources import Report, Source, find
from sketchkit.remote.stores import check_store, exists, put
from sketchkit.remote.urls import accept

__all__ = ["fetch", "local_copy", "upload"]

CACHE_DIR_VARIABLE = "SKETCHKIT_CACHE_DIR"
#: After so many seconds a download is told of, and then after as many more.
_FIRST_LINE, _NEXT_LINE = 2.0, 10.0
#: A copy that was not opened for so long goes when a newer one comes.
_DAY = 86_400.0
#: So much of a disk stays free.
_SPARE_BYTES = 64 << 20


def local_copy(url: str) -> str:
    """The path of a copy of a remote file; the server is asked whether one in the cache is its last version.

    Args:
        url: as a user types it.

    Raises:
        InputError: one line with the name of the file and the reason.
    """
    name = accept(url)
    command = current_watch()
    copies = {} if command is None else command.copies
    if name not in copies:
        with find(name) as source:
            copies[name] = _copy(name, source)
    try:
        os.utime(copies[name])  # which keeps it for another day
    except OSError as error:
        raise InputError(f"{name}: its copy in the cache has gone") from error
    return copies[name]


def fetch(
    url: str, path: str, most: int, redirect_hosts: Collection[str] = (), report: Report | None = None
) -> dict[str, str]:
    """Download a remote file past the cache.

    Args:
        url: as a user types it.
        path: of the local file to write.
        most: the limit of its size in bytes.
        redirect_hosts: hosts beside its own that a web server may redirect to.
        report: is told of (bytes so far, bytes in all or 0).

    Returns:
        What is known of its origin: the `revision` and the `file` of a repository.

    Raises:
        InputError: one line with the name of the file and the reason.
    """
    name = accept(url)
    with find(name, redirect_hosts) as source:
        _download(name, source, path, most, report)
        return source.origin


@contextmanager
def upload(url: str, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a local file for writing that is put in its remote place when everything in it is written.

    Args:
        url: as a user types it.
        overwrite: whether to replace an existing file.

    Raises:
        InputError: the file exists although `overwrite` is false, or cannot be written.
    """
    name = accept(url)
    check_store(name)
    if not overwrite and exists(name):
        raise InputError(f"{name}: the file exists already")
    folder = _cache_folder() / "sending"
    _make(folder)
    _sweep(folder)
    temporary = folder / f".{os.urandom(8).hex()}.tmp"
    try:
        with open(temporary, "xb") as stream:
            yield stream
        put(str(temporary), name, overwrite=overwrite, report=_teller(name, "sending"))
        forget(name)
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def _copy(name: str, source: Source) -> str:
    """The copy of a version, from the cache or from the server."""
    folder = _cache_folder() / _digest(name)
    _make(folder)
    path = folder / _digest(source.version or os.urandom(8).hex())
    with _locked(folder):
        if _is_whole(path, source):
            return str(path)
        temporary = folder / f".{os.urandom(8).hex()}.tmp"
        try:
            _download(name, source, str(temporary), None, None)
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                os.unlink(temporary)
        _sweep(folder)
    return str(path)


def _is_whole(path: Path, source: Source) -> bool:
    return path.is_file() and source.size in (None, path.stat().st_size)


def _download(name: str, source: Source, path: str, most: int | None, report: Report | None) -> None:
    """Download within bounds: the caller's, the free space of the disk, and the size that is announced."""
    free = shutil.disk_usage(os.path.dirname(path)).free - _SPARE_BYTES
    if most is not None and (source.size or 0) > most:
        raise InputError(f"{name}: has {source.size} bytes, the limit is {most}")
    if (source.size or 0) > free:
        folder = os.path.dirname(path)
        raise InputError(f"{name}: has {source.size} bytes, which is more than the disk of {folder} has free")
    limit = min(free if source.size is None else source.size, free if most is None else most)
    tell = report or _teller(name, "fetching")

    def check(done: int, total: int) -> None:
        if done > limit:
            raise InputError(f"{name}: has more than {limit} bytes, the limit")
        tell(done, total)

    source.download(path, check)
    if source.size is not None and os.path.getsize(path) != source.size:
        raise InputError(f"{name}: ends after {os.path.getsize(path)} of {source.size} bytes")


def _teller(name: str, doing: str) -> Report:
    """Says on a line how far a transfer is, when it takes long."""
    command = current_watch()
    if command is None:
        return lambda done, total: None
    say, due = command.say, [time.monotonic() + _FIRST_LINE]

    def tell(done: int, total: int) -> None:
        if time.monotonic() >= due[0]:
            due[0] = time.monotonic() + _NEXT_LINE
            say(f"{doing} {name}: {done / 1e6:,.0f} MB" + (f" of {total / 1e6:,.0f} MB" if total else ""))

    return tell


def _cache_folder() -> Path:
    chosen = os.environ.get(CACHE_DIR_VARIABLE)
    folder = (Path(chosen) if chosen else user_cache_path("sketchkit", appauthor=False)) / "remote"
    _make(folder)
    return folder


def _make(folder: Path) -> None:
    """Make a folder for the user alone: what is fetched may be private."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}: {CACHE_DIR_VARIABLE} names another folder") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process fetch a file, and the others wait for its copy."""
    if find_spec("fcntl") is None:
        yield  # Windows: each fetches it
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # as on some network file systems
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove versions and remains that were not opened for a day."""
    with suppress(OSError):
        for path in folder.iterdir():
            if time.time() - path.stat().st_mtime > _DAY:
                path.unlink()


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
