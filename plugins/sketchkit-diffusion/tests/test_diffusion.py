"""Diffusion: what it reads of a drawing, what it draws of noise, and training and drawing by command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sketchkit_diffusion import DiffusionArchitecture, DiffusionModel

import sketchkit as sk
from sketchkit.cli import main
from sketchkit.errors import InputError
from sketchkit.models import Batch
from sketchkit.testing import check_model

SIZES: dict[str, Any] = {"points": 16, "width": 8, "stages": 6}


def made(**changes: Any) -> DiffusionModel:
    torch.manual_seed(1)
    architecture = DiffusionArchitecture(**{**SIZES, **changes})
    card = sk.ModelCard(name="small", scale_factor=20.0, classes=tuple("ab"[: architecture.classes]))
    model = DiffusionModel(architecture, card)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return model


def batch_of(inks: list[int], label: torch.Tensor | None = None) -> Batch:
    time = max(inks) + 1
    points = torch.zeros(len(inks), time, 5)
    chance = torch.Generator().manual_seed(2)
    for b, n in enumerate(inks):
        points[b, :n, :2] = torch.randn(n, 2, generator=chance)
        points[b, :n, 2] = 1.0
        points[b, n - 1, 2:4] = torch.tensor([0.0, 1.0])
        points[b, n:, 4] = 1.0
    lengths = torch.tensor(inks) + 1
    return Batch.of(points, lengths, lengths - 1, time, label)


def test_channels_become_the_same_rows_again() -> None:
    model, batch = made(), batch_of([3, 9, 16, 20])
    from sketchkit_diffusion.model import _rows

    channels, inked = model.channels(batch)
    assert inked.sum(1).tolist() == [3, 9, 16, 16]
    for b, n in enumerate([3, 9, 16, 16]):
        rows = _rows(channels[b].numpy(), 100)
        np.testing.assert_allclose(rows[:n], batch.points[b, :n].numpy(), atol=1e-5)
        assert (len(rows) == n + 1) == bool(rows[-1, 4]) == (n < 16)


@pytest.mark.parametrize("classes", [0, 2])
def test_losses_are_means_over_drawings_and_reach_every_weight(classes: int) -> None:
    model = made(classes=classes)
    label = torch.tensor([0, 2, 1]) if classes else None
    batch = batch_of([5, 2, 12], label)
    batch = batch.with_noise(torch.randn(3, model.noise_size, generator=torch.Generator().manual_seed(3)))
    whole = model.losses(batch)
    assert list(whole) == ["place", "pen"] and all(float(term.detach()) > 0 for term in whole.values())
    torch.stack(list(whole.values())).sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and bool(weight.grad.isfinite().all()), name


def test_a_drawing_is_the_same_whatever_is_drawn_beside_it() -> None:
    model = made(classes=2).requires_grad_(False).eval()
    many = sk.sample(model, 5, 1.0, seed=3, class_name="a", max_points=9)
    one = sk.sample(model, 1, 1.0, seed=3, class_name="a", first=3, max_points=9)[0]
    np.testing.assert_allclose(many[3].stroke5, one.stroke5, atol=1e-3)
    assert all(sketch.label == "a" and sketch.key == f"3-{i}" for i, sketch in enumerate(many))
    assert all(np.isfinite(sketch.stroke5).all() and len(sketch.stroke5) <= 11 for sketch in many)


@pytest.mark.parametrize("classes", [0, 2])
def test_it_keeps_the_contract_of_a_model(classes: int) -> None:
    check_model(DiffusionModel, architecture=DiffusionArchitecture(**SIZES, classes=classes))


def test_what_needs_steps_is_refused_in_one_line() -> None:
    model = made().requires_grad_(False).eval()
    sketch = sk.Sketch.from_polylines([[(0, 0), (10, 0), (20, 10)]])
    with pytest.raises(InputError, match="draws whole drawings at once, not point by point"):
        sk.complete(model, sketch, 1)
    with pytest.raises(InputError, match="it takes no sampler but temperature"):
        sk.sample(model, 1, sampler="greedy")


@pytest.mark.parametrize(("changes", "told"), [({"points": 10}, "multiple of 4"), ({"width": 12}, "of 8")])
def test_sizes_out_of_range_are_refused(changes: dict[str, int], told: str) -> None:
    with pytest.raises(InputError, match=told):
        DiffusionArchitecture(**changes)


def test_the_command_trains_goes_on_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: object) -> str:
        assert main.run([str(word) for word in words]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path / "store"))
    run("data", "synth", "-n", 40, "--class", "sun", "-o", "suns")
    sizes = ("-O", "width=8", "-O", "points=32", "-O", "stages=4", "-O", "pen_weight=0.5")
    quick = ("--batch-size", 5, "--grid", 4, "--threads", 1, "--no-tensorboard", "--log-every", 1)
    run("train", "suns", "-o", "run", "--backend", "diffusion", "--steps", 4, *quick, *sizes)
    said = json.loads(run("train", "suns", "-o", "run", "--resume", "--steps", 6, "--json"))
    assert said["step"] == 6
    header = (tmp_path / "run" / "train.csv").read_text().splitlines()[0]
    assert header.startswith("step,loss,place,pen,pen_weight,learning_rate")
    assert ",,1" not in header and (tmp_path / "run" / "samples").is_dir()
    run("sample", "--model", "run/best.safetensors", "-n", 3, "-o", "three.svg")
    run("doctor", "run")
