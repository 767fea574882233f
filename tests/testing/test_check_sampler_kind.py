"""The check of samplers: the methods by which the kind of a sampler is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from checking import rules_of
from torch import Tensor

from sketchkit.density import MixtureDensity
from sketchkit.noise import Noise
from sketchkit.options import option
from sketchkit.sampling import Tempered
from sketchkit.testing import check_sampler


@dataclass(frozen=True)
class _Plain(Tempered):
    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        return density.draw(noise)


@dataclass(frozen=True)
class _Begun(_Plain):
    def initial_state(self, rows: int, device: torch.device) -> tuple[Tensor, ...]:
        return (torch.zeros(rows, device=device),)


@dataclass(frozen=True)
class _DrawOption(_Plain):
    draw: float = option(1.0, "how much is drawn", low=0.0, high=2.0)


@dataclass(frozen=True)
class _StepOption(_Begun):
    step: int = option(1, "how far", low=1, high=9)


@dataclass(frozen=True)
class _HarmlessStep(_Plain):
    step: int = option(1, "how far", low=1, high=9)


class _StateAttribute(_Plain):
    initial_state: ClassVar[tuple[int, ...]] = ()

    def step(self, density: MixtureDensity, noise: Noise, state: Any) -> tuple[Tensor, Any]:
        return density.draw(noise), state


def test_a_memory_that_no_step_uses_is_a_fault() -> None:
    for sampler in (_Begun, _Begun()):
        assert rules_of(check_sampler, sampler) == ("a step beside a memory",)


def test_an_option_named_draw_is_a_fault() -> None:
    assert rules_of(check_sampler, _DrawOption) == ("a method draw",)


def test_an_attribute_named_draw_is_a_fault() -> None:
    sampler = _Plain()
    object.__setattr__(sampler, "draw", "slowly")
    assert rules_of(check_sampler, sampler) == ("a method draw",)


def test_an_option_named_step_beside_a_memory_is_a_fault() -> None:
    assert rules_of(check_sampler, _StepOption) == ("a method step",)


def test_an_attribute_named_initial_state_is_a_fault() -> None:
    assert rules_of(check_sampler, _StateAttribute) == ("a method initial_state",)


def test_an_option_named_step_without_a_memory_is_none_of_that() -> None:
    check_sampler(_HarmlessStep)
