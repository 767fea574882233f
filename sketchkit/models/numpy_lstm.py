"""The step of a model whose cell is the plain LSTM, by numpy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sketchkit.models.lstm_weights import LSTMWeights
from sketchkit.threads import blas_architecture

__all__ = ["NumpyLSTM", "multiply", "sigmoid_of_negative"]

Float32 = npt.NDArray[np.float32]
State = tuple[Float32, ...]

#: Products are taken of whole multiples of so many rows: the kernels of numpy's own BLAS for fewer rows add
#: up in another order. Some kernels add up in another order at another place of the twelve, too.
_ROWS = 12
#: Up to so many rows, the product of so many columns at once is small enough for the kernels for small
#: matrices that OpenBLAS has for AVX-512: they read weights where they lie, while all others copy them first,
#: which takes longer than the product itself.
_FEW_ROWS, _FEW_COLUMNS = 16, 128
_WITH_SMALL_KERNELS = ("SkylakeX", "Cooperlake", "Sapphirerapids")
#: The kernels for large matrices add up products of so many rows of weights before they add these sums, or
#: of whole multiples of sixteen where fewer than twice as many are left. The small ones are given such parts,
#: so that a row of a product is the same to the last bit beside few rows and beside many.
_PART, _STEP = 448, 16


class NumpyLSTM:
    """One step of an LSTM model by numpy.

    Its state is (h, 2c, at, shared), the latter two where there are any: `shared` [B, 4H] is minus the sum of
    the bias and the product of the context, which is taken once a drawing.

    Args:
        weights: arrays of float32.
    """

    def __init__(self, weights: LSTMWeights) -> None:
        gates = weights.double_candidate(sign=-1.0)
        self._rows, self._output = (np.ascontiguousarray(part.T) for part in (gates.rows, gates.output))
        self._recurrent = _Product(gates.recurrent)
        self._context = None if gates.context is None else np.ascontiguousarray(gates.context.T)
        self._bias, self._output_bias = gates.bias, gates.output_bias
        self.hidden_size, self.position = gates.recurrent.shape[1], weights.position

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
        after = self.read(rows, state)
        return self.outputs(after[0]), after

    def read(self, rows: Float32, state: State) -> State:
        """The state after rows [B, 5]."""
        hidden, memory, *rest = state
        if self.position:
            rest[0] = rest[0] + rows[:, :2]
            rows = np.concatenate((rows, rest[0]), 1)
        sums = self._recurrent(hidden)
        sums += multiply(rows, self._rows)
        sums += self._bias if self._context is None else rest[-1]
        size = self.hidden_size
        with np.errstate(over="ignore"):
            gates = sigmoid_of_negative(sums)
            i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
            memory = f * memory
            memory += 4.0 * i * g
            memory -= 2.0 * i
            hidden = sigmoid_of_negative(np.negative(memory))
        hidden *= 2.0
        hidden -= 1.0
        hidden *= o
        return (hidden, memory, *rest)

    def outputs(self, hidden: Float32) -> Float32:
        """The raw outputs [B, 6M + 3] of hidden states [B, H]."""
        raw = multiply(hidden, self._output)
        raw += self._output_bias
        return raw


class _Product:
    """Weights [N, K], laid out for products with rows [B, K]."""

    def __init__(self, weights: Float32) -> None:
        width, size = weights.shape
        self._few = blas_architecture() in _WITH_SMALL_KERNELS and width % _FEW_COLUMNS == 0
        blocks = weights.reshape(-1, _FEW_COLUMNS if self._few else width, size)
        self._blocks = np.ascontiguousarray(blocks.swapaxes(1, 2))

    def __call__(self, rows: Float32) -> Float32:
        """The product [B, N]."""
        if not self._few or len(rows) == 1 or len(rows) > _FEW_ROWS:
            return _by_whole_rows(rows, self._times)
        first, *rest = (self._times(rows, part) for part in _parts(rows.shape[1]))
        for each in rest:
            first += each
        return first

    def _times(self, rows: Float32, part: slice = slice(None)) -> Float32:
        blocks = self._blocks[:, part]
        out = np.empty((len(rows), len(blocks), blocks.shape[2]), np.float32)
        np.matmul(rows[:, part], blocks, out=out.swapaxes(0, 1))
        return out.reshape(len(rows), -1)


@cache
def _parts(size: int) -> tuple[slice, ...]:
    """The rows of weights whose products are added up first; see `_PART`."""
    bounds = [0]
    while (left := size - bounds[-1]) > 0:
        half = -(-left // (2 * _STEP)) * _STEP
        bounds.append(bounds[-1] + (_PART if left >= 2 * _PART else half if left > _PART else left))
    return tuple(slice(*pair) for pair in pairwise(bounds))


def multiply(rows: Float32, weights: Float32) -> Float32:
    """Rows [B, K] times weights [K, N]; see `_ROWS`."""
    return _by_whole_rows(rows, lambda given: given @ weights)


def _by_whole_rows(rows: Float32, product: Callable[[Float32], Float32]) -> Float32:
    """The product with rows [B, K], a single one or a whole multiple of `_ROWS` at a time."""
    count = len(rows)
    missing = -count % _ROWS
    if count == 1 or not missing:
        return product(rows)
    padded = np.zeros((count + missing, rows.shape[1]), np.float32)
    padded[:count] = rows
    return product(padded)[:count]


def sigmoid_of_negative(values: Float32) -> Float32:
    """1 / (1 + exp(x)), in place, for x up to infinity."""
    np.exp(values, out=values)
    values += 1.0
    return np.reciprocal(values, out=values)
