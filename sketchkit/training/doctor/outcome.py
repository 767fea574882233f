"""Checks of what comes of it: scale, overfitting, the amount of data, ends of drawings, speed, status."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sketchkit.training.doctor.curves import Bins
from sketchkit.training.doctor.evidence import Evidence
from sketchkit.training.doctor.findings import Finding, Severity

__all__ = [
    "check_data",
    "check_ends",
    "check_evaluations",
    "check_overfitting",
    "check_scale",
    "check_speed",
    "check_status",
]

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
#: Evaluations since the best that make a rise more than an accident.
SINCE_BEST = 3
#: Of what had been gained, a rise of the validation loss that a person should know, and one to act upon.
SLIGHT_RISE, RISE = 0.01, 0.05
#: What the end of a drawing may cost above the pen states that are not ends, over what a model would pay
#: that knows nothing but how long drawings are on average (the logarithm of that length), in nats.
END_MARGIN = 1.5
#: Ends are learnt late, as there is one a drawing.
ENDS_LEARNT_BY = 1000
#: Speed in the last fifth of the time over that of the first, below which a person should know, and act.
SLOWER, MUCH_SLOWER = 0.8, 0.5
_FIFTHS = 5


def check_scale(run: Evidence) -> Iterator[Finding]:
    """Offsets that do not have the size that a model expects."""
    scale = run.number("data", "scale_factor")
    if scale is not None and not LEAST_SCALE <= scale <= MOST_SCALE:
        yield Finding(
            "scale-factor",
            Severity.WARNING,
            f"The scale factor is {scale:.4g} pixels; drawings that fill 255 pixels have "
            f"{LEAST_SCALE:g} to {MOST_SCALE:g}.",
            "Prepare the drawings anew with `sketchkit data prepare --simplify always`.",
        )
    steps = run.train("step")
    if run.share is None or not len(steps) or steps[0] > FIRST_STEPS:
        return
    first = float(run.train("offset")[steps <= FIRST_STEPS][0]) / run.share
    if not FRESH - LESS <= first <= FRESH + MORE:
        size = "large" if first > FRESH else "small"
        yield Finding(
            "first-loss",
            Severity.WARNING,
            f"At the beginning an offset cost {first:.2f} nats, where offsets of unit variance cost "
            f"{FRESH:.2f}: they are too {size}, or a few of them are far out.",
            "Check the scale factor and the drawings' sizes with `sketchkit data info`.",
        )


def check_overfitting(run: Evidence) -> Iterator[Finding]:
    """The loss falls on the training drawings and rises on others."""
    valid = run.valid
    if len(valid) <= SINCE_BEST or not np.isfinite(valid["loss"]).all():
        return
    losses, steps = valid["loss"], valid["step"]
    best = int(losses.argmin())
    since = len(losses) - 1 - best
    # The mean of the last ones: one bad evaluation is no rise.
    rise = float(losses[-SINCE_BEST:].mean() - losses[best])
    gained = float(losses[0] - losses[best])
    nll = float(valid["nll_per_point"][-SINCE_BEST:].mean() - valid["nll_per_point"][best])
    if (
        since < SINCE_BEST
        or rise <= SLIGHT_RISE * gained
        or nll <= 0
        or not _train_falls(run, int(steps[best]))
    ):
        return
    yield Finding(
        "overfitting",
        Severity.WARNING if rise > RISE * gained else Severity.NOTICE,
        f"Since step {int(steps[best]):,} the validation loss has risen from {losses[best]:.4f} by "
        f"{rise:.4f} (NLL by {nll:.4f} a point), while the training loss went on falling.",
        f"Use the weights of step {int(steps[best]):,}, which are kept as the best; train on more drawings, "
        "with more dropout and augmentation, or a smaller model.",
    )


def _train_falls(run: Evidence, since: int) -> bool:
    """Whether L_R fell on the training drawings after a step."""
    after = run.reconstruction[run.train("step") > since]
    if len(after) < 2 * _FIFTHS:
        return False
    bins = Bins.of(np.arange(len(after)), after, _FIFTHS)
    return bool(bins.means[-1] < bins.means[0] + bins.error)


def check_data(run: Evidence) -> Iterator[Finding]:
    """Too few drawings to learn from."""
    train = run.number("data", "drawings", "train")
    if train is not None and train < FEW:
        yield Finding(
            "few-drawings",
            Severity.WARNING if train < VERY_FEW else Severity.NOTICE,
            f"There are only {train:,.0f} drawings to learn from; models of one class are usually given tens "
            "of thousands.",
            "Bring more drawings, or start from a trained model; augmentation and dropout make up for some.",
        )


def check_evaluations(run: Evidence) -> Iterator[Finding]:
    """Nothing, or too little, to measure with."""
    if not len(run.valid):
        if run.is_over:
            yield Finding(
                "no-evaluation",
                Severity.WARNING,
                "No evaluation was made, so nobody knows what the model does on drawings it has not seen.",
                "Evaluate more often, or give the data set a valid split.",
            )
    elif int(run.valid["drawings"][-1]) < FEW_VALID:
        yield Finding(
            "few-valid",
            Severity.NOTICE,
            f"The validation split holds only {int(run.valid['drawings'][-1])} drawings: its figures are "
            "rough.",
            "Give it more drawings (`sketchkit data prepare --split`).",
        )


def check_ends(run: Evidence) -> Iterator[Finding]:
    """The pen's end state, whose cost training counts and evaluation leaves out."""
    if run.last_step < ENDS_LEARNT_BY or not len(run.valid) or run.nmax is None or run.length is None:
        return
    pens = run.train("pen")
    train = float(pens[-max(len(pens) // _FIFTHS, 1) :].mean())
    ends = (train - float(run.valid["pen"][-1])) * run.nmax
    chance = math.log(run.length)
    if math.isfinite(ends) and ends > chance + END_MARGIN:
        yield Finding(
            "ends-not-learnt",
            Severity.WARNING,
            f"The end of a drawing costs {ends:.1f} nats; merely to know how long drawings are on average "
            f"would cost {chance:.1f}: many drawings will not end by themselves.",
            "Train longer, and let the padding count in the pen's loss.",
        )


def check_speed(run: Evidence) -> Iterator[Finding]:
    """Points a second that become fewer."""
    seconds, points = run.log.train["seconds"], run.log.train["points"].astype(float)
    if not np.isfinite(seconds).all() or not np.all(np.diff(seconds) >= 0) or seconds[-1] <= seconds[0]:
        return
    at = np.interp(np.linspace(seconds[0], seconds[-1], _FIFTHS + 1), seconds, points)
    first, last = np.diff(at)[[0, -1]] * _FIFTHS / (seconds[-1] - seconds[0])
    if last < SLOWER * first:
        yield Finding(
            "slower",
            Severity.WARNING if last < MUCH_SLOWER * first else Severity.NOTICE,
            f"Training has become slower: {last:,.0f} points a second in the last fifth of the time, "
            f"{first:,.0f} in the first.",
            "See whether other programs use the machine, or whether it is too hot.",
        )


def check_status(run: Evidence) -> Iterator[Finding]:
    """A run that failed, or waits to be resumed."""
    where = f"after step {run.last_step:,} of {run.planned_steps:,}"
    if run.status == "failed":
        yield Finding(
            "failed", Severity.PROBLEM, f"The run failed {where}.", "Resume it when the cause is gone."
        )
    elif run.status == "interrupted":
        yield Finding(
            "interrupted", Severity.NOTICE, f"The run was interrupted {where}.", "Resume it to go on."
        )
