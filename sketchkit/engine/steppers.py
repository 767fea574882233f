"""Steppers: a model made ready to draw with, its weights laid out once for many steps.

An engine makes them. Those of numpy and torch are built in; others, such as compiled code, come as plugins in
the entry-point group `sketchkit.engines`. The decoding loop knows this interface alone.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from sketchkit.engine.arrays import State
from sketchkit.models import Array, DrawingModel
from sketchkit.tempering import DrawRule

__all__ = ["PRECISIONS", "Engine", "State", "Stepper"]

#: In which numbers the large products of a step are taken: float32, its short form on tensor cores, bfloat16,
#: or whole numbers of 8 bits. Sums and everything else are in float32 at least.
PRECISIONS = ("float32", "tf32", "bfloat16", "int8")


@runtime_checkable
class Stepper(Protocol):
    """A model made ready to draw with.

    Its state is its own: a tuple of arrays or tensors whose first dimension is the row, so that the loop can
    move rows about. All other arrays are of the model's kind: tensors on the model's device for a
    `SketchModel`, arrays of numpy for an `ArrayModel`.
    """

    @property
    def max_steps(self) -> int:
        """How many points one call of `draw` can add to each drawing; 0 for a stepper without `draw`."""
        ...

    @property
    def batch_invariant(self) -> bool:
        """Whether a row comes out the same, to the last bit, however many rows there are beside it."""
        ...

    @property
    def thread_safe(self) -> bool:
        """Whether several threads may call it at once on a CPU, each with drawings of its own."""
        ...

    @property
    def graph_capturable(self) -> bool:
        """Whether `step` can be recorded in a CUDA graph: all its numbers stay on the device."""
        ...

    def prepare_state(self, state: State) -> State:
        """The model's state as this stepper's own, [B, ...] arrays; the given one is only read."""
        ...

    def step(self, rows: Array, state: State) -> tuple[Array, State]:
        """One point further.

        Args:
            rows: [B, 5] in model units, in the model's number type.
            state: as `prepare_state` makes it; only read.

        Returns:
            Raw outputs [B, 6M + 3] and the state after.
        """
        ...

    def draw(
        self,
        rows: Array,
        state: State,
        uniforms: Array,
        rule: DrawRule,
        points: Array,
        losses: Array | None,
    ) -> tuple[int, State]:
        """Some points further in every drawing, chosen as a rule says.

        Args:
            rows: float32 [B, 5] in model units, what each drawing reads first.
            state: as `prepare_state` makes it; may be written to and belongs to the caller no longer.
            uniforms: float32 [B, K, 4], the noise of K steps (see `sketchkit.noise.Noise`); may be a view
                with strides of its own.
            rule: how points are chosen.
            points: float32 [K', B, 5], contiguous, K' = min(K, max_steps) or more: receives the chosen
                points, step by step.
            losses: float32 [K', B], contiguous: receives the negative log-likelihood of each point under the
                model itself (an end row's is that of its pen state alone); None for no likelihoods.

        Returns:
            How many steps were made, 1 or more: a stepper may stop after any, and does so best when a
            drawing ends. And the state after.
        """
        ...


@runtime_checkable
class Engine(Protocol):
    """A factory of steppers, registered in the entry-point group `sketchkit.engines` as a class to call.

    An engine whose attribute `takes_arrays` is true is asked about an `ArrayModel` too; by default an engine
    meets models of torch alone.
    """

    def unsupported_reason(self, model: DrawingModel, precision: str) -> str | None:
        """Why a model cannot be stepped in a precision, half a sentence; None for a supported pair."""
        ...

    def stepper(self, model: DrawingModel, precision: str) -> Stepper:
        """A model made ready, as its weights are now; only for a supported pair."""
        ...
