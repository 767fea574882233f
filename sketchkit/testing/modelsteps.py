"""What must hold of a model's states and steps."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.errors import InputError
from sketchkit.models import SketchModel, State
from sketchkit.noise import normals, uniforms
from sketchkit.testing.faults import Faults

__all__ = ["Inputs", "away", "check_steps"]

_STREAM = 79
_ROWS, _TIME = 7, 9
#: How far outputs may be off that are computed in another way, and those of a row among others.
_ANOTHER_WAY, _AMONG_OTHERS = 1e-4, 1e-5
_ADVICE = "take any rows [B, 5] and any state that initial_state or step gave"


@dataclass(frozen=True)
class Inputs:
    """What a model reads.

    Args:
        rows: [B, T, 5] in model units.
        z: [B, Z]; None for an unconditional model.
        label: int64 [B], classes and none in particular; None for a model that knows none.
    """

    rows: Tensor
    z: Tensor | None
    label: Tensor | None

    @classmethod
    def of(cls, model: SketchModel, faults: Faults, count: int = _ROWS) -> Inputs | None:
        """Inputs of so many rows; None for a conditional model whose latent vectors have no length."""
        index = torch.arange(count)
        rows = torch.zeros(count, _TIME, 5)
        rows[..., :2] = normals(1, index, 2 * _TIME, _STREAM).view(count, _TIME, 2)
        lifted = uniforms(2, index[:, None], torch.arange(_TIME), _STREAM)[..., 0] < 0.3
        rows[..., 2], rows[..., 3] = ~lifted, lifted
        z, label = None, None
        if model.conditional:
            size = getattr(model.architecture, "latent", None)
            if not isinstance(size, int):
                advice = "give its architecture the field latent, the length of z"
                faults.add("latent", f"it is conditional, but nobody knows how long z is: {advice}")
                return None
            z = normals(3, index, size, _STREAM)
        if model.labelled:
            label = index % (model.architecture.classes + 1)
        kind, place = model.dtype, model.device
        return cls(
            rows.to(place, kind),
            None if z is None else z.to(place, kind),
            None if label is None else label.to(place),
        )

    def of_rows(self, chosen: Tensor) -> Inputs:
        """Those of some of the rows."""
        z, label = self.z, self.label
        return Inputs(
            self.rows[chosen], None if z is None else z[chosen], None if label is None else label[chosen]
        )

    def begin(self, model: SketchModel) -> State:
        """The model's initial state for these inputs."""
        return model.initial_state(len(self.rows), self.z, self.label)


def away(one: Tensor, other: Tensor) -> float:
    """The largest difference of two tensors, as a share where they are larger than 1."""
    one, other = one.double(), other.double()
    return float(((one - other).abs() / other.abs().clamp(min=1.0)).max()) if one.numel() else 0.0


@torch.inference_mode()
def check_steps(model: SketchModel, inputs: Inputs, faults: Faults) -> bool:
    """Try the model step by step; whether it is worth going on."""
    for rows in (1, 4, _ROWS):
        few = inputs.of_rows(torch.arange(rows))
        with faults.during("steps", f"for {rows} rows", _ADVICE):
            _check_walk(model, few, faults)
        if len(faults):
            return False
    with faults.during(
        "forward", "when it reads many points at once", "give forward what step gives, [B, T, 6M + 3]"
    ):
        _check_forward(model, inputs, faults)
    with faults.during("alone", "for other rows", _ADVICE):
        _check_alone(model, inputs, faults)
    with faults.during(
        "half precision", "in bfloat16", "keep all that it computes with in the model's dtype"
    ):
        _check_half(model, inputs, faults)
    for name, other in (("z", _another_z(inputs)), ("label", _another_label(model, inputs))):
        if other is not None:
            with faults.during(f"minds {name}", f"for another {name}", _ADVICE):
                _check_minds(model, inputs, other, name, faults)
    return not len(faults)


def _check_walk(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    state = inputs.begin(model)
    batch = len(inputs.rows)
    if not _is_state(state, batch, "initial_state", faults):
        return
    kinds = _kinds(state)
    for t in range(inputs.rows.shape[1]):
        rows, before = inputs.rows[:, t].clone(), tuple(part.clone() for part in state)
        result = model.step(rows, state)
        if not isinstance(result, tuple) or len(result) != 2:
            faults.add(
                "a pair", f"step returns a {type(result).__name__}: return raw outputs and the next state"
            )
            return
        raw, after = result
        if not _is_raw(raw, batch, faults) or not _is_state(after, batch, "step", faults):
            return
        if _kinds(after) != kinds:
            advice = "keep the shapes and types of initial_state"
            faults.add(
                "the state stays",
                f"step turns the state {_told(kinds)} into {_told(_kinds(after))}: {advice}",
            )
            return
        if not torch.equal(rows, inputs.rows[:, t]) or not all(map(_same, state, before)):
            what = "its state" if torch.equal(rows, inputs.rows[:, t]) else "its rows"
            advice = "make new tensors, since the engine may go on from the same state again"
            faults.add("arguments unchanged", f"step writes to {what}: {advice}")
            return
        state = after


def _is_state(state: Any, batch: int, maker: str, faults: Faults) -> bool:
    if not isinstance(state, tuple) or not all(isinstance(part, Tensor) for part in state):
        faults.add("a state", f"{maker} gives a {type(state).__name__} for a state: give a tuple of tensors")
        return False
    for place, part in enumerate(state):
        if not part.dim() or len(part) != batch:
            shape = list(part.shape)
            advice = "make the rows its first dimension"
            faults.add(
                "a state", f"part {place} of the state of {batch} rows is {shape} after {maker}: {advice}"
            )
            return False
    return True


def _is_raw(raw: Any, batch: int, faults: Faults) -> bool:
    shape = list(raw.shape) if isinstance(raw, Tensor) else type(raw).__name__
    fits = isinstance(raw, Tensor) and raw.dim() == 2 and len(raw) == batch and raw.is_floating_point()
    try:
        if not fits:
            raise InputError("no raw outputs")
        MixtureDensity(raw)
    except InputError:
        advice = f"return [{batch}, 6M + 3], three pen logits and six numbers a component"
        faults.add("raw outputs", f"the raw outputs of {batch} rows are {shape}: {advice}")
        return False
    if not bool(torch.isfinite(raw).all()):
        faults.add("finite", "with fresh weights a raw output is not finite: begin with smaller weights")
        return False
    return True


def _check_forward(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    wanted, last = _walked(model, inputs)
    raw, state = model(inputs.rows, inputs.begin(model))
    if raw.shape != wanted.shape:
        shapes = f"{list(raw.shape)} where steps give {list(wanted.shape)}"
        faults.add("forward", f"forward returns the shape {shapes}: return [B, T, 6M + 3]")
    elif (off := away(raw, wanted)) > _ANOTHER_WAY:
        faults.add("forward", f"forward is off by {off:.3g} from step after step: let both compute the same")
    elif _kinds(state) != _kinds(last) or any(
        away(*pair) > _ANOTHER_WAY for pair in zip(state, last, strict=True)
    ):
        faults.add(
            "forward", "forward ends in another state than step after step: return the state after the last"
        )


def _check_alone(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    wanted, _ = _walked(model, inputs)
    for chosen in (torch.tensor([5, 0, 3, 2]), torch.arange(_ROWS).flip(0)):
        raw, _ = _walked(model, inputs.of_rows(chosen))
        off = away(raw, wanted[chosen])
        if off > _AMONG_OTHERS:
            advice = "compute each row by itself, without means over the batch"
            faults.add("alone", f"raw outputs change by {off:.3g} with the rows beside them: {advice}")


def _check_half(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    half = copy.deepcopy(model).to(torch.bfloat16)
    narrow = Inputs(inputs.rows.bfloat16(), None if inputs.z is None else inputs.z.bfloat16(), inputs.label)
    begun = narrow.begin(half)
    raw, state = half.step(narrow.rows[:, 0], begun)
    if not bool(torch.isfinite(raw).all()):
        faults.add("half precision", "in bfloat16 a raw output is not finite: begin with smaller weights")
    elif _kinds(state) != _kinds(begun):
        told = f"{_told(_kinds(begun))} into {_told(_kinds(state))}"
        faults.add(
            "half precision", f"in bfloat16 step turns the state {told}: keep the types of initial_state"
        )


def _another_z(inputs: Inputs) -> Inputs | None:
    return None if inputs.z is None else Inputs(inputs.rows, inputs.z.flip(0) * 3.0, inputs.label)


def _another_label(model: SketchModel, inputs: Inputs) -> Inputs | None:
    if inputs.label is None:
        return None
    return Inputs(inputs.rows, inputs.z, (inputs.label + 1) % (model.architecture.classes + 1))


def _check_minds(model: SketchModel, inputs: Inputs, other: Inputs, name: str, faults: Faults) -> None:
    if torch.equal(_walked(model, inputs)[0], _walked(model, other)[0]):
        what = {"z": "latent vector", "label": "class"}[name]
        faults.add(
            f"minds {name}", f"another {what} changes nothing: let initial_state put it into the state"
        )


def _walked(model: SketchModel, inputs: Inputs) -> tuple[Tensor, State]:
    """Raw outputs [B, T, 6M + 3], step after step, and the last state."""
    state, out = inputs.begin(model), []
    for t in range(inputs.rows.shape[1]):
        raw, state = model.step(inputs.rows[:, t], state)
        out.append(raw.clone())
    return torch.stack(out, 1), state


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.equal(one, other)


def _kinds(state: State) -> list[tuple[torch.dtype, tuple[int, ...]]]:
    return [(part.dtype, tuple(part.shape)) for part in state]


def _told(kinds: list[tuple[torch.dtype, tuple[int, ...]]]) -> str:
    parts = [f"{str(kind).removeprefix('torch.')} {list(shape)}" for kind, shape in kinds]
    return f"({', '.join(parts)})"
