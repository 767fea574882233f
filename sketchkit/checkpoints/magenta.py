"""Magenta's published models: their JSON read within bounds, and written again.

The file is `[header, shapes, blobs]`; a blob is base64 of little-endian int16 q for the weight 10 q / 32767.
Arrays are [in, out], LSTM gates stand as i, j, f, o, and a start state as (c, h). Ours are [out, in], stand
as i, f, g, o (torch) and as (h, c) (paper); the rest is the same.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from torch import Tensor

from sketchkit.arguments import renamed
from sketchkit.card import PAPER_START, ZERO_START, ModelCard
from sketchkit.checkpoints.native import build_model, from_grid, to_grid
from sketchkit.errors import CheckpointError, FormatError, InputError
from sketchkit.files import display_path, read_file, reason, utf8_text
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderModel
from sketchkit.models.vae import VaeModel

__all__ = ["MAX_BYTES", "dump_magenta", "load_magenta", "parse_magenta"]

#: An LSTM of 2,048 units takes 50 MiB; parsed, a file of this size takes a gigabyte.
MAX_BYTES = 128 * 1024 * 1024
#: Both JavaScript libraries divide the file's scale factor by this, and raw Quick, Draw! pixels fit it best.
PIXEL_FACTOR = 2.0
#: The licence of a file that lacks one.
UNKNOWN_LICENCE = "not stated in the file"
#: Facts that the format has no place for; the JavaScript libraries pass over unknown keys.
_OWN_KEY = "sketchkit"

# The header lacks the start token that a model was trained with. Real drawings are likelier after zeros
# under most published models; these are the exceptions among the classes that were measured.
_KNOWN_STARTS = {"sheep": PAPER_START}

_JS_PREFIX = b"var model_raw_data"
_ESCAPED = re.compile(rb"\\([\\'\"])")
_PROVENANCE_KEY = "magenta_header"
_MAX_TEXT = 200
_MAX_HEADER_BYTES = 64 * 1024

#: The layers of a file in its order, each with its arrays and the order in which its columns are stored: in
#: quarters of an LSTM's gates, halves of a start state, or as they are. Each order undoes itself.
_GATES, _STATE, _AS_IS = (0, 2, 1, 3), (1, 0), (0,)
_CELL, _LINEAR = ("weight_x", "weight_h", "bias"), ("weight", "bias")
Layers = tuple[tuple[str, tuple[str, ...], tuple[int, ...]], ...]
_DECODER_LAYERS: Layers = (("decoder.output", _LINEAR, _AS_IS), ("decoder.cell", _CELL, _GATES))
_VAE_LAYERS: Layers = (
    ("forward_cell", _CELL, _GATES),
    ("backward_cell", _CELL, _GATES),
    ("mu", _LINEAR, _AS_IS),
    ("presig", _LINEAR, _AS_IS),
    ("initial", _LINEAR, _STATE),
    *_DECODER_LAYERS,
)


def load_magenta(path: Path, dtype: torch.dtype, device: torch.device) -> SketchModel:
    """Read a Magenta `.json` or `.js` file.

    Args:
        path: the file.
        dtype: the number type to compute in.
        device: the device to load it to.

    Raises:
        CheckpointError: one line naming the file.
    """
    try:
        data = read_file(path, MAX_BYTES)
    except OSError as error:
        raise CheckpointError(f"{display_path(path)}: {reason(error)}") from error
    except FormatError as error:
        raise CheckpointError(str(error)) from error
    try:
        return parse_magenta(data, dtype, fallback_name=path.name.split(".")[0]).to(device)
    except CheckpointError as error:
        raise CheckpointError(f"{display_path(path)}: {error}") from error


def parse_magenta(data: bytes, dtype: torch.dtype, fallback_name: str = "unnamed") -> SketchModel:
    """Build a model from the bytes of a Magenta file.

    Args:
        data: the file, with or without the `.js` wrapper.
        dtype: the number type to compute in.
        fallback_name: its name where the header has none.

    Raises:
        CheckpointError: the data are not such a file.
    """
    if len(data) > MAX_BYTES:
        raise CheckpointError(f"more than {MAX_BYTES} bytes, the limit for a Magenta file")
    header, shapes, blobs = _parse_container(_strip_wrapper(data))
    arrays = [_parse_array(i, shape, blob) for i, (shape, blob) in enumerate(zip(shapes, blobs, strict=True))]
    if _is_decoder(header):
        name, layers, architecture = "decoder", _DECODER_LAYERS, _decoder_sizes(arrays)
    else:
        name, layers, architecture = "vae", _VAE_LAYERS, _vae_sizes(arrays, _version(header))
    weights = {key: from_grid(steps).to(dtype) for key, steps in _read_layers(layers, arrays).items()}
    try:
        return build_model(name, architecture, _card(header, fallback_name), weights)
    except InputError as error:
        raise CheckpointError(str(error)) from error


@renamed(label="class_name")
def dump_magenta(model: SketchModel, *, wrapper: bool = False, class_name: str | None = None) -> bytes:
    """Write a model as a Magenta file, which the JavaScript libraries run.

    Args:
        model: a decoder-only model or a conditional VAE with LSTM cells; weights beyond +-10 are clipped.
        wrapper: whether to write the `.js` form.
        class_name: the class that the file shall draw, of a model that knows classes; it draws all classes
            when None. What the class adds to every step goes into the biases.

    Returns:
        The file. An imported model gives the arrays and the header that were read, unless the model has
        changed so that the header is false.

    Raises:
        CheckpointError: the format cannot hold the model, or a weight is infinite or NaN.
    """
    _check_exportable(model)
    class_index = model.label_index(class_name)
    layers = _VAE_LAYERS if isinstance(model, VaeModel) else _DECODER_LAYERS
    arrays = _write_layers(layers, model, class_index)
    if not all(torch.isfinite(a).all() for a in arrays):
        raise CheckpointError("a weight is not finite")
    blobs = [base64.b64encode(to_grid(a).contiguous().numpy().astype("<i2").tobytes()) for a in arrays]
    header = _header(model, class_name)
    text = orjson.dumps([header, [list(a.shape) for a in arrays], [blob.decode("ascii") for blob in blobs]])
    return _wrap(text) if wrapper else text


def _check_exportable(model: SketchModel) -> None:
    if getattr(model.architecture, "cell", None) != "lstm":
        raise CheckpointError("Magenta's format only holds models with a plain LSTM cell")
    if getattr(model.architecture, "position", False):
        raise CheckpointError(
            "Magenta's format cannot hold a model that reads where the pen is: train with --no-position"
        )
    if getattr(model.architecture, "prior", 0):
        raise CheckpointError("Magenta's format cannot hold a prior: export the model that it was fitted to")
    if not isinstance(model, VaeModel | DecoderModel):
        raise CheckpointError(f"Magenta's format cannot hold a model of the backend {model.backend!r}")


# --- the container ------------------------------------------------------------------------------------


def _strip_wrapper(data: bytes) -> bytes:
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


def _wrap(text: bytes) -> bytes:
    """JSON as a JavaScript string, its quotes and backslashes escaped."""
    return _JS_PREFIX + b"='" + text.replace(b"\\", rb"\\").replace(b"'", rb"\'") + b"';"


def _parse_container(text: bytes) -> tuple[dict[str, Any], list[list[int]], list[str]]:
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
    layers = _DECODER_LAYERS if _is_decoder(header) else _VAE_LAYERS
    expected = sum(len(parts) for _, parts, _ in layers)
    if len(shapes) != expected or len(blobs) != expected:
        raise CheckpointError(f"expected {expected} arrays, got {len(shapes)} shapes and {len(blobs)} blobs")
    return header, shapes, blobs


def _check_header(header: dict[str, Any]) -> None:
    """Refuse a header that is too large or nested too deeply to be kept word for word with the card."""
    try:
        size = len(orjson.dumps(header))
    except TypeError as error:
        raise CheckpointError("the header is nested too deeply") from error
    if size > _MAX_HEADER_BYTES:
        raise CheckpointError(f"the header has {size} bytes, the limit is {_MAX_HEADER_BYTES}")


def _parse_array(index: int, shape: Any, blob: Any) -> Tensor:
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
    return torch.from_numpy(np.frombuffer(data, "<i2").astype(np.int16).reshape(shape))


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
    """The facts that `dump_magenta` wrote under a key of its own."""
    facts = header.get(_OWN_KEY, {})
    if not isinstance(facts, dict):
        raise CheckpointError(f"the header's {_OWN_KEY!r} is not a JSON object")
    return {key: facts[key] for key in ("start", "classes", "licence") if key in facts}


def _header(model: SketchModel, class_name: str | None) -> dict[str, Any]:
    kept = model.card.provenance.get(_PROVENANCE_KEY)
    if isinstance(kept, dict) and _is_true_of(kept, model):
        return kept
    classes = [class_name or model.card.name] if model.labelled else list(model.card.classes)
    # Version 6 is the last that was published; the libraries read it as it stands.
    return {
        "mode": 1 if isinstance(model, VaeModel) else 2,
        "version": 5 if getattr(model.architecture, "tanh_z", False) else 6,
        "max_seq_len": model.card.max_length,
        "name": class_name or model.card.name,
        "scale_factor": model.card.scale_factor * PIXEL_FACTOR,
        _OWN_KEY: {"start": list(model.card.start), "classes": classes, "licence": model.card.licence},
    }


def _is_true_of(header: dict[str, Any], model: SketchModel) -> bool:
    try:
        card, version = _card(header, ""), _version(header)
    except (CheckpointError, InputError):
        return False
    is_vae = isinstance(model, VaeModel)
    tanh_z = getattr(model.architecture, "tanh_z", False)
    return (
        _is_decoder(header) != is_vae
        and (not is_vae or (version < 6) == tanh_z)
        and (card.scale_factor, card.max_length) == (model.card.scale_factor, model.card.max_length)
        and card.start == model.card.start
    )


def _is_decoder(header: dict[str, Any]) -> bool:
    return header.get("mode") in (2, "gen")


# --- the weights --------------------------------------------------------------------------------------


def _decoder_sizes(arrays: list[Tensor]) -> dict[str, Any]:
    return {"hidden": arrays[0].shape[0], "mixtures": (arrays[0].shape[-1] - 3) // 6}


def _vae_sizes(arrays: list[Tensor], version: float) -> dict[str, Any]:
    return {
        "encoder_hidden": arrays[1].shape[0],
        "latent": arrays[6].shape[-1],
        "tanh_z": version < 6,
        **_decoder_sizes(arrays[12:]),
    }


def _read_layers(layers: Layers, arrays: list[Tensor]) -> dict[str, Tensor]:
    """The weights of a model by name, from the arrays of a file."""
    left = iter(arrays)
    return {
        f"{name}.{part}": _reorder(next(left), order).t().contiguous()
        for name, parts, order in layers
        for part in parts
    }


def _write_layers(layers: Layers, model: SketchModel, class_index: Tensor | None) -> list[Tensor]:
    """The arrays of a file; what a class adds to the decoder's cell is part of its bias."""
    weights = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    arrays = [
        _reorder(weights[f"{name}.{part}"].t(), order) for name, parts, order in layers for part in parts
    ]
    assert isinstance(model, VaeModel | DecoderModel)
    if model.embedding is not None:
        weight_x, size = arrays[-3], model.architecture.embedding
        share = model.embedding(1, class_index)[0].detach().cpu() @ weight_x[-size:]
        arrays[-3], arrays[-1] = weight_x[:-size], arrays[-1] + share
    return arrays


def _reorder(tensor: Tensor, order: tuple[int, ...]) -> Tensor:
    """Equal parts of the columns in another order."""
    if order == _GATES and tensor.shape[-1] % 4:
        raise CheckpointError(f"an LSTM's arrays have 4H columns, got {tensor.shape[-1]}")
    parts = tensor.chunk(len(order), -1)
    return torch.cat([parts[i] for i in order if i < len(parts)], -1)
