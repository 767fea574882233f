"""What must hold of an engine and of the steppers that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from sketchkit.devices import one_thread, resolve_device
from sketchkit.engine import PRECISIONS, Engine
from sketchkit.models import SketchModel
from sketchkit.testing.chance import chance
from sketchkit.testing.enginecompany import check_company
from sketchkit.testing.enginedraws import check_draws
from sketchkit.testing.enginemodels import engine_models
from sketchkit.testing.enginesteps import check_stepping
from sketchkit.testing.enginetrials import ROWS, Trial
from sketchkit.testing.faults import Faults
from sketchkit.testing.modelsteps import Inputs
from sketchkit.testing.taking import Entry, loaded

__all__ = ["check_engine"]

_METHODS = ("enter", "step", "draw")
_FLAGS = ("steady", "many_at_once", "recordable")


@one_thread()
def check_engine(plugin: Any, *, few: bool = False) -> None:
    """Try an engine with small models: decoders and VAEs, strangers, other number types, each precision.

    It is made by a call without arguments. `unfit` says why not, in half a sentence, or None, of every model
    and precision; what it calls fit must give a stepper. The models lie on the CPU and on the accelerator
    that there is, if any; an engine that fits none of them has nothing more to show.

    `enter` and `step` write to none of their arguments, `step` gives the model's own raw outputs as far as
    the precision allows, and a later call leaves alone what an earlier one returned. States are tuples of
    tensors whose rows may be taken out, put in another order, and written over where a drawing begins; a row
    that is not a number stays alone. `draw` gives the points that the stepper's own raw outputs and the same
    noise make, with their losses, stops where it likes, and writes to its state and its points alone.

    Where it says that it is `steady`, rows are equal bit for bit in batches of 1, 3, 8 and 40; where it says
    `many_at_once`, two threads make what each makes alone. A stepper that is made once the weights have
    changed goes by the new ones. The model stays as it is, and so do the global generators.

    Args:
        plugin: a name as registered, the class, or an object that is made.
        few: whether the plainest model in float32 is enough, where a stepper takes long to make.

    Raises:
        CheckFailed: one line a fault.
        PluginError: no plugin of that name, or several.
    """
    faults = Faults()
    with chance(4) as drawn_from:
        engine = _made(plugin, faults)
        if engine is not None:
            for device in _devices():
                models = engine_models(device, few)
                with torch.inference_mode():  # as the loop does
                    _check(engine, models, PRECISIONS[: 1 if few else None], device.type, faults)
            for name in drawn_from():
                advice = "take chance from the noise alone"
                faults.add("generators", f"it draws from the global generator of {name}: {advice}")
    faults.close()


def _made(plugin: Any, faults: Faults) -> Engine | None:
    """The engine as the choice of engines makes it; None where that gives none."""
    found = loaded("engine", plugin, faults)
    if found is None:
        return None
    made = found
    if isinstance(plugin, str | type | Entry):
        if not callable(found):
            kind = type(found).__name__
            faults.add("makeable", f"it is an object of the type {kind}, not a class: name the class instead")
            return None
        with faults.during("makeable", "when it is made", "let it be made without arguments"):
            made = found()
        if len(faults):
            return None
    if not isinstance(made, Engine):
        kind = type(made).__name__
        advice = "give it unfit(model, precision) and stepper(model, precision)"
        faults.add("an engine", f"an object of the type {kind} is no engine: {advice}")
        return None
    return made


def _devices() -> Iterator[torch.device]:
    """The CPU, and what else there is to compute on."""
    yield torch.device("cpu")
    best = resolve_device("auto")
    if best.type != "cpu":
        yield best


def _check(
    engine: Engine,
    models: list[tuple[str, SketchModel]],
    precisions: Sequence[str],
    device: str,
    faults: Faults,
) -> None:
    where = "" if device == "cpu" else f" on {device}"
    for told, model in models:
        checksum = model.weights_checksum()
        for precision in precisions:
            found = Faults()  # of this one, since each has to stop at its own
            _check_one(engine, model, precision, f"{told} in {precision}{where}", found)
            faults.include(found)
        if model.weights_checksum() != checksum:
            advice = "lay them out in memory of your own"
            faults.add("weights unchanged", f"it changes the weights of {told}: {advice}")


def _check_one(engine: Engine, model: SketchModel, precision: str, told: str, faults: Faults) -> None:
    trial = _trial(engine, model, precision, told, faults)
    if trial is not None and check_stepping(trial, faults) and check_draws(trial, faults):
        check_company(trial, faults)


def _trial(engine: Engine, model: SketchModel, precision: str, told: str, faults: Faults) -> Trial | None:
    """A stepper for a model in a precision; None of one that is unfit, or not as it must be."""
    if not _fits(engine, model, precision, told, faults):
        return None
    stepper: Any = None
    with faults.during("a stepper", f"from stepper for {told}", "make one for all that unfit says None of"):
        stepper = engine.stepper(model, precision)
        if not _is_stepper(stepper, told, faults):
            return None
    inputs = Inputs.of(model, faults, ROWS)
    if stepper is None or inputs is None:
        return None
    return Trial(told, engine, model, precision, stepper, inputs)


def _fits(engine: Engine, model: SketchModel, precision: str, told: str, faults: Faults) -> bool:
    advice = "say in half a sentence why not, or None"
    with faults.during("unfit", f"from unfit for {told}", f"{advice}, of whatever model and precision"):
        why: Any = engine.unfit(model, precision)
        if why is not None and (not isinstance(why, str) or not why.strip() or len(why.splitlines()) > 1):
            faults.add("unfit", f"unfit gives {why!r} for {told}: {advice}")
        return why is None
    return False


def _is_stepper(stepper: Any, told: str, faults: Faults) -> bool:
    """Whether all of it is there, and of the right kind."""
    kind = type(stepper).__name__
    for name in _METHODS:
        if not callable(getattr(stepper, name, None)):
            faults.add("a stepper", f"the {kind} for {told} has no method {name}: give it one")
            return False
    most: Any = getattr(stepper, "most_steps", None)
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        told_most = f"most_steps of the {kind} for {told} is {most!r}"
        faults.add("facts", f"{told_most}: make it how many points one draw adds at the most, 0 for no draws")
        return False
    for name in _FLAGS:
        value: Any = getattr(stepper, name, None)
        if not isinstance(value, bool):
            faults.add("facts", f"{name} of the {kind} for {told} is {value!r}: make it true or false")
            return False
    return True
