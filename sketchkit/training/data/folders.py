"""Where data sets lie: the user's data folder, and folders that take their names when they are complete."""

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

__all__ = ["atomic_folder", "data_folder", "find", "list_datasets"]

DATA_DIR_VARIABLE = "SKETCHKIT_DATA_DIR"
_NAME = re.compile(r"[^./\\\0][^/\\\0]{0,199}")


@contextmanager
def atomic_folder(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Make a data set's folder that appears only when it is complete.

    It is filled under a hidden name beside its place. An interruption, Ctrl-C included, removes it and leaves
    a data set of that name as it was.

    Args:
        path: the folder to be.
        overwrite: whether a data set of that name may be replaced; all other files and folders stay.

    Yields:
        The folder to fill.

    Raises:
        InputError: the name is taken, the folder around it is missing, or the disk is full.
    """
    target, name = Path(os.path.realpath(path)), shown(path)
    _check_free(target, name, overwrite)
    temporary = target.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        temporary.mkdir()
        yield temporary
        _check_free(target, name, overwrite)  # another program may have taken the name by now
        _place(temporary, target)
    except OSError as error:
        if error.filename is not None and not Path(os.fsdecode(error.filename)).is_relative_to(temporary):
            raise
        raise InputError(f"{name}: {reason(error)}") from error
    finally:
        _remove(temporary)


def _check_free(target: Path, name: str, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise InputError(f"{name}: there is no folder {shown(target.parent)}")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{name}: the folder {shown(target.parent)} cannot be written to")
    is_empty_folder = target.is_dir() and not any(target.iterdir())
    if is_empty_folder or not os.path.lexists(target):
        return
    if not (target / FILE_NAME).is_file():
        raise InputError(f"{name}: exists and is no data set, so it is not replaced")
    if not overwrite:
        raise InputError(f"{name}: the data set exists already; --force replaces it")


def _place(temporary: Path, target: Path) -> None:
    """Give the folder its name; a folder that had it is removed only after that."""
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


def data_folder() -> Path:
    """The user's folder of data sets and downloads, which may be missing."""
    # Imported here, and the variable read here, so that a user's setting may come late.
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
    known = [path.name for path in list_datasets(data_folder())]
    if name in known:
        return data_folder() / name
    hint = f"stored are {', '.join(known)}" if known else "`sketchkit data prepare` makes one"
    raise InputError(f"{shown(name)}: no such data set: {hint}")


def list_datasets(folder: Path) -> list[Path]:
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
    return sorted(path for path in found if (path / FILE_NAME).is_file())
