"""As surprising as is asked for, kept by feedback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.options import option
from sketchkit.sampling import Tempered

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sketchkit.density import MixtureDensity
    from sketchkit.noise import Noise

__all__ = ["Mirostat"]


@dataclass(frozen=True)
class Mirostat(Tempered):
    """Draw at a temperature, leaving out what surprises more than mu; mu is corrected after each point.

    What surprises is the choice of component and pen: -log w - log q in nats under the model itself, at
    temperature 1, and -log q for an end. mu begins at 2 tau. A point that surprises more than tau lowers it,
    one that surprises less raises it, by rate times the difference. Each drawing has a mu of its own. The
    likeliest choice is never left out.

    Source: Basu et al. 2021, "Mirostat: a neural text decoding algorithm that directly controls perplexity",
        carried over from words to components and pen states. Three departures. What surprises more than mu is
        left out itself, as in mirostat 2.0 of llama.cpp, not a number of words that is estimated by Zipf's
        law, which mixture components do not follow. mu never falls below 0, from where it would first have to
        climb back. The offset has no say, since the information of a continuous number changes with its unit;
        it is drawn from the whole of its component, at the temperature.
    """

    tau: float = option(1.5, "how much a point shall surprise, in nats", low=0.0, high=20.0)
    rate: float = option(0.1, "how fast mu is corrected", low=0.0, high=1.0)

    def initial_state(self, rows: int, device: torch.device) -> tuple[Tensor]:
        """The first mu of each row, float32 [B]; see `sketchkit.sampling.StatefulSampler`."""
        import torch

        return (torch.full((rows,), 2.0 * self.tau, device=device),)

    def step(
        self, density: MixtureDensity, noise: Noise, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor]]:
        """Draw one point a row; see `sketchkit.sampling.StatefulSampler`."""
        from sketchkit_extra_samplers.outcomes import draw_kept, surprise

        (mu,) = state
        # Rounded once, so that it is the same whatever stands in the other rows.
        told = surprise(density).float().flatten(1)  # [B, 3 M]
        keep = told <= mu[:, None].maximum(told.amin(-1, keepdim=True))
        points, chosen = draw_kept(
            density.tempered(self.temperature, self.rule), keep.view(-1, 3, density.mixtures), noise
        )
        found = told.gather(1, chosen[:, None]).squeeze(1)
        return points, ((mu - self.rate * (found - self.tau)).clamp(min=0.0),)
