"""One stepper to be tried: of which engine, model and precision, and how exact it must be."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sketchkit.engine import Engine, Stepper
from sketchkit.models import SketchModel, State
from sketchkit.noise import uniforms
from sketchkit.sampling import DrawRule
from sketchkit.testing.modelsteps import Inputs, away

__all__ = ["ROWS", "Trial", "chance_of", "clones", "outputs_off", "tolerance"]

#: The most rows that are stepped at once.
ROWS = 40
_STREAM = 80
#: How far raw outputs may be off, as a share where they are larger than 1.
_BY_PRECISION = {"float32": 1e-4, "tf32": 2e-2, "bfloat16": 5e-2, "int8": 1e-1}
_BY_TYPE = {torch.float64: 1e-7, torch.bfloat16: 5e-2, torch.float16: 2e-2}


def tolerance(model: SketchModel, precision: str) -> float:
    """How far raw outputs may be off from a model's own, as a share where they are larger than 1."""
    if precision == "float32":  # which stands for the model's own number type
        return _BY_TYPE.get(model.dtype, _BY_PRECISION["float32"])
    return _BY_PRECISION[precision]


def outputs_off(one: Tensor, other: Tensor) -> float:
    """The largest difference of two tensors; infinity where one of them is not finite."""
    off = away(one, other)
    return off if off == off else float("inf")


def clones(state: State) -> State:
    """A state in memory of its own."""
    return tuple(part.clone() for part in state)


def chance_of(rows: int, steps: int, device: torch.device, seed: int = 5) -> Tensor:
    """Uniform numbers float32 [B, K, 4], those of a row and step the same whatever B and K."""
    made = uniforms(seed, torch.arange(rows)[:, None], torch.arange(steps), _STREAM)
    return made.to(device)


@dataclass(frozen=True)
class Trial:
    """A stepper and what it is tried with.

    Args:
        told: which model in which precision, for a sentence.
        engine: that made it.
        model: that it steps.
        precision: in which.
        stepper: to try.
        inputs: `ROWS` rows.
    """

    told: str
    engine: Engine
    model: SketchModel
    precision: str
    stepper: Stepper
    inputs: Inputs

    @property
    def tolerance(self) -> float:
        """How far its raw outputs may be off from the model's own."""
        return tolerance(self.model, self.precision)

    def chosen(self, numbers: Tensor) -> Inputs:
        """Some rows of the inputs, by their numbers."""
        return self.inputs.of_rows(numbers.to(self.inputs.rows.device))

    def begun(self, numbers: Tensor) -> State:
        """The model's own state before some rows; its bits do not depend on how many they are."""
        state = self.inputs.begin(self.model)
        return tuple(part[numbers.to(part.device)] for part in state)

    def entered(self, numbers: Tensor) -> State:
        """The stepper's state before some rows."""
        return self.stepper.enter(self.begun(numbers))

    def walked(
        self, inputs: Inputs, state: State, begin: int = 0, end: int | None = None
    ) -> tuple[Tensor, State]:
        """Raw outputs [B, T', 6M + 3] of the steps begin..end that read the rows, and the state after."""
        out = []
        for t in range(begin, inputs.rows.shape[1] if end is None else end):
            rows = inputs.rows[:, t].clone(memory_format=torch.contiguous_format)
            raw, state = self.stepper.step(rows, state)
            out.append(raw.clone())
        return torch.stack(out, 1), state

    def drawn(self, numbers: Tensor, chance: Tensor, rule: DrawRule) -> Tensor:
        """Points float32 [K, B, 5] that follow the first of some rows, in as many calls as it takes.

        Args:
            numbers: B of them.
            chance: [B, K, 4].
            rule: how points are chosen.
        """
        state, rows, done = clones(self.entered(numbers)), self.chosen(numbers).rows[:, 0].float(), 0
        out = []
        while done < chance.shape[1]:
            left = min(chance.shape[1] - done, self.stepper.most_steps)
            points = torch.zeros(left, len(rows), 5, device=rows.device)
            made, state = self.stepper.draw(rows, state, chance[:, done:], rule, points, None)
            rows = points[made - 1].clone()
            out.append(points[:made])
            done += made
        return torch.cat(out)
