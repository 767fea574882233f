"""What a training run says of itself while it goes on, and who listens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import Any, Protocol

__all__ = ["EvaluationRecord", "Record", "StepRecord", "Watcher", "Watchers", "flatten", "symbol"]

_SYMBOLS = {"offset": "L_s", "pen": "L_p", "kl": "L_KL"}


@dataclass(frozen=True)
class StepRecord:
    """One step of training: an update of the weights.

    Args:
        step: counted from 1, the first update.
        loss: what was minimised.
        terms: of the loss of the batch by name, such as `offset`, `pen` and `kl` for L_s, L_p, L_KL.
        weights: what the weighted ones among them were multiplied by.
        learning_rate: of this update.
        gradient_norm: the Euclidean norm of all gradients, before they were clipped.
        points: useful points learnt from so far, in the whole run.
        seconds: spent on training so far, in the whole run, all sessions added up.
        skipped: steps left out so far because a loss or a gradient was not finite.
    """

    step: int
    loss: float
    terms: Mapping[str, float]
    weights: Mapping[str, float]
    learning_rate: float
    gradient_norm: float
    points: int
    seconds: float
    skipped: int


@dataclass(frozen=True)
class EvaluationRecord:
    """What the model costs on the validation split.

    Args:
        step: after which it was measured.
        loss: all terms, each with its last weight.
        terms: by name, without the pen state of end rows; means over the drawings.
        nll_per_point: the negative log-likelihood of a point, in nats; unlike L_R it does not depend on Nmax.
            None of a model that does not know it.
        drawings: how many drawings these are means of.
        best: whether this is the lowest loss so far.
        seconds: spent on training so far, in the whole run.
    """

    step: int
    loss: float
    terms: Mapping[str, float]
    nll_per_point: float | None
    drawings: int
    best: bool
    seconds: float


Record = StepRecord | EvaluationRecord


def flatten(record: Record) -> dict[str, Any]:
    """The numbers of a record by name, in the order of its fields; the weight of a term is TERM_weight."""
    out: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Mapping):
            ending = "_weight" if field.name == "weights" else ""
            out |= {f"{name}{ending}": each for name, each in value.items()}
        else:
            out[field.name] = value
    return out


def symbol(term: str) -> str:
    """What a term is called on a display: the papers' symbol, or its name."""
    return _SYMBOLS.get(term, term.replace("_", " "))


class Watcher(Protocol):
    """Whoever wants to know how a run goes on: a log, a display."""

    def step(self, record: StepRecord) -> None:
        """A step was made."""

    def evaluation(self, record: EvaluationRecord) -> None:
        """The model was measured on the validation split."""

    def note(self, text: str) -> None:
        """Something a person should know, in one line."""

    def close(self) -> None:
        """Nothing more will come; a second call does nothing."""


class Watchers:
    """Several watchers as one; each is told everything, in the order given.

    Args:
        watchers: to be told. An error of one of them ends the telling, but all of them are closed.
    """

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = watchers

    def step(self, record: StepRecord) -> None:
        """Tell all of a step."""
        for watcher in self._watchers:
            watcher.step(record)

    def evaluation(self, record: EvaluationRecord) -> None:
        """Tell all of an evaluation."""
        for watcher in self._watchers:
            watcher.evaluation(record)

    def note(self, text: str) -> None:
        """Tell all something in words."""
        for watcher in self._watchers:
            watcher.note(text)

    def close(self) -> None:
        """Close all, the last first, even where one of them fails."""
        with ExitStack() as stack:
            for watcher in self._watchers:
                stack.callback(watcher.close)
