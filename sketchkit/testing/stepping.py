"""The contract of steps, which samplers with a memory, models and the steppers of engines share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sketchkit.models import State
from sketchkit.testing.faults import Faults

__all__ = [
    "Stepping",
    "check_alone",
    "check_refill",
    "check_state",
    "check_step",
    "clone_state",
    "describe_layout",
    "find_layout",
    "is_one_hot",
    "relative_error",
    "same_values",
]

#: Steps before rows are moved, and before drawings begin in rows of others.
_HALF = 4
_ORDERS = ([7, 2, 4, 0, 1, 6, 3, 5], [3, 7, 0], [5, 0, 5], [3])


@dataclass(frozen=True)
class Stepping:
    """Numbered drawings, stepped by a plugin; the inputs of a drawing depend on its number and age alone.

    Args:
        begin: the state before some drawings, by their numbers, int64 [B].
        step: the outputs [B, ...] and the state after of drawings, by numbers [B], ages [B] and state.
        rows: how many drawings there are.
        tolerance: the largest relative error of outputs.
    """

    begin: Callable[[Tensor], State]
    step: Callable[[Tensor, Tensor, State], tuple[Tensor, State]]
    rows: int
    tolerance: float

    def walk(self, numbers: Tensor, ages: Tensor, steps: int, state: State) -> tuple[Tensor, State]:
        """Outputs [B, T, ...] of so many steps, and the state after."""
        outputs = []
        for step in range(steps):
            output, state = self.step(numbers, ages + step, state)
            outputs.append(output.clone())
        return torch.stack(outputs, 1), state


def check_alone(trial: Stepping, rule: str, faults: Faults) -> None:
    """Check that outputs are the same for other rows, in another order, alone, and where states are moved."""
    numbers = torch.arange(trial.rows)
    first, half = trial.walk(numbers, numbers * 0, _HALF, clone_state(trial.begin(numbers)))
    second, _ = trial.walk(numbers, numbers * 0 + _HALF, _HALF, clone_state(half))
    # Moved states come first, before a beginning could reset a memory outside them.
    for age, wanted in ((_HALF, second), (0, first)):
        for order in map(torch.tensor, _ORDERS):
            state = trial.begin(order) if age == 0 else tuple(part[order] for part in half)
            outputs, _ = trial.walk(order, order * 0 + age, _HALF, clone_state(state))
            off = relative_error(outputs, wanted[order])
            if off > trial.tolerance:
                problem = f"outputs change by {off:.3g} for the rows {order.tolist()} of {trial.rows}"
                faults.add(rule, f"{problem}: compute each row from its own inputs and state alone")


def check_refill(trial: Stepping, rule: str, faults: Faults) -> None:
    """Check drawings that begin in the rows of others, while the rest go on."""
    numbers, fresh, rows = torch.arange(8), torch.tensor([11, 10, 12]), torch.tensor([6, 0, 3])
    ages = torch.zeros_like(numbers)
    _, state = trial.walk(numbers, ages, _HALF, clone_state(trial.begin(numbers)))
    wanted, _ = trial.walk(numbers, ages + _HALF, _HALF, clone_state(state))
    begun, _ = trial.walk(fresh, ages[rows], _HALF, clone_state(trial.begin(fresh)))
    for part, new in zip(state, trial.begin(fresh), strict=True):
        part[rows] = new
    wanted[rows], numbers[rows] = begun, fresh
    ages = (ages + _HALF).index_fill(0, rows, 0)
    outputs, _ = trial.walk(numbers, ages, _HALF, state)
    off = relative_error(outputs, wanted)
    if off > trial.tolerance:
        advice = "keep all memory of a drawing in its own row of the state"
        faults.add(rule, f"outputs are off by {off:.3g} where a drawing begins in another's row: {advice}")


def check_state(state: Any, rows: int, maker: str, faults: Faults, rule: str = "a state") -> None:
    """Require a state to be a tuple of tensors [B, ...]."""
    kinds = [type(part).__name__ for part in state] if isinstance(state, tuple) else ""
    whole = isinstance(state, tuple) and all(isinstance(part, Tensor) for part in state)
    problem = f"{maker} returns a {type(state).__name__} {kinds} as state"
    faults.require(whole, rule, f"{problem}: return a tuple of tensors")
    for place, part in enumerate(state):
        problem = f"part {place} of the state from {maker} is {list(part.shape)}"
        fits = part.dim() and len(part) == rows
        faults.require(fits, rule, f"{problem}: let its first dimension be the {rows} rows")


def check_step(step: Any, rows: Tensor, state: State, faults: Faults) -> tuple[Any, State]:
    """Take a step of a model or stepper; require a pair and a state of the same layout.

    Returns:
        Raw outputs, unchecked, and the state after.
    """
    given, before = rows.clone(memory_format=torch.contiguous_format), clone_state(state)
    result = step(given, state)
    fault = f"step returns a {type(result).__name__}: return raw outputs and the next state"
    faults.require(isinstance(result, tuple) and len(result) == 2, "a pair", fault)
    raw, after = result
    for name, same in (("rows", torch.equal(given, rows)), ("state", all(map(torch.equal, state, before)))):
        if not same:
            faults.add("arguments unchanged", f"step writes to its {name}: make new tensors")
    check_state(after, len(rows), "step", faults)
    change = f"{describe_layout(before)} into {describe_layout(after)}"
    fault = f"step turns the state {change}: keep its shapes and types"
    faults.require(find_layout(after) == find_layout(before), "the state stays", fault)
    return raw, after


def find_layout(state: State) -> list[tuple[torch.dtype, tuple[int, ...]]]:
    """The types and shapes of a state."""
    return [(part.dtype, tuple(part.shape)) for part in state]


def describe_layout(state: State) -> str:
    """The types and shapes of a state, such as `(float32 [4, 2])`."""
    parts = [f"{str(dtype).removeprefix('torch.')} {list(shape)}" for dtype, shape in find_layout(state)]
    return f"({', '.join(parts)})"


def clone_state(state: State) -> State:
    """A state in memory of its own."""
    return tuple(part.clone() for part in state)


def same_values(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and values; NaN equals NaN."""
    return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())


def relative_error(one: Tensor, other: Tensor) -> float:
    """The largest difference of two tensors, relative to values above 1; infinity where one is NaN."""
    one, other = one.double(), other.double()
    error = ((one - other).abs() / other.abs().clamp(min=1.0)).nan_to_num(nan=torch.inf)
    error[(one == other) | (one.isnan() & other.isnan())] = 0.0
    return float(error.max()) if error.numel() else 0.0


def is_one_hot(pens: Any) -> Any:
    """Whether the pen states in a tensor or array [..., 3] are one-hot, bool [...]."""
    return ((pens == 0) | (pens == 1)).all(-1) & (pens.sum(-1) == 1)
