"""Recurrent cells: one step for decoding, a whole sequence for teacher forcing.

A cell's state is a tuple of [B, ...] tensors, so that the decoding loop can move rows about without knowing
which cell it runs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sketchkit.errors import InputError

__all__ = ["CELLS", "Cell", "LSTMCell", "make_cell"]

State = tuple[Tensor, ...]


class Cell(nn.Module):
    """A recurrent cell.

    Args:
        input_size: D, the size of an input row.
        hidden_size: H, the size of the output row.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    def state_from(self, hidden: Tensor, memory: Tensor) -> State:
        """The state with a given output h and memory c, [B, H] each."""
        raise NotImplementedError

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step: x [B, D] -> output [B, H] and the next state."""
        raise NotImplementedError

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Every time step of x [B, T, D] -> outputs [B, T, H] and the state after the last."""
        outputs = []
        for t in range(x.shape[1]):
            out, state = self.step(x[:, t], state)
            outputs.append(out)
        return torch.stack(outputs, 1), state


class LSTMCell(Cell):
    """A plain LSTM; its state is (h, c).

    The gates stand in torch's order i, f, g, o: i and f are sigmoid, g is tanh, c' = f c + i g,
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
        hidden, memory = torch.lstm_cell(
            x, list(state), self.weight_x, self.weight_h, self.bias, self._forget_bias_vector()
        )
        return hidden, (hidden, memory)

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Every time step in one call of torch's own LSTM kernel."""
        weights = [self.weight_x, self.weight_h, self.bias, self._forget_bias_vector()]
        hidden, memory = (s.unsqueeze(0).contiguous() for s in state)
        out, hidden, memory = torch.lstm(
            x, (hidden, memory), weights, True, 1, 0.0, self.training, False, True
        )
        return out, (hidden[0], memory[0])

    def _forget_bias_vector(self) -> Tensor:
        """[4H], zero but for the forget gate; made once for each device and number type."""
        vector = self._forget_vector
        if vector is None or vector.device != self.bias.device or vector.dtype != self.bias.dtype:
            size = self.hidden_size
            vector = self.bias.detach().new_zeros(4 * size)
            vector[size : 2 * size] = self.forget_bias
            self._forget_vector = vector
        return vector


#: Cells by the name that a model's architecture holds.
CELLS: dict[str, type[Cell]] = {"lstm": LSTMCell}


def make_cell(name: str, input_size: int, hidden_size: int) -> Cell:
    """A cell by name, freshly initialised.

    Raises:
        InputError: an unknown name.
    """
    try:
        cell = CELLS[name]
    except KeyError:
        raise InputError(f"unknown cell {name!r}: choose one of {', '.join(sorted(CELLS))}") from None
    return cell(input_size, hidden_size)
