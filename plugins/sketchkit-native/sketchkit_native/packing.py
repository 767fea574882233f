"""Weights as the kernels read them: in panels of whole vectors, the four gates of a unit side by side."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.engine import LSTMWeights
from sketchkit_native import library as lib

__all__ = ["PackedLinear", "PackedModel", "pad", "pad_units", "to_bfloat16"]

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]

#: Units are padded to a multiple of this for every length of a vector: four words of int8 fill sixteen lanes.
_UNITS = 16
#: The largest whole number of a weight or an output under int8.
_LARGEST = np.float32(127.0)
#: The addend of an output under int8, which makes one of the two factors positive.
_RAISED = 128
#: The least of the largest weights of a gate under int8: 127 over it is finite.
_LEAST = np.float32(1e-36)
#: How many numbers a word of 32 bits holds.
_NUMBERS_PER_WORD = {"float32": 1, "bfloat16": 2, "int8": 4}
_CACHE_LINE, _HUGE_PAGE = 64, 1 << 21


def pad_units(hidden: int) -> int:
    """H with its padding."""
    return -(-hidden // _UNITS) * _UNITS


def pad(values: Array, size: int, axis: int = -1) -> Array:
    """A copy with zeros behind the last number of an axis."""
    shape = list(values.shape)
    shape[axis] = size
    out = np.zeros(shape, values.dtype)
    np.moveaxis(out, axis, 0)[: values.shape[axis]] = np.moveaxis(values, axis, 0)
    return out


def to_bfloat16(values: Float32) -> npt.NDArray[np.uint16]:
    """Numbers [...] in bfloat16, rounded to the nearest, ties to even: the upper 16 bits of a float32."""
    bits = values.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), 0x7FC0, rounded).astype(np.uint16)


class PackedLinear:
    """A linear layer in panels of two vectors of columns.

    Args:
        weight: [N, K].
        bias: [N].
        lanes: of a vector.
    """

    def __init__(self, weight: Float32, bias: Float32, lanes: int) -> None:
        outputs, inputs = weight.shape
        panels = -(-outputs // (2 * lanes))
        self.width = panels * 2 * lanes
        wide = pad(weight, self.width, 0).reshape(panels, 2, lanes, inputs)
        self._weights = _align(wide.transpose(0, 3, 1, 2))  # [panels, K, 2, lanes]
        self._bias = pad(bias, self.width)
        self.struct = lib.Linear(inputs, outputs, lib.address(self._weights), lib.address(self._bias))


@dataclass(frozen=True)
class _Products:
    """The recurrent weights in one precision.

    Args:
        panels: [P, words, 4, lanes] words of 32 bits.
        words: of an output.
        scale: [P, 4, lanes], the factor of a sum; None for 1.
        start: int32 [P, 4, lanes], the first addend of a sum; None for 0.
    """

    panels: Array
    words: int
    scale: Array | None = None
    start: Array | None = None


class PackedModel:
    """A model's weights, packed for one instruction set and precision.

    Args:
        weights: arrays of float32.
        precision: float32, bfloat16 or int8.
        name: of the instruction set.
    """

    def __init__(self, weights: LSTMWeights, precision: str, name: str) -> None:
        self._lanes = lib.count_lanes(name)
        self.hidden = weights.recurrent.shape[1]
        self.units = pad_units(self.hidden)
        self.position = weights.position
        self.outputs = len(weights.output_bias)
        self._mixtures = (self.outputs - 3) // 6
        self._products = self._pack_products(weights.recurrent, precision)
        self._rows = _align(self._order_by_panel(weights.rows))
        bias = self._order_by_gate(weights.bias[:, None])[:, 0]
        self.context: PackedLinear | None = None
        if weights.context is not None:  # makes `shared`, in the order of the panels
            self.context = PackedLinear(self._order_by_gate(weights.context), bias, self._lanes)
        self._bias = None if self.context else _align(bias)
        output = pad(weights.output, self.units)
        first = 3 + self._mixtures
        self._head = PackedLinear(output[:first], weights.output_bias[:first], self._lanes)
        self._output = PackedLinear(output, weights.output_bias, self._lanes)
        # [M, 5, H] and [M, 5]
        self._components = _align(output[first:].reshape(5, self._mixtures, -1).swapaxes(0, 1))
        self._offsets = _align(weights.output_bias[first:].reshape(5, self._mixtures).T)
        self.struct = self._make_struct()

    def _make_struct(self) -> lib.Model:
        products = self._products
        return lib.Model(
            self.units,
            self._rows.shape[1],
            self._mixtures,
            products.words,
            lib.address(products.panels),
            lib.address(self._rows),
            lib.address(self._bias),
            lib.address(products.scale),
            lib.address(products.start),
            self._head.struct,
            self._output.struct,
            lib.address(self._components),
            lib.address(self._offsets),
        )

    def _order_by_gate(self, weight: Array) -> Array:
        """[4H, K] to [P * 4 * lanes, K]: the gates of as many units as fit a vector, then the next."""
        inputs = weight.shape[1]
        wide = pad(weight.reshape(4, self.hidden, inputs), self.units, 1)
        return wide.reshape(4, -1, self._lanes, inputs).swapaxes(0, 1).reshape(-1, inputs)

    def _order_by_panel(self, weight: Array) -> Array:
        """[4H, K] to [P, K, 4, lanes], a view."""
        ordered = self._order_by_gate(weight).reshape(-1, 4, self._lanes, weight.shape[1])
        return ordered.transpose(0, 3, 1, 2)

    def _pack_products(self, recurrent: Array, precision: str) -> _Products:
        scale = start = None
        if precision == "bfloat16":
            recurrent = to_bfloat16(recurrent)
        elif precision == "int8":
            largest = np.maximum(np.abs(recurrent).max(1), _LEAST)
            recurrent = np.rint(recurrent * (np.reciprocal(largest) * _LARGEST)[:, None]).astype(np.int8)
            scale = _align(self._order_by_gate((largest / (_LARGEST * _LARGEST))[:, None]))
            sums = recurrent.sum(1, dtype=np.int32, keepdims=True)
            start = _align(self._order_by_gate(sums) * np.int32(-_RAISED))
        size = _NUMBERS_PER_WORD[precision]
        wide = self._order_by_panel(pad(recurrent, self.units))  # [P, K, 4, lanes]
        words = wide.reshape(len(wide), -1, size, 4, self._lanes)
        return _Products(_put_on_huge_pages(words.transpose(0, 1, 3, 4, 2)), self.units // size, scale, start)


def _align(values: Array) -> Array:
    """A contiguous copy that begins with a line of the cache, as vectors are read fastest."""
    return _copy_into(np.empty(values.nbytes + _CACHE_LINE, np.uint8), values, _CACHE_LINE)


def _put_on_huge_pages(values: Array) -> Array:
    """A contiguous copy where the system is asked for huge pages: all of it is read at every step."""
    region = mmap.mmap(-1, values.nbytes + _HUGE_PAGE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        region.madvise(mmap.MADV_HUGEPAGE)
    return _copy_into(np.frombuffer(region, np.uint8), values, _HUGE_PAGE)


def _copy_into(memory: npt.NDArray[np.uint8], values: Array, boundary: int) -> Array:
    """A contiguous copy at the first multiple of a boundary in some memory."""
    begin = -memory.ctypes.data % boundary
    out = memory[begin : begin + values.nbytes].view(values.dtype).reshape(values.shape)
    out[...] = values
    return out
