"""What must hold of an engine's steppers in company: of other rows, and of other threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import torch
from torch import Tensor

from sketchkit.sampling import DrawRule
from sketchkit.testing.enginetrials import ROWS, Trial, chance_of
from sketchkit.testing.faults import Faults

__all__ = ["check_company"]

_STEPS, _ROUNDS = 12, 4
#: As soon as it pays to be impatient: threads that share something shall be caught at it.
_IMPATIENT = 1e-5


def check_company(trial: Trial, faults: Faults) -> None:
    """Rows of a stepper that says so come out the same, to the last bit, and threads do not meet."""
    if trial.stepper.steady:
        with faults.during("steady", f"for other numbers of rows of {trial.told}", "take any number of rows"):
            _check_steady(trial, faults)
    if trial.stepper.many_at_once:
        advice = "share nothing between calls, or let many_at_once be false"
        with faults.during("threads", f"for {trial.told} on two threads", advice):
            _check_threads(trial, faults)


def _check_steady(trial: Trial, faults: Faults) -> None:
    wanted = _work(trial, torch.arange(ROWS))
    for rows in ([31], [4, 39, 0], list(range(8))):
        chosen = torch.tensor(rows)
        alone = _work(trial, chosen)
        for what, one, all_rows in zip(("raw outputs", "points"), alone, wanted, strict=False):
            if not torch.equal(one, all_rows[:, chosen.to(one.device)]):
                told = f"{what} of {trial.told} have other bits among {len(rows)} rows than among {ROWS}"
                advice = "add up in one order whatever the number of rows, or let steady be false"
                faults.add("steady", f"{told}: {advice}")


def _work(trial: Trial, numbers: Tensor) -> tuple[Tensor, ...]:
    """Raw outputs [T, B, 6M + 3] and points [K, B, 5] of some rows, by their numbers."""
    inputs = trial.chosen(numbers)
    raw, _ = trial.walked(inputs, trial.entered(numbers))
    if not trial.stepper.most_steps:
        return (raw.transpose(0, 1),)
    chance = chance_of(ROWS, _STEPS, inputs.rows.device)[numbers.to(inputs.rows.device)]
    return raw.transpose(0, 1), trial.drawn(numbers, chance, DrawRule())


def _check_threads(trial: Trial, faults: Faults) -> None:
    """Two threads with drawings of their own must make what each makes alone."""
    shares = [torch.arange(0, 5), torch.arange(20, 33)]
    alone = [_work(trial, share) for share in shares]
    gate = Barrier(len(shares))

    @torch.inference_mode()
    def together(number: int) -> list[tuple[Tensor, ...]]:
        gate.wait()
        share = shares[number]
        return [_work(trial, share) for _ in range(_ROUNDS)]

    with _impatience(), ThreadPoolExecutor(len(shares)) as pool:
        found = list(pool.map(together, range(len(shares))))
    for mine, wanted in zip(found, alone, strict=True):
        if not all(_same_work(each, wanted, trial.tolerance) for each in mine):
            told = f"what two threads make of {trial.told} at once is not what each makes alone"
            advice = "share nothing that is written to between calls, or let many_at_once be false"
            faults.add("threads", f"{told}: {advice}")


def _same_work(one: tuple[Tensor, ...], other: tuple[Tensor, ...], tolerance: float) -> bool:
    """Whether raw outputs are the same, and most points: last bits may decide where a drawing goes."""
    allowed = (0.0, 0.3)
    shares = [_share_off(*pair, tolerance) for pair in zip(one, other, strict=True)]
    return all(share <= most for share, most in zip(shares, allowed, strict=False))


def _share_off(one: Tensor, other: Tensor, tolerance: float) -> float:
    """In which share of the rows of all steps something is off."""
    off = (one.double() - other.double()).abs() / other.double().abs().clamp(min=1.0)
    return float((~(off <= 4.0 * tolerance)).any(-1).double().mean())


@contextmanager
def _impatience() -> Iterator[None]:
    """Let Python's threads take turns far more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_IMPATIENT)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
