"""The paper's own sampler: sharpen or flatten the whole density, then draw from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.sampling.base import DrawRule, Tempered

if TYPE_CHECKING:
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise


@dataclass(frozen=True)
class Temperature(Tempered):
    """Draw from the density at a temperature.

    Source: Ha & Eck 2017, equation 8.
    """

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Draw one point a row; see `Sampler`."""
        return self._tempered(density).draw(noise)

    def draw_rule(self) -> DrawRule:
        """The same as a rule; see `RuledSampler`."""
        return self._tempered_draw()
