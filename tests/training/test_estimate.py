"""What a training would take: counted by hand, and tried without leaving a trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from train_parts import model_of, shapes, small

from sketchkit.errors import InputError
from sketchkit.training.checkpointing import TrainState
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset
from sketchkit.training.estimate import Estimate, estimate

# Numbers by hand for hidden H = 8, M = 2 (so 15 outputs), encoder E = 4, Z = 3, and 3 numbers for a class.
ROW = 7  # dx, dy, three pen states, and where the pen is
GATES, OUTPUTS, CLASSES = 4 * 8, 6 * 2 + 3, 4 * 3  # one more row in the table stands for no class
DECODER = GATES * ROW + GATES * 8 + GATES + OUTPUTS * 8 + OUTPUTS
ENCODER = 2 * (16 * ROW + 16 * 4 + 16)
AROUND = 2 * (3 * 8 + 3) + (16 * 3 + 16)  # mu and log variance from 2E, the first state from z
PARAMETERS = {
    "decoder": DECODER,
    "with classes": DECODER + GATES * 3 + CLASSES,
    "vae": DECODER + GATES * (3 + 3) + CLASSES + ENCODER + AROUND,
}
#: Products for each point, and for each drawing.
PRODUCTS = {
    "decoder": (GATES * ROW + GATES * 8 + OUTPUTS * 8, 0),
    "with classes": (GATES * ROW + GATES * 8 + OUTPUTS * 8, GATES * 3),
    "vae": (
        GATES * ROW + GATES * 8 + OUTPUTS * 8 + 2 * (16 * ROW + 16 * 4),
        GATES * (3 + 3) + 2 * 3 * 8 + 16 * 3,
    ),
}
KINDS: dict[str, dict[str, Any]] = {
    "decoder": {"classes": False},
    "with classes": {},
    "vae": {"backend": "vae"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return shapes(tmp_path_factory)


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_and_work_are_those_counted_by_hand(data: Dataset, kind: str) -> None:
    config = small(**KINDS[kind], steps=68)
    found = estimate(data, config, device="cpu", threads=1)
    train = data.split("train")
    assert found.parameters == PARAMETERS[kind]
    assert found.parameters == sum(p.numel() for p in model_of(data, config).parameters())
    assert found.points_a_step == pytest.approx(10 * float(train.lengths.mean()))
    a_point, a_drawing = PRODUCTS[kind]
    # Each product is two operations, once forward and twice for the gradients.
    assert found.flop_a_step == pytest.approx(6 * (a_point * found.points_a_step + a_drawing * 10))
    assert (found.steps, found.epochs) == (68, pytest.approx(680 / len(train)))
    assert found.seconds == pytest.approx(68 * found.seconds_a_step) and found.seconds_a_step > 0


def test_what_a_small_lstm_reads_of_the_large_one_is_work_for_every_point(data: Dataset) -> None:
    found = estimate(data, small(cell="hyper-lstm", batch_size=1), device="cpu", threads=1)
    large = GATES * ROW + GATES * 8 + OUTPUTS * 8
    hyper = 1024 * (ROW + 8) + 1024 * 256 + 256 * 256 + 256 * 128 + 3 * GATES * 32
    expected = (large + hyper) * found.points_a_step + (GATES + 1024) * 3
    assert found.flop_a_step == pytest.approx(6 * expected)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_checkpoint_is_as_large_as_it_says(data: Dataset, ema: float) -> None:
    found = estimate(data, small(classes=False, ema=ema), device="cpu")
    copies = 4 if ema else 3  # the weights, two moments, and the average
    assert found.checkpoint_bytes == 4 * copies * DECODER + 8
    state = TrainState(model_of(data, small(classes=False, ema=ema)), TrainConfig())
    assert len(state.tensors()) > 0


def test_a_balanced_epoch_is_counted_as_one(data: Dataset) -> None:
    found = estimate(data, small(balance=1.0, steps=100), device="cpu")
    per_class = round(len(data.split("train")) / 3)
    assert found.epochs == pytest.approx(1000 / (3 * per_class))


def test_nothing_is_written_and_nothing_is_changed(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in data.path.iterdir()}

    monkeypatch.chdir(tmp_path)
    before = files()
    chance, theirs = torch.get_rng_state(), np.random.get_state()
    torch.set_num_threads(2)
    try:
        estimate(data, small(backend="vae", grid=25, log_every=1, save_every=1), device="cpu", threads=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert files() == before and list(tmp_path.iterdir()) == []
    assert torch.equal(chance, torch.get_rng_state())
    assert all(np.array_equal(a, b) for a, b in zip(theirs, np.random.get_state(), strict=True))


def test_a_data_set_without_training_drawings_is_refused(data: Dataset) -> None:
    nobody = {"train": data.split("test"), "valid": data.split("valid"), "test": data.split("test")}
    empty = Dataset(data.path, data.manifest, nobody)
    with pytest.raises(InputError, match="shapes: the data set has no drawings to train on"):
        estimate(empty, small(), device="cpu")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5.4, "5 seconds"),
        (119.0, "119 seconds"),
        (120.0, "2.0 minutes"),
        (7199.0, "120.0 minutes"),
        (9000.0, "2.5 hours"),
        (2 * 86400.0, "2.0 days"),
    ],
)
def test_it_is_told_in_words_and_in_numbers(seconds: float, words: str) -> None:
    found = Estimate(1_234_567, 15_000_000, 4600.0, 2.5e9, 20_000, 42.0, 0.25, seconds)
    lines = found.lines()
    assert lines[0] == "parameters: 1,234,567"
    assert lines[1] == "a checkpoint: 15.0 MB, two are kept"
    assert lines[2] == "a step: 4,600 points, 2.5 GFLOP, 0.25 s (18,400 points/s)"
    assert lines[3] == f"20,000 steps: 42 epochs, {words}"
    assert Estimate(**json.loads(json.dumps(found.to_json()))) == found
