"""The best of several drawings, as scored by a critic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sketchkit.options import option
from sketchkit.sampling.drafting import Drafting, choose_each, until

if TYPE_CHECKING:
    from sketchkit.critic import Critic
    from sketchkit.sampling.base import Draft, DraftingContext, StepSampler, Subject
    from sketchkit.sketch import Sketch

__all__ = ["BestLooking", "ByCritic", "whole_drawing"]

#: The weights of the log-odds of having no flaw, of the likelihood a point and of the logarithm of the number
#: of points, beside the critic's log-odds, all in nats.
_OF_SOUNDNESS, _OF_LIKELIHOOD, _OF_LENGTH = 1.5, 2.0, 1.0
#: Chances are clipped to this at the least, and to 1 less this at the most.
_LEAST = 1e-6


@dataclass(frozen=True)
class BestLooking:
    """Draw n drafts of every drawing and take the best: the one most like its class, and the tidiest ending.

    A critic scores the likeness of a draft to its class, as log-odds, and a second one whether a part is
    missing, displaced or too much. After a beginning nearly all drafts may score high, and among these the
    endings with likelier and fewer points are tidier; scribbles and repeated strokes lose. Whole drawings are
    chosen by the critics alone, which keeps more of their variety.

    Drafts with ink come before those without, and those that the model ended before those that were cut. For
    a drawing without a class the critic's highest score among the classes of the model counts. A drawing of
    classes that the critic does not know is drawn until the model ends it, n times at most.

    Args:
        step_sampler: the sampler that draws.
        n: how many drafts, 1..4096.
    """

    step_sampler: StepSampler
    n: int = 6

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Draw and choose; see `DrawingSampler`."""
        import numpy as np

        from sketchkit.critic import FLAWS, load_critic

        critic, of_flaws = load_critic(), load_critic(FLAWS)
        known = np.array([_is_known(context.subject(job), critic) for job in range(context.jobs)], bool)
        rest, scored = np.flatnonzero(~known), np.flatnonzero(known)
        yield from until(context, self.step_sampler, self.n, rest, lambda draft: not any(_flaw(draft)[:2]))

        def best(drafts: Sequence[Draft]) -> Draft:
            return _best(drafts, context, critic, of_flaws)

        yield from choose_each(context, self.step_sampler, self.n, best, scored)


@dataclass(frozen=True)
class ByCritic(Drafting):
    """Draw n drafts and take the one that looks most like its class to the critic that comes with sketchkit.

    See `BestLooking` for classes that the critic does not know.
    """

    n: int = option(6, "how many drafts of each drawing", low=1, high=4_096)

    def choose(self, drafts: Sequence[Draft]) -> Draft:
        """The first that the model ended: the class of a draft is known in `draw` alone."""
        return min(drafts, key=_flaw)

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Draw and choose; see `DrawingSampler`."""
        return BestLooking(self.step_sampler, self.n).draw(context)


def whole_drawing(subject: Subject, draft: Draft) -> Sketch:
    """The beginning and the added strokes, as one drawing in model units."""
    import numpy as np

    from sketchkit.sketch import Sketch

    # A drawing begins at the point of the start token, which is missing from the rows.
    start = np.array([[0.0, 0.0, 1.0, 0.0, 0.0]])
    return Sketch(np.concatenate([start, subject.rows, draft.rows]))


def _is_known(subject: Subject, critic: Critic) -> bool:
    return any(name in critic.classes for name in subject.classes)


def _best(drafts: Sequence[Draft], context: DraftingContext, critic: Critic, of_flaws: Critic) -> Draft:
    """The best of the drafts of one drawing, by their attempt."""
    least = min(_flaw(draft)[:2] for draft in drafts)
    able = [draft for draft in drafts if _flaw(draft)[:2] == least]
    if len(able) == 1:
        return able[0]
    subject = context.subject(drafts[0].job)
    names = [name for name in subject.classes if name in critic.classes]
    drawings = [whole_drawing(subject, draft) for draft in able]
    chances = critic.chances(drawings)[:, [critic.classes.index(name) for name in names]]
    soundness = of_flaws.soundness(drawings, [names[i] for i in chances.argmax(1)])
    tidiness = 1.0 if len(subject.rows) else 0.0
    worth = [
        _log_odds(chance) + _OF_SOUNDNESS * _log_odds(sound) - tidiness * _untidiness(draft)
        for draft, chance, sound in zip(able, chances.max(1), soundness, strict=True)
    ]
    return able[worth.index(max(worth))]


def _log_odds(chance: float) -> float:
    """The log-odds of a chance."""
    return math.log(max(chance, _LEAST) / max(1.0 - chance, _LEAST))


def _untidiness(draft: Draft) -> float:
    """How unlikely the points of a draft are, and how many."""
    return _OF_LIKELIHOOD * draft.nll_per_point + _OF_LENGTH * math.log(len(draft.rows))


def _flaw(draft: Draft) -> tuple[bool, bool, int]:
    """The sort key of drafts: those without ink last, then those that were cut, then by their attempt."""
    return not bool((draft.rows[:, 2:4] > 0).any()), not draft.ended, draft.attempt
