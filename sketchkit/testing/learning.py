"""What must hold of a model that is trained."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.models import Batch, Losses, Packing, SketchModel, State
from sketchkit.noise import normals
from sketchkit.testing.chance import check_pure
from sketchkit.testing.faults import Faults
from sketchkit.testing.modelsteps import Inputs, away

__all__ = ["check_learning", "check_wholes"]

_OPTIONS = ("", "dropout", "recurrent_dropout")
_OFF = 1e-4
#: Of the noise that a batch comes with here.
_STREAM = 78
_ADVICE = "return raw outputs [N, 6M + 3] in the order of packing.pack"


def check_learning(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    """Try what training asks of a model; its weights stay as they are."""
    learner = copy.deepcopy(model).requires_grad_(True).train()
    lengths = torch.tensor([9, 4, 7, 1, 9, 3, 2])
    packing = Packing.of(lengths, inputs.rows.shape[1])
    with faults.during("packed", "when it reads a batch for training", _ADVICE):
        _check_packed(learner, inputs, packing, faults)
    if faults.broken("packed"):
        return
    with faults.during("dropout", "with numbers dropped", "take keep of the shape [N, droppable]"):
        _check_dropout(learner, inputs, packing, faults)
    with faults.during(
        "gradients", "when gradients are computed", "compute with torch alone, and not in place"
    ):
        _check_gradients(learner, inputs, lengths, packing, faults)


def check_wholes(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    """Try a model that draws whole drawings: its losses, their gradients, and its drawings."""
    learner = copy.deepcopy(model).requires_grad_(True).train()
    with faults.during("losses", "when it learns from a batch", "give scalars by name, with torch alone"):
        terms = _losses(learner, inputs)
        again = _losses(learner, inputs)
        if any(not torch.equal(terms[name], again[name]) for name in terms):
            faults.add("losses", "its losses differ for the same batch: all chance is in batch.noise")
        torch.stack([term.double() for term in terms.values()]).sum().backward()  # type: ignore[no-untyped-call]
        _check_slopes(learner, faults)
    with faults.during("draw", "when it draws", "give float32 rows [T, 5] for each index"):
        _check_draws(model, inputs.label, faults)


def _losses(model: SketchModel, inputs: Inputs) -> Losses:
    lengths = torch.tensor([9, 4, 7, 2, 9, 3, 2])
    points = inputs.rows.clone()
    points[torch.arange(points.shape[1]) >= lengths[:, None] - 1] = points.new_tensor([0, 0, 0, 0, 1.0])
    batch = Batch.of(points, lengths, lengths - 1, points.shape[1], inputs.label)
    noise = normals(4, torch.arange(len(lengths)), model.noise_size, _STREAM)
    return model.losses(batch.with_noise(noise.to(points)))


@torch.inference_mode()
def _check_draws(model: SketchModel, label: Tensor | None, faults: Faults) -> None:
    def draw(index: list[int]) -> list[Any]:
        chosen = None if label is None else label[: len(index)].new_zeros(len(index))
        return model.draw(np.array(index), seed=1, label=chosen, temperature=0.5, max_points=9)

    for rows, alone in zip(draw([0, 5, 2]), (draw([index])[0] for index in (0, 5, 2)), strict=True):
        if rows.dtype != np.float32 or rows.ndim != 2 or rows.shape[1] != 5 or not np.isfinite(rows).all():
            faults.add("draw", f"it draws {rows.dtype} {list(rows.shape)}: draw finite float32 rows [T, 5]")
        elif len(rows) - int(rows[-1, 4]) > 9:
            faults.add("draw", f"it draws {len(rows)} rows where max_points is 9: draw fewer")
        elif rows.shape != alone.shape or not np.allclose(rows, alone, atol=1e-3):
            faults.add("draw", "a drawing depends on what is drawn beside it: use seed and index alone")


@torch.no_grad()
def _check_packed(model: SketchModel, inputs: Inputs, packing: Packing, faults: Faults) -> None:
    def run() -> bytes:
        return model.packed(inputs.rows, inputs.begin(model), packing).float().numpy().tobytes()

    instead = "in training mode drop numbers by keep alone, not by nn.Dropout"
    check_pure(run, "raw outputs of a batch", instead, faults)
    wanted = packing.pack(copy.deepcopy(model).eval()(inputs.rows, inputs.begin(model))[0])
    raw = model.packed(inputs.rows, inputs.begin(model), packing)
    if raw.shape != wanted.shape:
        faults.add(
            "packed", f"packed returns the shape {list(raw.shape)} for {list(wanted.shape)}: {_ADVICE}"
        )
    elif (off := away(raw, wanted)) > _OFF:
        faults.add("packed", f"packed is off by {off:.3g} from forward: let both compute the same")


@torch.no_grad()
def _check_dropout(model: SketchModel, inputs: Inputs, packing: Packing, faults: Faults) -> None:
    option, size = model.dropout_option, model.droppable
    if option not in _OPTIONS:
        faults.add(
            "dropout", f"its dropout_option is {option!r}: make it one of {', '.join(map(repr, _OPTIONS))}"
        )
        return
    if bool(option) != bool(size):
        advice = "name an option and say how many numbers it drops, or neither"
        faults.add("dropout", f"its dropout_option is {option!r} and droppable is {size}: {advice}")
        return
    if not size:
        return
    ones = torch.ones(len(packing.rows), size)
    full = model.packed(inputs.rows, inputs.begin(model), packing)
    if (off := away(model.packed(inputs.rows, inputs.begin(model), packing, ones), full)) > _OFF:
        faults.add(
            "dropout", f"a keep of ones changes raw outputs by {off:.3g}: multiply by it, and nothing more"
        )
    if away(model.packed(inputs.rows, inputs.begin(model), packing, 0 * ones), full) <= _OFF:
        faults.add("dropout", "a keep of zeros changes nothing: multiply what is droppable by it")


def _check_gradients(
    model: SketchModel, inputs: Inputs, lengths: Tensor, packing: Packing, faults: Faults
) -> None:
    state, loss = _begun(model, inputs, lengths)
    raw = model.packed(inputs.rows, state, packing)
    offset, pen = MixtureDensity(raw).log_prob(packing.pack(inputs.rows))
    (loss - (offset + pen).mean()).backward()  # type: ignore[no-untyped-call]
    _check_slopes(model, faults)


def _check_slopes(model: SketchModel, faults: Faults) -> None:
    for name, weight in model.named_parameters():
        if weight.grad is None:
            advice = "use it, or leave it out"
            faults.add("gradients", f"the weight {name!r} never gets a gradient: {advice}")
        elif not bool(torch.isfinite(weight.grad).all()):
            advice = "avoid what has no slope, such as the root of 0"
            faults.add("finite gradients", f"the gradient of {name!r} is not finite: {advice}")


def _begun(model: Any, inputs: Inputs, lengths: Tensor) -> tuple[State, Tensor]:
    """The initial state, from the posterior where the model has an encoder, and what that costs."""
    if inputs.z is None or not hasattr(model, "encode_batch"):
        return inputs.begin(model), torch.zeros(())
    mu, log_variance = model.encode_batch(inputs.rows, lengths)
    z = mu + (log_variance / 2).exp() * inputs.z
    kl = (mu.square() + log_variance.exp() - log_variance).mean()
    return Inputs(inputs.rows, z, inputs.label).begin(model), kl
