"""The doctor: reads a training run's logs, and names its faults and their remedies in words; torch-free."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from sketchkit.notebook import table_html
from sketchkit.training.doctor import checks, curves
from sketchkit.training.doctor.checks import Finding, Severity
from sketchkit.training.doctor.curves import PARTS
from sketchkit.training.doctor.evidence import Evidence, gather

__all__ = ["Diagnosis", "Finding", "Severity", "diagnose"]

#: Curves are judged from this many rows of the log, and from as many steps as teach a model something.
MIN_ROWS, MIN_STEPS = 3 * PARTS, 200
#: The checks of any run, and those of a run whose curves are long enough; causes come before effects.
_ALWAYS = (checks.check_status, checks.check_finite, checks.check_scale, checks.check_data)
_OF_CURVES = (
    *(curves.check_rise, curves.check_rate, curves.check_overfitting, curves.check_kl),
    *(checks.check_ends, checks.check_evaluations, checks.check_speed, curves.check_gain),
)
#: Findings that a graver one explains.
_EXPLAINED = {"divergence": {"oscillation", "still-improving", "learns-nothing", "ends-not-learnt"}}


@dataclass(frozen=True)
class Diagnosis:
    """The result of looking at a run's logs.

    Args:
        summary: of the run, as JSON values: run, status, step, steps, seconds, points, points_per_second,
            parameters, train_loss, and `best` and `last` evaluations where there are any.
        findings: the worst first; at least one.
    """

    summary: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        """Of the worst finding."""
        return max(finding.severity for finding in self.findings)

    def _repr_html_(self) -> str:
        """The findings as a table in a notebook."""
        rows = [(each.severity.word, each.name, each.seen, each.advice) for each in self.findings]
        return table_html(("", "finding", "seen", "advice"), rows)

    def to_json(self) -> dict[str, Any]:
        """The diagnosis as JSON values."""
        findings = [
            {"name": f.name, "severity": f.severity.word, "seen": f.seen, "advice": f.advice}
            for f in self.findings
        ]
        return {"severity": self.severity.word, "summary": self.summary, "findings": findings}


def diagnose(folder: str | os.PathLike[str]) -> Diagnosis:
    """Look at a run, also one that is going on.

    Args:
        folder: of the run; `train.csv`, `valid.csv` and `run.json` are read. The last two may be missing.

    Raises:
        InputError: there is no run.
        FormatError: a file of it is damaged; one line.
    """
    # Figures that are finite but absurd overflow to infinity or NaN, with which comparisons are false.
    with np.errstate(all="ignore"):
        run = gather(folder)
        findings = sorted(_find(run), key=lambda finding: -finding.severity)
        return Diagnosis(_summarize(run), tuple(findings))


def _find(run: Evidence) -> list[Finding]:
    found = [finding for check in _ALWAYS for finding in check(run)]
    rows = int(run.finite.sum())
    if rows < MIN_ROWS or run.last_step < MIN_STEPS:
        seen = f"Too early to tell: {run.last_step:,} steps in {rows:,} rows of the log."
        advice = f"Look again after {MIN_STEPS} steps and {MIN_ROWS} rows."
        return [*found, Finding("too-early", Severity.NOTICE, seen, advice)]
    found += [finding for check in _OF_CURVES for finding in check(run)]
    hidden = set().union(*(_EXPLAINED.get(finding.name, ()) for finding in found))
    found = [finding for finding in found if finding.name not in hidden]
    if all(finding.severity <= Severity.NOTICE for finding in found):
        found.insert(0, Finding("nothing-wrong", Severity.FINE, "Nothing is wrong with this run."))
    return found


def _summarize(run: Evidence) -> dict[str, Any]:
    losses, valid = run.log["loss"], run.valid
    summary: dict[str, Any] = {
        "run": os.path.basename(os.path.abspath(run.folder)),
        "status": run.status,
        "step": run.last_step,
        "steps": run.planned_steps,
        "seconds": run.seconds,
        "points": run.points,
        "points_per_second": run.points / run.seconds if run.seconds > 0 else None,
        "parameters": run.number("parameters"),
        "train_loss": float(losses[-max(len(losses) // PARTS, 1) :].mean()) if len(losses) else None,
    }
    if len(valid):
        best = int(np.nan_to_num(valid["loss"], nan=np.inf).argmin())
        for name, at in (("best", best), ("last", len(valid) - 1)):
            facts = {key: float(valid[key][at]) for key in ("loss", "nll_per_point")}
            summary[name] = {"step": int(valid["step"][at]), **facts}
    return summary
