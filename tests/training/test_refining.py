"""Refining by the critic, `examples/refine_by_critic.py`: what is rewarded becomes likelier."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import sketchkit
from sketchkit.card import ModelCard
from sketchkit.critic import load_critic
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.training.data import Dataset, Recipe, prepare_sketches, synth
from sketchkit.units import from_rows

SCRIPT = Path(__file__).parents[2] / "examples" / "refine_by_critic.py"
CLASSES = ("face", "sun")


@pytest.fixture(scope="module")
def refining() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refine_by_critic", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def decoder() -> DecoderModel:
    torch.manual_seed(3)
    sizes = DecoderArchitecture(hidden=16, mixtures=3, classes=2, embedding=4, position=True)
    model = DecoderModel(sizes, ModelCard("tiny", 20.0, 60, classes=CLASSES))
    model.decoder.output.bias.data[:3] = torch.tensor([1.5, 0.5, 0.0])  # draw, lift, end
    return model


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("refining") / "data"
    made = [each.labelled(CLASSES[i % 2], f"key {i}") for i, each in enumerate(synth(24, seed=4))]
    return prepare_sketches(made, path, Recipe(splits=(60, 20, 20)))


def own_of(
    refining: ModuleType, model: SketchModel, n: int, max_points: int = 60, temperature: float = 0.25
) -> Any:
    """Drawings as the script has them, drawn by the public function."""
    names = [CLASSES[i % 2] for i in range(n)]
    drawings = sketchkit.sample(model, n, 0.25, class_name=names, seed=1, max_points=max_points)
    scale = np.array([20.0, 20.0, 1.0, 1.0, 1.0])
    rows = [(each.stroke5[1:] / scale).astype(np.float32) for each in drawings]
    return refining.Own(rows, np.zeros(n, np.int64), np.arange(n) % 2, temperature)


def test_drawings_are_as_likely_as_the_model_itself_says(refining: ModuleType, decoder: DecoderModel) -> None:
    own = own_of(refining, decoder, 8, max_points=6, temperature=1.0)
    assert set(own.ended) == {True, False}
    found = refining.log_prob(decoder, own).detach()
    for i, rows in enumerate(own.rows):
        offset, pen = decoder.log_prob(rows[None], decoder.initial_state(1, label=torch.tensor([i % 2])))
        assert float(found[i]) == pytest.approx(float((offset + pen).sum()), abs=1e-3)


def test_given_rows_do_not_count(refining: ModuleType, decoder: DecoderModel) -> None:
    own = own_of(refining, decoder, 2, max_points=6, temperature=1.0)
    given = replace(own, given=np.array([3, 0]))
    whole, part = (refining.log_prob(decoder, each).detach() for each in (own, given))
    offset, pen = decoder.log_prob(own.rows[0][None], decoder.initial_state(1, label=torch.tensor([0])))
    assert float(part[0]) == pytest.approx(float((offset + pen)[0, 3:].sum()), abs=1e-3)
    assert float(part[1]) == pytest.approx(float(whole[1]), abs=1e-5)


def test_drawings_are_scored_under_the_rule_that_drew_them(
    refining: ModuleType, decoder: DecoderModel
) -> None:
    """The expected gradient of the log-likelihood of a model's own drawings is zero."""
    refining.log_prob(decoder, own_of(refining, decoder, 600)).mean().backward()
    bias = decoder.decoder.output.bias
    assert bias.grad is not None and bias.grad[:3].abs().max() < 0.15
    bias.grad.zero_()
    refining.log_prob(decoder, own_of(refining, decoder, 600, temperature=1.0)).mean().backward()
    assert bias.grad[:3].abs().max() > 0.3


def test_a_drawing_that_is_better_than_its_siblings_becomes_likelier(
    refining: ModuleType, decoder: DecoderModel
) -> None:
    own = own_of(refining, decoder, 6)
    before = refining.log_prob(decoder, own).detach()
    refining.own_loss(decoder, own, np.eye(6)[2], 6).backward()
    with torch.no_grad():
        for weight in decoder.parameters():
            assert weight.grad is not None
            weight.sub_(1e-3 * weight.grad)
    gains = refining.log_prob(decoder, own).detach() - before
    assert gains[2] > 0 and gains[2] > np.delete(gains.numpy(), 2).max()


def test_equal_rewards_change_nothing(refining: ModuleType, decoder: DecoderModel) -> None:
    own = own_of(refining, decoder, 6)
    refining.own_loss(decoder, own, np.full(6, 0.7), 3).backward()
    gradients = [weight.grad for weight in decoder.parameters()]
    assert all(each is not None and float(each.abs().max()) < 1e-6 for each in gradients)


def test_every_other_update_ends_beginnings(
    refining: ModuleType, decoder: DecoderModel, drawings: Dataset
) -> None:
    words = ["model", "data", "--endings", "0.4", "--groups", "2", "--siblings", "3", "--max-points", "20"]
    asked = refining.parser().parse_args(words)
    drawer = refining.Drawer(decoder, drawings.split("train"), asked)
    for step in range(4):
        own, rewards = drawer.draw(step)
        assert rewards.shape == (6,) and (rewards <= 1).all()
        np.testing.assert_array_equal(rewards == asked.endless, ~own.ended)
        assert own.temperature == (0.4 if step % 2 else 0.25)
        assert bool(own.given.any()) == bool(step % 2)
        for rows, given, label in zip(own.rows, own.given, own.labels, strict=True):
            # Siblings begin alike, after the last point of a stroke.
            first = own.rows[3 * int(np.flatnonzero(own.labels == label)[0] // 3)]
            np.testing.assert_array_equal(rows[:given], first[:given])
            assert given == 0 or rows[given - 1, 3] == 1


def test_the_script_refines_a_model(
    refining: ModuleType,
    decoder: DecoderModel,
    drawings: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    decoder.save(tmp_path / "model.safetensors")
    out = tmp_path / "refined.safetensors"
    small = {"steps": 2, "groups": 2, "siblings": 2, "batch-size": 4, "max-points": 20}
    words = [word for name, value in small.items() for word in (f"--{name}", str(value))]
    given = [str(SCRIPT), str(tmp_path / "model.safetensors"), str(drawings.path), "-o", str(out), *words]
    monkeypatch.setattr(sys, "argv", given)
    refining.main()
    assert "NLL per point of validation drawings" in capsys.readouterr().err
    before, after = (sketchkit.load_model(path, device="cpu").state_dict() for path in (given[1], out))
    assert not torch.equal(before["decoder.output.weight"], after["decoder.output.weight"])


def test_a_model_that_the_critic_cannot_judge_is_refused(
    refining: ModuleType, tiny_model: SketchModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scribbler.safetensors"
    tiny_model.save(path)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(path), str(tmp_path)])
    with pytest.raises(SystemExit, match="is not a decoder whose classes the critic knows"):
        refining.main()


def test_classes_that_the_critic_has_hardly_seen_go_without_the_critic_of_flaws(
    refining: ModuleType,
    decoder: DecoderModel,
    drawings: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoder.card = replace(decoder.card, classes=("duck", "star"))
    asked = refining.parser().parse_args(["model", "data", "--soundness", "0", "--groups", "2"])
    drawer = refining.Drawer(decoder, drawings.split("train"), asked)
    own, rewards = drawer.draw(0)
    critic = load_critic()
    drawn = [from_rows(rows, 20.0, (0.0, 0.0), joined=True) for rows in own.rows]
    chances = critic.chances(drawn, (*critic.classes, "star"))
    wanted = [chances[i, -1 if label else critic.classes.index("duck")] for i, label in enumerate(own.labels)]
    np.testing.assert_allclose(rewards, np.where(own.ended, wanted, asked.endless), rtol=1e-4)
    path = tmp_path / "stars.safetensors"
    decoder.save(path)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(path), str(tmp_path)])
    with pytest.raises(SystemExit, match="lacks some of its classes: give --soundness 0"):
        refining.main()
