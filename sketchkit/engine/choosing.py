"""Which engine steps a model, and the steppers that have been made already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from sketchkit import registry
from sketchkit.engine.kept import Kept
from sketchkit.engine.steppers import PRECISIONS, Engine, State, Stepper
from sketchkit.errors import DeviceError, InputError, PluginError, SketchkitError
from sketchkit.models import SketchModel
from sketchkit.sampling import DrawRule

__all__ = ["engine_of", "stepper_of"]

#: Torch's own name in the group of engines; of several that can, it comes last.
_OWN = "torch"

#: Where a model keeps its steppers, by its `decoding`, each with what tells that it is out of date.
_KEPT = "_steppers"


def stepper_of(model: SketchModel) -> Stepper:
    """A model made ready as its `decoding` says; the same object again while its weights stay as they are.

    Raises:
        InputError: an unknown precision.
        DeviceError: no engine, or not the one that is named, can step it so.
        PluginError: an unknown engine, or one that fails.
    """
    state, made = _state_of(model), model.__dict__.setdefault(_KEPT, Kept())
    asked = model.decoding
    if not _holds(made.get(asked), state):
        meant = replace(asked, engine=engine_of(model))  # whoever names it shall have the same
        if not _holds(made.get(meant), state):
            made[meant] = (state, _made(meant.engine, model))
        made[asked] = made[meant]
    stepper: Stepper = made[asked][1]
    return stepper


def _holds(kept: tuple[object, Stepper] | None, state: object) -> bool:
    """Whether a stepper that has been made is that of a model in this state."""
    return kept is not None and state is not None and kept[0] == state


def engine_of(model: SketchModel) -> str:
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
    for name, reason in _answers(model) if wanted == "auto" else [(wanted, _unfit(wanted, model))]:
        if reason is None:
            return name
        reasons.append(f"{name}: {reason}")
    raise DeviceError(f"the model {model.card.name!r} cannot be stepped in {precision}: {'; '.join(reasons)}")


def _made(name: str, model: SketchModel) -> Stepper:
    plugin, engine = registry.find("engine", name), _engine(name)
    with registry.blamed(plugin):
        stepper = engine.stepper(model, model.decoding.precision)
    if not isinstance(stepper, Stepper):
        raise PluginError(f"the engine {name!r} makes a {type(stepper).__name__}, which is no stepper")
    return stepper if plugin.builtin else _Strange(plugin, stepper)


class _Strange:
    """A stranger's stepper: what fails in it is told as its failure."""

    def __init__(self, plugin: registry.Plugin, stepper: Stepper) -> None:
        self._plugin, self._stepper = plugin, stepper
        with registry.blamed(plugin):
            self.most_steps, self.steady = int(stepper.most_steps), bool(stepper.steady)
            self.many_at_once, self.recordable = bool(stepper.many_at_once), bool(stepper.recordable)

    def enter(self, state: State) -> State:
        with registry.blamed(self._plugin):
            return self._stepper.enter(state)

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        with registry.blamed(self._plugin):
            return self._stepper.step(rows, state)

    def draw(
        self,
        rows: Tensor,
        state: State,
        uniforms: Tensor,
        rule: DrawRule,
        points: Tensor,
        losses: Tensor | None,
    ) -> tuple[int, State]:
        with registry.blamed(self._plugin):
            steps, state = self._stepper.draw(rows, state, uniforms, rule, points, losses)
        if not 1 <= steps <= uniforms.shape[1]:
            raise PluginError(f"{self._plugin} made {steps} steps of {uniforms.shape[1]}")
        return steps, state


def _answers(model: SketchModel) -> Iterator[tuple[str, str | None]]:
    """What each engine says against a model, torch's own last; of one that fails there is a warning."""
    for name in sorted(registry.names("engine"), key=lambda name: (name == _OWN, name)):
        plugin = registry.find("engine", name)
        if plugin.builtin and name != _OWN:
            continue  # it is for those who name it
        try:
            answer = _unfit(name, model)
        except SketchkitError as error:
            if plugin.builtin:
                raise
            told = error if isinstance(error, PluginError) else PluginError(f"{plugin} failed: {error}")
            registry.warn_of(plugin, told)
            continue
        yield name, answer


def _unfit(name: str, model: SketchModel) -> str | None:
    """What an engine says against a model in the precision that it is to be stepped in.

    Raises:
        PluginError: an unknown engine, one that fails, or an answer that is none.
    """
    plugin = registry.find("engine", name)
    with registry.blamed(plugin):
        reason: object = _engine(name).unfit(model, model.decoding.precision)
    if reason is not None and not isinstance(reason, str):
        raise PluginError(f"{plugin} gives a {type(reason).__name__} for what it cannot step, not a text")
    return reason


def _engine(name: str) -> Engine:
    """An engine by name.

    Raises:
        PluginError: an unknown one, or something that is none.
    """
    made_by = registry.load("engine", name)
    with registry.blamed(registry.find("engine", name)):
        made = made_by()
    if not isinstance(made, Engine):
        raise PluginError(f"the engine {name!r} is a {type(made).__name__}, which is no engine")
    return made


def _state_of(model: SketchModel) -> object:
    """What changes whenever a weight does, or the engines there are; None where nothing tells."""
    weights = list(model.weights())
    if any(weight.is_inference() for weight in weights):
        return None
    return registry.plugins_of("engine"), [(weight.data_ptr(), weight._version) for weight in weights]
