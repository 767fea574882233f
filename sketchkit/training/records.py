"""The records of a training run, and their receivers."""

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
        loss: the value that was minimised.
        terms: of the loss of the batch by name, such as `offset`, `pen` and `kl` for L_s, L_p, L_KL.
        weights: of the terms that have one.
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
    """The losses of the model on the validation split.

    Args:
        step: after which it was measured.
        loss: all terms, each with its last weight.
        terms: by name, without the pen state of end rows; means over the drawings.
        nll_per_point: the negative log-likelihood of a point, in nats, where the model gives it; unlike L_R
            it does not depend on Nmax.
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
    """The symbol of a term in the papers, or its name."""
    return _SYMBOLS.get(term, term.replace("_", " "))


class Watcher(Protocol):
    """A receiver of the records of a run: a log, a display."""

    def step(self, record: StepRecord) -> None:
        """A step was made."""

    def evaluation(self, record: EvaluationRecord) -> None:
        """The model was measured on the validation split."""

    def note(self, text: str) -> None:
        """A message for the user, in one line."""

    def close(self) -> None:
        """The end; a second call is allowed."""


class Watchers:
    """Several watchers as one, in the order given; all are closed even where one raises an error."""

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = watchers

    def step(self, record: StepRecord) -> None:
        """Pass a step on."""
        for watcher in self._watchers:
            watcher.step(record)

    def evaluation(self, record: EvaluationRecord) -> None:
        """Pass an evaluation on."""
        for watcher in self._watchers:
            watcher.evaluation(record)

    def note(self, text: str) -> None:
        """Pass a note on."""
        for watcher in self._watchers:
            watcher.note(text)

    def close(self) -> None:
        """Close all, the last first."""
        with ExitStack() as stack:
            for watcher in self._watchers:
                stack.callback(watcher.close)
