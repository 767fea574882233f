"""The transformer computes one thing in three ways, whatever stands beside a row."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sketchkit_transformer import TransformerArchitecture, TransformerModel

from sketchkit.card import ModelCard
from sketchkit.errors import InputError
from sketchkit.models import Packing
from sketchkit.testing import check_model

WINDOW = 7
SIZES: dict[str, Any] = {"width": 32, "layers": 3, "heads": 2, "feed": 40, "window": WINDOW, "mixtures": 3}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "with position": {"position": True},
    "with classes": {"classes": 2, "embedding": 5},
    "with both": {"classes": 2, "embedding": 5, "position": True, "waves": 0},
    "looking at itself alone": {"window": 1},
    "looking further than drawings go": {"window": 64},
}


def made(**changes: Any) -> TransformerModel:
    torch.manual_seed(1)
    architecture = TransformerArchitecture(**{**SIZES, **changes})
    names = tuple("ab"[: architecture.classes])
    card = ModelCard(name="small", scale_factor=20.0, max_length=60, classes=names)
    return TransformerModel(architecture, card).requires_grad_(False).eval()


def rows_of(batch: int, time: int, seed: int = 3) -> torch.Tensor:
    chance = torch.Generator().manual_seed(seed)
    rows = torch.randn(batch, time, 5, generator=chance)
    rows[..., 2:] = torch.nn.functional.one_hot(torch.randint(0, 2, (batch, time), generator=chance), 3)
    return rows


def begun(model: TransformerModel, batch: int) -> tuple[torch.Tensor, ...]:
    return model.initial_state(batch, label=torch.arange(batch) % 3 if model.labelled else None)


def walked(model: TransformerModel, rows: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
    out = []
    for row in rows.unbind(1):
        raw, state = model.step(row, state)
        out.append(raw)
    return torch.stack(out, 1), state


@pytest.mark.parametrize("kind", KINDS)
def test_steps_and_forward_agree_far_beyond_the_window(kind: str) -> None:
    model, rows = made(**KINDS[kind]), rows_of(5, 4 * WINDOW + 2)
    stepped, last = walked(model, rows, begun(model, 5))
    at_once, state = model(rows, begun(model, 5))
    assert torch.allclose(at_once, stepped, atol=1e-4)
    for one, other in zip(state, last, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("cut", [1, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW])
def test_forward_goes_on_from_any_state(cut: int) -> None:
    model, rows = made(**KINDS["with both"]), rows_of(4, 4 * WINDOW)
    whole, end = model(rows, begun(model, 4))
    first, state = model(rows[:, :cut], begun(model, 4))
    second, again = model(rows[:, cut:], state)
    assert torch.allclose(torch.cat((first, second), 1), whole, atol=1e-4)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(again, end, strict=True))
    assert torch.equal(model(rows[:, :0], state)[1][0], state[0])


def test_drawings_of_different_ages_share_a_batch() -> None:
    model, rows = made(**KINDS["with both"]), rows_of(3, 3 * WINDOW)
    ages = (0, 5, 2 * WINDOW)
    states = [model(rows[i : i + 1, :age], _one(model, i))[1] for i, age in enumerate(ages)]
    together = tuple(torch.cat(parts) for parts in zip(*states, strict=True))
    next_rows = torch.stack([rows[i, age] for i, age in enumerate(ages)])
    raw, _ = model.step(next_rows, together)
    for i, (age, state) in enumerate(zip(ages, states, strict=True)):
        alone, _ = model.step(rows[i : i + 1, age], state)
        assert torch.allclose(alone[0], raw[i], atol=1e-5)


def _one(model: TransformerModel, label: int) -> tuple[torch.Tensor, ...]:
    return model.initial_state(1, label=torch.tensor([label]))


@pytest.mark.parametrize("kind", KINDS)
def test_packed_rows_are_those_of_forward(kind: str) -> None:
    model, time = made(**KINDS[kind]), 3 * WINDOW
    lengths = torch.randint(1, time + 1, (60,), generator=torch.Generator().manual_seed(5))
    rows, packing = rows_of(60, time), Packing.of(lengths, time)
    raw, _ = model(rows, begun(model, 60))
    assert torch.allclose(model.packed(rows, begun(model, 60), packing), packing.pack(raw), atol=1e-4)


def test_a_row_looks_at_no_more_than_the_window() -> None:
    model, rows = made(layers=1), rows_of(4, 2 * WINDOW)
    raw, _ = model(rows, begun(model, 4))
    other = rows.clone()
    other[:, 0, :2] += 3.0
    changed, _ = model(other, begun(model, 4))
    moved = (raw - changed).abs().amax((0, 2)) > 1e-5
    assert moved.tolist() == [True] * WINDOW + [False] * WINDOW


def test_a_state_that_was_given_stays_as_it_is() -> None:
    model, rows = made(**KINDS["with both"]), rows_of(4, 3)
    _, state = model(rows, begun(model, 4))
    before = [part.clone() for part in state]
    one, _ = model.step(rows[:, 0], state)
    model.step(rows[:, 1], state)
    again, _ = model.step(rows[:, 0], state)
    assert torch.equal(one, again)
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))


def test_half_precision_comes_near() -> None:
    model, rows = made(position=True), rows_of(4, 2 * WINDOW)
    raw, _ = walked(model, rows, begun(model, 4))
    half = made(position=True).to(torch.bfloat16)
    narrow, state = walked(half, rows.bfloat16(), begun(half, 4))
    assert narrow.dtype == torch.bfloat16
    rings = 2 * model.architecture.layers
    assert [part.dtype for part in state] == [torch.bfloat16] * rings + [torch.int64, torch.float32]
    assert (narrow.float() - raw).abs().max() < 0.1 * raw.abs().max()


def test_it_keeps_the_contract_of_a_model() -> None:
    check_model(TransformerModel, architecture=TransformerArchitecture(**{**SIZES, "width": 16, "layers": 2}))


def test_it_keeps_the_contract_with_classes_and_position() -> None:
    sizes = {**SIZES, "width": 16, "layers": 2, **KINDS["with both"]}
    check_model("transformer", architecture=TransformerArchitecture(**sizes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"width": 30, "heads": 4}, "width must be a multiple of twice 4 heads, got 30"),
        ({"layers": 0}, r"layers must be a whole number in 1\.\.64, got 0"),
        ({"window": 5000}, r"window must be a whole number in 1\.\.4096"),
        ({"waves": -1}, r"waves must be a whole number in 0\.\.16"),
        ({"feed": True}, "feed must be a whole number"),
        ({"position": 1}, "position must be true or false"),
    ],
    ids=str,
)
def test_sizes_that_make_no_model_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        TransformerArchitecture(**{**SIZES, **changes})
