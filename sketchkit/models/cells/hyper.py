"""The HyperLSTM: a small LSTM that rescales the weights of a large one at every step.

Packed rows go forward and backward by hand. The products of both LSTMs with a row are one, and so are those
with the last output. Of the weights' gradients those of large products are taken for all steps at once
afterwards, the others step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sketchkit.models.cells.base import Cell, State, Tensors
from sketchkit.models.cells.layernorm import (
    EPSILON,
    Affine,
    Finished,
    FinishGradients,
    LayerNormLSTMCell,
    by_gate,
    finish,
    orthogonal_gates,
)
from sketchkit.models.cells.packed import Packing, products_dtype

__all__ = ["HyperLSTMCell", "HyperWeights", "packed_hyper_lstm"]

# The first factor of every row of the main weights.
_FIRST_SCALE = 0.1
# The spread of the weights that the shifts start from.
_SHIFT_SPREAD = 0.01


class HyperLSTMCell(Cell):
    """An LSTM whose gates are scaled and shifted by a smaller, layer-normalised LSTM.

    The small LSTM reads [x, h]. From its output come, for each of the four gates, embeddings z_x, z_h and
    z_b; the gate's sum is d(z_x) * (W_x x) + d(z_h) * (W_h h) + b(z_b) + bias, which is then layer-normalised
    as in `LayerNormLSTMCell`. Its state is (h, c, hyper h, hyper c).

    Source: Ha, Dai & Le 2016, equations 10 to 13 and appendix A.2.3, with the sizes and the first values of
        the released sketch-rnn code: 256 hyper units, embeddings of 32.
    """

    def __init__(
        self, input_size: int, hidden_size: int, hyper_size: int = 256, embedding_size: int = 32
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.hyper = LayerNormLSTMCell(input_size + hidden_size, hyper_size)
        self.main = LayerNormLSTMCell(input_size, hidden_size)
        with torch.no_grad():
            self.main.weight_h.copy_(orthogonal_gates(hidden_size))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        e, h = embedding_size, hidden_size
        # The embeddings of all gates in one product: z_x of the four gates, then z_h, then z_b.
        self.embed_scales = nn.Linear(hyper_size, 8 * e)
        self.embed_shifts = nn.Linear(hyper_size, 4 * e, bias=False)
        self.scale_x = nn.Parameter(torch.full((4, h, e), _FIRST_SCALE / e))
        self.scale_h = nn.Parameter(torch.full((4, h, e), _FIRST_SCALE / e))
        self.shift = nn.Parameter(torch.zeros(4, h, e))
        nn.init.zeros_(self.embed_scales.weight)
        nn.init.ones_(self.embed_scales.bias)
        nn.init.normal_(self.embed_shifts.weight, std=_SHIFT_SPREAD)

    def state_from(self, hidden: Tensor, memory: Tensor) -> State:
        """(h, c) with the small LSTM's state at zero."""
        zeros = hidden.new_zeros(len(hidden), self.hyper.hidden_size)
        return (hidden, memory, zeros, zeros)

    def input_weights(self) -> Tensors:
        """Those of the large LSTM, and the part of the small one's that reads x."""
        return (self.main.weight_x, self.hyper.weight_x[:, : self.input_size])

    def advance(self, products: Tensors, state: State, keep: Tensor | None = None) -> tuple[Tensor, State]:
        """One time step; see `Cell`. Dropout leaves the small LSTM alone."""
        hidden, memory, *hyper_state = state
        from_x, hyper_from_x = products
        linear = nn.functional.linear
        read = hyper_from_x + linear(hidden, self.hyper.weight_x[:, self.input_size :])
        hyper_out, new_hyper = self.hyper.advance((read,), tuple(hyper_state))
        scale_x, scale_h, shift = self._modulations(hyper_out)
        gates = scale_x * from_x + scale_h * linear(hidden, self.main.weight_h) + shift + self.bias
        out, new = self.main.finish(gates, memory, keep)
        return out, (*new, *new_hyper)

    def packed(
        self,
        rows: Tensor,
        context: Tensor | None,
        state: State,
        packing: Packing,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Every row of a packed batch, by gradients written by hand; see `Cell`."""
        return packed_hyper_lstm(
            rows,
            None if context is None else packing.first(context),
            self._join_weights(),
            tuple(map(packing.first, state)),
            self.main.affine(),
            self.hyper.affine(),
            packing.counts,
            keep,
            forget_biases=(self.main.forget_bias, self.hyper.forget_bias),
            epsilon=EPSILON,
        )

    def _join_weights(self) -> HyperWeights:
        bias = self.embed_scales.bias
        return HyperWeights(
            rows=torch.cat(self.input_weights()),
            recurrent=torch.cat((self.main.weight_h, self.hyper.weight_x[:, self.input_size :])),
            hyper=self.hyper.weight_h,
            embedding=torch.cat((self.embed_scales.weight, self.embed_shifts.weight)),
            embedding_bias=torch.cat((bias, bias.new_zeros(len(self.embed_shifts.weight)))),
            spread=torch.cat((self.scale_x, self.scale_h, self.shift)),
            bias=self.bias,
        )

    def _modulations(self, hyper_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The factors of x's and of h's products and the shift, [B, 4H] each."""
        z_x, z_h = self.embed_scales(hyper_out).unflatten(-1, (2, 4, -1)).unbind(1)  # [B, 4, E]
        z_b = self.embed_shifts(hyper_out).unflatten(-1, (4, -1))
        pairs = ((z_x, self.scale_x), (z_h, self.scale_h), (z_b, self.shift))
        scale_x, scale_h, shift = (torch.einsum("bge,ghe->bgh", z, w).flatten(1) for z, w in pairs)
        return scale_x, scale_h, shift


class HyperWeights(NamedTuple):
    """The weights of a HyperLSTM, joined where one product takes several; J hyper units, embeddings of E.

    Args:
        rows: [4H + 4J, D], the weights of an input row in the large and in the small LSTM.
        recurrent: [4H + 4J, H], those of the last output.
        hyper: [4J, J], those of the small LSTM's own last output.
        embedding: [12E, J], from its output to z_x of the four gates, then z_h, then z_b.
        embedding_bias: [12E].
        spread: [12, H, E], from these to the factors of x's products, of h's products, and the shifts.
        bias: [4H], of the large LSTM's sums.
    """

    rows: Tensor
    recurrent: Tensor
    hyper: Tensor
    embedding: Tensor
    embedding_bias: Tensor
    spread: Tensor
    bias: Tensor


class _Step(NamedTuple):
    """The tensors of a step that the way back needs.

    Args:
        from_x: [n, 4H], the large LSTM's products with the row.
        from_h: [n, 4H], those with the last output.
        factors: [8, n, H], of the former for each gate, then of the latter.
        large: of the end of the large LSTM.
        small: of that of the small one.
    """

    from_x: Tensor
    from_h: Tensor
    factors: Tensor
    large: Finished
    small: Finished

    @classmethod
    def all_of(cls, flat: Sequence[Tensor]) -> list[_Step]:
        """Steps from their tensors in a row."""
        middle = 3 + len(Finished._fields)
        width = middle + len(Finished._fields)
        parts = [flat[k : k + width] for k in range(0, len(flat), width)]
        return [cls(p[0], p[1], p[2], Finished(*p[3:middle]), Finished(*p[middle:])) for p in parts]


def packed_hyper_lstm(
    rows: Tensor,
    context: Tensor | None,
    weights: HyperWeights,
    state: Sequence[Tensor],
    main: Affine,
    hyper: Affine,
    counts: tuple[int, ...],
    keep: Tensor | None = None,
    *,
    forget_biases: tuple[float, float],
    epsilon: float,
) -> Tensor:
    """The outputs of a HyperLSTM over packed rows.

    Under autocast the products with both LSTMs' last outputs are taken in its number type, and everything
    else in that of the weights.

    Args:
        rows: [N, R], the input of each step.
        context: [B, K], constant over a sequence, R + K = D, in the order of the packing; or None.
        weights: all but the scales and shifts.
        state: the first output and memory [B, H], and the small LSTM's [B, J], likewise.
        main: scales and shifts of the large LSTM.
        hyper: those of the small one.
        counts: how many rows there are at each step.
        keep: [N, H], factors of the large LSTM's candidate values under recurrent dropout; None without.
        forget_biases: of the large and of the small LSTM.
        epsilon: added to a variance before its root is taken.

    Returns:
        [N, H]; differentiable once in all tensors but `keep`.

    Source: as `HyperLSTMCell`; the dropout is Semeniuta, Severyn & Barth 2016.
    """
    options = (counts, forget_biases, epsilon, products_dtype(weights.recurrent), torch.is_grad_enabled())
    dtype, split = weights.recurrent.dtype, rows.shape[-1]
    rows, *state = (part.to(dtype) for part in (rows, *state))
    with torch.autocast(rows.device.type, enabled=False):
        shared = None if context is None else context.to(dtype) @ weights.rows[:, split:].mT
        weights = weights._replace(rows=weights.rows[:, :split])
        out: Tensor = _PackedHyperLSTM.apply(  # type: ignore[no-untyped-call]
            options, keep, rows, shared, *state, *weights, *main, *hyper
        )
    return out


class _PackedHyperLSTM(torch.autograd.Function):
    """Forward and backward by hand."""

    @staticmethod
    def forward(ctx: Any, options: Any, keep: Tensor | None, *tensors: Any) -> Tensor:
        rows, shared, h, c, small_h, small_c = tensors[:6]
        weights, affine = HyperWeights(*tensors[6:13]), tensors[13:]
        counts, forget_biases, epsilon, products, learning = options
        main, hyper = (Affine(*affine[4 * k : 4 * k + 4]).doubled(b) for k, b in enumerate(forget_biases))
        outputs: Tensor = rows.new_empty(len(rows), h.shape[-1])
        smalls: Tensor = rows.new_empty(len(rows), small_h.shape[-1])
        # The outputs before each row.
        previous, small_previous = (torch.empty_like(each, dtype=products) for each in (outputs, smalls))
        embedded = rows.new_empty(len(rows), len(weights.embedding))
        recurrent, own = weights.recurrent.to(products).mT, weights.hyper.to(products).mT
        wide, begin = len(weights.bias), 0
        left: list[Tensor] = []
        for count in counts:
            part = slice(begin, begin + count)
            begin += count
            x = rows[part] @ weights.rows.mT
            if shared is not None:
                x.add_(shared[:count])
            from_h = previous[part].copy_(h[:count]) @ recurrent
            sums = x[:, wide:] + from_h[:, wide:]
            sums.add_(small_previous[part].copy_(small_h[:count]) @ own)
            small_h = smalls[part]
            small = finish(sums, small_c[:count], None, hyper, epsilon, small_h)
            z = torch.addmm(weights.embedding_bias, small_h, weights.embedding.mT, out=embedded[part])
            x, from_h = x[:, :wide], from_h[:, :wide]
            sums, factors = _modulate(x, from_h, z, weights)
            h = outputs[part]
            large = finish(sums, c[:count], None if keep is None else keep[part], main, epsilon, h)
            c, small_c = large.memory, small.memory
            if learning:
                left += [x, from_h, factors, *large, *small]
        ctx.save_for_backward(keep, *tensors, smalls, previous, small_previous, embedded, *left)
        ctx.counts = counts
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        keep, rows, shared, h, c, small_h, small_c, *rest = ctx.saved_tensors
        weights, main, hyper = HyperWeights(*rest[:7]), Affine(*rest[7:11]), Affine(*rest[11:15])
        smalls, previous, small_previous, embedded = rest[15:19]
        steps, counts = _Step.all_of(rest[19:]), ctx.counts
        found = _WeightGradients(weights, len(rows), previous.dtype)
        of_large, of_small = (FinishGradients(each, len(h)) for each in (main, hyper))
        recurrent, own = (each.to(previous.dtype) for each in (weights.recurrent, weights.hyper))
        grad_rows = torch.empty_like(rows) if ctx.needs_input_grad[2] else None
        grad_shared = None if shared is None else torch.zeros_like(shared)
        state = [torch.zeros_like(part) for part in (h, c, small_h, small_c)]
        end = len(rows)
        for t in reversed(range(len(counts))):
            count, step = counts[t], steps[t]
            part = slice(end - count, end)
            end -= count
            dh, dc, small_dh, small_dc = (each[:count] for each in state)
            before = (
                (steps[t - 1].large.memory[:count], steps[t - 1].small.memory[:count]) if t else (c, small_c)
            )
            kept = None if keep is None else keep[part]
            sums = of_large.back(step.large, before[0], kept, dh.add_(grad[part]), dc)
            small_dh.add_(found.through_factors(step, sums, part, embedded[part]))
            small_sums = of_small.back(step.small, before[1], None, small_dh, small_dc).flatten(1)
            x = found.through_products(step, sums, small_sums, part, rows[part])
            if grad_shared is not None:
                grad_shared[:count].add_(x)
            if grad_rows is not None:
                torch.mm(x, weights.rows, out=grad_rows[part])
            dh.copy_(found.sums[part] @ recurrent)
            small_dh.copy_(found.sums[part, sums[0].numel() :] @ own)
        of_weights = found.all(previous, small_previous, smalls)
        return (
            None,
            None,
            grad_rows,
            grad_shared,
            *state,
            *of_weights,
            *of_large.affine(),
            *of_small.affine(),
        )


class _WeightGradients:
    """The gradients of the weights: some add up step by step, others wait for one product at the end.

    Args:
        weights: of the cell.
        total: N, how many rows there are.
        products: the number type of the recurrent products.
    """

    def __init__(self, weights: HyperWeights, total: int, products: torch.dtype) -> None:
        self._weights = weights
        self.sums = weights.bias.new_empty(total, len(weights.recurrent), dtype=products)
        self._embedded = weights.bias.new_empty(total, len(weights.embedding))
        # Laid out with the longer side last: a product is up to nine times as fast so.
        self._rows, self._spread = (w.new_zeros(w.mT.shape) for w in (weights.rows, weights.spread))
        self._bias = torch.zeros_like(weights.bias)

    def through_factors(self, step: _Step, grad: Tensor, part: slice, embedded: Tensor) -> Tensor:
        """From the gradient of the large LSTM's sums [n, 4, H] to that of the small one's output [n, J]."""
        changes = grad.new_empty(len(grad), 12, grad.shape[-1])
        for k, products in enumerate((step.from_x, step.from_h)):
            torch.mul(grad, by_gate(products), out=changes[:, 4 * k : 4 * k + 4])
        changes[:, 8:] = grad
        changes = changes.transpose(0, 1)
        self._spread.baddbmm_(_embeddings(embedded).mT, changes)
        self._bias.add_(grad.sum(0).flatten())
        _embeddings(self._embedded[part]).copy_(changes @ self._weights.spread)
        into: Tensor = self._embedded[part] @ self._weights.embedding
        return into

    def through_products(
        self, step: _Step, grad: Tensor, small_grad: Tensor, part: slice, rows: Tensor
    ) -> Tensor:
        """From the gradients of both LSTMs' sums to that of their products with the rows, [n, 4H + 4J].

        That of their products with the last output is put into `sums`.
        """
        factors = step.factors.transpose(0, 1)
        x = torch.cat(((grad * factors[:, :4]).flatten(1), small_grad), -1)
        self._rows.addmm_(rows.mT, x)
        wide = len(self._weights.bias)
        self.sums[part, :wide] = (grad * factors[:, 4:]).flatten(1)
        self.sums[part, wide:] = small_grad
        return x

    def all(self, previous: Tensor, small_previous: Tensor, smalls: Tensor) -> HyperWeights:
        """Of every weight, once all steps are done.

        Args:
            previous: [N, H], the output before each row.
            small_previous: [N, J], that of the small LSTM.
            smalls: [N, J], its output at each row.
        """
        small_sums = self.sums[:, len(self._weights.bias) :]
        return HyperWeights(
            rows=self._rows.mT,
            recurrent=(self.sums.mT @ previous).to(self._bias.dtype),
            hyper=(small_sums.mT @ small_previous).to(self._bias.dtype),
            embedding=self._embedded.mT @ smalls,
            embedding_bias=self._embedded.sum(0),
            spread=self._spread.mT,
            bias=self._bias,
        )


def _modulate(
    from_x: Tensor, from_h: Tensor, embedded: Tensor, weights: HyperWeights
) -> tuple[Tensor, Tensor]:
    """The sums of the large LSTM's gates [n, 4H], and the factors [8, n, H] in them; see `_Step`."""
    z = _embeddings(embedded)
    factors = z[:8] @ weights.spread[:8].mT
    by_row = factors.transpose(0, 1)
    sums = by_gate(from_x) * by_row[:, :4]
    sums.addcmul_(by_gate(from_h.to(sums.dtype)), by_row[:, 4:])
    sums.add_((z[8:] @ weights.spread[8:].mT).transpose(0, 1))
    return sums.flatten(1).add_(weights.bias), factors


def _embeddings(embedded: Tensor) -> Tensor:
    """A view of embeddings [n, 12E] as [12, n, E]."""
    return embedded.view(len(embedded), 12, -1).transpose(0, 1)
