"""Findings, and the checks of a run's data, steps, evaluations, ends and speed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from sketchkit.training.doctor.evidence import Evidence

__all__ = ["Finding", "Severity"]

#: Skipped steps above this share are no accidents of single batches any more.
MANY_SKIPPED = 0.01
#: What an offset of unit variance costs a model that knows nothing: log 2 pi for the density of a standard
#: normal at its middle, and half of the two variances.
FRESH = math.log(2 * math.pi) + 1.0
#: The first loss may differ so much from that, down and up. Quick, Draw! has 2.6 at the first step and 2.3 at
#: the tenth; where all offsets are tiny it is 1.84 or less.
LESS, MORE = 0.9, 2.0
#: Only so early the loss is still that of a model that knows nothing.
FIRST_STEPS = 10
#: Pixels between which the standard deviation of offsets lies in drawings that fill 255 of them.
LEAST_SCALE, MOST_SCALE = 2.0, 150.0
#: Training drawings below which a model is likely to learn them by heart, and below which more would help.
VERY_FEW, FEW = 300, 2000
#: Validation drawings below which their mean says little: its error is about a tenth of a nat a point.
FEW_VALID = 50
#: What the end of a drawing may cost above the pen states that are not ends, over what a model would pay
#: that knows nothing but how long drawings are on average (the logarithm of that length), in nats.
END_MARGIN = 1.5
#: Ends are learnt late, as there is one a drawing.
ENDS_LEARNT_BY = 1000
#: Speed in the last fifth of the time over that of the first, below which a person should know, and act.
SLOWER, MUCH_SLOWER = 0.8, 0.5
FIFTHS = 5


class Severity(IntEnum):
    """How much a finding matters: the higher, the more."""

    FINE = 0
    NOTICE = 1
    WARNING = 2
    PROBLEM = 3

    @property
    def word(self) -> str:
        """The severity in lower case."""
        return self.name.lower()


@dataclass(frozen=True)
class Finding:
    """One thing that a run's logs show.

    Args:
        name: of the finding, for programs: lower case with dashes.
        severity: how much it matters.
        seen: one sentence, with figures.
        advice: one sentence; empty where all is well.
    """

    name: str
    severity: Severity
    seen: str
    advice: str = ""


Findings = Iterator[Finding]
FINE, NOTICE, WARNING, PROBLEM = Severity


def check_status(run: Evidence) -> Findings:
    """A run that failed, or waits to be resumed."""
    where = f"after step {run.last_step:,} of {run.planned_steps:,}"
    if run.status == "failed":
        yield Finding("failed", PROBLEM, f"The run failed {where}.", "Resume it when the cause is gone.")
    elif run.status == "interrupted":
        yield Finding("interrupted", NOTICE, f"The run was interrupted {where}.", "Resume it to go on.")


def check_finite(run: Evidence) -> Findings:
    """Steps that were skipped, and losses in the log that are not finite."""
    rows, broken = len(run.finite), int((~run.finite).sum())
    if not run.skipped and not broken:
        return
    share = max(run.skipped / max(run.last_step, 1), broken / rows)
    seen = []
    if run.skipped:
        seen.append(f"{run.skipped:,} steps were skipped for a loss or gradient that was not finite")
    if broken:
        seen.append(f"{broken:,} of {rows:,} rows of the log hold a loss that is not finite")
    sentence = f"{' and '.join(seen)} ({100 * share:.2g} %)."
    if share > MANY_SKIPPED:
        advice = "Lower the learning rate, clip gradients harder, or compute in float32."
        yield Finding("not-finite", PROBLEM, sentence, advice)
    else:
        advice = "A few are harmless; if they become more, lower the learning rate."
        yield Finding("not-finite", NOTICE, sentence, advice)


def check_scale(run: Evidence) -> Findings:
    """Offsets that do not have the size that a model expects."""
    scale = run.number("data", "scale_factor")
    if scale is not None and not LEAST_SCALE <= scale <= MOST_SCALE:
        yield Finding(
            "scale-factor",
            WARNING,
            f"The scale factor is {scale:.4g} pixels; drawings that fill 255 pixels have "
            f"{LEAST_SCALE:g} to {MOST_SCALE:g}.",
            "Prepare the drawings anew with `sketchkit data prepare --simplify always`.",
        )
    steps = run.train("step")
    if run.share is None or not len(steps) or steps[0] > FIRST_STEPS:
        return
    first = float(run.train("offset")[0]) / run.share
    if not FRESH - LESS <= first <= FRESH + MORE:
        size = "large" if first > FRESH else "small"
        yield Finding(
            "first-loss",
            WARNING,
            f"At the beginning an offset cost {first:.2f} nats, where offsets of unit variance cost "
            f"{FRESH:.2f}: they are too {size}, or a few of them are far out.",
            "Check the scale factor and the drawings' sizes with `sketchkit data info`.",
        )


def check_data(run: Evidence) -> Findings:
    """Too few drawings to learn from."""
    train = run.number("data", "drawings", "train")
    if train is not None and train < FEW:
        yield Finding(
            "few-drawings",
            WARNING if train < VERY_FEW else NOTICE,
            f"There are only {train:,.0f} drawings to learn from; models of one class are usually given tens "
            "of thousands.",
            "Bring more drawings, or start from a trained model; augmentation and dropout make up for some.",
        )


def check_evaluations(run: Evidence) -> Findings:
    """Too few evaluations, or too few drawings in them."""
    if not len(run.valid):
        if run.is_over:
            seen = "No evaluation was made, so the loss on other drawings is unknown."
            advice = "Evaluate more often, or give the data set a valid split."
            yield Finding("no-evaluation", WARNING, seen, advice)
    elif (drawings := int(run.valid["drawings"][-1])) < FEW_VALID:
        seen = f"The validation split holds only {drawings} drawings: its figures are rough."
        yield Finding("few-valid", NOTICE, seen, "Give it more drawings (`sketchkit data prepare --split`).")


def check_ends(run: Evidence) -> Findings:
    """The pen's end state, whose cost training counts and evaluation leaves out."""
    if run.last_step < ENDS_LEARNT_BY or not len(run.valid) or run.nmax is None or run.length is None:
        return
    pens = run.train("pen")
    train = float(pens[-max(len(pens) // FIFTHS, 1) :].mean())
    ends = (train - float(run.valid["pen"][-1])) * run.nmax
    chance = math.log(run.length)
    if math.isfinite(ends) and ends > chance + END_MARGIN:
        yield Finding(
            "ends-not-learnt",
            WARNING,
            f"The end of a drawing costs {ends:.1f} nats; merely to know how long drawings are on average "
            f"would cost {chance:.1f}: many drawings will not end by themselves.",
            "Train longer, and let the padding count in the pen's loss.",
        )


def check_speed(run: Evidence) -> Findings:
    """Points a second that become fewer."""
    seconds, points = run.log["seconds"], run.log["points"].astype(float)
    if not np.isfinite(seconds).all() or not np.all(np.diff(seconds) >= 0) or seconds[-1] <= seconds[0]:
        return
    at = np.interp(np.linspace(seconds[0], seconds[-1], FIFTHS + 1), seconds, points)
    first, last = np.diff(at)[[0, -1]] * FIFTHS / (seconds[-1] - seconds[0])
    if last < SLOWER * first:
        yield Finding(
            "slower",
            WARNING if last < MUCH_SLOWER * first else NOTICE,
            f"Training has become slower: {last:,.0f} points a second in the last fifth of the time, "
            f"{first:,.0f} in the first.",
            "See whether other programs use the machine, or whether it is too hot.",
        )
