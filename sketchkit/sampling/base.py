"""What a sampler is: a pure function from a density and noise to the next point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sketchkit.options import option

if TYPE_CHECKING:
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise

__all__ = ["Sampler", "Tempered"]

#: The names of `sketchkit.density.TemperatureRule`, spelt here so that help needs no torch.
RULES = ("paper", "tensorflow", "javascript")


@runtime_checkable
class Sampler(Protocol):
    """A strategy for the next point, registered in the entry-point group `sketchkit.samplers`.

    A dataclass whose fields are its options. It owns no generator and no state: equal arguments give equal
    points, and no row looks at another.
    """

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        """Choose a point for every row.

        Args:
            density: of B rows.
            noise: B rows of uniform numbers.

        Returns:
            [B, 5]: offsets in model units and a one-hot pen state.
        """
        ...


@dataclass(frozen=True)
class Tempered:
    """The options that every built-in sampler with a temperature shares.

    By default temperature means what it does in both JavaScript libraries. The paper's rule divides the pen's
    logits by tau, too: at 0.25 a lift or an end must be likely beforehand to happen at all, and a drawing in
    which it never is does not end. Towards 0 the paper's rule is the greedy sampler.
    """

    temperature: float = option(
        0.4, "how daring: 1 is the model itself, less is tidier", low=1e-6, high=100.0
    )
    rule: str = option("javascript", "what temperature means, as in the source named", choices=RULES)

    def _tempered(self, density: MixtureDensity) -> MixtureDensity:
        return density.tempered(self.temperature, self.rule)
