"""The check of samplers that choose point by point: each rule, broken by a sampler of its own."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from checking import rules_of
from torch import Tensor

from sketchkit import registry
from sketchkit.density import MixtureDensity
from sketchkit.errors import PluginError
from sketchkit.noise import Noise
from sketchkit.options import option
from sketchkit.sampling.temperature import Temperature
from sketchkit.testing import CheckFailed, check_sampler


@pytest.mark.parametrize("name", [p.full_name for p in registry.all_plugins("sampler") if p.builtin])
def test_every_sampler_of_ours_passes(name: str) -> None:
    check_sampler(name)


def test_a_class_and_an_object_pass_as_well_as_a_name() -> None:
    check_sampler(Temperature)
    check_sampler(Temperature(temperature=2.0))


def test_a_plain_function_is_a_sampler() -> None:
    check_sampler(lambda density, noise: density.draw(noise))


def test_nobody_has_a_sampler_of_an_unknown_name() -> None:
    with pytest.raises(PluginError, match="no sampler named 'gredy'"):
        check_sampler("gredy")


def _soft_pens(density: MixtureDensity, noise: Noise) -> Tensor:
    return torch.cat((density.draw(noise)[:, :2], density.pen_logits.softmax(-1)), 1)


def _two_pens(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    points[:, 2:4] = 1.0
    return points


def _all_at_once(density: MixtureDensity, noise: Noise) -> Tensor:
    return density.draw(noise)[0]


def _narrow(density: MixtureDensity, noise: Noise) -> Tensor:
    return density.draw(noise).half()


def _whole(density: MixtureDensity, noise: Noise) -> Tensor:
    return density.draw(noise).long()


def _listed(density: MixtureDensity, noise: Noise) -> list[Any]:
    return density.draw(noise).tolist()  # type: ignore[no-any-return]


def _third(density: MixtureDensity, noise: Noise) -> Tensor:
    assert density.component_logits[:, 2].isfinite().any()
    return density.draw(noise)


def _many_only(density: MixtureDensity, noise: Noise) -> Tensor:
    if len(noise.uniforms) == 1:
        raise ValueError("one is not many\nat all")
    return density.draw(noise)


def _single_precision(density: MixtureDensity, noise: Noise) -> Tensor:
    if density.parameters.dtype != torch.float32:
        raise SystemExit("float32 alone")
    return density.draw(noise)


def _unclamped(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    points[:, :2] += density.parameters[:, 2:4, 0].mul(5.0).exp()
    return points


def _mean_of_logits(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    points[:, 0] += (density.component_logits * 0.0).sum(-1)
    return points


@pytest.mark.parametrize(
    ("sampler", "rule"),
    [
        (_soft_pens, "one-hot"),
        (_two_pens, "one-hot"),
        (_all_at_once, "the shape"),
        (_narrow, "the type"),
        (_whole, "the type"),
        (_listed, "a tensor"),
        (
            _third,
            "points of any density",
        ),
        (_many_only, "points of any density"),
        (_single_precision, "points of any density"),
        (_unclamped, "finite"),
        (_mean_of_logits, "finite"),
    ],
)
def test_points_that_are_none_are_told(sampler: Callable[..., Any], rule: str) -> None:
    assert rules_of(check_sampler, sampler) == (rule,)


def _into_logits(density: MixtureDensity, noise: Noise) -> Tensor:
    density.pen_logits.add_(1.0)
    return density.draw(noise)


def _into_parameters(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    density.parameters.zero_()
    return points


def _other_logits(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    density.component_logits = density.component_logits / 0.5
    return points


def _into_shift(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    density.log_sigma_shift = 0.5
    return points


def _into_noise(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    noise.uniforms.mul_(0.5)
    return points


@pytest.mark.parametrize(
    ("sampler", "what"),
    [
        (_into_logits, "density.pen_logits"),
        (_into_parameters, "density.parameters"),
        (_other_logits, "density.component_logits"),
        (_into_shift, "density.log_sigma_shift"),
        (_into_noise, "noise"),
    ],
)
def test_a_sampler_that_writes_to_its_arguments_is_told(sampler: Callable[..., Any], what: str) -> None:
    with pytest.raises(CheckFailed, match=f"it writes to {re.escape(what)}: ") as failed:
        check_sampler(sampler)
    assert "arguments unchanged" in failed.value.rules


class _Counting:
    """Remembers how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        self.calls += 1
        points = density.draw(noise)
        points[:, 0] += self.calls
        return points


def _own_generator(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    points[:, 0] += float(np.random.default_rng().random())
    return points


@pytest.mark.parametrize("sampler", [_Counting(), _Counting, _own_generator])
def test_a_sampler_that_says_something_else_the_second_time_is_told(sampler: Any) -> None:
    assert rules_of(check_sampler, sampler) == ("same again",)


def _seeded_by_others(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    points[:, 0] += torch.initial_seed()
    return points


def test_a_sampler_that_hangs_on_a_seed_is_told_though_it_draws_nothing() -> None:
    assert rules_of(check_sampler, _seeded_by_others) == ("generators unheeded",)


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (lambda: float(torch.rand(1)), "torch"),
        (lambda: float(np.random.random()), "numpy.random"),
        (random.random, "Python's random"),
    ],
)
def test_a_sampler_that_draws_from_a_global_generator_is_told_and_changes_none(
    draw: Callable[[], float], name: str
) -> None:
    def sampler(density: MixtureDensity, noise: Noise) -> Tensor:
        points = density.draw(noise)
        points[:, 0] += draw()
        return points

    before = (torch.get_rng_state(), np.random.get_state(legacy=False), random.getstate())
    with pytest.raises(CheckFailed, match=name) as failed:
        check_sampler(sampler)
    assert failed.value.rules[:2] == ("generators untouched", "generators unheeded")
    assert torch.equal(before[0], torch.get_rng_state())
    assert str(before[1]) == str(np.random.get_state(legacy=False))
    assert before[2] == random.getstate()


def _beside(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    points[:, 0] += points[:, 1].mean()
    return points


def _by_place(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    points[:, 0] += torch.arange(len(points))
    return points


@pytest.mark.parametrize("sampler", [_beside, _by_place])
def test_a_row_that_sees_its_neighbours_or_its_place_is_told(sampler: Callable[..., Any]) -> None:
    assert rules_of(check_sampler, sampler) == ("rows alone",)


def _by_order(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    points[0, 0] += float(len(points) == 17)
    return points


def test_a_first_row_that_is_another_among_many_is_told() -> None:
    assert rules_of(check_sampler, _by_order) == ("rows alone",)


@dataclass(frozen=True)
class _OutOfRange:
    k: int = option(0, "how many", low=1)

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        return density.draw(noise)


@dataclass(frozen=True)
class _WithoutDefault:
    k: int

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        return density.draw(noise)


@dataclass(frozen=True)
class _Undescribed:
    k: NoSuchType = 3  # type: ignore[name-defined]  # noqa: F821

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        return density.draw(noise)


@dataclass(frozen=True)
class _NarrowerThanItSays:
    k: float = option(1.0, "how much", low=0.0, high=2.0)

    def __post_init__(self) -> None:
        if self.k == 2.0:
            raise ValueError("k must lie below 2")

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        return density.draw(noise)


@dataclass(frozen=True)
class _BreaksAtItsEnd:
    k: float = option(1.0, "how much", low=0.0, high=2.0)

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        points = density.draw(noise)
        points[:, :2] /= self.k
        return points


@dataclass(frozen=True)
class _BreaksForAChoice:
    k: str = option("a", "which", choices=("a", "b"))

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        return density.draw(noise) if self.k == "a" else density.draw(noise)[:, :2]


class _Arguments:
    def __init__(self, needed: int) -> None:
        pass

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        return density.draw(noise)


@pytest.mark.parametrize(
    ("sampler", "rule"),
    [
        (
            _OutOfRange,
            "defaults fit",
        ),
        (_WithoutDefault, "defaults"),
        (
            _Undescribed,
            "options described",
        ),
        (
            _NarrowerThanItSays,
            "options at their ends",
        ),
        (_BreaksAtItsEnd, "finite"),
        (_BreaksForAChoice, "the shape"),
        (_Arguments, "makeable"),
        (dict, "a sampler"),
        (7, "a sampler"),
    ],
)
def test_what_is_wrong_with_a_class_or_its_options_is_told(sampler: Any, rule: str) -> None:
    assert rules_of(check_sampler, sampler) == (rule,)


def test_the_ends_of_options_can_be_left_out() -> None:
    check_sampler(_BreaksAtItsEnd, options_too=False)
    check_sampler(_BreaksAtItsEnd())


def _far(density: MixtureDensity, noise: Noise) -> Tensor:
    points = density.draw(noise)
    points[:, 0] = 3e38
    return points


class _Tired:
    """Behaves until the engine asks: sixteen rows at once."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, density: MixtureDensity, noise: Noise) -> Tensor:
        points = density.draw(noise)
        self.calls += len(points) == 16
        points[:, 0] += self.calls
        return points


def test_the_engine_itself_is_tried() -> None:
    assert rules_of(check_sampler, _far) == ("sampling",)
    assert rules_of(check_sampler, _Tired()) == ("sampling",)


def test_all_faults_are_told_at_once_and_the_first_exception_is_the_cause() -> None:
    def sampler(density: MixtureDensity, noise: Noise) -> Tensor:
        if density.mixtures == 20:
            raise KeyError("twenty")
        return torch.cat((density.draw(noise)[:, :2] / 0.0, density.pen_logits), 1)

    with pytest.raises(CheckFailed) as failed:
        check_sampler(sampler)
    assert len(failed.value.faults) == 3
    assert isinstance(failed.value.__cause__, KeyError)
    assert isinstance(failed.value, AssertionError)


def test_ctrl_c_passes() -> None:
    def sampler(density: MixtureDensity, noise: Noise) -> Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_sampler(sampler)
