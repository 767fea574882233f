"""Refining by the critic, `examples/refine_by_critic.py`: what is rewarded becomes likelier."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import sketchkit
from sketchkit.card import ModelCard
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.training.data import Recipe, prepare_sketches, synth

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


def own_of(refining: ModuleType, model: SketchModel, n: int, max_points: int = 60) -> Any:
    names = [CLASSES[i % 2] for i in range(n)]
    drawings = sketchkit.sample(model, n, 0.25, class_name=names, seed=1, max_points=max_points)
    return refining.Own(list(drawings), np.arange(n) % 2, np.zeros(n))


def test_drawings_are_as_likely_as_the_model_itself_says(refining: ModuleType, decoder: DecoderModel) -> None:
    own = own_of(refining, decoder, 8, max_points=6)
    assert {each.ended for each in own.drawings} == {True, False}
    found = refining.log_prob(decoder, own, 1.0).detach()
    for i, drawing in enumerate(own.drawings):
        rows = drawing.stroke5[1:] / [20.0, 20.0, 1.0, 1.0, 1.0]
        offset, pen = decoder.log_prob(rows[None], decoder.initial_state(1, label=torch.tensor([i % 2])))
        assert float(found[i]) == pytest.approx(float((offset + pen).sum()), abs=1e-3)


def test_drawings_are_scored_under_the_rule_that_drew_them(
    refining: ModuleType, decoder: DecoderModel
) -> None:
    """The expected gradient of the log-likelihood of a model's own drawings is zero."""
    refining.log_prob(decoder, own_of(refining, decoder, 600), 0.25).mean().backward()
    bias = decoder.decoder.output.bias
    assert bias.grad is not None and bias.grad[:3].abs().max() < 0.15
    bias.grad.zero_()
    refining.log_prob(decoder, own_of(refining, decoder, 600), 1.0).mean().backward()
    assert bias.grad[:3].abs().max() > 0.3


def test_a_drawing_that_is_better_than_its_siblings_becomes_likelier(
    refining: ModuleType, decoder: DecoderModel
) -> None:
    own = own_of(refining, decoder, 6)
    own.rewards[2] = 1.0
    before = refining.log_prob(decoder, own, 0.25).detach()
    refining.own_loss(decoder, own, 6, 0.25).backward()
    with torch.no_grad():
        for weight in decoder.parameters():
            assert weight.grad is not None
            weight.sub_(1e-3 * weight.grad)
    gains = refining.log_prob(decoder, own, 0.25).detach() - before
    assert gains[2] > 0 and gains[2] > np.delete(gains.numpy(), 2).max()


def test_equal_rewards_change_nothing(refining: ModuleType, decoder: DecoderModel) -> None:
    own = own_of(refining, decoder, 6)
    own.rewards[:] = 0.7
    refining.own_loss(decoder, own, 3, 0.25).backward()
    gradients = [weight.grad for weight in decoder.parameters()]
    assert all(each is not None and float(each.abs().max()) < 1e-6 for each in gradients)


def test_the_script_refines_a_model(
    refining: ModuleType,
    decoder: DecoderModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    decoder.save(tmp_path / "model.safetensors")
    drawings = [each.labelled(CLASSES[i % 2], f"key {i}") for i, each in enumerate(synth(24, seed=4))]
    prepare_sketches(drawings, tmp_path / "data", Recipe(splits=(60, 20, 20)))
    out = tmp_path / "refined.safetensors"
    small = {"steps": 2, "groups": 2, "siblings": 2, "batch-size": 4, "max-points": 20}
    words = [word for name, value in small.items() for word in (f"--{name}", str(value))]
    given = [str(SCRIPT), str(tmp_path / "model.safetensors"), str(tmp_path / "data"), "-o", str(out), *words]
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
