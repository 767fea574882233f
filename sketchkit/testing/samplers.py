"""The contract of samplers: of points, of points with a memory, and of whole drawings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.devices import one_thread
from sketchkit.engine import Prompts, Requests, read_prompts
from sketchkit.engine.drafting import DecoderContext
from sketchkit.engine.prompts import LEAST_ROWS
from sketchkit.generate import sample
from sketchkit.models import SketchModel, State
from sketchkit.noise import Noise, normals, uniforms
from sketchkit.sampling import AnySampler, Draft, DrawingSampler, Sampler, StatefulSampler, stateful
from sketchkit.testing.faults import Faults, check_pure, collect_faults, seed_generators
from sketchkit.testing.model_fixtures import make_small_model
from sketchkit.testing.result import Subject, make_plugin
from sketchkit.testing.stepping import (
    Stepping,
    check_alone,
    check_refill,
    check_state,
    clone_state,
    describe_layout,
    find_layout,
    is_one_hot,
    same_values,
)

__all__ = ["check_sampler"]

_CPU = torch.device("cpu")
_STREAM, _SEED = 77, 5
_ROWS, _STEPS, _MIXTURES = 17, 8, 5
_POINTS = "choose a point of every density, with density.draw(noise) or density.point(...)"
_CONTEXT = "draw with the methods of the context"
_MAX_POINTS = 24
#: The jobs of whole drawings: which of two prompts each continues, and the index of its noise.
_PROMPT_OF = np.array([0, 1, 0, 1, 0, 0, 1], np.int64)
_INDEX_OF = np.array([4, 0, 1, 2, 9, 3, 7], np.int64)
_JOBS = np.arange(len(_PROMPT_OF))
#: The rows of an extreme density.
_EXTREMES = (
    "an ordinary density",
    "sigmas of e^-30",
    "sigmas of e^20",
    "correlations that round to 1",
    "correlations that round to -1",
    "component logits of up to 10,000",
    "pen logits of up to 10,000",
    "equal logits",
    "means of up to 10,000",
)


@one_thread()
def check_sampler(plugin: Any, *, options_too: bool = True) -> None:
    """Try a sampler; its methods tell its kind.

    All kinds: options have defaults within their ranges and can be set to the ends of these; the engine can
    draw with it; results depend on the arguments alone, and the global generators of Python, numpy and torch
    stay untouched.

    `__call__(density, noise)` and `step(density, noise, state)`: points [B, 5] of float32 or float64, finite,
    with one-hot pens, for one row and many, for 1, 3 and 20 components, for extreme and for masked densities;
    each row to the last bit the same among other rows; arguments stay unchanged.

    `initial_state(rows, device)`: a tuple of tensors [B, ...] with equal rows, made anew each time; `step`
    keeps shapes and types, and a drawing that begins in the row of another begins like any other.

    `draw(context)`: one valid `Draft` for each job, with the model's own likelihood, the same for any order
    of jobs and drafts and for any other jobs; an empty iterable for zero jobs.

    Args:
        plugin: a name as registered, the class, or an object.
        options_too: whether a class is tried at the ends of its options' ranges, too.

    Raises:
        CheckFailed: one line a fault.
        PluginError: an unknown or ambiguous name.
    """
    with seed_generators(0), collect_faults() as faults:
        _check(make_plugin("sampler", plugin, faults), faults, options_too)


def _check(subject: Subject, faults: Faults, options_too: bool) -> None:
    sampler = subject.made
    _check_methods(sampler, faults)
    faults.stop_if_any()
    variants = list(subject.variants(faults)) if options_too else []
    if isinstance(sampler, DrawingSampler):
        _check_drawings(sampler, faults)
    elif isinstance(sampler, StatefulSampler | Sampler):
        with torch.inference_mode():  # as in the engine
            _check_steps(stateful(sampler), faults)
            for situation, variant in variants:
                with faults.within(situation):
                    _check_points(stateful(variant), faults)
    else:
        methods = "__call__(density, noise), or initial_state and step, or draw(context)"
        faults.add("a sampler", f"a {type(sampler).__name__} is not a sampler: define {methods}")
    faults.stop_if_any()
    _check_sampling(sampler, faults)


def _check_methods(sampler: Any, faults: Faults) -> None:
    """Check that the names that tell the kind of a sampler are methods, and those of a memory a pair."""
    with_memory = hasattr(sampler, "initial_state")
    for name in ("draw", "initial_state", "step") if with_memory else ("draw",):
        if hasattr(sampler, name) and not callable(getattr(sampler, name)):
            problem = f"its {name} is a {type(getattr(sampler, name)).__name__}, but must be a method"
            faults.add(f"a method {name}", f"{problem}: give the option or attribute another name")
    if with_memory and not hasattr(sampler, "step") and not hasattr(sampler, "draw"):
        advice = "add step(density, noise, state), or leave initial_state out"
        faults.add("a step beside a memory", f"it has initial_state but lacks step: {advice}")


# --- samplers of points -----------------------------------------------------------------------------------


def _check_steps(sampler: StatefulSampler, faults: Faults) -> None:
    _check_initial_state(sampler, faults)
    faults.stop_if_any()
    _check_points(sampler, faults)
    faults.stop_if_any()
    _check_arguments_unchanged(sampler, faults)
    with faults.during("many steps", f"in drawings of {_STEPS} points", _POINTS):
        trial = _make_stepping(sampler)
        everyone = torch.arange(_ROWS)

        def draw_all() -> bytes:
            points, _ = trial.walk(everyone, everyone * 0, _STEPS, sampler.initial_state(_ROWS, _CPU))
            return points.numpy().tobytes()

        check_pure(draw_all, "points", "take the numbers from noise, which has four a row", faults)
        faults.stop_if_any()
        check_alone(trial, "rows alone", faults)
        check_refill(trial, "rows alone", faults)


def _make_stepping(sampler: StatefulSampler) -> Stepping:
    raw = torch.stack([_make_raw(_ROWS, _MIXTURES, 20 + age) for age in range(_STEPS)])
    chance = torch.stack([_make_noise(_ROWS, 20 + age).uniforms for age in range(_STEPS)])

    def step(numbers: Tensor, ages: Tensor, state: State) -> tuple[Tensor, State]:
        return sampler.step(MixtureDensity(raw[ages, numbers]), Noise(chance[ages, numbers]), state)

    return Stepping(lambda numbers: sampler.initial_state(len(numbers), _CPU), step, _ROWS, tolerance=0.0)


def _check_initial_state(sampler: StatefulSampler, faults: Faults) -> None:
    firsts: list[State] = []
    for rows in (1, 4, _ROWS):
        with faults.during("initial_state", f"for {rows} rows", "make a state for any number of rows"):
            first, second = sampler.initial_state(rows, _CPU), sampler.initial_state(rows, _CPU)
            for state in (first, second):
                check_state(state, rows, "initial_state", faults, "initial_state")
            places = {part.untyped_storage().data_ptr() for part in first if part.numel()}
            if any(part.untyped_storage().data_ptr() in places for part in second if part.numel()):
                faults.add("made anew", "two calls of initial_state share memory: make new tensors each time")
            if not _same_states(first, second):
                faults.add("equal beginnings", "two calls of initial_state differ: begin every drawing alike")
            if not all(same_values(part, part[:1].expand_as(part)) for part in first):
                faults.add("equal beginnings", "rows of the initial state differ: begin every drawing alike")
            firsts.append(tuple(part[:1].clone() for part in first))
    faults.stop_if_any()
    if not all(_same_states(state, firsts[0]) for state in firsts):
        problem = "its initial state depends on the number of rows"
        faults.add("equal beginnings", f"{problem}: begin every drawing alike")


def _same_states(one: State, other: State) -> bool:
    return find_layout(one) == find_layout(other) and all(map(same_values, one, other))


def _check_points(sampler: StatefulSampler, faults: Faults) -> None:
    for rows, mixtures in product((1, LEAST_ROWS, _ROWS), (1, 3, 20)):
        density = MixtureDensity(_make_raw(rows, mixtures, rows))
        _check_point(sampler, density, f"a density of {rows} rows and {mixtures} components", faults)
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        density = MixtureDensity(_make_raw(LEAST_ROWS, 3, 5, dtype))
        _check_point(sampler, density, f"a density of {str(dtype).removeprefix('torch.')} outputs", faults)
    for mixtures in (1, 4):
        density = MixtureDensity(_make_extreme(mixtures, 6))
        _check_point(sampler, density, "an extreme density", faults, _EXTREMES)
        keep = torch.arange(mixtures)[None] == torch.arange(4)[:, None] % mixtures
        density = MixtureDensity(_make_raw(4, mixtures, 7)).masked(keep)
        _check_point(sampler, density, "a density with masked components", faults)


def _check_point(
    sampler: StatefulSampler, density: MixtureDensity, name: str, faults: Faults, kinds: Sequence[str] = ()
) -> None:
    rows = len(density.pen_logits)
    with faults.during("points of any density", f"for {name}", _POINTS):
        state = sampler.initial_state(rows, _CPU)
        result: Any = sampler.step(density, _make_noise(rows, 8), state)
        fault = f"step returns a {type(result).__name__}: return (points, state)"
        faults.require(isinstance(result, tuple) and len(result) == 2, "a pair", fault)
        points, after = result
        with faults.part():
            check_state(after, rows, "step", faults, "the state")
            fault = (
                f"step turns {describe_layout(state)} into {describe_layout(after)}: keep shapes and types"
            )
            faults.require(find_layout(after) == find_layout(state), "the state", fault)
        fault = f"it returns a {type(points).__name__}: return a tensor [B, 5]"
        faults.require(isinstance(points, Tensor), "a tensor", fault)
        fault = f"it returns the shape {list(points.shape)}: return [{rows}, 5]"
        faults.require(points.shape == (rows, 5), "the shape", fault)
        fault = f"it returns {points.dtype}: keep {density.parameters.dtype}"
        faults.require(points.dtype in (torch.float32, torch.float64), "the type", fault)
        _check_values(points, kinds, faults)


def _check_values(points: Tensor, kinds: Sequence[str], faults: Faults) -> None:
    for rule, part, valid, advice in (
        ("finite", points[:, :2], torch.isfinite(points[:, :2]).all(1), "compute in log space and clamp"),
        ("one-hot", points[:, 2:], is_one_hot(points[:, 2:]), "make it one-hot"),
    ):
        for row in torch.nonzero(~valid).flatten().tolist()[:1]:
            name = {"finite": "offset", "one-hot": "pen state"}[rule]
            kind = f" ({kinds[row]})" if kinds else ""
            problem = f"the {name} of row {row}{kind} is {part[row].tolist()}"
            faults.add(rule, f"{problem}: {advice}, as density.point(...) does")


def _check_arguments_unchanged(sampler: StatefulSampler, faults: Faults) -> None:
    density, chance = MixtureDensity(_make_raw(_ROWS, _MIXTURES, 9)), _make_noise(_ROWS, 9)
    state = clone_state(sampler.initial_state(_ROWS, _CPU))
    names = ("pen_logits", "component_logits", "parameters")
    for _ in range(2):  # some write to the state only from the second point on
        arguments = {
            **{f"density.{name}": getattr(density, name) for name in names},
            "density.log_sigma_shift": density.log_sigma_shift,
            "noise": chance.uniforms,
            **{f"state[{number}]": part for number, part in enumerate(state)},
        }
        before = {name: torch.as_tensor(value).clone() for name, value in arguments.items()}
        _, after = sampler.step(density, chance, state)
        for name, value in arguments.items():
            now = getattr(density, name.removeprefix("density."), value)
            replaced = isinstance(value, Tensor) and now is not value
            if replaced or not same_values(torch.as_tensor(now), before[name]):
                advice = "work on a copy, or with density.tempered(...) and density.masked(...)"
                faults.add("arguments unchanged", f"it writes to {name}: {advice}")
        state = clone_state(after)


def _make_raw(rows: int, mixtures: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Raw outputs [B, 6M + 3] as of a model; row b is the same for every B."""
    values = normals(seed, torch.arange(rows), 6 * mixtures + 3, _STREAM)
    values[:, 3 + 3 * mixtures :] *= 0.5  # log sigmas and correlations
    return values.to(dtype)


def _make_extreme(mixtures: int, seed: int) -> Tensor:
    """Raw outputs whose rows are described by `_EXTREMES`."""
    raw = _make_raw(len(_EXTREMES), mixtures, seed)
    pen, weights, means, sigmas, correlations = torch.tensor_split(
        raw, [3, 3 + mixtures, 3 + 3 * mixtures, 3 + 5 * mixtures], dim=1
    )
    sigmas[1], sigmas[2] = -30.0, 20.0
    correlations[3], correlations[4] = 25.0, -25.0
    weights[5] = 1e4 * (1.0 - 2.0 * (torch.arange(mixtures) % 2))
    pen[6] = torch.tensor([-1e4, 1e4, 0.0])
    pen[7], weights[7] = 0.0, 0.0
    means[8] *= 1e4 / 6.0
    return raw


def _make_noise(rows: int, seed: int) -> Noise:
    return Noise(uniforms(seed, torch.arange(rows), torch.tensor(seed), _STREAM))


# --- samplers of whole drawings ---------------------------------------------------------------------------


def _check_drawings(sampler: DrawingSampler, faults: Faults) -> None:
    model = make_small_model()
    prompts = read_prompts(model, [np.zeros((0, 5)), np.array([[1.0, 0.5, 1, 0, 0], [-0.5, 1.0, 1, 0, 0]])])

    def draw(jobs: Any = _JOBS, kind: type[DecoderContext] = DecoderContext) -> list[Draft]:
        which, index = _PROMPT_OF[jobs], _INDEX_OF[jobs]
        requests = Requests(prompts, which, index, index * 0, _SEED, _MAX_POINTS)
        drafts: list[Draft] = []
        for draft in sampler.draw(kind(model, requests, exact=True)):
            drafts.append(draft)
            if len(drafts) > 4 * len(jobs) + 16:
                break  # an endless sampler
        return drafts

    def find_outcomes(
        jobs: Any = _JOBS, kind: type[DecoderContext] = DecoderContext
    ) -> dict[int, tuple[bytes, int]]:
        return {int(jobs[draft.job]): (draft.rows.tobytes(), draft.attempt) for draft in draw(jobs, kind)}

    with faults.during("drafts", f"for {len(_JOBS)} jobs", _CONTEXT):
        _check_drafts(draw(), model, prompts, faults)
    faults.stop_if_any()
    with faults.during("drafts again", "the second time", _CONTEXT):
        wanted = check_pure(find_outcomes, "drawings", "take noise from the context", faults)
        faults.stop_if_any()
        for jobs, kind, cause in (
            (_JOBS, _Reversed, "the order of its drafts"),
            (np.array([3, 0, 6, 1, 5, 2, 4]), DecoderContext, "the order of the jobs"),
            (np.array([2, 5]), DecoderContext, "the number of other jobs"),
            (np.repeat(_JOBS, 3), DecoderContext, "equal jobs beside it"),
        ):
            if find_outcomes(jobs, kind) != {job: wanted[job] for job in jobs.tolist()}:
                advice = "decide about each job by its own drafts, sorted by attempt"
                faults.add(f"alone: {cause}", f"a drawing depends on {cause}: {advice}")
    with faults.during("no jobs", "for zero jobs", "return an empty iterable where context.jobs is 0"):
        if draw(_JOBS[:0]):
            faults.add("no jobs", "it yields a draft: yield one for each of context.jobs")


class _Reversed(DecoderContext):
    """A context whose drafts come in the opposite order."""

    def drafts(self, *args: Any) -> Iterator[Draft]:
        yield from reversed(list(super().drafts(*args)))


def _check_drafts(drafts: list[Any], model: SketchModel, prompts: Prompts, faults: Faults) -> None:
    jobs = len(_JOBS)
    for draft in drafts:
        fault = f"draw yields a {type(draft).__name__}: yield sketchkit.sampling.Draft objects"
        faults.require(isinstance(draft, Draft), "a draft", fault)
        fault = f"a draft is of the job {draft.job!r}: number it from 0 to context.jobs - 1"
        faults.require(isinstance(draft.job, int) and 0 <= draft.job < jobs, "the job", fault)
        with faults.within(f"in job {draft.job}"):
            _check_rows(draft, faults)
    for job in range(jobs):
        times = sum(draft.job == job for draft in drafts)
        if times != 1:
            faults.add("once each", f"job {job} is drawn {times} times: yield one draft for each job")
    faults.stop_if_any()
    for draft in drafts:
        _check_likelihood(draft, model, prompts, faults)


def _check_rows(draft: Draft, faults: Faults) -> None:
    rows: Any = draft.rows
    if not isinstance(rows, np.ndarray) or rows.dtype != np.float32 or rows.shape != (len(rows), 5):
        given = f"{rows.dtype} {list(rows.shape)}" if isinstance(rows, np.ndarray) else type(rows).__name__
        faults.add("rows", f"the rows are {given}: make them a float32 array [n, 5]")
        return
    if not 1 <= len(rows) <= _MAX_POINTS:
        faults.add("length", f"there are {len(rows)} rows: draw 1 to {_MAX_POINTS}, context.max_points")
        return
    valid = np.isfinite(rows).all(1) & is_one_hot(rows[:, 2:])
    ends = np.flatnonzero(rows[:, 4])
    if not valid.all():
        place = int(np.argmin(valid))
        faults.add("rows", f"row {place} is {rows[place].tolist()}: use finite offsets and one-hot pens")
    elif ends.size and ends[0] != len(rows) - 1:
        faults.add("ends", f"row {ends[0]} of {len(rows)} ends the drawing: leave out the rest")
    elif ends.size and rows[-1, :2].any():
        faults.add("ends", f"the end row is {rows[-1].tolist()}: end with (0, 0, 0, 0, 1)")
    if not isinstance(draft.attempt, int) or not 0 <= draft.attempt < 4096:
        faults.add("attempt", f"the attempt is {draft.attempt!r}: number attempts from 0 to 4095")


@torch.inference_mode()
def _check_likelihood(draft: Draft, model: SketchModel, prompts: Prompts, faults: Faults) -> None:
    """Compare the likelihood with that of the rows under the model itself, unless it is unknown (NaN)."""
    if isinstance(draft.nll, float) and math.isnan(draft.nll):
        return
    prompt = int(_PROMPT_OF[draft.job])
    rows = torch.from_numpy(draft.rows)
    inputs = torch.cat((prompts.rows[prompt : prompt + 1], rows[:-1]))[None]
    raw, _ = model(inputs, tuple(part[prompt : prompt + 1] for part in prompts.state))
    offset, pen = MixtureDensity(raw[0]).log_prob(rows)
    wanted = -float((torch.where(rows[:, 4] == 1.0, 0.0, offset) + pen).sum())
    if not isinstance(draft.nll, float) or not math.isclose(draft.nll, wanted, rel_tol=1e-3, abs_tol=1e-2):
        problem = f"the nll of job {draft.job} is {draft.nll!r}, that of the model {wanted:.6g}"
        faults.add("likelihood", f"{problem}: use the nll of context.drafts, the sum of -log_prob, or nan")


def _check_sampling(sampler: AnySampler, faults: Faults) -> None:
    advice = "return finite points of a usable size"
    with faults.during("sampling", "when sketchkit.sample draws with it", advice):
        few, more = (
            sample(make_small_model(), count, sampler=sampler, seed=_SEED, max_points=_MAX_POINTS, exact=True)
            for count in (3, 18)
        )
        if few != more[:3]:
            advice = "let only a drawing's own density, noise and state decide"
            faults.add("sampling", f"a drawing changes with the number of drawings: {advice}")
