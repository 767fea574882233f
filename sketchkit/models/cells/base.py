"""A recurrent cell: a step for decoding, a sequence for teacher forcing, packed rows for training.

A cell's state is a tuple of [B, ...] tensors, whose rows the decoding loop moves for every cell alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from sketchkit.models.cells.packed import Packing

__all__ = ["Cell", "State", "Tensors"]

State = tuple[Tensor, ...]
Tensors = tuple[Tensor, ...]


class Cell(nn.Module, ABC):
    """A recurrent cell, of two parts: the products with the input, and the step after the last output.

    Args:
        input_size: D, the size of an input row.
        hidden_size: H, the size of the output row.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    # --- required of a cell ---------------------------------------------------------------------------

    @abstractmethod
    def state_from(self, hidden: Tensor, memory: Tensor) -> State:
        """The state with a given output h and memory c, [B, H] each."""

    @abstractmethod
    def input_weights(self) -> Tensors:
        """Everything that an input row is multiplied by, [G, D] each."""

    @abstractmethod
    def advance(self, products: Tensors, state: State, keep: Tensor | None = None) -> tuple[Tensor, State]:
        """One time step.

        Args:
            products: of the input row with each of the input weights, [B, G] each.
            state: before the step.
            keep: [B, H], factors of the candidate values under recurrent dropout (0 or 1 / keep), which
                leaves the memory itself alone; None without dropout.

        Returns:
            The output [B, H] and the next state.

        Source of the dropout: Semeniuta, Severyn & Barth 2016.
        """

    # --- shared ---------------------------------------------------------------------------------------

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step: x [B, D] -> output [B, H] and the next state."""
        return self.advance(self._products(x), state)

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Every time step of x [B, T, D] -> outputs [B, T, H] and the state after the last."""
        outputs = []
        for products in zip(*(product.unbind(1) for product in self._products(x)), strict=True):
            out, state = self.advance(products, state)
            outputs.append(out)
        return torch.stack(outputs, 1), state

    def packed(
        self,
        rows: Tensor,
        context: Tensor | None,
        state: State,
        packing: Packing,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Every row of a packed batch, for training.

        Args:
            rows: [N, R], packed.
            context: [B, K], joined to each row of a drawing, R + K = D; or None.
            state: the first state, [B, ...] tensors in the order of the batch.
            packing: of the batch.
            keep: [N, H], packed; see `advance`.

        Returns:
            Outputs [N, H], packed.
        """
        linear, split = nn.functional.linear, rows.shape[-1]
        products = [linear(rows, weight[:, :split]) for weight in self.input_weights()]
        if context is not None:  # multiplied once a drawing, not once a row
            shared = (linear(context, weight[:, split:]) for weight in self.input_weights())
            products = [p + packing.spread(s) for p, s in zip(products, shared, strict=True)]
        state, sizes, outputs = tuple(map(packing.first, state)), list(packing.counts), []
        kept = [None] * len(sizes) if keep is None else torch.split(keep, sizes)
        steps = [torch.split(product, sizes) for product in products]
        for count, k, *parts in zip(sizes, kept, *steps, strict=True):
            out, state = self.advance(tuple(parts), tuple(part[:count] for part in state), k)
            outputs.append(out)
        return torch.cat(outputs)

    def _products(self, x: Tensor) -> Tensors:
        return tuple(nn.functional.linear(x, weight) for weight in self.input_weights())
