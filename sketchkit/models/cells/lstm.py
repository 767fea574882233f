"""The plain LSTM."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sketchkit.models.cells.base import Cell, State
from sketchkit.models.cells.packed import Packing, packed_lstm

__all__ = ["LSTMCell"]


class LSTMCell(Cell):
    """A plain LSTM; its state is (h, c).

    The gates stand in torch's order i, f, g, o: i, f and o are sigmoid, g is tanh, c' = f c + i g,
    h' = o tanh(c'). `forget_bias` is added to the forget gate's bias and is not part of the weights.

    Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """

    def __init__(self, input_size: int, hidden_size: int, forget_bias: float = 1.0) -> None:
        super().__init__(input_size, hidden_size)
        self.forget_bias = forget_bias
        bound = 1.0 / math.sqrt(hidden_size)
        self.weight_x = nn.Parameter(torch.empty(4 * hidden_size, input_size).uniform_(-bound, bound))
        self.weight_h = nn.Parameter(torch.empty(4 * hidden_size, hidden_size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        self._forget_vector: Tensor | None = None

    def state_from(self, hidden: Tensor, memory: Tensor) -> State:
        """(h, c)."""
        return (hidden, memory)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step: x [B, D] -> h [B, H] and (h, c)."""
        if self.training and self.recurrent_dropout:
            return self._step_with_dropout(x, state)
        hidden, memory = torch.lstm_cell(
            x, list(state), self.weight_x, self.weight_h, self.bias, self._forget_bias_vector()
        )
        return hidden, (hidden, memory)

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Every time step; on the CPU, without recurrent dropout, in one call of torch's own kernel."""
        # Elsewhere that kernel wants all weights in one piece of memory, and warns where they are not.
        if x.device.type != "cpu" or (self.training and self.recurrent_dropout):
            return super().sequence(x, state)
        weights = [self.weight_x, self.weight_h, self.bias, self._forget_bias_vector()]
        hidden, memory = (s.unsqueeze(0).contiguous() for s in state)
        out, hidden, memory = torch.lstm(
            x, (hidden, memory), weights, True, 1, 0.0, self.training, False, True
        )
        return out, (hidden[0], memory[0])

    def packed(self, rows: Tensor, context: Tensor | None, state: State, packing: Packing) -> Tensor:
        """Every row of a packed batch; what stays the same over a drawing is multiplied once a drawing."""
        linear, split = nn.functional.linear, rows.shape[-1]
        if context is None:
            gates = linear(rows, self.weight_x, self.bias)
        else:
            shared = linear(context, self.weight_x[:, split:], self.bias)
            gates = linear(rows, self.weight_x[:, :split]) + packing.spread(shared)
        hidden, memory = (packing.first(part) for part in state)
        keep = None
        if self.training and self.recurrent_dropout:
            keep = nn.functional.dropout(gates.new_ones(len(rows), self.hidden_size), self.recurrent_dropout)
        return packed_lstm(gates, self.weight_h, hidden, memory, packing.counts, keep, self.forget_bias)

    def _step_with_dropout(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, memory = state
        linear = nn.functional.linear
        gates = linear(x, self.weight_x, self.bias) + linear(hidden, self.weight_h)
        i, f, g, o = gates.chunk(4, -1)
        candidate = self._dropped(g.tanh())
        memory = memory * (f + self.forget_bias).sigmoid() + i.sigmoid() * candidate
        hidden = o.sigmoid() * memory.tanh()
        return hidden, (hidden, memory)

    def _forget_bias_vector(self) -> Tensor:
        """[4H], zero but for the forget gate; made once for each device and number type."""
        vector = self._forget_vector
        if vector is None or vector.device != self.bias.device or vector.dtype != self.bias.dtype:
            size = self.hidden_size
            # Made while drawing, it must still serve training: autograd refuses tensors of inference mode.
            with torch.inference_mode(False):
                vector = torch.zeros(4 * size, dtype=self.bias.dtype, device=self.bias.device)
                vector[size : 2 * size] = self.forget_bias
            self._forget_vector = vector
        return vector
