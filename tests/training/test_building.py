"""Fresh models, and what training changes: saved, restored and gone on with to the last bit."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor
from train_parts import batches_of, model_of, shapes, small

from sketchkit.card import ModelCard
from sketchkit.errors import CheckpointError
from sketchkit.models.decoder import DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.training.backends import build
from sketchkit.training.checkpointing import TrainState
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset

CARD = ModelCard(classes=("cat", "pig", "owl"))
KINDS: dict[str, dict[str, Any]] = {
    "decoder": {},
    "vae": {"backend": "vae"},
    "layer-normalised": {"cell": "layernorm-lstm", "classes": False},
    "hyper": {"cell": "hyper-lstm", "batch_size": 1},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return shapes(tmp_path_factory)


def weights(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def learn(state: TrainState, data: Dataset, config: TrainConfig, steps: range) -> None:
    """Updates on real batches."""
    batches = batches_of(data, config)
    for step in steps:
        terms = state.model.losses(batches.batch(step))
        state.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        state.update(config.learning_rate_at(step), config.clip)


# --- fresh models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same_weights(kind: str) -> None:
    first, again = (weights(build(small(**KINDS[kind], seed=5), CARD)) for _ in range(2))
    assert equal(first, again)
    other = weights(build(small(**KINDS[kind], seed=6), CARD))
    assert not equal(first, other)
    torch.manual_seed(99)
    assert equal(first, weights(build(small(**KINDS[kind], seed=5, learning_rate=0.1), CARD)))


def test_the_making_of_a_model_leaves_the_chance_of_others_alone() -> None:
    torch.manual_seed(3)
    ours, theirs = torch.get_rng_state(), np.random.get_state()
    build(small(backend="vae"), CARD)
    assert torch.equal(ours, torch.get_rng_state())
    assert all(np.array_equal(a, b) for a, b in zip(theirs, np.random.get_state(), strict=True))


def test_a_model_has_the_sizes_of_its_configuration() -> None:
    sizes = {"hidden": 5, "mixtures": 3, "embedding": 4, "cell": "layernorm-lstm"}
    decoder = build(small(**sizes), CARD)
    assert isinstance(decoder, DecoderModel)
    vae = build(small(**sizes, backend="vae", encoder_hidden=6, latent=2), CARD)
    assert isinstance(vae, VaeModel)
    assert (vae.architecture.encoder_hidden, vae.architecture.latent) == (6, 2)
    for model in (decoder, vae):
        a = model.architecture
        assert (a.hidden, a.mixtures, a.embedding, a.cell, a.classes) == (5, 3, 4, "layernorm-lstm", 3)
        assert model.card is CARD
    assert not build(small(classes=False), CARD).labelled


# --- a run that stops and goes on -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "ema", "before"),
    [
        *((kind, ema, before) for kind in ("decoder", "vae") for ema in (0.0, 0.9) for before in (0, 3)),
        ("layer-normalised", 0.9, 2),
        ("hyper", 0.9, 1),
    ],
)
def test_what_is_restored_goes_on_as_if_it_had_never_stopped(
    data: Dataset, kind: str, ema: float, before: int
) -> None:
    config = small(**KINDS[kind], ema=ema, learning_rate=0.01)
    whole = TrainState(model_of(data, config).train(), config)
    learn(whole, data, config, range(before))
    content = save(whole.tensors())
    learn(whole, data, config, range(before, before + 2))

    again = TrainState(model_of(data, small(**KINDS[kind], ema=ema, seed=8)).train(), config)
    again.restore(load(content))
    assert again.updates == before
    assert equal(again.tensors(), load(content))
    learn(again, data, config, range(before, before + 2))
    assert equal(again.tensors(), whole.tensors())
    assert equal(weights(again.shown), weights(whole.shown))
    assert again.updates == before + 2


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_tensors_that_do_not_fit_are_refused_and_nothing_is_changed(data: Dataset, ema: float) -> None:
    config = small(ema=ema)
    state = TrainState(model_of(data, config).train(), config)
    learn(state, data, config, range(1))
    good = {name: tensor.clone() for name, tensor in state.tensors().items()}
    parts = ["model", "exp_avg", "exp_avg_sq", *(["averaged"] if ema else [])]
    name = "decoder.output.weight"
    assert {key.partition(".")[0] for key in good} == {*parts, "updates"}
    changes: list[tuple[str, dict[str, Tensor]]] = []
    for key in (*(f"{part}.{name}" for part in parts), "updates"):
        changes.append((key, {k: v for k, v in good.items() if k != key}))
    for part in parts:
        changes.append((f"{part}.{name}", {**good, f"{part}.{name}": torch.zeros(3, 2)}))
        changes.append((f"{part}.more", {**good, f"{part}.more": torch.zeros(1)}))
    changes.append(("elsewhere.more", {**good, "elsewhere.more": torch.zeros(1)}))
    changes.append(("", {**good, "updates": torch.zeros(2)}))
    if not ema:
        changes.append(("averaged", {**good, f"averaged.{name}": good[f"model.{name}"]}))
    for key, tensors in changes:
        fresh = TrainState(model_of(data, small(ema=ema, seed=4)).train(), config)
        before = weights(fresh.model)
        with pytest.raises(CheckpointError, match="the checkpoint does not fit the model") as told:
            fresh.restore(tensors)
        assert key in str(told.value) and str(told.value).isprintable()
        assert equal(weights(fresh.model), before) and fresh.updates == 0


# --- the average ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.3, 0.99])
def test_the_average_is_that_of_a_plain_loop(data: Dataset, decay: float) -> None:
    config = small(ema=decay, learning_rate=0.02)
    state = TrainState(model_of(data, config).train(), config)
    expected = {name: tensor.double() for name, tensor in weights(state.model).items()}
    for update in range(1, 13):
        learn(state, data, config, range(update - 1, update))
        rate = min(decay, (1 + update) / (10 + update))
        for name, tensor in state.model.state_dict().items():
            expected[name] = rate * expected[name] + (1 - rate) * tensor.double()
    for name, tensor in state.shown.state_dict().items():
        torch.testing.assert_close(tensor.double(), expected[name], rtol=1e-5, atol=1e-7)
    assert not equal(weights(state.shown), weights(state.model))
    assert not any(p.requires_grad for p in state.shown.parameters())
    assert all(p.requires_grad for p in state.model.parameters())


def test_without_an_average_the_model_itself_is_shown(data: Dataset) -> None:
    state = TrainState(model_of(data, small()), small())
    assert state.shown is state.model
    assert not any(name.startswith("averaged.") for name in state.tensors())


# --- the optimiser --------------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", [0.0, 0.003])
def test_an_update_is_one_of_adam_along_clipped_gradients(data: Dataset, clip: float) -> None:
    config = small(clip=clip, learning_rate=0.01, decay=0.5, backend="vae")
    state = TrainState(model_of(data, config).train(), config)
    plain = copy.deepcopy(state.model)
    adam = torch.optim.Adam(plain.parameters(), foreach=False)
    batches = batches_of(data, config)
    clipped = 0
    for step in range(5):
        learn(state, data, config, range(step, step + 1))
        terms = plain.losses(batches.batch(step))
        adam.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        for parameter in plain.parameters():
            assert parameter.grad is not None
            if clip:
                clipped += int((parameter.grad.abs() > clip).sum())
                parameter.grad.clamp_(-clip, clip)
        adam.param_groups[0]["lr"] = config.learning_rate_at(step)
        adam.step()
    assert (clipped > 0) == (clip > 0)
    for ours, theirs in zip(state.model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_the_norm_is_that_of_all_gradients_and_tells_of_one_that_is_not_finite(data: Dataset) -> None:
    state = TrainState(model_of(data, small()), small())
    for i, parameter in enumerate(state.model.parameters()):
        parameter.grad = torch.full_like(parameter, i + 1.0)
    expected = sum((i + 1) ** 2 * p.numel() for i, p in enumerate(state.model.parameters())) ** 0.5
    assert float(state.gradient_norm()) == pytest.approx(expected)
    for bad in (float("nan"), float("inf")):
        next(reversed(list(state.model.parameters()))).grad.view(-1)[0] = bad  # type: ignore[union-attr]
        assert not state.gradient_norm().isfinite()
