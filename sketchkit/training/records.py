"""What a training run says of itself while it goes on, and who listens."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

__all__ = ["EvaluationRecord", "StepRecord", "Watcher", "Watchers"]


@dataclass(frozen=True)
class StepRecord:
    """One step of training: an update of the weights.

    Args:
        step: counted from 1, the first update.
        loss: what was minimised.
        offset: L_s of the batch.
        pen: L_p of the batch.
        kl: L_KL of the batch; None of a model without a latent vector.
        kl_weight: w_KL * eta(step), what max(L_KL, KL_min) was multiplied by.
        learning_rate: of this update.
        gradient_norm: the Euclidean norm of all gradients, before they were clipped.
        points: useful points learnt from so far, in the whole run.
        seconds: spent on training so far, in the whole run, all sessions added up.
        skipped: steps left out so far because a loss or a gradient was not finite.
    """

    step: int
    loss: float
    offset: float
    pen: float
    kl: float | None
    kl_weight: float
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
        loss: L_R, with w_KL * max(L_KL, KL_min) at its full weight for a model with a latent vector.
        offset: L_s.
        pen: L_p, without that of end rows.
        kl: L_KL; None of a model without a latent vector.
        nll_per_point: the negative log-likelihood of a point, in nats; unlike L_R it does not depend on Nmax.
        drawings: how many drawings these are means of.
        best: whether no evaluation before was better.
        seconds: spent on training so far, in the whole run.
    """

    step: int
    loss: float
    offset: float
    pen: float
    kl: float | None
    nll_per_point: float
    drawings: int
    best: bool
    seconds: float


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
