"""Weights as the kernels read them: in panels of whole vectors, the four gates of a unit side by side."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

import torch
from torch import Tensor

from sketchkit.engine import LSTMWeights
from sketchkit_native import library as lib

__all__ = ["PackedLinear", "PackedModel", "padded", "units_of"]

#: Units are padded to a multiple of this, whatever the vectors: four words of int8 fill sixteen lanes.
_UNITS = 16
#: The largest whole number that a weight or an output becomes under int8.
_LARGEST = 127.0
#: What is added to an output under int8, since one of the two factors must not be negative.
_RAISED = 128
#: How many numbers a word of 32 bits holds.
_IN_A_WORD = {"float32": 1, "bfloat16": 2, "int8": 4}
_HUGE_PAGE = 1 << 21


def units_of(hidden: int) -> int:
    """H with its padding."""
    return -(-hidden // _UNITS) * _UNITS


def padded(values: Tensor, size: int, dim: int = -1) -> Tensor:
    """A copy with zeros behind the last number of a dimension."""
    shape = list(values.shape)
    shape[dim] = size
    out = values.new_zeros(shape)
    out.narrow(dim, 0, values.shape[dim]).copy_(values)
    return out


class PackedLinear:
    """A linear layer in panels of two vectors of columns.

    Args:
        weight: [N, K].
        bias: [N].
        lanes: of a vector.
    """

    def __init__(self, weight: Tensor, bias: Tensor, lanes: int) -> None:
        outputs, inputs = weight.shape
        panels = -(-outputs // (2 * lanes))
        wide = padded(weight, panels * 2 * lanes, 0).view(panels, 2, lanes, inputs)
        self._weights = wide.permute(0, 3, 1, 2).contiguous()  # [panels, K, 2, lanes]
        self._bias = padded(bias, panels * 2 * lanes)
        self.width = panels * 2 * lanes
        self.struct = lib.Linear(inputs, outputs, lib.address(self._weights), lib.address(self._bias))


@dataclass(frozen=True)
class _Products:
    """The recurrent weights in one precision.

    Args:
        panels: [P, words, 4, lanes] words of 32 bits.
        words: of an output.
        scale: [P, 4, lanes], what a sum is multiplied by; None for 1.
        start: int32 [P, 4, lanes], what a sum begins with; None for 0.
    """

    panels: Tensor
    words: int
    scale: Tensor | None = None
    start: Tensor | None = None


class PackedModel:
    """A model's weights, packed for one instruction set and precision.

    Args:
        weights: of the model, float32 on the CPU.
        precision: float32, bfloat16 or int8.
        name: of the instruction set.
    """

    def __init__(self, weights: LSTMWeights, precision: str, name: str) -> None:
        self._lanes = lib.lanes(name)
        self.hidden = weights.recurrent.shape[1]
        self.units = units_of(self.hidden)
        self.position = weights.position
        self.outputs = len(weights.output_bias)
        self._mixtures = (self.outputs - 3) // 6
        self._products = self._packed_products(weights.recurrent, precision)
        self._rows = self._by_panel(weights.rows)
        bias = self._by_gate(weights.bias[:, None])[:, 0]
        self.context = self._context(weights, bias)
        self._bias = bias if self.context is None else None
        output = padded(weights.output, self.units)
        first = 3 + self._mixtures
        self._head = PackedLinear(output[:first], weights.output_bias[:first], self._lanes)
        self._output = PackedLinear(output, weights.output_bias, self._lanes)
        # [M, 5, H] and [M, 5]
        self._components = output[first:].view(5, self._mixtures, -1).transpose(0, 1).contiguous()
        self._offsets = weights.output_bias[first:].view(5, self._mixtures).t().contiguous()
        self.struct = self._struct()

    def _struct(self) -> lib.Model:
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

    def _context(self, weights: LSTMWeights, bias: Tensor) -> PackedLinear | None:
        """What makes `shared` of a context, its columns in the order of the panels."""
        if weights.context is None:
            return None
        return PackedLinear(self._by_gate(weights.context), bias, self._lanes)

    def _by_gate(self, weight: Tensor) -> Tensor:
        """[4H, K] to [P * 4 * lanes, K]: the gates of as many units as fit a vector, then the next."""
        wide = padded(weight.reshape(4, self.hidden, -1), self.units, 1)
        return wide.view(4, -1, self._lanes, wide.shape[-1]).transpose(0, 1).reshape(-1, wide.shape[-1])

    def _by_panel(self, weight: Tensor) -> Tensor:
        """[4H, K] to [P, K, 4, lanes]."""
        ordered = self._by_gate(weight).view(-1, 4, self._lanes, weight.shape[1])
        return ordered.permute(0, 3, 1, 2).contiguous()

    def _packed_products(self, recurrent: Tensor, precision: str) -> _Products:
        scale = start = None
        if precision == "bfloat16":
            recurrent = recurrent.bfloat16()
        elif precision == "int8":
            largest = recurrent.abs().amax(1).clamp(min=torch.finfo(recurrent.dtype).tiny)
            recurrent = (recurrent * (_LARGEST / largest)[:, None]).round().to(torch.int8)
            scale = self._by_gate((largest / (_LARGEST * _LARGEST))[:, None])
            start = self._by_gate(recurrent.to(torch.int32).sum(1, dtype=torch.int32)[:, None]) * -_RAISED
        size = _IN_A_WORD[precision]
        wide = self._by_panel(padded(recurrent, self.units))  # [P, K, 4, lanes]
        panels = wide.view(len(wide), -1, size, 4, self._lanes).permute(0, 1, 3, 4, 2)
        return _Products(_on_huge_pages(panels), self.units // size, scale, start)


def _on_huge_pages(values: Tensor) -> Tensor:
    """A contiguous copy where the system is asked for huge pages: all of it is read at every step."""
    size = values.numel() * values.element_size()
    region = mmap.mmap(-1, size + _HUGE_PAGE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        region.madvise(mmap.MADV_HUGEPAGE)
    whole = torch.frombuffer(region, dtype=torch.uint8)
    begin = -whole.data_ptr() % _HUGE_PAGE
    return whole[begin : begin + size].view(values.dtype).view(values.shape).copy_(values)
