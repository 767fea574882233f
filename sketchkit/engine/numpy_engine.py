"""The engine of numpy: LSTM models on the CPU, without the import of torch."""

from __future__ import annotations

import numpy as np

from sketchkit.engine.arrays import State, to_numpy
from sketchkit.errors import InputError
from sketchkit.models import Array, ArrayModel, DrawingModel, LSTMWeights, NumpyLSTM
from sketchkit.numpy_density import RuleDraw
from sketchkit.numpy_density import losses as losses_of
from sketchkit.tempering import DrawRule

__all__ = ["NumpyEngine", "NumpyStepper"]

#: How many points one call draws at the most; the loop asks for fewer where there are many drawings.
_MAX_STEPS = 64


class NumpyEngine:
    """Steps LSTM models in float32; see `sketchkit.engine.Engine`."""

    takes_arrays = True

    def unsupported_reason(self, model: DrawingModel, precision: str) -> str | None:
        """Why a model cannot be stepped in a precision; see `Engine`."""
        if precision != "float32":
            return f"it multiplies in float32, not in {precision}"
        if isinstance(model, ArrayModel):
            return None
        if not model.on_cpu:
            return "it works on the CPU, where the model does not lie"
        if not LSTMWeights.fits(model):
            return "it steps models whose cell is the plain LSTM only"
        kind = str(getattr(model, "dtype", "float32")).removeprefix("torch.")
        return None if kind == "float32" else f"the model is in {kind}, not in float32"

    def stepper(self, model: DrawingModel, precision: str) -> NumpyStepper:
        """A model made ready; see `Engine`.

        Raises:
            InputError: an unsupported model or precision.
        """
        reason, weights = self.unsupported_reason(model, precision), model.lstm_weights
        if reason is not None or weights is None:
            raise InputError(f"the engine numpy cannot step this model: {reason}")
        return NumpyStepper(model.lstm if isinstance(model, ArrayModel) else NumpyLSTM(weights.to_numpy()))


class NumpyStepper:
    """A model made ready to draw with by numpy; see `sketchkit.engine.Stepper`.

    Args:
        lstm: its step.
    """

    max_steps = _MAX_STEPS
    batch_invariant = False
    thread_safe = True
    graph_capturable = False

    def __init__(self, lstm: NumpyLSTM) -> None:
        self._lstm = lstm

    def prepare_state(self, state: State) -> State:
        """The model's state as this stepper's own; see `Stepper`."""
        prepared = self._lstm.prepare_state(tuple(map(to_numpy, state)))
        return _like(state[0], prepared)

    def step(self, rows: Array, state: State) -> tuple[Array, State]:
        """One point further; see `Stepper`."""
        raw, after = self._lstm(to_numpy(rows), tuple(map(to_numpy, state)))
        (raw,) = _like(rows, (raw,))
        return raw, _like(rows, after)

    def draw(
        self,
        rows: Array,
        state: State,
        uniforms: Array,
        rule: DrawRule,
        points: Array,
        losses: Array | None,
    ) -> tuple[int, State]:
        """Some points further in every drawing, up to the first that ends one; see `Stepper`."""
        read, chance, out = to_numpy(rows), to_numpy(uniforms), to_numpy(points)
        given, state = state[0], tuple(map(to_numpy, state))
        costs = None if losses is None else to_numpy(losses)
        steps = min(chance.shape[1], self.max_steps)
        draw, normals, made = None, None, 0
        while made < steps:
            raw, state = self._lstm(read, state)
            if draw is None or normals is None:
                draw = RuleDraw.of(rule, (raw.shape[1] - 3) // 6, len(raw))
                normals = draw.normals(chance[:, :steps])
            read = out[made]
            draw.points(raw, chance[:, made], normals[:, made], read)
            if costs is not None:
                costs[made] = losses_of(raw, read)
            made += 1
            if read[:, 4].any():
                break
        return made, _like(given, state)


def _like(given: Array, arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    """Arrays as what was given, arrays or tensors of the same memory."""
    if isinstance(given, np.ndarray):
        return arrays
    import torch

    return tuple(map(torch.from_numpy, arrays))
