"""The likeliest of several drawings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.sampling.drafting import Drafting, likelihood

if TYPE_CHECKING:
    from sketchkit.sampling.base import Draft


@dataclass(frozen=True)
class BestOf(Drafting):
    """Draw n drafts and take the likeliest a point, one that the model ended before any that was cut.

    The likelihood is the model's own, at temperature 1. Scribbles of short steps are likely, too: with a
    low temperature the likeliest of many may be one.
    """

    def choose(self, drafts: Sequence[Draft]) -> Draft:
        """The likeliest; see `Drafting`."""
        return min(drafts, key=likelihood)
