"""Guesses of the class of a beginning, by a critic of beginnings and its likelihood under likely classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sketchkit.batch import check_sketches
from sketchkit.critic import BEGINNINGS, load_critic
from sketchkit.engine import Prompts, decode, read_prompts
from sketchkit.errors import InputError
from sketchkit.models import DrawingModel, check_model
from sketchkit.sampling import Draft, make_sampler
from sketchkit.sampling.critic import whole_drawing
from sketchkit.sketch import Float64, Sketch
from sketchkit.threads import one_thread
from sketchkit.units import WHOLE, Rows, best_scales, extent_of, losses, read_beginning

__all__ = [
    "AUTO",
    "Guess",
    "Guesses",
    "find_scales_by_looks",
    "guess_classes",
    "score_endings",
    "share_classes",
]

Int64 = npt.NDArray[np.int64]

#: The name of a class that is to be guessed.
AUTO = "auto"
#: Number of classes whose likelihoods are computed: those with the highest chance by the critic.
_TRIED = 12
# Fitted on first halves of validation drawings: the weight of a nat of likelihood beside one of the critic,
# and the least chance that the critic's answer counts as.
_LIKELIHOOD, _LEAST_CHANCE = 0.3, 1e-3
# A logistic function detects beginnings of other classes, fitted on first halves of drawings of classes that
# the critic had not seen: its constant, and its weights of the logarithm of the critic's total chance of the
# model's classes, of the entropy of the guess, and of the likelihood a point in pixels.
_UNLIKE = (-7.02, -3.81, 1.12, -0.451)
#: The temperature of tentative endings, and the least chance that the critic's answer on them counts as.
_TEMPERATURE, _LEAST_LOOKS = 0.4, 0.02
#: The parts of a whole drawing that a beginning may be, beside the likeliest scale; how many endings are
#: scored at each size; and the bonus of the likeliest scale, in nats.
_PARTS, _OF_A_SCALE, _USUAL = (0.5, 0.25), 4, 0.7
#: Endings are shared out among classes of at least this chance.
_LEAST_SHARE = 0.1
# Multiples of the golden section fill 0..1 evenly, however many of them there are.
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Guess:
    """A class that a beginning may be meant as.

    Args:
        class_name: the model's name of it.
        chance: 0..1.
    """

    class_name: str
    chance: float


class Guesses(tuple[Guess, ...]):
    """The classes that a beginning may be meant as, the likeliest first; chances add up to 1.

    Attributes:
        unlike: the chance, 0..1, that it is a beginning of something else, cautiously: above one half
            for one in ten beginnings of the model's classes. `None` where the critic does not know these.
        others: classes that the model lacks and the critic of beginnings has seen, the likeliest first.
    """

    unlike: float | None
    others: tuple[Guess, ...]

    def __new__(
        cls, guesses: Iterable[Guess] = (), unlike: float | None = None, others: Iterable[Guess] = ()
    ) -> Guesses:
        """Guesses, how likely all of them are wrong, and what else it may be."""
        made = super().__new__(cls, guesses)
        made.unlike, made.others = unlike, tuple(others)
        return made


@one_thread()
def guess_classes(model: DrawingModel, drawings: Sequence[Sketch]) -> list[Guesses]:
    """Guess the classes of beginnings.

    Args:
        model: an unconditional model that knows classes.
        drawings: P beginnings, in any units and place.

    Returns:
        For each beginning the twelve likeliest classes of the model.

    Raises:
        InputError: a model without classes, or a conditional one.
    """
    check_model(model)
    if model.conditional or not model.labelled:
        raise InputError(f"the model {model.card.name!r} is told no classes, so it cannot guess them")
    several = check_sketches(drawings, "guess_classes takes a list of sketches")
    if not several:
        return []
    begun = [each.without_end() for each in several]
    scales = best_scales(model, begun)
    known, chances, others = _chances(model.card.classes, begun)
    return [
        Guesses(*_guesses(model, drawing, scale, mine, known=known), other)
        for drawing, scale, mine, other in zip(begun, scales, chances, others, strict=True)
    ]


def share_classes(guesses: Sequence[Guess], n: int) -> list[str]:
    """The class of each of n endings: each class as often as its chance says.

    Args:
        guesses: the likeliest first.
        n: how many endings.

    Returns:
        [n], the class of each ending; that of ending i is the same for all n above i.
    """
    able = [each for each in guesses if each.chance >= _LEAST_SHARE] or list(guesses[:1])
    bounds = np.cumsum([each.chance for each in able])
    places = (np.arange(1, n + 1) * _GOLDEN % 1.0) * bounds[-1]
    return [able[i].class_name for i in np.searchsorted(bounds, places, side="right").clip(0, len(able) - 1)]


def find_scales_by_looks(
    model: DrawingModel,
    begun: Sequence[Sketch],
    scales: Sequence[float],
    classes: Sequence[str | None],
    prompts: Prompts,
) -> list[float]:
    """Scales at which endings look most like their class: a beginning may be a small part of a drawing.

    Args:
        model: an unconditional one.
        begun: P beginnings.
        scales: the likeliest of each, in pixels of the training data a drawing unit.
        classes: the class of each.
        prompts: the beginnings of these scales and classes, as the model has read them.

    Returns:
        P scales: the given ones, or those at which a beginning is a half or a quarter of a whole drawing; the
        given ones for classes that the critic has never seen.
    """
    known, card = load_critic().about.classes, model.card
    names = [card.classes[0] if name is None and len(card.classes) == 1 else name for name in classes]
    asked = [i for i, name in enumerate(names) if name in known]
    out = list(scales)

    def score(read: Prompts, of: Sequence[int]) -> Float64:
        """The logarithm of the critic's chance for endings of prompts, each of a beginning."""
        return np.log(score_endings(model, read, [str(names[i]) for i in of], _OF_A_SCALE) + _LEAST_LOOKS)

    def score_parts(places: Sequence[int]) -> Float64:
        """The same of beginnings as each of the parts of a drawing, [P, S]."""
        of = [i for i in places for _ in _PARTS]
        tried = [part * WHOLE / extent_of(begun[i]) for i in places for part in _PARTS]
        rows = [read_beginning(begun[i], scale, card).rows for i, scale in zip(of, tried, strict=True)]
        labels = model.class_indices([classes[i] for i in of])
        return score(read_prompts(model, rows, label=labels), of).reshape(len(places), -1)

    sized = [i for i in asked if extent_of(begun[i])]
    usual = score(prompts.take(np.array(sized)), sized) + _USUAL if sized else np.zeros(0)
    # Only below this value another size can look better.
    doubtful = np.flatnonzero(usual < np.log1p(_LEAST_LOOKS))
    if len(doubtful):
        others = score_parts([sized[k] for k in doubtful])
        for k, mine in zip(doubtful, others, strict=True):
            if mine.max() > usual[k]:
                out[sized[k]] = _PARTS[mine.argmax()] * WHOLE / extent_of(begun[sized[k]])
    return out


def _chances(
    classes: Sequence[str], begun: Sequence[Sketch]
) -> tuple[bool, Float64, list[tuple[Guess, ...]]]:
    """Whether the critic knows all classes well, its chance of each, [P, C], and the likeliest others."""
    critic = load_critic(BEGINNINGS)
    seen = critic.about.classes
    every = critic.chances(begun, seen)
    places = [seen.index(name) if name in seen else -1 for name in classes]
    chances = every[:, places]
    # A class that it has never seen might be any.
    chances[:, np.array(places) < 0] = every.mean()
    left = np.array([place for place, name in enumerate(seen) if name not in classes], np.int64)
    order = left[np.argsort(-every[:, left], axis=1, kind="stable")[:, :_TRIED]]
    others = [
        tuple(Guess(seen[place], float(row[place])) for place in mine)
        for row, mine in zip(every, order, strict=True)
    ]
    return set(classes) <= set(critic.classes), chances, others


def _guesses(
    model: DrawingModel, drawing: Sketch, scale: float, begun: Float64, *, known: bool
) -> tuple[list[Guess], float | None]:
    """The classes that are tried, the likeliest first, and the chance that all are wrong.

    Args:
        model: knows classes.
        drawing: the beginning.
        scale: pixels of the training data in a drawing unit.
        begun: [C], the critic's chance of each class of the model.
        known: whether the critic knows all of them well.
    """
    rows = read_beginning(drawing, scale, model.card).rows
    tried = np.argsort(-begun, kind="stable")[:_TRIED]
    likely = _likelihoods(model, rows, tried)
    scores = _LIKELIHOOD * (likely - likely.max()) + np.log(begun[tried] / begun.sum() + _LEAST_CHANCE)
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    order = np.argsort(-chances, kind="stable")
    guesses = [Guess(model.card.classes[tried[i]], float(chances[i])) for i in order]
    if not known or not len(rows):
        return guesses, None
    a_point = likely.max() / len(rows) - 2.0 * math.log(model.card.scale_factor)
    entropy = -float((chances * np.log(chances + 1e-12)).sum())
    facts = (1.0, math.log(begun.sum() + 1e-4), entropy, a_point)
    return guesses, 1.0 / (1.0 + math.exp(-float(np.dot(_UNLIKE, facts))))


def _likelihoods(model: DrawingModel, rows: Rows, classes: Int64) -> Float64:
    """The log-likelihood of a beginning under each of some classes, [C]."""
    if not len(rows):
        return np.zeros(len(classes))
    return -np.array(losses(model, [rows] * len(classes), classes.astype(np.int64)))


def score_endings(model: DrawingModel, prompts: Prompts, classes: Sequence[str], n: int) -> Float64:
    """The critic's chance that tentative endings of beginnings show their classes.

    Args:
        model: an unconditional one.
        prompts: K beginnings.
        classes: K names.
        n: how many endings of each beginning.

    Returns:
        [K], 0..1; for a class that the critic does not know the mean of all its chances.
    """
    which = np.repeat(np.arange(len(prompts)), n)
    index = np.tile(np.arange(n), len(prompts))
    sampler = make_sampler("temperature", _TEMPERATURE)
    loop = decode(model, sampler, prompts, which, index, seed=0, max_points=model.card.max_length)
    drafts: list[Draft] = sorted(loop, key=lambda draft: draft.job)
    drawings = [whole_drawing(prompts.subjects[which[draft.job]], draft) for draft in drafts]
    looks = _score_looks(classes, drawings)
    own: Float64 = looks[np.arange(len(looks)), which].reshape(len(prompts), n).mean(1)
    return own


def _score_looks(names: Sequence[str], drawings: Sequence[Sketch]) -> Float64:
    """The critic's chance that drawings show classes, [n, K]; the mean for classes new to it."""
    critic = load_critic()
    out = np.full((len(drawings), len(names)), 1.0 / len(critic.classes))
    seen = [place for place, name in enumerate(names) if name in critic.about.classes]
    out[:, seen] = critic.likeness(drawings, [names[place] for place in seen])
    return out
