"""Draws with offsets within r sigma of their component's mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.options import option
from sketchkit.sampling.base import DrawRule, Tempered

if TYPE_CHECKING:
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise


@dataclass(frozen=True)
class Truncated(Tempered):
    """Draw at a temperature, with offsets within r standard deviations (Mahalanobis) of the mean.

    The radius is drawn from its own truncated distribution, so that one set of noise gives one point without
    rejections.
    """

    r: float = option(2.0, "largest distance from the mean, in sigma", low=0.0, high=100.0)

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Draw one point a row; see `Sampler`."""
        return self._tempered(density).draw(noise, max_radius=self.r)

    def draw_rule(self) -> DrawRule:
        """The same as a rule; see `RuledSampler`."""
        return self._tempered_draw(self.r)
