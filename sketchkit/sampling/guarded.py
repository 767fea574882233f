"""Guards around third-party samplers: their results are validated, and their errors carry their name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sketchkit.guard import Guarded
from sketchkit.installed import Plugin
from sketchkit.sampling.base import DrawingSampler, Sampler, StatefulSampler

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise
    from sketchkit.sampling.base import AnySampler, Draft, DraftingContext, State

__all__ = ["guard_sampler", "name_sampler"]


def guard_sampler(plugin: Plugin, sampler: AnySampler) -> AnySampler:
    """A third-party sampler in a guard of its kind.

    Args:
        plugin: its origin.
        sampler: the sampler itself, which the guard holds as `__wrapped__`.
    """
    if isinstance(sampler, DrawingSampler):
        return _GuardedDrawing(plugin, sampler)
    if isinstance(sampler, StatefulSampler):
        return _GuardedStateful(plugin, sampler)
    return _GuardedPoint(plugin, sampler)


def name_sampler(sampler: AnySampler) -> str:
    """The name of a sampler in errors: the full name of the plugin for a guarded sampler."""
    return str(sampler.plugin) if isinstance(sampler, Guarded) else "the sampler"


class _GuardedPoint(Guarded[Sampler]):
    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Choose one point a row; see `Sampler`.

        Raises:
            PluginError: the sampler failed, or its result is invalid.
        """
        rows = len(noise.uniforms)
        return self._call(
            self.__wrapped__, density, noise, find_problem=lambda points: _find_problem("chose", points, rows)
        )


class _GuardedStateful(Guarded[StatefulSampler]):
    def initial_state(self, rows: int, device: torch.device) -> State:
        """The memory before the first point; see `StatefulSampler`."""
        return self._call(
            self.__wrapped__.initial_state,
            rows,
            device,
            find_problem=lambda state: _find_state_problem(state, rows),
        )

    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        """Choose one point a row; see `StatefulSampler`."""
        points, after = self._call(
            self.__wrapped__.step,
            density,
            noise,
            state,
            find_problem=lambda result: _find_step_problem(result, len(noise.uniforms), state),
        )
        return points, after


class _GuardedDrawing(Guarded[DrawingSampler]):
    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Draw all jobs; see `DrawingSampler`."""
        return self._iterate(
            self.__wrapped__.draw, context, find_problem=lambda draft: _find_draft_problem(draft, context)
        )


def _find_step_problem(result: Any, rows: int, before: State) -> str | None:
    points, after = result
    problem = _find_problem("chose", points, rows) or _find_state_problem(after, rows)
    if problem is None and [(p.shape, p.dtype) for p in after] != [(p.shape, p.dtype) for p in before]:
        return "remembers tensors of other shapes or types than initial_state made"
    return problem


def _find_problem(verb: str, points: Any, rows: int) -> str | None:
    """The problem of points [B, 5] in a few words after a verb; `None` for valid points."""
    problem = _describe_problem(points, rows)
    return None if problem is None else f"{verb} {problem}"


def _describe_problem(points: Any, rows: int) -> str | None:
    import torch

    if not isinstance(points, torch.Tensor):
        return f"a {type(points).__name__}, not a tensor of points"
    if points.shape != (rows, 5):
        return f"points of the shape {list(points.shape)}, not [{rows}, 5]"
    if not points.is_floating_point():
        return f"points of the type {points.dtype}, not of a floating-point type"
    if not bool(torch.isfinite(points).all()):
        return "a point that is not finite"
    pens = points[:, 2:]
    if not bool(((pens == 0) | (pens == 1)).all() & (pens.sum(-1) == 1).all()):
        return "a pen state that is not one-hot: (1, 0, 0), (0, 1, 0) or (0, 0, 1)"
    return None


def _find_state_problem(state: Any, rows: int) -> str | None:
    import torch

    if not isinstance(state, tuple) or not all(isinstance(part, torch.Tensor) for part in state):
        return "remembers a value that is not a tuple of tensors"
    if not all(part.dim() and len(part) == rows for part in state):
        return f"remembers a tensor whose first dimension is not that of the {rows} rows"
    return None


def _find_draft_problem(draft: Any, context: DraftingContext) -> str | None:
    """The problem of a draft in a few words; `None` for a valid draft."""
    from sketchkit.sampling.base import Draft

    if not isinstance(draft, Draft):
        return f"drew a {type(draft).__name__}, not a Draft"
    if not _is_whole(draft.job):
        return f"drew a draft of the job {draft.job!r}, which is no whole number"
    if not 0 <= draft.job < context.jobs:
        return f"drew drawing {draft.job} of {context.jobs} that were asked for"
    return _find_rows_problem(draft.rows, context.max_points)


def _find_rows_problem(rows: Any, most: int) -> str | None:
    """The problem of the rows of a draft, 1 to `most` of them; `None` for valid rows."""
    import numpy as np
    import torch

    if not isinstance(rows, np.ndarray) or rows.ndim != 2:
        return "drew rows that are no array [n, 5]"
    if not 1 <= len(rows) <= most:
        return f"drew {len(rows)} rows, where there are at least 1 and at most context.max_points, {most}"
    # A copy, since torch warns of an array that cannot be written to and takes none with negative strides.
    trouble = _find_problem("drew", torch.from_numpy(rows.copy()), len(rows))
    if trouble is None and bool((rows[:-1, 4] == 1).any()):
        return f"drew rows after the end row, which is row {int(rows[:, 4].argmax())} of {len(rows)}"
    return trouble


def _is_whole(value: Any) -> bool:
    import numpy as np

    return isinstance(value, int | np.integer) and not isinstance(value, bool)
