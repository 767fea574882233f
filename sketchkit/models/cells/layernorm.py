"""The layer-normalised LSTM."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchkit.models.cells.base import Cell, State, Tensors
from sketchkit.models.cells.packed import Packing
from sketchkit.models.cells.packed_layernorm import Affine, packed_layernorm_lstm

__all__ = ["EPSILON", "LayerNormLSTMCell", "orthogonal_gates"]

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
