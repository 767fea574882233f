"""The drawing in the middle of several: the one that is least wrong whichever of them is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.sampling.drafting import Drafting

if TYPE_CHECKING:
    from sketchkit.sampling.base import Draft
    from sketchkit.sketch import Float64


@dataclass(frozen=True)
class MinimumBayesRisk(Drafting):
    """Draw n drafts and take the one with the least mean Chamfer distance to the others.

    Drafts that the model ended count alone, where there are any. What is drawn often wins over what is likely
    point by point, and what nobody else drew loses.

    Source: Kumar & Byrne 2004, minimum Bayes-risk decoding, with a distance between drawings for the loss.
    """

    def choose(self, drafts: Sequence[Draft]) -> Draft:
        """The one in the middle; see `Drafting`."""
        import numpy as np

        from sketchkit.geometry import chamfer

        whole = [draft for draft in drafts if draft.ended] or list(drafts)
        outlines = [_outline(draft) for draft in whole]
        risk = np.zeros((len(whole), len(whole)))
        for i, mine in enumerate(outlines):
            for j, other in enumerate(outlines[:i]):
                risk[i, j] = risk[j, i] = chamfer(mine, other)
        return whole[int(risk.sum(axis=1).argmin())]


def _outline(draft: Draft) -> Float64:
    """Points evenly along the ink, [P, 2] in model units; the way to the first point may be none."""
    from sketchkit.geometry import outline
    from sketchkit.sketch import Sketch

    return outline(Sketch(draft.rows))
