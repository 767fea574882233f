"""Safetensors files, read within bounds and without torch."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import orjson

from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import display_path, open_file, reason

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_HEADER_BYTES",
    "MAX_TENSORS",
    "Array",
    "TensorFile",
    "TensorInfo",
    "open_tensors",
]

MAX_HEADER_BYTES = 1024 * 1024
MAX_TENSORS = 10_000
MAX_FILE_BYTES = 8 * 1024**3
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

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return self.count * np.dtype(_DTYPES[self.dtype]).itemsize


@dataclass(frozen=True)
class TensorFile:
    """An open safetensors file, of which the header has been read and checked.

    Args:
        stream: of the file.
        first: where the bytes of the tensors begin.
        metadata: the entry `__metadata__` of the header, of any type.
        tensors: by name.
    """

    stream: IO[bytes]
    first: int
    metadata: Any
    tensors: Mapping[str, TensorInfo]

    def facts(self, key: str, name: str) -> dict[str, Any] | None:
        """The JSON object in an entry of the metadata; `None` if the entry is missing.

        Args:
            key: of the entry.
            name: of the object, for the error.

        Raises:
            CheckpointError: invalid JSON, another JSON value, or other metadata than texts.
        """
        text = self.metadata.get(key) if isinstance(self.metadata, dict) else None
        if not isinstance(text, str):
            return None
        if not all(isinstance(value, str) for value in self.metadata.values()):
            raise CheckpointError("the metadata of a safetensors file must be texts")
        return _json_object(text.encode(), name)

    def read(self, name: str) -> Array:
        """Read a tensor: int16 and float64 as they are, other number types as float32, without loss."""
        info = self.tensors[name]
        self.stream.seek(self.first + info.start)
        stored = np.fromfile(self.stream, _DTYPES[info.dtype], info.count).reshape(info.shape)
        if info.dtype == "BF16":
            return (stored.astype(np.uint32) << 16).view(np.float32)
        kind = {"F64": np.float64, "I16": np.int16}.get(info.dtype, np.float32)
        return stored.astype(kind, copy=False)


@contextmanager
def open_tensors(path: Path, most: int = MAX_FILE_BYTES) -> Iterator[TensorFile]:
    """Open a safetensors file, and check its header.

    Args:
        path: of the file.
        most: the limit of its size in bytes.

    Yields:
        The open file.

    Raises:
        CheckpointError: one line naming the file: missing, damaged or beyond a limit; within the context also
            every other `CheckpointError`, `InputError`, `OSError` and `ValueError`.
    """
    try:
        with open_file(path) as stream:
            yield _read_header(stream, os.fstat(stream.fileno()).st_size, most)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{display_path(path)}: {reason(error)}") from error
    except (CheckpointError, InputError) as error:
        raise CheckpointError(f"{display_path(path)}: {error}") from error


def _read_header(stream: IO[bytes], file_size: int, most: int) -> TensorFile:
    prefix = stream.read(8)
    if len(prefix) < 8:
        raise CheckpointError("not a safetensors file: it ends within its first 8 bytes")
    (length,) = struct.unpack("<Q", prefix)
    if length > MAX_HEADER_BYTES:
        raise CheckpointError(
            f"not a safetensors file: the header claims {length} bytes, the limit is {MAX_HEADER_BYTES}"
        )
    header = stream.read(length)
    if len(header) < length:
        raise CheckpointError(f"the header claims {length} bytes, the file has {len(header)}")
    if file_size > most:
        raise CheckpointError(f"the file has {file_size} bytes, the limit is {most}")
    entries = _json_object(header, "the header")
    metadata = entries.pop("__metadata__", None)
    if len(entries) > MAX_TENSORS:
        raise CheckpointError(f"the file holds {len(entries)} tensors, the limit is {MAX_TENSORS}")
    tensors = {name: _tensor_info(name, entry) for name, entry in entries.items()}
    _check_layout(tensors, file_size - 8 - length)
    return TensorFile(stream, 8 + length, metadata, tensors)


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
    if offsets[1] - offsets[0] != info.size:
        raise CheckpointError(f"the bytes of tensor {name!r} do not fit its shape")
    return info


def _check_layout(tensors: Mapping[str, TensorInfo], data_bytes: int) -> None:
    """Every tensor's bytes must follow the one before, and together they must fill the file."""
    end = 0
    for name, info in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].size, item[0])):
        if info.start != end:
            raise CheckpointError(f"the bytes of tensor {name!r} do not follow those before")
        end += info.size
    if end != data_bytes:
        raise CheckpointError(f"the tensors take {end} bytes, the file has {data_bytes}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40
