"""Which engine steps a model, and the steppers that a model caches."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

from sketchkit import registry
from sketchkit.arguments import describe_value
from sketchkit.engine.steppers import PRECISIONS, Engine, State, Stepper
from sketchkit.errors import DeviceError, InputError, PluginError, SketchkitError
from sketchkit.guard import Guarded
from sketchkit.models import Array, ArrayModel, DrawingModel
from sketchkit.tempering import DrawRule

__all__ = ["Cache", "engine_of", "stepper_of"]

#: The attribute by which a model caches its steppers, by its `decoding`, each with the state of the weights.
_CACHE = "_steppers"

K = TypeVar("K")
V = TypeVar("V")


class Cache(dict[K, V]):
    """Values that a model computes once; a copy or a pickle of the model starts with an empty cache."""

    def __deepcopy__(self, memo: object) -> Cache[K, V]:
        return Cache()

    def __reduce__(self) -> Any:
        return (Cache, ())


def stepper_of(model: DrawingModel) -> Stepper:
    """A model made ready as its `decoding` says; the same object again while its weights stay as they are.

    Raises:
        InputError: an unknown precision.
        DeviceError: no engine, or not the one that is named, can step it so.
        PluginError: an unknown engine, or one that fails.
    """
    state, made = _weights_state(model), model.__dict__.setdefault(_CACHE, Cache())
    asked = model.decoding
    if not _is_current(made.get(asked), state):
        meant = replace(asked, engine=engine_of(model))  # whoever names it shall have the same
        if not _is_current(made.get(meant), state):
            made[meant] = (state, _make_stepper(meant.engine, model))
        made[asked] = made[meant]
    stepper: Stepper = made[asked][1]
    return stepper


def _is_current(kept: tuple[object, Stepper] | None, state: object) -> bool:
    """Whether a stepper that has been made is that of a model in this state."""
    return kept is not None and state is not None and kept[0] == state


def engine_of(model: DrawingModel) -> str:
    """The name of the engine that steps a model.

    Raises:
        InputError: an unknown precision.
        DeviceError: no engine, or not the one that is named, can step it so.
        PluginError: an unknown engine, or one that fails.
    """
    wanted, precision = model.decoding.engine, model.decoding.precision
    if precision not in PRECISIONS:
        raise InputError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    reasons = []
    for name, reason in (
        _ask_engines(model) if wanted == "auto" else [(wanted, _unsupported_reason(wanted, model))]
    ):
        if reason is None:
            return name
        reasons.append(f"{name}: {reason}")
    raise DeviceError(f"the model {model.card.name!r} cannot be stepped in {precision}: {'; '.join(reasons)}")


def _make_stepper(name: str, model: DrawingModel) -> Stepper:
    stepper: object = _engine(name).stepper(model, model.decoding.precision)
    if not isinstance(stepper, Stepper):
        raise PluginError(f"the engine {name!r} makes {describe_value(stepper)}, not a stepper")
    return stepper


class _GuardedEngine(Guarded[Engine]):
    def unsupported_reason(self, model: DrawingModel, precision: str) -> str | None:
        """Why a model cannot be stepped; see `Engine`."""
        return self._call(
            self.__wrapped__.unsupported_reason, model, precision, find_problem=_find_reason_problem
        )

    def stepper(self, model: DrawingModel, precision: str) -> Stepper:
        """A model made ready; see `Engine`."""
        made = self._call(lambda: _renamed(self.__wrapped__.stepper(model, precision), _STEPPER_NAMES))
        return _GuardedStepper(self.plugin, made) if isinstance(made, Stepper) else made

    @cached_property
    def takes_arrays(self) -> bool:
        """Whether it steps models of numpy."""
        return bool(getattr(self.__wrapped__, "takes_arrays", False))


class _GuardedStepper(Guarded[Stepper]):
    @cached_property
    def max_steps(self) -> int:
        return self._call(lambda: int(self.__wrapped__.max_steps))

    @cached_property
    def batch_invariant(self) -> bool:
        return self._call(lambda: bool(self.__wrapped__.batch_invariant))

    @cached_property
    def thread_safe(self) -> bool:
        return self._call(lambda: bool(self.__wrapped__.thread_safe))

    @cached_property
    def graph_capturable(self) -> bool:
        return self._call(lambda: bool(self.__wrapped__.graph_capturable))

    def prepare_state(self, state: State) -> State:
        """The model's state as this stepper's own; see `Stepper`."""
        return self._call(self.__wrapped__.prepare_state, state)

    def step(self, rows: Array, state: State) -> tuple[Array, State]:
        """One point further; see `Stepper`."""
        return self._call(self.__wrapped__.step, rows, state)

    def draw(
        self,
        rows: Array,
        state: State,
        uniforms: Array,
        rule: DrawRule,
        points: Array,
        losses: Array | None,
    ) -> tuple[int, State]:
        """Some points further in every drawing; see `Stepper`."""
        steps, after = self._call(self.__wrapped__.draw, rows, state, uniforms, rule, points, losses)
        if not 1 <= steps <= uniforms.shape[1]:
            raise PluginError(f"{self.plugin} made {steps} steps of {uniforms.shape[1]}")
        return steps, after


def _find_reason_problem(reason: object) -> str | None:
    if reason is None or isinstance(reason, str):
        return None
    return f"gives a {type(reason).__name__} for what it cannot step, not a text"


def _ask_engines(model: DrawingModel) -> Iterator[tuple[str, str | None]]:
    """The reason of each engine against a model, the built-in one last; a failing engine gives a warning."""
    own = "numpy" if isinstance(model, ArrayModel) else "torch"
    for name in sorted(registry.names("engine"), key=lambda name: (name == own, name)):
        plugin = registry.find("engine", name)
        if plugin.builtin and name != own:
            continue  # it has to be asked for by name
        try:
            answer = _unsupported_reason(name, model)
        except SketchkitError as error:
            if plugin.builtin:
                raise
            told = error if isinstance(error, PluginError) else PluginError(f"{plugin} failed: {error}")
            registry.warn_of(plugin, told)
            continue
        yield name, answer


def _unsupported_reason(name: str, model: DrawingModel) -> str | None:
    """The reason of an engine against a model in the precision that it is to be stepped in.

    Raises:
        PluginError: an unknown engine, one that fails, or an invalid answer.
    """
    engine = _engine(name)
    if isinstance(model, ArrayModel) and not getattr(engine, "takes_arrays", False):
        return "it steps models of torch alone"
    return engine.unsupported_reason(model, model.decoding.precision)


def _engine(name: str) -> Engine:
    """An engine by name.

    Raises:
        PluginError: an unknown or invalid one.
    """

    def create(made_by: Any) -> Engine:
        made: Engine = _renamed(made_by(), {"unsupported_reason": "unfit"})
        return made

    def find_problem(made: object) -> str | None:
        return None if isinstance(made, Engine) else f"is {describe_value(made)}, not an engine"

    return registry.make("engine", name, create, _GuardedEngine, find_problem)


def _weights_state(model: DrawingModel) -> object:
    """A value that changes with the weights and the engines; None for weights without a version."""
    weights = list(model.weights())
    if any(weight.is_inference() for weight in weights):
        return None
    return registry.plugins_of("engine"), [(weight.data_ptr(), weight._version) for weight in weights]


#: The names of a stepper's attributes, and what they were called before version 0.2.
_STEPPER_NAMES = {
    "max_steps": "most_steps",
    "batch_invariant": "steady",
    "thread_safe": "many_at_once",
    "graph_capturable": "recordable",
    "prepare_state": "enter",
}


def _renamed(made: Any, names: Mapping[str, str]) -> Any:
    """An object of an engine plugin; one that has old names gets the new ones too, with a warning."""
    missing = [new for new, old in names.items() if not hasattr(made, new) and hasattr(made, old)]
    if missing:
        pairs = ", ".join(f"{names[new]} is called {new} now" for new in missing)
        warnings.warn(f"{type(made).__name__}: {pairs}", DeprecationWarning, stacklevel=2)
        for new in missing:
            setattr(made, new, getattr(made, names[new]))
    return made
