"""How a point is chosen from raw outputs: by a sampler of torch, or as a rule says, by numpy."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from sketchkit.engine.arrays import State, as_tensor, to_numpy
from sketchkit.models import Array, ArrayModel, DrawingModel
from sketchkit.numpy_density import RuleDraw
from sketchkit.numpy_density import losses as losses_of_arrays
from sketchkit.sampling import StepSampler, rule_of, stateful
from sketchkit.tempering import DrawRule

__all__ = ["PointChooser", "RuleChooser", "SamplerChooser", "make_chooser", "point_losses"]

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


class PointChooser(Protocol):
    """Chooses a point for every row of a batch."""

    def initial_memory(self, rows: int) -> State:
        """The memory before the first point of B drawings, a tuple of [B, ...] arrays."""
        ...

    def choose(
        self, raw: Array, uniforms: Float32, memory: State, jobs: Int64, steps: Int64
    ) -> tuple[Array, State]:
        """Choose a point for every row.

        Args:
            raw: [B, 6M + 3], the model's raw outputs.
            uniforms: [B, 4], see `sketchkit.noise.Noise`.
            memory: of each row's drawing.
            jobs: [B], the number of each row's drawing, -1 for an idle row.
            steps: [B], which point of its drawing it is.

        Returns:
            [B, 5], offsets in model units and a one-hot pen state, and the memory after.
        """
        ...


class SamplerChooser:
    """Lets a sampler choose.

    Args:
        sampler: of any kind that chooses point by point.
        model: the model whose raw outputs come.
    """

    def __init__(self, sampler: StepSampler, model: DrawingModel) -> None:
        import torch

        self._sampler = stateful(sampler)
        self._device = torch.device(model.device)

    def initial_memory(self, rows: int) -> State:
        """The sampler's own; see `PointChooser`."""
        return self._sampler.initial_state(rows, self._device)

    def choose(
        self, raw: Array, uniforms: Float32, memory: State, jobs: Int64, steps: Int64
    ) -> tuple[Array, State]:
        """What the sampler chooses; see `PointChooser`."""
        from sketchkit.density import MixtureDensity
        from sketchkit.noise import Noise

        noise = Noise(as_tensor(uniforms).to(self._device))
        return self._sampler.step(MixtureDensity(as_tensor(raw)), noise, memory)


class RuleChooser:
    """Draws as a rule says, by numpy.

    Args:
        rule: how.
    """

    def __init__(self, rule: DrawRule) -> None:
        self._rule = rule

    def initial_memory(self, rows: int) -> State:
        """Empty; see `PointChooser`."""
        return ()

    def choose(
        self, raw: Array, uniforms: Float32, memory: State, jobs: Int64, steps: Int64
    ) -> tuple[Array, State]:
        """A tempered draw; see `PointChooser`."""
        draw = RuleDraw.of(self._rule, (raw.shape[1] - 3) // 6, len(raw))
        points = np.empty((len(raw), 5), np.float32)
        draw.points(to_numpy(raw), uniforms, draw.normals(uniforms), points)
        return points, memory


def make_chooser(sampler: StepSampler, model: DrawingModel) -> PointChooser:
    """The chooser for a sampler: one of numpy for a tempered draw of an `ArrayModel`, else one of torch."""
    rule = rule_of(sampler) if isinstance(model, ArrayModel) else None
    return SamplerChooser(sampler, model) if rule is None else RuleChooser(rule)


def point_losses(raw: Array, points: Array) -> Array:
    """The negative log-likelihood of points [..., 5] under raw outputs [..., 6M + 3], [...]."""
    if isinstance(raw, np.ndarray):
        return losses_of_arrays(raw, to_numpy(points))
    from sketchkit.density import MixtureDensity

    return MixtureDensity(raw).losses(as_tensor(points))
