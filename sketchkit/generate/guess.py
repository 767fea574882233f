"""What a beginning is taken for, by its likelihood under every class and a critic's word on its endings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from sketchkit.batch import checked_sketches
from sketchkit.critic import load_critic
from sketchkit.devices import one_thread
from sketchkit.engine import decode, read_prompts
from sketchkit.errors import InputError
from sketchkit.generate.scoring import log_probabilities
from sketchkit.models import SketchModel, check_model
from sketchkit.sampling import Draft, make_sampler
from sketchkit.sampling.critic import whole_drawing
from sketchkit.sketch import Float64, Sketch
from sketchkit.units import WHOLE, Rows, best_scales, extent_of, read_beginning

__all__ = ["Guess", "endings_liked", "guess_classes", "scales_by_looks", "shared_out"]

Int64 = npt.NDArray[np.int64]

#: Classes of which endings are tried: the likeliest of all.
_TRIED = 12
#: Tentative endings of each, and how daring they are.
_ENDINGS, _TEMPERATURE = 4, 0.4
# Fitted on first halves of validation drawings: the weights of a nat of likelihood, and of the logarithms of
# the critic's word on the endings and on the beginning itself, and the least that a word counts as.
_LIKELIHOOD, _OF_ENDINGS, _OF_BEGINNING, _LEAST_WORD = 0.3, 1.0, 0.3, 0.02
#: The parts of a whole drawing that a beginning may be, beside what is likeliest; how many endings of each
#: size are looked at; and what the likeliest is worth, in nats.
_PARTS, _OF_A_SCALE, _USUAL = (0.5, 0.25), 6, 0.7
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


@one_thread()
@torch.inference_mode()
def guess_classes(model: SketchModel, drawings: Sequence[Sketch]) -> list[list[Guess]]:
    """Say what beginnings are taken for.

    Args:
        model: an unconditional one that is told classes.
        drawings: P beginnings, in whatever units and place.

    Returns:
        For each beginning classes of the model, the likeliest first; chances add up to 1.

    Raises:
        InputError: a model that is told no classes, or a conditional one.
    """
    check_model(model)
    if model.conditional or not model.labelled:
        raise InputError(f"the model {model.card.name!r} is told no classes, so that none can be guessed")
    several = checked_sketches(drawings, "guess_classes takes a list of sketches")
    begun = [each.without_end() for each in several]
    scales = best_scales(model, begun)
    return [_guesses(model, drawing, scale) for drawing, scale in zip(begun, scales, strict=True)]


def shared_out(guesses: Sequence[Guess], n: int) -> list[str]:
    """The class of each of n endings: as often as its chance says, whatever n.

    Args:
        guesses: the likeliest first.
        n: how many endings.

    Returns:
        Of ending i the class, which is the same for any n above i.
    """
    able = [each for each in guesses if each.chance >= _LEAST_SHARE] or list(guesses[:1])
    bounds = np.cumsum([each.chance for each in able])
    places = (np.arange(1, n + 1) * _GOLDEN % 1.0) * bounds[-1]
    return [able[i].class_name for i in np.searchsorted(bounds, places, side="right").clip(0, len(able) - 1)]


@torch.inference_mode()
def scales_by_looks(
    model: SketchModel, begun: Sequence[Sketch], scales: Sequence[float], classes: Sequence[str | None]
) -> list[float]:
    """Scales at which endings look most like their class: a beginning may be a small part of a drawing.

    Args:
        model: an unconditional one.
        begun: P beginnings.
        scales: the likeliest of each, in pixels of the training data a drawing unit.
        classes: what each is to become.

    Returns:
        P scales: those given, or at which a beginning is a half or a quarter of a whole drawing; those given
        for classes that the critic does not know.
    """
    known, card = load_critic().classes, model.card
    told = [card.classes[0] if name is None and len(card.classes) == 1 else name for name in classes]
    asked = [i for i, name in enumerate(told) if name in known]
    tried = [[scales[i], *(part * WHOLE / (extent_of(begun[i]) or WHOLE) for part in _PARTS)] for i in asked]
    rows = [
        read_beginning(begun[i], s, card).rows for i, mine in zip(asked, tried, strict=True) for s in mine
    ]
    out = list(scales)
    if not any(map(len, rows)):
        return out
    names = [str(told[i]) for i in asked for _ in tried[0]]
    scores = np.log(endings_liked(model, rows, names, _OF_A_SCALE) + _LEAST_WORD).reshape(len(asked), -1)
    scores[:, 0] += _USUAL
    for i, mine, best in zip(asked, tried, scores.argmax(1), strict=True):
        out[i] = mine[best]
    return out


def _guesses(model: SketchModel, drawing: Sketch, scale: float) -> list[Guess]:
    """The classes that are tried, the likeliest first."""
    rows = read_beginning(drawing, scale, model.card).rows
    likely = _likelihoods(model, rows)
    tried = np.argsort(-likely, kind="stable")[:_TRIED]
    scores = _LIKELIHOOD * (likely[tried] - likely[tried].max())
    names = [model.card.classes[i] for i in tried]
    if len(rows):
        begun = _words(names, [drawing])[0]
        liked = endings_liked(model, [rows] * len(tried), names, _ENDINGS)
        scores += _OF_ENDINGS * np.log(liked + _LEAST_WORD)
        scores += _OF_BEGINNING * np.log(begun + _LEAST_WORD)
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    order = np.argsort(-chances, kind="stable")
    return [Guess(names[i], float(chances[i])) for i in order]


def _likelihoods(model: SketchModel, rows: Rows) -> Float64:
    """The log-likelihood of a beginning under each class, [C]."""
    count = len(model.card.classes)
    if not len(rows):
        return np.zeros(count)
    state = model.initial_state(count, None, torch.arange(count, device=model.device))
    offset, pen = log_probabilities(model, model.start_rows(count), np.repeat(rows[None], count, 0), state)
    total: Float64 = (offset + pen).sum(1)
    return total


def endings_liked(model: SketchModel, beginnings: Sequence[Rows], classes: Sequence[str], n: int) -> Float64:
    """How much tentative endings of beginnings look like classes, to the critic.

    Args:
        model: an unconditional one.
        beginnings: K arrays [n, 5] in model units.
        classes: K names.
        n: how many endings of each beginning.

    Returns:
        [K], 0..1; for a class that the critic does not know the mean of its words.
    """
    prompts = read_prompts(model, beginnings, label=model.label_index(classes) if model.labelled else None)
    which = np.repeat(np.arange(len(beginnings)), n)
    index = np.tile(np.arange(n), len(beginnings))
    hand = make_sampler("temperature", _TEMPERATURE)
    loop = decode(model, hand, prompts, which, index, seed=0, max_points=model.card.max_length)
    drafts: list[Draft] = sorted(loop, key=lambda draft: draft.job)
    drawings = [whole_drawing(prompts.subjects[which[draft.job]], draft) for draft in drafts]
    words = _words(classes, drawings)
    own: Float64 = words[np.arange(len(words)), which].reshape(len(beginnings), n).mean(1)
    return own


def _words(names: Sequence[str], drawings: Sequence[Sketch]) -> Float64:
    """How much drawings look like classes to the critic, [n, K]; the mean for classes new to it."""
    critic = load_critic()
    chances = critic.chances(drawings)
    out = np.full((len(drawings), len(names)), chances.mean())
    for place, name in enumerate(names):
        if name in critic.classes:
            out[:, place] = chances[:, critic.classes.index(name)]
    return out
