"""What an LSTM model's step is made of, with all that stays the same over a drawing taken out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, TypeGuard, cast

import torch
from torch import Tensor

from sketchkit.engine.steppers import State
from sketchkit.models import SketchModel
from sketchkit.models.cells import LSTMCell
from sketchkit.models.decoder import DecoderModel
from sketchkit.models.vae import VaeModel

__all__ = ["LSTMWeights"]


@dataclass(frozen=True)
class LSTMWeights:
    """The weights of a model of sketchkit's own whose cell is the plain LSTM.

    Gates stand in the order i, f, g, o. One step, with `at` only where `position` says so:

        at = at + offset of the row
        sums = rows [row, at] + recurrent h + shared
        c = c sigmoid(f) + sigmoid(i) tanh(g);  h = sigmoid(o) tanh(c)
        raw = output h + output_bias

    Args:
        rows: [4H, R], what a row is multiplied by; R is 7 with the place of the pen, else 5.
        recurrent: [4H, H].
        context: [4H, K], what stays the same over a drawing (z, and what a class is turned into); None for a
            model without.
        bias: [4H], the forget gate's own among it.
        output: [6M + 3, H].
        output_bias: [6M + 3].
        position: whether a row is followed by the place of the pen.
    """

    rows: Tensor
    recurrent: Tensor
    context: Tensor | None
    bias: Tensor
    output: Tensor
    output_bias: Tensor
    position: bool

    @staticmethod
    def fits(model: SketchModel) -> TypeGuard[DecoderModel | VaeModel]:
        """Whether it is a model of sketchkit's own whose cell is the plain LSTM."""
        # Not of a subclass: its step may be another one.
        if not isinstance(model, DecoderModel | VaeModel) or type(model) not in (DecoderModel, VaeModel):
            return False
        return type(model.decoder.cell) is LSTMCell

    @classmethod
    @torch.no_grad()
    def of(cls, model: SketchModel) -> Self | None:
        """A model's weights, as they are now; None of a model with another cell or of another kind."""
        if not cls.fits(model):
            return None
        decoder = model.decoder
        cell = cast(LSTMCell, decoder.cell)
        split = cell.input_size - decoder.context_size
        return cls(
            cell.weight_x[:, :split].detach(),
            cell.weight_h.detach(),
            cell.weight_x[:, split:].detach() if decoder.context_size else None,
            cell.all_biases().detach(),
            decoder.output.weight.detach(),
            decoder.output.bias.detach(),
            decoder.position,
        )

    def enter(self, state: State) -> State:
        """The model's state with the context multiplied once: (h, c, at, shared), the latter where there are.

        `shared` [B, 4H] holds the bias, too; of a model without context it is left out, since the bias is the
        same for every drawing.
        """
        if self.context is None:
            return state
        *inner, context = state
        return (*inner, torch.addmm(self.bias, context, self.context.mT))
