"""The head of a native checkpoint: what a file holds, read within bounds and without torch.

A native checkpoint is one safetensors file. Its metadata entry `sketchkit` is JSON: format version, backend,
architecture, card and how the weights are encoded.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sketchkit.card import ModelCard
from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import open_file, reason, shown

__all__ = [
    "FORMAT_VERSION",
    "MAX_FILE_BYTES",
    "MAX_HEADER_BYTES",
    "MAX_TENSORS",
    "METADATA_KEY",
    "NativeHeader",
    "TensorInfo",
    "read_header",
]

FORMAT_VERSION = 1
METADATA_KEY = "sketchkit"
MAX_HEADER_BYTES = 1024 * 1024
MAX_TENSORS = 10_000
MAX_FILE_BYTES = 8 * 1024**3
_MAX_DIMENSIONS = 8
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I16": 2}


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a file: its number type and shape."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class NativeHeader:
    """Everything a native checkpoint says before its weights."""

    backend: str
    architecture: Mapping[str, Any]
    card: ModelCard
    encoding: str
    tensors: Mapping[str, TensorInfo]


def read_header(path: Path) -> NativeHeader:
    """Read and check the head of a native checkpoint.

    Args:
        path: a safetensors file.

    Returns:
        What it holds.

    Raises:
        CheckpointError: one line naming the file: missing, damaged, beyond a limit, or of another version.
    """
    try:
        return _parsed(_header_bytes(path), path.stat().st_size)
    except OSError as error:
        raise CheckpointError(f"{shown(path)}: {reason(error)}") from error
    except (CheckpointError, InputError) as error:
        raise CheckpointError(f"{shown(path)}: {error}") from error


def _header_bytes(path: Path) -> bytes:
    with open_file(path) as stream:
        prefix = stream.read(8)
        if len(prefix) < 8:
            raise CheckpointError("not a safetensors file: it ends within its first 8 bytes")
        (length,) = struct.unpack("<Q", prefix)
        if length > MAX_HEADER_BYTES:
            raise CheckpointError(f"the header claims {length} bytes, the limit is {MAX_HEADER_BYTES}")
        header = stream.read(length)
    if len(header) < length:
        raise CheckpointError(f"the header claims {length} bytes, the file has {len(header)}")
    return header


def _parsed(header: bytes, file_size: int) -> NativeHeader:
    if file_size > MAX_FILE_BYTES:
        raise CheckpointError(f"the file has {file_size} bytes, the limit is {MAX_FILE_BYTES}")
    entries = _json_object(header, "the header")
    metadata = entries.pop("__metadata__", None)
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise CheckpointError("a safetensors file, but not a sketchkit model: it has no card")
    if len(entries) > MAX_TENSORS:
        raise CheckpointError(f"the file holds {len(entries)} tensors, the limit is {MAX_TENSORS}")
    tensors = {name: _tensor_info(name, entry) for name, entry in entries.items()}
    _check_layout(entries, file_size - 8 - len(header))
    return _described(_json_object(text.encode(), "the card"), tensors)


def _described(facts: dict[str, Any], tensors: dict[str, TensorInfo]) -> NativeHeader:
    version = facts.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(f"format version {version!r}, this sketchkit reads version {FORMAT_VERSION}")
    backend, architecture = facts.get("backend"), facts.get("architecture")
    encoding = facts.get("encoding")
    if not isinstance(backend, str) or not isinstance(architecture, dict) or not isinstance(encoding, str):
        raise CheckpointError("the card lacks a backend, an architecture or an encoding")
    card = ModelCard.from_json(facts.get("card"))
    return NativeHeader(backend, architecture, card, encoding, tensors)


def _json_object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise CheckpointError(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{what} is not a JSON object")
    return value


def _tensor_info(name: str, entry: Any) -> TensorInfo:
    dtype = entry.get("dtype") if isinstance(entry, dict) else None
    shape = entry.get("shape") if isinstance(entry, dict) else None
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise CheckpointError(
            f"tensor {name!r} has the number type {dtype!r}, not one of {', '.join(_BYTES)}"
        )
    if not isinstance(shape, list) or len(shape) > _MAX_DIMENSIONS or not all(_is_count(n) for n in shape):
        raise CheckpointError(f"tensor {name!r} has no proper shape")
    return TensorInfo(dtype, tuple(shape))


def _check_layout(entries: dict[str, Any], data_bytes: int) -> None:
    """Every tensor's bytes must fit its shape, follow the one before, and together fill the file."""
    spans = []
    for name, entry in entries.items():
        offsets = entry.get("data_offsets")
        if not isinstance(offsets, list) or len(offsets) != 2 or not all(_is_count(n) for n in offsets):
            raise CheckpointError(f"tensor {name!r} has no proper data offsets")
        if offsets[1] - offsets[0] != math.prod(entry["shape"]) * _BYTES[entry["dtype"]]:
            raise CheckpointError(f"the bytes of tensor {name!r} do not fit its shape")
        spans.append((offsets[0], offsets[1], name))
    end = 0
    for start, stop, name in sorted(spans):
        if start != end:
            raise CheckpointError(f"the bytes of tensor {name!r} do not follow those before")
        end = stop
    if end != data_bytes:
        raise CheckpointError(f"the tensors take {end} bytes, the file has {data_bytes}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40
