"""A sampler that somebody else brings: what it does is looked at, and its failures bear its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sketchkit import registry
from sketchkit.errors import PluginError

if TYPE_CHECKING:
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise
    from sketchkit.sampling.base import Sampler

__all__ = ["Strange"]


@dataclass(frozen=True)
class Strange:
    """A stranger's sampler.

    Args:
        plugin: where it is from.
        __wrapped__: the sampler itself, under the name that Python's own wrappings use.
    """

    plugin: registry.Plugin
    __wrapped__: Sampler

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Choose one point a row; see `Sampler`.

        Raises:
            PluginError: the sampler failed, or what it chose are no points.
        """
        with registry.blamed(self.plugin):
            points = self.__wrapped__(density, noise)
            problem = _problem(points, len(noise.uniforms))
            if problem is not None:
                raise PluginError(f"{self.plugin} chose {problem}")
        return points


def _problem(points: Any, rows: int) -> str | None:
    """What is wrong with points [B, 5], in a few words; None where nothing is."""
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
