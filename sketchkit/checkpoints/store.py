"""The store: models by name, those that a user has imported or pulled and those that come with sketchkit.

A user's own lie in a folder `models` under `SKETCHKIT_DATA_DIR`, or under the user's data directory; the
others in the package, which stays read-only. Of two of one name the user's own is taken. Each is a native
checkpoint. Listing them reads headers only, and torch stays unloaded.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from sketchkit.checkpoints.arrays import NativeHeader, read_header
from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import display_path, explain_errors, reason

__all__ = [
    "StoredModel",
    "bundled_folder",
    "find",
    "folder",
    "is_bundled",
    "names",
    "path_of",
    "remove",
    "stored_models",
]

DATA_DIR_VARIABLE = "SKETCHKIT_DATA_DIR"
SUFFIX = ".safetensors"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,99}(?<! )")


@dataclass(frozen=True)
class StoredModel:
    """A model of the store: its name, its file, and its header or the problem of reading it."""

    name: str
    path: Path
    header: NativeHeader | None
    problem: str | None

    @property
    def bundled(self) -> bool:
        """Whether it comes with sketchkit."""
        return self.path.parent == bundled_folder()


def folder() -> Path:
    """The folder of a user's own models; it may be missing."""
    # Read at each call, so that a user's setting may come late.
    from platformdirs import user_data_path

    chosen = os.environ.get(DATA_DIR_VARIABLE)
    return (Path(chosen) if chosen else user_data_path("sketchkit", appauthor=False)) / "models"


def bundled_folder() -> Path:
    """The folder of the models that come with sketchkit."""
    return Path(__file__).parent.parent / "bundled"


def names() -> list[str]:
    """The names of all models, sorted."""
    return sorted(_names_in(folder()) | _names_in(bundled_folder()))


def is_bundled(name: str) -> bool:
    """Whether a name means a model that comes with sketchkit, unless a model of the user's own hides it.

    Raises:
        CheckpointError: an unreadable folder of models.
    """
    return name in _names_in(bundled_folder()) - _names_in(folder())


def path_of(name: str) -> Path:
    """The path of a user's own model of that name, present or not.

    Raises:
        InputError: an invalid name: valid are letters, digits, spaces, `_` and `-`, 100 at most.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be the name of a model: letters, digits, spaces, '_' and '-', 100 at most"
        )
    return folder() / f"{name}{SUFFIX}"


def find(name: str) -> Path:
    """The file of a model.

    Raises:
        CheckpointError: an unknown name, with the known ones and how to get more.
    """
    if is_bundled(name):
        return bundled_folder() / f"{name}{SUFFIX}"
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
    """Every model with its header; a damaged file is listed with its problem."""
    return [_describe(name) for name in names()]


def remove(name: str) -> Path:
    """Delete a user's own model and return its former path.

    Raises:
        CheckpointError: an unknown model, one that comes with sketchkit, or a file that cannot be deleted.
    """
    path = find(name)
    if is_bundled(name):
        raise CheckpointError(f"the model {name!r} comes with sketchkit: it cannot be removed")
    with explain_errors(path, CheckpointError):
        path.unlink()
    return path


def _describe(name: str) -> StoredModel:
    path = find(name)
    try:
        return StoredModel(name, path, read_header(path), None)
    except CheckpointError as error:
        return StoredModel(name, path, None, str(error))


def _names_in(folder: Path) -> set[str]:
    try:
        return {p.stem for p in folder.iterdir() if p.suffix == SUFFIX and _NAME.fullmatch(p.stem)}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise CheckpointError(f"{display_path(folder)}: {reason(error)}") from error
