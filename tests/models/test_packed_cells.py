"""Every cell over packed rows, by gradients written by hand, against the loop that any cell gets."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchkit.models.cells import CELLS, Cell, HyperLSTMCell, Packing, make_cell

D, K, H = 3, 2, 4
Lengths = st.lists(st.integers(1, 7), min_size=1, max_size=6)
EACH = pytest.mark.parametrize("name", sorted(CELLS))


def _cell(name: str, size: int) -> Cell:
    """A cell with no weight left at zero or one."""
    cell = HyperLSTMCell(size, H, 5, 3) if name == "hyper-lstm" else make_cell(name, size, H)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return cell.double()


def _leaves(cell: Cell, lengths: list[int], with_context: bool) -> list[torch.Tensor]:
    """Rows, the parts of a first state of random numbers, and the context where there is one."""
    batch, random = len(lengths), torch.randn
    state = [random(batch, part.shape[-1]) for part in cell.state_from(*torch.zeros(2, 1, H))]
    some = [random(sum(lengths), D), *state, *([random(batch, K)] if with_context else [])]
    return [each.double().requires_grad_() for each in some]


def _run(
    cell: Cell, leaves: list[torch.Tensor], packing: Packing, keep: torch.Tensor | None, plain: bool
) -> torch.Tensor:
    parts = len(cell.state_from(*torch.zeros(2, 1, H)))
    rows, state, context = leaves[0], tuple(leaves[1 : 1 + parts]), leaves[1 + parts :]
    arguments = (rows, context[0] if context else None, state, packing, keep)
    return Cell.packed(cell, *arguments) if plain else cell.packed(*arguments)


def _keep(rows: int) -> torch.Tensor:
    return (torch.rand(rows, H) > 0.3).double() / 0.7


@EACH
@pytest.mark.parametrize("with_context", [False, True])
@pytest.mark.parametrize("with_dropout", [False, True])
@settings(max_examples=10, deadline=None)
@given(lengths=Lengths)
def test_outputs_and_all_gradients_are_those_of_the_loop(
    name: str, with_context: bool, with_dropout: bool, lengths: list[int]
) -> None:
    torch.manual_seed(4)
    cell = _cell(name, D + K * with_context)
    packing, leaves = Packing.of(torch.tensor(lengths), max(lengths)), _leaves(cell, lengths, with_context)
    keep = _keep(sum(lengths)) if with_dropout else None
    weights, found = torch.randn(sum(lengths), H, dtype=torch.float64), []
    for plain in (False, True):
        out = _run(cell, leaves, packing, keep, plain)
        grads = torch.autograd.grad((out * weights).sum(), [*leaves, *cell.parameters()])
        found.append((out, *grads))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@EACH
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    torch.manual_seed(1)
    cell, lengths = _cell(name, D + K), [1, 2]
    packing, leaves, keep = Packing.of(torch.tensor(lengths), 2), _leaves(cell, lengths, True), _keep(3)
    names, values = zip(*cell.named_parameters(), strict=True)

    def outputs(*tensors: torch.Tensor) -> torch.Tensor:
        some, weights = list(tensors[: len(leaves)]), tensors[len(leaves) :]
        replaced = {f"cell.{key}": weight for key, weight in zip(names, weights, strict=True)}
        return torch.func.functional_call(_Packed(cell, packing, keep), replaced, (some,))

    assert torch.autograd.gradcheck(outputs, (*leaves, *values))


class _Packed(torch.nn.Module):
    """A cell's outputs over packed rows as a forward pass."""

    def __init__(self, cell: Cell, packing: Packing, keep: torch.Tensor) -> None:
        super().__init__()
        self.cell, self.packing, self.keep = cell, packing, keep

    def forward(self, leaves: list[torch.Tensor]) -> torch.Tensor:
        return _run(self.cell, leaves, self.packing, self.keep, plain=False)


@EACH
def test_products_in_bfloat16_leave_the_rest_in_float32_and_come_near_it(name: str) -> None:
    torch.manual_seed(3)
    cell, lengths = make_cell(name, 5 + K, 64), [40, 25, 33]
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    packing, rows, context = Packing.of(torch.tensor(lengths), 40), torch.randn(98, 5), torch.randn(3, K)
    state, found = cell.state_from(*torch.zeros(2, 3, 64)), []
    for half in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            out = cell.packed(rows, context, state, packing)
        assert out.dtype == torch.float32
        grads = torch.autograd.grad(out.square().sum(), list(cell.parameters()))
        found.append([out.detach(), *grads])
    for exact, near in zip(*found, strict=True):
        assert near.dtype == torch.float32
        assert 0 < (exact - near).norm() < 0.03 * exact.norm()


@EACH
def test_a_first_state_in_half_precision_costs_no_digit_of_the_gradients(name: str) -> None:
    torch.manual_seed(6)
    cell, lengths = make_cell(name, 5, 16), [30, 12]
    packing, rows = Packing.of(torch.tensor(lengths), 30), torch.randn(42, 5)
    found = []
    halves = [part.bfloat16() for part in torch.randn(2, 2, 16)]
    for dtype in (torch.bfloat16, torch.float32):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = cell.packed(rows, None, cell.state_from(*(part.to(dtype) for part in halves)), packing)
        found.append((out, *torch.autograd.grad(out.square().sum(), list(cell.parameters()))))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@EACH
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_number_type_is_kept(name: str, dtype: torch.dtype) -> None:
    cell = make_cell(name, D, H).to(dtype)
    state = cell.state_from(*torch.zeros(2, 1, H, dtype=dtype))
    out = cell.packed(torch.zeros(2, D, dtype=dtype), None, state, Packing.of(torch.tensor([2]), 2))
    assert out.dtype == dtype
    out.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == dtype for p in cell.parameters())


@EACH
def test_a_graph_that_is_kept_gives_the_same_gradients_twice_and_inputs_stay_as_they_were(name: str) -> None:
    torch.manual_seed(8)
    lengths = [2, 4, 3]
    cell = _cell(name, D + K)
    leaves, packing, keep = _leaves(cell, lengths, True), Packing.of(torch.tensor(lengths), 4), _keep(9)
    every = [*leaves, keep, *cell.parameters()]
    before = [each.detach().clone() for each in every]
    out = _run(cell, leaves, packing, keep, plain=False)
    wanted = [*leaves, *cell.parameters()]
    first = torch.autograd.grad(out.sum(), wanted, retain_graph=True)
    for once, twice in zip(first, torch.autograd.grad(out.sum(), wanted), strict=True):
        torch.testing.assert_close(once, twice, rtol=0, atol=0)
    for was, now in zip(before, every, strict=True):
        torch.testing.assert_close(now.detach(), was, rtol=0, atol=0)


@EACH
def test_without_gradients_the_outputs_are_the_same(name: str) -> None:
    torch.manual_seed(9)
    lengths = [3, 5]
    cell = _cell(name, D)
    leaves, packing = _leaves(cell, lengths, False), Packing.of(torch.tensor(lengths), 5)
    learning = _run(cell, leaves, packing, None, plain=False)
    with torch.no_grad():
        alone = _run(cell, leaves, packing, None, plain=False)
    assert not alone.requires_grad
    torch.testing.assert_close(alone, learning.detach(), rtol=0, atol=0)
