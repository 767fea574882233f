"""What a model costs on held-out drawings: the same however they are gone through, and what `score` says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from train_parts import batches_of, model_of, shapes, small

from sketchkit.density import MixtureDensity
from sketchkit.models.losses import kl_loss
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch
from sketchkit.training import objective
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset, Recipe, Split, prepare_sketches, synth
from sketchkit.training.objective import Validation, validate
from sketchkit.training.processes import Processes

KINDS: dict[str, dict[str, Any]] = {
    "decoder": {},
    "decoder without classes": {"classes": False},
    "hyper": {"cell": "hyper-lstm", "valid_limit": 6},
    "vae": {"backend": "vae"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return shapes(tmp_path_factory)


def numbers(found: Validation) -> tuple[float, ...]:
    assert found.nll_per_point is not None
    return (*found.terms.values(), found.nll_per_point, found.drawings)


def padded(split: Split, chosen: np.ndarray, scale: float) -> tuple[Tensor, Tensor, Tensor]:
    rows, lengths, labels = split.gather(chosen)
    rows[:, :, :2] /= scale
    return torch.from_numpy(rows), torch.from_numpy(lengths), torch.from_numpy(labels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 3, 7])
def test_the_size_of_a_batch_does_not_matter(
    data: Dataset, kind: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(**KINDS[kind])
    model, valid = model_of(data, config), data.split("valid")
    whole = validate(model, valid, config, data.max_length)
    assert whole.drawings == min(len(valid), config.valid_limit)
    monkeypatch.setattr(objective, "_BATCH", size)
    assert numbers(validate(model, valid, config, data.max_length)) == pytest.approx(numbers(whole), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("world", [2, 5])
def test_processes_together_find_what_one_finds(
    data: Dataset, kind: str, world: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objective, "_BATCH", 3)
    config = small(**KINDS[kind])
    model, valid = model_of(data, config), data.split("valid")
    whole = validate(model, valid, config, data.max_length)
    sums: list[Tensor] = []
    names = [*whole.terms, "nll", "rows"]

    class Told(Processes):
        def sum_up(self, values: Tensor) -> Tensor:
            sums.append(values)
            return values.clamp(min=1.0)

        def share(self, value: Any) -> Any:
            return names

    for rank in range(world):
        validate(model, valid, config, data.max_length, Told(rank, world))
    *terms, nll, rows = torch.stack(sums).sum(0).tolist()
    n = whole.drawings
    together = Validation({name: each / n for name, each in zip(names, terms, strict=False)}, nll / rows, n)
    assert numbers(together) == pytest.approx(numbers(whole), rel=1e-5)
    assert rows == valid.lengths[:n].sum()


def test_the_order_of_the_drawings_does_not_matter(tmp_path: Path) -> None:
    drawn = list(synth(20, seed=1, classes=["sun", "star"]))

    def made(name: str, sketches: list[Sketch]) -> Dataset:
        return prepare_sketches(sketches, tmp_path / name, Recipe(splits=(1, 1, 0)))

    there, back = made("there", drawn), made("back", drawn[::-1])
    config = small()
    model = model_of(there, config)
    one, other = (validate(model, d.split("valid"), config, 60) for d in (there, back))
    assert not np.array_equal(there.split("valid").lengths, back.split("valid").lengths)
    assert numbers(one) == pytest.approx(numbers(other), rel=1e-5)


@pytest.mark.parametrize("kind", ["decoder", "decoder without classes", "hyper"])
def test_the_likelihood_is_that_of_the_models_own_score(data: Dataset, kind: str) -> None:
    config = small(**KINDS[kind])
    model, valid = model_of(data, config), data.split("valid")
    found = validate(model, valid, config, data.max_length)
    rows, lengths, labels = padded(valid, np.arange(found.drawings), data.scale_factor)
    state = model.initial_state(len(rows), label=labels if model.labelled else None)
    total = float(model.score(rows, lengths, state).double().sum())
    assert found.nll_per_point == pytest.approx(total / int(lengths.sum()), rel=1e-5)


@pytest.mark.parametrize("nmax", [50, 200])
def test_the_loss_is_the_likelihood_without_the_ends_over_nmax(data: Dataset, nmax: int) -> None:
    config = small()
    model, valid = model_of(data, config), data.split("valid")
    found = validate(model, valid, config, nmax)
    rows, lengths, labels = padded(valid, np.arange(len(valid)), data.scale_factor)
    inputs = torch.cat((model.start_rows(len(rows))[:, None], rows[:, :-1]), 1)
    with torch.no_grad():
        raw, _ = model(inputs, model.initial_state(len(rows), label=labels))
        offset, pen = MixtureDensity(raw).log_prob(rows)
    inked = torch.arange(rows.shape[1]) < lengths[:, None] - 1
    ends = float(pen[torch.arange(len(rows)), lengths - 1].double().sum())
    floored = torch.logaddexp(offset.double(), torch.tensor(1e-6).double().log())
    assert found.nll_per_point * int(lengths.sum()) == pytest.approx(
        -float((offset + pen).double()[inked].sum()) - ends, rel=1e-5
    )
    assert found.terms["offset"] * nmax * len(rows) == pytest.approx(-float(floored[inked].sum()), rel=1e-5)
    assert found.terms["pen"] * nmax * len(rows) == pytest.approx(-float(pen.double()[inked].sum()), rel=1e-5)
    assert found.loss(config) == found.terms["offset"] + found.terms["pen"]


def test_the_divergence_is_that_of_the_models_own_encoding(data: Dataset) -> None:
    config = small(backend="vae")
    model, valid = model_of(data, config), data.split("valid")
    assert isinstance(model, VaeModel)
    each = []
    for i in range(len(valid)):
        rows = valid.drawing(i)[:-1].astype(float)
        rows[:, :2] /= data.scale_factor
        mu, sigma = model.encode(rows)
        each.append(float(kl_loss(torch.from_numpy(mu), 2 * torch.from_numpy(sigma).log())))
    found = validate(model, valid, config, data.max_length)
    assert found.terms["kl"] == pytest.approx(np.mean(each), rel=1e-4)
    assert validate(model_of(data, small()), valid, small(), data.max_length).terms.keys() == {
        "offset",
        "pen",
    }


def test_z_is_drawn_and_the_same_each_time(data: Dataset) -> None:
    config = small(backend="vae")
    model, valid = model_of(data, config), data.split("valid")
    with torch.no_grad():
        model.presig.bias.fill_(4.0)  # type: ignore[union-attr, operator]
    first, again = (validate(model, valid, config, data.max_length) for _ in range(2))
    assert first == again
    other = validate(model, valid, replace(config, seed=1), data.max_length)
    assert other.nll_per_point != pytest.approx(first.nll_per_point, rel=1e-5)
    assert other.terms["kl"] == first.terms["kl"]


@pytest.mark.parametrize(("kl", "loss"), [(None, 3.0), (0.7, 3.0 + 0.5 * 0.7), (0.1, 3.0 + 0.5 * 0.2)])
def test_the_loss_has_the_full_weight_of_the_divergence(kl: float | None, loss: float) -> None:
    found = Validation({"offset": 1.0, "pen": 2.0, **({} if kl is None else {"kl": kl})}, 0.5, 9)
    assert found.loss(TrainConfig(kl_start=0.0)) == pytest.approx(loss)


def test_only_the_first_drawings_are_looked_at(data: Dataset) -> None:
    config = small(valid_limit=4)
    model, valid = model_of(data, config), data.split("valid")
    found = validate(model, valid, config, data.max_length)
    rows, lengths, labels = padded(valid, np.arange(4), data.scale_factor)
    scores = model.score(rows, lengths, model.initial_state(4, label=labels))
    assert found.drawings == 4
    assert found.nll_per_point == pytest.approx(float(scores.sum()) / int(lengths.sum()), rel=1e-5)


@pytest.mark.parametrize("kind", ["decoder", "vae"])
def test_to_be_measured_changes_neither_a_model_nor_its_training(data: Dataset, kind: str) -> None:
    config = small(**KINDS[kind])
    model = model_of(data, config).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    chance = torch.get_rng_state()
    training = validate(model, data.split("valid"), config, data.max_length)
    assert model.training and torch.equal(chance, torch.get_rng_state())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert validate(model.eval(), data.split("valid"), config, data.max_length) == training
    # What was made on the way can still be learnt with.
    loss = model.train().losses(batches_of(data, config).batch(0))
    (loss["offset"] + loss["pen"]).backward()
