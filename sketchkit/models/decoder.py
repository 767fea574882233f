"""The decoder-only model, which continues a drawing.

Source: Ha & Eck 2017, section 3.3 (unconditional generation).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from sketchkit.card import ModelCard
from sketchkit.models.architectures import DecoderArchitecture
from sketchkit.models.base import SketchModel, State
from sketchkit.models.cells import LSTMCell, Packing, make_cell
from sketchkit.models.lstm_weights import LSTMWeights

__all__ = [
    "ClassEmbedding",
    "DecoderArchitecture",
    "DecoderModel",
    "DecoderRNN",
    "RecurrentModel",
    "row_size",
    "with_position",
]


class DecoderRNN(nn.Module):
    """A cell and a linear layer: the decoder of both kinds of model.

    A context, which stays the same over a drawing, may be joined to every row, and so may the place of the
    pen. Both are in the state, the context last.

    Args:
        context_size: K, the size of the context; 0 without one.
        hidden: H.
        mixtures: M.
        cell: a key of `CELLS`.
        position: whether the cell reads where the pen is.
    """

    def __init__(
        self, context_size: int, hidden: int, mixtures: int, cell: str, position: bool = False
    ) -> None:
        super().__init__()
        self.context_size, self.position = context_size, position
        self.cell = make_cell(cell, row_size(position) + context_size, hidden)
        self.output = nn.Linear(hidden, 6 * mixtures + 3)

    def state_from(self, hidden: Tensor, memory: Tensor, *context: Tensor) -> State:
        """The state with a given output and memory, [B, H] each, and a context of K numbers in all."""
        # A sum of many offsets: half precision would lose its way.
        kind = torch.promote_types(hidden.dtype, torch.float32)
        at = (hidden.new_zeros(len(hidden), 2, dtype=kind),) if self.position else ()
        joined = (torch.cat(context, -1),) if context else ()
        return (*self.cell.state_from(hidden, memory), *at, *joined)

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step: rows [B, 5] -> raw outputs [B, 6M + 3] and the next state."""
        inner, at, context = self._split_state(state)
        at = tuple(place + rows[:, :2] for place in at)
        seen = (place.to(rows.dtype) for place in at)
        hidden, inner = self.cell.step(torch.cat((rows, *seen, *context), -1), inner)
        return self.output(hidden), (*inner, *at, *context)

    def forward(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Every time step: rows [B, T, 5] -> raw outputs [B, T, 6M + 3] and the last state."""
        if not rows.shape[1]:
            return self.output(rows.new_zeros(*rows.shape[:2], self.output.in_features)), state
        inner, at, context = self._split_state(state)
        paths = tuple(place[:, None] + rows[..., :2].cumsum(1, dtype=place.dtype) for place in at)
        seen = (path.to(rows.dtype) for path in paths)
        spread = (part[:, None].expand(-1, rows.shape[1], -1) for part in context)
        hidden, inner = self.cell.sequence(torch.cat((rows, *seen, *spread), -1), inner)
        return self.output(hidden), (*inner, *(path[:, -1] for path in paths), *context)

    def packed(self, rows: Tensor, state: State, packing: Packing, keep: Tensor | None = None) -> Tensor:
        """Every row of a batch for training; see `Cell.packed`.

        Args:
            rows: [B, T, 5].
            state: before the first of them, that of `state_from`.
            packing: of the rows that count, N.
            keep: [N, H], packed, for recurrent dropout.

        Returns:
            Raw outputs [N, 6M + 3].
        """
        inner, _, context = self._split_state(state)
        read = packing.pack(with_position(rows) if self.position else rows)
        outputs = self.cell.packed(read, context[0] if context else None, inner, packing, keep)
        # Means and spreads need more digits than autocast would leave them.
        with torch.autocast(outputs.device.type, enabled=False):
            return self.output(outputs.to(self.output.weight.dtype))  # type: ignore[no-any-return]

    @property
    def lstm_weights(self) -> LSTMWeights | None:
        """The weights of a plain LSTM, as they are now; None with another cell."""
        if type(self.cell) is not LSTMCell:
            return None
        cell, split = self.cell, self.cell.input_size - self.context_size
        with torch.no_grad():
            return LSTMWeights(
                cell.weight_x[:, :split].detach(),
                cell.weight_h.detach(),
                cell.weight_x[:, split:].detach() if self.context_size else None,
                cell.all_biases().detach(),
                self.output.weight.detach(),
                self.output.bias.detach(),
                self.position,
            )

    def _split_state(self, state: State) -> tuple[State, State, State]:
        """The cell's own state; the place of the pen, and the context, each a tuple of at most one tensor."""
        context = len(state) - bool(self.context_size)
        at = context - self.position
        return state[:at], state[at:context], state[context:]


def row_size(position: bool) -> int:
    """How many numbers of a row a cell reads."""
    return 7 if position else 5


def with_position(rows: Tensor) -> Tensor:
    """Rows [B, T, 5], each with where it has brought the pen from (0, 0): [B, T, 7]."""
    return torch.cat((rows, rows[..., :2].cumsum(1)), -1)


class ClassEmbedding(nn.Module):
    """What a class is turned into before it is joined to every row; one more stands for no class.

    Source: the class embedding of the quality baseline; the extra entry after Ho & Salimans 2022.

    Args:
        classes: C.
        size: E.
    """

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(classes + 1, size)

    @property
    def none(self) -> int:
        """The index that stands for no class in particular."""
        return self.table.num_embeddings - 1

    def forward(self, batch: int, label: Tensor | None) -> Tensor:
        """Indices [B] or [1], or None for no class, to [B, E]."""
        if label is None:
            label = torch.tensor([self.none], device=self.table.weight.device)
        out: Tensor = self.table(label)
        return out.expand(batch, -1)


class RecurrentModel(SketchModel):
    """A model that draws by a `DecoderRNN`."""

    dropout_option: ClassVar[str] = "recurrent_dropout"
    decoder: DecoderRNN

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further; see `SketchModel`."""
        return self.decoder.step(rows, state)

    def forward(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Many points at once; see `SketchModel`."""
        return self.decoder(rows, state)  # type: ignore[no-any-return]

    @property
    def droppable(self) -> int:
        """H, the candidate values of the decoder's cell."""
        return self.decoder.cell.hidden_size

    def packed(self, rows: Tensor, state: State, packing: Packing, keep: Tensor | None = None) -> Tensor:
        """The rows that count, for training; see `SketchModel`."""
        return self.decoder.packed(rows, state, packing, keep)


class DecoderModel(RecurrentModel):
    """A recurrent network over stroke-5 whose state starts at zero.

    Args:
        architecture: its sizes.
        card: the rest.
    """

    backend: ClassVar[str] = "decoder"
    architecture_type: ClassVar[type] = DecoderArchitecture
    architecture: DecoderArchitecture

    def __init__(self, architecture: DecoderArchitecture, card: ModelCard) -> None:
        super().__init__(architecture, card)
        a = architecture
        self.embedding = ClassEmbedding(a.classes, a.embedding) if a.classes else None
        self.decoder = DecoderRNN(a.embedding if a.classes else 0, a.hidden, a.mixtures, a.cell, a.position)

    def initial_state(self, batch: int, z: Tensor | None = None, label: Tensor | None = None) -> State:
        """Zeros, and the class behind them; z must be None."""
        self._check_given(z, label)
        zeros = self.decoder.output.weight.new_zeros(batch, self.architecture.hidden)
        context = () if self.embedding is None else (self.embedding(batch, label),)
        return self.decoder.state_from(zeros, zeros, *context)

    @property
    def lstm_weights(self) -> LSTMWeights | None:
        """See `DrawingModel`; None of a subclass, whose step may be another one."""
        return self.decoder.lstm_weights if type(self) is DecoderModel else None
