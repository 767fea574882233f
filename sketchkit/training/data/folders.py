"""A folder that takes its name only when everything in it is written, and where such folders are kept."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sketchkit.errors import InputError
from sketchkit.files import reason, shown
from sketchkit.training.data.manifest import FILE_NAME

__all__ = ["atomic_folder", "check_free", "data_folder", "find", "stored"]

DATA_DIR_VARIABLE = "SKETCHKIT_DATA_DIR"
_NAME = re.compile(r"[^/\\\0]{1,200}")


@contextmanager
def atomic_folder(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Make a data set's folder that appears only when it is complete.

    It is filled under another name beside the place it shall have; whatever interrupts that, Ctrl-C included,
    removes it and leaves what was there as it was.

    Args:
        path: the folder to be.
        overwrite: whether a data set of that name may be replaced; nothing else ever is.

    Yields:
        The folder to fill.

    Raises:
        InputError: the name is taken, the folder around it is missing, or there is no room.
    """
    target, name = Path(os.path.realpath(path)), shown(path)
    check_free(path, overwrite)
    temporary = target.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        temporary.mkdir()
        yield temporary
        check_free(path, overwrite)  # somebody else may have taken the name by now
        _place(temporary, target)
    except OSError as error:
        if error.filename is not None and not Path(os.fsdecode(error.filename)).is_relative_to(temporary):
            raise
        raise InputError(f"{name}: {reason(error)}") from error
    finally:
        _remove(temporary)


def check_free(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Refuse, before any work is done, a name for a data set that could not be given in the end.

    Raises:
        InputError: see `atomic_folder`.
    """
    target, name = Path(os.path.realpath(path)), shown(path)
    if not target.parent.is_dir():
        raise InputError(f"{name}: there is no folder {shown(target.parent)}")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{name}: the folder {shown(target.parent)} cannot be written to")
    if not os.path.lexists(target) or _is_empty(target):
        return
    if not (target / FILE_NAME).is_file():
        raise InputError(f"{name}: exists and is no data set, so it is not replaced")
    if not overwrite:
        raise InputError(f"{name}: the data set exists already; --force replaces it")


def data_folder() -> Path:
    """Where data sets and downloads lie that nobody gave another place; it need not exist."""
    # Only asked for when it is needed, so that a user's setting may come late.
    from platformdirs import user_data_path

    chosen = os.environ.get(DATA_DIR_VARIABLE)
    return (Path(chosen) if chosen else user_data_path("sketchkit", appauthor=False)) / "data"


def find(name: str) -> Path:
    """The folder of a data set.

    Args:
        name: a folder, or the name of one in the user's data folder.

    Raises:
        InputError: there is neither.
    """
    if os.path.lexists(name):
        return Path(name)
    known = [path.name for path in stored(data_folder())]
    if name in known:
        return data_folder() / name
    hint = f"stored are {', '.join(known)}" if known else "`sketchkit data prepare` makes one"
    raise InputError(f"{shown(name)}: no such data set: {hint}")


def stored(folder: Path) -> list[Path]:
    """The data sets in a folder, by name; damaged ones too.

    Raises:
        InputError: the folder cannot be read.
    """
    try:
        found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{shown(folder)}: {reason(error)}") from error
    return sorted(path for path in found if not path.name.startswith(".") and (path / FILE_NAME).is_file())


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _place(temporary: Path, target: Path) -> None:
    """Give the folder its name; the one that had it goes only when that has worked."""
    if not os.path.lexists(target):
        os.rename(temporary, target)
        return
    old = target.parent / f".{secrets.token_hex(8)}.old"
    os.rename(target, old)
    try:
        os.rename(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.rename(old, target)
        raise
    _remove(old)


def _remove(folder: Path) -> None:
    """Remove a folder, also when a signal comes meanwhile."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
