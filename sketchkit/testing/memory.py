"""What must hold of the memory of a sampler that has one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sketchkit.sampling import StatefulSampler
from sketchkit.testing.faults import Faults

__all__ = ["check_initial_state", "check_memory"]

_CPU = torch.device("cpu")


def check_initial_state(sampler: StatefulSampler, faults: Faults) -> None:
    """The memory before the first point: a tuple of tensors with a row a drawing, made anew each time."""
    firsts = []
    for rows in (1, 4, 17):
        with faults.during(
            "initial_state", f"from initial_state({rows}, device)", "make a state for any number of rows"
        ):
            first, second = sampler.initial_state(rows, _CPU), sampler.initial_state(rows, _CPU)
            if not _is_memory(first, rows, faults) or not _is_memory(second, rows, faults):
                return
            _check_fresh(first, second, faults)
            firsts.append([part[:1].clone() for part in first])
            _check_equal_rows(first, faults)
    for other in firsts[1:]:
        if not _alike(other, firsts[0]) or not all(map(_equal, other, firsts[0])):
            advice = "begin every drawing alike"
            faults.add("equal beginnings", f"its initial state depends on the number of rows: {advice}")


def check_memory(after: Any, before: tuple[Tensor, ...], of: str, faults: Faults) -> None:
    """The memory after a point must have the shapes and types of the one before it."""
    if not isinstance(after, tuple) or not all(isinstance(part, Tensor) for part in after):
        faults.add("the state", f"the state it returns is a {_kind(after)}: return a tuple of tensors")
    elif not _alike(after, before):
        faults.add(
            "the state",
            f"for a density {of} the state goes from {_described(before)} to {_described(after)}: keep the "
            "shapes and types of initial_state",
        )


def _is_memory(state: Any, rows: int, faults: Faults) -> bool:
    if not isinstance(state, tuple) or not all(isinstance(part, Tensor) for part in state):
        faults.add("initial_state", f"initial_state returns a {_kind(state)}: return a tuple of tensors")
        return False
    for place, part in enumerate(state):
        if not part.dim() or len(part) != rows:
            shape = list(part.shape)
            faults.add(
                "initial_state",
                f"part {place} of the state of {rows} rows has the shape {shape}: make the rows its first "
                "dimension",
            )
            return False
    return True


def _check_fresh(first: tuple[Tensor, ...], second: tuple[Tensor, ...], faults: Faults) -> None:
    places = {part.untyped_storage().data_ptr() for part in first if part.numel()}
    if any(part.untyped_storage().data_ptr() in places for part in second if part.numel()):
        advice = "make new tensors each time"
        faults.add("made anew", f"two calls of initial_state return the same memory: {advice}")
    if not _alike(first, second) or not all(map(_equal, first, second)):
        faults.add("equal beginnings", "two calls of initial_state differ: begin every drawing alike")


def _check_equal_rows(state: tuple[Tensor, ...], faults: Faults) -> None:
    for place, part in enumerate(state):
        if not _equal(part, part[:1].expand_as(part)):
            faults.add(
                "equal beginnings",
                f"the rows of part {place} of its initial state differ: begin every drawing alike, since it "
                "may be given any row",
            )


def _equal(left: Tensor, right: Tensor) -> bool:
    return bool(((left == right) | ((left != left) & (right != right))).all())


def _alike(left: Any, right: Any) -> bool:
    return [(p.shape, p.dtype) for p in left] == [(p.shape, p.dtype) for p in right]


def _kind(state: Any) -> str:
    if isinstance(state, tuple):
        return f"tuple of {', '.join(type(part).__name__ for part in state)}"
    return type(state).__name__


def _described(state: tuple[Tensor, ...]) -> str:
    parts = [f"{str(part.dtype).removeprefix('torch.')} {list(part.shape)}" for part in state]
    return f"({', '.join(parts)})"
