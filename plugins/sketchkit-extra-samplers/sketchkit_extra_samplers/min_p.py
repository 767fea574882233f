"""Only the components that are not too light beside the heaviest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.options import option
from sketchkit.sampling import Tempered

if TYPE_CHECKING:
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise

__all__ = ["MinP"]


@dataclass(frozen=True)
class MinP(Tempered):
    """Draw at a temperature from the components that weigh at least p times what the heaviest does.

    Where the model is sure, few components are left; where it is not, many. The weights are those at the
    temperature.

    Source: Nguyen et al. 2024, "Turning up the heat: min-p sampling", carried over from words to mixture
        components. Two departures: an offset is drawn from the whole of its component, and the pen is left
        whole, since an end is light beside going on at nearly every point of a drawing.
    """

    p: float = option(0.1, "the least weight that stays, beside the heaviest", low=0.0, high=1.0)

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Draw one point a row; see `sketchkit.sampling.Sampler`."""
        tempered = density.tempered(self.temperature, self.rule)
        logits = tempered.component_logits
        least = math.log(self.p) if self.p > 0.0 else -math.inf
        return tempered.masked(logits - logits.amax(-1, keepdim=True) >= least).draw(noise)
