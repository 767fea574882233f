"""Loading models by stored name or by file, native or Magenta's."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import torch

from sketchkit.checkpoints import store
from sketchkit.checkpoints.array_models import MAGENTA_SUFFIXES, check_file, find_file, refuse_url
from sketchkit.checkpoints.magenta import load_magenta
from sketchkit.checkpoints.native import load_native, save_model
from sketchkit.decoding import Decoding
from sketchkit.devices import resolve_device, resolve_dtype
from sketchkit.errors import CheckpointError, DeviceError
from sketchkit.files import check_path, explain_errors
from sketchkit.models import SketchModel

__all__ = ["import_model", "load_model"]


def load_model(
    name: str | PathLike[str],
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "float32",
    *,
    engine: str = "auto",
    precision: str = "float32",
) -> SketchModel:
    """Load a model, ready to draw.

    Args:
        name: a model of the store, or the path of a `.safetensors`, Magenta `.json` or `.js` file.
        device: `auto` (CUDA, then MPS, then CPU) or a device of torch.
        dtype: of the weights: `float32`, `float64`, `bfloat16` or `float16`.
        engine: what steps it while it draws; `auto` takes a plugin's that supports it, else torch. The name
            is checked when the model draws.
        precision: the number type of the large products of a step: `float32`, `tf32` (CUDA), `bfloat16`, or
            `int8` (CPU); docs/performance.md has its effects.

    Raises:
        CheckpointError: an unknown model, or an unreadable file.
        DeviceError: an unknown or missing device or number type.
    """
    place, kind = resolve_device(device), resolve_dtype(dtype)
    if place.type == "mps" and kind is torch.float64:
        raise DeviceError("the device 'mps' does not compute in float64")
    path = find_file(name)
    load = load_magenta if path.suffix.lower() in MAGENTA_SUFFIXES else load_native
    model = load(path, kind, place)
    model.decoding = Decoding(engine, precision)
    return model


def import_model(
    path: str | PathLike[str],
    name: str | None = None,
    *,
    start: tuple[float, ...] | None = None,
    licence: str | None = None,
    overwrite: bool = False,
    origin: Mapping[str, str] | None = None,
) -> tuple[str, Path]:
    """Bring a file into the store.

    Args:
        path: a `.safetensors`, Magenta `.json` or `.js` file.
        name: its name in the store; the model's own when None.
        start: the start token to keep with it; the file's, or the known one of its class, when None.
        licence: of the weights; the file's own statement when None.
        overwrite: whether to replace a stored model of that name.
        origin: facts of where the file was fetched, which the card's provenance keeps.

    Returns:
        The name and the path in the store.

    Raises:
        CheckpointError: an unreadable file, or a store folder that cannot be created.
        InputError: an invalid name, or one that is taken although `overwrite` is false.
    """
    check_path(path, "the path of a model")
    refuse_url(path)
    model = load_model(check_file(Path(path)), device="cpu")
    chosen = name or model.card.name
    provenance = {**model.card.provenance, **origin} if origin else None
    known = {"name": chosen, "start": start, "licence": licence, "provenance": provenance}
    changes = {fact: value for fact, value in known.items() if value is not None}
    target = store.path_of(chosen)
    with explain_errors(target.parent, CheckpointError):
        target.parent.mkdir(parents=True, exist_ok=True)
    save_model(model.with_card(**changes), target, overwrite=overwrite)
    return chosen, target
