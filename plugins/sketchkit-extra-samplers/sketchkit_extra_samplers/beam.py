"""The drawing that is made of the likeliest choices, as far as a search finds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.options import option

if TYPE_CHECKING:
    from sketchkit.sampling import Draft, DraftingContext

__all__ = ["Beam"]

#: So many hypotheses are followed at once.
_AT_ONCE = 1_024


@dataclass(frozen=True)
class Beam:
    """Follow the likeliest beginnings side by side and take the likeliest whole drawing.

    At each point every hypothesis goes on in 2 M + 1 ways: to the offset of each of M components with the pen
    down or up, or to the end. The likeliest `width` of all that do not end are followed. An end that is among
    the likeliest `width` ways is kept. The search is over once `width` hypotheses have ended, or at the
    greatest length; the best that ended is taken, or the best of all where none did. What counts is the sum
    of log w + log q over a drawing's choices (of its end log q alone), divided by length^alpha.

    Offsets are the means of their components, shifted by so many sigma of noise; the noise has no say in what
    counts. Without it a beginning always comes to the same end.

    Source: Graves 2012, "Sequence transduction with recurrent neural networks"; Wu et al. 2016, equation 14,
        for the length, without its 5 and without coverage. One departure: choices are counted, not the
        densities of points, which have no upper bound. By densities a search runs into components that are
        ever narrower: of a hundred drawings by the model `doodle` four ended.
    """

    width: int = option(4, "how many hypotheses are followed side by side", low=1, high=1_024)
    alpha: float = option(1.0, "how far length is made up for: 0 not at all, 1 wholly", low=0.0, high=2.0)
    spread: float = option(0.6, "how far offsets stray from the means, in sigma", low=0.0, high=10.0)

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Search, for as many drawings at once as fit; see `sketchkit.sampling.DrawingSampler`."""
        import numpy as np

        from sketchkit_extra_samplers.search import Search

        size = max(1, _AT_ONCE // self.width)
        for begin in range(0, context.jobs, size):
            jobs = np.arange(begin, min(begin + size, context.jobs))
            yield from Search(context, jobs, self.width, self.alpha, self.spread).run()
