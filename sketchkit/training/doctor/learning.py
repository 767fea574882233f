"""Checks of the curve of the loss: divergence, oscillation, standstill, and what more steps would bring."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sketchkit.training.doctor.curves import Bins, Floats, trend
from sketchkit.training.doctor.evidence import Evidence
from sketchkit.training.doctor.findings import Finding, Severity

__all__ = ["check_finite", "check_gain", "check_rate", "check_rise"]

#: Parts that a curve is cut into: enough to see a turn, few enough for each to average a good many rows.
PARTS = 20
#: A rise or fall counts when it is so many standard errors of a part's mean: batches differ a lot.
CERTAIN = 5.0
#: Skipped steps above this share are no accidents of single batches any more.
MANY_SKIPPED = 0.01
#: A rise since the lowest part counts as divergence from this share of what had been gained...
RISE = 0.25
#: ...when it has gone on for this share of the run; shorter ones often heal by themselves.
RISING_FOR = 0.2
#: A loss that wanders by this share of what has been gained, and by more than CERTAIN errors, follows the
#: optimiser rather than the batches.
WANDERING = 0.05
#: A norm of the gradient so many times the usual one is a jump; by chance one in ten thousand is.
JUMP, MANY_JUMPS = 10.0, 0.02
#: After so many steps a model that learns has gained more than a nat a point: offsets of unit variance cost
#: 2.84 at first, and merely their typical size and the pen's habits are worth that.
LEARNT_BY, LEARNT = 1000, 0.5
#: With a learning rate below the first Adam takes very long, with one above the second it learns worse.
LOW_RATE, HIGH_RATE = 1e-4, 2e-2
#: A gain from twice the steps below this, in nats a point, is not seen in drawings.
WORTHWHILE = 0.01
#: A learning rate that has fallen to this share of its highest learns hardly more.
SPENT = 0.1
#: The trend of the end is that of so much of the run.
END = 0.5
#: Evaluations that a trend takes.
MIN_EVALUATIONS = 5


def check_finite(run: Evidence) -> Iterator[Finding]:
    """Steps that were skipped, and losses in the log that are not finite."""
    skipped = int(run.log.train["skipped"][-1]) if len(run.log.train) else 0
    broken = int((~run.finite).sum())
    if not skipped and not broken:
        return
    share = max(skipped / max(run.last_step, 1), broken / len(run.finite))
    many = share > MANY_SKIPPED
    seen = f"{skipped:,} steps were skipped for a loss or gradient that was not finite" if skipped else ""
    rows = (
        f"{broken:,} of {len(run.finite):,} rows of the log hold a loss that is not finite" if broken else ""
    )
    lower = "Lower the learning rate, clip gradients harder, or compute in float32."
    few = "A few are harmless; if they become more, lower the learning rate."
    what = " and ".join(filter(None, (seen, rows)))
    severity = Severity.PROBLEM if many else Severity.NOTICE
    yield Finding("not-finite", severity, f"{what} ({100 * share:.2g} %).", lower if many else few)


def check_rise(run: Evidence) -> Iterator[Finding]:
    """Divergence: the loss has risen for long, or is above where it began."""
    steps, total = run.train("step"), run.reconstruction
    risen = _risen(Bins.of(steps, total, PARTS))
    if risen is None:
        return
    if run.has_kl:
        # While the KL weight grows, L_R gives way to it; with the last weight their sum must not rise.
        kl = np.maximum(run.train("kl"), run.kl_minimum)
        if _risen(Bins.of(steps, total + run.train("kl_weight")[-1] * kl, PARTS)) is None:
            return
    since, low, end, start = risen
    worse = end >= start
    yield Finding(
        "divergence",
        Severity.PROBLEM if worse else Severity.WARNING,
        f"The loss L_R has risen since about step {since:,.0f}, from {low:.3f} to {end:.3f}"
        + (f": it is above the {start:.3f} it began with." if worse else "."),
        f"Train again with a lower learning rate than {float(run.train('learning_rate').max()):.3g}, with a "
        "warm-up or gradients clipped harder; the best weights so far are kept.",
    )


def _risen(bins: Bins) -> tuple[float, float, float, float] | None:
    """Since which step a curve rises, its lowest and last mean, and its first; None where it does not."""
    low, end, start = float(bins.means.min()), bins.end, float(bins.means[0])
    rise = end - low
    long = bins.lowest < (1 - RISING_FOR) * PARTS
    if rise <= CERTAIN * bins.error or rise <= RISE * (start - low) or not (long or end > start):
        return None
    return float(bins.steps[bins.lowest]), low, end, start


def check_rate(run: Evidence) -> Iterator[Finding]:
    """A learning rate that makes the loss wander or the gradients jump, or that hardly learns."""
    rate = float(run.train("learning_rate").max())
    bins = Bins.of(run.train("step"), run.reconstruction, PARTS)
    gained = float(bins.means[0] - bins.means.min())
    half = Bins.of(*_end(run), PARTS // 2)
    wander = trend(half.steps, half.means).wander
    if wander > WANDERING * gained and wander > CERTAIN * half.error:
        yield Finding(
            "oscillation",
            Severity.WARNING,
            f"In the second half the loss wanders by {wander:.3f} around its trend, which is "
            f"{100 * wander / gained if gained > 0 else 100:.0f} % of all that was gained.",
            f"Lower the learning rate ({rate:.3g}), or let it fall faster.",
        )
    if not LOW_RATE <= rate <= HIGH_RATE:
        yield Finding(
            "unusual-rate",
            Severity.NOTICE,
            f"The learning rate is {rate:.3g} at its highest; 8e-3 is usual.",
            f"Try a {'higher' if rate < LOW_RATE else 'lower'} one beside it, for a few hundred steps.",
        )
    norms = run.train("gradient_norm")
    norms = norms[np.isfinite(norms)]
    jumps = float((norms > JUMP * np.median(norms)).mean()) if len(norms) else 0.0
    if jumps > MANY_JUMPS:
        yield Finding(
            "gradient-jumps",
            Severity.NOTICE,
            f"{100 * jumps:.1f} % of the gradients are over {JUMP:.0f} times as long as the usual "
            f"{float(np.median(norms)):.3g}.",
            "Clip gradients, or lower the learning rate, if the loss jumps as well.",
        )
    if run.share and run.last_step >= LEARNT_BY and bins.end > bins.means[0] - LEARNT * run.share:
        yield _learns_nothing(rate, (float(bins.means[0]) - bins.end) / run.share, run.last_step)


def _learns_nothing(rate: float, gained: float, steps: int) -> Finding:
    advice = "Look at the data and its scale: at this learning rate a model should learn."
    if rate < LOW_RATE:
        advice = f"Raise the learning rate: {rate:.3g} is low, 8e-3 is usual."
    elif rate > HIGH_RATE:
        advice = f"Lower the learning rate: {rate:.3g} is high, 8e-3 is usual."
    seen = f"In {steps:,} steps the loss fell by only {gained:.2f} nats a point."
    return Finding("learns-nothing", Severity.PROBLEM, seen, advice)


def check_gain(run: Evidence) -> Iterator[Finding]:
    """Whether the loss still falls, and what twice the steps would bring; or whether it stands still."""
    rates = run.train("learning_rate")
    spent = float(rates[-1]) < SPENT * float(rates.max())
    steps, losses, unit, split = _curve(run)
    if len(steps) < MIN_EVALUATIONS:
        return
    # Losses fall like a power of the steps; a line in their logarithm follows one well over an octave.
    end = steps >= (1 - END) * steps[-1]
    slope = trend(np.log(steps[end]), losses[end])
    gain = -slope.slope * float(np.log(2))
    worthwhile = WORTHWHILE * (run.share or 1.0 if unit == "" else 1.0)
    if gain > worthwhile and slope.certainty > CERTAIN:
        how = "with a learning rate that falls more slowly" if spent else "if the curve goes on as it does"
        yield Finding(
            "still-improving",
            Severity.NOTICE,
            f"The {split} still falls: twice the steps would bring about {gain:.3f}{unit} more.",
            f"Train longer, up to step {2 * run.last_step:,} or so, {how}.",
        )
    elif abs(gain) <= worthwhile and not spent and len(run.valid) >= MIN_EVALUATIONS:
        yield Finding(
            "plateau",
            Severity.NOTICE,
            f"The {split} has stood still since step {int(steps[end][0]):,}, with a learning rate of "
            f"{float(rates[-1]):.3g}.",
            "Let the learning rate fall now, or stop: a larger model or more data may bring more.",
        )


def _curve(run: Evidence) -> tuple[Floats, Floats, str, str]:
    """The curve to follow on: (steps, values, unit, name), of the evaluations where there are enough."""
    valid = run.valid
    name = "loss" if run.has_kl else "nll_per_point"
    finite = np.isfinite(valid[name])
    if finite.sum() >= MIN_EVALUATIONS:
        unit, words = ("", "validation loss") if run.has_kl else (" nats a point", "validation NLL")
        return valid["step"][finite].astype(float), valid[name][finite], unit, words
    bins = Bins.of(run.train("step"), run.reconstruction, PARTS)
    return bins.steps, bins.means, "", "training loss L_R"


def _end(run: Evidence) -> tuple[Floats, Floats]:
    """The second half of the steps, and their losses."""
    steps = run.train("step").astype(float)
    late = np.arange(len(steps)) >= len(steps) // 2
    return steps[late], run.reconstruction[late]
