"""What must hold of the states and steps of an engine's steppers."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from sketchkit.models import State
from sketchkit.testing.enginetrials import ROWS, Trial, clones, outputs_off
from sketchkit.testing.faults import Faults
from sketchkit.testing.modelsteps import Inputs

__all__ = ["check_stepping"]

_ADVICE = "take any rows [B, 5], and any state that enter, step or draw gave, its rows in any order"
_HALF = 4
_EIGHT, _FRESH = torch.arange(8), torch.tensor([20, 21, 22])


def check_stepping(trial: Trial, faults: Faults) -> bool:
    """Try a stepper step by step; whether it is worth going on."""
    for rows in (1, 3, 8, ROWS):
        with faults.during("steps", f"for {rows} rows of {trial.told}", _ADVICE):
            _check_walk(trial, torch.arange(rows), faults)
        if len(faults):
            return False
    with faults.during("states alike", f"for 1 row of {trial.told}", _ADVICE):
        _check_alike(trial.entered(_EIGHT), trial.entered(_EIGHT[:1]), trial, faults)
    if len(faults):
        return False
    for check in (_check_moved, _check_begun_anew, _check_unknown):
        with faults.during("rows moved", f"for rows moved about, of {trial.told}", _ADVICE):
            check(trial, faults)
    with faults.during("weights as they are", f"for {trial.told}, made anew", _ADVICE):
        _check_new_weights(trial, faults)
    return not len(faults)


def _check_walk(trial: Trial, numbers: Tensor, faults: Faults) -> None:
    inputs, begun = trial.chosen(numbers), trial.begun(numbers)
    given = clones(begun)
    state = trial.stepper.enter(given)
    if not all(map(torch.equal, given, begun)):
        faults.add("enter writes nothing", "enter writes to the model's state: make new tensors")
    if not _is_state(state, len(inputs.rows), "enter", trial, faults):
        return
    kept: list[tuple[Tensor, Tensor]] = []
    for t in range(inputs.rows.shape[1]):
        wanted, begun = trial.model.step(inputs.rows[:, t], begun)
        made = _stepped(trial, inputs.rows[:, t], state, faults)
        if made is None:
            return
        raw, state = made
        kept += [(part, part.clone()) for part in (raw, *state)]
        if not _is_near(raw, wanted, t, trial, faults):
            return
    if not all(torch.equal(part, was) for part, was in kept):
        advice = "return tensors of their own, since the loop keeps them and several loops may run at once"
        faults.add("results stay", f"a later step writes over what an earlier one returned: {advice}")


def _stepped(trial: Trial, rows: Tensor, state: State, faults: Faults) -> tuple[Tensor, State] | None:
    """One step, whose arguments and results are looked at; None where they are not as they must be."""
    given, before = rows.clone(memory_format=torch.contiguous_format), clones(state)
    result: Any = trial.stepper.step(given, state)
    if not isinstance(result, tuple) or len(result) != 2:
        kind = type(result).__name__
        faults.add("a pair", f"step returns a {kind}: return raw outputs and the state after")
        return None
    raw, after = result
    if not torch.equal(given, rows) or not all(map(torch.equal, state, before)):
        what = "its state" if torch.equal(given, rows) else "its rows"
        faults.add("step writes nothing", f"step writes to {what}: make new tensors; only draw may write")
    if not _is_state(after, len(rows), "step", trial, faults):
        return None
    if _kinds(after) != _kinds(before):
        told = f"from {_told(before)} to {_told(after)}"
        faults.add("the state stays", f"step takes the state {told}: keep the shapes and types of enter")
        return None
    return raw, after


def _is_state(state: Any, rows: int, maker: str, trial: Trial, faults: Faults) -> bool:
    if not isinstance(state, tuple) or not all(isinstance(part, Tensor) for part in state):
        kind = type(state).__name__
        faults.add("a state", f"{maker} gives a {kind} for a state: give a tuple of tensors")
        return False
    for place, part in enumerate(state):
        if not part.dim() or len(part) != rows:
            told = f"part {place} of the state of {rows} rows of {trial.told} is {list(part.shape)}"
            faults.add("a state", f"{told} after {maker}: make the rows its first dimension")
            return False
    return True


def _is_near(raw: Any, wanted: Tensor, step: int, trial: Trial, faults: Faults) -> bool:
    """Whether raw outputs are the model's own, as far as the precision allows."""
    if not isinstance(raw, Tensor) or raw.shape != wanted.shape or not raw.is_floating_point():
        given = list(raw.shape) if isinstance(raw, Tensor) else type(raw).__name__
        advice = f"return floating-point numbers {list(wanted.shape)}, as the model's own step does"
        faults.add("raw outputs", f"step returns {given} for raw outputs of {trial.told}: {advice}")
        return False
    off = outputs_off(raw, wanted)
    if off > trial.tolerance:
        told = f"at step {step} the raw outputs of {len(wanted)} rows of {trial.told} are off by {off:.3g}"
        advice = f"keep within {trial.tolerance:g} of the model's own step, or let unfit say why not"
        faults.add("like the model", f"{told}: {advice}")
    return off <= trial.tolerance


def _check_moved(trial: Trial, faults: Faults) -> None:
    """Rows that are taken out, put in another order and doubled must go on as they would have."""
    inputs = trial.chosen(_EIGHT)
    _, state = trial.walked(inputs, trial.entered(_EIGHT), 0, _HALF)
    wanted, _ = trial.walked(inputs, state, _HALF)
    for order in ([7, 2, 4, 0, 1, 6, 3, 5], [5, 0, 5], [3]):
        chosen = torch.tensor(order, device=inputs.rows.device)
        moved = tuple(part[chosen] for part in state)
        raw, _ = trial.walked(inputs.of_rows(chosen), moved, _HALF)
        off = outputs_off(raw, wanted[chosen])
        if off > trial.tolerance:
            told = f"raw outputs of {trial.told} change by {off:.3g} where rows {order} of 8 go on alone"
            advice = "keep all that a row needs in its row of the state, and compute each row by itself"
            faults.add("rows moved", f"{told}: {advice}")


def _check_alike(state: State, other: State, trial: Trial, faults: Faults) -> None:
    """States must go together, whatever the number of rows that entered."""
    if [kind[1:] for _, kind in _kinds(state)] != [kind[1:] for _, kind in _kinds(other)] or [
        kind for kind, _ in _kinds(state)
    ] != [kind for kind, _ in _kinds(other)]:
        told = f"of {len(state[0])} rows of {trial.told} enter makes {_told(state)}, of 1 {_told(other)}"
        faults.add("states alike", f"{told}: let nothing but the first dimension be the number of rows")


def _check_begun_anew(trial: Trial, faults: Faults) -> None:
    """A drawing that begins in the row of another, written there as the loop does."""
    inputs, fresh = trial.chosen(_EIGHT), trial.chosen(_FRESH)
    where = torch.tensor([6, 0, 3], device=trial.model.device)
    _, state = trial.walked(inputs, trial.entered(_EIGHT), 0, _HALF)
    wanted, _ = trial.walked(inputs, clones(state), _HALF, 2 * _HALF)
    wanted[where], _ = trial.walked(fresh, trial.entered(_FRESH), 0, _HALF)
    for part, new in zip(state, trial.entered(_FRESH), strict=True):
        part[where] = new
    rows = inputs.rows[:, _HALF : 2 * _HALF].clone()
    rows[where] = fresh.rows[:, :_HALF]
    raw, _ = trial.walked(Inputs(rows, None, None), state)
    off = outputs_off(raw, wanted)
    if off > trial.tolerance:
        told = f"raw outputs of {trial.told} are off by {off:.3g} where a drawing begins in another's row"
        advice = "let no two rows of a state share memory, and remember nothing of it elsewhere"
        faults.add("rows begun anew", f"{told}: {advice}")


def _check_unknown(trial: Trial, faults: Faults) -> None:
    """What stands in a row that nobody uses may be anything, and must not reach the others."""
    inputs = trial.chosen(_EIGHT)
    _, state = trial.walked(inputs, trial.entered(_EIGHT), 0, 1)
    wanted, _ = trial.walked(inputs, clones(state), 1)
    state = clones(state)
    for part in state:
        part[2] = float("nan") if part.is_floating_point() else 0
    others = torch.arange(8, device=inputs.rows.device) != 2
    raw, _ = trial.walked(inputs, state, 1)
    off = outputs_off(raw[others], wanted[others])
    if off > trial.tolerance:
        told = f"raw outputs of {trial.told} are off by {off:.3g} where another row is not a number"
        faults.add("rows unknown", f"{told}: compute each row by itself, whatever stands in the others")


def _check_new_weights(trial: Trial, faults: Faults) -> None:
    """Another stepper of the model must go by the weights that it has by then."""
    inputs = trial.chosen(_EIGHT)
    with torch.inference_mode(False):  # weights are usual tensors, whoever looks at them
        model = copy.deepcopy(trial.model)
    trial.engine.stepper(model, trial.precision)
    for weight in model.parameters():
        weight.mul_(0.5)
    again = Trial(
        trial.told,
        trial.engine,
        model,
        trial.precision,
        trial.engine.stepper(model, trial.precision),
        trial.inputs,
    )
    raw, _ = again.walked(inputs, again.entered(_EIGHT), 0, 2)
    rows, wanted, state = inputs.rows, [], again.begun(_EIGHT)
    for t in range(2):
        made, state = model.step(rows[:, t], state)
        wanted.append(made)
    off = outputs_off(raw, torch.stack(wanted, 1))
    if off > again.tolerance:
        told = f"a stepper of {trial.told} that is made once its weights have changed is off by {off:.3g}"
        faults.add("weights as they are", f"{told}: take the weights anew whenever stepper is called")


def _kinds(state: State) -> list[tuple[torch.dtype, tuple[int, ...]]]:
    return [(part.dtype, tuple(part.shape)) for part in state]


def _told(state: State) -> str:
    parts = [f"{str(part.dtype).removeprefix('torch.')} {list(part.shape)}" for part in state]
    return f"({', '.join(parts)})"
