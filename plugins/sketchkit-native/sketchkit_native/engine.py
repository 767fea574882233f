"""The engine `native`: steppers of compiled code for models whose cell is the plain LSTM."""

from __future__ import annotations

import math
from ctypes import byref
from typing import Any

import numpy as np

from sketchkit.engine import LSTMWeights
from sketchkit.errors import InputError
from sketchkit.models import Array, ArrayModel, DrawingModel
from sketchkit.sampling import DrawRule
from sketchkit_native import library as lib
from sketchkit_native.packing import PackedModel

__all__ = ["NativeEngine", "NativeStepper"]

State = tuple[Array, ...]

#: How many points one call of `draw` adds at the most; the loop asks for fewer where there are many drawings.
_MAX_STEPS = 64


class NativeEngine:
    """Makes steppers; see `sketchkit.engine.Engine`.

    Raises:
        PluginError: a compiled library that is missing or fails to load.
    """

    takes_arrays = True

    def __init__(self) -> None:
        lib.load_library()

    def unsupported_reason(self, model: DrawingModel, precision: str) -> str | None:
        """Why a model cannot be stepped in a precision; see `Engine`."""
        if not isinstance(model, ArrayModel):
            tensors: Any = model
            if tensors.device.type != "cpu":
                return f"it works on the CPU, and the model is on {tensors.device.type}"
            if str(tensors.dtype) != "torch.float32":
                return f"the model is in {str(tensors.dtype).removeprefix('torch.')}, not in float32"
        if not LSTMWeights.fits(model):
            return "it steps models whose cell is the plain LSTM only"
        if precision not in lib.SETS_BY_PRECISION:
            *others, last = lib.SETS_BY_PRECISION
            return f"it multiplies in {', '.join(others)} and {last}, not in {precision}"
        if lib.best_set(precision) is None:
            return f"this processor has no instructions for {precision}"
        return None

    def stepper(self, model: DrawingModel, precision: str) -> NativeStepper:
        """A model made ready, as its weights are now; see `Engine`.

        Raises:
            InputError: an unsupported model or precision.
        """
        reason = self.unsupported_reason(model, precision)
        weights, name = LSTMWeights.of(model), lib.best_set(precision)
        if reason is not None or weights is None or name is None:
            raise InputError(f"the engine native cannot step this model: {reason}")
        return NativeStepper(weights.to_numpy(), precision, name)


class NativeStepper:
    """A model made ready to draw with; see `sketchkit.engine.Stepper`.

    Its state is (h, c, at, shared), the latter two where there are any, of the kind of the model's state:
    arrays or tensors. h and c are padded to a multiple of 16 units; `shared` is padded, too, and in the order
    in which the kernels read it.

    Args:
        weights: arrays of float32.
        precision: float32, bfloat16 or int8.
        name: of an instruction set of this processor that takes products in the precision.
    """

    max_steps = _MAX_STEPS
    batch_invariant = True
    thread_safe = True  # each call has memory of its own
    graph_capturable = False

    def __init__(self, weights: LSTMWeights, precision: str, name: str) -> None:
        self._model = PackedModel(weights, precision, name)
        self._set = lib.SETS.index(name)
        self._library = lib.load_library()

    def prepare_state(self, state: State) -> State:
        """The model's state as this stepper's own, in memory of its own; see `Stepper`."""
        h, c, *rest = state
        own = [_pad_copy(h, self._model.units), _pad_copy(c, self._model.units)]
        if self._model.position:
            own.append(_pad_copy(rest[0], 2))
        if (layer := self._model.context) is not None:
            context = _check_floats(rest[-1])
            shared = _empty_like(context, len(context), layer.width)
            self._library.sketchkit_native_linear(
                self._set, byref(layer.struct), len(context), lib.address(context), lib.address(shared)
            )
            own.append(shared)
        return tuple(own)

    def step(self, rows: Array, state: State) -> tuple[Array, State]:
        """One point further; see `Stepper`."""
        rows, state = _check_floats(rows), tuple(map(_check_floats, state))
        changing = 2 + self._model.position
        after = tuple(_empty_like(part, *part.shape) for part in state[:changing])
        raw = _empty_like(rows, len(rows), self._model.outputs)
        self._library.sketchkit_native_step(
            self._set,
            byref(self._model.struct),
            byref(self._addresses(state, after)),
            len(rows),
            lib.address(rows),
            lib.address(raw),
        )
        return raw, (*after, *state[changing:])

    def draw(
        self,
        rows: Array,
        state: State,
        uniforms: Array,
        rule: DrawRule,
        points: Array,
        losses: Array | None,
    ) -> tuple[int, State]:
        """Up to `max_steps` points further, or until a drawing ends; see `Stepper`."""
        rows, state = _check_floats(rows), tuple(map(_check_floats, state))
        for values in (uniforms, points, *(() if losses is None else (losses,))):
            _check_type(values)
        other = _empty_like(state[0], *state[0].shape)
        share = -math.expm1(-0.5 * rule.max_radius * rule.max_radius)
        draw = lib.Draw(
            lib.Rule(rule.softening, rule.log_sigma_shift, share),
            min(uniforms.shape[1], _MAX_STEPS),
            lib.address(rows),
            lib.address(uniforms),
            *_find_strides(uniforms),
            lib.address(points),
            lib.address(losses),
        )
        made = self._library.sketchkit_native_draw(
            self._set,
            byref(self._model.struct),
            byref(self._addresses(state, (other, *state[1:]))),
            len(rows),
            byref(draw),
        )
        return made, (other if made % 2 else state[0], *state[1:])

    def _addresses(self, state: State, after: State) -> lib.State:
        position = self._model.position
        return lib.State(
            lib.address(state[0]),
            lib.address(state[1]),
            lib.address(state[2]) if position else None,
            None if self._model.context is None else lib.address(state[-1]),
            lib.address(after[0]),
            lib.address(after[1]),
            lib.address(after[2]) if position else None,
        )


def _check_type(values: Array) -> None:
    """Refuse all but float32 in the memory of the CPU, since the kernels read the bare memory.

    Raises:
        InputError: another number type or device.
    """
    if isinstance(values, np.ndarray):
        right = values.dtype == np.float32
    else:
        right = values.is_cpu and str(values.dtype) == "torch.float32"
    if not right:
        raise InputError(f"the engine native takes float32 on the CPU, got {values.dtype} on {values.device}")


def _check_floats(values: Array) -> Array:
    """The same float32 numbers in one piece of memory; see `_check_type`."""
    _check_type(values)
    return np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values.contiguous()


def _empty_like(values: Array, *shape: int) -> Array:
    """Memory for float32 numbers: an array for an array, a tensor for a tensor."""
    return np.empty(shape, np.float32) if isinstance(values, np.ndarray) else values.new_empty(shape)


def _pad_copy(values: Array, size: int) -> Array:
    """A copy [B, size] of numbers [B, N] with zeros behind them."""
    count = values.shape[1]
    out = _empty_like(values, len(values), size)
    out[:, :count] = values
    out[:, count:] = 0.0
    return out


def _find_strides(values: Array) -> tuple[int, ...]:
    """Strides in numbers of four bytes."""
    return (
        tuple(stride // 4 for stride in values.strides) if isinstance(values, np.ndarray) else values.stride()
    )
