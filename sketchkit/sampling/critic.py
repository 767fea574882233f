"""The best of several drawings, as scored by a critic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sketchkit.options import option
from sketchkit.sampling.drafting import AT_ONCE, Drafting, choose_each, until

if TYPE_CHECKING:
    from sketchkit.sampling.base import Draft, DraftingContext, Indices, StepSampler, Subject
    from sketchkit.sketch import Sketch

    #: Of a draft, the larger the better: whether it has ink, whether the model ended it, and its worth.
    _Rank = tuple[bool, bool, float]

__all__ = ["BestLooking", "ByCritic", "whole_drawing"]

#: Of endings: the weights of the log-odds of having no flaw, of the likelihood a point and of the logarithm
#: of the number of points, beside the critic's log-odds, all in nats.
_OF_SOUNDNESS, _OF_LIKELIHOOD, _OF_LENGTH = 2.0, 3.0, 1.0
#: Of whole drawings: the log-odds of looking like the class and of having no flaw above which none is better.
_ENOUGH_LOOKS, _ENOUGH_SOUNDNESS = 2.0, 0.3
_ENOUGH = (True, True, _ENOUGH_LOOKS + _ENOUGH_SOUNDNESS)
#: Of reconstructions: the weight of the critic's log-odds, above whose limit none is better, beside the
#: Chamfer distance to the original as a share of its diagonal.
_OF_LOOKS, _LIMIT_OF_LOOKS = 0.006, 3.0
#: Chances are clipped to this at the least, and to 1 less this at the most.
_LEAST = 1e-6


@dataclass(frozen=True)
class BestLooking:
    """Draw n drafts of every drawing and take the best: the one most like its class, and the tidiest ending.

    A critic scores the likeness of a draft to its class, as log-odds, and a second one whether a part is
    missing, displaced or too much. After a beginning nearly all drafts may score high, and among these the
    endings with likelier and fewer points are tidier; scribbles and repeated strokes lose. Of whole drawings
    that look enough like their class and are sound enough the first is taken, which keeps their variety. Of
    reconstructions that look enough like their class the nearest to the original is taken.

    Drafts with ink come before those without, and those that the model ended before those that were cut. For
    a drawing without a class the critic's highest score among the classes of the model counts. Of classes of
    which the critic has seen few drawings looks alone count, not flaws. A drawing of classes that it has not
    seen is drawn until the model ends it, n times at most; of its reconstructions the nearest is taken.

    Args:
        step_sampler: the sampler that draws.
        n: the most drafts of a drawing, 1..4096.
    """

    step_sampler: StepSampler
    n: int = 6

    def draw(self, context: DraftingContext) -> Iterator[Draft]:
        """Draw and choose; see `DrawingSampler`."""
        import numpy as np

        looks = _Looks(context)
        subjects = [context.subject(job) for job in range(context.jobs)]
        again = np.array([subject.original is not None for subject in subjects], bool)
        known = np.array([looks.knows(subject) for subject in subjects], bool)
        begun = np.array([len(subject.rows) > 0 for subject in subjects], bool)
        unknown, whole = (np.flatnonzero(~again & which) for which in (~known, known & ~begun))
        yield from until(context, self.step_sampler, self.n, unknown, lambda draft: not any(_flaw(draft)[:2]))
        for first in range(0, len(whole), AT_ONCE):
            yield from self._draw_whole(context, looks, whole[first : first + AT_ONCE])
        compared = np.flatnonzero(again | known & begun)
        yield from choose_each(context, self.step_sampler, self.n, looks.best, compared)

    def _draw_whole(self, context: DraftingContext, looks: _Looks, jobs: Indices) -> Iterator[Draft]:
        """The same choice as from n drafts of each, without those behind the first that is enough."""
        import numpy as np

        found: dict[int, tuple[_Rank, Draft]] = {}
        waiting, drawn = jobs, 0
        while drawn < self.n and len(waiting):
            # 1, 2, 4...: many rounds of few drafts are slow.
            several = min(drawn + 1, self.n - drawn, max(1, AT_ONCE // len(waiting)))
            attempts = np.tile(np.arange(drawn, drawn + several), len(waiting))
            drafts = list(context.drafts(self.step_sampler, waiting.repeat(several), attempts))
            drafts.sort(key=lambda draft: (draft.job, draft.attempt))
            for draft, rank in zip(drafts, looks.ranks(drafts), strict=True):
                if draft.job not in found or rank > found[draft.job][0]:
                    found[draft.job] = rank, draft
            drawn += several
            waiting = np.array([job for job in waiting if found[job][0] < _ENOUGH], np.int64)
        yield from (found[job][1] for job in jobs.tolist())


@dataclass(frozen=True)
class ByCritic(Drafting):
    """Draw up to n drafts and take the best by the critics that come with sketchkit.

    See `BestLooking` for what is best, and for classes that the critics do not know.
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
    return _as_sketch(subject.rows, draft.rows)


def _as_sketch(*rows: Any) -> Sketch:
    """Rows behind one another as a drawing in model units."""
    import numpy as np

    from sketchkit.sketch import Sketch

    # A drawing begins at the point of the start token, which is missing from the rows.
    return Sketch(np.concatenate([[[0.0, 0.0, 1.0, 0.0, 0.0]], *rows]))


class _Looks:
    """What the critics say of the drafts of a context."""

    def __init__(self, context: DraftingContext) -> None:
        from sketchkit.critic import FLAWS, load_critic

        self._context, self._critic, self._of_flaws = context, load_critic(), load_critic(FLAWS)

    def knows(self, subject: Subject) -> bool:
        """Whether the critic's network has a class of a drawing."""
        return bool(self._wanted(subject))

    def _wanted(self, subject: Subject) -> list[str]:
        """The classes of a drawing that the critic's network has."""
        return [name for name in subject.classes if name in self._critic.about.classes]

    def _likeliest(self, drawings: Sequence[Sketch], subjects: Sequence[Subject]) -> list[tuple[str, float]]:
        """Of each drawing's classes the one that it looks most like, and how likely it does."""
        wanted = [self._wanted(subject) for subject in subjects]
        names = sorted({name for mine in wanted for name in mine})
        table = self._critic.likeness(drawings, names)
        rows = [dict(zip(names, row, strict=True)) for row in table.tolist()]
        return [
            max(((name, row[name]) for name in mine), key=lambda each: each[1], default=("", 0.5))
            for mine, row in zip(wanted, rows, strict=True)
        ]

    def best(self, drafts: Sequence[Draft]) -> Draft:
        """The best of the drafts of one drawing, by their attempt."""
        ranks = self.ranks(drafts)
        return drafts[ranks.index(max(ranks))]

    def ranks(self, drafts: Sequence[Draft]) -> list[_Rank]:
        """How good drafts of any drawings are: with ink, ended, and their worth."""
        subjects = [self._context.subject(draft.job) for draft in drafts]
        drawings = [whole_drawing(*each) for each in zip(subjects, drafts, strict=True)]
        likeliest = self._likeliest(drawings, subjects)
        # What belongs to a reconstruction the original says.
        pairs = zip(subjects, likeliest, strict=True)
        named = [name if subject.original is None else "" for subject, (name, _) in pairs]
        soundness = self._soundness(drawings, named)
        ranks = []
        for i, (subject, draft) in enumerate(zip(subjects, drafts, strict=True)):
            chance, sound = likeliest[i][1], soundness[i]
            if subject.original is not None:
                worth = _worth_of_copy(subject.original, drawings[i], chance)
            elif len(subject.rows):
                worth = _worth_of_ending(draft, chance, sound)
            else:
                worth = _worth_of_whole(chance, sound)
            empty, endless, _ = _flaw(draft)
            ranks.append((not empty, not endless, worth))
        return ranks

    def _soundness(self, drawings: Sequence[Sketch], names: Sequence[str]) -> list[float]:
        """How likely each drawing has no flaw; 1 for classes whose flaws the critic does not know."""
        out, known = [1.0] * len(drawings), self._of_flaws.classes
        places = [place for place, name in enumerate(names) if name in known]
        found = self._of_flaws.soundness([drawings[i] for i in places], [names[i] for i in places])
        for place, sound in zip(places, found.tolist(), strict=True):
            out[place] = sound
        return out


def _worth_of_ending(draft: Draft, chance: float, sound: float) -> float:
    """By looks, soundness and tidiness."""
    untidiness = _OF_LIKELIHOOD * draft.nll_per_point + _OF_LENGTH * math.log(len(draft.rows))
    return _log_odds(chance) + _OF_SOUNDNESS * _log_odds(sound) - untidiness


def _worth_of_copy(original: Any, drawing: Sketch, chance: float) -> float:
    """By looks, which can be enough, and nearness; `original` is rows."""
    from sketchkit.geometry import chamfer, unit_outline

    looks = _OF_LOOKS * min(_log_odds(chance), _LIMIT_OF_LOOKS)
    return looks - chamfer(unit_outline(_as_sketch(original)), unit_outline(drawing))


def _worth_of_whole(chance: float, sound: float) -> float:
    """By looks and soundness, each of which can be enough."""
    return min(_log_odds(chance), _ENOUGH_LOOKS) + min(_log_odds(sound), _ENOUGH_SOUNDNESS)


def _log_odds(chance: float) -> float:
    """The log-odds of a chance."""
    return math.log(max(chance, _LEAST) / max(1.0 - chance, _LEAST))


def _flaw(draft: Draft) -> tuple[bool, bool, int]:
    """The sort key of drafts: those without ink last, then those that were cut, then by their attempt."""
    return not bool((draft.rows[:, 2:4] > 0).any()), not draft.ended, draft.attempt
