"""The weights of one model for another: what a run that begins with a model takes over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from loop_parts import Ear, run_tiny, tiny

from sketchkit.card import CELLS, ZERO_START, ModelCard
from sketchkit.checkpoints.load import load_model
from sketchkit.errors import InputError
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.training.backends import build, sizes_of
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset, prepare_sketches, synth
from sketchkit.training.transfer import check_fit, fine_tuning, summary, take_weights


def made(classes: tuple[str, ...], **config: Any) -> SketchModel:
    """A fresh model that is told these classes, or none where there are none."""
    return build(tiny(**{"classes": bool(classes), **config}), ModelCard(name="old", classes=classes))


def outputs(model: SketchModel, label: str | None = None) -> np.ndarray:
    """Raw outputs for a short drawing."""
    rows = np.random.default_rng(0).normal(size=(6, 5))
    z = np.random.default_rng(1).normal(size=4) if model.conditional else None
    return model.raw_outputs(rows, z=z, class_name=label)


@pytest.mark.parametrize("backend", ["decoder", "vae"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_class_of_the_same_name_is_drawn_as_before(backend: str, cell: str) -> None:
    source = made(("cat", "owl", "pig"), backend=backend, cell=cell)
    model = made(("bee", "pig"), backend=backend, cell=cell, seed=1)
    take_weights(model, source)
    for label in ("pig", None):
        np.testing.assert_array_equal(outputs(model, label), outputs(source, label))
    assert not np.array_equal(outputs(model, "bee"), outputs(source, "pig"))


def test_classes_in_another_order_keep_what_they_are() -> None:
    source = made(("pig", "cat"))
    model = made(("cat", "pig"), seed=1)
    take_weights(model, source)
    for label in ("pig", "cat"):
        np.testing.assert_array_equal(outputs(model, label), outputs(source, label))


def test_new_classes_begin_near_no_class_in_particular_and_differ_by_the_seed() -> None:
    source = made(("cat", "owl", "pig"), embedding=64)
    first, again, other = (made(("bee", "fly"), embedding=64, seed=9) for _ in range(3))
    for model, seed in ((first, 1), (again, 1), (other, 2)):
        take_weights(model, source, seed)
    tables = [model.state_dict()["embedding.table.weight"] for model in (first, again, other)]
    known = source.state_dict()["embedding.table.weight"]
    assert torch.equal(tables[0], tables[1]) and not torch.equal(tables[0], tables[2])
    assert not torch.equal(tables[0][0], tables[0][1])
    assert (tables[0][:2] - known[-1]).norm(dim=1).max() < 0.3 * (known[:-1] - known[-1]).norm(dim=1).min()


@pytest.mark.parametrize("backend", ["decoder", "vae"])
def test_a_model_that_is_told_no_more_draws_as_when_it_was_told_none(backend: str) -> None:
    source, model = made(("cat", "owl"), backend=backend), made((), backend=backend, seed=1)
    take_weights(model, source)
    np.testing.assert_allclose(outputs(model), outputs(source), atol=1e-6)
    gated = made(("cat", "owl"), backend=backend, cell="layernorm-lstm")
    with pytest.raises(InputError, match=r"'old' is told classes and cannot do without .* --no-classes"):
        check_fit(made((), backend=backend, cell="layernorm-lstm"), gated)


@pytest.mark.parametrize("backend", ["decoder", "vae"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_model_that_is_told_for_the_first_time_draws_as_before(backend: str, cell: str) -> None:
    source = made((), backend=backend, cell=cell, position=True)
    model = made(("cat", "owl"), backend=backend, cell=cell, position=True, seed=1)
    take_weights(model, source)
    for label in ("cat", "owl", None):
        np.testing.assert_allclose(outputs(model, label), outputs(source), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"hidden": 13}, "the model 'old' has hidden=12, not hidden=13: leave out --hidden"),
        ({"cell": "hyper-lstm"}, "has cell=lstm, not cell=hyper-lstm: leave out --cell"),
        ({"position": False}, "has position=True, not position=False: leave out --position"),
        ({"backend": "vae"}, "is of the backend decoder, not vae"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        take_weights(made(("cat",), **change), made(("cat",)))


def test_a_kind_of_model_that_no_training_makes_is_refused() -> None:
    sizes = {"encoder_hidden": 6, "hidden": 12, "latent": 4, "mixtures": 2}
    published = VaeModel(VaeArchitecture(**sizes, tanh_z=True), ModelCard(name="published"))
    with pytest.raises(InputError, match="has tanh_z=True, not tanh_z=False: no training has such models"):
        check_fit(made((), backend="vae"), published)


def test_what_is_taken_over_is_told_in_a_line() -> None:
    source = made(("cat", "owl", "pig", "rat", "sun"))
    line = summary(made(("bee", "pig")), source)
    assert line.startswith("begins with 'old': weights and sizes (decoder: hidden 12, ")
    assert line.endswith("classes: 1 kept (pig), 1 new (bee), 4 dropped (cat, owl, rat and 1 more)")
    assert summary(made(()), made(())).endswith("; classes: none")


def test_a_run_begins_with_a_model_of_other_classes(tmp_path: Path) -> None:
    data, ear = prepare_sketches(synth(40, seed=5, classes=["house"]), tmp_path / "data"), Ear()
    source = made(("cat", "owl"), backend="decoder").with_card(start=ZERO_START, scale_factor=3.0)
    still = {**sizes_of(source), "learning_rate": 0.0, "min_learning_rate": 0.0, "steps": 2}
    run_tiny(data, tmp_path / "run", ear, config=still, init=source)
    after = load_model(tmp_path / "run" / "last.safetensors")
    assert (after.card.classes, after.card.start, after.card.scale_factor) == (("house",), ZERO_START, 3.0)
    assert after.card.max_length == max(source.card.max_length, data.max_length)
    np.testing.assert_allclose(outputs(after), outputs(source), atol=1e-6)
    assert [note for note in ear.notes if note.startswith("begins with 'old': ")]


@pytest.mark.parametrize("drawings", [1, 20, 5_000])
def test_the_defaults_of_fine_tuning_make_a_configuration(drawings: int) -> None:
    config = TrainConfig.made(None, fine_tuning(made(("cat",), backend="decoder"), drawings))
    assert 32 <= config.batch_size <= 100 and config.patience and config.warmup < config.steps
    assert (config.hidden, config.classes, config.kl_start) == (12, True, TrainConfig.kl_start)


def test_a_conditional_model_keeps_the_weights_of_its_losses() -> None:
    trained = {"kl_weight": 0.15, "kl_minimum": 0.0, "offset_noise": 10.0, "recurrent_dropout": 0.5}
    source = made(("cat",), backend="vae").with_card(provenance={"config": trained})
    config = TrainConfig.made(None, fine_tuning(source, 20))
    assert (config.kl_weight, config.kl_minimum, config.offset_noise, config.kl_start) == (
        0.15,
        0.0,
        10.0,
        1.0,
    )
    assert config.recurrent_dropout == TrainConfig.recurrent_dropout
    plain = TrainConfig.made(
        None, fine_tuning(made((), backend="vae").with_card(provenance={"config": 3}), 20)
    )
    assert (plain.kl_weight, plain.kl_start) == (TrainConfig.kl_weight, 1.0)


def test_a_bundled_model_is_fine_tuned_on_drawings_of_another_class(tmp_path: Path) -> None:
    data: Dataset = prepare_sketches(synth(24, seed=5, classes=["mushroom"]), tmp_path / "data")
    source = load_model("doodle")
    quick = {**fine_tuning(source, len(data.split("train"))), "grid": 0}
    info = run_tiny(data, tmp_path / "run", config={**quick, "steps": 2, "batch_size": 8}, init=source)
    assert info.config.classes
    assert load_model(tmp_path / "run" / "last.safetensors").card.classes == ("mushroom",)
