"""Deterministic points: the mean of the whole mixture and the likeliest pen state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise


@dataclass(frozen=True)
class Mean:
    """Take the mean of the mixture and the likeliest pen: with a latent vector, the drawing that it encodes.

    The offset is a continuous function of the density, also where another component becomes the heaviest,
    so that interpolated drawings change smoothly. Without a latent vector it is an average of all possible
    continuations, which looks unlike each of them.
    """

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Choose one point a row; see `Sampler`."""
        out = density.parameters.new_zeros(len(density.pen_logits), 5)
        out[:, :2] = density.mean_offset()
        return out.scatter_(1, density.pen_logits.argmax(-1, keepdim=True) + 2, 1.0)
