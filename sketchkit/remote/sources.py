"""What there is at a URL: its version and size, and a way to download it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sketchkit.errors import InputError, SketchkitError
from sketchkit.remote.urls import scheme_of

__all__ = ["Report", "Source", "explain", "find"]

#: Is told of (bytes so far, bytes in all or 0); it may raise to end a download.
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Source:
    """A remote file that is there.

    Args:
        version: a text that changes with the content; empty where the server tells none.
        size: in bytes; None where the server does not say.
        download: writes the content to a local path.
        origin: more that is known of it: the `revision` of a repository.
    """

    version: str
    size: int | None
    download: Callable[[str, Report], None]
    origin: dict[str, str]


def find(name: str, redirect_hosts: Collection[str] | None = None) -> AbstractContextManager[Source]:
    """Look for a remote file.

    Args:
        name: as `accept` returns it.
        redirect_hosts: hosts beside its own that a web server may redirect to; None where a user names none.

    Returns:
        A context that holds the connection.

    Raises:
        InputError: one line with the name and the reason.
    """
    scheme = scheme_of(name)
    if scheme in ("http", "https", "hf"):
        from sketchkit.remote import web

        return web.find_repository(name) if scheme == "hf" else web.find(name, redirect_hosts)
    from sketchkit.remote import stores

    return stores.find(name)


@contextmanager
def explain(name: str, doing: str) -> Iterator[None]:
    """Turn what a file system raises into one line.

    Args:
        name: of the file.
        doing: `read`, `written`, `listed` or `removed`.

    Raises:
        InputError: the line.
    """
    try:
        yield
    except SketchkitError:
        raise
    except FileNotFoundError as error:
        what = "bucket" if doing == "written" else "file or bucket"
        raise InputError(f"{name}: no such {what}") from error
    except FileExistsError as error:
        raise InputError(f"{name}: the file exists already") from error
    except PermissionError as error:
        raise InputError(f"{name}: cannot be {doing}: no permission ({_words(error)})") from error
    except Exception as error:  # of a file system and of the libraries under it
        raise InputError(f"{name}: cannot be {doing}: {_words(error)}") from error


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
