"""Native checkpoints: one safetensors file with the card inside, written as a whole.

Weights that all lie on Magenta's grid (10 q / 32767, q a 16-bit integer) are stored as those integers: half
the size, without loss. Others can be stored in half precision, which rounds them once; models compute in
float32 all the same.
"""

from __future__ import annotations

import dataclasses
from os import PathLike
from pathlib import Path
from typing import Any

import orjson
import torch
from torch import Tensor, nn

from sketchkit._version import __version__
from sketchkit.card import ModelCard
from sketchkit.checkpoints.arrays import (
    FORMAT_VERSION,
    GRID_ENCODING,
    METADATA_KEY,
    PLAIN_ENCODING,
    read_arrays,
)
from sketchkit.devices import resolve_dtype, without_weights
from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import atomic_write, check_path, display_path
from sketchkit.models import SketchModel, backend
from sketchkit.models.architectures import check_fields
from sketchkit.tensors import MAX_HEADER_BYTES

__all__ = [
    "assign_weights",
    "build_model",
    "dump_native",
    "from_grid",
    "load_native",
    "save_model",
    "to_grid",
]


def save_model(
    model: SketchModel,
    path: str | PathLike[str],
    *,
    overwrite: bool = True,
    dtype: str | torch.dtype | None = None,
) -> None:
    """Write a model as a native checkpoint.

    Args:
        model: of a registered backend.
        path: ends in `.safetensors`; a URL of an object store is one, too.
        overwrite: whether to replace an existing file.
        dtype: see `dump_native`.

    Raises:
        InputError: another suffix, a file that exists although `overwrite` is false, an unwritable folder,
            or see `dump_native`.
        DeviceError: an unknown number type.
    """
    check_path(path)
    target = Path(path)
    if target.suffix != ".safetensors":
        raise InputError(f"{display_path(target)}: a native checkpoint's name ends in .safetensors")
    try:
        data = dump_native(model, dtype)
    except InputError as error:
        raise InputError(f"{display_path(target)}: {error}") from error
    with atomic_write(path, overwrite=overwrite) as stream:
        stream.write(data)


def dump_native(model: SketchModel, dtype: str | torch.dtype | None = None) -> bytes:
    """Write a model as the bytes of a native checkpoint.

    Args:
        model: of a registered backend.
        dtype: the number type to store the weights in; when None the integers of Magenta's grid where all
            weights lie on it, else the model's own number type.

    Raises:
        InputError: a card that is invalid JSON or too large to be read again, weights that are infinite, NaN
            or beyond the number type.
        DeviceError: an unknown number type.
    """
    # A slow import that only saving needs.
    from safetensors.torch import save

    tensors = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"the weight {name!r} holds a number that is not finite")
    encoding, stored = _encode(tensors) if dtype is None else (PLAIN_ENCODING, _narrow(tensors, dtype))
    facts = {
        "format_version": FORMAT_VERSION,
        "written_by": f"sketchkit {__version__}",
        "backend": model.backend,
        "architecture": dataclasses.asdict(model.architecture),
        "card": model.card.to_json(),
        "encoding": encoding,
    }
    try:
        description = orjson.dumps(facts).decode()
    except TypeError as error:
        raise InputError(f"the card holds something that is no JSON: {error}") from error
    data = save(stored, metadata={METADATA_KEY: description})
    if (length := int.from_bytes(data[:8], "little")) > MAX_HEADER_BYTES:
        raise InputError(f"the card makes a header of {length} bytes, the limit is {MAX_HEADER_BYTES}")
    return data


def load_native(path: Path, dtype: torch.dtype, device: torch.device) -> SketchModel:
    """Read a native checkpoint.

    Args:
        path: a safetensors file.
        dtype: the number type to compute in.
        device: the device to load it to.

    Raises:
        CheckpointError: one line naming the file.
        PluginError: a missing backend.
    """
    header, arrays = read_arrays(path)
    try:
        tensors = {name: torch.from_numpy(array).to(dtype) for name, array in arrays.items()}
        return build_model(header.backend, dict(header.architecture), header.card, tensors).to(device)
    except (CheckpointError, InputError) as error:
        raise CheckpointError(f"{display_path(path)}: {error}") from error


def build_model(
    backend_name: str, architecture: dict[str, Any], card: ModelCard, tensors: dict[str, Tensor]
) -> SketchModel:
    """Build a model from its description and weights, ready to draw.

    Args:
        backend_name: an entry point of `sketchkit.models`.
        architecture: the fields of the backend's architecture.
        card: the card.
        tensors: every weight by name, all of one number type; the model shares their memory.

    Raises:
        CheckpointError: an architecture that the backend rejects; a weight that is missing, superfluous, of
            another shape, infinite or NaN.
        PluginError: an unknown backend.
    """
    cls = backend(backend_name)
    # Weights come from a file: skip allocating and initialising them.
    with check_fields(backend_name), without_weights():
        model = cls(cls.architecture_type(**architecture), card)
    assign_weights(model, tensors)
    return model.eval()


def assign_weights(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give a module weights that come from a file, and freeze it.

    Args:
        module: its own weights may be without memory.
        tensors: every weight by name; the module shares their memory.

    Raises:
        CheckpointError: a weight that is missing, superfluous, of another shape, infinite or NaN.
    """
    expected = {name: tensor.shape for name, tensor in module.state_dict().items()}
    for name in sorted(expected.keys() ^ tensors.keys()):
        state = "missing" if name in expected else "unknown"
        raise CheckpointError(f"the weight {name!r} is {state}")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name]:
            shapes = f"{list(tensor.shape)}, not {list(expected[name])}"
            raise CheckpointError(f"the weight {name!r} has the shape {shapes}")
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"the weight {name!r} holds a number that is not finite")
    module.load_state_dict(tensors, assign=True)
    module.requires_grad_(False)


def to_grid(tensor: Tensor) -> Tensor:
    """The nearest 16-bit integers q for weights 10 q / 32767; weights beyond +-10 are clipped."""
    return (tensor.to(torch.float64) * 32767.0 / 10.0).round().clamp(-32767, 32767).to(torch.int16)


def from_grid(steps: Tensor) -> Tensor:
    """The weights of 16-bit integers q: float32, rounded after the division and again after the product.

    Both JavaScript libraries compute them so.
    """
    return steps.to(torch.float32) / 32767.0 * 10.0


def _encode(tensors: dict[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    """The encoding, and the stored tensors: integers if all weights lie on the grid, else the weights."""
    steps = {name: _exact_steps(tensor) for name, tensor in tensors.items()}
    exact = {name: step for name, step in steps.items() if step is not None}
    return (GRID_ENCODING, exact) if len(exact) == len(tensors) else (PLAIN_ENCODING, tensors)


def _narrow(tensors: dict[str, Tensor], dtype: str | torch.dtype) -> dict[str, Tensor]:
    kind = resolve_dtype(dtype)
    out = {name: tensor.to(kind) for name, tensor in tensors.items()}
    for name, tensor in out.items():
        if not torch.isfinite(tensor).all():
            name_of_kind = str(kind).removeprefix("torch.")
            largest = float(tensors[name].abs().max())
            raise InputError(
                f"the weight {name!r} reaches {largest:g}, which is too large for {name_of_kind}"
            )
    return out


def _exact_steps(tensor: Tensor) -> Tensor | None:
    """The integers behind weights that lie on the grid exactly, or None."""
    steps = to_grid(tensor)
    # In float64: rounded to half precision, neighbours on the grid would pass for each other.
    return steps if torch.equal(from_grid(steps).double(), tensor.double()) else None
