"""Object stores, through fsspec and the package of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sketchkit.errors import InputError
from sketchkit.remote.sources import Report, Source, explain
from sketchkit.remote.urls import scheme_of

__all__ = ["filesystem", "find", "put"]

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


def _look(system: Any, name: str) -> tuple[str, int | None]:
    """The version and the size of an object."""
    info = system.info(name)
    if info.get("type") == "directory":
        raise InputError(f"{name}: this is a folder")
    return repr([(mark, str(info[mark])) for mark in _MARKS if mark in info]), info.get("size")


def _callback(report: Report) -> Any:
    from fsspec.callbacks import Callback

    return Callback(hooks={"report": lambda size, value, **_: report(value, size or 0)})
