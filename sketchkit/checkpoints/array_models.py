"""Loading models on numpy alone, and finding the files of models."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from sketchkit.checkpoints import store
from sketchkit.checkpoints.arrays import NativeHeader, read_arrays, read_header
from sketchkit.decoding import Decoding
from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import check_path, display_path, is_url, shown
from sketchkit.models import ArrayModel
from sketchkit.models.array_model import ArrayVae

__all__ = [
    "MAGENTA_SUFFIXES",
    "check_file",
    "find_file",
    "is_array_model",
    "load_array_model",
    "refuse_url",
]

MAGENTA_SUFFIXES = (".json", ".js")
_SUFFIXES = (store.SUFFIX, *MAGENTA_SUFFIXES)


def load_array_model(
    name: str | PathLike[str], *, engine: str = "auto", precision: str = "float32"
) -> ArrayModel:
    """Load a decoder or a VAE whose cell is the plain LSTM on numpy alone, in milliseconds.

    It draws, scores and encodes; it cannot be trained.

    Args:
        name: a model of the store, or the path of a `.safetensors` file.
        engine: steps the model while it draws; `auto` takes a plugin's that can, else numpy.
        precision: of the large products of a step; numpy's own engine takes `float32` alone.

    Raises:
        CheckpointError: a missing file, a file that cannot be read, or a model of another kind.
    """
    path = find_file(name)
    kind = _array_type(read_header(path)) if path.suffix.lower() == store.SUFFIX else None
    if kind is None:
        raise CheckpointError(f"{shown(path)}: only decoders and vaes with the cell lstm draw on numpy alone")
    header, arrays = read_arrays(path)
    try:
        model = kind(header.architecture, header.card, arrays)
    except (CheckpointError, InputError) as error:
        raise CheckpointError(f"{display_path(path)}: {error}") from error
    model.decoding = Decoding(engine, precision)
    return model


def is_array_model(path: Path) -> bool:
    """Whether a file holds a model that `load_array_model` loads.

    Raises:
        CheckpointError: a native checkpoint that cannot be read.
    """
    return path.suffix.lower() == store.SUFFIX and _array_type(read_header(path)) is not None


def _array_type(header: NativeHeader) -> type[ArrayModel] | None:
    """The class on numpy alone of what a native checkpoint holds, if there is one."""
    kinds = {kind.backend: kind for kind in (ArrayModel, ArrayVae)}
    return kinds.get(header.backend) if header.architecture.get("cell", "lstm") == "lstm" else None


def find_file(name: str | PathLike[str]) -> Path:
    """The file of a model: a name with a suffix or a folder in it is a path, any other a name of the store.

    Raises:
        CheckpointError: no such model or file, or a file with another suffix.
    """
    check_path(name, "the name or the path of a model")
    text = os.fspath(name)
    refuse_url(text)
    path = Path(text)
    if not isinstance(name, str) or path.suffix.lower() in _SUFFIXES or os.path.dirname(text):
        return check_file(path)
    return store.find(text)


def refuse_url(name: str | PathLike[str]) -> None:
    """Refuse the URL of a model: what is fetched is checked and stored first.

    Raises:
        CheckpointError: a URL.
    """
    if is_url(name):
        raise CheckpointError(f"{shown(name)}: a model is stored before it is used: `sketchkit models pull`")


def check_file(path: Path) -> Path:
    """The path itself.

    Raises:
        CheckpointError: a missing file, or a file with another suffix.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise CheckpointError(f"{shown(path)}: a model's file ends in one of {', '.join(_SUFFIXES)}")
    # Unlike `Path.exists`, this takes a name too long or with a null byte for a missing file.
    if not os.path.exists(path):
        raise CheckpointError(f"{shown(path)}: no such file")
    return path
