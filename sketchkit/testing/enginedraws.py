"""What must hold of the points that an engine's steppers draw."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.engine.plain import drawn, loss_of
from sketchkit.models import State
from sketchkit.noise import Noise
from sketchkit.sampling import DrawRule
from sketchkit.testing.enginetrials import Trial, chance_of, clones
from sketchkit.testing.faults import Faults

__all__ = ["check_draws"]

#: What is drawn: by which rule, so many rows and steps, whether losses are asked for, and how the noise lies.
_DRAWS = (
    ("the plain rule", DrawRule(), 1, 24, True, False),
    ("the plain rule", DrawRule(), 40, 12, True, True),
    ("a low temperature and a radius", DrawRule(0.6, -0.3, 1.5), 3, 20, True, True),
    ("a low temperature and a radius", DrawRule(0.6, -0.3, 1.5), 40, 12, True, False),
    ("a temperature near 0", DrawRule(1e-30, -40.0, math.inf), 8, 20, False, False),
    ("a high temperature", DrawRule(2.5, 0.4, math.inf), 8, 20, False, True),
)
#: A number beside the points that no draw makes.
_FENCE = -77.25
_FENCE_SIZE = 64
_ADVICE = "take any rows, any noise [B, K, 4] in (0, 1) with strides of its own, and any rule"


@dataclass
class _Tally:
    """How many points of a draw are other than they should be."""

    points: int = 0
    wrong: int = 0
    wrong_losses: int = 0
    examples: list[str] = field(default_factory=list)


def check_draws(trial: Trial, faults: Faults) -> bool:
    """Try a stepper's draws, if it has any; whether it is worth going on."""
    if trial.stepper.most_steps == 0:
        return True
    tally = _Tally()
    for told, rule, rows, steps, scored, turned in _DRAWS:
        with faults.during("draws", f"when {rows} rows of {trial.told} are drawn by {told}", _ADVICE):
            _Draws(trial, faults, rule, scored, tally).check(rows, steps, turned)
        if len(faults):
            return False
    _judge(tally, trial, faults)
    return not len(faults)


def _judge(tally: _Tally, trial: Trial, faults: Faults) -> None:
    """Picks at the very edge may fall to either side; more than a few of them must not."""
    allowed = tally.points * (0.002 if trial.tolerance < 1e-3 else 0.05) + 1
    if tally.wrong > allowed:
        told = f"{tally.wrong} of {tally.points} points drawn for {trial.told} are not those of its own step"
        advice = "choose as sketchkit.density.pick and MixtureDensity.point do, from the same four numbers"
        faults.add("drawn as stepped", f"{told} ({tally.examples[0]}): {advice}")
    elif tally.wrong_losses > allowed:
        told = f"{tally.wrong_losses} of {tally.points} losses of {trial.told} are not those of its points"
        advice = (
            "give the negative log-likelihood at temperature 1, of an end row that of its pen state alone"
        )
        faults.add("losses", f"{told}: {advice}")


class _Draws:
    """Some draws by one rule, beside the steps that they stand for."""

    def __init__(self, trial: Trial, faults: Faults, rule: DrawRule, scored: bool, tally: _Tally) -> None:
        self.trial, self.faults, self.rule = trial, faults, rule
        self.scored, self.tally = scored, tally

    def check(self, rows: int, steps: int, turned: bool) -> None:
        """Draw for so many rows, until so many steps are made, in as many calls as it takes."""
        trial = self.trial
        numbers = torch.arange(rows)
        inputs = trial.chosen(numbers)
        noise = _laid_out(chance_of(rows, steps, inputs.rows.device), turned)
        last = inputs.rows[:, 0].float()
        state, beside = clones(trial.entered(numbers)), clones(trial.entered(numbers))
        done = 0
        while done < steps:
            made = self._call(last, state, noise[:, done:])
            if made is None:
                return
            points, losses, state = made
            beside = self._compare(last, beside, noise[:, done:], points, losses)
            last = points[-1].clone()
            done += len(points)

    def _call(self, rows: Tensor, state: State, noise: Tensor) -> tuple[Tensor, Tensor | None, State] | None:
        """One call: points [K, B, 5], their losses, and the state after; None where they are none."""
        stepper, count = self.trial.stepper, len(rows)
        most = min(noise.shape[1], stepper.most_steps)
        fenced = torch.full((most * count * 5 + 2 * _FENCE_SIZE,), _FENCE, device=rows.device)
        points = fenced[_FENCE_SIZE:-_FENCE_SIZE].view(most, count, 5)
        losses = torch.full((most, count), math.nan, device=rows.device) if self.scored else None
        given, before, kinds = rows.clone(), noise.clone(), [_kind(part) for part in state]
        result: Any = stepper.draw(given, state, noise, self.rule, points, losses)
        made = self._steps(result, most)
        if not made:
            return None
        if not torch.equal(given, rows) or not torch.equal(noise, before):
            what = "its rows" if torch.equal(noise, before) else "the noise"
            self.faults.add("draw writes", f"draw writes to {what}: write to its state and points alone")
        edges = torch.cat((fenced[:_FENCE_SIZE], fenced[-_FENCE_SIZE:]))
        if not bool((edges == _FENCE).all()):
            self.faults.add("draw writes", "draw writes beyond its points: they are [K', B, 5], contiguous")
        if [_kind(part) for part in result[1]] != kinds:
            advice = "keep the shapes and types of enter"
            self.faults.add("the state stays", f"draw gives a state of other shapes or types: {advice}")
            return None
        if not self._are_points(points[:made]):
            return None
        return points[:made], None if losses is None else losses[:made], result[1]

    def _steps(self, result: Any, most: int) -> int:
        """How many steps a call made; 0 where it does not say."""
        advice = f"return how many steps were made, 1..{most} here, and the state after"
        try:
            made, after = result
            made = operator.index(made)
        except (TypeError, ValueError):
            told = f"draw returns a {type(result).__name__} that is no number and a state"
            self.faults.add("steps and a state", f"{told}: {advice}")
            return 0
        if not 1 <= made <= most:
            self.faults.add("steps made", f"draw says that it made {made} steps of {most}: {advice}")
            return 0
        if not isinstance(after, tuple) or not all(isinstance(part, Tensor) for part in after):
            self.faults.add("steps and a state", f"draw gives a {type(after).__name__} for a state: {advice}")
            return 0
        return made

    def _are_points(self, points: Tensor) -> bool:
        pens = points[..., 2:]
        one_hot = ((pens == 0) | (pens == 1)).all(-1) & (pens.sum(-1) == 1)
        told = f"of a point drawn for {self.trial.told}"
        if not bool(one_hot.all()):
            pen = pens[~one_hot][0].tolist()
            self.faults.add("one-hot", f"the pen state {told} is {pen}: fill each step's rows, one-hot")
        elif not bool(torch.isfinite(points).all()):
            advice = "fill each step's rows, and clamp as MixtureDensity.point does"
            self.faults.add("finite", f"the offset {told} is not finite: {advice}")
        else:
            return True
        return False

    def _compare(
        self, rows: Tensor, state: State, noise: Tensor, points: Tensor, losses: Tensor | None
    ) -> State:
        """Step by step the points that there should be, each after the points that there were."""
        trial, tally = self.trial, self.tally
        for k, made in enumerate(points):
            raw, state = trial.stepper.step(rows.to(trial.model.dtype), state)
            density = MixtureDensity(raw)
            wanted = drawn(density, Noise(noise[:, k]), self.rule).float()
            # An offset that is drawn from exp of a log sigma is off by more than that.
            wrong = _far(made, wanted, 4.0 * trial.tolerance)
            tally.points += len(made)
            tally.wrong += int(wrong.sum())
            if bool(wrong.any()) and not tally.examples:
                row = int(wrong.nonzero()[0])
                tally.examples.append(f"{_shown(made[row])} instead of {_shown(wanted[row])}")
            if losses is not None:
                told = loss_of(density, made)
                tally.wrong_losses += int(
                    _far(losses[k, :, None], told[:, None], 10.0 * trial.tolerance).sum()
                )
            rows = made
        return state


def _far(values: Tensor, wanted: Tensor, allowed: float) -> Tensor:
    """Which rows are off by more than is allowed, as a share where they are larger than 1; bool [B]."""
    values, wanted = values.double(), wanted.double()
    off = (values - wanted).abs() / wanted.abs().clamp(min=1.0)
    return ~(off <= allowed).all(-1)


def _laid_out(noise: Tensor, turned: bool) -> Tensor:
    """The same numbers [B, K, 4] with other strides: out of the middle of more, or with steps first."""
    rows, steps, _ = noise.shape
    if turned:
        return noise.transpose(0, 1).contiguous().transpose(0, 1)
    wide = noise.new_full((rows, steps + 5, 4), 0.5)
    wide[:, 2:-3] = noise
    return wide[:, 2:-3]


def _kind(part: Tensor) -> tuple[torch.dtype, tuple[int, ...]]:
    return part.dtype, tuple(part.shape)


def _shown(point: Tensor) -> str:
    return f"({', '.join(f'{value:.4g}' for value in point.tolist())})"
