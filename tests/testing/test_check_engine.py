"""The check of engines: each rule, broken by an engine of its own."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
import torch
from checking import rules_of
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine.torch_engine import TorchEngine, TorchStepper
from sketchkit.models import SketchModel, State
from sketchkit.noise import Noise
from sketchkit.sampling import DrawRule
from sketchkit.testing import check_engine, engines
from sketchkit.testing.model_fixtures import make_engine_models


class Minimal:
    """Steps by the model's own step and leaves draws to the samplers."""

    def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
        return None if precision == "float32" else "float32 only"

    def stepper(self, model: SketchModel, precision: str) -> Any:
        return MinimalStepper(model)


class MinimalStepper:
    max_steps = 0
    batch_invariant, thread_safe, graph_capturable = False, False, False

    def __init__(self, model: SketchModel) -> None:
        self.model = model

    def prepare_state(self, state: State) -> State:
        return state

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        return self.model.step(rows, state)

    def draw(self, *given: Any) -> Any:
        raise AssertionError("max_steps says that it cannot")


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
        def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
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
    def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
        return {"float32": None, "tf32": "not here"}[precision]


class _SaysNo(Minimal):
    def unsupported_reason(self, model: SketchModel, precision: str) -> Any:
        return precision != "float32"


class _Boasts(Minimal):
    def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
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
    ("engine", "rule"),
    [
        (7, "an engine"),
        (_HalfAnEngine, "an engine"),
        (_Demanding, "makeable"),
        (_Raises, "unsupported_reason"),
        (_SaysNo, "unsupported_reason"),
        (_Boasts, "a stepper"),
        (_MakesNothing, "a stepper"),
        (_Caches, "weights as they are"),
        (_Greedy, "weights unchanged"),
    ],
)
def test_an_engine_that_is_none_is_told_what_to_change(
    engine: Any, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The plainest model alone; those two know nothing of other precisions.
    monkeypatch.setattr(engines, "make_engine_models", lambda device, few: make_engine_models(device, True))
    assert rules_of(check_engine, engine, few=engine not in (_Raises, _Boasts)) == (rule,)


# --- its steppers' steps ----------------------------------------------------------------------------------


class Leaning:
    """A stepper that leans on torch's, to be broken in one place."""

    max_steps: Any = 16
    batch_invariant: Any = False
    thread_safe: Any = False
    graph_capturable: Any = False

    def __init__(self, stepper: TorchStepper) -> None:
        self.inner = stepper

    def prepare_state(self, state: State) -> Any:
        return self.inner.prepare_state(state)

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
        def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
            return super().unsupported_reason(model, precision) if precision == "float32" else "float32 only"

        def stepper(self, model: SketchModel, precision: str) -> Any:
            return stepper(super().stepper(model, precision))

    return Engine


class _Eager(Leaning):
    max_steps = 1.5


class _Unsure(Leaning):
    batch_invariant = None


class _EntersInPlace(Leaning):
    def prepare_state(self, state: State) -> Any:
        state[0].add_(1.0)
        return state


class _ListsState(Leaning):
    def prepare_state(self, state: State) -> Any:
        return list(super().prepare_state(state))


class _ColumnsFirst(Leaning):
    def prepare_state(self, state: State) -> Any:
        return tuple(part.mT for part in super().prepare_state(state))


class _RoundsUp(Leaning):
    def prepare_state(self, state: State) -> Any:
        spare = -len(state[0]) % 8
        wide = state[0].new_zeros(len(state[0]), 8 + spare)
        return (*super().prepare_state(state), wide)

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

    def prepare_state(self, state: State) -> Any:
        entered = super().prepare_state(state)
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

    batch_invariant = True

    def step(self, rows: Tensor, state: State) -> Any:
        raw, after = super().step(rows, state)
        return (raw if len(rows) < 9 else raw * (1.0 + 2e-7)), after

    def draw(self, rows: Tensor, *given: Any) -> Any:
        return super().draw(rows, *given)


class _Shares(Leaning):
    """Lays the rows out in one place, whoever calls."""

    thread_safe = True

    def __init__(self, stepper: TorchStepper) -> None:
        super().__init__(stepper)
        self.place = torch.zeros(40, 5, dtype=stepper._dtype)

    def step(self, rows: Tensor, state: State) -> Any:
        mine = self.place[: len(rows)]
        mine.copy_(rows)
        time.sleep(1e-4)  # wherever numbers are computed, another thread may come in
        return super().step(mine, state)


@pytest.mark.parametrize(
    ("stepper", "rule"),
    [
        (_Eager, "facts"),
        (_Unsure, "facts"),
        (_EntersInPlace, "prepare_state writes nothing"),
        (_ListsState, "a state"),
        (_ColumnsFirst, "a state"),
        (_RoundsUp, "states alike"),
        (_StepsInPlace, "arguments unchanged"),
        (_Widens, "the state stays"),
        (_OneBuffer, "results stay"),
        (_Forgets, "like the model"),
        (_OffTheMark, "like the model"),
        (_Half, "raw outputs"),
        (_MindsOthers, "rows unknown"),
        (_Rolls, "generators"),
        (_LikesPairs, "steps"),
        (_Steady, "batch_invariant"),
        (_Shares, "threads"),
    ],
)
def test_each_fault_of_a_step_is_told(stepper: type[Leaning], rule: str) -> None:
    rules = rules_of(check_engine, _with(stepper), few=True)
    assert rule in rules
    assert len(rules) == 1 or stepper in (_EntersInPlace, _StepsInPlace), rules


def test_rows_that_stand_in_a_place_of_their_own_are_found_where_they_move() -> None:
    assert {"rows moved", "rows begun anew"} <= {*rules_of(check_engine, _with(_KeepsAside), few=True)}


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
    ("stepper", "rule"),
    [
        (_Miscounts, "steps made"),
        (_SaysNothing, "steps and a state"),
        (_LosesState, "drawn as stepped"),
        (_AnotherOrder, "drawn as stepped"),
        (_NoRadius, "drawn as stepped"),
        (_TakesItAllFlat, "drawn as stepped"),
        (_UsesUp, "draw writes"),
        (_Overruns, "draw writes"),
        (_NoEnds, "one-hot"),
        (_Unbounded, "finite"),
        (_TemperedLosses, "losses"),
        (_NoLosses, "losses"),
        (_NeverScored, "draws"),
    ],
)
def test_each_fault_of_a_draw_is_told(stepper: type[Leaning], rule: str) -> None:
    assert rules_of(check_engine, _with(stepper), few=True) == (rule,)


def test_a_steppers_model_of_another_kind_is_not_taken_for_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that goes by `isinstance` alone steps a subclass as if it were no other."""

    def subclass(device: torch.device, few: bool) -> list[tuple[str, SketchModel]]:
        return [(name, model) for name, model in make_engine_models(device, few) if "subclass" in name]

    monkeypatch.setattr(engines, "make_engine_models", subclass)

    class ByTheLook(TorchEngine):
        def stepper(self, model: SketchModel, precision: str) -> Any:
            from sketchkit.models.decoder import DecoderModel

            if isinstance(model, DecoderModel):
                plain = DecoderModel(model.architecture, model.card)
                plain.load_state_dict(model.state_dict())
                model = plain.to(model.dtype).requires_grad_(False).eval()
            return super().stepper(model, precision)

    assert "like the model" in rules_of(check_engine, ByTheLook)
