"""Checks of the latent vector: whether it carries anything, and whether its cost was ever paid."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sketchkit.training.doctor.curves import Floats
from sketchkit.training.doctor.evidence import Evidence
from sketchkit.training.doctor.findings import Finding, Severity

__all__ = ["check_kl"]

#: L_KL up to so much above KL_min counts as at it: it stays a little above, as batches differ.
NEAR_MINIMUM = 1.1
#: Below this L_KL the latent vector carries nothing at all; the weakest of the paper's models keep 0.2.
NOTHING = 0.02
#: From this share of w_KL on the cost presses; the paper's models collapse once it does, not before.
PRESSING = 0.5
#: Under this share of w_KL at the end nothing has made the posterior resemble N(0, I), so that a z of one's
#: own draws nothing; the released schedule is there after 6,000 steps.
HARDLY_WEIGHED = 0.25
#: A decoder first learns what needs no latent vector: before so many steps L_KL may still rise from KL_min.
USED_BY = 2000
#: The share of the rows at the end that means are taken over.
LAST = 0.1


def check_kl(run: Evidence) -> Iterator[Finding]:
    """KL collapse, and a weight that never grew."""
    if not run.has_kl:
        return
    weights = run.train("kl_weight")
    last = max(int(len(weights) * LAST), 1)
    kl, weight = float(run.train("kl")[-last:].mean()), float(weights[-1])
    target, in_the_end = _weights(run, weights)
    if target <= 0:
        return
    if weight >= PRESSING * target and kl <= max(NEAR_MINIMUM * run.kl_minimum, NOTHING):
        yield _collapsed(run, kl, weight)
    elif in_the_end < HARDLY_WEIGHED * target:
        yield _hardly_weighed(run, weight, target, in_the_end)
    elif weight >= PRESSING * target:
        yield Finding(
            "latent", Severity.FINE, f"The latent vector is used: L_KL {kl:.2f} at weight {weight:.3g}."
        )


def _collapsed(run: Evidence, kl: float, weight: float) -> Finding:
    nothing = kl <= max(0.5 * run.kl_minimum, NOTHING)
    carries = "nothing" if nothing else "no more than KL_min lets pass for free"
    early = run.last_step < USED_BY
    severity = Severity.PROBLEM if nothing else Severity.WARNING
    return Finding(
        "kl-collapse",
        Severity.NOTICE if early else severity,
        f"{'So far the' if early else 'The'} latent vector carries {carries}: L_KL is {kl:.3f} with KL_min "
        f"{run.kl_minimum:g}, while its weight has risen to {weight:.3g}.",
        ("If that is still so after some thousand steps, train" if early else "Train")
        + f" with half the KL weight ({weight / 2:.2g}), or let it rise more slowly (a rate nearer to 1), "
        "or drop more of the decoder, so that it needs the latent vector.",
    )


def _hardly_weighed(run: Evidence, weight: float, target: float, in_the_end: float) -> Finding:
    over = run.is_over
    when = "at the end" if over else f"by step {run.planned_steps:,}"
    return Finding(
        "kl-unused",
        Severity.WARNING,
        f"The KL weight is {weight:.3g}, and {when} {'it is' if over else 'it will be'} only "
        f"{100 * in_the_end / target:.0f} % of the {target:.3g} it rises to, so that a z of one's own will "
        "draw nothing.",
        "Let it rise faster (a smaller KL rate), or train for more steps.",
    )


def _weights(run: Evidence, weights: Floats) -> tuple[float, float]:
    """What the weight rises to, and what it is after the planned steps.

    The schedule w(t) = W (1 - (1 - e) R^t) is followed on from three points at equal distances, for which
    Aitken's formula is exact. Any other schedule is taken to stay where it is.
    """
    said, last = run.number("config", "kl_weight"), float(weights[-1])
    steps = run.train("step").astype(float)
    thirds = np.interp(np.linspace(steps[0], steps[-1], 3), steps, weights)
    first, second = float(thirds[1] - thirds[0]), float(thirds[2] - thirds[1])
    if not 0 < second < first:
        return (last if said is None else said), last
    limit = last + second * second / (first - second)
    rate = math.log(second / first) / ((steps[-1] - steps[0]) / 2)
    left = 0.0 if run.is_over else run.planned_steps - steps[-1]
    target = limit if said is None else said
    return target, limit - (limit - last) * math.exp(rate * left)
