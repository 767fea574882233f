"""The contract of model backends: architecture, steps, training, checkpoints and drawing."""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from torch import Tensor

from sketchkit import registry
from sketchkit.card import ModelCard
from sketchkit.checkpoints.load import load_model
from sketchkit.checkpoints.native import dump_native
from sketchkit.density import MixtureDensity
from sketchkit.devices import one_thread
from sketchkit.errors import InputError, PluginError
from sketchkit.generate import sample
from sketchkit.models import Batch, Losses, Packing, SketchModel, State
from sketchkit.noise import normals
from sketchkit.testing.faults import Faults, check_pure, collect_faults, in_a_line, seed_generators
from sketchkit.testing.model_fixtures import STEPS, Inputs, make_card, make_inputs
from sketchkit.testing.result import Entry, load_plugin
from sketchkit.testing.stepping import (
    Stepping,
    check_alone,
    check_state,
    check_step,
    describe_layout,
    find_layout,
    relative_error,
)

__all__ = ["check_model"]

#: Of the noise that a batch comes with here.
_STREAM = 78

#: How many rows of each drawing count in a batch for training.
_LENGTHS = torch.tensor([9, 4, 7, 1, 9, 3, 2, 5])
_ROWS = len(_LENGTHS)
#: The largest relative error of another way of computing, and of a row among others.
_ANOTHER_WAY, _AMONG_OTHERS = 1e-4, 1e-5
_STEP = "take any rows [B, 5] and any state of initial_state or step"
_SAVING = "keep all state in parameters and the architecture, and compute with numbers only after __init__"
_DROPOUT_OPTIONS = ("", "dropout", "recurrent_dropout")

#: Invalid sizes, names and flags, by the type of the field's default.
_INVALID: dict[type, tuple[Any, ...]] = {
    int: (-1, 10**15, "many", None),
    float: (float("nan"), "much", None),
    str: ("no such thing as this", -1, None),
    bool: (7, "perhaps", None),
}


@one_thread()
def check_model(plugin: Any, *, architecture: Any = None, backend: str | None = None) -> None:
    """Try a model backend with fresh weights.

    The class is a `SketchModel` whose `backend` is its registered name; its architecture is a frozen
    dataclass of numbers, texts and flags that survives JSON and refuses invalid values by `InputError`.
    `initial_state` and `step` give tuples of tensors [B, ...] that keep shapes and types, and finite raw
    outputs [B, 6M + 3]; `forward` equals step after step, and `packed` equals `forward`; rows are
    independent; arguments stay unchanged; all of it works in bfloat16. A latent vector and a class matter
    where the model has them. Gradients reach every weight, and `keep` drops the numbers of `dropout_option`.
    A checkpoint restores the same model, and the engine draws the same drawings with it in any number.

    Args:
        plugin: a name as registered, the class, or a model on the CPU.
        architecture: of the model to try, the smaller the faster; the default one when None.
        backend: the registered name of the class, where it is not given by its name.

    Raises:
        CheckFailed: one line a fault.
        PluginError: an unknown or ambiguous name.
    """
    if isinstance(plugin, str | Entry):
        backend = (plugin if isinstance(plugin, str) else plugin.name).rpartition(":")[2]
    with seed_generators(3), collect_faults() as faults:  # the seed determines fresh weights
        _check(load_plugin("model", plugin, faults), architecture, backend, faults)


def _check(found: Any, architecture: Any, backend: str | None, faults: Faults) -> None:
    cls = found if isinstance(found, type) else type(found)
    fault = f"{cls.__name__} is not a model: make it a subclass of sketchkit.SketchModel"
    faults.require(issubclass(cls, SketchModel), "a model", fault)
    name = getattr(cls, "backend", None)
    if not isinstance(name, str) or backend not in (None, name):
        faults.add("backend", f"its backend is {name!r}: make it {backend or 'its registered name'!r}")
    _check_architecture(cls, faults)
    faults.stop_if_any()
    model = found if isinstance(found, SketchModel) else _make(cls, architecture, faults)
    inputs = make_inputs(model, _ROWS, faults)
    if model.draws_wholes:
        _check_wholes(model, inputs, faults)
        return
    _check_steps(model, inputs, faults)
    faults.stop_if_any()
    _check_training(model, inputs, faults)
    _check_saving(model, cls, inputs, faults)
    _check_drawing(model, faults)


def _check_wholes(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    """Try a model that draws whole drawings: its losses, their gradients, and its drawings."""
    learner = copy.deepcopy(model).requires_grad_(True).train()
    with faults.during("losses", "when it learns from a batch", "give scalars by name, with torch alone"):
        terms = _losses(learner, inputs)
        again = _losses(learner, inputs)
        if any(not torch.equal(terms[name], again[name]) for name in terms):
            faults.add("losses", "its losses differ for the same batch: all chance is in batch.noise")
        torch.stack([term.double() for term in terms.values()]).sum().backward()  # type: ignore[no-untyped-call]
        _check_finite_gradients(learner, faults)
    with faults.during("draw", "when it draws", "give float32 rows [T, 5] for each index"):
        _check_draws(model, inputs.label, faults)


def _losses(model: SketchModel, inputs: Inputs) -> Losses:
    lengths = torch.tensor([9, 4, 7, 2, 9, 3, 2, 5])
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


def _check_finite_gradients(model: SketchModel, faults: Faults) -> None:
    for name, weight in model.named_parameters():
        if weight.grad is None:
            faults.add("gradients", f"the weight {name!r} never gets a gradient: use it, or leave it out")
        elif not bool(torch.isfinite(weight.grad).all()):
            advice = "avoid functions without a slope, such as the root of 0"
            faults.add("finite gradients", f"the gradient of {name!r} is not finite: {advice}")


def _make(cls: type[SketchModel], architecture: Any, faults: Faults) -> SketchModel:
    advice = "let Subclass(architecture, card) accept architecture_type()"
    with faults.during("makeable", "when a model is made", advice):
        architecture = cls.architecture_type() if architecture is None else architecture
        card = make_card(architecture)
        model = cls(architecture, card)
        if (
            getattr(model, "architecture", None) is not architecture
            or getattr(model, "card", None) is not card
        ):
            advice = "begin __init__ with super().__init__(architecture, card)"
            faults.add("facts", f"the model loses its architecture or card: {advice}")
        fault = "it lacks weights: add parameters, which determine its type and device"
        faults.require(list(model.parameters()), "weights", fault)
    if "makeable" in faults or "weights" in faults:
        faults.stop_if_any()
    return model.requires_grad_(False).eval()


# --- the architecture -------------------------------------------------------------------------------------


def _check_architecture(cls: type[SketchModel], faults: Faults) -> None:
    kind: Any = getattr(cls, "architecture_type", None)
    frozen = getattr(getattr(kind, "__dataclass_params__", None), "frozen", False)
    fault = f"its architecture_type is {kind!r}: use a class with @dataclass(frozen=True)"
    faults.require(isinstance(kind, type) and frozen, "architecture", fault)
    with faults.during("defaults", f"for {kind.__name__}()", "give every field a default"):
        usual = kind()
    if "defaults" in faults:
        return
    advice = "use fields of numbers, texts and flags"
    with faults.during("JSON", "when its architecture is written as JSON", advice):
        if kind(**orjson.loads(orjson.dumps(dataclasses.asdict(usual)))) != usual:
            faults.add("JSON", f"it comes back different: {advice}")
    for field in dataclasses.fields(usual):
        for value in _INVALID.get(type(getattr(usual, field.name)), ()):
            _check_value(cls, usual, field.name, value, faults)


def _check_value(cls: type[SketchModel], usual: Any, name: str, value: Any, faults: Faults) -> None:
    """Check that a value, as a file may hold it, is refused by `InputError` or makes a model."""
    try:
        architecture = dataclasses.replace(usual, **{name: value})
        classes = getattr(architecture, "classes", 0)
        names = tuple(map(str, range(classes))) if isinstance(classes, int) and classes < 1000 else ()
        with torch.device("meta"):  # allocates no memory
            cls(architecture, ModelCard(classes=names))
    except InputError:
        pass
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # plugins raise exceptions of all kinds
        problem = f"{type(usual).__name__}({name}={value!r}) raises {in_a_line(error)}"
        faults.add("nonsense", f"{problem}: raise InputError, as sketchkit.models.check_sizes does", error)


# --- steps ------------------------------------------------------------------------------------------------


@torch.inference_mode()
def _check_steps(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    for rows in (1, 4, _ROWS):
        with faults.during("steps", f"for {rows} rows", _STEP):
            _check_walk(model, inputs.select(torch.arange(rows)), faults)
        faults.stop_if_any()
    with faults.during("forward", "in many steps at once", "compute in forward the same as in step"):
        _check_forward(model, inputs, faults)
    with faults.during("alone", "for other rows", _STEP):
        check_alone(
            Stepping(
                begin=lambda numbers: inputs.select(numbers).begin(model),
                step=lambda numbers, ages, state: model.step(inputs.rows[numbers, ages], state),
                rows=_ROWS,
                tolerance=_AMONG_OTHERS,
            ),
            "alone",
            faults,
        )
    with faults.during("half precision", "in bfloat16", "compute in the model's dtype alone"):
        _check_half(model, inputs, faults)
    others = {}
    if inputs.z is not None:
        others["z"] = dataclasses.replace(inputs, z=inputs.z.flip(0) * 3.0)
    if inputs.label is not None:
        label = (inputs.label + 1) % (model.architecture.classes + 1)
        others["label"] = dataclasses.replace(inputs, label=label)
    for name, other in others.items():
        with faults.during(f"minds {name}", f"for another {name}", _STEP):
            if torch.equal(_walk(model, inputs)[0], _walk(model, other)[0]):
                faults.add(
                    f"minds {name}", "raw outputs stay the same: let initial_state put it into the state"
                )


def _check_walk(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    state = inputs.begin(model)
    check_state(state, len(inputs.rows), "initial_state", faults)
    for rows in inputs.rows.unbind(1):
        raw, state = check_step(model.step, rows, state, faults)
        _check_raw(raw, len(rows), faults)
        faults.stop_if_any()


def _check_raw(raw: Any, batch: int, faults: Faults) -> None:
    try:
        if not isinstance(raw, Tensor) or raw.shape[:-1] != (batch,) or not raw.is_floating_point():
            raise InputError("invalid raw outputs")
        MixtureDensity(raw)
    except InputError:
        given = list(raw.shape) if isinstance(raw, Tensor) else type(raw).__name__
        advice = f"return [{batch}, 6M + 3], three pen logits and six numbers a component"
        faults.add("raw outputs", f"raw outputs are {given}: {advice}")
        return
    if not bool(torch.isfinite(raw).all()):
        faults.add("finite", "fresh weights give raw outputs that are not finite: begin with smaller weights")


def _check_forward(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    wanted, last = _walk(model, inputs)
    raw, state = model(inputs.rows, inputs.begin(model))
    if raw.shape != wanted.shape:
        faults.add("forward", f"forward returns {list(raw.shape)}: return [B, T, 6M + 3]")
    elif (off := relative_error(raw, wanted)) > _ANOTHER_WAY:
        faults.add("forward", f"forward is off by {off:.3g} from step after step: let both compute the same")
    elif find_layout(state) != find_layout(last) or any(
        relative_error(*pair) > _ANOTHER_WAY for pair in zip(state, last, strict=True)
    ):
        faults.add("forward", "forward ends in another state than steps: return the state after the last row")


def _check_half(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    half = copy.deepcopy(model).to(torch.bfloat16)
    z = None if inputs.z is None else inputs.z.bfloat16()
    narrow = Inputs(inputs.rows.bfloat16(), z, inputs.label)
    begun = narrow.begin(half)
    raw, state = half.step(narrow.rows[:, 0], begun)
    if not bool(torch.isfinite(raw).all()):
        faults.add("half precision", "a raw output is not finite: begin with smaller weights")
    elif find_layout(state) != find_layout(begun):
        change = f"{describe_layout(begun)} into {describe_layout(state)}"
        faults.add("half precision", f"step turns the state {change}: keep the types of initial_state")


def _walk(model: SketchModel, inputs: Inputs) -> tuple[Tensor, State]:
    """Raw outputs [B, T, 6M + 3], step after step, and the last state."""
    state, outputs = inputs.begin(model), []
    for rows in inputs.rows.unbind(1):
        raw, state = model.step(rows, state)
        outputs.append(raw.clone())
    return torch.stack(outputs, 1), state


# --- training ---------------------------------------------------------------------------------------------


def _check_training(model: SketchModel, inputs: Inputs, faults: Faults) -> None:
    learner = copy.deepcopy(model).requires_grad_(True).train()
    packing = Packing.of(_LENGTHS, STEPS)
    advice = "return raw outputs [N, 6M + 3] in the order of packing.pack"
    with faults.during("packed", "in a batch for training", advice):
        _check_packed(learner, inputs, packing, faults)
    if "packed" in faults:
        return
    with faults.during("dropout", "with numbers dropped", "take keep of the shape [N, droppable]"):
        _check_dropout(learner, inputs, packing, faults)
    with faults.during("gradients", "in the backward pass", "compute with torch alone, and not in place"):
        _check_gradients(learner, inputs, packing, faults)


@torch.no_grad()
def _check_packed(model: SketchModel, inputs: Inputs, packing: Packing, faults: Faults) -> None:
    def run() -> bytes:
        return model.packed(inputs.rows, inputs.begin(model), packing).float().numpy().tobytes()

    check_pure(run, "raw outputs", "drop numbers by keep alone, not by nn.Dropout", faults)
    wanted = packing.pack(copy.deepcopy(model).eval()(inputs.rows, inputs.begin(model))[0])
    raw = model.packed(inputs.rows, inputs.begin(model), packing)
    if raw.shape != wanted.shape:
        faults.add("packed", f"packed returns {list(raw.shape)}: return {list(wanted.shape)}")
    elif (off := relative_error(raw, wanted)) > _ANOTHER_WAY:
        faults.add("packed", f"packed is off by {off:.3g} from forward: let both compute the same")


@torch.no_grad()
def _check_dropout(model: SketchModel, inputs: Inputs, packing: Packing, faults: Faults) -> None:
    option, size = model.dropout_option, model.droppable
    if option not in _DROPOUT_OPTIONS:
        faults.add("dropout", f"its dropout_option is {option!r}: make it one of {_DROPOUT_OPTIONS}")
    elif bool(option) != bool(size):
        problem = f"its dropout_option is {option!r} and droppable is {size}"
        faults.add("dropout", f"{problem}: give an option and the number of numbers it drops, or neither")
    elif size:
        ones = torch.ones(len(packing.rows), size)
        full, kept, dropped = (
            model.packed(inputs.rows, inputs.begin(model), packing, keep) for keep in (None, ones, 0 * ones)
        )
        if (off := relative_error(kept, full)) > _ANOTHER_WAY:
            faults.add("dropout", f"a keep of ones changes raw outputs by {off:.3g}: multiply by it alone")
        if relative_error(dropped, full) <= _ANOTHER_WAY:
            faults.add("dropout", "a keep of zeros changes nothing: multiply the droppable numbers by it")


def _check_gradients(model: Any, inputs: Inputs, packing: Packing, faults: Faults) -> None:
    loss = torch.zeros(())
    if inputs.z is not None and hasattr(model, "encode_batch"):
        mu, log_variance = model.encode_batch(inputs.rows, _LENGTHS)
        loss = (mu.square() + log_variance.exp() - log_variance).mean()
        inputs = dataclasses.replace(inputs, z=mu + (log_variance / 2).exp() * inputs.z)
    raw = model.packed(inputs.rows, inputs.begin(model), packing)
    offset, pen = MixtureDensity(raw).log_prob(packing.pack(inputs.rows))
    (loss - (offset + pen).mean()).backward()  # type: ignore[no-untyped-call]
    _check_finite_gradients(model, faults)


# --- checkpoints and drawing ------------------------------------------------------------------------------


def _check_saving(model: SketchModel, cls: type[SketchModel], inputs: Inputs, faults: Faults) -> None:
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            advice = "checkpoints hold floating-point weights only, so compute it where it is used"
            faults.add("saving", f"{name!r} of its state_dict is {tensor.dtype}: {advice}")
            return
    with faults.during("saving", "when it is saved and loaded", _SAVING):
        loaded = _reload(model, cls)
        with torch.inference_mode():
            wanted, raw = (each(inputs.rows, inputs.begin(each))[0] for each in (model, loaded))
        if relative_error(raw, wanted) > 1e-6:
            faults.add("saving", f"a checkpoint restores another model: {_SAVING}")
        if _is_registered(cls):
            with tempfile.TemporaryDirectory(prefix="sketchkit-check-") as folder:
                path = Path(folder) / "model.safetensors"
                model.save(path)
                loaded = load_model(path, "cpu", model.dtype)
            if loaded.weights_checksum() != model.weights_checksum():
                faults.add("saving", f"a file restores other weights: {_SAVING}")


def _reload(model: SketchModel, cls: type[SketchModel]) -> SketchModel:
    """A model as the loader makes it from a checkpoint."""
    from safetensors.torch import load

    tensors = load(dump_native(model, dtype=model.dtype))
    architecture = cls.architecture_type(**orjson.loads(orjson.dumps(dataclasses.asdict(model.architecture))))
    card = ModelCard.from_json(orjson.loads(orjson.dumps(model.card.to_json())))
    with torch.device("meta"):  # allocates no memory for weights that come from a file
        loaded = cls(architecture, card)
    loaded.load_state_dict(tensors, assign=True)
    return loaded.requires_grad_(False).eval()


def _is_registered(cls: type[SketchModel]) -> bool:
    try:
        return registry.load("model", cls.backend) is cls
    except PluginError:
        return False


def _check_drawing(model: SketchModel, faults: Faults) -> None:
    before = model.weights_checksum()
    advice = "let step and initial_state depend on their arguments and the weights alone"
    with faults.during("drawing", "when sketchkit.sample draws with it", advice):
        # More drawings than slots, so that some take over the rows of others.
        few, more = (sample(model, count, seed=3, max_points=20, exact=True) for count in (3, 20))
        for sketch, other in zip(few, more, strict=False):
            if len(sketch) != len(other) or not np.allclose(
                sketch.points, other.points, rtol=1e-3, atol=1e-2
            ):
                faults.add("drawing", f"a drawing changes with the number of drawings: {advice}")
    if model.weights_checksum() != before:
        fault = "its weights change while it draws: return copies in the state, which the engine writes to"
        faults.add("weights unchanged", fault)
