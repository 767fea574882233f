"""An LSTM over drawings of many lengths that computes nothing for the padding, forward and backward.

The drawings of a batch are sorted by length, longest first, and their rows laid out step after step: at step
t stand the rows of those that are still going. A drawing leaves the batch where it ends, so that no length
buckets are needed and no point is computed that does not count. The products with the input are taken for
all steps at once beforehand, those for the gradient of the weights all at once afterwards.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["Packing", "packed_lstm"]


@dataclass(frozen=True)
class Packing:
    """How padded sequences become packed rows and back.

    Args:
        time: T, the length that the sequences are padded to.
        order: int64 [B], the batch index of the longest sequence, the next longest...
        counts: how many sequences have a row at each step; T numbers that never grow.
        rows: int64 [N], for every packed row its place in the padded array laid out flat, [B * T].
    """

    time: int
    order: Tensor
    counts: tuple[int, ...]
    rows: Tensor

    @classmethod
    def of(cls, lengths: Tensor, time: int) -> Packing:
        """The packing of sequences of these lengths.

        Args:
            lengths: int64 [B], each 1 or more.
            time: T, the length that they are padded to.
        """
        order = torch.argsort(lengths, descending=True, stable=True)
        ordered = lengths[order]
        steps = torch.arange(int(ordered[0]) if len(ordered) else 0, device=lengths.device)
        going = ordered[None, :] > steps[:, None]  # [T, B]
        rows = (order[None, :] * time + steps[:, None])[going]
        return cls(time, order, tuple(going.sum(1).tolist()), rows)

    def pack(self, padded: Tensor) -> Tensor:
        """Padded values [B, T, D] as packed rows [N, D]."""
        return padded.reshape(-1, padded.shape[-1])[self.rows]

    def padded(self, packed: Tensor) -> Tensor:
        """Packed rows [N, D] as padded values [B, T, D], the padding zero."""
        flat = packed.new_zeros(len(self.order) * self.time, packed.shape[-1])
        return flat.index_copy(0, self.rows, packed).view(len(self.order), self.time, -1)

    def first(self, values: Tensor) -> Tensor:
        """Values [B, D], one a sequence, in the order of the packing."""
        return values[self.order]

    def last(self, packed: Tensor) -> Tensor:
        """The last row of each sequence, [B, D], in the order of the batch."""
        counts = torch.tensor(self.counts, device=packed.device)
        begins = counts.cumsum(0) - counts
        lengths = (counts[:, None] > torch.arange(len(self.order), device=packed.device)).sum(0)  # [B] sorted
        ends = begins[lengths - 1] + torch.arange(len(self.order), device=packed.device)
        return packed[ends][torch.argsort(self.order)]

    def spread(self, values: Tensor) -> Tensor:
        """Values [B, D], one a sequence, repeated for each of its packed rows: [N, D]."""
        ordered = values[self.order]
        return torch.cat([ordered[:count] for count in self.counts])


def packed_lstm(
    gates_x: Tensor,
    weight_h: Tensor,
    hidden: Tensor,
    memory: Tensor,
    counts: tuple[int, ...],
    keep: Tensor | None = None,
    forget_bias: float = 1.0,
) -> Tensor:
    """The outputs of an LSTM over packed rows.

    Args:
        gates_x: [N, 4H], the products of every row with the input weights, with the bias; gates i, f, g, o.
        weight_h: [4H, H], the recurrent weights.
        hidden: [B, H], the first output, in the order of the packing.
        memory: [B, H], the first memory, likewise.
        counts: how many rows there are at each step.
        keep: [N, H], what candidate values are multiplied by under recurrent dropout (0 or 1 / keep); None
            for no dropout.
        forget_bias: added to the forget gate.

    Returns:
        [N, H]; differentiable once in all tensors but `keep`.

    Source: as `LSTMCell`; the dropout is Semeniuta, Severyn & Barth 2016.
    """
    out: Tensor = _PackedLSTM.apply(  # type: ignore[no-untyped-call]
        gates_x, weight_h, hidden, memory, counts, keep, forget_bias
    )
    return out


class _PackedLSTM(torch.autograd.Function):
    """Forward and backward by hand: a dozen whole-batch operations a step."""

    @staticmethod
    def forward(
        ctx: Any,
        gates_x: Tensor,
        weight_h: Tensor,
        hidden: Tensor,
        memory: Tensor,
        counts: tuple[int, ...],
        keep: Tensor | None,
        forget_bias: float,
    ) -> Tensor:
        size = weight_h.shape[1]
        gates = gates_x.clone()  # becomes the gates' values, in place, step by step
        memories, outputs = (gates.new_empty(len(gates), size) for _ in range(2))
        weight, begin = weight_h.t(), 0
        h, c = hidden, memory
        for count in counts:
            rows = slice(begin, begin + count)
            gate = gates[rows]
            gate.addmm_(h[:count], weight)
            gate[:, size : 2 * size] += forget_bias
            gate[:, : 2 * size].sigmoid_()
            gate[:, 2 * size : 3 * size].tanh_()
            gate[:, 3 * size :].sigmoid_()
            i, f, g, o = gate.chunk(4, 1)
            candidate = g if keep is None else g * keep[rows]
            c = torch.addcmul(f * c[:count], i, candidate, out=memories[rows])
            h = torch.mul(torch.tanh(c), o, out=outputs[rows])
            begin += count
        ctx.save_for_backward(gates, weight_h, hidden, memory, memories, outputs, keep)
        ctx.counts = counts
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        gates, weight_h, hidden, memory, memories, outputs, keep = ctx.saved_tensors
        size, counts = weight_h.shape[1], ctx.counts
        batch = len(hidden)
        grad_gates = torch.empty_like(gates)
        grad_h, grad_c = hidden.new_zeros(batch, size), hidden.new_zeros(batch, size)
        end = len(gates)
        for t in reversed(range(len(counts))):
            count = counts[t]
            rows = slice(end - count, end)
            end -= count
            before = memory[:count] if t == 0 else memories[end - counts[t - 1] : end][:count]
            i, f, g, o = gates[rows].chunk(4, 1)
            into = grad_gates[rows]
            into_i, into_f, into_g, into_o = into.chunk(4, 1)
            shown = torch.tanh(memories[rows])
            dh = grad_h[:count].add_(grad[rows])
            dc = grad_c[:count].addcmul_(dh * o, 1.0 - shown * shown)
            torch.mul(dh * shown, o * (1.0 - o), out=into_o)
            kept = dc if keep is None else dc * keep[rows]
            torch.mul(kept * g, i * (1.0 - i), out=into_i)
            torch.mul(dc * before, f * (1.0 - f), out=into_f)
            torch.mul(kept * i, 1.0 - g * g, out=into_g)
            dc.mul_(f)
            torch.mm(into, weight_h, out=dh)
        grad_weight = _recurrent_gradient(grad_gates, outputs, hidden, counts)
        return grad_gates, grad_weight, grad_h, grad_c, None, None, None


def _recurrent_gradient(
    grad_gates: Tensor, outputs: Tensor, hidden: Tensor, counts: tuple[int, ...]
) -> Tensor:
    """Of the recurrent weights [4H, H]: one product with the output before each row."""
    previous, begin = [hidden], 0
    for count, following in itertools.pairwise(counts):
        previous.append(outputs[begin : begin + following])
        begin += count
    return grad_gates.t() @ torch.cat(previous)
