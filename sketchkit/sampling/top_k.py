"""Only the k heaviest components of the mixture."""

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
class TopK(Tempered):
    """Draw at a temperature from the k heaviest components; the pen is left whole.

    Source: Fan, Lewis & Dauphin 2018, carried over from words to mixture components.
    """

    k: int = option(5, "how many components stay", low=1)

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Draw one point a row; see `Sampler`."""
        tempered = self._tempered(density)
        logits = tempered.component_logits
        heaviest = logits.topk(min(self.k, density.mixtures), dim=-1).indices
        keep = logits.new_zeros(logits.shape).scatter(-1, heaviest, 1.0) > 0
        return tempered.masked(keep).draw(noise)
