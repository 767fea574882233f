"""Drawings of many lengths without padding: packed rows, and an LSTM over them, forward and backward.

The drawings of a batch are sorted by length, longest first, and their rows laid out step after step: at step
t stand the rows of those that are still going. A drawing leaves the batch where it ends, so that length
buckets and padding fall away. The products for the gradient of the weights
are taken all at once afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["Packing", "packed_lstm", "products_dtype", "sigmoid_backward", "tanh", "tanh_backward"]

#: How many gates' values stay in a processor's cache, about.
_CACHED = 1 << 18

sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
tanh_backward = torch.ops.aten.tanh_backward.grad_input


@dataclass(frozen=True)
class Packing:
    """How padded sequences become packed rows and back.

    Args:
        time: T, the length that the sequences are padded to.
        order: int64 [B], the batch index of the longest sequence, the next longest...
        counts: how many sequences have a row at each step; T numbers that never grow.
        rows: int64 [N], for every packed row its place in the padded array laid out flat, [B * T].
        ends: int64 [B], the packed row that is the last of each sequence, in the order of the batch.
    """

    time: int
    order: Tensor
    counts: tuple[int, ...]
    rows: Tensor
    ends: Tensor

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
        counts = going.sum(1)
        begins = counts.cumsum(0) - counts
        places = begins[ordered - 1] + torch.arange(len(order), device=lengths.device)
        ends = torch.empty_like(order).index_copy_(0, order, places)
        return cls(time, order, tuple(counts.tolist()), rows, ends)

    def changed(self, change: Callable[[Tensor], Tensor]) -> Packing:
        """The same with every tensor changed, such as moved to another device."""
        return Packing(self.time, change(self.order), self.counts, change(self.rows), change(self.ends))

    def pack(self, padded: Tensor) -> Tensor:
        """Padded values [B, T, D] as packed rows [N, D]."""
        return padded.reshape(-1, padded.shape[-1]).index_select(0, self.rows)

    def padded(self, packed: Tensor) -> Tensor:
        """Packed rows [N, D] as padded values [B, T, D], the padding zero."""
        flat = packed.new_zeros(len(self.order) * self.time, packed.shape[-1])
        return flat.index_copy(0, self.rows, packed).view(len(self.order), self.time, -1)

    def first(self, values: Tensor) -> Tensor:
        """Values [B, D], one a sequence, in the order of the packing."""
        return values[self.order]

    def last(self, packed: Tensor) -> Tensor:
        """The last row of each sequence, [B, D], in the order of the batch."""
        return packed[self.ends]

    def spread(self, values: Tensor) -> Tensor:
        """Values [B, D], one a sequence, repeated for each of its packed rows: [N, D]."""
        ordered = values[self.order]
        return torch.cat([ordered[:count] for count in self.counts])


def packed_lstm(
    rows: Tensor,
    weight_x: Tensor,
    shared: Tensor,
    weight_h: Tensor,
    hidden: Tensor,
    memory: Tensor,
    counts: tuple[int, ...],
    keep: Tensor | None = None,
) -> Tensor:
    """The outputs of one LSTM, or of several of one size side by side, over packed rows.

    Under autocast the recurrent products are taken in its number type, and everything else in that of the
    arguments: the memory adds up over hundreds of steps and needs the digits.

    Args:
        rows: [G, N, R], the input of each step, for each of G LSTMs.
        weight_x: [G, 4H, R], the weights of the rows; gates i, f, g, o.
        shared: [G, B, 4H], added to the gates at every step of a sequence: the biases, and the products with
            the context; in the order of the packing.
        weight_h: [G, 4H, H], the recurrent weights.
        hidden: [G, B, H], the first output, in the order of the packing.
        memory: [G, B, H], the first memory, likewise.
        counts: how many rows there are at each step.
        keep: [G, N, H], factors of the candidate values under recurrent dropout; None without dropout.

    Returns:
        [G, N, H]; differentiable once in all tensors but `keep`.

    Source: as `LSTMCell`; the dropout is Semeniuta, Severyn & Barth 2016.
    """
    products = products_dtype(weight_h)
    # Under autocast the first state may come in half precision, in which gradients must not add up.
    hidden, memory = (part.to(weight_h.dtype) for part in (hidden, memory))
    with torch.autocast(rows.device.type, enabled=False):
        out: Tensor = _PackedLSTM.apply(  # type: ignore[no-untyped-call]
            rows, weight_x, shared, weight_h, hidden, memory, counts, keep, products
        )
    return out


class _PackedLSTM(torch.autograd.Function):
    """Forward and backward by hand: a dozen whole-batch operations a step."""

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        weight_x: Tensor,
        shared: Tensor,
        weight_h: Tensor,
        hidden: Tensor,
        memory: Tensor,
        counts: tuple[int, ...],
        keep: Tensor | None,
        products: torch.dtype,
    ) -> Tensor:
        groups, total, size = *rows.shape[:2], weight_h.shape[-1]
        # For all steps beforehand only where that stays in the processor's cache.
        few = groups * total * 4 * size <= _CACHED
        gates = _products(rows, weight_x.mT) if few else rows.new_empty(groups, total, 4 * size)
        memories, outputs = (gates.new_empty(groups, total, size) for _ in range(2))
        previous = gates.new_empty(groups, total, size, dtype=products)  # the output before each row
        weight, begin = weight_h.to(products).mT, 0
        h, c = hidden, memory
        for count in counts:
            part = slice(begin, begin + count)
            gate, constant = gates[:, part], shared[:, :count]
            if few:
                gate.add_(constant)
            else:
                for target, a, b, same in zip(gate, rows[:, part], weight_x, constant, strict=True):
                    torch.addmm(same, a, b.mT, out=target)
            _add_products(gate, previous[:, part].copy_(h[:, :count]), weight)
            gate[..., : 2 * size].sigmoid_()
            tanh(gate[..., 2 * size : 3 * size], gate[..., 2 * size : 3 * size])
            gate[..., 3 * size :].sigmoid_()
            i, f, g, o = gate.chunk(4, -1)
            candidate = g if keep is None else g * keep[:, part]
            c = torch.addcmul(f * c[:, :count], i, candidate, out=memories[:, part])
            h = tanh(c, outputs[:, part]).mul_(o)
            begin += count
        ctx.save_for_backward(rows, weight_x, weight_h, memory, gates, memories, previous, keep)
        ctx.counts = counts
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight_x, weight_h, memory, gates, memories, previous, keep = ctx.saved_tensors
        counts = ctx.counts
        grad_gates = torch.empty_like(gates, dtype=previous.dtype)
        weight = weight_h.to(previous.dtype)
        grad_h, grad_c = torch.zeros_like(memory), torch.zeros_like(memory)
        grad_shared = gates.new_zeros(*memory.shape[:2], gates.shape[-1])
        whole = torch.empty_like(grad_shared)
        end = gates.shape[1]
        for t in reversed(range(len(counts))):
            count = counts[t]
            part = slice(end - count, end)
            end -= count
            before = memory[:, :count] if t == 0 else memories[:, end - counts[t - 1] : end][:, :count]
            same = grad_gates.dtype == gates.dtype
            into = grad_gates[:, part] if same else whole[:, :count]
            dh, dc = grad_h[:, :count].add_(grad[:, part]), grad_c[:, :count]
            kept = None if keep is None else keep[:, part]
            _gate_gradients(gates[:, part], memories[:, part], before, kept, dh, dc, into)
            grad_shared[:, :count].add_(into)
            ready = into if same else grad_gates[:, part].copy_(into)
            for target, a, b in zip(dh, ready, weight, strict=True):
                target.copy_(a @ b)
        return (
            _products(grad_gates.to(weight_x.dtype), weight_x) if ctx.needs_input_grad[0] else None,
            _products(grad_gates.mT, rows.to(grad_gates.dtype)).to(weight_x.dtype),
            grad_shared,
            _products(grad_gates.mT, previous).to(weight_h.dtype),
            grad_h,
            grad_c,
            None,
            None,
            None,
        )


def _add_products(to: Tensor, left: Tensor, right: Tensor) -> None:
    """Add left @ right of each LSTM, one at a time: batched ones in half precision are slow on a CPU."""
    for target, a, b in zip(to, left, right, strict=True):
        if target.dtype == a.dtype:
            target.addmm_(a, b)
        else:
            target.add_(a @ b)


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Each LSTM's left @ right, [G, ...], one at a time, without copies."""
    out = left.new_empty(*left.shape[:2], right.shape[-1])
    for target, a, b in zip(out, left, right, strict=True):
        torch.mm(a, b, out=target)
    return out


def products_dtype(weight: Tensor) -> torch.dtype:
    """The number type of a weight's recurrent products: autocast's where it is on, else its own."""
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype


def tanh(values: Tensor, out: Tensor) -> Tensor:
    """The hyperbolic tangent as 2 sigmoid(2x) - 1, to the last bits of 1: thrice as fast as torch's own."""
    return torch.mul(values, 2.0, out=out).sigmoid_().mul_(2.0).sub_(1.0)


def _gate_gradients(
    gates: Tensor,
    memory: Tensor,
    before: Tensor,
    keep: Tensor | None,
    dh: Tensor,
    dc: Tensor,
    into: Tensor,
) -> None:
    """One step back: from dh and later steps' dc to the gates' gradients [G, n, 4H] and the earlier dc."""
    i, f, g, o = gates.chunk(4, -1)
    into_i, into_f, into_g, into_o = into.chunk(4, -1)
    shown = tanh(memory, torch.empty_like(memory))
    sigmoid_backward(dh * shown, o, grad_input=into_o)
    through = torch.mul(dh, o, out=into_i)  # a place to put it, until i's own gradient comes
    dc.add_(tanh_backward(through, shown, grad_input=into_i))
    kept = dc if keep is None else dc * keep
    sigmoid_backward(torch.mul(kept, g, out=into_i), i, grad_input=into_i)
    sigmoid_backward(torch.mul(dc, before, out=into_f), f, grad_input=into_f)
    tanh_backward(torch.mul(kept, i, out=into_g), g, grad_input=into_g)
    dc.mul_(f)
