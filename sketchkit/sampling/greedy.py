"""Deterministic points: the likeliest component's mean and the likeliest pen state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise


@dataclass(frozen=True)
class Greedy:
    """Take the mean of the heaviest component and the likeliest pen: the limit of temperature 0.

    Every ending of one drawing is the same, and some never end: use it to look at a model.
    """

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Choose one point a row; see `Sampler`."""
        component = density.component_logits.argmax(-1)
        still = noise.uniforms.new_zeros(len(component), 2)
        return density.point(component, still, density.pen_logits.argmax(-1))
