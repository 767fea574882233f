"""Checks of noisy curves: divergence, oscillation, standstill, overfitting, and unused latent vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sketchkit.training.doctor.checks import FIFTHS, FINE, NOTICE, PROBLEM, WARNING, Finding, Findings
from sketchkit.training.doctor.evidence import Evidence, Floats

__all__ = ["PARTS", "check_gain", "check_kl", "check_overfitting", "check_rate", "check_rise"]

#: Parts that a curve is cut into: enough to see a turn, few enough for each to average a good many rows.
PARTS = 20
#: A rise or fall counts when it is so many standard errors of a part's mean: batches differ a lot.
CERTAIN = 5.0
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
#: Evaluations since the best that make a rise more than an accident.
SINCE_BEST = 3
#: Of what had been gained, a rise of the validation loss that a person should know, and one to act upon.
SLIGHT_OVERFIT, OVERFIT = 0.01, 0.05


@dataclass(frozen=True)
class Bins:
    """A curve in parts of equal numbers of rows.

    Args:
        steps: [B] the last step of each part.
        means: [B] of the curve.
        error: the standard error of a part's mean: the spread within the parts over the root of their rows,
            which a slope within a part makes a little larger.
    """

    steps: Floats
    means: Floats
    error: float

    @classmethod
    def cut(cls, steps: NDArray[np.generic], values: Floats, count: int) -> Bins:
        """Cut a curve of at least 2 rows a part into `count` parts."""
        parts = np.array_split(values, count)
        spread = float(np.median([part.std(ddof=1) for part in parts]))
        ends = np.cumsum([len(part) for part in parts]) - 1
        means = np.array([part.mean() for part in parts])
        return cls(np.asarray(steps, float)[ends], means, spread / float(np.sqrt(len(values) / count)))

    @property
    def end(self) -> float:
        """The mean of the last two parts."""
        return float(self.means[-2:].mean())


def fit_line(x: Floats, y: Floats) -> tuple[float, float, float]:
    """The line of least squares through points.

    Returns:
        Its slope; the slope over its standard error, unsigned, 0 where it is unknown; and the spread of the
        points around the line.
    """
    if len(x) < 3 or np.ptp(x) == 0:
        return 0.0, 0.0, 0.0
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    rest = dy - slope * dx
    spread = float(np.sqrt(rest @ rest / (len(x) - 2)))
    error = spread / float(np.sqrt(dx @ dx))
    return slope, abs(slope) / error if error > 0 else 0.0 if slope == 0 else float("inf"), spread


def check_rise(run: Evidence) -> Findings:
    """Divergence: the loss has risen for long, or is above where it began."""
    steps, total = run.train("step"), run.reconstruction
    bins = Bins.cut(steps, total, PARTS)
    if not _rises(bins):
        return
    # While the weight of L_KL grows, L_R gives way to it; with the last weights their sum must not rise.
    if run.terms_with_weight and not _rises(Bins.cut(steps, total + run.penalties, PARTS)):
        return
    since, low, start = float(bins.steps[bins.means.argmin()]), float(bins.means.min()), float(bins.means[0])
    worse = bins.end >= start
    yield Finding(
        "divergence",
        PROBLEM if worse else WARNING,
        f"The loss L_R has risen since about step {since:,.0f}, from {low:.3f} to {bins.end:.3f}"
        + (f": it is above the {start:.3f} it began with." if worse else "."),
        f"Train again with a lower learning rate than {float(run.train('learning_rate').max()):.3g}, with a "
        "warm-up or gradients clipped harder; the best weights so far are kept.",
    )


def _rises(bins: Bins) -> bool:
    low, start = float(bins.means.min()), float(bins.means[0])
    rise = bins.end - low
    is_long = int(bins.means.argmin()) < (1 - RISING_FOR) * PARTS or bins.end > start
    return not (rise <= CERTAIN * bins.error or rise <= RISE * (start - low)) and is_long


def check_rate(run: Evidence) -> Findings:
    """A learning rate that makes the loss wander or the gradients jump, or that hardly learns."""
    rate = float(run.train("learning_rate").max())
    bins = Bins.cut(run.train("step"), run.reconstruction, PARTS)
    gained = float(bins.means[0] - bins.means.min())
    late = len(run.reconstruction) // 2
    half = Bins.cut(run.train("step")[late:], run.reconstruction[late:], PARTS // 2)
    _, _, spread = fit_line(half.steps, half.means)
    if spread > WANDERING * gained and spread > CERTAIN * half.error:
        yield Finding(
            "oscillation",
            WARNING,
            f"In the second half the loss wanders by {spread:.3f} around its trend, which is "
            f"{100 * spread / gained if gained > 0 else 100:.0f} % of all that was gained.",
            f"Lower the learning rate ({rate:.3g}), or let it fall faster.",
        )
    if not LOW_RATE <= rate <= HIGH_RATE:
        yield Finding(
            "unusual-rate",
            NOTICE,
            f"The learning rate is {rate:.3g} at its highest; 8e-3 is usual.",
            f"Try a {'higher' if rate < LOW_RATE else 'lower'} one beside it, for a few hundred steps.",
        )
    norms = run.train("gradient_norm")
    norms = norms[np.isfinite(norms)]
    usual = float(np.median(norms)) if len(norms) else 0.0
    jumps = float((norms > JUMP * usual).mean()) if len(norms) else 0.0
    if jumps > MANY_JUMPS:
        yield Finding(
            "gradient-jumps",
            NOTICE,
            f"{100 * jumps:.1f} % of the gradients are over {JUMP:.0f} times as long as the usual "
            f"{usual:.3g}.",
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
    return Finding("learns-nothing", PROBLEM, seen, advice)


def check_gain(run: Evidence) -> Findings:
    """A loss that still falls, with the gain from twice the steps; or one that stands still."""
    rates = run.train("learning_rate")
    spent = float(rates[-1]) < SPENT * float(rates.max())
    steps, losses, unit, name = _choose_curve(run)
    # Losses fall like a power of the steps; a line in their logarithm follows one well over an octave.
    end = steps >= (1 - END) * steps[-1]
    slope, certainty, _ = fit_line(np.log(steps[end]), losses[end])
    gain = -slope * float(np.log(2))
    worthwhile = WORTHWHILE * (run.share or 1.0 if unit == "" else 1.0)
    if gain > worthwhile and certainty > CERTAIN:
        how = "with a learning rate that falls more slowly" if spent else "if the curve goes on as it does"
        yield Finding(
            "still-improving",
            NOTICE,
            f"The {name} still falls: twice the steps would bring about {gain:.3f}{unit} more.",
            f"Train longer, up to step {2 * run.last_step:,} or so, {how}.",
        )
    elif abs(gain) <= worthwhile and not spent and len(run.valid) >= MIN_EVALUATIONS:
        yield Finding(
            "plateau",
            NOTICE,
            f"The {name} has stood still since step {int(steps[end][0]):,}, with a learning rate of "
            f"{float(rates[-1]):.3g}.",
            "Let the learning rate fall now, or stop: a larger model or more data may bring more.",
        )


def _choose_curve(run: Evidence) -> tuple[Floats, Floats, str, str]:
    """The curve to follow on: (steps, values, unit, name), of the evaluations where there are enough."""
    valid = run.valid
    whole = bool(run.terms_with_weight) or not np.isfinite(valid["nll_per_point"]).any()
    finite = np.isfinite(valid["loss" if whole else "nll_per_point"])
    if finite.sum() < MIN_EVALUATIONS:
        bins = Bins.cut(run.train("step"), run.reconstruction, PARTS)
        return bins.steps, bins.means, "", "training loss L_R"
    steps = valid["step"][finite].astype(float)
    if whole:
        return steps, valid["loss"][finite], "", "validation loss"
    return steps, valid["nll_per_point"][finite], " nats a point", "validation NLL"


def check_overfitting(run: Evidence) -> Findings:
    """The loss falls on the training drawings and rises on others."""
    losses, steps = run.valid["loss"], run.valid["step"]
    if len(losses) <= SINCE_BEST or not np.isfinite(losses).all():
        return
    best = int(losses.argmin())
    # The mean of the last ones: one bad evaluation is no rise.
    rise = float(losses[-SINCE_BEST:].mean() - losses[best])
    gained = float(losses[0] - losses[best])
    nlls = run.valid["nll_per_point"]
    nlls = nlls if np.isfinite(nlls).any() else losses
    nll = float(nlls[-SINCE_BEST:].mean() - nlls[best])
    is_recent = len(losses) - 1 - best < SINCE_BEST
    if is_recent or rise <= SLIGHT_OVERFIT * gained or nll <= 0 or not _train_falls(run, int(steps[best])):
        return
    yield Finding(
        "overfitting",
        WARNING if rise > OVERFIT * gained else NOTICE,
        f"Since step {int(steps[best]):,} the validation loss has risen from {losses[best]:.4f} by "
        f"{rise:.4f} (NLL by {nll:.4f} a point), while the training loss went on falling.",
        f"Use the weights of step {int(steps[best]):,}, which are kept as the best; train on more drawings, "
        "with more dropout and augmentation, or a smaller model.",
    )


def _train_falls(run: Evidence, since: int) -> bool:
    """Whether L_R fell on the training drawings after a step."""
    after = run.reconstruction[run.train("step") > since]
    if len(after) < 2 * FIFTHS:
        return False
    bins = Bins.cut(np.arange(len(after)), after, FIFTHS)
    return bool(bins.means[-1] < bins.means[0] + bins.error)


#: L_KL up to so much above KL_min counts as at it: it stays a little above, as batches differ.
NEAR_MINIMUM = 1.1
#: Below this L_KL the latent vector carries nothing at all; the weakest of the paper's models keep 0.2.
NOTHING = 0.02
#: From this share of w_KL on the cost presses; the paper's models collapse once it does, not before.
PRESSING = 0.5
#: Under this share of w_KL at the end the posterior differs from N(0, I), so that a z of one's own draws
#: nothing; the released schedule is there after 6,000 steps.
HARDLY_WEIGHED = 0.25
#: A decoder first learns what needs no latent vector: before so many steps L_KL may still rise from KL_min.
USED_BY = 2000
#: The share of the rows at the end that means are taken over.
LAST = 0.1


def check_kl(run: Evidence) -> Findings:
    """KL collapse, and a weight that never grew."""
    if not run.has_kl:
        return
    weights = run.train("kl_weight")
    last = max(int(len(weights) * LAST), 1)
    kl, weight = float(run.train("kl")[-last:].mean()), float(weights[-1])
    target, in_the_end = _predict_weights(run, weights)
    if target <= 0:
        return
    presses = weight >= PRESSING * target
    if presses and kl <= max(NEAR_MINIMUM * run.kl_minimum, NOTHING):
        yield _collapse(run, kl, weight)
    elif in_the_end < HARDLY_WEIGHED * target:
        when = "at the end it is" if run.is_over else f"by step {run.planned_steps:,} it will be"
        yield Finding(
            "kl-unused",
            WARNING,
            f"The KL weight is {weight:.3g}, and {when} only {100 * in_the_end / target:.0f} % of the "
            f"{target:.3g} it rises to, so that a z of one's own will draw nothing.",
            "Let it rise faster (a smaller KL rate), or train for more steps.",
        )
    elif presses:
        yield Finding("latent", FINE, f"The latent vector is used: L_KL {kl:.2f} at weight {weight:.3g}.")


def _collapse(run: Evidence, kl: float, weight: float) -> Finding:
    is_empty, is_early = kl <= max(0.5 * run.kl_minimum, NOTHING), run.last_step < USED_BY
    carries = "nothing" if is_empty else "no more than KL_min lets pass for free"
    return Finding(
        "kl-collapse",
        NOTICE if is_early else PROBLEM if is_empty else WARNING,
        f"{'So far the' if is_early else 'The'} latent vector carries {carries}: L_KL is {kl:.3f} with "
        f"KL_min {run.kl_minimum:g}, while its weight has risen to {weight:.3g}.",
        ("If that is still so after some thousand steps, train" if is_early else "Train")
        + f" with half the KL weight ({weight / 2:.2g}), or let it rise more slowly (a rate nearer to 1), "
        "or drop more of the decoder, so that it needs the latent vector.",
    )


def _predict_weights(run: Evidence, weights: Floats) -> tuple[float, float]:
    """The limit that the weight rises to, and its value after the planned steps.

    The schedule w(t) = W (1 - (1 - e) R^t) is followed on from three points at equal distances, for which
    Aitken's formula is exact. Any other schedule is taken to stay where it is.
    """
    configured, last = run.number("config", "kl_weight"), float(weights[-1])
    steps = run.train("step").astype(float)
    thirds = np.interp(np.linspace(steps[0], steps[-1], 3), steps, weights)
    first, second = float(thirds[1] - thirds[0]), float(thirds[2] - thirds[1])
    if not 0 < second < first:
        return (last if configured is None else configured), last
    limit = last + second * second / (first - second)
    rate = math.log(second / first) / ((steps[-1] - steps[0]) / 2)
    left = 0.0 if run.is_over else run.planned_steps - steps[-1]
    target = limit if configured is None else configured
    return target, limit - (limit - last) * math.exp(rate * left)
