"""The layer-normalised LSTM: a cell, and its packed rows forward and backward by hand.

The end of a step, from the sums of the gates on, and its way back are shared by cells that end so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sketchkit.models.cells.base import Cell, State, Tensors
from sketchkit.models.cells.packed import Packing, products_dtype, sigmoid_backward, tanh_backward

__all__ = [
    "EPSILON",
    "Affine",
    "FinishGradients",
    "Finished",
    "LayerNormLSTMCell",
    "by_gate",
    "finish",
    "orthogonal_gates",
    "packed_layernorm_lstm",
]

#: Added to a variance before its root is taken, as in the released sketch-rnn code.
EPSILON = 1e-3


class LayerNormLSTMCell(Cell):
    """An LSTM whose four gates and whose memory are normalised; its state is (h, c).

    Each gate's sum over x and h is normalised over its H units, then scaled and shifted; the memory is
    normalised on its way to the output only. That shift is the only bias.

    Source: Ba, Kiros & Hinton 2016, equations 20 to 22, as the released sketch-rnn code applies them: one
        normalisation of the whole sum rather than one of each summand.
    """

    def __init__(self, input_size: int, hidden_size: int, forget_bias: float = 1.0) -> None:
        super().__init__(input_size, hidden_size)
        self.forget_bias = forget_bias
        self.weight_x = nn.Parameter(nn.init.xavier_uniform_(torch.empty(4 * hidden_size, input_size)))
        self.weight_h = nn.Parameter(orthogonal_gates(hidden_size))
        self.gate_scale = nn.Parameter(torch.ones(4, hidden_size))
        self.gate_shift = nn.Parameter(torch.zeros(4, hidden_size))
        self.memory_scale = nn.Parameter(torch.ones(hidden_size))
        self.memory_shift = nn.Parameter(torch.zeros(hidden_size))

    def state_from(self, hidden: Tensor, memory: Tensor) -> State:
        """(h, c)."""
        return (hidden, memory)

    def input_weights(self) -> Tensors:
        """The one matrix of all four gates."""
        return (self.weight_x,)

    def advance(self, products: Tensors, state: State, keep: Tensor | None = None) -> tuple[Tensor, State]:
        """One time step; see `Cell`."""
        hidden, memory = state
        return self.finish(products[0] + nn.functional.linear(hidden, self.weight_h), memory, keep)

    def finish(self, gates: Tensor, memory: Tensor, keep: Tensor | None = None) -> tuple[Tensor, State]:
        """From the sums of the four gates [B, 4H] and the memory [B, H] to the output and the state."""
        normalise, size = nn.functional.layer_norm, self.hidden_size
        normal = normalise(gates.reshape(-1, 4, size), (size,), eps=EPSILON)
        i, f, g, o = (normal * self.gate_scale + self.gate_shift).unbind(-2)
        candidate = g.tanh() if keep is None else g.tanh() * keep
        memory = memory * (f + self.forget_bias).sigmoid() + i.sigmoid() * candidate
        shown = normalise(memory, (size,), self.memory_scale, self.memory_shift, EPSILON)
        hidden = o.sigmoid() * shown.tanh()
        return hidden, (hidden, memory)

    def packed(
        self,
        rows: Tensor,
        context: Tensor | None,
        state: State,
        packing: Packing,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Every row of a packed batch, by gradients written by hand; see `Cell`."""
        hidden, memory = (packing.first(part) for part in state)
        return packed_layernorm_lstm(
            rows,
            None if context is None else packing.first(context),
            self.weight_x,
            self.weight_h,
            hidden,
            memory,
            self.affine(),
            packing.counts,
            keep,
            forget_bias=self.forget_bias,
            epsilon=EPSILON,
        )

    def affine(self) -> Affine:
        """The scales and shifts behind the normalisations."""
        return Affine(self.gate_scale, self.gate_shift, self.memory_scale, self.memory_shift)


def orthogonal_gates(hidden_size: int, gates: int = 4) -> Tensor:
    """Recurrent weights [G H, H] whose G blocks are orthogonal."""
    blocks = [nn.init.orthogonal_(torch.empty(hidden_size, hidden_size)) for _ in range(gates)]
    return torch.cat(blocks)


_normalise = torch.native_layer_norm
_normalise_backward = torch.ops.aten.native_layer_norm_backward


class Affine(NamedTuple):
    """The scales and shifts behind the normalisations.

    Args:
        gate_scale: [4, H].
        gate_shift: [4, H].
        memory_scale: [H].
        memory_shift: [H].
    """

    gate_scale: Tensor
    gate_shift: Tensor
    memory_scale: Tensor
    memory_shift: Tensor

    def doubled(self, forget_bias: float) -> Affine:
        """The same with a forget bias, and twice as much where tanh follows: it is 2 sigmoid(2x) - 1."""
        scale, shift = self.gate_scale.clone(), self.gate_shift.clone()
        shift[1] += forget_bias
        scale[2] *= 2.0
        shift[2] *= 2.0
        return Affine(scale, shift, 2.0 * self.memory_scale, 2.0 * self.memory_shift)


class Finished(NamedTuple):
    """The tensors of the end of a step that the way back needs.

    Args:
        normal: [n, 4, H], the normalised sums.
        gates: [n, 4, H], their values; the third are the candidate values.
        memory: [n, H], after the step.
        shown: [n, H], tanh of the normalised memory.
        gate_rate: [n, 4, 1], 1 / standard deviation of the sums.
        mean: [n, 1], of the memory.
        rate: [n, 1], 1 / standard deviation of the memory.
    """

    normal: Tensor
    gates: Tensor
    memory: Tensor
    shown: Tensor
    gate_rate: Tensor
    mean: Tensor
    rate: Tensor


def finish(
    sums: Tensor, memory: Tensor, keep: Tensor | None, affine: Affine, epsilon: float, output: Tensor
) -> Finished:
    """The end of a step, from the sums of its gates.

    Args:
        sums: [n, 4H].
        memory: [n, H], before the step.
        keep: [n, H], factors of the candidate values; None without dropout.
        affine: as `doubled`.
        epsilon: added to a variance before its root is taken.
        output: [n, H], where the output is put.
    """
    size = memory.shape[-1:]
    normal, _, gate_rate = _normalise(by_gate(sums), size, None, None, epsilon)
    gates = torch.addcmul(affine.gate_shift, normal, affine.gate_scale).sigmoid_()
    i, f, g, o = gates.unbind(1)
    g.mul_(2.0).sub_(1.0)
    memory = (f * memory).addcmul_(i, g if keep is None else g * keep)
    shown, mean, rate = _normalise(memory, size, affine.memory_scale, affine.memory_shift, epsilon)
    torch.mul(shown.sigmoid_().mul_(2.0).sub_(1.0), o, out=output)
    return Finished(normal, gates, memory, shown, gate_rate, mean, rate)


class FinishGradients:
    """The way back through the ends of all steps; the gradients of `affine` add up in it.

    Args:
        affine: not doubled.
        batch: B, how many rows the first step has.
    """

    def __init__(self, affine: Affine, batch: int) -> None:
        self._affine = affine
        shape = (batch, *affine.gate_scale.shape)
        self._scale, self._shift = (affine.gate_scale.new_zeros(shape) for _ in range(2))
        self._memory = [torch.zeros_like(affine.memory_scale) for _ in range(2)]

    def back(self, step: Finished, before: Tensor, keep: Tensor | None, dh: Tensor, dc: Tensor) -> Tensor:
        """The end of one step.

        Args:
            step: its tensors.
            before: [n, H], the memory before it.
            keep: [n, H] or None.
            dh: [n, H], the gradient of its output.
            dc: [n, H], that of the memory after it, which becomes that of the memory before.

        Returns:
            The gradient of the sums, [n, 4, H].
        """
        i, f, g, o = step.gates.unbind(1)
        into = torch.empty_like(step.gates)
        into_i, into_f, into_g, into_o = into.unbind(1)
        sigmoid_backward(dh * step.shown, o, grad_input=into_o)
        through = dh * o
        tanh_backward(through, step.shown, grad_input=through)
        size, scale, shift = dh.shape[-1:], self._affine.memory_scale, self._affine.memory_shift
        grad, *grads = _normalise_backward(
            through, step.memory, size, step.mean, step.rate, scale, shift, [True, True, True]
        )
        dc.add_(grad)
        for total, part in zip(self._memory, grads, strict=True):
            total.add_(part)
        kept = dc if keep is None else dc * keep
        sigmoid_backward(torch.mul(kept, g, out=into_i), i, grad_input=into_i)
        sigmoid_backward(torch.mul(dc, before, out=into_f), f, grad_input=into_f)
        tanh_backward(torch.mul(kept, i, out=into_g), g, grad_input=into_g)
        dc.mul_(f)
        self._scale[: len(dh)].addcmul_(into, step.normal)
        self._shift[: len(dh)].add_(into)
        into.mul_(self._affine.gate_scale)
        # The normalised sums have the mean 0 and the deviation 1; that of the sums was 1 / rate.
        moments = (torch.zeros_like(step.gate_rate), torch.ones_like(step.gate_rate))
        wanted = [True, False, False]
        sums: Tensor = _normalise_backward(into, step.normal, size, *moments, None, None, wanted)[0]
        return sums.mul_(step.gate_rate)

    def affine(self) -> Affine:
        """The gradients of the scales and shifts, once every step is done."""
        return Affine(self._scale.sum(0), self._shift.sum(0), *self._memory)


def by_gate(values: Tensor) -> Tensor:
    """A view of [n, 4H] as [n, 4, H]."""
    return values.view(len(values), 4, -1)


def packed_layernorm_lstm(
    rows: Tensor,
    context: Tensor | None,
    weight_x: Tensor,
    weight_h: Tensor,
    hidden: Tensor,
    memory: Tensor,
    affine: Affine,
    counts: tuple[int, ...],
    keep: Tensor | None = None,
    *,
    forget_bias: float,
    epsilon: float,
) -> Tensor:
    """The outputs of a layer-normalised LSTM over packed rows.

    Under autocast the recurrent products are taken in its number type, and everything else in that of the
    weights.

    Args:
        rows: [N, R], the input of each step.
        context: [B, K], constant over a sequence, in the order of the packing; or None.
        weight_x: [4H, R + K], the weights of both; gates i, f, g, o.
        weight_h: [4H, H], the recurrent weights.
        hidden: [B, H], the first output, in the order of the packing.
        memory: [B, H], the first memory, likewise.
        affine: the scales and shifts.
        counts: how many rows there are at each step.
        keep: [N, H], factors of the candidate values under recurrent dropout; None without.
        forget_bias: added to the forget gate behind its shift.
        epsilon: added to a variance before its root is taken.

    Returns:
        [N, H]; differentiable once in all tensors but `keep`.

    Source: as `LayerNormLSTMCell`; the dropout is Semeniuta, Severyn & Barth 2016.
    """
    options = (counts, forget_bias, epsilon, products_dtype(weight_h), torch.is_grad_enabled())
    dtype, split = weight_h.dtype, rows.shape[-1]
    rows, hidden, memory = (part.to(dtype) for part in (rows, hidden, memory))
    with torch.autocast(rows.device.type, enabled=False):
        shared = None if context is None else context.to(dtype) @ weight_x[:, split:].mT
        out: Tensor = _PackedLayerNormLSTM.apply(  # type: ignore[no-untyped-call]
            options, keep, rows, weight_x[:, :split], shared, weight_h, hidden, memory, *affine
        )
    return out


class _PackedLayerNormLSTM(torch.autograd.Function):
    """Forward and backward by hand: two dozen whole-batch operations a step."""

    @staticmethod
    def forward(ctx: Any, options: Any, keep: Tensor | None, *tensors: Any) -> Tensor:
        rows, weight_x, shared, weight_h, h, c, *affine = tensors
        counts, forget_bias, epsilon, products, learning = options
        doubled = Affine(*affine).doubled(forget_bias)
        outputs: Tensor = rows.new_empty(len(rows), h.shape[-1])
        previous = torch.empty_like(outputs, dtype=products)  # the output before each row
        weight, begin = weight_h.to(products).mT, 0
        left: list[Tensor] = []
        for count in counts:
            part = slice(begin, begin + count)
            begin += count
            # Step by step: all sums at once would leave the processor's cache.
            sums = rows[part] @ weight_x.mT
            if shared is not None:
                sums.add_(shared[:count])
            sums.add_(previous[part].copy_(h[:count]) @ weight)
            h = outputs[part]
            step = finish(sums, c[:count], None if keep is None else keep[part], doubled, epsilon, h)
            c = step.memory
            if learning:
                left += step
        ctx.save_for_backward(keep, *tensors, previous, *left)
        ctx.counts = counts
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        keep, rows, weight_x, shared, weight_h, _, memory, *affine = ctx.saved_tensors[:11]
        previous, *left = ctx.saved_tensors[11:]
        counts, width = ctx.counts, len(Finished._fields)
        steps = [Finished(*left[k : k + width]) for k in range(0, len(left), width)]
        finishes = FinishGradients(Affine(*affine), len(memory))
        grad_sums = previous.new_empty(len(rows), len(weight_h))
        grad_h, grad_c = torch.zeros_like(memory), torch.zeros_like(memory)
        grad_shared = None if shared is None else torch.zeros_like(shared)
        grad_rows = torch.empty_like(rows) if ctx.needs_input_grad[2] else None
        # Laid out with the longer side last: a product is up to nine times as fast so.
        grad_weight_x = weight_x.new_zeros(weight_x.mT.shape)
        weight, end = weight_h.to(previous.dtype), len(rows)
        for t in reversed(range(len(counts))):
            count = counts[t]
            part = slice(end - count, end)
            end -= count
            dh = grad_h[:count].add_(grad[part])
            before = steps[t - 1].memory[:count] if t else memory
            kept = None if keep is None else keep[part]
            into = finishes.back(steps[t], before, kept, dh, grad_c[:count]).flatten(1)
            if grad_shared is not None:
                grad_shared[:count].add_(into)
            if grad_rows is not None:
                torch.mm(into, weight_x, out=grad_rows[part])
            grad_weight_x.addmm_(rows[part].mT, into)
            dh.copy_(grad_sums[part].copy_(into) @ weight)
        return (
            None,
            None,
            grad_rows,
            grad_weight_x.mT,
            grad_shared,
            (grad_sums.mT @ previous).to(weight_h.dtype),
            grad_h,
            grad_c,
            *finishes.affine(),
        )
