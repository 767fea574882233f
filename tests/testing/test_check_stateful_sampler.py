"""The check of samplers with a memory: each rule, broken by a sampler of its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from checking import rules_of
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.models import State
from sketchkit.noise import Noise
from sketchkit.testing import check_sampler


class Running:
    """Adds to each offset a share of the sum so far, and counts."""

    def initial_state(self, rows: int, device: torch.device) -> State:
        return (torch.zeros(rows, 2, device=device), torch.zeros(rows, dtype=torch.int64, device=device))

    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        total, count = state
        points = density.draw(noise)
        points[:, :2] += 0.25 * total
        return points, (total + points[:, :2].to(total.dtype), count + 1)


def test_a_sampler_with_a_memory_passes() -> None:
    check_sampler(Running)


class _Listed(Running):
    def initial_state(self, rows: int, device: torch.device) -> Any:
        return list(super().initial_state(rows, device))


class _OfNumbers(Running):
    def initial_state(self, rows: int, device: torch.device) -> Any:
        return (0.0, 1)


class _OneForAll(Running):
    def initial_state(self, rows: int, device: torch.device) -> State:
        return (torch.zeros(2), torch.zeros(()))


class _Kept(Running):
    kept: dict[int, State] = {}  # noqa: RUF012

    def initial_state(self, rows: int, device: torch.device) -> State:
        return self.kept.setdefault(rows, super().initial_state(rows, device))


class _Numbered(Running):
    def initial_state(self, rows: int, device: torch.device) -> State:
        return (torch.zeros(rows, 2), torch.arange(rows))


class _Counted(Running):
    def initial_state(self, rows: int, device: torch.device) -> State:
        return (torch.zeros(rows, 2), torch.full((rows,), rows))


class _Random(Running):
    calls = 0

    def initial_state(self, rows: int, device: torch.device) -> State:
        self.calls += 1
        return (torch.full((rows, 2), float(self.calls)), torch.zeros(rows, dtype=torch.int64))


class _Fails(Running):
    def initial_state(self, rows: int, device: torch.device) -> State:
        raise RuntimeError("no memory left")


@pytest.mark.parametrize(
    ("sampler", "rule"),
    [
        (_Listed, "initial_state"),
        (_OfNumbers, "initial_state"),
        (_OneForAll, "initial_state"),
        (_Kept, "made anew"),
        (_Numbered, "equal beginnings"),
        (_Counted, "equal beginnings"),
        (_Random, "equal beginnings"),
        (
            _Fails,
            "initial_state",
        ),
    ],
)
def test_a_memory_that_does_not_begin_well_is_told(sampler: type, rule: str) -> None:
    assert rules_of(check_sampler, sampler) == (rule,)


class _PointsAlone(Running):
    def step(self, density: MixtureDensity, noise: Noise, state: State) -> Any:
        return density.draw(noise)


class _ListAfter(Running):
    def step(self, density: MixtureDensity, noise: Noise, state: State) -> Any:
        points, after = super().step(density, noise, state)
        return points, list(after)


class _Growing(Running):
    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        points, (total, count) = super().step(density, noise, state)
        return points, (torch.cat((total, total), 1), count)


class _Widening(Running):
    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        points, (total, count) = super().step(density, noise, state)
        return points, (total, count.float())


class _Writing(Running):
    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        points = density.draw(noise)
        state[1].add_(1)
        return points, state


@pytest.mark.parametrize(
    ("sampler", "rule"),
    [
        (_PointsAlone, "a pair"),
        (_ListAfter, "the state"),
        (
            _Growing,
            "the state",
        ),
        (_Widening, "the state"),
        (_Writing, "arguments unchanged"),
    ],
)
def test_a_step_that_spoils_the_memory_is_told(sampler: type, rule: str) -> None:
    assert rules_of(check_sampler, sampler)[0] == rule


class _Elsewhere(Running):
    """Remembers how far a drawing is for all of them together, and not in the state."""

    age = 0

    def initial_state(self, rows: int, device: torch.device) -> State:
        self.age = 0
        return super().initial_state(rows, device)

    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        points, after = super().step(density, noise, state)
        self.age += 1
        points[:, 0] += self.age
        return points, after


def test_a_memory_outside_the_state_is_told_where_drawings_begin_later() -> None:
    assert rules_of(check_sampler, _Elsewhere) == ("rows alone",)


class _OneType(Running):
    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        points, (_, count) = super().step(density, noise, state)
        return points, (points[:, :2], count)


def test_a_memory_that_takes_the_type_of_a_wider_model_is_told() -> None:
    assert rules_of(check_sampler, _OneType) == ("the state",)


class _Shared(Running):
    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        points, (total, count) = super().step(density, noise, state)
        return points, (total.mean(0, keepdim=True).expand_as(total).clone(), count)


def test_a_memory_that_drawings_share_is_told_at_the_second_point() -> None:
    assert rules_of(check_sampler, _Shared) == ("rows alone",)


class _Late(Running):
    """Fails at the fourth point of a drawing."""

    def step(self, density: MixtureDensity, noise: Noise, state: State) -> tuple[Tensor, State]:
        assert int(state[1][0]) < 3, "too long"
        return super().step(density, noise, state)


def test_a_sampler_that_fails_later_on_is_told() -> None:
    assert rules_of(check_sampler, _Late) == ("many steps",)
