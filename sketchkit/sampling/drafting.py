"""Several drafts of every drawing, of which one is chosen: what such samplers share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.options import option
from sketchkit.sampling.base import Tempered

if TYPE_CHECKING:
    from sketchkit.sampling.base import Draft, StepSampler, Studio

__all__ = ["Drafting", "likelihood"]

#: So many drafts are kept at once.
_AT_ONCE = 1_024


def likelihood(draft: Draft) -> tuple[bool, float, int]:
    """What drafts are sorted by: those that the model ended first, then by the likelihood of a point."""
    return (not draft.ended, draft.nll_per_point, draft.attempt)


@dataclass(frozen=True)
class Drafting(Tempered, ABC):
    """Draw n drafts of every drawing and take the one that `choose` points to.

    The first draft is what is drawn without drafting.
    """

    n: int = option(8, "how many drafts of each drawing", low=1, high=4_096)
    by: str = option("temperature", "the sampler that draws the drafts")

    @abstractmethod
    def choose(self, drafts: Sequence[Draft]) -> Draft:
        """The one to keep.

        Args:
            drafts: n drafts of one drawing, by their attempt.
        """

    def draw(self, studio: Studio) -> Iterator[Draft]:
        """Draw and choose; see `DrawingSampler`."""
        import numpy as np

        hand, size = self._hand(), max(1, _AT_ONCE // self.n)
        for begin in range(0, studio.jobs, size):
            jobs = np.arange(begin, min(begin + size, studio.jobs))
            found: dict[int, list[Draft]] = {job: [] for job in jobs.tolist()}
            for draft in studio.drafts(hand, np.repeat(jobs, self.n), np.tile(np.arange(self.n), len(jobs))):
                mine = found[draft.job]
                mine.append(draft)
                if len(mine) == self.n:
                    yield self.choose(sorted(mine, key=lambda each: each.attempt))
                    del found[draft.job]

    def _hand(self) -> StepSampler:
        """The sampler that draws the drafts.

        Raises:
            InputError: one that looks at whole drawings itself.
            PluginError: an unknown one.
        """
        from sketchkit.sampling import make_sampler
        from sketchkit.sampling.steps import stepwise

        return stepwise(make_sampler(self.by, self.temperature, self._shared()), "drafts")

    def _shared(self) -> dict[str, str]:
        """The rule of temperature, for a sampler that has one."""
        from sketchkit import options, registry

        known = options.describe(registry.load("sampler", self.by))
        return {"rule": self.rule} if any(each.name == "rule" for each in known) else {}
