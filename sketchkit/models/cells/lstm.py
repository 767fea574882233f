"""The plain LSTM."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sketchkit.models.cells.base import Cell, State, Tensors
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

    def input_weights(self) -> Tensors:
        """The one matrix of all four gates."""
        return (self.weight_x,)

    def advance(self, products: Tensors, state: State, keep: Tensor | None = None) -> tuple[Tensor, State]:
        """One time step; see `Cell`."""
        hidden, memory = state
        i, f, g, o = (products[0] + nn.functional.linear(hidden, self.weight_h, self.bias)).chunk(4, -1)
        candidate = g.tanh() if keep is None else g.tanh() * keep
        memory = memory * (f + self.forget_bias).sigmoid() + i.sigmoid() * candidate
        hidden = o.sigmoid() * memory.tanh()
        return hidden, (hidden, memory)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step, in one call of torch's own kernel: x [B, D] -> h [B, H] and (h, c)."""
        hidden, memory = torch.lstm_cell(
            x, list(state), self.weight_x, self.weight_h, self.bias, self._forget_bias_vector()
        )
        return hidden, (hidden, memory)

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Every time step; on the CPU in one call of torch's own kernel."""
        # Elsewhere that kernel wants all weights in one piece of memory, and warns where they are not.
        if x.device.type != "cpu":
            return super().sequence(x, state)
        weights = [self.weight_x, self.weight_h, self.bias, self._forget_bias_vector()]
        hidden, memory = (s.unsqueeze(0).contiguous() for s in state)
        out, hidden, memory = torch.lstm(
            x, (hidden, memory), weights, True, 1, 0.0, self.training, False, True
        )
        return out, (hidden[0], memory[0])

    def packed(
        self,
        rows: Tensor,
        context: Tensor | None,
        state: State,
        packing: Packing,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Every row of a packed batch, by gradients written by hand; see `Cell`."""
        split = rows.shape[-1]
        shared = self.all_biases().expand(len(packing.order), -1)
        if context is not None:
            shared = shared + nn.functional.linear(packing.first(context), self.weight_x[:, split:])
        hidden, memory = (packing.first(part) for part in state)
        out = packed_lstm(
            rows[None],
            self.weight_x[None, :, :split],
            shared[None],
            self.weight_h[None],
            hidden[None],
            memory[None],
            packing.counts,
            None if keep is None else keep[None],
        )
        return out[0]

    @staticmethod
    def packed_together(
        cells: Sequence[LSTMCell], rows: Tensor, packing: Packing, keep: Tensor | None = None
    ) -> Tensor:
        """Several cells of one size side by side over packed rows, each from zero.

        Args:
            cells: G of them.
            rows: [G, N, D], packed.
            packing: of each cell's rows.
            keep: [G, N, H], packed; see `advance`.

        Returns:
            Outputs [G, N, H].
        """
        shared = torch.stack([cell.all_biases() for cell in cells])[:, None]
        shared = shared.expand(-1, len(packing.order), -1)
        weights = (torch.stack([c.weight_x for c in cells]), torch.stack([c.weight_h for c in cells]))
        zeros = rows.new_zeros(len(cells), len(packing.order), cells[0].hidden_size)
        return packed_lstm(rows, weights[0], shared, weights[1], zeros, zeros, packing.counts, keep)

    def all_biases(self) -> Tensor:
        """[4H], the bias with that of the forget gate."""
        return self.bias + self._forget_bias_vector()

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
