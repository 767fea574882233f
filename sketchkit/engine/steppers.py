"""Steppers: a model made ready to draw with, its weights laid out once for many steps.

An engine makes them. Torch's own is always there; others, such as one of compiled code, come as plugins in
the entry-point group `sketchkit.engines`. The decoding loop knows this interface alone, and no engine knows
another.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

from torch import Tensor

from sketchkit.models import SketchModel
from sketchkit.sampling import DrawRule

__all__ = ["PRECISIONS", "Engine", "State", "Stepper"]

State: TypeAlias = tuple[Tensor, ...]

#: In which numbers the large products of a step are taken: float32, its short form on tensor cores, bfloat16,
#: or whole numbers of 8 bits. Sums and everything else are in float32 at least.
PRECISIONS = ("float32", "tf32", "bfloat16", "int8")


@runtime_checkable
class Stepper(Protocol):
    """A model made ready to draw with.

    The state that it works with is its own: what `enter` makes of the model's, a tuple of tensors whose first
    dimension is the row, so that the loop can move rows about.
    """

    @property
    def most_steps(self) -> int:
        """How many points one call of `draw` can add to each drawing at the most; 0 if it cannot draw."""
        ...

    @property
    def steady(self) -> bool:
        """Whether a row comes out the same, to the last bit, however many rows there are beside it."""
        ...

    @property
    def many_at_once(self) -> bool:
        """Whether several threads may call it at once on a CPU, each with drawings of its own."""
        ...

    @property
    def recordable(self) -> bool:
        """Whether `step` can be recorded in a CUDA graph: no number goes to the host or comes from it."""
        ...

    def enter(self, state: State) -> State:
        """The model's state as this stepper's own, [B, ...] tensors each; nothing is written to."""
        ...

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further.

        Args:
            rows: [B, 5] in model units, in the model's number type.
            state: as `enter` makes it; not written to.

        Returns:
            Raw outputs [B, 6M + 3] and the state after.
        """
        ...

    def draw(
        self,
        rows: Tensor,
        state: State,
        uniforms: Tensor,
        rule: DrawRule,
        points: Tensor,
        losses: Tensor | None,
    ) -> tuple[int, State]:
        """Some points further in every drawing, chosen as a rule says.

        Args:
            rows: float32 [B, 5] in model units, what each drawing reads first.
            state: as `enter` makes it; may be written to and belongs to the caller no longer.
            uniforms: float32 [B, K, 4], the noise of K steps (see `sketchkit.noise.Noise`); may be a view
                with strides of its own.
            rule: how points are chosen.
            points: float32 [K', B, 5], contiguous, K' = min(K, most_steps) or more: here the chosen points
                are put, step by step.
            losses: float32 [K', B], contiguous, where the negative log-likelihood of each point under the
                model itself is put (an end row's is that of its pen state alone); None where nobody asks.

        Returns:
            How many steps were made, 1 or more: a stepper may stop after any, and does so best when a
            drawing ends. And the state after.
        """
        ...


@runtime_checkable
class Engine(Protocol):
    """What makes steppers, registered in the entry-point group `sketchkit.engines` as a class to call."""

    def unfit(self, model: SketchModel, precision: str) -> str | None:
        """Why it can make no stepper of a model in a precision, half a sentence; None if it can."""
        ...

    def stepper(self, model: SketchModel, precision: str) -> Stepper:
        """A model made ready, as its weights are now; only if nothing is `unfit`."""
        ...
