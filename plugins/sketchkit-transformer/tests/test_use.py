"""The transformer in use: drawing through the engine, training and completing by command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sketchkit_transformer import TransformerModel
from test_model import WINDOW, made

import sketchkit as sk
from sketchkit.cli import main

BEGUN = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">
  <path fill="none" stroke="#222" d="M 146 112 C 160 98 160 70 142 60 C 120 50 96 60 90 82"/>
</svg>
"""
TINY = ("-O", "width=16", "-O", "layers=2", "-O", "heads=2", "-O", "feed=24", "-O", "window=8")
QUICK = ("--mixtures", "3", "--batch-size", "5", "--grid", "0", "--threads", "1", "--no-tensorboard")


def ending(end: float, **changes: Any) -> TransformerModel:
    """A model with random weights whose drawings end sooner or later."""
    model = made(position=True, **changes)
    with torch.no_grad():
        model.output.bias[:3] = torch.tensor([1.0, 0.0, end])  # draw, lift, end
    return model


def drawn(model: TransformerModel, n: int, **more: Any) -> list[np.ndarray]:
    return [sketch.stroke5 for sketch in sk.sample(model, n, 1.0, seed=4, **more)]


@pytest.mark.parametrize("exact", [False, True])
def test_a_drawing_does_not_depend_on_what_is_drawn_beside_it(exact: bool) -> None:
    """Slots are refilled at once with 4 of them, and let go at the end with 16."""
    model = ending(-1.0)
    one_by_one = [drawn(model, 1, first=i, exact=exact)[0] for i in range(16)]
    lengths = [len(rows) for rows in one_by_one]
    assert min(lengths) < WINDOW < 4 * WINDOW < max(lengths)
    for width in (4, 9, 16):
        together = drawn(model, 16, batch_size=width, exact=exact)
        assert [len(rows) for rows in together] == lengths
        for one, other in zip(one_by_one, together, strict=True):
            assert np.array_equal(one, other) if exact else np.allclose(one, other, atol=1e-3)


def test_a_drawing_may_be_much_longer_than_the_window() -> None:
    model = ending(-50.0)
    (rows,) = drawn(model, 1, max_points=12 * WINDOW)
    assert len(rows) >= 12 * WINDOW - 1 and np.isfinite(rows).all()


def test_a_beginning_longer_than_the_window_is_gone_on_with() -> None:
    model = ending(-50.0)
    begun = sk.sample(model, 1, 1.0, seed=4, max_points=4 * WINDOW)[0]
    for found in sk.complete(model, begun, 3, 1.0, seed=5, max_points=6 * WINDOW):
        whole, given = found.sketch.points, begun.points
        assert np.allclose(whole[: len(given)], given, atol=1e-3 * np.ptp(given))
        assert len(whole) > len(given) + WINDOW


def test_a_run_by_command_goes_on_and_its_model_completes_a_drawing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: object) -> str:
        assert main.run([str(word) for word in words]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path / "store"))
    (tmp_path / "begun.svg").write_text(BEGUN)
    run("data", "synth", "-o", "toys", "-n", 60)
    train = ("train", "toys", "--backend", "transformer", *TINY, *QUICK)
    more = ("--dropout", 0.1, "--position", "--classes", "--steps", 8, "--save-every", 2, "--log-every", 1)
    run(*train, *more, "-o", "whole")
    run(*train, *more, "-o", "parts", "--max-time", "0s")
    run("train", "toys", "-o", "parts", "--resume", "--no-tensorboard")
    numbers = [
        [line.split(",")[:7] for line in (tmp_path / name / "train.csv").read_text().splitlines()]
        for name in ("whole", "parts")
    ]
    assert len(numbers[0]) == 9 and numbers[0] == numbers[1]
    record = json.loads((tmp_path / "whole" / "run.json").read_text())
    assert record["config"]["architecture"]["window"] == 8
    model = ("--model", "whole/best.safetensors", "--max-points", 30)
    run("complete", "begun.svg", *model, "-n", 3, "-o", "done.svg")
    assert len(sk.Sketch.from_svg((tmp_path / "done.svg").read_text())) > 5
    words = ("whole/best.safetensors", "toys", "--split", "valid", "--samples", 0)
    assert "NLL" in run("evaluate", *words)
