"""Cells against their papers' equations, written out unit by unit in float64."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from sketchkit.errors import InputError
from sketchkit.models.cells import (
    CELLS,
    Cell,
    HyperLSTMCell,
    LayerNormLSTMCell,
    LSTMCell,
    make_cell,
)

D, H, B, T = 5, 6, 3, 9
Vector = np.ndarray


def _sigmoid(x: Vector) -> Vector:
    return 1.0 / (1.0 + np.exp(-x))


def _array(parameter: torch.Tensor) -> Vector:
    return parameter.detach().numpy()


def _normalised(values: Vector) -> Vector:
    """Minus the mean, over the root of the variance plus 1e-3."""
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / len(values)
    return np.array([(v - mean) / math.sqrt(variance + 1e-3) for v in values])


def _layernorm_end(cell: LayerNormLSTMCell, sums: list[Vector], c: Vector) -> tuple[Vector, Vector]:
    """Sums of the gates i, f, g, o to the new output and memory, for one drawing."""
    scale, shift = _array(cell.gate_scale), _array(cell.gate_shift)
    i, f, g, o = (_normalised(s) * scale[k] + shift[k] for k, s in enumerate(sums))
    c = c * _sigmoid(f + cell.forget_bias) + _sigmoid(i) * np.tanh(g)
    shown = _normalised(c) * _array(cell.memory_scale) + _array(cell.memory_shift)
    return _sigmoid(o) * np.tanh(shown), c


def _lstm(cell: LSTMCell, x: Vector) -> Vector:
    h = c = np.zeros(cell.hidden_size)
    out = []
    for row in x:
        sums = _array(cell.weight_x) @ row + _array(cell.weight_h) @ h + _array(cell.bias)
        i, f, g, o = np.split(sums, 4)
        c = c * _sigmoid(f + cell.forget_bias) + _sigmoid(i) * np.tanh(g)
        h = _sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.stack(out)


def _layernorm(cell: LayerNormLSTMCell, x: Vector) -> Vector:
    h = c = np.zeros(cell.hidden_size)
    out = []
    for row in x:
        sums = np.split(_array(cell.weight_x) @ row + _array(cell.weight_h) @ h, 4)
        h, c = _layernorm_end(cell, sums, c)
        out.append(h)
    return np.stack(out)


def _hyper(cell: HyperLSTMCell, x: Vector) -> Vector:
    size = cell.hidden_size
    h = c = np.zeros(size)
    hyper_h = hyper_c = np.zeros(cell.hyper.hidden_size)
    out = []
    for row in x:
        read = np.concatenate([row, h])
        sums = np.split(_array(cell.hyper.weight_x) @ read + _array(cell.hyper.weight_h) @ hyper_h, 4)
        hyper_h, hyper_c = _layernorm_end(cell.hyper, sums, hyper_c)
        scales = _array(cell.embed_scales.weight) @ hyper_h + _array(cell.embed_scales.bias)
        shifts = _array(cell.embed_shifts.weight) @ hyper_h
        gates = []
        for k in range(4):
            rows = slice(k * size, (k + 1) * size)
            z_x, z_h, z_b = np.split(scales, 8)[k], np.split(scales, 8)[4 + k], np.split(shifts, 4)[k]
            d_x, d_h = _array(cell.scale_x)[k] @ z_x, _array(cell.scale_h)[k] @ z_h
            b = _array(cell.shift)[k] @ z_b + _array(cell.bias)[rows]
            from_x, from_h = _array(cell.main.weight_x)[rows] @ row, _array(cell.main.weight_h)[rows] @ h
            gates.append(d_x * from_x + d_h * from_h + b)
        h, c = _layernorm_end(cell.main, gates, c)
        out.append(h)
    return np.stack(out)


def _gru(cell: Cell, x: Vector) -> Vector:
    h, out = np.zeros(cell.hidden_size), []
    for row in x:
        from_x = _array(cell.weight_x) @ row + _array(cell.bias)
        (r, u, n), (r_h, u_h, n_h) = np.split(from_x, 3), np.split(_array(cell.weight_h) @ h, 3)
        r, u = _sigmoid(r + r_h), _sigmoid(u + u_h)
        h = u * h + (1 - u) * np.tanh(n + r * n_h)
        out.append(h)
    return np.stack(out)


MAKERS: dict[str, tuple[Callable[[], Cell], Callable[..., Vector]]] = {
    "lstm": (lambda: LSTMCell(D, H), _lstm),
    "layernorm-lstm": (lambda: LayerNormLSTMCell(D, H), _layernorm),
    "hyper-lstm": (lambda: HyperLSTMCell(D, H, hyper_size=4, embedding_size=3), _hyper),
    "gru": (lambda: make_cell("gru", D, H), _gru),
}


@pytest.fixture(params=CELLS)
def named(request: pytest.FixtureRequest) -> tuple[Cell, Callable[..., Vector]]:
    """A cell with no weight left at zero or one, and its reference."""
    torch.manual_seed(0)
    make, reference = MAKERS[request.param]
    cell = make().double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return cell, reference


def _start(cell: Cell, batch: int) -> tuple[torch.Tensor, ...]:
    zeros = torch.zeros(batch, H, dtype=torch.float64)
    return cell.state_from(zeros, zeros)


def test_steps_and_sequences_follow_the_equations(named: tuple[Cell, Callable[..., Vector]]) -> None:
    cell, reference = named
    x = torch.randn(B, T, D, dtype=torch.float64)
    state, stepped = _start(cell, B), []
    for t in range(T):
        out, state = cell.step(x[:, t], state)
        stepped.append(out)
    whole, last = cell.sequence(x, _start(cell, B))
    expected = np.stack([reference(cell, rows) for rows in x.numpy()])
    np.testing.assert_allclose(_array(torch.stack(stepped, 1)), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(_array(whole), expected, rtol=0, atol=1e-10)
    for ours, theirs in zip(last, state, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_a_sequence_goes_on_from_a_given_state(named: tuple[Cell, Callable[..., Vector]]) -> None:
    cell, _ = named
    x = torch.randn(B, T, D, dtype=torch.float64)
    whole, _ = cell.sequence(x, _start(cell, B))
    _, half = cell.sequence(x[:, :4], _start(cell, B))
    rest, _ = cell.sequence(x[:, 4:], half)
    torch.testing.assert_close(rest, whole[:, 4:], rtol=0, atol=1e-12)


def test_gradients_are_those_of_finite_differences(named: tuple[Cell, Callable[..., Vector]]) -> None:
    cell, _ = named
    x = torch.randn(2, 3, D, dtype=torch.float64, requires_grad=True)
    names, values = zip(*cell.named_parameters(), strict=True)

    def outputs(rows: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        replaced = dict(zip(names, weights, strict=True))
        module = _Sequence(cell)
        prefixed = {f"cell.{name}": weight for name, weight in replaced.items()}
        return torch.func.functional_call(module, prefixed, (rows,))

    assert torch.autograd.gradcheck(outputs, (x, *values))


class _Sequence(torch.nn.Module):
    """A cell's outputs as a forward pass."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.cell.sequence(rows, _start(self.cell, len(rows)))[0]


def test_dropped_candidates_leave_the_memory_alone(named: tuple[Cell, Callable[..., Vector]]) -> None:
    cell, reference = named
    x = torch.randn(B, T, D, dtype=torch.float64)

    def run(keep: torch.Tensor) -> tuple[Vector, torch.Tensor]:
        state, outputs = _start(cell, B), []
        for t in range(T):
            products = tuple(x[:, t] @ weight.t() for weight in cell.input_weights())
            out, state = cell.advance(products, state, keep)
            outputs.append(out)
        return _array(torch.stack(outputs, 1)), state[min(1, len(state) - 1)]

    expected = np.stack([reference(cell, rows) for rows in x.numpy()])
    np.testing.assert_allclose(run(torch.ones(B, H, dtype=torch.float64))[0], expected, rtol=0, atol=1e-10)
    # With every candidate dropped nothing ever enters the memory; with one of them, that one alone.
    one = torch.zeros(B, H, dtype=torch.float64)
    assert not run(one)[1].any()
    one[1, 2] = 1.0
    assert run(one)[1].nonzero().tolist() == [[1, 2]]


def test_the_forget_bias_follows_the_cell_to_another_number_type() -> None:
    cell = LSTMCell(D, H).double()
    cell.step(torch.zeros(1, D, dtype=torch.float64), _start(cell, 1))
    zeros = torch.zeros(1, H)
    out, _ = cell.float().step(torch.zeros(1, D), (zeros, zeros))
    assert out.dtype == torch.float32


def test_every_cell_can_be_made_by_its_name_and_without_memory() -> None:
    for name in CELLS:
        assert make_cell(name, D, 4).hidden_size == 4
        with torch.device("meta"):
            assert make_cell(name, D, 4).hidden_size == 4


def test_an_unknown_cell_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown cell 'cog': choose one of lstm, layernorm-lstm"):
        make_cell("cog", D, 4)
