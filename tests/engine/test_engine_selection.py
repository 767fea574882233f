"""Which engine steps a model: whoever can, torch's own last, and nobody is hurt by one that fails."""

from __future__ import annotations

import copy
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from sketchkit import registry
from sketchkit.engine import PRECISIONS, Stepper, engine_of, stepper_of
from sketchkit.engine.torch_engine import TorchEngine
from sketchkit.errors import DeviceError, InputError, PluginError, PluginWarning
from sketchkit.generate import sample
from sketchkit.models import Decoding, SketchModel, State
from sketchkit.sampling import DrawRule

Publish = Callable[..., None]


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publish]:
    """Register engines of strangers, by name, beside sketchkit's own and nobody else's."""
    monkeypatch.setenv("SKETCHKIT_PLUGINS", "1")
    monkeypatch.setattr(registry, "_warned", set())
    own = tuple(plugin for plugin in registry.all_plugins() if plugin.builtin)
    place = ModuleType("engines_of_strangers")
    monkeypatch.setitem(sys.modules, place.__name__, place)
    found: list[registry.Plugin] = []

    def put(*, requires: tuple[str, ...] = (), distribution: str = "odd-plugin", **engines: Any) -> None:
        for name, engine in engines.items():
            target = f"{name}_of_{distribution.replace('-', '_')}"
            setattr(place, target, engine)
            entry = EntryPoint(name, f"{place.__name__}:{target}", registry.GROUPS["engine"])
            found.append(registry.Plugin("engine", name, distribution, entry, "1.0", requires))

    def plugins(kind: str, strangers: bool) -> tuple[registry.Plugin, ...]:
        return tuple(plugin for plugin in (*own, *found) if plugin.kind == kind)

    monkeypatch.setattr(registry, "_plugins", plugins)
    yield put


@pytest.fixture
def model(tiny_model: SketchModel) -> SketchModel:
    """A model of the test's own."""
    return copy.deepcopy(tiny_model)


class Able(TorchEngine):
    """Can whatever torch can, and keeps a list of what it was asked for."""

    log: ClassVar[list[str]] = []

    def stepper(self, model: SketchModel, precision: str) -> Any:
        self.log.append(precision)
        return super().stepper(model, precision)


class Picky(TorchEngine):
    def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
        return "it is never in the mood"


class Stumbles(TorchEngine):
    def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
        raise KeyError("lost")


class Breaks(TorchEngine):
    def stepper(self, model: SketchModel, precision: str) -> Any:
        raise RuntimeError("no luck")


def _decoding(model: SketchModel, engine: str = "auto", precision: str = "float32") -> SketchModel:
    model.decoding = Decoding(engine, precision)
    return model


# --- who is taken -----------------------------------------------------------------------------------------


def test_torch_steps_a_model_where_nobody_else_is(publish: Publish, model: SketchModel) -> None:
    assert engine_of(model) == engine_of(_decoding(model, "torch")) == "torch"


def test_a_plugin_that_can_goes_before_torch(publish: Publish, model: SketchModel) -> None:
    publish(zest=Able)  # behind torch by the alphabet
    assert engine_of(model) == "zest"
    assert engine_of(_decoding(model, "torch")) == "torch"
    assert engine_of(_decoding(model, "odd-plugin:zest")) == "odd-plugin:zest"


def test_a_plugin_that_cannot_is_passed_over_without_a_word(publish: Publish, model: SketchModel) -> None:
    publish(picky=Picky)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert engine_of(model) == "torch"


def test_two_of_one_name_are_both_asked(publish: Publish, model: SketchModel) -> None:
    publish(twin=Picky)
    publish(twin=Able, distribution="other-plugin")
    assert engine_of(model) == "other-plugin:twin"
    with pytest.raises(PluginError, match="several plugins bring an engine named 'twin': choose one of"):
        engine_of(_decoding(model, "twin"))


def test_drawings_of_another_engine_are_the_same(publish: Publish, model: SketchModel) -> None:
    wanted = sample(_decoding(model, "torch"), 4, seed=3)
    publish(able=Able)
    Able.log.clear()
    drawn = sample(_decoding(model), 4, seed=3)
    assert Able.log == ["float32"]
    for one, other in zip(drawn, wanted, strict=True):
        np.testing.assert_allclose(one.points, other.points)


# --- who is not -------------------------------------------------------------------------------------------


def test_an_engine_that_is_named_says_why_it_cannot(publish: Publish, model: SketchModel) -> None:
    publish(picky=Picky)
    with pytest.raises(
        DeviceError, match=r"'tiny' cannot be stepped in float32: picky: it is never in the mood$"
    ):
        stepper_of(_decoding(model, "picky"))


def test_where_nobody_can_everybody_says_why(publish: Publish, tiny_model: SketchModel) -> None:
    publish(picky=Picky)
    model = copy.deepcopy(tiny_model).double()
    with pytest.raises(
        DeviceError,
        match=r"in bfloat16: picky: it is never in the mood; torch: its weights are in float64 already$",
    ):
        engine_of(_decoding(model, precision="bfloat16"))


def test_an_unknown_precision_is_told_with_those_that_are_known(model: SketchModel) -> None:
    with pytest.raises(InputError, match=f"unknown precision 'int4': choose one of {', '.join(PRECISIONS)}"):
        engine_of(_decoding(model, precision="int4"))


def test_an_unknown_engine_is_told_with_the_nearest(publish: Publish, model: SketchModel) -> None:
    with pytest.raises(PluginError, match="no engine named 'troch': did you mean 'torch'"):
        engine_of(_decoding(model, "troch"))


class _Demanding(TorchEngine):
    def __init__(self, size: int) -> None: ...


class _SaysNo(TorchEngine):
    def unsupported_reason(self, model: SketchModel, precision: str) -> Any:
        return False


class _Refuses(TorchEngine):
    def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
        raise InputError("ODD_WIDTH is 'many', not a number")


class _Exits(TorchEngine):
    def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
        sys.exit(3)


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        (Stumbles, "the engine odd-plugin:broken failed: KeyError: 'lost'"),
        (_Exits, "the engine odd-plugin:broken failed: SystemExit: 3"),
        (_Demanding, "the engine odd-plugin:broken failed: TypeError: "),
        (_SaysNo, "the engine odd-plugin:broken gives a bool for what it cannot step, not a text"),
        (_Refuses, "ODD_WIDTH is 'many', not a number"),
        (object, "the engine 'broken' is an object, not an engine"),
    ],
)
def test_one_that_fails_costs_a_warning_and_is_an_error_for_those_who_name_it(
    publish: Publish, model: SketchModel, engine: type, told: str
) -> None:
    publish(broken=engine)
    with pytest.warns(PluginWarning) as said:
        drawn = sample(model, 2, seed=1)
        sample(model, 2, seed=2)
    assert len(drawn) == 2
    assert len(said) == 1 and told in str(said[0].message)
    with pytest.raises((PluginError, InputError)) as failed:
        sample(_decoding(model, "broken"), 1)
    assert str(failed.value).startswith(told)


def test_a_warning_names_the_plugin_whatever_it_raised(publish: Publish, model: SketchModel) -> None:
    publish(broken=_Refuses)
    with pytest.warns(PluginWarning, match="the engine odd-plugin:broken failed: ODD_WIDTH is 'many'"):
        engine_of(model)


def test_one_that_is_not_there_to_be_imported_costs_a_warning(publish: Publish, model: SketchModel) -> None:
    publish(able=Able)
    del sys.modules["engines_of_strangers"].able_of_odd_plugin
    with pytest.warns(PluginWarning, match="the engine odd-plugin:able cannot be loaded: AttributeError"):
        assert engine_of(model) == "torch"


def test_one_for_another_version_costs_a_warning(publish: Publish, model: SketchModel) -> None:
    publish(able=Able, requires=("sketchkit>=99",))
    with pytest.warns(PluginWarning, match="the engine odd-plugin:able cannot be loaded: it needs sketchkit"):
        assert engine_of(model) == "torch"


# --- the steppers -----------------------------------------------------------------------------------------


def test_a_stepper_is_made_once_and_again_when_a_weight_changes(publish: Publish, model: SketchModel) -> None:
    publish(able=Able)
    Able.log.clear()
    first = stepper_of(model)
    assert stepper_of(model) is first and Able.log == ["float32"]
    with torch.no_grad():
        next(model.parameters()).mul_(0.5)
    second = stepper_of(model)
    assert second is not first and stepper_of(model) is second
    model.load_state_dict({name: 2.0 * value for name, value in model.state_dict().items()})
    assert stepper_of(model) is not second


def test_a_model_that_has_changed_draws_as_it_is(model: SketchModel) -> None:
    before = sample(model, 4, seed=1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.5)
    after, fresh = sample(model, 4, seed=1), sample(copy.deepcopy(model), 4, seed=1)
    assert [d.points.tolist() for d in after] == [d.points.tolist() for d in fresh]
    assert [d.points.tolist() for d in after] != [d.points.tolist() for d in before]


def test_each_engine_and_precision_has_a_stepper_of_its_own(publish: Publish, model: SketchModel) -> None:
    publish(able=Able)
    mine, torchs = stepper_of(model), stepper_of(_decoding(model, "torch"))
    assert mine is not torchs
    assert stepper_of(_decoding(model, "able")) is mine
    assert stepper_of(_decoding(model, "torch")) is torchs


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_copy_leaves_the_steppers_behind(
    model: SketchModel, copied: Callable[[SketchModel], SketchModel]
) -> None:
    stepper = stepper_of(model)
    stepper.lock = _Uncopied()  # type: ignore[attr-defined]
    again = copied(model)
    assert again.decoding == model.decoding
    if copied is not copy.copy:  # which shares the weights, and so may share what was made of them
        assert stepper_of(again) is not stepper
    assert stepper_of(model) is stepper


class _Uncopied:
    """Something that lies in memory of somebody else's."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise AssertionError("copied")


# --- a stranger's stepper ---------------------------------------------------------------------------------


class _Faulty:
    """A stepper that fails at one thing."""

    max_steps, batch_invariant, thread_safe, graph_capturable = 4, False, False, False

    def __init__(self, stepper: Stepper, fails: str) -> None:
        self.inner, self.fails = stepper, fails

    def prepare_state(self, state: State) -> State:
        if self.fails == "prepare_state":
            raise ZeroDivisionError("prepare_state")
        return self.inner.prepare_state(state)

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        if self.fails == "step":
            raise ZeroDivisionError("step")
        return self.inner.step(rows, state)

    def draw(
        self,
        rows: Tensor,
        state: State,
        uniforms: Tensor,
        rule: DrawRule,
        points: Tensor,
        losses: Tensor | None,
    ) -> tuple[int, State]:
        if self.fails == "draw":
            raise ZeroDivisionError("draw")
        made, state = self.inner.draw(rows, state, uniforms, rule, points, losses)
        return (0 if self.fails == "count" else made), state


def _failing(fails: str) -> type[TorchEngine]:
    class Failing(TorchEngine):
        def stepper(self, model: SketchModel, precision: str) -> Any:
            return _Faulty(super().stepper(model, precision), fails)

    return Failing


@pytest.mark.parametrize("fails", ["prepare_state", "step", "draw"])
def test_a_strangers_stepper_that_fails_is_blamed_by_name(
    publish: Publish, model: SketchModel, fails: str
) -> None:
    publish(weak=_failing(fails))
    # Any sampler that is more than a tempered draw has to step.
    sampler = "greedy" if fails == "step" else "temperature"
    with pytest.raises(PluginError, match=f"the engine odd-plugin:weak failed: ZeroDivisionError: {fails}"):
        sample(model, 1, sampler=sampler)


def test_a_strangers_stepper_that_makes_no_steps_is_blamed(publish: Publish, model: SketchModel) -> None:
    publish(weak=_failing("count"))
    with pytest.raises(PluginError, match="the engine odd-plugin:weak made 0 steps of "):
        sample(model, 1)


def test_a_stranger_that_makes_no_stepper_is_blamed(publish: Publish, model: SketchModel) -> None:
    class Empty(TorchEngine):
        def stepper(self, model: SketchModel, precision: str) -> Any:
            return model

    publish(breaks=Breaks)
    with pytest.raises(PluginError, match="the engine odd-plugin:breaks failed: RuntimeError: no luck"):
        stepper_of(model)
    publish(empty=Empty)
    with pytest.raises(PluginError, match="the engine 'empty' makes a DecoderModel, not a stepper"):
        stepper_of(_decoding(model, "empty"))
