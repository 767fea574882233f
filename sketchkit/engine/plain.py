"""Torch's own engine: every model on every device, and LSTMs by a step of their own."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.devices import fast_bfloat16, fast_int8
from sketchkit.engine.lstm import LSTMStep
from sketchkit.engine.recurrent import LSTMWeights
from sketchkit.engine.ruled import RuledDraw
from sketchkit.engine.steppers import State
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.noise import Noise
from sketchkit.sampling import DrawRule

__all__ = ["ModelStep", "Step", "TorchEngine", "TorchStepper", "drawn", "loss_of"]

#: How many points one call draws at the most; the loop asks for fewer where there are many drawings.
_MOST_STEPS = 64
#: Up to so many rows it pays to make normal numbers for all steps of a call, though it may end early.
_FEW = 16


class Step(Protocol):
    """One point further, and nothing else; see `Stepper`."""

    def enter(self, state: State) -> State:
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

    def enter(self, state: State) -> State:
        """The model's state as it is."""
        return state

    def __call__(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further."""
        return self._model.step(rows, state)


class TorchEngine:
    """Steps by torch, in whatever width and number type."""

    def unfit(self, model: SketchModel, precision: str) -> str | None:
        """Why it cannot step a model in a precision; see `Engine`."""
        if precision == "float32":
            return None  # the model's own number type, whichever that is
        if not LSTMWeights.fits(model):
            return f"only models whose cell is the plain LSTM are stepped in {precision}"
        if model.dtype != torch.float32:
            return f"its weights are in {str(model.dtype).removeprefix('torch.')} already"
        return _missing(model.device, precision)

    def stepper(self, model: SketchModel, precision: str) -> TorchStepper:
        """A model made ready; see `Engine`."""
        return TorchStepper(model, step_of(model, precision))


def step_of(model: SketchModel, precision: str, packed: bool = True) -> Step:
    """A model's own step, or the faster one of an LSTM that computes in float32 or better; see `LSTMStep`."""
    weights = LSTMWeights.of(model) if model.dtype in (torch.float32, torch.float64) else None
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

    steady = False

    def __init__(self, model: SketchModel, step: Step) -> None:
        self._step, self._dtype = step, model.dtype
        self._by_numpy = model.device.type == "cpu" and model.dtype in (torch.float32, torch.float64)
        # A stranger's model may keep something between two steps, or look at its numbers.
        own = type(model) in (DecoderModel, VaeModel)
        self.many_at_once = self._by_numpy and own
        self.recordable = own

    @property
    def most_steps(self) -> int:
        """How many points one call draws at the most."""
        return _MOST_STEPS if self._by_numpy else 1

    def enter(self, state: State) -> State:
        """The model's state as this stepper's own; see `Stepper`."""
        return self._step.enter(state)

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
            points[0] = drawn(density, Noise(uniforms[:, 0]), rule)
            if losses is not None:
                losses[0] = loss_of(density, points[0])
            return 1, state
        return self._drawn_by_numpy(rows, state, uniforms, rule, points, losses)

    def _drawn_by_numpy(
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
        steps = min(chance.shape[1], self.most_steps)
        for k in range(steps):
            raw, state = self._step(rows.to(self._dtype), state)
            if draw is None:
                draw = RuledDraw(rule, (raw.shape[1] - 3) // 6, len(raw))
                ahead = draw.normals(chance[:, :steps]) if few else None
            normals = draw.normals(chance[:, k]) if ahead is None else ahead[:, k]
            draw.points(raw.numpy(), chance[:, k], normals, out[k])
            rows = points[k]
            raws.append(raw)
            if out[k, :, 4].any():
                break
        if losses is not None:
            losses[: len(raws)] = loss_of(MixtureDensity(torch.stack(raws)), points[: len(raws)])
        return len(raws), state


def drawn(density: MixtureDensity, noise: Noise, rule: DrawRule) -> Tensor:
    """A point a row as a rule says, [B, 5]."""
    return density.softened(rule.softening, rule.log_sigma_shift).draw(noise, rule.max_radius)


def loss_of(density: MixtureDensity, points: Tensor) -> Tensor:
    """The negative log-likelihood of points [..., 5], [...]; an end row's offset is no part of a drawing."""
    offset, pen = density.log_prob(points)
    return -(torch.where(points[..., 4] == 1.0, 0.0, offset) + pen)
