"""The best-looking of several drawings, to the eye of a critic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from sketchkit.options import option
from sketchkit.sampling.drafting import AT_ONCE, Drafting, until

if TYPE_CHECKING:
    from sketchkit.critic import Critic
    from sketchkit.sampling.base import Draft, Indices, StepSampler, Studio, Subject
    from sketchkit.sketch import Sketch

__all__ = ["BestLooking", "ByCritic", "whole_drawing"]

_Rank = tuple[bool, bool, float, int]
#: A draft without a flaw that the critic is so sure of ranks before this.
_GOOD: _Rank = (False, False, 0.05, -1)


@dataclass(frozen=True)
class BestLooking:
    """Draw up to n drafts of every drawing with one sampler and take the one that looks most like its class.

    Of a drawing that looks right after half of its drafts, beyond doubt, no others are drawn.

    Drafts with ink come before those without, and those that the model ended before those that were cut. Of a
    drawing without a class the critic's surest word counts, among the classes of the model. A drawing of
    classes that the critic does not know is drawn until the model ends it, n times at most.

    Args:
        hand: the sampler that draws.
        n: the most drafts, 1..4096.
    """

    hand: StepSampler
    n: int = 6

    def draw(self, studio: Studio) -> Iterator[Draft]:
        """Draw and choose; see `DrawingSampler`."""
        import numpy as np

        from sketchkit.critic import load_critic

        critic = load_critic()
        known = np.array([_judged(studio.subject(job), critic) for job in range(studio.jobs)], bool)
        rest, judged = np.flatnonzero(~known), np.flatnonzero(known)
        yield from until(studio, self.hand, self.n, rest, lambda draft: not any(_flaw(draft)[:2]))

        size = max(1, AT_ONCE // self.n)
        for begin in range(0, len(judged), size):
            yield from self._chosen(studio, critic, judged[begin : begin + size])

    def _chosen(self, studio: Studio, critic: Critic, jobs: Indices) -> Iterator[Draft]:
        """The best draft of each of some drawings, all of which have a class that the critic knows."""
        import numpy as np

        best: dict[int, tuple[_Rank, Draft]] = {}
        half = (self.n + 1) // 2
        for attempts in (np.arange(half), np.arange(half, self.n)):
            which = np.repeat(jobs, len(attempts))
            drafts = list(studio.drafts(self.hand, which, np.tile(attempts, len(jobs)))) if len(which) else []
            for draft, rank in zip(drafts, _ranks(drafts, studio, critic), strict=True):
                best[draft.job] = min(best.get(draft.job, (rank, draft)), (rank, draft), key=itemgetter(0))
            jobs = np.array([job for job, (rank, _) in sorted(best.items()) if rank > _GOOD], np.int64)
            yield from (best.pop(job)[1] for job in sorted(best.keys() - set(jobs.tolist())))
        yield from (best[job][1] for job in sorted(best))


@dataclass(frozen=True)
class ByCritic(Drafting):
    """Draw up to n drafts and take the one that looks most like its class to the critic of sketchkit.

    What looks right often wins over what is likely point by point. See `BestLooking` for what the critic does
    not know.
    """

    n: int = option(6, "the most drafts of each drawing", low=1, high=4_096)

    def choose(self, drafts: Sequence[Draft]) -> Draft:
        """The first that the model ended: what a draft is to show, `draw` alone knows."""
        return min(drafts, key=_flaw)

    def draw(self, studio: Studio) -> Iterator[Draft]:
        """Draw and choose; see `DrawingSampler`."""
        return BestLooking(self._hand(), self.n).draw(studio)


def whole_drawing(subject: Subject, draft: Draft) -> Sketch:
    """What was begun and what was added, as one drawing in model units."""
    import numpy as np

    from sketchkit.sketch import Sketch

    # The point at which a drawing begins is the start token's, which is no row.
    start = np.array([[0.0, 0.0, 1.0, 0.0, 0.0]])
    return Sketch(np.concatenate([start, subject.rows, draft.rows]))


def _judged(subject: Subject, critic: Critic) -> bool:
    return any(name in critic.classes for name in subject.classes)


def _ranks(drafts: Sequence[Draft], studio: Studio, critic: Critic) -> Iterator[_Rank]:
    """What drafts are sorted by: flaws, then how little they look like their class, then their attempt."""
    subjects = [studio.subject(draft.job) for draft in drafts]
    chances = critic.chances([whole_drawing(*each) for each in zip(subjects, drafts, strict=True)])
    for draft, subject, mine in zip(drafts, subjects, chances, strict=True):
        wanted = [critic.classes.index(name) for name in subject.classes if name in critic.classes]
        yield (*_flaw(draft)[:2], 1.0 - float(mine[wanted].max()), draft.attempt)


def _flaw(draft: Draft) -> tuple[bool, bool, int]:
    """What drafts are sorted by: those without ink last, then those that were cut, then by their attempt."""
    return not bool((draft.rows[:, 2:4] > 0).any()), not draft.ended, draft.attempt
