"""The decoder-only model: finish what somebody started.

Source: Ha & Eck 2017, section 3.3 (unconditional generation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from sketchkit.card import ModelCard
from sketchkit.models.base import SketchModel, State, check_sizes
from sketchkit.models.cells import make_cell

__all__ = ["DecoderArchitecture", "DecoderModel", "DecoderRNN"]


@dataclass(frozen=True)
class DecoderArchitecture:
    """The sizes of a decoder-only model.

    Args:
        hidden: H, the size of the recurrent state.
        mixtures: M, the number of components.
        cell: a key of `sketchkit.models.cells.CELLS`.
    """

    hidden: int = 512
    mixtures: int = 20
    cell: str = "lstm"

    def __post_init__(self) -> None:
        check_sizes(self, hidden=16_384, mixtures=1_024)


class DecoderRNN(nn.Module):
    """A cell and a linear layer: what both kinds of model draw with.

    Args:
        input_size: D, 5 for a row alone, more where something is joined to it.
        hidden: H.
        mixtures: M.
        cell: a key of `CELLS`.
    """

    def __init__(self, input_size: int, hidden: int, mixtures: int, cell: str) -> None:
        super().__init__()
        self.cell = make_cell(cell, input_size, hidden)
        self.output = nn.Linear(hidden, 6 * mixtures + 3)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step: x [B, D] -> raw outputs [B, 6M + 3] and the next state."""
        hidden, state = self.cell.step(x, state)
        return self.output(hidden), state

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Every time step: x [B, T, D] -> raw outputs [B, T, 6M + 3] and the last state."""
        hidden, state = self.cell.sequence(x, state)
        return self.output(hidden), state


class DecoderModel(SketchModel):
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
        self.decoder = DecoderRNN(5, architecture.hidden, architecture.mixtures, architecture.cell)

    def initial_state(self, batch: int, z: Tensor | None = None) -> State:
        """Zeros; z must be None."""
        self._check_z(z)
        zeros = next(self.parameters()).new_zeros(batch, self.architecture.hidden)
        return self.decoder.cell.state_from(zeros, zeros)

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further; see `SketchModel`."""
        return self.decoder.step(rows, state)

    def forward(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Many points at once; see `SketchModel`."""
        return self.decoder(rows, state)  # type: ignore[no-any-return]
