"""All checks of a run, and its summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sketchkit.training.doctor.evidence import Evidence, gather
from sketchkit.training.doctor.findings import Finding, Severity
from sketchkit.training.doctor.latent import check_kl
from sketchkit.training.doctor.learning import PARTS, check_finite, check_gain, check_rate, check_rise
from sketchkit.training.doctor.outcome import (
    check_data,
    check_ends,
    check_evaluations,
    check_overfitting,
    check_scale,
    check_speed,
    check_status,
)

__all__ = ["Diagnosis", "diagnose"]

#: What curves are judged by: rows of which each part has some, and steps in which a model learns something.
MIN_ROWS, MIN_STEPS = 3 * PARTS, 200

#: Of any run, and of one whose curves are long enough; in the order in which causes come before effects.
_ALWAYS = (check_status, check_finite, check_scale, check_data)
_OF_CURVES = (
    *(check_rise, check_rate, check_overfitting, check_kl),
    *(check_ends, check_evaluations, check_speed, check_gain),
)
#: What says why a model does not learn makes these no news.
_EXPLAINED = {"divergence": {"oscillation", "still-improving", "learns-nothing", "ends-not-learnt"}}


@dataclass(frozen=True)
class Diagnosis:
    """What a run's logs show.

    Args:
        summary: of the run, as JSON values: run, status, step, steps, seconds, points, points_per_second,
            parameters, train_loss, and `best` and `last` evaluations where there are any.
        findings: the worst first; never empty.
    """

    summary: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        """Of the worst finding."""
        return max(finding.severity for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The diagnosis as JSON values."""
        return {
            "severity": self.severity.word,
            "summary": self.summary,
            "findings": [
                {"name": f.name, "severity": f.severity.word, "seen": f.seen, "advice": f.advice}
                for f in self.findings
            ],
        }


def diagnose(folder: str | os.PathLike[str]) -> Diagnosis:
    """Look at a run, also one that is going on.

    Args:
        folder: of the run; `train.csv`, `valid.csv` and `run.json` are read. The last two may be missing.

    Raises:
        InputError: no run there.
        FormatError: a file of it is damaged; one line.
    """
    run = gather(folder)
    # What overflows in figures that are finite but absurd is infinite or NaN, and no finding compares so.
    with np.errstate(all="ignore"):
        findings = sorted(_findings(run), key=lambda finding: -finding.severity)
        return Diagnosis(_summary(run), tuple(findings))


def _findings(run: Evidence) -> list[Finding]:
    found = _found(run, _ALWAYS)
    rows = int(run.finite.sum())
    if rows < MIN_ROWS or run.last_step < MIN_STEPS:
        few = f"{run.last_step:,} steps in {rows:,} rows of the log"
        advice = f"Look again after {MIN_STEPS} steps and {MIN_ROWS} rows."
        return [*found, Finding("too-early", Severity.NOTICE, f"Too early to tell: {few}.", advice)]
    found += _found(run, _OF_CURVES)
    names = {finding.name for finding in found}
    hidden = {name for cause, effects in _EXPLAINED.items() if cause in names for name in effects}
    found = [finding for finding in found if finding.name not in hidden]
    if all(finding.severity <= Severity.NOTICE for finding in found):
        found.insert(0, Finding("nothing-wrong", Severity.FINE, "Nothing is wrong with this run."))
    return found


def _found(run: Evidence, checks: tuple[Callable[[Evidence], Iterator[Finding]], ...]) -> list[Finding]:
    return [finding for check in checks for finding in check(run)]


def _summary(run: Evidence) -> dict[str, Any]:
    seconds, train, valid = run.seconds, run.log.train, run.valid
    last = max(len(train) // PARTS, 1)
    summary: dict[str, Any] = {
        "run": os.path.basename(os.path.abspath(run.folder)),
        "status": run.status,
        "step": run.last_step,
        "steps": run.planned_steps,
        "seconds": seconds,
        "points": run.points,
        "points_per_second": run.points / seconds if seconds > 0 else None,
        "parameters": run.number("parameters"),
        "train_loss": float(train["loss"][-last:].mean()) if len(train) else None,
    }
    if len(valid):
        best = int(np.nan_to_num(valid["loss"], nan=np.inf).argmin())
        for name, at in (("best", best), ("last", len(valid) - 1)):
            summary[name] = {
                "step": int(valid["step"][at]),
                "loss": float(valid["loss"][at]),
                "nll_per_point": float(valid["nll_per_point"][at]),
            }
    return summary
