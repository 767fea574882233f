"""The weights of LSTM models, laid out for stepping, whichever kind of array they lie in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sketchkit.arguments import old_attribute

if TYPE_CHECKING:
    from sketchkit.models.drawing_model import DrawingModel

__all__ = ["LSTMWeights"]

#: A tensor of torch or an array of numpy, all of one kind in a model.
Array: TypeAlias = Any


@dataclass(frozen=True)
class LSTMWeights:
    """The weights of a model of sketchkit's own whose cell is the plain LSTM.

    Gates stand in the order i, f, g, o. One step, with `at` only where `position` says so:

        at = at + offset of the row
        sums = rows [row, at] + recurrent h + shared
        c = c sigmoid(f) + sigmoid(i) tanh(g);  h = sigmoid(o) tanh(c)
        raw = output h + output_bias

    Args:
        rows: [4H, R], the weights of a row; R is 7 with the place of the pen, else 5.
        recurrent: [4H, H].
        context: [4H, K], the weights of the input that stays the same over a drawing (z, and the embedding of
            a class); None for a model without.
        bias: [4H], the forget gate's own included.
        output: [6M + 3, H].
        output_bias: [6M + 3].
        position: whether the place of the pen follows a row.
    """

    rows: Array
    recurrent: Array
    context: Array | None
    bias: Array
    output: Array
    output_bias: Array
    position: bool

    @staticmethod
    def fits(model: DrawingModel) -> bool:
        """Whether it is a model of sketchkit's own whose cell is the plain LSTM."""
        return model.lstm_weights is not None

    @staticmethod
    def of(model: DrawingModel) -> LSTMWeights | None:
        """The weights of a model, as they are now, shared; None of a model with another cell or kind."""
        return model.lstm_weights

    def to_numpy(self) -> LSTMWeights:
        """The same weights as arrays of numpy; tensors must lie in the memory of the CPU."""
        context = None if self.context is None else np.asarray(self.context)
        rows, recurrent, bias, output, output_bias = (
            np.asarray(part) for part in (self.rows, self.recurrent, self.bias, self.output, self.output_bias)
        )
        return LSTMWeights(rows, recurrent, context, bias, output, output_bias, self.position)

    def prepare_state(self, state: tuple[Array, ...]) -> tuple[Array, ...]:
        """The model's state with the context multiplied: (h, c, at, shared), the latter where there are any.

        `shared` [B, 4H] holds the bias, too; it is left out for a model without context, whose bias is the
        same for every drawing.
        """
        if self.context is None:
            return state
        *inner, context = state
        return (*inner, context @ self.context.T + self.bias)

    enter = old_attribute("enter", "prepare_state")

    def double_candidate(self, sign: float = 1.0) -> LSTMWeights:
        """The same weights with the sum of the candidate gate twice as large.

        Then every gate is a sigmoid: tanh x is 2 sigmoid(2x) - 1.

        Args:
            sign: of the sums of all gates, 1 or -1: a sigmoid takes minus its argument first.
        """
        four, hidden = len(self.bias), len(self.bias) // 4
        gates = slice(2 * hidden, 3 * hidden)
        assert four == 4 * hidden

        def double(part: Array) -> Array:
            out = sign * part
            out[gates] *= 2.0
            return out

        return replace(
            self,
            rows=double(self.rows),
            recurrent=double(self.recurrent),
            context=None if self.context is None else double(self.context),
            bias=double(self.bias),
        )
