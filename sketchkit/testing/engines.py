"""The contract of engines and of the steppers that they make."""

from __future__ import annotations

import copy
import math
import operator
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Barrier
from typing import Any

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.devices import one_thread, resolve_device
from sketchkit.engine import PRECISIONS, Engine, Stepper
from sketchkit.models import SketchModel, State
from sketchkit.noise import Noise, uniforms
from sketchkit.sampling import DrawRule
from sketchkit.testing.faults import Faults, collect_faults, seed_generators
from sketchkit.testing.model_fixtures import STEPS, Inputs, make_engine_models, make_inputs
from sketchkit.testing.result import make_plugin
from sketchkit.testing.stepping import (
    Stepping,
    check_alone,
    check_refill,
    check_state,
    check_step,
    clone_state,
    describe_layout,
    find_layout,
    is_one_hot,
    relative_error,
)

__all__ = ["check_engine"]

_METHODS = ("prepare_state", "step", "draw")
_FLAGS = ("batch_invariant", "thread_safe", "graph_capturable")
#: The most rows that are stepped at once.
_ROWS = 40
_STREAM = 80
#: The largest relative error of raw outputs.
_BY_PRECISION = {"float32": 1e-4, "tf32": 2e-2, "bfloat16": 5e-2, "int8": 1e-1}
_BY_TYPE = {torch.float64: 1e-7, torch.bfloat16: 5e-2, torch.float16: 2e-2}
_STEP = "take any rows [B, 5], and any state of prepare_state, step or draw, its rows in any order"
_DRAW = "take any rows, any noise [B, K, 4] in (0, 1) with strides of its own, and any rule"
#: Draws: the name of a rule, the rule, numbers of rows and steps, with losses, noise with steps first.
_DRAWS = (
    ("the plain rule", DrawRule(), 1, 24, True, False),
    ("the plain rule", DrawRule(), 40, 12, True, True),
    ("a low temperature and a radius", DrawRule(0.6, -0.3, 1.5), 3, 20, True, True),
    ("a low temperature and a radius", DrawRule(0.6, -0.3, 1.5), 40, 12, True, False),
    ("a temperature near 0", DrawRule(1e-30, -40.0, math.inf), 8, 20, False, False),
    ("a high temperature", DrawRule(2.5, 0.4, math.inf), 8, 20, False, True),
)
#: A number around the memory of points that a draw would hardly write.
_MARK, _MARGIN = -77.25, 64
#: Steps drawn for comparison, rounds of two threads, and the seconds after which Python's threads switch.
_DRAWN_STEPS, _ROUNDS, _SWITCH_INTERVAL = 12, 4, 1e-5


@one_thread()
def check_engine(plugin: Any, *, few: bool = False) -> None:
    """Try an engine with small models: decoders, VAEs, a foreign backend, other number types, each precision.

    It is made by a call without arguments. `unsupported_reason` gives the reason in half a sentence, or None,
    for every model and precision; a model that fits gets a stepper. The models lie on the CPU and on the
    accelerator, where one exists; an engine that refuses them all passes.

    `prepare_state` and `step` leave their arguments unchanged, `step` gives the model's own raw outputs
    within the precision, and a later call keeps the results of an earlier one. States are tuples of tensors
    whose rows can be taken out, reordered, and written over where a drawing begins; NaN in a row stays there.
    `draw` gives the points of the stepper's own raw outputs and the same noise, with their losses, may stop
    early, and writes only to its state and its points.

    A `batch_invariant` stepper gives rows equal bit for bit in batches of 1, 3, 8 and 40; with `thread_safe`,
    two threads give the results of each alone. A stepper that is made after a change of weights uses the new
    ones. The model and the global generators stay as they are.

    Args:
        plugin: a name as registered, the class, or an object.
        few: whether the plainest model in float32 is enough, where a stepper takes long to make.

    Raises:
        CheckFailed: one line a fault.
        PluginError: an unknown or ambiguous name.
    """
    with seed_generators(4) as used, collect_faults() as faults:
        engine = make_plugin("engine", plugin, faults, with_options=False).made
        methods = "unsupported_reason(model, precision) and stepper(model, precision)"
        fault = f"a {type(engine).__name__} is not an engine: define {methods}"
        faults.require(isinstance(engine, Engine), "an engine", fault)
        for device in dict.fromkeys((torch.device("cpu"), resolve_device("auto"))):
            models = make_engine_models(device, few)
            with torch.inference_mode():  # as in the loop
                _check(engine, models, PRECISIONS[: 1 if few else None], faults)
        for name in used():
            faults.add("generators", f"it draws from {name}, a global generator: use only the noise")


def _check(
    engine: Engine, models: list[tuple[str, SketchModel]], precisions: Sequence[str], faults: Faults
) -> None:
    for name, model in models:
        where = "" if model.device.type == "cpu" else f" on {model.device.type}"
        checksum = model.weights_checksum()
        for precision in precisions:
            found = Faults()  # a trial ends at its own faults
            with found.part(), found.within(f"for {name} in {precision}{where}"):
                if _fits(engine, model, precision, found):
                    _check_trial(_make_trial(engine, model, precision, found), found)
            faults.include(found)
        if model.weights_checksum() != checksum:
            fault = f"it changes the weights of {name}: lay them out in memory of your own"
            faults.add("weights unchanged", fault)


@dataclass(frozen=True)
class _Trial:
    """A stepper to try, and what it was made from; the inputs have `_ROWS` rows."""

    engine: Engine
    model: SketchModel
    precision: str
    stepper: Stepper
    inputs: Inputs

    @property
    def tolerance(self) -> float:
        """The largest relative error of its raw outputs."""
        if self.precision == "float32":  # which stands for the model's own number type
            return _BY_TYPE.get(self.model.dtype, _BY_PRECISION["float32"])
        return _BY_PRECISION[self.precision]

    def begin(self, numbers: Tensor) -> State:
        """The model's own state before some rows; its bits are the same for any number of them."""
        return tuple(part[numbers] for part in self.inputs.begin(self.model))

    def prepare_state(self, numbers: Tensor) -> State:
        """The stepper's state before some rows."""
        return self.stepper.prepare_state(self.begin(numbers))

    def step(self, numbers: Tensor, ages: Tensor, state: State) -> tuple[Tensor, State]:
        """A step that reads some rows at some ages."""
        return self.stepper.step(self.inputs.rows[numbers, ages], state)

    @property
    def stepping(self) -> Stepping:
        """The trial for the checks of states."""
        return Stepping(self.prepare_state, self.step, _ROWS, self.tolerance)

    def walk(self, numbers: Tensor, steps: int = STEPS) -> Tensor:
        """Raw outputs [B, T, 6M + 3] of the first steps of some rows."""
        return self.stepping.walk(numbers, numbers * 0, steps, self.prepare_state(numbers))[0]

    def draw(self, numbers: Tensor, noise: Tensor, rule: DrawRule) -> Tensor:
        """Points float32 [B, K, 5] after the first of some rows, for noise [B, K, 4]."""
        state, rows, done = clone_state(self.prepare_state(numbers)), self.inputs.rows[numbers, 0].float(), 0
        drawn_points = []
        while done < noise.shape[1]:
            most = min(noise.shape[1] - done, self.stepper.max_steps)
            points = torch.zeros(most, len(rows), 5, device=rows.device)
            made, state = self.stepper.draw(rows, state, noise[:, done:], rule, points, None)
            rows = points[made - 1].clone()
            drawn_points.append(points[:made])
            done += made
        return torch.cat(drawn_points).transpose(0, 1)


def _fits(engine: Engine, model: SketchModel, precision: str, faults: Faults) -> bool:
    advice = "give the reason in half a sentence, or None"
    with faults.during(
        "unsupported_reason", "in unsupported_reason", f"{advice}, for every model and precision"
    ):
        why: Any = engine.unsupported_reason(model, precision)
        valid = why is None or (isinstance(why, str) and why.strip() and len(why.splitlines()) == 1)
        faults.require(valid, "unsupported_reason", f"it returns {why!r}: {advice}")
        return why is None
    return False


def _make_trial(engine: Engine, model: SketchModel, precision: str, faults: Faults) -> _Trial:
    with faults.during("a stepper", "in stepper", "make a stepper wherever unsupported_reason returns None"):
        stepper = engine.stepper(model, precision)
        _check_attributes(stepper, faults)
    faults.stop_if_any()
    return _Trial(engine, model, precision, stepper, make_inputs(model, _ROWS, faults))


def _check_attributes(stepper: Any, faults: Faults) -> None:
    kind = type(stepper).__name__
    for name in _METHODS:
        fault = f"the {kind} lacks the method {name}: define it"
        faults.require(callable(getattr(stepper, name, None)), "a stepper", fault)
    most: Any = getattr(stepper, "max_steps", None)
    advice = "make it the largest number of points of a draw, 0 for a stepper that cannot draw"
    valid = isinstance(most, int) and not isinstance(most, bool) and most >= 0
    faults.require(valid, "facts", f"max_steps of the {kind} is {most!r}: {advice}")
    for name in _FLAGS:
        value: Any = getattr(stepper, name, None)
        fault = f"{name} of the {kind} is {value!r}: make it true or false"
        faults.require(isinstance(value, bool), "facts", fault)


def _check_trial(trial: _Trial, faults: Faults) -> None:
    """Check steps, then draws, then invariance; each group needs the one before to hold."""
    for rows in (1, 3, 8, _ROWS):
        with faults.during("steps", f"with {rows} rows", _STEP):
            _check_walk(trial, torch.arange(rows), faults)
        faults.stop_if_any()
    with faults.during("states alike", "with 1 row", _STEP):
        many, single = trial.prepare_state(torch.arange(8)), trial.prepare_state(torch.arange(1))
        same = [(p.dtype, p.shape[1:]) for p in many] == [(p.dtype, p.shape[1:]) for p in single]
        problem = f"prepare_state makes {describe_layout(single)}, with 8 rows {describe_layout(many)}"
        faults.require(same, "states alike", f"{problem}: let only the first dimension be the number of rows")
    faults.stop_if_any()
    with faults.during("rows moved", "with moved rows", _STEP):
        check_alone(trial.stepping, "rows moved", faults)
    with faults.during("rows moved", "with refilled rows", _STEP):
        check_refill(trial.stepping, "rows begun anew", faults)
    with faults.during("rows moved", "with NaN in a row", _STEP):
        _check_nan_stays(trial, faults)
    with faults.during("weights as they are", "with changed weights", "read the weights anew in stepper"):
        _check_new_weights(trial, faults)
    faults.stop_if_any()
    if trial.stepper.max_steps:
        _check_draws(trial, faults)
        faults.stop_if_any()
    if trial.stepper.batch_invariant:
        with faults.during("batch_invariant", "for other numbers of rows", "take any number of rows"):
            _check_batch_invariant(trial, faults)
    if trial.stepper.thread_safe:
        advice = "share only constant memory between calls, or let thread_safe be false"
        with faults.during("threads", "on two threads", advice):
            if not _is_thread_safe(trial):
                faults.add("threads", f"two threads give other results than each alone: {advice}")


# --- steps ------------------------------------------------------------------------------------------------


def _check_walk(trial: _Trial, numbers: Tensor, faults: Faults) -> None:
    begun = trial.begin(numbers)
    given = clone_state(begun)
    state = trial.stepper.prepare_state(given)
    if not all(map(torch.equal, given, begun)):
        faults.add(
            "prepare_state writes nothing", "prepare_state writes to the model's state: make new tensors"
        )
    check_state(state, len(numbers), "prepare_state", faults)
    kept: list[tuple[Tensor, Tensor]] = []
    for step in range(STEPS):
        rows = trial.inputs.rows[numbers, step]
        wanted, begun = trial.model.step(rows, begun)
        raw, state = check_step(trial.stepper.step, rows, state, faults)
        kind = list(raw.shape) if isinstance(raw, Tensor) else type(raw).__name__
        valid = isinstance(raw, Tensor) and raw.shape == wanted.shape and raw.is_floating_point()
        fault = f"step returns {kind} as raw outputs: return floating-point numbers {list(wanted.shape)}"
        faults.require(valid, "raw outputs", fault)
        kept += [(part, part.clone()) for part in (raw, *state)]
        off = relative_error(raw, wanted)
        advice = f"keep within {trial.tolerance:g}, or let unsupported_reason give a reason"
        fault = f"raw outputs are off by {off:.3g} at step {step}: {advice}"
        faults.require(off <= trial.tolerance, "like the model", fault)
    if not all(torch.equal(part, before) for part, before in kept):
        advice = "return new tensors, which the loop keeps"
        faults.add("results stay", f"a later step writes over the results of an earlier one: {advice}")


def _check_nan_stays(trial: _Trial, faults: Faults) -> None:
    """Check that the state of an unused row may hold any numbers."""
    numbers, others = torch.arange(8), torch.arange(8) != 2
    _, state = trial.step(numbers, numbers * 0, trial.prepare_state(numbers))
    wanted, _ = trial.step(numbers, numbers * 0 + 1, clone_state(state))
    state = clone_state(state)
    for part in state:
        part[2] = float("nan") if part.is_floating_point() else 0
    raw, _ = trial.step(numbers, numbers * 0 + 1, state)
    off = relative_error(raw[others], wanted[others])
    if off > trial.tolerance:
        faults.add("rows unknown", f"NaN in a row changes others by {off:.3g}: compute each row by itself")


def _check_new_weights(trial: _Trial, faults: Faults) -> None:
    with torch.inference_mode(False):  # weights are usual tensors
        model = copy.deepcopy(trial.model)
    trial.engine.stepper(model, trial.precision)
    for weight in model.parameters():
        weight.mul_(0.5)
    stepper = trial.engine.stepper(model, trial.precision)
    found = Faults()
    with found.part():
        _check_walk(replace(trial, model=model, stepper=stepper), torch.arange(8), found)
    if len(found):
        advice = "read the weights anew in stepper"
        faults.add("weights as they are", f"a new stepper goes by the old ones: {advice}")


# --- draws ------------------------------------------------------------------------------------------------


@dataclass
class _Tally:
    """Numbers of points drawn, and of those that differ from the stepper's own."""

    points: int = 0
    wrong: int = 0
    wrong_losses: int = 0
    examples: list[str] = field(default_factory=list)


def _check_draws(trial: _Trial, faults: Faults) -> None:
    tally = _Tally()
    for name, rule, rows, steps, scored, turned in _DRAWS:
        with faults.during("draws", f"when {rows} rows are drawn by {name}", _DRAW):
            noise = _lay_out(_make_noise(rows, steps, trial.model.device), turned)
            _check_draw(trial, rule, noise, scored, tally, faults)
        faults.stop_if_any()
    # A pick at the very edge may fall to either side.
    allowed = tally.points * (0.002 if trial.tolerance < 1e-3 else 0.05) + 1
    if tally.wrong > allowed:
        problem = f"{tally.wrong} of {tally.points} points differ from those of step ({tally.examples[0]})"
        advice = "choose as sketchkit.density.pick and MixtureDensity.point, with the same four numbers"
        faults.add("drawn as stepped", f"{problem}: {advice}")
    elif tally.wrong_losses > allowed:
        problem = f"{tally.wrong_losses} of {tally.points} losses are not those of the points"
        advice = "give the negative log-likelihood at temperature 1, for an end row that of its pen state"
        faults.add("losses", f"{problem}: {advice}")


def _check_draw(
    trial: _Trial, rule: DrawRule, noise: Tensor, scored: bool, tally: _Tally, faults: Faults
) -> None:
    """Draw for noise [B, K, 4], in as many calls as it takes, and compare with steps."""
    numbers, done = torch.arange(len(noise)), 0
    last = trial.inputs.rows[numbers, 0].float()
    state, own_state = clone_state(trial.prepare_state(numbers)), clone_state(trial.prepare_state(numbers))
    while done < noise.shape[1]:
        points, losses, state = _call_draw(trial.stepper, last, state, noise[:, done:], rule, scored, faults)
        for k, made in enumerate(points):
            raw, own_state = trial.stepper.step(last.to(trial.model.dtype), own_state)
            density = MixtureDensity(raw)
            wanted = density.draw_by_rule(Noise(noise[:, done + k]), rule).float()
            # The exp of a log sigma multiplies its error.
            wrong = _differ(made, wanted, 4.0 * trial.tolerance)
            tally.points += len(made)
            tally.wrong += int(wrong.sum())
            if bool(wrong.any()) and not tally.examples:
                row = int(wrong.nonzero()[0])
                tally.examples.append(f"{made[row].tolist()} instead of {wanted[row].tolist()}")
            if losses is not None:
                pair = losses[k, :, None], density.losses(made)[:, None]
                tally.wrong_losses += int(_differ(*pair, 10.0 * trial.tolerance).sum())
            last = made.clone()
        done += len(points)


def _call_draw(
    stepper: Stepper, rows: Tensor, state: State, noise: Tensor, rule: DrawRule, scored: bool, faults: Faults
) -> tuple[Tensor, Tensor | None, State]:
    """Points [K, B, 5] of a call, their losses [K, B], and the state after."""
    count, most = len(rows), min(noise.shape[1], stepper.max_steps)
    memory = torch.full((most * count * 5 + 2 * _MARGIN,), _MARK, device=rows.device)
    points = memory[_MARGIN:-_MARGIN].view(most, count, 5)
    losses = torch.full((most, count), math.nan, device=rows.device) if scored else None
    given, before, layout = rows.clone(), noise.clone(), find_layout(state)
    result = stepper.draw(given, state, noise, rule, points, losses)
    made, after = _read_result(result, most, faults)
    for name, same in (("rows", torch.equal(given, rows)), ("the noise", torch.equal(noise, before))):
        if not same:
            faults.add("draw writes", f"draw writes to {name}: write only to its state and points")
    if not bool((torch.cat((memory[:_MARGIN], memory[-_MARGIN:])) == _MARK).all()):
        faults.add("draw writes", "draw writes beyond its points: they are [K', B, 5], contiguous")
    fault = "draw returns a state of other shapes or types: keep those of prepare_state"
    faults.require(find_layout(after) == layout, "the state stays", fault)
    points = points[:made]
    one_hot = bool(is_one_hot(points[..., 2:]).all())
    faults.require(one_hot, "one-hot", "a pen state is not one-hot: fill each step's rows")
    fault = "an offset is not finite: fill each step's rows, and clamp as MixtureDensity.point"
    faults.require(torch.isfinite(points).all(), "finite", fault)
    return points, None if losses is None else losses[:made], after


def _read_result(result: Any, most: int, faults: Faults) -> tuple[int, State]:
    """The number of steps and the state that a draw returns."""
    advice = f"return the number of steps, 1..{most} here, and the state after"
    made: Any = None
    after: Any = None
    with suppress(TypeError, ValueError):
        made, after = result
        made = operator.index(made)
    fault = f"draw returns a {type(result).__name__} other than a number and a state: {advice}"
    faults.require(isinstance(made, int), "steps and a state", fault)
    faults.require(1 <= made <= most, "steps made", f"draw returns {made} steps of {most}: {advice}")
    valid = isinstance(after, tuple) and all(isinstance(part, Tensor) for part in after)
    fault = f"draw returns a {type(after).__name__} as state: {advice}"
    faults.require(valid, "steps and a state", fault)
    return made, after


def _differ(values: Tensor, wanted: Tensor, allowed: float) -> Tensor:
    """Which rows differ by more than a relative error, bool [...]; NaN differs."""
    values, wanted = values.double(), wanted.double()
    return ~((values - wanted).abs() / wanted.abs().clamp(min=1.0) <= allowed).all(-1)


def _make_noise(rows: int, steps: int, device: torch.device) -> Tensor:
    """Uniform numbers float32 [B, K, 4]; those of a row and step are the same for every B and K."""
    return uniforms(5, torch.arange(rows)[:, None], torch.arange(steps), _STREAM).to(device)


def _lay_out(noise: Tensor, turned: bool) -> Tensor:
    """The same numbers [B, K, 4] with other strides: cut from the middle of more, or with steps first."""
    if turned:
        return noise.transpose(0, 1).contiguous().transpose(0, 1)
    rows, steps, _ = noise.shape
    wide = noise.new_full((rows, steps + 5, 4), 0.5)
    wide[:, 2:-3] = noise
    return wide[:, 2:-3]


# --- invariance -------------------------------------------------------------------------------------------


def _compute(trial: _Trial, numbers: Tensor) -> dict[str, Tensor]:
    """Raw outputs [B, T, 6M + 3] and points [B, K, 5] of some rows."""
    results = {"raw outputs": trial.walk(numbers)}
    if trial.stepper.max_steps:
        noise = _make_noise(_ROWS, _DRAWN_STEPS, trial.model.device)[numbers]
        results["points"] = trial.draw(numbers, noise, DrawRule())
    return results


def _check_batch_invariant(trial: _Trial, faults: Faults) -> None:
    wanted = _compute(trial, torch.arange(_ROWS))
    for numbers in map(torch.tensor, ([31], [4, 39, 0], list(range(8)))):
        for name, values in _compute(trial, numbers).items():
            if not torch.equal(values, wanted[name][numbers]):
                problem = f"{name} have other bits in {len(numbers)} rows than in {_ROWS}"
                faults.add("batch_invariant", f"{problem}: add up in one order, or let it be false")


def _is_thread_safe(trial: _Trial) -> bool:
    """Whether two threads with drawings of their own give the results of each alone."""
    shares = [torch.arange(0, 5), torch.arange(20, 33)]
    alone = [_compute(trial, share) for share in shares]
    gate = Barrier(len(shares))

    @torch.inference_mode()
    def run(share: Tensor) -> list[dict[str, Tensor]]:
        gate.wait()
        return [_compute(trial, share) for _ in range(_ROUNDS)]

    with _switch_often(), ThreadPoolExecutor(len(shares)) as pool:
        found = list(pool.map(run, shares))
    # Last bits may decide how a drawing continues, so that some points may differ.
    allowed = {"raw outputs": 0.0, "points": 0.3}
    return all(
        float(_differ(results[name], wanted[name], 4.0 * trial.tolerance).double().mean()) <= allowed[name]
        for rounds, wanted in zip(found, alone, strict=True)
        for results in rounds
        for name in results
    )


@contextmanager
def _switch_often() -> Iterator[None]:
    """Let Python switch threads far more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
