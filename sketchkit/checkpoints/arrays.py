"""Reading native checkpoints as numpy arrays, without torch.

A native checkpoint is one safetensors file. Its metadata entry `sketchkit` is JSON: format version, backend,
architecture, card and the encoding of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sketchkit.card import ModelCard
from sketchkit.errors import CheckpointError
from sketchkit.tensors import Array, TensorFile, TensorInfo, open_tensors

__all__ = [
    "FORMAT_VERSION",
    "GRID_ENCODING",
    "METADATA_KEY",
    "PLAIN_ENCODING",
    "NativeHeader",
    "read_arrays",
    "read_header",
]

FORMAT_VERSION = 1
METADATA_KEY = "sketchkit"
#: The encodings of weights: the integers q of Magenta's grid, or the numbers themselves.
GRID_ENCODING, PLAIN_ENCODING = "int16-grid", "plain"


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
    with open_tensors(path) as file:
        return _header_of(file)


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
    with open_tensors(path) as file:
        header = _header_of(file)
        arrays = {}
        for name, info in file.tensors.items():
            _check_encoding(header.encoding, info.dtype)
            stored = file.read(name)
            # Rounded after the division and again after the product, as both JavaScript libraries do.
            grid = stored.dtype == np.int16
            arrays[name] = (
                stored.astype(np.float32) / np.float32(32767.0) * np.float32(10.0) if grid else stored
            )
            if not np.isfinite(arrays[name]).all():
                raise CheckpointError(f"the weight {name!r} holds a number that is not finite")
        return header, arrays


def _check_encoding(encoding: str, dtype: str) -> None:
    if encoding not in (GRID_ENCODING, PLAIN_ENCODING):
        raise CheckpointError(f"unknown encoding of weights {encoding!r}")
    if encoding == GRID_ENCODING and dtype != "I16":
        raise CheckpointError(f"the encoding {GRID_ENCODING!r} needs 16-bit integers")
    if encoding == PLAIN_ENCODING and dtype == "I16":
        raise CheckpointError(f"the encoding {PLAIN_ENCODING!r} needs floating-point weights")


def _header_of(file: TensorFile) -> NativeHeader:
    facts = file.facts(METADATA_KEY, "the card")
    if facts is None:
        raise CheckpointError("a safetensors file, but not a sketchkit model: it has no card")
    version = facts.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(f"format version {version!r}, this sketchkit reads version {FORMAT_VERSION}")
    backend, architecture, encoding = map(facts.get, ("backend", "architecture", "encoding"))
    if not isinstance(backend, str) or not isinstance(architecture, dict) or not isinstance(encoding, str):
        raise CheckpointError("the card lacks a backend, an architecture or an encoding")
    return NativeHeader(backend, architecture, ModelCard.from_json(facts.get("card")), encoding, file.tensors)
