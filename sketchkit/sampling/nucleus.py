"""Only the components that make up most of the mixture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.options import option
from sketchkit.sampling.base import Tempered

if TYPE_CHECKING:
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise


@dataclass(frozen=True)
class Nucleus(Tempered):
    """Draw at a temperature from the fewest components whose weights reach p; the pen is left whole.

    Source: Holtzman et al. 2020, carried over from words to mixture components.
    """

    p: float = option(0.9, "how much of the mixture's weight stays", low=0.0, high=1.0)

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Draw one point a row; see `Sampler`."""
        tempered = self._tempered(density)
        weights = tempered.component_logits.softmax(-1)
        ordered, order = weights.sort(dim=-1, descending=True, stable=True)
        # A component stays while those before it fall short of p: the heaviest always does.
        kept = ordered.cumsum(-1) - ordered < self.p
        kept[..., 0] = True
        return tempered.masked(kept.new_zeros(kept.shape).scatter(-1, order, kept)).draw(noise)
