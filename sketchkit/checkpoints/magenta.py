"""Magenta's published models: their JSON read within bounds, and written again.

The file is `[header, shapes, blobs]`; a blob is base64 of little-endian int16 q for the weight 10 q / 32767.
Arrays are [in, out], LSTM gates stand as i, j, f, o, and a start state as (c, h). Ours are [out, in], stand
as i, f, g, o (torch) and as (h, c) (paper); nothing else differs.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import torch
from torch import Tensor

from sketchkit.card import PAPER_START, ZERO_START, ModelCard
from sketchkit.checkpoints.native import build_model, from_grid, to_grid
from sketchkit.deprecation import renamed
from sketchkit.errors import CheckpointError, FormatError, InputError
from sketchkit.files import read_file, reason, shown, utf8_text
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderModel
from sketchkit.models.vae import VaeModel

__all__ = ["MAX_BYTES", "dump_magenta", "load_magenta", "parse_magenta"]

#: An LSTM of 2,048 units takes 50 MiB; parsed, a file of this size takes a gigabyte.
MAX_BYTES = 128 * 1024 * 1024
#: Both JavaScript libraries divide the file's scale factor by this, and raw Quick, Draw! pixels fit it best.
PIXEL_FACTOR = 2.0
#: What can be said of a file that does not say it itself.
UNKNOWN_LICENCE = "not stated in the file"
#: The JavaScript libraries pass over what they do not know: here stands what their format has no place for.
_OWN_KEY = "sketchkit"

# The header does not say with which start token a model was trained. Real drawings are likelier after zeros
# under most published models; these are the exceptions among the classes that were measured.
_KNOWN_STARTS = {"sheep": PAPER_START}

_JS_PREFIX = b"var model_raw_data"
_ESCAPED = re.compile(rb"\\([\\'\"])")
_GEN_ARRAYS, _VAE_ARRAYS = 5, 17
_PROVENANCE_KEY = "magenta_header"
_MAX_TEXT = 200
_MAX_HEADER_BYTES = 64 * 1024

Int16 = npt.NDArray[np.int16]


def load_magenta(path: Path, dtype: torch.dtype, device: torch.device) -> SketchModel:
    """Read a Magenta `.json` or `.js` file.

    Args:
        path: the file.
        dtype: the number type to compute in.
        device: where to.

    Raises:
        CheckpointError: one line naming the file.
    """
    try:
        data = read_file(path, MAX_BYTES)
    except OSError as error:
        raise CheckpointError(f"{shown(path)}: {reason(error)}") from error
    except FormatError as error:
        raise CheckpointError(str(error)) from error
    try:
        return parse_magenta(data, dtype, fallback_name=path.name.split(".")[0]).to(device)
    except CheckpointError as error:
        raise CheckpointError(f"{shown(path)}: {error}") from error


def parse_magenta(data: bytes, dtype: torch.dtype, fallback_name: str = "unnamed") -> SketchModel:
    """A model from the bytes of a Magenta file.

    Args:
        data: the file, with or without the `.js` wrapper.
        dtype: the number type to compute in.
        fallback_name: its name where the header has none.

    Raises:
        CheckpointError: anything that is not such a file.
    """
    if len(data) > MAX_BYTES:
        raise CheckpointError(f"more than {MAX_BYTES} bytes, the limit for a Magenta file")
    header, shapes, blobs = _container(_unwrapped(data))
    arrays = [_array(i, shape, blob) for i, (shape, blob) in enumerate(zip(shapes, blobs, strict=True))]
    if header.get("mode") in (2, "gen"):
        name, architecture, tensors = "decoder", *_gen_weights(arrays)
    else:
        name, architecture, tensors = "vae", *_vae_weights(arrays, _version(header))
    weights = {key: from_grid(torch.from_numpy(value.copy())).to(dtype) for key, value in tensors.items()}
    try:
        return build_model(name, architecture, _card(header, fallback_name), weights)
    except InputError as error:
        raise CheckpointError(str(error)) from error


@renamed(label="class_name")
def dump_magenta(model: SketchModel, *, wrapper: bool = False, class_name: str | None = None) -> bytes:
    """A model as a Magenta file, which the JavaScript libraries run.

    Args:
        model: a decoder-only model or a conditional VAE with LSTM cells; weights beyond +-10 are clipped.
        wrapper: whether to write the `.js` form.
        class_name: for a model that knows classes, the one that the file shall draw; no class in particular
            when None. What the class adds to every step goes into the biases.

    Returns:
        The file; for an imported model its arrays and header are those that were read, except for a header
        that is no longer true of it.

    Raises:
        CheckpointError: a model that the format cannot hold, or a weight that is not finite.
    """
    if getattr(model.architecture, "cell", None) != "lstm":
        raise CheckpointError("Magenta's format only holds models with a plain LSTM cell")
    if getattr(model.architecture, "position", False):
        raise CheckpointError(
            "Magenta's format cannot hold a model that reads where the pen is: train with --no-position"
        )
    if getattr(model.architecture, "prior", 0):
        raise CheckpointError("Magenta's format cannot hold a prior: export the model that it was fitted to")
    class_index = model.label_index(class_name)
    if isinstance(model, VaeModel):
        arrays, mode = _vae_arrays(model, class_index), 1
    elif isinstance(model, DecoderModel):
        arrays, mode = _gen_arrays(model, class_index), 2
    else:
        raise CheckpointError(f"Magenta's format cannot hold a model of the backend {model.backend!r}")
    if not all(torch.isfinite(a).all() for a in arrays):
        raise CheckpointError("a weight is not finite")
    blobs = [base64.b64encode(_little_endian(to_grid(a.detach().cpu()))).decode("ascii") for a in arrays]
    text = orjson.dumps([_header(model, mode, class_name), [list(a.shape) for a in arrays], blobs])
    return _wrapped(text) if wrapper else text


# --- the container ------------------------------------------------------------------------------------


def _unwrapped(data: bytes) -> bytes:
    try:
        body = utf8_text(data).strip()
    except FormatError as error:
        raise CheckpointError(str(error)) from error
    if not body.startswith(_JS_PREFIX):
        return body
    first, last = body.find(b"'"), body.rfind(b"'")
    if first < 0 or last <= first:
        raise CheckpointError("a .js file without the quoted JSON of a model")
    return _ESCAPED.sub(rb"\1", body[first + 1 : last])


def _wrapped(text: bytes) -> bytes:
    """JSON as a JavaScript string: what would end it or be read as an escape is escaped."""
    return _JS_PREFIX + b"='" + text.replace(b"\\", rb"\\").replace(b"'", rb"\'") + b"';"


def _container(text: bytes) -> tuple[dict[str, Any], list[list[int]], list[str]]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CheckpointError(f"not JSON: {error}") from error
    if not isinstance(value, list) or len(value) != 3:
        raise CheckpointError("not a Magenta model: expected [header, shapes, blobs]")
    header, shapes, blobs = value
    if not (isinstance(header, dict) and isinstance(shapes, list) and isinstance(blobs, list)):
        raise CheckpointError("not a Magenta model: expected an object and two arrays")
    _check_header(header)
    expected = _GEN_ARRAYS if header.get("mode") in (2, "gen") else _VAE_ARRAYS
    if len(shapes) != expected or len(blobs) != expected:
        raise CheckpointError(f"expected {expected} arrays, got {len(shapes)} shapes and {len(blobs)} blobs")
    return header, shapes, blobs


def _check_header(header: dict[str, Any]) -> None:
    """It is kept word for word with the card, so it must be small and no deeper than can be written again."""
    try:
        size = len(orjson.dumps(header))
    except TypeError as error:
        raise CheckpointError("the header is nested too deeply") from error
    if size > _MAX_HEADER_BYTES:
        raise CheckpointError(f"the header has {size} bytes, the limit is {_MAX_HEADER_BYTES}")


def _array(index: int, shape: Any, blob: Any) -> Int16:
    if not isinstance(shape, list) or len(shape) not in (1, 2) or not all(_is_size(n) for n in shape):
        raise CheckpointError(f"array {index} has no proper shape")
    if not isinstance(blob, str):
        raise CheckpointError(f"array {index} is not base64 text")
    try:
        data = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointError(f"array {index} is not base64: {error}") from error
    if len(data) != 2 * math.prod(shape):
        raise CheckpointError(f"array {index} has {len(data)} bytes, its shape {shape} wants another number")
    return np.frombuffer(data, "<i2").reshape(shape)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000


def _version(header: dict[str, Any]) -> float:
    version = header.get("version", 6)
    if not isinstance(version, int | float) or isinstance(version, bool):
        raise CheckpointError("the header's version is not a number")
    return version


def _card(header: dict[str, Any], fallback_name: str) -> ModelCard:
    scale, length = header.get("scale_factor"), header.get("max_seq_len", 250)
    if not isinstance(scale, int | float) or isinstance(scale, bool):
        raise CheckpointError("the header has no scale_factor")
    name = str(header.get("name") or fallback_name)[:_MAX_TEXT]
    facts = {
        "start": list(_KNOWN_STARTS.get(name, ZERO_START)),
        "classes": [name],
        "licence": UNKNOWN_LICENCE,
        **_own_facts(header),
        "name": name,
        "scale_factor": scale / PIXEL_FACTOR,
        "max_length": length,
        "provenance": {"source": "Magenta JSON", "pixel_factor": PIXEL_FACTOR, _PROVENANCE_KEY: header},
    }
    return ModelCard.from_json(facts)


def _own_facts(header: dict[str, Any]) -> dict[str, Any]:
    """What `dump_magenta` wrote beside what the format knows."""
    facts = header.get(_OWN_KEY, {})
    if not isinstance(facts, dict):
        raise CheckpointError(f"the header's {_OWN_KEY!r} is not a JSON object")
    return {key: facts[key] for key in ("start", "classes", "licence") if key in facts}


def _header(model: SketchModel, mode: int, label: str | None) -> dict[str, Any]:
    kept = model.card.provenance.get(_PROVENANCE_KEY)
    if isinstance(kept, dict) and _is_true_of(kept, model, mode):
        return kept
    # Version 6 is the last that was published; the libraries read it as it stands.
    return {
        "mode": mode,
        "version": 5 if getattr(model.architecture, "tanh_z", False) else 6,
        "max_seq_len": model.card.max_length,
        "name": label or model.card.name,
        "scale_factor": model.card.scale_factor * PIXEL_FACTOR,
        _OWN_KEY: {
            "start": list(model.card.start),
            "classes": _drawn_classes(model, label),
            "licence": model.card.licence,
        },
    }


def _drawn_classes(model: SketchModel, label: str | None) -> list[str]:
    """What an exported model draws: the class it was told, or no class in particular."""
    if model.labelled:
        return [label or model.card.name]
    return list(model.card.classes)


def _is_true_of(header: dict[str, Any], model: SketchModel, mode: int) -> bool:
    try:
        card, version = _card(header, ""), _version(header)
    except (CheckpointError, InputError):
        return False
    tanh_z = getattr(model.architecture, "tanh_z", False)
    return (
        (header.get("mode") in (2, "gen")) == (mode == 2)
        and (mode == 2 or (version < 6) == tanh_z)
        and (card.scale_factor, card.max_length) == (model.card.scale_factor, model.card.max_length)
        and card.start == model.card.start
    )


# --- the weights --------------------------------------------------------------------------------------


def _gen_weights(a: list[Int16]) -> tuple[dict[str, Any], dict[str, Any]]:
    architecture = {"hidden": a[0].shape[0], "mixtures": (a[0].shape[-1] - 3) // 6}
    return architecture, {**_linear("decoder.output", a[0], a[1]), **_cell("decoder.cell", a[2], a[3], a[4])}


def _vae_weights(a: list[Int16], version: float) -> tuple[dict[str, Any], dict[str, Any]]:
    architecture = {
        "encoder_hidden": a[1].shape[0],
        "hidden": a[12].shape[0],
        "latent": a[6].shape[-1],
        "mixtures": (a[12].shape[-1] - 3) // 6,
        "tanh_z": version < 6,
    }
    return architecture, {
        **_cell("forward_cell", *a[0:3]),
        **_cell("backward_cell", *a[3:6]),
        **_linear("mu", *a[6:8]),
        **_linear("presig", *a[8:10]),
        **_linear("initial", *(_swapped_halves(array) for array in a[10:12])),
        **_linear("decoder.output", *a[12:14]),
        **_cell("decoder.cell", *a[14:17]),
    }


def _gen_arrays(model: DecoderModel, class_index: Tensor | None) -> list[Tensor]:
    return [*_linear_arrays(model.decoder.output), *_decoder_cell_arrays(model, class_index)]


def _vae_arrays(model: VaeModel, class_index: Tensor | None) -> list[Tensor]:
    return [
        *_cell_arrays(model.forward_cell),
        *_cell_arrays(model.backward_cell),
        *_linear_arrays(model.mu),
        *_linear_arrays(model.presig),
        *(torch.cat(tuple(t.chunk(2, -1))[::-1], -1) for t in _linear_arrays(model.initial)),
        *_linear_arrays(model.decoder.output),
        *_decoder_cell_arrays(model, class_index),
    ]


def _decoder_cell_arrays(model: DecoderModel | VaeModel, class_index: Tensor | None) -> list[Tensor]:
    """The decoder's cell, its inputs without the class, whose share is part of the bias."""
    weight_x, weight_h, bias = _cell_arrays(model.decoder.cell)  # [in, 4H], [H, 4H], [4H]
    if model.embedding is None:
        return [weight_x, weight_h, bias]
    size = model.architecture.embedding
    share = model.embedding(1, class_index)[0] @ weight_x[-size:]
    return [weight_x[:-size], weight_h, bias + share]


def _linear(name: str, weight: Int16, bias: Int16) -> dict[str, Any]:
    return {f"{name}.weight": np.ascontiguousarray(weight.T), f"{name}.bias": bias}


def _linear_arrays(layer: Any) -> list[Tensor]:
    return [layer.weight.T, layer.bias]


def _cell(name: str, weight_x: Int16, weight_h: Int16, bias: Int16) -> dict[str, Any]:
    arrays = {"weight_x": weight_x, "weight_h": weight_h, "bias": bias}
    return {f"{name}.{key}": np.ascontiguousarray(_swapped_gates(a).T) for key, a in arrays.items()}


def _cell_arrays(cell: Any) -> list[Tensor]:
    return [_swapped_gate_tensor(t) for t in (cell.weight_x.T, cell.weight_h.T, cell.bias)]


def _swapped_gates(array: Int16) -> Int16:
    """Swap the two middle quarters: i, j, f, o to i, f, j, o and back."""
    if array.shape[-1] % 4:
        raise CheckpointError(f"an LSTM's arrays have 4H columns, got {array.shape[-1]}")
    i, j, f, o = np.split(array, 4, axis=-1)
    return np.concatenate((i, f, j, o), axis=-1)


def _swapped_gate_tensor(tensor: Tensor) -> Tensor:
    i, f, j, o = tensor.chunk(4, -1)
    return torch.cat((i, j, f, o), -1)


def _swapped_halves(array: Int16) -> Int16:
    first, second = np.array_split(array, 2, axis=-1)
    return np.concatenate((second, first), axis=-1)


def _little_endian(steps: Tensor) -> bytes:
    return steps.detach().cpu().contiguous().numpy().astype("<i2").tobytes()
