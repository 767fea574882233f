"""The few operations that the decoding loop needs on numpy arrays and on tensors alike.

The state of a stepper is a tuple of either kind, whose first dimension is the row. torch is imported only
where a tensor is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sketchkit.models import Array, ArrayModel, DrawingModel

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "State",
    "as_tensor",
    "call",
    "concatenate",
    "inference",
    "pad_rows",
    "put_rows",
    "replace_rows",
    "select_rows",
    "take_rows",
    "to_numpy",
]

State = tuple[Array, ...]
Int64 = npt.NDArray[np.int64]


def take_rows(values: Array, rows: Int64) -> Array:
    """Some rows, copied: int64 [R] of [B, ...] to [R, ...]."""
    return values[_index(values, rows)]


def put_rows(values: Array, rows: Int64, new: Array) -> None:
    """Write over some rows in place: [R, ...] into [B, ...] at int64 [R]."""
    values[_index(values, rows)] = new


def replace_rows(values: Array, rows: Int64, new: Array) -> Array:
    """A copy with some rows written over: [R, ...] into [B, ...] at int64 [R]."""
    out = values.copy() if isinstance(values, np.ndarray) else values.clone()
    put_rows(out, rows, new)
    return out


def select_rows(mask: npt.NDArray[np.bool_], yes: Array, no: Array) -> Array:
    """Row by row one of two arrays [B, ...], as a mask [B] says."""
    shaped = mask.reshape(-1, *[1] * (yes.ndim - 1))
    if isinstance(yes, np.ndarray):
        return np.where(shaped, yes, no)
    import torch

    return torch.where(torch.from_numpy(shaped).to(yes.device), yes, no)


def concatenate(parts: Sequence[Array]) -> Array:
    """Arrays of one kind, row after row."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    import torch

    return torch.cat(tuple(parts))


def pad_rows(values: Array, least: int) -> Array:
    """At least so many rows: copies of the first stand in for missing ones, zeros in an empty array."""
    count = len(values)
    if count >= least:
        return values
    if count:
        places = np.zeros(least, np.int64)
        places[:count] = np.arange(count)
        return take_rows(values, places)
    if isinstance(values, np.ndarray):
        return np.zeros((least, *values.shape[1:]), values.dtype)
    return values.new_zeros(least, *values.shape[1:])


def to_numpy(values: Array) -> npt.NDArray[Any]:
    """An array as one of numpy: float32 at least, in the memory of the CPU."""
    if isinstance(values, np.ndarray):
        return values
    wide = values.float() if values.is_floating_point() and values.element_size() < 4 else values
    return np.asarray(wide.cpu().numpy())


def as_tensor(values: Array) -> Tensor:
    """An array as a tensor; a tensor comes back as it is."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)) if isinstance(values, np.ndarray) else values


def inference(model: DrawingModel) -> AbstractContextManager[object]:
    """In which a model computes without gradients."""
    if isinstance(model, ArrayModel):
        return nullcontext()
    import torch

    return torch.inference_mode()


def call(model: DrawingModel, function: Callable[..., Any], *arrays: npt.NDArray[Any]) -> Any:
    """Call a function of a model's kind of array where the model lies.

    Args:
        model: any.
        function: without gradients; takes arrays or tensors and returns one or a tuple of them.
        arrays: what it takes, as arrays of numpy; they keep their number types.

    Returns:
        Its result, an array of numpy or a tuple of them.
    """
    if isinstance(model, ArrayModel):
        return function(*arrays)
    import torch

    with torch.inference_mode():
        made = function(*(torch.from_numpy(each).to(model.device) for each in arrays))
    return tuple(map(to_numpy, made)) if isinstance(made, tuple) else to_numpy(made)


def _index(values: Array, rows: Int64) -> Any:
    if isinstance(values, np.ndarray):
        return rows
    import torch

    return torch.from_numpy(np.ascontiguousarray(rows)).to(values.device)
