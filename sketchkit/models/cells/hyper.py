"""The HyperLSTM: a small LSTM that rescales the weights of a large one at every step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchkit.models.cells.base import Cell, State, Tensors
from sketchkit.models.cells.layernorm import EPSILON, LayerNormLSTMCell, orthogonal_gates
from sketchkit.models.cells.packed import Packing
from sketchkit.models.cells.packed_hyper import HyperWeights, packed_hyper_lstm

__all__ = ["HyperLSTMCell"]

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
