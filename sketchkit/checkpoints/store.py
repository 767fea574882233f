"""The store: models that a user has imported or pulled, one native checkpoint each, by name.

It is a folder `models` under `SKETCHKIT_DATA_DIR`, or under the user's data directory. Listing it reads
headers only and needs no torch.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from sketchkit.checkpoints.header import NativeHeader, read_header
from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import reason, shown

__all__ = ["StoredModel", "find", "folder", "names", "path_of", "remove", "stored_models"]

DATA_DIR_VARIABLE = "SKETCHKIT_DATA_DIR"
SUFFIX = ".safetensors"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,99}(?<! )")


@dataclass(frozen=True)
class StoredModel:
    """One model of the store: its name, its file, and its header or why that cannot be read."""

    name: str
    path: Path
    header: NativeHeader | None
    problem: str | None


def folder() -> Path:
    """Where the models lie; it need not exist."""
    # Only asked for when a model is needed, so that a user's setting may come late.
    from platformdirs import user_data_path

    chosen = os.environ.get(DATA_DIR_VARIABLE)
    return (Path(chosen) if chosen else user_data_path("sketchkit", appauthor=False)) / "models"


def names() -> list[str]:
    """The names of all stored models, sorted."""
    try:
        return sorted(p.stem for p in folder().iterdir() if p.suffix == SUFFIX and _NAME.fullmatch(p.stem))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"{shown(folder())}: {reason(error)}") from error


def path_of(name: str) -> Path:
    """Where a model of that name lies or would lie.

    Raises:
        InputError: a name that is none: letters, digits, spaces, `_` and `-`, 100 at most.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be the name of a model: letters, digits, spaces, '_' and '-', 100 at most"
        )
    return folder() / f"{name}{SUFFIX}"


def find(name: str) -> Path:
    """The file of a stored model.

    Raises:
        CheckpointError: no such model, with what there is and how to get one.
    """
    known = names()
    if name in known:
        return path_of(name)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif known:
        hint = f"there are {', '.join(known)}"
    else:
        hint = "none is stored yet: `sketchkit models import FILE` or `sketchkit models pull bird` brings one"
    raise CheckpointError(f"no model named {name!r}: {hint}")


def stored_models() -> list[StoredModel]:
    """Every stored model with its header; a damaged file is listed with its problem."""
    return [_described(name) for name in names()]


def remove(name: str) -> Path:
    """Delete a stored model and return where it was.

    Raises:
        CheckpointError: no such model, or a file that cannot be deleted.
    """
    path = find(name)
    try:
        path.unlink()
    except OSError as error:
        raise CheckpointError(f"{shown(path)}: {reason(error)}") from error
    return path


def _described(name: str) -> StoredModel:
    path = path_of(name)
    try:
        return StoredModel(name, path, read_header(path), None)
    except CheckpointError as error:
        return StoredModel(name, path, None, str(error))
