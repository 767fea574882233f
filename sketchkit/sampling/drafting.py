"""The base of samplers that draw several drafts of every drawing and choose one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sketchkit.options import option
from sketchkit.sampling.base import DrawingSampler, Tempered, stepwise

if TYPE_CHECKING:
    from sketchkit.sampling.base import AnySampler, Draft, DraftingContext, Indices, StepSampler, Subject
    from sketchkit.settings import DrawSettings

__all__ = ["AT_ONCE", "CutInk", "Drafting", "choose_each", "likelihood", "until", "wrap_sampler"]

#: The most drafts in memory at once.
AT_ONCE = 1_024


def wrap_sampler(sampler: AnySampler, settings: DrawSettings) -> AnySampler:
    """The sampler inside the samplers of whole drawings that settings ask for.

    Args:
        sampler: that the settings name.
        settings: of whose `tries` the best-looking is shown, and cut at `max_ink`.

    Raises:
        InputError: drafts by a sampler of whole drawings.
    """
    from sketchkit.sampling.critic import BestLooking

    if settings.tries > 1:
        sampler = BestLooking(stepwise(sampler, "drafts"), settings.tries)
    return sampler if settings.max_ink is None else CutInk(sampler, settings.max_ink)


def likelihood(draft: Draft) -> tuple[bool, float, int]:
    """The sort key of drafts: those that the model ended first, then by the likelihood of a point."""
    return (not draft.ended, draft.nll_per_point, draft.attempt)


def choose_each(
    context: DraftingContext,
    step_sampler: StepSampler,
    n: int,
    choose: Callable[[Sequence[Draft]], Draft],
    wanted: Indices | None = None,
) -> Iterator[Draft]:
    """Draw n drafts of every drawing, and choose one of each drawing's.

    Args:
        context: the requested drawings.
        step_sampler: the sampler that draws.
        n: how many drafts of each drawing.
        choose: from the drafts of one drawing, by their attempt, the one to keep.
        wanted: int64, the drawings; by default all requested ones.
    """
    import numpy as np

    several, size = np.arange(context.jobs) if wanted is None else wanted, max(1, AT_ONCE // n)
    for begin in range(0, len(several), size):
        jobs = several[begin : begin + size]
        found: dict[int, list[Draft]] = {job: [] for job in jobs.tolist()}
        for draft in context.drafts(step_sampler, np.repeat(jobs, n), np.tile(np.arange(n), len(jobs))):
            mine = found[draft.job]
            mine.append(draft)
            if len(mine) == n:
                yield choose(sorted(mine, key=lambda each: each.attempt))
                del found[draft.job]


def until(
    context: DraftingContext,
    step_sampler: StepSampler,
    n: int,
    wanted: Indices,
    will_do: Callable[[Draft], bool],
) -> Iterator[Draft]:
    """Draw each drawing again with other noise, n times in all, until a draft is accepted.

    Args:
        context: the requested drawings.
        step_sampler: the sampler that draws.
        n: the most drafts of each drawing.
        wanted: int64, the drawings.
        will_do: whether a draft is accepted; for a drawing without an accepted draft the likeliest is taken.
    """
    import numpy as np

    waiting, best = wanted, dict[int, "Draft"]()
    for attempt in range(n):
        again = []
        for draft in context.drafts(step_sampler, waiting, np.full(len(waiting), attempt)):
            if will_do(draft):
                best.pop(draft.job, None)
                yield draft
                continue
            again.append(draft.job)
            best[draft.job] = min(draft, best.get(draft.job, draft), key=likelihood)
        waiting = np.array(sorted(again), np.int64)
        if not len(waiting):
            return
    yield from (best[job] for job in sorted(best))


@dataclass(frozen=True)
class CutInk:
    """Draw as another sampler does, and cut each drawing where its ink is longer.

    Args:
        sampler: of any kind; it chooses before the cut.
        max_ink: the length of the ink that is added, in drawing units; a whole drawing fills 255.
    """

    sampler: AnySampler
    max_ink: float

    @property
    def step_sampler(self) -> AnySampler:
        """The sampler that draws."""
        return self.sampler

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Draw and cut; see `DrawingSampler`. The likelihood of a point stays that before the cut."""
        import numpy as np

        jobs = np.arange(context.jobs)
        if isinstance(self.sampler, DrawingSampler):
            drafts = self.sampler.draw(context)
        else:
            drafts = context.drafts(self.sampler, jobs, 0 * jobs)
        return (self._cut(draft, context.subject(draft.job)) for draft in drafts)

    def _cut(self, draft: Draft, subject: Subject) -> Draft:
        import numpy as np

        before = subject.rows[-1:, 2] if len(subject.rows) else np.ones(1)
        inked = np.concatenate([before, draft.rows[:-1, 2]]) == 1.0
        steps = np.hypot(*draft.rows[:, :2].T.astype(np.float64)) * inked * subject.scale_factor
        excess = steps.cumsum() - self.max_ink
        if excess[-1] <= 0.0:
            return draft
        last = int((excess > 0.0).argmax())
        rows = draft.rows[: last + 1].copy()
        rows[last, :2] *= 1.0 - excess[last] / steps[last]
        rows[last, 2:] = (0.0, 1.0, 0.0)
        return replace(draft, rows=rows, nll=draft.nll_per_point * len(rows))


@dataclass(frozen=True)
class Drafting(Tempered, ABC):
    """Draw n drafts of every drawing and take the one that `choose` returns.

    The first draft equals the drawing without drafting.
    """

    n: int = option(8, "how many drafts of each drawing", low=1, high=4_096)
    by: str = option("temperature", "the sampler that draws the drafts")

    @abstractmethod
    def choose(self, drafts: Sequence[Draft]) -> Draft:
        """The one to keep.

        Args:
            drafts: n drafts of one drawing, by their attempt.
        """

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Draw and choose; see `DrawingSampler`."""
        return choose_each(context, self.step_sampler, self.n, self.choose)

    @property
    def step_sampler(self) -> StepSampler:
        """The sampler that draws the drafts.

        Raises:
            InputError: a sampler of whole drawings.
            PluginError: an unknown sampler.
        """
        from sketchkit.sampling import make_sampler

        return stepwise(make_sampler(self.by, self.temperature, self._pass_rule()), "drafts")

    def _pass_rule(self) -> dict[str, str]:
        """The rule of temperature, for a sampler that has one."""
        from sketchkit import options, registry

        known = options.describe(registry.load("sampler", self.by))
        return {"rule": self.rule} if any(each.name == "rule" for each in known) else {}
