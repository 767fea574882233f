"""Reading native checkpoints as numpy arrays, within bounds and without torch.

A native checkpoint is one safetensors file. Its metadata entry `sketchkit` is JSON: format version, backend,
architecture, card and the encoding of the weights.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import orjson

from sketchkit.card import ModelCard
from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import display_path, open_file, reason

__all__ = [
    "FORMAT_VERSION",
    "GRID_ENCODING",
    "MAX_FILE_BYTES",
    "MAX_HEADER_BYTES",
    "MAX_TENSORS",
    "METADATA_KEY",
    "PLAIN_ENCODING",
    "NativeHeader",
    "TensorInfo",
    "read_arrays",
    "read_header",
]

FORMAT_VERSION = 1
METADATA_KEY = "sketchkit"
MAX_HEADER_BYTES = 1024 * 1024
MAX_TENSORS = 10_000
MAX_FILE_BYTES = 8 * 1024**3
#: The encodings of weights: the integers q of Magenta's grid, or the numbers themselves.
GRID_ENCODING, PLAIN_ENCODING = "int16-grid", "plain"
_MAX_DIMENSIONS = 8
#: How numpy reads each number type; it lacks bfloat16, whose bits are the upper half of a float32.
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I16": "<i2"}

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a file: its number type, its shape, and where its bytes begin behind the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int = 0

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


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

    Raises:
        CheckpointError: one line naming the file: missing, damaged, beyond a limit, or of another version.
    """
    with _errors_of(path), open_file(path) as stream:
        return _read_header(stream, path.stat().st_size)


def read_arrays(path: Path) -> tuple[NativeHeader, dict[str, Array]]:
    """Read a native checkpoint without torch.

    Args:
        path: a safetensors file.

    Returns:
        Its header, and every weight by name: writable arrays in the machine's byte order, float64 where the
        file holds float64, else float32. Half precision and Magenta's integers become float32 without loss.

    Raises:
        CheckpointError: one line naming the file: see `read_header`; or an unknown encoding, number types
            that differ from it, or a weight that is infinite or NaN.
    """
    with _errors_of(path), open_file(path) as stream:
        header = _read_header(stream, path.stat().st_size)
        first = stream.tell()
        arrays = {}
        for name, info in header.tensors.items():
            _check_encoding(header.encoding, info.dtype)
            stream.seek(first + info.start)
            arrays[name] = _read_array(stream, info)
            if not np.isfinite(arrays[name]).all():
                raise CheckpointError(f"the weight {name!r} holds a number that is not finite")
        return header, arrays


def _read_array(stream: IO[bytes], info: TensorInfo) -> Array:
    stored = np.fromfile(stream, _DTYPES[info.dtype], info.count).reshape(info.shape)
    if info.dtype == "BF16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    if info.dtype == "I16":
        # Rounded after the division and again after the product, as both JavaScript libraries do.
        return stored.astype(np.float32) / np.float32(32767.0) * np.float32(10.0)
    return stored.astype(np.float64 if info.dtype == "F64" else np.float32, copy=False)


def _check_encoding(encoding: str, dtype: str) -> None:
    if encoding not in (GRID_ENCODING, PLAIN_ENCODING):
        raise CheckpointError(f"unknown encoding of weights {encoding!r}")
    if encoding == GRID_ENCODING and dtype != "I16":
        raise CheckpointError(f"the encoding {GRID_ENCODING!r} needs 16-bit integers")
    if encoding == PLAIN_ENCODING and dtype == "I16":
        raise CheckpointError(f"the encoding {PLAIN_ENCODING!r} needs floating-point weights")


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """Let every error name the file."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{display_path(path)}: {reason(error)}") from error
    except (CheckpointError, InputError) as error:
        raise CheckpointError(f"{display_path(path)}: {error}") from error


def _read_header(stream: IO[bytes], file_size: int) -> NativeHeader:
    prefix = stream.read(8)
    if len(prefix) < 8:
        raise CheckpointError("not a safetensors file: it ends within its first 8 bytes")
    (length,) = struct.unpack("<Q", prefix)
    if length > MAX_HEADER_BYTES:
        raise CheckpointError(f"the header claims {length} bytes, the limit is {MAX_HEADER_BYTES}")
    header = stream.read(length)
    if len(header) < length:
        raise CheckpointError(f"the header claims {length} bytes, the file has {len(header)}")
    if file_size > MAX_FILE_BYTES:
        raise CheckpointError(f"the file has {file_size} bytes, the limit is {MAX_FILE_BYTES}")
    entries = _json_object(header, "the header")
    metadata = entries.pop("__metadata__", None)
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise CheckpointError("a safetensors file, but not a sketchkit model: it has no card")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise CheckpointError("the metadata of a safetensors file must be texts")
    if len(entries) > MAX_TENSORS:
        raise CheckpointError(f"the file holds {len(entries)} tensors, the limit is {MAX_TENSORS}")
    tensors = {name: _tensor_info(name, entry) for name, entry in entries.items()}
    _check_layout(tensors, file_size - 8 - length)
    return _header_of(_json_object(text.encode(), "the card"), tensors)


def _header_of(facts: dict[str, Any], tensors: dict[str, TensorInfo]) -> NativeHeader:
    version = facts.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(f"format version {version!r}, this sketchkit reads version {FORMAT_VERSION}")
    backend, architecture, encoding = map(facts.get, ("backend", "architecture", "encoding"))
    if not isinstance(backend, str) or not isinstance(architecture, dict) or not isinstance(encoding, str):
        raise CheckpointError("the card lacks a backend, an architecture or an encoding")
    return NativeHeader(backend, architecture, ModelCard.from_json(facts.get("card")), encoding, tensors)


def _json_object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise CheckpointError(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{what} is not a JSON object")
    return value


def _tensor_info(name: str, entry: Any) -> TensorInfo:
    dtype, shape, offsets = (
        entry.get(key) if isinstance(entry, dict) else None for key in ("dtype", "shape", "data_offsets")
    )
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise CheckpointError(
            f"tensor {name!r} has the number type {dtype!r}, not one of {', '.join(_DTYPES)}"
        )
    if not isinstance(shape, list) or len(shape) > _MAX_DIMENSIONS or not all(map(_is_count, shape)):
        raise CheckpointError(f"tensor {name!r} has no proper shape")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_count, offsets)):
        raise CheckpointError(f"tensor {name!r} has no proper data offsets")
    info = TensorInfo(dtype, tuple(shape), offsets[0])
    if offsets[1] - offsets[0] != _size(info):
        raise CheckpointError(f"the bytes of tensor {name!r} do not fit its shape")
    return info


def _check_layout(tensors: Mapping[str, TensorInfo], data_bytes: int) -> None:
    """Every tensor's bytes must follow the one before, and together they must fill the file."""
    end = 0
    for name, info in sorted(tensors.items(), key=lambda item: (item[1].start, _size(item[1]), item[0])):
        if info.start != end:
            raise CheckpointError(f"the bytes of tensor {name!r} do not follow those before")
        end += _size(info)
    if end != data_bytes:
        raise CheckpointError(f"the tensors take {end} bytes, the file has {data_bytes}")


def _size(info: TensorInfo) -> int:
    return info.count * np.dtype(_DTYPES[info.dtype]).itemsize


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40
