"""The engine `native`: steppers of compiled code for models whose cell is the plain LSTM."""

from __future__ import annotations

import math
from ctypes import byref

import torch
from torch import Tensor

from sketchkit.engine import LSTMWeights
from sketchkit.errors import InputError
from sketchkit.models import SketchModel, State
from sketchkit.sampling import DrawRule
from sketchkit_native import library as lib
from sketchkit_native.packing import PackedLinear, PackedModel, padded

__all__ = ["NativeEngine", "NativeStepper"]

#: How many points one call of `draw` adds at the most; the loop asks for fewer where there are many drawings.
_MOST_STEPS = 64


class NativeEngine:
    """Makes steppers; see `sketchkit.engine.Engine`.

    Raises:
        PluginError: the compiled library is not there, or cannot be loaded.
    """

    def __init__(self) -> None:
        lib.library()

    def unfit(self, model: SketchModel, precision: str) -> str | None:
        """Why it can make no stepper of a model in a precision, half a sentence; None if it can."""
        if model.device.type != "cpu":
            return f"it works on the CPU, and the model is on {model.device.type}"
        if model.dtype != torch.float32:
            return f"the model is in {str(model.dtype).removeprefix('torch.')}, not in float32"
        if not LSTMWeights.fits(model):
            return "it steps models whose cell is the plain LSTM only"
        if precision not in lib.ABLE:
            return f"it multiplies in {_listed(tuple(lib.ABLE))}, not in {precision}"
        if lib.best_set(precision) is None:
            return f"this processor has no instructions for {precision}"
        return None

    def stepper(self, model: SketchModel, precision: str) -> NativeStepper:
        """A model made ready, as its weights are now.

        Raises:
            InputError: one that is `unfit`.
        """
        reason = self.unfit(model, precision)
        weights, name = LSTMWeights.of(model), lib.best_set(precision)
        if reason is not None or weights is None or name is None:
            raise InputError(f"the engine native cannot step this model: {reason}")
        return NativeStepper(weights, precision, name)


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


class NativeStepper:
    """A model made ready to draw with; see `sketchkit.engine.Stepper`.

    Its state is (h, c, at, shared), the latter two where there are any. h and c are padded to a multiple of
    16 units; `shared` is padded, too, and in the order in which the kernels read it.

    Args:
        weights: float32, on the CPU.
        precision: float32, bfloat16 or int8.
        name: of an instruction set that the processor has and that can take products in the precision.
    """

    def __init__(self, weights: LSTMWeights, precision: str, name: str) -> None:
        self._model = PackedModel(weights, precision, name)
        self._set = lib.SETS.index(name)
        self._library = lib.library()

    @property
    def most_steps(self) -> int:
        """How many points one call of `draw` can add to each drawing at the most."""
        return _MOST_STEPS

    @property
    def steady(self) -> bool:
        """A row comes out the same, to the last bit, however many rows there are beside it."""
        return True

    @property
    def many_at_once(self) -> bool:
        """Several threads may call it at once: each call has memory of its own."""
        return True

    @property
    def recordable(self) -> bool:
        """It has nothing to do with CUDA."""
        return False

    def enter(self, state: State) -> State:
        """The model's state as this stepper's own, in memory of its own; see `Stepper`."""
        h, c, *rest = state
        own = [padded(h, self._model.units), padded(c, self._model.units)]
        if self._model.position:
            own.append(rest[0].clone(memory_format=torch.contiguous_format))
        if self._model.context is not None:
            own.append(self._shared(self._model.context, rest[-1].contiguous()))
        return tuple(own)

    def _shared(self, layer: PackedLinear, context: Tensor) -> Tensor:
        """What the gates get at every step of a drawing, [B, 4 * units]."""
        out = context.new_empty(len(context), layer.width)
        self._library.sketchkit_native_linear(
            self._set, byref(layer.struct), len(context), context.data_ptr(), out.data_ptr()
        )
        return out

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further; see `Stepper`."""
        _check_floats(rows, *state)
        rows, state = rows.contiguous(), tuple(part.contiguous() for part in state)
        at = 2 + self._model.position
        after = tuple(torch.empty_like(part) for part in state[:at])
        raw = rows.new_empty(len(rows), self._model.outputs)
        self._library.sketchkit_native_step(
            self._set,
            byref(self._model.struct),
            byref(self._places(state, after)),
            len(rows),
            rows.data_ptr(),
            raw.data_ptr(),
        )
        return raw, (*after, *state[at:])

    def draw(
        self,
        rows: Tensor,
        state: State,
        uniforms: Tensor,
        rule: DrawRule,
        points: Tensor,
        losses: Tensor | None,
    ) -> tuple[int, State]:
        """Up to `most_steps` points further, or until a drawing ends; see `Stepper`."""
        _check_floats(rows, uniforms, points, *state)
        rows, state = rows.contiguous(), tuple(part.contiguous() for part in state)
        other = torch.empty_like(state[0])
        steps = min(uniforms.shape[1], _MOST_STEPS)
        share = -math.expm1(-0.5 * rule.max_radius * rule.max_radius)
        draw = lib.Draw(
            lib.Rule(rule.softening, rule.log_sigma_shift, share),
            steps,
            rows.data_ptr(),
            uniforms.data_ptr(),
            *uniforms.stride(),
            points.data_ptr(),
            lib.address(losses),
        )
        made = self._library.sketchkit_native_draw(
            self._set,
            byref(self._model.struct),
            byref(self._places(state, (other, *state[1:]))),
            len(rows),
            byref(draw),
        )
        return made, (other if made % 2 else state[0], *state[1:])

    def _places(self, state: State, after: State) -> lib.State:
        """Where the parts of a state lie."""
        position, context = self._model.position, self._model.context is not None
        return lib.State(
            state[0].data_ptr(),
            state[1].data_ptr(),
            state[2].data_ptr() if position else None,
            state[-1].data_ptr() if context else None,
            after[0].data_ptr(),
            after[1].data_ptr(),
            after[2].data_ptr() if position else None,
        )


def _check_floats(*tensors: Tensor) -> None:
    """The kernels take what they are given for float32 in memory.

    Raises:
        InputError: something else.
    """
    for tensor in tensors:
        if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
            raise InputError(
                f"the engine native takes float32 on the CPU, got {tensor.dtype} on {tensor.device}"
            )
