"""The step of a model whose cell is the plain LSTM, by numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sketchkit.models.lstm_weights import LSTMWeights

__all__ = ["NumpyLSTM", "multiply", "sigmoid"]

Float32 = npt.NDArray[np.float32]
State = tuple[Float32, ...]

#: Products are taken of whole multiples of so many rows: the kernels of numpy's own BLAS for fewer rows add
#: up in another order. Some kernels add up in another order at another place of the twelve, too.
_ROWS = 12


class NumpyLSTM:
    """One step of an LSTM model by numpy.

    Its state is (h, 2c, at, shared), the latter two where there are any: `shared` [B, 4H] is the product of
    the context, which is taken once a drawing, and the bias.

    Args:
        weights: arrays of float32.
    """

    def __init__(self, weights: LSTMWeights) -> None:
        doubled = weights.double_candidate()
        self._rows, self._recurrent, self._output = (
            np.ascontiguousarray(part.T) for part in (doubled.rows, doubled.recurrent, doubled.output)
        )
        self._context = None if doubled.context is None else np.ascontiguousarray(doubled.context.T)
        self._bias, self._output_bias = doubled.bias, doubled.output_bias
        self.position = weights.position

    @property
    def hidden_size(self) -> int:
        """H."""
        return len(self._recurrent)

    def prepare_state(self, state: State) -> State:
        """The state of the model, (h, c, at, context), as that of the step."""
        hidden, memory, *rest = state
        at = rest[: self.position]
        if self._context is None:
            return (hidden, 2.0 * memory, *at)
        return (hidden, 2.0 * memory, *at, multiply(rest[-1], self._context) + self._bias)

    def restore_state(self, prepared: State, state: State) -> State:
        """The model's state after some steps: `prepared` as the step left it, with the context of `state`."""
        hidden, memory, *rest = prepared
        context = () if self._context is None else state[-1:]
        return (hidden, 0.5 * memory, *rest[: self.position], *context)

    def __call__(self, rows: Float32, state: State) -> tuple[Float32, State]:
        """One point further: rows [B, 5] to raw outputs [B, 6M + 3] and the state after."""
        hidden, memory, *rest = state
        if self.position:
            rest[0] = rest[0] + rows[:, :2]
            rows = np.concatenate((rows, rest[0]), 1)
        sums = multiply(hidden, self._recurrent)
        sums += multiply(rows, self._rows)
        sums += self._bias if self._context is None else rest[-1]
        i, f, g, o = np.split(sigmoid(sums), 4, 1)
        memory = f * memory
        memory += 4.0 * i * g
        memory -= 2.0 * i
        hidden = o * (2.0 * sigmoid(memory.copy()) - 1.0)
        raw = multiply(hidden, self._output)
        raw += self._output_bias
        return raw, (hidden, memory, *rest)


def multiply(rows: Float32, weights: Float32) -> Float32:
    """Rows [B, K] times weights [K, N]; see `_ROWS`."""
    count = len(rows)
    missing = -count % _ROWS
    if count == 1 or not missing:
        return rows @ weights
    padded = np.zeros((count + missing, rows.shape[1]), np.float32)
    padded[:count] = rows
    return (padded @ weights)[:count]


def sigmoid(values: Float32) -> Float32:
    """1 / (1 + exp(-x)), in place."""
    np.negative(values, out=values)
    with np.errstate(over="ignore"):
        np.exp(values, out=values)
    values += 1.0
    return np.reciprocal(values, out=values)
