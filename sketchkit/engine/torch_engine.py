"""Torch's own engines: every model on every device, LSTMs by a step of their own, and that step compiled."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any, Protocol

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.devices import fast_bfloat16, fast_int8
from sketchkit.engine.arrays import State
from sketchkit.engine.torch_lstm import LSTMStep
from sketchkit.models import DrawingModel, LSTMWeights, SketchModel
from sketchkit.models.decoder import DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.noise import Noise
from sketchkit.numpy_density import RuleDraw
from sketchkit.tempering import DrawRule

__all__ = ["CompiledEngine", "ModelStep", "Step", "TorchEngine", "TorchStepper"]

#: How many points one call draws at the most; the loop asks for fewer where there are many drawings.
_MOST_STEPS = 64
#: Up to so many rows it pays to make normal numbers for all steps of a call, though it may end early.
_FEW = 16


_COMPILERS = ("g++", "clang++", "cl" if sys.platform == "win32" else "c++")


class Step(Protocol):
    """One point further; see `Stepper`."""

    def prepare_state(self, state: State) -> State:
        """The model's state as its own."""
        ...

    def __call__(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Rows [B, 5] to raw outputs [B, 6M + 3] and the state after."""
        ...


class ModelStep:
    """A step that a model takes by itself.

    Args:
        model: any backend's.
    """

    def __init__(self, model: SketchModel) -> None:
        self._model = model

    def prepare_state(self, state: State) -> State:
        """The model's state as it is."""
        return state

    def __call__(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further."""
        return self._model.step(rows, state)


class TorchEngine:
    """Steps by torch, in any width and number type."""

    def unsupported_reason(self, model: DrawingModel, precision: str) -> str | None:
        """Why a model cannot be stepped in a precision; see `Engine`."""
        if not isinstance(model, SketchModel):
            return "the model's weights are arrays of numpy: load it with the engine torch"
        if precision == "float32":
            return None  # the model's own number type, whichever that is
        if not LSTMWeights.fits(model):
            return f"only models whose cell is the plain LSTM are stepped in {precision}"
        if model.dtype != torch.float32:
            return f"its weights are in {str(model.dtype).removeprefix('torch.')} already"
        return _missing(model.device, precision)

    def stepper(self, model: DrawingModel, precision: str) -> TorchStepper:
        """A model made ready; see `Engine`."""
        assert isinstance(model, SketchModel)
        return TorchStepper(model, make_step(model, precision))


class CompiledEngine(TorchEngine):
    """Steps by what torch's compiler makes of torch's own step: slow to start, for many drawings."""

    def unsupported_reason(self, model: DrawingModel, precision: str) -> str | None:
        """Why a model cannot be stepped in a precision; see `Engine`."""
        if model.on_cpu and not _find_compiler():
            return f"there is no C++ compiler here: it looks for {', '.join(_COMPILERS)} and at CXX"
        return super().unsupported_reason(model, precision)

    def stepper(self, model: DrawingModel, precision: str) -> TorchStepper:
        """A model made ready; it is compiled at the first step. See `Engine`."""
        assert isinstance(model, SketchModel)
        return TorchStepper(model, _CompiledStep(make_step(model, precision, packed=False)))


class _CompiledStep:
    """A step, compiled for every number of rows."""

    def __init__(self, step: Step) -> None:
        self.prepare_state = step.prepare_state
        self._step: Any = torch.compile(step.__call__, dynamic=True)

    def __call__(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        found: tuple[Tensor, State] = self._step(rows, state)
        return found


def _find_compiler() -> str | None:
    return os.environ.get("CXX") or next(filter(None, map(shutil.which, _COMPILERS)), None)


def make_step(model: SketchModel, precision: str, packed: bool = True) -> Step:
    """A model's own step, or the faster one of an LSTM that computes in float32 or better; see `LSTMStep`."""
    weights = model.lstm_weights if model.dtype in (torch.float32, torch.float64) else None
    return ModelStep(model) if weights is None else LSTMStep(weights, precision, packed)


def _missing(device: torch.device, precision: str) -> str | None:
    """What a device lacks for a precision, if anything."""
    needs = {"tf32": ("cuda",), "bfloat16": ("cpu", "cuda"), "int8": ("cpu",)}[precision]
    if device.type not in needs:
        return f"{precision} is for {' and '.join(needs)}, not for {device.type}"
    if precision == "bfloat16" and fast_bfloat16(device) is False:
        return "this processor has no instructions for products in bfloat16"
    if precision == "int8" and not fast_int8():
        return "this processor has no instructions for products of 8-bit numbers"
    return None


class TorchStepper:
    """A model made ready to draw with by torch; see `Stepper`.

    Args:
        model: any backend's.
        step: how it is stepped.
    """

    batch_invariant = False

    def __init__(self, model: SketchModel, step: Step) -> None:
        self._step, self._dtype = step, model.dtype
        self._by_numpy = model.device.type == "cpu" and model.dtype in (torch.float32, torch.float64)
        # A stranger's model may keep something between two steps, or look at its numbers.
        own = type(model) in (DecoderModel, VaeModel)
        self.thread_safe = self._by_numpy and own
        self.graph_capturable = own

    @property
    def max_steps(self) -> int:
        """How many points one call draws at the most."""
        return _MOST_STEPS if self._by_numpy else 1

    def prepare_state(self, state: State) -> State:
        """The model's state as this stepper's own; see `Stepper`."""
        return self._step.prepare_state(state)

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further; see `Stepper`."""
        return self._step(rows, state)

    def draw(
        self,
        rows: Tensor,
        state: State,
        uniforms: Tensor,
        rule: DrawRule,
        points: Tensor,
        losses: Tensor | None,
    ) -> tuple[int, State]:
        """Some points further in every drawing, up to the first that ends one; see `Stepper`."""
        if not self._by_numpy:
            raw, state = self._step(rows.to(self._dtype), state)
            density = MixtureDensity(raw)
            points[0] = density.draw_by_rule(Noise(uniforms[:, 0]), rule)
            if losses is not None:
                losses[0] = density.losses(points[0])
            return 1, state
        return self._draw_by_numpy(rows, state, uniforms, rule, points, losses)

    def _draw_by_numpy(
        self,
        rows: Tensor,
        state: State,
        uniforms: Tensor,
        rule: DrawRule,
        points: Tensor,
        losses: Tensor | None,
    ) -> tuple[int, State]:
        chance, out, draw = uniforms.numpy(), points.numpy(), None
        raws: list[Tensor] = []
        few = rows.shape[0] <= _FEW
        steps = min(chance.shape[1], self.max_steps)
        for k in range(steps):
            raw, state = self._step(rows.to(self._dtype), state)
            if draw is None:
                draw = RuleDraw.of(rule, (raw.shape[1] - 3) // 6, len(raw))
                ahead = draw.normals(chance[:, :steps]) if few else None
            normals = draw.normals(chance[:, k]) if ahead is None else ahead[:, k]
            draw.points(raw.numpy(), chance[:, k], normals, out[k])
            rows = points[k]
            raws.append(raw)
            if out[k, :, 4].any():
                break
        if losses is not None:
            losses[: len(raws)] = MixtureDensity(torch.stack(raws)).losses(points[: len(raws)])
        return len(raws), state
