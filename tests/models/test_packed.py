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
    gates = torch.nn.functional.linear(packing.pack(x), cell.weight_x, cell.bias)
    first = (packing.first(hidden), packing.first(memory))
    return packed_lstm(gates, cell.weight_h, *first, packing.counts, forget_bias=cell.forget_bias)


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
    rows = sum(counts)
    keep = (torch.rand(rows, H) > 0.3).double() / 0.7
    leaves = [
        torch.randn(*shape, dtype=torch.float64, requires_grad=True)
        for shape in ((rows, 4 * H), (4 * H, H), (3, H), (3, H))
    ]
    assert torch.autograd.gradcheck(lambda *t: packed_lstm(*t, counts, keep), leaves)


def test_dropped_candidates_enter_as_the_cell_drops_them() -> None:
    cell = _cell()
    gates = torch.randn(2, 4 * H, dtype=torch.float64)
    zeros = torch.zeros(2, H, dtype=torch.float64)
    dropped = packed_lstm(gates, cell.weight_h, zeros, zeros + 1.0, (2,), torch.zeros_like(zeros))
    _, f, _, o = gates.chunk(4, 1)
    expected = torch.sigmoid(o) * torch.tanh(torch.sigmoid(f + 1.0))
    torch.testing.assert_close(dropped, expected, rtol=0, atol=1e-12)


def test_the_inputs_are_left_as_they_were() -> None:
    cell = _cell()
    gates, zeros = torch.randn(5, 4 * H, dtype=torch.float64), torch.zeros(3, H, dtype=torch.float64)
    before = gates.clone()
    packed_lstm(gates, cell.weight_h, zeros, zeros, (3, 2))
    torch.testing.assert_close(gates, before, rtol=0, atol=0)
    assert not zeros.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_number_type_is_kept(dtype: torch.dtype) -> None:
    out = packed_lstm(torch.zeros(2, 4 * H, dtype=dtype), torch.zeros(4 * H, H, dtype=dtype),
                      torch.zeros(1, H, dtype=dtype), torch.zeros(1, H, dtype=dtype), (1, 1))  # fmt: skip
    assert out.dtype == dtype


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
def test_every_cell_runs_packed_as_it_does_padded(name: str, with_context: bool) -> None:
    torch.manual_seed(2)
    cell = make_cell(name, D + 2, H).double()
    lengths = torch.tensor([2, 5, 1, 5])
    packing = Packing.of(lengths, 6)
    x, context = torch.randn(4, 6, D, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)
    joined = torch.cat((x, context[:, None].expand(-1, 6, -1)), -1)
    hidden, memory = (torch.randn(4, H, dtype=torch.float64) for _ in range(2))
    state = cell.state_from(hidden, memory)
    expected = packing.pack(cell.sequence(joined, state)[0])
    rows = packing.pack(x) if with_context else packing.pack(joined)
    packed = cell.packed(rows, context if with_context else None, state, packing)
    torch.testing.assert_close(packed, expected, rtol=0, atol=1e-12)
