"""The weights of a model as the page to send holds them: recurrent ones in whole numbers of 8 bits.

They are laid out as `web/vectors.ts` reads them: units, inputs and outputs are filled up with zeros to whole
vectors, and the candidate gate is doubled, so that every gate is a sigmoid.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.engine import LSTMWeights
from sketchkit.models import DrawingModel
from sketchkit.tensors import open_tensors

__all__ = ["Tensors", "model_tensors", "pack", "quantize", "recogniser_tensors"]

Float32 = npt.NDArray[np.float32]
Int8 = npt.NDArray[np.int8]
Tensors = Mapping[str, Float32 | Int8]

#: The largest whole number of a weight or an output, as in `--precision int8`.
_LARGEST = np.float32(127.0)
#: The least of the largest weights of a row: 127 over it is finite.
_LEAST = np.float32(1e-36)
#: Multiples that the kernel needs: of units, of the numbers of a row that is read, and of outputs.
_UNITS, _READ, _OUTPUTS = 8, 8, 4


def quantize(weights: Float32) -> tuple[Int8, Float32]:
    """Weights [N, K] in whole numbers, by a scale a row: the numbers [N, K], and the largest weights [N].

    The rule is that of `--precision int8`, to the last bit: the largest weight of a row becomes 127.
    """
    largest = np.maximum(np.abs(weights).max(1), _LEAST)
    # As torch divides a number by a tensor.
    factor = np.reciprocal(largest) * _LARGEST
    return np.rint(weights * factor[:, None]).astype(np.int8), largest


def model_tensors(model: DrawingModel, weights: LSTMWeights) -> Tensors:
    """The weights of a model by the names that the page has for them.

    Args:
        model: of the backend `decoder`.
        weights: of the model, float32.
    """
    doubled = weights.to_numpy().double_candidate()
    recurrent, largest = quantize(_by_unit(_fill(doubled.recurrent, _UNITS, 1)))
    out: dict[str, Float32 | Int8] = {
        "recurrent": recurrent,
        "scale": largest / (_LARGEST * _LARGEST),
        "rows": _fill(_by_unit(doubled.rows), _READ, 1),
        "bias": _by_unit(doubled.bias[:, None])[:, 0],
        "output": _fill(_fill(doubled.output, _UNITS, 1), _OUTPUTS, 0),
        "output_bias": _fill(doubled.output_bias, _OUTPUTS, 0),
    }
    if doubled.context is not None:
        out["context"] = _fill(_by_unit(doubled.context), _OUTPUTS, 1)
        out["embedding"] = _fill(_fill(_embedding(model), _OUTPUTS, 0), _OUTPUTS, 1)
    return out


def _by_unit(values: Float32) -> Float32:
    """[4H, K] with zeros for the missing units of each gate."""
    filled = _fill(values.reshape(4, -1, values.shape[1]), _UNITS, 1)
    return filled.reshape(-1, values.shape[1])


def _embedding(model: DrawingModel) -> Float32:
    """The input of each class, and last that of none: [C + 1, E]."""
    classes = np.arange(len(model.card.classes))
    states = (model.initial_state(len(classes), label=model.to_own(classes)), model.initial_state(1))
    return np.concatenate([np.asarray(state[-1], np.float32) for state in states])


def recogniser_tensors(path: Path, name: str) -> Tensors:
    """The weights of a recogniser of the plain network, in whole numbers of 8 bits.

    Args:
        path: of its file.
        name: before the names of its tensors.

    Raises:
        CheckpointError: a missing or damaged file.
    """
    out: dict[str, Float32 | Int8] = {}
    with open_tensors(path) as file:
        weights = {each: file.read(each).astype(np.float32) for each in file.tensors}
    channels = len(weights["convolutions.3.bias"])
    for part in (each.removesuffix(".weight") for each in weights if each.endswith(".weight")):
        weight = weights[f"{part}.weight"]
        if part == "features":
            side = round((weight.shape[1] / channels) ** 0.5)
            weight = weight.reshape(-1, channels, side, side)
        # Pixels come row by row, then channel by channel.
        by_pixel = weight.transpose(0, 2, 3, 1) if weight.ndim == 4 else weight
        flat = _fill(by_pixel.reshape(len(weight), -1), _OUTPUTS, 1)
        whole, largest = quantize(_fill(flat, _OUTPUTS, 0))
        out |= {f"{name}.{part}.weight": whole, f"{name}.{part}.scale": largest / _LARGEST}
        out[f"{name}.{part}.bias"] = _fill(weights[f"{part}.bias"], _OUTPUTS, 0)
    return out


def _fill(values: npt.NDArray[Any], multiple: int, axis: int) -> npt.NDArray[Any]:
    """Values with zeros behind the last along an axis, up to a multiple."""
    width = [(0, 0)] * values.ndim
    width[axis] = (0, -values.shape[axis] % multiple)
    return np.pad(values, width)


def pack(tensors: Tensors) -> tuple[str, list[tuple[str, str, int]]]:
    """Tensors as text of base 64, deflated, and the name, kind and length of each.

    Floats lie in four planes of bytes, for weights that come from 16 bits have one plane of zeros.
    """
    parts: list[bytes] = []
    described = []
    for name, values in tensors.items():
        whole = values.dtype == np.int8
        flat = np.ascontiguousarray(values, np.int8 if whole else "<f4").reshape(-1)
        parts.append(flat.tobytes() if whole else _planes(flat))
        described.append((name, "i8" if whole else "f32", flat.size))
    return base64.b64encode(zlib.compress(b"".join(parts), 9)).decode("ascii"), described


def _planes(values: npt.NDArray[Any]) -> bytes:
    return values.view(np.uint8).reshape(-1, 4).T.tobytes()
