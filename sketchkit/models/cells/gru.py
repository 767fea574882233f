"""The gated recurrent unit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchkit.models.cells.base import Cell, State, Tensors
from sketchkit.models.cells.layernorm import orthogonal_gates

__all__ = ["GRUCell"]


class GRUCell(Cell):
    """A gated recurrent unit; its state is (h,), three quarters of an LSTM's weights.

    Source: Cho et al. 2014, *Learning Phrase Representations using RNN Encoder-Decoder*. Departure: the reset
        gate multiplies the product of the recurrent weights and not h, so that one product serves all gates.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.weight_x = nn.Parameter(nn.init.xavier_uniform_(torch.empty(3 * hidden_size, input_size)))
        self.weight_h = nn.Parameter(orthogonal_gates(hidden_size, 3))
        self.bias = nn.Parameter(torch.zeros(3 * hidden_size))

    def state_from(self, hidden: Tensor, memory: Tensor) -> State:
        """(h,): there is no memory beside the output."""
        return (hidden,)

    def input_weights(self) -> Tensors:
        """The one matrix of both gates and the candidate."""
        return (self.weight_x,)

    def advance(self, products: Tensors, state: State, keep: Tensor | None = None) -> tuple[Tensor, State]:
        """One time step; see `Cell`."""
        (hidden,) = state
        reset_x, update_x, candidate_x = (products[0] + self.bias).chunk(3, -1)
        reset_h, update_h, candidate_h = nn.functional.linear(hidden, self.weight_h).chunk(3, -1)
        candidate = (candidate_x + (reset_x + reset_h).sigmoid() * candidate_h).tanh()
        if keep is not None:
            candidate = candidate * keep
        update = (update_x + update_h).sigmoid()
        hidden = update * hidden + (1 - update) * candidate
        return hidden, (hidden,)
