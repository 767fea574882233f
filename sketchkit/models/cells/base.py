"""What a recurrent cell is: one step for decoding, a whole sequence for teacher forcing.

A cell's state is a tuple of [B, ...] tensors, so that the decoding loop can move rows about without knowing
which cell it runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from sketchkit.models.cells.packed import Packing

__all__ = ["Cell", "State"]

State = tuple[Tensor, ...]


class Cell(nn.Module, ABC):
    """A recurrent cell.

    Args:
        input_size: D, the size of an input row.
        hidden_size: H, the size of the output row.
    """

    #: The probability that recurrent dropout zeroes a candidate value, in training only.
    #: Source: Semeniuta, Severyn & Barth 2016, which leaves the memory itself alone.
    recurrent_dropout: float = 0.0

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    @abstractmethod
    def state_from(self, hidden: Tensor, memory: Tensor) -> State:
        """The state with a given output h and memory c, [B, H] each."""

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step: x [B, D] -> output [B, H] and the next state."""

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Every time step of x [B, T, D] -> outputs [B, T, H] and the state after the last."""
        outputs = []
        for t in range(x.shape[1]):
            out, state = self.step(x[:, t], state)
            outputs.append(out)
        return torch.stack(outputs, 1), state

    def packed(self, rows: Tensor, context: Tensor | None, state: State, packing: Packing) -> Tensor:
        """Every row of a packed batch, for training.

        Args:
            rows: [N, R], packed.
            context: [B, K], joined to each row of a drawing, R + K = D; None for none.
            state: the first state, [B, ...] tensors in the order of the batch.
            packing: of the batch.

        Returns:
            Outputs [N, H], packed.
        """
        if context is not None:
            rows = torch.cat((rows, packing.spread(context)), -1)
        outputs, _ = self.sequence(packing.padded(rows), state)
        return packing.pack(outputs)

    def _dropped(self, candidate: Tensor) -> Tensor:
        """The candidate values of a step under recurrent dropout."""
        if not (self.training and self.recurrent_dropout):
            return candidate
        return nn.functional.dropout(candidate, self.recurrent_dropout)
