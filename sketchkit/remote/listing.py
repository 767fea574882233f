"""Looking around in object stores: what is there, and what may be written."""

from __future__ import annotations

from sketchkit.errors import InputError
from sketchkit.remote.sources import explain
from sketchkit.remote.urls import accept, scheme_of

__all__ = ["check_scheme_is_writable", "check_writable", "exists", "names_in", "remove"]


def exists(url: str) -> bool:
    """Whether there is a file.

    Raises:
        InputError: the store does not say.
    """
    from sketchkit.remote.stores import filesystem

    name = accept(url)
    with explain(name, "read"):
        try:
            return bool(filesystem(name).info(name)["type"] != "directory")
        except FileNotFoundError:
            return False


def names_in(url: str) -> set[str]:
    """The names of the files in a folder; none where there is no folder.

    Raises:
        InputError: the store does not say.
    """
    from sketchkit.remote.stores import filesystem

    name = accept(url)
    check_scheme_is_writable(name, "listed")
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
    from sketchkit.remote.stores import filesystem

    name = accept(url)
    with explain(name, "removed"):
        filesystem(name, "writing").rm_file(name)


def check_writable(url: str) -> None:
    """Refuse a place that no file can be put into, before the work begins.

    Raises:
        InputError: a web address, a missing package, or a missing bucket.
    """
    from sketchkit.remote.stores import filesystem

    name = accept(url)
    check_scheme_is_writable(name)
    bucket = "/".join(name.split("/")[:3])
    with explain(name, "written"):
        system = filesystem(name, "writing")
        try:
            system.info(bucket)
        except PermissionError:
            return  # a key may be allowed to put files alone


def check_scheme_is_writable(name: str, doing: str = "written") -> None:
    """Refuse a web address.

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
