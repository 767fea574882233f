"""Loading a model to draw with, by the lightest means that the work at hand allows."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from sketchkit.checkpoints import store
from sketchkit.checkpoints.arrays import NativeHeader, read_arrays, read_header
from sketchkit.decoding import Decoding
from sketchkit.errors import CheckpointError
from sketchkit.files import check_path, shown
from sketchkit.models import ArrayModel

__all__ = [
    "MAGENTA_SUFFIXES",
    "check_file",
    "find_file",
    "holds_lstm_decoder",
    "load_array_model",
]

MAGENTA_SUFFIXES = (".json", ".js")
_SUFFIXES = (store.SUFFIX, *MAGENTA_SUFFIXES)


def load_array_model(
    name: str | PathLike[str], *, engine: str = "auto", precision: str = "float32"
) -> ArrayModel:
    """Load a decoder-only LSTM model on numpy alone, in milliseconds: it draws, scores and is not trained.

    Args:
        name: a model of the store, or the path of a `.safetensors` file.
        engine: steps the model while it draws; `auto` takes a plugin's that can, else numpy.
        precision: of the large products of a step; numpy's own engine takes `float32` alone.

    Raises:
        CheckpointError: a missing file, a file that cannot be read, or a model of another kind.
    """
    path = find_file(name)
    if path.suffix.lower() != store.SUFFIX or not holds_lstm_decoder(read_header(path)):
        raise CheckpointError(f"{shown(path)}: only decoders with the cell lstm draw on numpy alone")
    header, arrays = read_arrays(path)
    model = ArrayModel(header.architecture, header.card, arrays)
    model.decoding = Decoding(engine, precision)
    return model


def holds_lstm_decoder(header: NativeHeader) -> bool:
    """Whether a native checkpoint holds a model that `load_array_model` loads."""
    return header.backend == "decoder" and header.architecture.get("cell") == "lstm"


def find_file(name: str | PathLike[str]) -> Path:
    """The file of a model: a name with a suffix or a folder in it is a path, any other a name of the store.

    Raises:
        CheckpointError: no such model or file, or a file with another suffix.
    """
    check_path(name, "the name or the path of a model")
    text = os.fspath(name)
    path = Path(text)
    if not isinstance(name, str) or path.suffix.lower() in _SUFFIXES or os.path.dirname(text):
        return check_file(path)
    return store.find(text)


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
