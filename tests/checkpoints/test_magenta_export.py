"""Models trained here, as Magenta's JSON: computed from the file by another reader, with numpy alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
import torch

from sketchkit.card import ModelCard
from sketchkit.checkpoints.load import load_model
from sketchkit.checkpoints.magenta import dump_magenta
from sketchkit.errors import CheckpointError
from sketchkit.models import Batch, SketchModel
from sketchkit.training import TrainConfig
from sketchkit.training.backends import build
from sketchkit.training.checkpointing import TrainState

Array = np.ndarray[Any, Any]
CLASSES = ("cat", "pig")


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


class Reader:
    """What Magenta's libraries do with a file, from the description of the format."""

    def __init__(self, content: bytes) -> None:
        self.header, shapes, blobs = json.loads(content)
        self.arrays = []
        for shape, blob in zip(shapes, blobs, strict=True):
            steps = np.frombuffer(base64.b64decode(blob), "<i2").astype(np.float32)
            self.arrays.append((steps / np.float32(32767) * np.float32(10)).astype(float).reshape(shape))
        self.conditional = len(self.arrays) == 17

    def outputs(self, rows: Array, z: Array | None) -> Array:
        """Raw outputs before each row and after the last, from the start token 0, 0, 1, 0, 0 on."""
        if self.conditional:
            assert z is not None
            init_w, init_b, out_w, out_b, w_x, w_h, bias = self.arrays[10:]
            c, h = np.split(np.tanh(z @ init_w + init_b), 2)
        else:
            out_w, out_b, w_x, w_h, bias = self.arrays
            h = c = np.zeros(len(out_w))
        found = []
        for row in [np.array([0, 0, 1, 0, 0.0]), *rows]:
            x = row if z is None else np.concatenate((row, z))
            i, j, f, o = np.split(x @ w_x + h @ w_h + bias, 4)
            c = c * _sigmoid(f + 1.0) + _sigmoid(i) * np.tanh(j)
            h = np.tanh(c) * _sigmoid(o)
            found.append(h @ out_w + out_b)
        return np.stack(found)

    def posterior(self, rows: Array) -> Array:
        """The mean of z."""
        ends = []
        for arrays, ordered in ((self.arrays[0:3], rows), (self.arrays[3:6], rows[::-1])):
            w_x, w_h, bias = arrays
            h = c = np.zeros(len(w_h))
            for row in ordered:
                i, j, f, o = np.split(row @ w_x + h @ w_h + bias, 4)
                c = c * _sigmoid(f + 1.0) + _sigmoid(i) * np.tanh(j)
                h = np.tanh(c) * _sigmoid(o)
            ends.append(h)
        mu_w, mu_b = self.arrays[6:8]
        return np.concatenate(ends) @ mu_w + mu_b


def _rows(n: int = 12) -> Array:
    chance = np.random.default_rng(3)
    rows = np.zeros((n, 5))
    rows[:, :2] = chance.normal(size=(n, 2))
    rows[np.arange(n), 2 + (chance.random(n) < 0.2)] = 1.0
    return rows


def _trained(backend: str) -> SketchModel:
    """A small model that has learnt for a few updates, so that no weight is what it was made with."""
    sizes = {"hidden": 16, "encoder_hidden": 8, "latent": 5, "mixtures": 3, "embedding": 4}
    config = TrainConfig.made(
        None, {"backend": backend, "classes": True, "position": False, "seed": 2}, sizes
    )
    model = build(config, ModelCard(name="both", classes=CLASSES, scale_factor=30.0)).train()
    state, rows = TrainState(model, config), _rows()
    points = torch.tensor(np.concatenate([rows, np.tile([0, 0, 0, 0, 1.0], (1, 1))]), dtype=torch.float32)
    batch = Batch.of(
        points.expand(3, -1, -1), torch.full((3,), 13), torch.full((3,), 12), 13, torch.tensor([0, 1, 2])
    )
    for _ in range(15):
        state.optimiser.zero_grad()
        torch.stack(list(model.losses(batch).values())).sum().backward()
        state.update(0.01, 1.0)
    return model.requires_grad_(False).eval()


@pytest.mark.parametrize("label", ["cat", "pig", None])
@pytest.mark.parametrize("backend", ["decoder", "vae"])
def test_another_reader_computes_what_the_trained_model_does(backend: str, label: str | None) -> None:
    model, rows = _trained(backend), _rows()
    reader = Reader(dump_magenta(model, class_name=label))
    z = np.linspace(-1.0, 1.0, 5) if backend == "vae" else None
    whole = model.double()
    np.testing.assert_allclose(
        reader.outputs(rows, z), whole.raw_outputs(rows, z=z, class_name=label), rtol=0, atol=5e-3
    )
    others = {"cat", "pig", None} - {label}
    for other in others:
        assert not np.allclose(
            reader.outputs(rows, z), whole.raw_outputs(rows, z=z, class_name=other), atol=5e-3
        )
    if backend == "vae":
        np.testing.assert_allclose(reader.posterior(rows), whole.encode(rows)[0], rtol=0, atol=5e-3)


def test_another_reader_computes_what_the_bundled_model_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    model, rows = load_model("doodle-1", device="cpu", dtype="float64"), _rows(40)
    for label in ("car", "face"):
        reader = Reader(dump_magenta(model, class_name=label))
        expected, found = model.raw_outputs(rows, class_name=label), reader.outputs(rows, None)
        # A weight is off by up to 1.5e-4; sums of hundreds of them, over forty steps, by a few hundredths.
        assert np.abs(found - expected).max() < 0.2
        assert np.abs(found - expected).mean() < 0.01


@pytest.mark.parametrize("name", ["doodle", "doodle-vae"])
def test_a_bundled_model_that_reads_the_place_cannot_be_exported(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="where the pen is"):
        dump_magenta(load_model(name, device="cpu"), class_name="car")
