"""The check of engines: each rule, broken by an engine of its own."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
import torch
from checking import fault_of, faults_of
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine.plain import TorchEngine, TorchStepper
from sketchkit.models import SketchModel, State
from sketchkit.noise import Noise
from sketchkit.sampling import DrawRule
from sketchkit.testing import check_engine


class Minimal:
    """Steps by the model's own step and leaves draws to the samplers."""

    def unfit(self, model: SketchModel, precision: str) -> str | None:
        return None if precision == "float32" else "it knows float32 only"

    def stepper(self, model: SketchModel, precision: str) -> Any:
        return MinimalStepper(model)


class MinimalStepper:
    most_steps = 0
    steady, many_at_once, recordable = False, False, False

    def __init__(self, model: SketchModel) -> None:
        self.model = model

    def enter(self, state: State) -> State:
        return state

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        return self.model.step(rows, state)

    def draw(self, *given: Any) -> Any:
        raise AssertionError("most_steps says that it cannot")


def test_torchs_own_engine_passes_by_name_as_a_class_and_as_an_object() -> None:
    before = torch.get_rng_state()
    check_engine("torch")
    check_engine(TorchEngine, few=True)
    check_engine(TorchEngine(), few=True)
    assert torch.equal(before, torch.get_rng_state())


def test_an_engine_of_the_least_that_there_must_be_passes() -> None:
    check_engine(Minimal)


def test_an_engine_that_fits_nothing_here_passes() -> None:
    class Elsewhere(Minimal):
        def unfit(self, model: SketchModel, precision: str) -> str | None:
            return "it needs a device that is not here"

    check_engine(Elsewhere)


# --- the engine -------------------------------------------------------------------------------------------


class _Demanding(Minimal):
    def __init__(self, size: int) -> None:
        self.size = size


class _HalfAnEngine:
    def stepper(self, model: SketchModel, precision: str) -> Any:
        return MinimalStepper(model)


class _Raises(Minimal):
    def unfit(self, model: SketchModel, precision: str) -> str | None:
        return {"float32": None, "tf32": "not here"}[precision]


class _SaysNo(Minimal):
    def unfit(self, model: SketchModel, precision: str) -> Any:
        return precision != "float32"


class _Boasts(Minimal):
    def unfit(self, model: SketchModel, precision: str) -> str | None:
        return None

    def stepper(self, model: SketchModel, precision: str) -> Any:
        if precision == "int8":
            raise NotImplementedError(precision)
        return TorchEngine().stepper(model, "float32")


class _MakesNothing(Minimal):
    def stepper(self, model: SketchModel, precision: str) -> Any:
        return model


class _Caches(TorchEngine):
    def __init__(self) -> None:
        self.made: dict[tuple[Any, ...], Any] = {}

    def stepper(self, model: SketchModel, precision: str) -> Any:
        key = (id(model), precision)
        if key not in self.made:
            self.made[key] = model, super().stepper(_frozen(model), precision)
        return self.made[key][1]


def _frozen(model: SketchModel) -> SketchModel:
    """A copy, since torch's stepper looks at some of the weights where they lie."""
    import copy

    return copy.deepcopy(model)


class _Greedy(TorchEngine):
    def stepper(self, model: SketchModel, precision: str) -> Any:
        made = super().stepper(model, precision)
        next(model.parameters()).mul_(1.0 + 1e-6)
        return made


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (7, "an object of the type int is no engine: give it unfit(model, precision) and stepper("),
        (_HalfAnEngine, "an object of the type _HalfAnEngine is no engine: give it unfit(model, precision)"),
        (_Demanding, "when it is made: let it be made without arguments"),
        (_Raises, "it raises KeyError: 'bfloat16' from unfit for a decoder in bfloat16: say in half a"),
        (_SaysNo, "unfit gives False for a decoder in float32: say in half a sentence why not, or None"),
        (_Boasts, "it raises NotImplementedError: int8 from stepper for a decoder in int8: make one for"),
        (_MakesNothing, "the DecoderModel for a decoder in float32 has no method enter: give it one"),
        (_Caches, "made once its weights have changed is off by "),
        (_Greedy, "it changes the weights of a decoder: lay them out in memory of your own"),
    ],
)
def test_an_engine_that_is_none_is_told_what_to_change(engine: Any, words: str) -> None:
    # Those two know nothing of other precisions.
    assert words in fault_of(check_engine, engine, few=engine not in (_Raises, _Boasts))


# --- its steppers' steps ----------------------------------------------------------------------------------


class Leaning:
    """A stepper that leans on torch's, to be broken in one place."""

    most_steps: Any = 16
    steady: Any = False
    many_at_once: Any = False
    recordable: Any = False

    def __init__(self, stepper: TorchStepper) -> None:
        self.inner = stepper

    def enter(self, state: State) -> Any:
        return self.inner.enter(state)

    def step(self, rows: Tensor, state: State) -> Any:
        return self.inner.step(rows, state)

    def draw(
        self,
        rows: Tensor,
        state: State,
        uniforms: Tensor,
        rule: DrawRule,
        points: Tensor,
        losses: Tensor | None,
    ) -> Any:
        return self.inner.draw(rows, state, uniforms[:, :16], rule, points, losses)


def _with(stepper: type[Leaning]) -> type[TorchEngine]:
    """An engine whose steppers, in float32, are of a class."""

    class Engine(TorchEngine):
        def unfit(self, model: SketchModel, precision: str) -> str | None:
            return super().unfit(model, precision) if precision == "float32" else "it knows float32 only"

        def stepper(self, model: SketchModel, precision: str) -> Any:
            return stepper(super().stepper(model, precision))

    return Engine


class _Eager(Leaning):
    most_steps = 1.5


class _Unsure(Leaning):
    steady = None


class _EntersInPlace(Leaning):
    def enter(self, state: State) -> Any:
        state[0].add_(1.0)
        return state


class _ListsState(Leaning):
    def enter(self, state: State) -> Any:
        return list(super().enter(state))


class _ColumnsFirst(Leaning):
    def enter(self, state: State) -> Any:
        return tuple(part.mT for part in super().enter(state))


class _RoundsUp(Leaning):
    def enter(self, state: State) -> Any:
        spare = -len(state[0]) % 8
        wide = state[0].new_zeros(len(state[0]), 8 + spare)
        return (*super().enter(state), wide)

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state[:-1])
        return raw, (*after, state[-1])

    def draw(self, rows: Tensor, state: State, *given: Any) -> Any:
        made, after = super().draw(rows, state[:-1], *given)
        return made, (*after, state[-1])


class _StepsInPlace(Leaning):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        for part, new in zip(state, after, strict=True):
            part.copy_(new)
        return raw, after


class _Widens(Leaning):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, tuple(part.to(raw_type(self)) for part in state))
        return raw, (after[0].double(), *after[1:])


def raw_type(stepper: Leaning) -> torch.dtype:
    return stepper.inner._dtype


class _OneBuffer(Leaning):
    """Raw outputs in memory that the next step writes to again."""

    raw: Tensor | None = None

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        if self.raw is None or self.raw.shape != raw.shape:
            self.raw = raw.clone()
        return self.raw.copy_(raw), after


class _Forgets(Leaning):
    """Says nothing of the place of the pen any more."""

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw, (*after[:1], state[1], *after[2:])


class _OffTheMark(Leaning):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw * 1.001, after


class _Half(Leaning):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw[:, :-6], after


class _KeepsAside(Leaning):
    """What a row needs stands in a place of its own, by number of row."""

    aside: dict[int, Tensor]

    def enter(self, state: State) -> Any:
        entered = super().enter(state)
        self.aside = {row: part for row, part in enumerate(entered[0].clone())}
        return entered

    def step(self, rows: Tensor, state: State) -> Any:
        hidden = torch.stack([self.aside.get(row, part) for row, part in enumerate(state[0])])
        raw, after = super().step(rows, (hidden, *state[1:]))
        self.aside = dict(enumerate(after[0].clone()))
        return raw, after


class _MindsOthers(Leaning):
    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return raw + 0.0 * raw.mean(), after


class _Rolls(Leaning):
    def step(self, rows: Tensor, state: State) -> Any:
        random.random()
        return super().step(rows, state)


class _LikesPairs(Leaning):
    def step(self, rows: Tensor, state: State) -> Any:
        if len(rows) % 2 and len(rows) > 1:
            raise RuntimeError("an odd number")
        return super().step(rows, state)


class _Steady(Leaning):
    """Says that it is, but adds up otherwise where there are many rows."""

    steady = True

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return (raw if len(rows) < 9 else raw * (1.0 + 2e-7)), after

    def draw(self, rows: Tensor, *given: Any) -> Any:
        return super().draw(rows, *given)


class _Shares(Leaning):
    """Lays the rows out in one place, whoever calls."""

    many_at_once = True

    def __init__(self, stepper: TorchStepper) -> None:
        super().__init__(stepper)
        self.place = torch.zeros(40, 5, dtype=stepper._dtype)

    def step(self, rows: Tensor, state: State) -> Any:
        mine = self.place[: len(rows)]
        mine.copy_(rows)
        time.sleep(1e-4)  # wherever numbers are computed, another thread may come in
        return super().step(mine, state)


@pytest.mark.parametrize(
    ("stepper", "words"),
    [
        (_Eager, "most_steps of the _Eager for a decoder in float32 is 1.5: make it how many points one"),
        (_Unsure, "steady of the _Unsure for a decoder in float32 is None: make it true or false"),
        (_EntersInPlace, "enter writes to the model's state: make new tensors"),
        (_ListsState, "enter gives a list for a state: give a tuple of tensors"),
        (_ColumnsFirst, "after enter: make the rows its first dimension"),
        (_RoundsUp, "let nothing but the first dimension be the number of rows"),
        (_StepsInPlace, "step writes to its state: make new tensors; only draw may write"),
        (_Widens, "step takes the state from (float32 [1, 19], float32 [1, 19]) to (float64 [1, 19]"),
        (_OneBuffer, "a later step writes over what an earlier one returned: return tensors of their own"),
        (_Forgets, "keep within 0.0001 of the model's own step, or let unfit say why not"),
        (_OffTheMark, "at step 0 the raw outputs of 1 rows of a decoder in float32 are off by 0.00"),
        (_Half, "step returns [1, 27] for raw outputs of a decoder in float32: return floating-point"),
        (_MindsOthers, "are off by inf where another row is not a number: compute each row by itself"),
        (_Rolls, "it draws from the global generator of Python's random: take chance from the noise alone"),
        (_LikesPairs, "it raises RuntimeError: an odd number for 3 rows of a decoder in float32: take any"),
        (_Steady, "have other bits among 1 rows than among 40: add up in one order whatever the number"),
        (_Shares, "what two threads make of a decoder in float32 at once is not what each makes alone"),
    ],
)
def test_each_fault_of_a_step_is_told(stepper: type[Leaning], words: str) -> None:
    faults = faults_of(check_engine, _with(stepper), few=True)
    assert any(words in fault for fault in faults), faults
    assert len(faults) == 1 or stepper in (_EntersInPlace, _StepsInPlace), faults


def test_rows_that_stand_in_a_place_of_their_own_are_found_where_they_move() -> None:
    faults = faults_of(check_engine, _with(_KeepsAside), few=True)
    assert any("where rows [7, 2, 4, 0, 1, 6, 3, 5] of 8 go on alone: keep all that" in f for f in faults)
    assert any("where a drawing begins in another's row: let no two rows of a state" in f for f in faults)


# --- its steppers' draws ----------------------------------------------------------------------------------


class _Miscounts(Leaning):
    def draw(self, *given: Any) -> Any:
        return 17, super().draw(*given)[1]


class _SaysNothing(Leaning):
    def draw(self, *given: Any) -> Any:
        return super().draw(*given)[1]


class _LosesState(Leaning):
    """Leaves the state as it was before its last step."""

    def draw(
        self, rows: Tensor, state: State, uniforms: Tensor, rule: DrawRule, points: Tensor, losses: Any
    ) -> Any:
        made, _ = super().draw(rows, state, uniforms, rule, points, losses)
        inputs = (rows, *points[: made - 2]) if made > 1 else ()
        for each in inputs:
            _, state = super().step(each.to(self.inner._dtype), state)
        return made, state


class _AnotherOrder(Leaning):
    """Takes the numbers of the noise in another order."""

    def draw(self, rows: Tensor, state: State, uniforms: Tensor, *given: Any) -> Any:
        return super().draw(rows, state, uniforms[..., [1, 0, 2, 3]], *given)


class _NoRadius(Leaning):
    def draw(self, rows: Tensor, state: State, uniforms: Tensor, rule: DrawRule, *given: Any) -> Any:
        return super().draw(rows, state, uniforms, DrawRule(rule.softening, rule.log_sigma_shift), *given)


class _TakesItAllFlat(Leaning):
    """Reads noise as if it were contiguous."""

    def draw(self, rows: Tensor, state: State, uniforms: Tensor, *given: Any) -> Any:
        flat = uniforms.as_strided(uniforms.shape, (uniforms.shape[1] * 4, 4, 1))
        return super().draw(rows, state, flat, *given)


class _UsesUp(Leaning):
    def draw(self, rows: Tensor, state: State, uniforms: Tensor, *given: Any) -> Any:
        made, after = super().draw(rows, state, uniforms, *given)
        uniforms[:, :made] = 0.5
        return made, after


class _Overruns(Leaning):
    def draw(
        self, rows: Tensor, state: State, uniforms: Tensor, rule: DrawRule, points: Tensor, losses: Any
    ) -> Any:
        points.as_strided((5,), (1,), points.storage_offset() + points.numel()).fill_(0.0)
        return super().draw(rows, state, uniforms, rule, points, losses)


class _NoEnds(Leaning):
    def draw(
        self, rows: Tensor, state: State, uniforms: Tensor, rule: DrawRule, points: Tensor, losses: Any
    ) -> Any:
        made = super().draw(rows, state, uniforms, rule, points, losses)
        points[..., 4] = 0.0
        return made


class _Unbounded(Leaning):
    def draw(
        self, rows: Tensor, state: State, uniforms: Tensor, rule: DrawRule, points: Tensor, losses: Any
    ) -> Any:
        made = super().draw(rows, state, uniforms, rule, points, losses)
        points[0, 0, 0] = torch.inf
        return made


class _TemperedLosses(Leaning):
    def draw(
        self, rows: Tensor, state: State, uniforms: Tensor, rule: DrawRule, points: Tensor, losses: Any
    ) -> Any:
        """One step a call, whose losses are those of an offset, too, where a drawing ends."""
        raw, after = super().step(rows.to(self.inner._dtype), state)
        density = MixtureDensity(raw)
        tempered = density.softened(rule.softening, rule.log_sigma_shift)
        points[0] = tempered.draw(Noise(uniforms[:, 0]), rule.max_radius)
        if losses is not None:
            losses[0] = -sum(density.log_prob(points[0]))
        return 1, after


class _NoLosses(Leaning):
    def draw(
        self, rows: Tensor, state: State, uniforms: Tensor, rule: DrawRule, points: Tensor, losses: Any
    ) -> Any:
        return super().draw(rows, state, uniforms, rule, points, None)


class _NeverScored(Leaning):
    def draw(
        self, rows: Tensor, state: State, uniforms: Tensor, rule: DrawRule, points: Tensor, losses: Any
    ) -> Any:
        losses.zero_()
        return super().draw(rows, state, uniforms, rule, points, losses)


@pytest.mark.parametrize(
    ("stepper", "words"),
    [
        (_Miscounts, "draw says that it made 17 steps of 16: return how many steps were made, 1..16 here"),
        (_SaysNothing, "draw returns a tuple that is no number and a state: return how many steps were made"),
        (_LosesState, "are not those of its own step ("),
        (_AnotherOrder, "choose as sketchkit.density.pick and MixtureDensity.point do, from the same four"),
        (_NoRadius, "choose as sketchkit.density.pick and MixtureDensity.point do, from the same four"),
        (_TakesItAllFlat, "choose as sketchkit.density.pick and MixtureDensity.point do, from the same"),
        (_UsesUp, "draw writes to the noise: write to its state and points alone"),
        (_Overruns, "draw writes beyond its points: they are [K', B, 5], contiguous"),
        (_NoEnds, "is [0.0, 0.0, 0.0]: fill each step's rows, one-hot"),
        (_Unbounded, "the offset of a point drawn for a decoder in float32 is not finite: fill each step's"),
        (_TemperedLosses, "losses of a decoder in float32 are not those of its points: give the negative"),
        (_NoLosses, "losses of a decoder in float32 are not those of its points: give the negative log-"),
        (_NeverScored, "when 8 rows of a decoder in float32 are drawn by a temperature near 0: take any"),
    ],
)
def test_each_fault_of_a_draw_is_told(stepper: type[Leaning], words: str) -> None:
    assert words in fault_of(check_engine, _with(stepper), few=True)


def test_a_steppers_model_of_another_kind_is_not_taken_for_our_own() -> None:
    """An engine that goes by `isinstance` alone steps a subclass as if it were no other."""

    class ByTheLook(TorchEngine):
        def stepper(self, model: SketchModel, precision: str) -> Any:
            from sketchkit.models.decoder import DecoderModel

            if isinstance(model, DecoderModel):
                plain = DecoderModel(model.architecture, model.card)
                plain.load_state_dict(model.state_dict())
                model = plain.to(model.dtype).requires_grad_(False).eval()
            return super().stepper(model, precision)

    faults = faults_of(check_engine, ByTheLook)
    assert any("of a subclass of the decoder with a step of its own in float32 are off" in f for f in faults)
