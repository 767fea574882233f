"""Which models are loaded on numpy alone, and which on torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sketchkit.errors import CheckpointError
from sketchkit.generate import load_drawing_model
from sketchkit.generate.loading import WORTH_TORCH
from sketchkit.models import ArrayModel, SketchModel
from sketchkit.models.array_model import ArrayVae
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.sampling import make_sampler


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"engine": "numpy"},
        {"engine": "numpy", "exact": True},
        {"points": WORTH_TORCH - 1},
        {"points": WORTH_TORCH, "device": "cpu"},
        {"points": WORTH_TORCH, "engine": "numpy"},
        {"sampler": make_sampler("truncated", 0.5)},
    ],
    ids=str,
)
def test_numpy_draws_where_it_can(how: dict[str, Any]) -> None:
    assert type(load_drawing_model("doodle-vae", **how)) is ArrayVae
    assert type(load_drawing_model("doodle", **how)) is ArrayModel


@pytest.mark.parametrize(
    "how",
    [
        {"engine": "torch"},
        {"engine": "compiled"},
        {"points": WORTH_TORCH},
        {"precision": "int8"},
        {"exact": True},
        {"sampler": make_sampler("nucleus", 0.5)},
    ],
    ids=str,
)
def test_torch_draws_the_rest(how: dict[str, Any]) -> None:
    loaded = load_drawing_model("doodle-vae", **how)
    assert isinstance(loaded, SketchModel)
    assert loaded.decoding.engine == how.get("engine", "auto")
    assert loaded.decoding.precision == how.get("precision", "float32")


def test_models_of_other_cells_are_on_torch(tmp_path: Path, tiny_model: SketchModel) -> None:
    made = DecoderModel(DecoderArchitecture(8, 2, "hyper-lstm"), tiny_model.card)
    made.save(tmp_path / "hyper.safetensors")
    assert isinstance(load_drawing_model(tmp_path / "hyper.safetensors"), SketchModel)
    with pytest.raises(CheckpointError, match="no such file"):
        load_drawing_model(tmp_path / "missing.safetensors")
