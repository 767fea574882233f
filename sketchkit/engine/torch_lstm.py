"""The plain LSTM stepped by torch: the context multiplied once a drawing, all gates in one pass.

Every gate is a sigmoid here: tanh x is 2 sigmoid(2x) - 1, to the last bits of 1, so the weights of the gate
that wants it come doubled, and so is the memory. Large batches go through in blocks of rows whose gates stay
in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from sketchkit.engine.arrays import State
from sketchkit.models import LSTMWeights

__all__ = ["PRODUCTS", "LSTMStep", "Linear", "Products"]

#: The most rows of a block on a CPU: their gates, and the weights that they meet, share its cache.
_BLOCK = 128
#: The largest whole number that a weight or an output becomes under int8; an output lies in -1..1.
_LARGEST = 127.0


class Products(Protocol):
    """The recurrent weights, laid out for products in one number type."""

    def __call__(self, sums: Tensor, hidden: Tensor) -> Tensor:
        """Add the products with outputs [B, H] to the sums [B, 4H], which may be written to."""
        ...


class _Full:
    """In the weights' own number type."""

    def __init__(self, recurrent: Tensor, packed: bool) -> None:
        self._linear = Linear(recurrent, packed)

    def __call__(self, sums: Tensor, hidden: Tensor) -> Tensor:
        return self._linear(hidden, sums)


class _TensorFloat(_Full):
    """In float32 whose digits tensor cores cut to ten bits."""

    def __call__(self, sums: Tensor, hidden: Tensor) -> Tensor:
        before = torch.backends.cuda.matmul.fp32_precision
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        try:
            return super().__call__(sums, hidden)
        finally:
            torch.backends.cuda.matmul.fp32_precision = before


class _Half:
    """In bfloat16."""

    def __init__(self, recurrent: Tensor, packed: bool) -> None:
        self._weight = recurrent.bfloat16()

    def __call__(self, sums: Tensor, hidden: Tensor) -> Tensor:
        half = hidden.bfloat16()
        if hidden.is_cuda:  # there the products can stay as exact as they are added up
            return sums.add_(torch.mm(half, self._weight.mT, out_dtype=torch.float32))
        return sums.add_(half @ self._weight.mT)


class _Whole:
    """In whole numbers of 8 bits: the weights by a scale a gate and unit, the outputs by one for all."""

    def __init__(self, recurrent: Tensor, packed: bool) -> None:
        largest = recurrent.abs().amax(1).clamp(min=torch.finfo(recurrent.dtype).tiny)
        self.weight = (recurrent * (_LARGEST / largest)[:, None]).round().to(torch.int8)
        self.scale = largest / (_LARGEST * _LARGEST)  # [4H]

    def __call__(self, sums: Tensor, hidden: Tensor) -> Tensor:
        whole = torch.mul(hidden, _LARGEST).round_().to(torch.int8)
        return sums.addcmul_(torch._int_mm(whole, self.weight.mT).to(sums.dtype), self.scale)


#: What makes the products of each precision.
PRODUCTS: dict[str, Callable[[Tensor, bool], Products]] = {
    "float32": _Full,
    "tf32": _TensorFloat,
    "bfloat16": _Half,
    "int8": _Whole,
}


class LSTMStep:
    """One step of an LSTM model; see `Stepper.step`.

    Its state is (h, 2c, at, shared), the latter two where there are any; see `LSTMWeights`.

    Args:
        weights: of the model.
        precision: of the recurrent products, a key of `PRODUCTS`.
        packed: whether weights may be laid out by oneDNN; see `Linear`.
    """

    def __init__(self, weights: LSTMWeights, precision: str, packed: bool = True) -> None:
        self._weights = weights.double_candidate()
        self._products = PRODUCTS[precision](self._weights.recurrent, packed)
        self._rows = Linear(self._weights.rows)
        self._output = Linear(self._weights.output)

    def prepare_state(self, state: State) -> State:
        """The state of the model, (h, c, at, context), with the context multiplied and the memory doubled."""
        weights, (hidden, memory, *rest) = self._weights, state
        if weights.context is not None:
            rest[-1] = torch.addmm(weights.bias, rest[-1], weights.context.mT)
        return (hidden, 2.0 * memory, *rest)

    def __call__(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further: rows [B, 5] to raw outputs [B, 6M + 3] and the state after."""
        blocks = 1 if rows.is_cuda else -(-rows.shape[0] // _BLOCK)
        if blocks < 2:
            return self._block(rows, state)
        # As even as can be: a block of very few rows would take other kernels.
        parts = zip(*(torch.tensor_split(part, blocks) for part in (rows, *state)), strict=True)
        raws, states = zip(*(self._block(first, tuple(rest)) for first, *rest in parts), strict=True)
        return torch.cat(raws), tuple(torch.cat(each) for each in zip(*states, strict=True))

    def _block(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        weights, (hidden, memory, *rest) = self._weights, state
        if weights.position:
            rest[0] = rest[0] + rows[:, :2]
            rows = torch.cat((rows, rest[0].to(rows.dtype)), -1)
        shared = weights.bias if weights.context is None else rest[-1]
        sums = self._products(self._rows(rows, shared), hidden)
        i, f, g, o = sums.sigmoid_().chunk(4, -1)
        memory = torch.addcmul(f * memory, i, g, value=4.0).sub_(i, alpha=2.0)
        # Into the middle of the sums: where rows lie apart, none is divided otherwise than the others.
        shown = torch.sigmoid(memory, out=g)
        hidden = torch.addcmul(o.neg(), o, shown, value=2.0)
        raw = self._output(hidden, weights.output_bias)
        return raw, (hidden, memory, *rest)


#: The number of rows that oneDNN's layout is made for. So laid out, a row comes out the same beside any other
#: number of rows.
_PACKED_ROWS = 128


class Linear:
    """Products with the same weights, plus something.

    Args:
        weight: [N, K].
        packed: whether oneDNN may lay out the weights: it takes few rows at twice the speed and many a fifth
            faster, but a call costs more, so that a single row and small weights do not gain. Torch's
            compiler cannot look into it.
    """

    def __init__(self, weight: Tensor, packed: bool = False) -> None:
        self.turned = weight.mT.contiguous()  # [K, N]
        self._packed = _packed(weight) if packed else None

    def __call__(self, rows: Tensor, add: Tensor) -> Tensor:
        """Rows [B, K] to [B, N].

        Args:
            rows: in the weights' number type.
            add: [N] or [B, N]; not written to.
        """
        if self._packed is None or rows.shape[0] == 1:
            return torch.addmm(add, rows, self.turned)
        multiply: Any = torch.ops.mkldnn._linear_pointwise.binary
        out: Tensor = multiply(rows, add.expand(rows.shape[0], -1), self._packed, None, "add")
        return out


def _packed(weight: Tensor) -> Tensor | None:
    """Weights as oneDNN wants them; None where it does not multiply such."""
    there: Any = torch.backends.mkldnn.is_available
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or not there():
        return None
    # Not of inference mode: training may meet them, too.
    with torch.inference_mode(False), torch.no_grad():
        laid_out: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach().clone(), _PACKED_ROWS)
    return laid_out
