"""Cells against the textbook, written out step by step in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sketchkit.errors import InputError
from sketchkit.models.cells import CELLS, LSTMCell, make_cell


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def _reference(cell: LSTMCell, x: np.ndarray) -> np.ndarray:
    """Outputs [B, T, H] of an LSTM with zero initial state, gate by gate."""
    weight_x, weight_h, bias = (p.detach().numpy() for p in (cell.weight_x, cell.weight_h, cell.bias))
    hidden = memory = np.zeros((len(x), cell.hidden_size))
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ weight_x.T + hidden @ weight_h.T + bias, 4, axis=1)
        memory = memory * _sigmoid(f + cell.forget_bias) + _sigmoid(i) * np.tanh(g)
        hidden = _sigmoid(o) * np.tanh(memory)
        outputs.append(hidden)
    return np.stack(outputs, 1)


@pytest.fixture
def cell() -> LSTMCell:
    torch.manual_seed(0)
    cell = LSTMCell(5, 7).double()
    torch.nn.init.normal_(cell.bias)
    return cell


def test_steps_and_sequences_follow_the_equations(cell: LSTMCell) -> None:
    x = torch.randn(3, 11, 5, dtype=torch.float64)
    zeros = torch.zeros(3, 7, dtype=torch.float64)
    state = cell.state_from(zeros, zeros)
    stepped = []
    for t in range(11):
        out, state = cell.step(x[:, t], state)
        stepped.append(out)
    whole, last = cell.sequence(x, cell.state_from(zeros, zeros))
    expected = _reference(cell, x.numpy())
    np.testing.assert_allclose(torch.stack(stepped, 1).detach().numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(whole.detach().numpy(), expected, atol=1e-12)
    for ours, theirs in zip(last, state, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_a_sequence_goes_on_from_a_given_state(cell: LSTMCell) -> None:
    x = torch.randn(2, 6, 5, dtype=torch.float64)
    zeros = torch.zeros(2, 7, dtype=torch.float64)
    whole, _ = cell.sequence(x, (zeros, zeros))
    _, half = cell.sequence(x[:, :3], (zeros, zeros))
    rest, _ = cell.sequence(x[:, 3:], half)
    torch.testing.assert_close(rest, whole[:, 3:], rtol=0, atol=1e-12)


def test_the_gradient_of_a_sequence_is_that_of_its_steps(cell: LSTMCell) -> None:
    x = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    zeros = torch.zeros(2, 7, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda rows: cell.sequence(rows, (zeros, zeros))[0], (x,))


def test_the_forget_bias_follows_the_cell_to_another_number_type(cell: LSTMCell) -> None:
    zeros = torch.zeros(1, 7)
    cell.step(torch.zeros(1, 5, dtype=torch.float64), (zeros.double(), zeros.double()))
    out, _ = cell.float().step(torch.zeros(1, 5), (zeros, zeros))
    assert out.dtype == torch.float32


def test_every_cell_can_be_made_by_its_name() -> None:
    for name in CELLS:
        assert make_cell(name, 5, 4).hidden_size == 4


def test_an_unknown_cell_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown cell 'gru': choose one of lstm"):
        make_cell("gru", 5, 4)
