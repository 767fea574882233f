"""The packed LSTM against the plain one: equal outputs, equal gradients, nothing read of the padding."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchkit.models.cells import CELLS, LSTMCell, make_cell
from sketchkit.models.cells.packed import Packing, packed_lstm

D, H = 3, 4
Lengths = st.lists(st.integers(1, 7), min_size=1, max_size=6)


def _cell() -> LSTMCell:
    torch.manual_seed(0)
    cell = LSTMCell(D, H).double()
    torch.nn.init.normal_(cell.bias)
    return cell


def _outputs(
    cell: LSTMCell, x: torch.Tensor, packing: Packing, hidden: torch.Tensor, memory: torch.Tensor
) -> torch.Tensor:
    return cell.packed(packing.pack(x), None, (hidden, memory), packing)


@settings(max_examples=40, deadline=None)
@given(lengths=Lengths, extra=st.integers(0, 3))
def test_packed_rows_are_those_of_the_drawings_in_order(lengths: list[int], extra: int) -> None:
    time = max(lengths) + extra
    packing = Packing.of(torch.tensor(lengths), time)
    numbered = torch.arange(len(lengths) * time, dtype=torch.float64).reshape(len(lengths), time, 1)
    packed = packing.pack(numbered)[:, 0].long().tolist()
    expected = {b * time + t for b, n in enumerate(lengths) for t in range(n)}
    assert sorted(packed) == sorted(expected)
    assert sum(packing.counts) == len(packed)
    assert list(packing.counts) == sorted(packing.counts, reverse=True)
    assert [p % time for p in packed] == sorted(p % time for p in packed)
    which = packing.spread(torch.arange(len(lengths), dtype=torch.float64)[:, None])[:, 0].long().tolist()
    assert which == [p // time for p in packed]


@settings(max_examples=25, deadline=None)
@given(lengths=Lengths)
def test_outputs_and_gradients_are_those_of_the_plain_lstm(lengths: list[int]) -> None:
    cell, batch, time = _cell(), len(lengths), max(lengths)
    x = torch.randn(batch, time, D, dtype=torch.float64)
    hidden, memory = (torch.randn(batch, H, dtype=torch.float64) for _ in range(2))
    packing = Packing.of(torch.tensor(lengths), time)
    weights = torch.randn(sum(lengths), H, dtype=torch.float64)
    found = []
    for packed in (True, False):
        leaves = [t.clone().requires_grad_() for t in (x, hidden, memory)]
        out = _outputs(cell, leaves[0], packing, *leaves[1:]) if packed else None
        if out is None:
            out = packing.pack(cell.sequence(leaves[0], (leaves[1], leaves[2]))[0])
        grads = torch.autograd.grad((out * weights).sum(), [*leaves, *cell.parameters()])
        found.append((out, *grads))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_gradients_under_recurrent_dropout_are_those_of_finite_differences() -> None:
    torch.manual_seed(1)
    counts = (3, 3, 2, 1)
    n = sum(counts)
    keep = (torch.rand(2, n, H) > 0.3).double() / 0.7
    leaves = [
        torch.randn(*shape, dtype=torch.float64, requires_grad=True)
        for shape in ((2, n, D), (2, 4 * H, D), (2, 3, 4 * H), (2, 4 * H, H), (2, 3, H), (2, 3, H))
    ]
    assert torch.autograd.gradcheck(lambda *t: packed_lstm(*t, counts, keep), leaves)


def test_cells_side_by_side_run_as_each_does_alone() -> None:
    torch.manual_seed(5)
    cells = [LSTMCell(D, H).double() for _ in range(2)]
    packing = Packing.of(torch.tensor([2, 4, 3]), 4)
    rows, keep = torch.randn(2, 9, D, dtype=torch.float64), torch.rand(2, 9, H, dtype=torch.float64)
    together = LSTMCell.packed_together(cells, rows, packing, keep)
    zeros = torch.zeros(3, H, dtype=torch.float64)
    for cell, mine, out, kept in zip(cells, rows, together, keep, strict=True):
        alone = cell.packed(mine, None, (zeros, zeros), packing, kept)
        torch.testing.assert_close(out, alone, rtol=0, atol=1e-12)


def test_the_inputs_are_left_as_they_were() -> None:
    cell = _cell()
    rows, zeros = torch.randn(1, 5, D, dtype=torch.float64), torch.zeros(1, 3, H, dtype=torch.float64)
    shared, weight = torch.randn(1, 3, 4 * H, dtype=torch.float64), cell.weight_h[None]
    before = [t.clone() for t in (rows, shared, weight)]
    packed_lstm(rows, cell.weight_x[None], shared, weight, zeros, zeros, (3, 2))
    for was, now in zip(before, (rows, shared, weight), strict=True):
        torch.testing.assert_close(now, was, rtol=0, atol=0)
    assert not zeros.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_number_type_is_kept(dtype: torch.dtype) -> None:
    cell = _cell().to(dtype)
    state = cell.state_from(*torch.zeros(2, 1, H, dtype=dtype))
    out = cell.packed(torch.zeros(2, D, dtype=dtype), None, state, Packing.of(torch.tensor([2]), 2))
    assert out.dtype == dtype


def test_products_in_bfloat16_leave_the_rest_in_float32_and_come_near_it() -> None:
    torch.manual_seed(3)
    cell = LSTMCell(5, 64)
    packing = Packing.of(torch.tensor([40, 25, 33]), 40)
    rows, zeros = torch.randn(98, 5), torch.zeros(3, 64)
    found = []
    for half in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            out = cell.packed(rows, None, (zeros, zeros), packing)
        assert out.dtype == torch.float32
        out.square().sum().backward()
        found.append([out.detach(), *(p.grad.clone() for p in cell.parameters() if p.grad is not None)])
        cell.zero_grad()
    assert len(found[0]) == 4
    for exact, near in zip(*found, strict=True):
        assert 0 < (exact - near).norm() < 0.02 * exact.norm()


@settings(max_examples=25, deadline=None)
@given(lengths=Lengths, extra=st.integers(0, 2))
def test_packing_goes_both_ways_and_knows_the_last_rows(lengths: list[int], extra: int) -> None:
    time = max(lengths) + extra
    packing = Packing.of(torch.tensor(lengths), time)
    values = torch.randn(len(lengths), time, 2)
    for b, length in enumerate(lengths):
        values[b, length:] = 0.0
    torch.testing.assert_close(packing.padded(packing.pack(values)), values, rtol=0, atol=0)
    last = torch.stack([values[b, n - 1] for b, n in enumerate(lengths)])
    torch.testing.assert_close(packing.last(packing.pack(values)), last, rtol=0, atol=0)


@pytest.mark.parametrize("name", sorted(CELLS))
@pytest.mark.parametrize("with_context", [False, True])
@pytest.mark.parametrize("with_dropout", [False, True])
def test_every_cell_runs_packed_as_it_steps_drawing_by_drawing(
    name: str, with_context: bool, with_dropout: bool
) -> None:
    torch.manual_seed(2)
    cell = make_cell(name, D + 2, H).double()
    lengths = torch.tensor([2, 5, 1, 5])
    packing = Packing.of(lengths, 6)
    x, context = torch.randn(4, 6, D, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)
    joined = torch.cat((x, context[:, None].expand(-1, 6, -1)), -1)
    keep = (torch.rand(4, 6, H) > 0.4).double() / 0.6
    hidden, memory = (torch.randn(4, H, dtype=torch.float64) for _ in range(2))
    expected = torch.zeros(4, 6, H, dtype=torch.float64)
    for b, length in enumerate(lengths):
        state = cell.state_from(hidden[b : b + 1], memory[b : b + 1])
        for t in range(length):
            products = tuple(joined[b : b + 1, t] @ weight.t() for weight in cell.input_weights())
            out, state = cell.advance(products, state, keep[b : b + 1, t] if with_dropout else None)
            expected[b, t] = out[0]
    packed = cell.packed(
        packing.pack(x) if with_context else packing.pack(joined),
        context if with_context else None,
        cell.state_from(hidden, memory),
        packing,
        packing.pack(keep) if with_dropout else None,
    )
    torch.testing.assert_close(packing.padded(packed), expected, rtol=0, atol=1e-12)
