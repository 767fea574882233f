"""What becomes of a model: it is saved and loaded, and the engine draws with it."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch

from sketchkit import registry
from sketchkit.card import ModelCard
from sketchkit.checkpoints.load import load_model
from sketchkit.checkpoints.native import dump_native
from sketchkit.errors import PluginError
from sketchkit.generate import sample
from sketchkit.models import SketchModel
from sketchkit.sketch import Sketch
from sketchkit.testing.faults import Faults
from sketchkit.testing.modelsteps import Inputs, away

__all__ = ["check_drawing", "check_saving"]

_SEED, _POINTS = 3, 20
_ADVICE = (
    "keep all that it needs in parameters and in its architecture, and make no use of numbers in __init__"
)


def check_saving(model: SketchModel, cls: type[SketchModel], inputs: Inputs, faults: Faults) -> None:
    """A checkpoint must bring the same model back, built as the loader builds it."""
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            kind = str(tensor.dtype).removeprefix("torch.")
            advice = "checkpoints hold floating-point weights only, so compute it where it is used"
            faults.add("saving", f"{name!r} of its state_dict is of the type {kind}: {advice}")
            return
    with faults.during("saving", "when it is saved and loaded", _ADVICE):
        again = _built_again(model, cls)
        with torch.inference_mode():
            wanted, _ = model(inputs.rows, inputs.begin(model))
            raw, _ = again(inputs.rows, inputs.begin(again))
        if away(raw, wanted) > 1e-6:
            faults.add("saving", f"from a checkpoint it comes back as another model: {_ADVICE}")
        if _is_registered(cls):
            _check_file(model, faults)


def _built_again(model: SketchModel, cls: type[SketchModel]) -> SketchModel:
    from safetensors.torch import load

    tensors = load(dump_native(model, dtype=model.dtype))
    architecture = cls.architecture_type(**orjson.loads(orjson.dumps(dataclasses.asdict(model.architecture))))
    card = ModelCard.from_json(orjson.loads(orjson.dumps(model.card.to_json())))
    # As the loader does it: nothing is allocated for weights that come from a file.
    with torch.device("meta"):
        again = cls(architecture, card)
    again.load_state_dict(tensors, assign=True)
    return again.requires_grad_(False).eval()


def _is_registered(cls: type[SketchModel]) -> bool:
    try:
        return registry.load("model", cls.backend) is cls
    except PluginError:
        return False


def _check_file(model: SketchModel, faults: Faults) -> None:
    with tempfile.TemporaryDirectory(prefix="sketchkit-check-") as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        again = load_model(path, "cpu", model.dtype)
    if again.weights_checksum() != model.weights_checksum():
        faults.add("saving", f"a file brings back other weights: {_ADVICE}")


def check_drawing(model: SketchModel, faults: Faults) -> None:
    """The engine must be able to draw with it: the same drawings, whatever is drawn beside them."""
    before = model.weights_checksum()
    advice = "let step and initial_state depend on their arguments and the weights alone"
    with faults.during("drawing", "when it draws for sketchkit.sample", advice):
        # More than there are slots, so that drawings take over the rows of others.
        few = sample(model, 3, seed=_SEED, max_points=_POINTS, exact=True)
        more = sample(model, 20, seed=_SEED, max_points=_POINTS, exact=True)
        if not all(map(_alike, few, more)):
            faults.add("drawing", f"a drawing changes with how many are drawn beside it: {advice}")
    if model.weights_checksum() != before:
        advice = "return copies in the state, which the engine writes to"
        faults.add("weights unchanged", f"its weights change while it draws: {advice}")


def _alike(one: Sketch, other: Sketch) -> bool:
    same: Any = len(one) == len(other) and np.allclose(one.points, other.points, rtol=1e-3, atol=1e-2)
    return bool(same)
