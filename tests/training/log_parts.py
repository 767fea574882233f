"""Records for tests, and a run's folder made of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sketchkit.training.logs import CsvLog
from sketchkit.training.records import EvaluationRecord, StepRecord


def step_record(step: int, loss: float = 1.0, *, kl: float | None = None, **other: float) -> StepRecord:
    """A step of a small batch each tenth of a second."""
    terms = _terms(loss, kl, other)
    weights = {} if kl is None else {"kl": other.pop("kl_weight", 0.0)}
    other.pop("kl_weight", None)
    values: dict[str, float] = {
        "learning_rate": 1e-3,
        "gradient_norm": 0.5,
        "points": 1000 * step,
        "seconds": 0.1 * step,
        "skipped": 0,
        **other,
    }
    return StepRecord(step, loss, terms, weights, **values)  # type: ignore[arg-type]


def evaluation_record(
    step: int, loss: float = 1.0, *, best: bool = True, kl: float | None = None, **other: float
) -> EvaluationRecord:
    """An evaluation on a hundred drawings."""
    terms = _terms(loss, kl, other)
    values: dict[str, float] = {"nll_per_point": loss, "drawings": 100, "seconds": 0.1 * step, **other}
    return EvaluationRecord(step, loss, terms, best=best, **values)  # type: ignore[arg-type]


def _terms(loss: float, kl: float | None, other: dict[str, float]) -> dict[str, float]:
    terms = {"offset": other.pop("offset", loss - 0.2), "pen": other.pop("pen", 0.2)}
    return terms if kl is None else {**terms, "kl": kl}


def write_run(
    folder: Path, steps: Iterable[StepRecord], evaluations: Iterable[EvaluationRecord] = ()
) -> Path:
    """A run's folder with the logs of these records."""
    folder.mkdir(exist_ok=True)
    log = CsvLog(folder)
    for step in steps:
        log.step(step)
    for evaluation in evaluations:
        log.evaluation(evaluation)
    log.close()
    return folder
