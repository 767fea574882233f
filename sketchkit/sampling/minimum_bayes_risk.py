"""The central one of several drawings: the one with the least expected distance to the others."""

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

    Where the model ended some drafts, only these count. Drawings similar to many drafts win over drawings
    that are likely point by point, and outliers lose.

    Source: Kumar & Byrne 2004, minimum Bayes-risk decoding, with a distance between drawings for the loss.
    """

    def choose(self, drafts: Sequence[Draft]) -> Draft:
        """The central draft; see `Drafting`."""
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
    """Points evenly along the ink, [P, 2] in model units; the way to the first point may be empty."""
    from sketchkit.geometry import outline
    from sketchkit.sketch import Sketch

    return outline(Sketch(draft.rows))
