"""Further attempts at drawings that the model does not end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.options import option
from sketchkit.sampling.drafting import Drafting, likelihood, until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sketchkit.sampling.base import Draft, DraftingContext


@dataclass(frozen=True)
class Restarts(Drafting):
    """Draw, and begin again with other noise, n times in all, while the model does not end the drawing.

    With a limit a drawing that is less likely a point than that is begun again, too. Where all attempts fail,
    the best of them is taken. Most drawings take one attempt, so that this costs little.
    """

    limit: float | None = option(None, "the greatest NLL per point that will do; any when none is given")

    def choose(self, drafts: Sequence[Draft]) -> Draft:
        """The best of the rejected drafts."""
        return min(drafts, key=likelihood)

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Draw until a draft is accepted; see `DrawingSampler`."""
        import numpy as np

        return until(context, self.step_sampler, self.n, np.arange(context.jobs), self._is_acceptable)

    def _is_acceptable(self, draft: Draft) -> bool:
        return draft.ended and (self.limit is None or draft.nll_per_point <= self.limit)
