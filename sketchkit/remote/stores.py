"""Object stores, through fsspec and the package of each: what is there, and what is put there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sketchkit.errors import InputError
from sketchkit.remote.sources import Report, Source, explain
from sketchkit.remote.urls import accept, scheme_of

__all__ = [
    "check_store",
    "check_writable",
    "exists",
    "filesystem",
    "find",
    "names_in",
    "put",
    "remove",
]

_PACKAGES = {"s3": "s3fs", "gs": "gcsfs"}
#: What tells one content of an object from another, as the packages call it.
_MARKS = ("ETag", "etag", "generation", "VersionId", "LastModified", "mtime", "updated", "size")


def filesystem(name: str, doing: str = "reading") -> Any:
    """The file system of a URL.

    Args:
        name: the URL.
        doing: `reading` or `writing`, in the error.

    Raises:
        InputError: its package is missing.
    """
    scheme = scheme_of(name)
    package = _PACKAGES[scheme]
    try:
        import fsspec

        # By its scheme and nothing else: no chain of file systems can stand in a URL.
        return fsspec.filesystem(scheme, use_listings_cache=False)
    except ImportError as error:
        raise InputError(f"{name}: {doing} it needs {package}: pip install 'sketchkit[{scheme}]'") from error


@contextmanager
def find(name: str) -> Iterator[Source]:
    """Look for an object; see `sources.find`."""
    with explain(name, "read"):
        system = filesystem(name)
        version, size = _look(system, name)

    def download(path: str, report: Report) -> None:
        with explain(name, "read"):
            system.get_file(name, path, callback=_callback(report))
            if _look(system, name)[0] != version:
                raise InputError(f"{name}: changed while it was read")

    yield Source(version, size, download, {})


def put(path: str, name: str, *, overwrite: bool, report: Report) -> None:
    """Put a file into a store, as a whole.

    Args:
        path: of the local file.
        name: the URL.
        overwrite: whether there may be an object of that name.
        report: is told of (bytes so far, bytes in all).

    Raises:
        InputError: there is one, or the store refuses.
    """
    with explain(name, "written"):
        system = filesystem(name, "writing")
        mode = "overwrite" if overwrite else "create"
        system.put_file(path, name, mode=mode, callback=_callback(report))


def exists(url: str) -> bool:
    """Whether there is a file.

    Raises:
        InputError: a web address, or a store that does not say.
    """
    name = accept(url)
    check_store(name, "listed")
    with explain(name, "read"):
        try:
            return bool(filesystem(name).info(name)["type"] != "directory")
        except FileNotFoundError:
            return False


def names_in(url: str) -> set[str]:
    """The names of the files in a folder; none where there is no folder.

    Raises:
        InputError: a web address, or a store that does not say.
    """
    name = accept(url)
    check_store(name, "listed")
    with explain(name, "listed"):
        try:
            entries = filesystem(name).ls(name.rstrip("/"), detail=True)
        except FileNotFoundError:
            return set()
    return {each["name"].rpartition("/")[2] for each in entries if each["type"] != "directory"}


def remove(url: str) -> None:
    """Remove a file.

    Raises:
        InputError: the store refuses.
    """
    name = accept(url)
    with explain(name, "removed"):
        filesystem(name, "writing").rm_file(name)


def check_writable(url: str) -> None:
    """Refuse a place that no file can be put into, before the work begins.

    Raises:
        InputError: a web address, a missing package, or a missing bucket.
    """
    name = accept(url)
    check_store(name)
    bucket = "/".join(name.split("/")[:3])
    with explain(name, "written"):
        system = filesystem(name, "writing")
        try:
            system.info(bucket)
        except PermissionError:
            return  # a key may be allowed to put files alone


def check_store(name: str, doing: str = "written") -> None:
    """Refuse a URL of a server that is only read from, one file at a time.

    Args:
        name: a URL.
        doing: the refused act, in the error.

    Raises:
        InputError: it is one.
    """
    if scheme_of(name) == "hf":
        raise InputError(f"{name}: cannot be {doing}: write a local file, and `hf upload` puts it there")
    if scheme_of(name) not in ("s3", "gs"):
        raise InputError(f"{name}: cannot be {doing}: s3:// and gs:// can")


def _look(system: Any, name: str) -> tuple[str, int | None]:
    """The version and the size of an object."""
    info = system.info(name)
    if info.get("type") == "directory":
        raise InputError(f"{name}: this is a folder")
    return repr([(mark, str(info[mark])) for mark in _MARKS if mark in info]), info.get("size")


def _callback(report: Report) -> Any:
    from fsspec.callbacks import Callback

    return Callback(hooks={"report": lambda size, value, **_: report(value, size or 0)})
