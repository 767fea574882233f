"""The products of the step by numpy: few rows beside many, on CPUs with kernels for small matrices or not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sketchkit.models import LSTMWeights, NumpyLSTM, numpy_lstm

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


def make_weights(hidden: int) -> LSTMWeights:
    random = np.random.default_rng(hidden)

    def normal(*shape: int) -> Float32:
        return random.standard_normal(shape, np.float32) / np.float32(shape[-1] ** 0.5)

    return LSTMWeights(
        normal(4 * hidden, 5),
        normal(4 * hidden, hidden),
        None,
        normal(4 * hidden),
        normal(9, hidden),
        normal(9),
        position=False,
    )


def step_exactly(weights: LSTMWeights, rows: Float32, hidden: Float32, memory: Float32) -> Float64:
    """The raw outputs after a step, in float64."""
    wide = [part.astype(np.float64) for part in (weights.rows, weights.recurrent, weights.bias)]
    sums = rows @ wide[0].T + hidden @ wide[1].T + wide[2]
    i, f, g, o = np.split(sums, 4, 1)
    memory = memory / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    raw: Float64 = np.tanh(memory) / (1 + np.exp(-o)) @ weights.output.T + weights.output_bias
    return raw


@pytest.mark.parametrize("hidden", [8, 32, 96, 480])
@pytest.mark.parametrize("architecture", ["SkylakeX", "Haswell"])
def test_few_rows_and_many_step_alike(
    hidden: int, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_lstm, "blas_architecture", lambda: architecture)
    weights = make_weights(hidden)
    lstm, random = NumpyLSTM(weights), np.random.default_rng(0)
    rows, h, c = (random.standard_normal((40, size), np.float32) for size in (5, hidden, hidden))
    expected = step_exactly(weights, rows, h, c)
    for count in (1, 2, 9, 16, 17, 40):
        raw, _ = lstm(rows[:count], lstm.prepare_state((h[:count], c[:count])))
        np.testing.assert_allclose(raw, expected[:count], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [1, 100, 448, 449, 768, 896, 1000, 2000])
def test_the_parts_of_a_sum_cover_it(size: int) -> None:
    parts = numpy_lstm._parts(size)
    assert [row for part in parts for row in range(size)[part]] == list(range(size))
    assert all(part.stop - part.start <= 448 for part in parts)
