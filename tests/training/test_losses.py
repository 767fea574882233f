"""The losses against the paper's sums, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from train_parts import density, softmax

from sketchkit.models import Losses
from sketchkit.models.losses import kl_loss, reconstruction_losses
from sketchkit.training.config import LossWeight, TrainConfig
from sketchkit.training.objective import weigh

M, NMAX = 3, 9


def _batch() -> tuple[np.ndarray, np.ndarray]:
    """Raw outputs and points of two drawings: 3 points and an end row, 2 points and two rows of padding."""
    rng = np.random.default_rng(0)
    points = np.zeros((7, 5))
    points[:, :2] = rng.normal(size=(7, 2))
    points[np.arange(7), [2, 2, 3, 4, 2, 3, 4]] = 1.0
    return rng.normal(size=(7, 6 * M + 3)) * 0.7, points


@pytest.mark.parametrize("evaluating", [False, True])
def test_the_reconstruction_loss_is_equation_9(evaluating: bool) -> None:
    raw, points = _batch()
    offset = pen = 0.0
    for q, p in zip(raw, points, strict=True):
        if p[4] == 0:
            offset -= math.log(density(q, p[0], p[1]) + 1e-6)
        if p[4] == 0 or not evaluating:
            pen -= float((p[2:] * np.log(softmax(q[:3]))).sum())
    loss = reconstruction_losses(torch.tensor(raw), torch.tensor(points), 2, NMAX, evaluating=evaluating)
    assert float(loss["offset"]) == pytest.approx(offset / (2 * NMAX), rel=1e-12)
    assert float(loss["pen"]) == pytest.approx(pen / (2 * NMAX), rel=1e-12)
    assert float(total(loss)) == pytest.approx((offset + pen) / (2 * NMAX), rel=1e-12)


@pytest.mark.parametrize("evaluating", [False, True])
def test_a_row_counts_as_often_as_its_weight_says_but_only_its_pen_state(evaluating: bool) -> None:
    raw, points = (torch.tensor(values) for values in _batch())
    weight = torch.tensor([1.0, 1, 1, 1, 1, 1, 5], dtype=torch.float64)  # the last row is one of padding
    found = reconstruction_losses(raw, points, 2, NMAX, weight=weight, evaluating=evaluating)
    rows = [*range(7), *[6] * 4]
    repeated = reconstruction_losses(raw[rows], points[rows], 2, NMAX, evaluating=evaluating)
    assert float(found["pen"]) == pytest.approx(float(repeated["pen"]), rel=1e-12)
    assert float(found["offset"]) == pytest.approx(float(repeated["offset"]), rel=1e-12)
    once = reconstruction_losses(raw, points, 2, NMAX, evaluating=evaluating)
    assert found.get("nll") == once.get("nll") and ("nll" in once) is evaluating
    assert (float(found["pen"]) == float(once["pen"])) is evaluating


def test_the_plain_sum_knows_no_floor_and_leaves_no_row_out() -> None:
    raw, points = _batch()
    points[0, :2] = 9.0  # far below the floor
    nll = 0.0
    for q, p in zip(raw, points, strict=True):
        nll -= 0.0 if p[4] else math.log(density(q, p[0], p[1]))
        nll -= float((p[2:] * np.log(softmax(q[:3]))).sum())
    leaf = torch.tensor(raw, requires_grad=True)
    loss = reconstruction_losses(leaf, torch.tensor(points), 2, NMAX, evaluating=True)
    assert float(loss["nll"]) == pytest.approx(nll, rel=1e-12)
    assert not loss["nll"].requires_grad and total(loss).requires_grad
    bare = reconstruction_losses(leaf, torch.tensor(points), 1, 1, floor=0.0)
    assert total(bare).item() == pytest.approx(nll, rel=1e-12)


def test_label_smoothing_pulls_the_pen_states_towards_each_other() -> None:
    raw, points = (torch.tensor(values) for values in _batch())
    plain = reconstruction_losses(raw, points, 2, NMAX, {"smooth_pen": 0.0})
    found = reconstruction_losses(raw, points, 2, NMAX, TrainConfig(smooth_pen_weight=0.1).weights_at(5))
    assert found.keys() - plain.keys() == {"smooth_pen"}
    expected = sum(-np.log(3 * softmax(q[:3])).mean() for q in raw.numpy()) / (2 * NMAX)
    assert float(found["smooth_pen"]) == pytest.approx(expected, rel=1e-9)
    raw[:, :3] = 1.0
    assert float(
        reconstruction_losses(raw, points, 2, NMAX, {"smooth_pen": 1})["smooth_pen"]
    ) == pytest.approx(0)


def test_the_offset_of_an_end_row_does_not_matter() -> None:
    raw, points = _batch()
    loss = reconstruction_losses(torch.tensor(raw), torch.tensor(points), 2, NMAX)
    points[points[:, 4] == 1, :2] = 1e6
    moved = reconstruction_losses(torch.tensor(raw), torch.tensor(points), 2, NMAX)
    assert float(total(moved)) == float(total(loss))


def test_a_wild_point_costs_no_more_than_the_floor_and_has_a_finite_gradient() -> None:
    raw, points = _batch()
    points[0, :2] = 1e9
    leaf = torch.tensor(raw, dtype=torch.float32, requires_grad=True)
    loss = reconstruction_losses(leaf, torch.tensor(points, dtype=torch.float32), 1, 1)
    total(loss).backward()
    assert loss["offset"].item() < 7 * -math.log(1e-6)
    assert leaf.grad is not None and leaf.grad.isfinite().all()


def test_half_precision_outputs_are_scored_in_float32() -> None:
    raw, points = _batch()
    loss = reconstruction_losses(torch.tensor(raw, dtype=torch.bfloat16), torch.tensor(points), 2, NMAX)
    assert total(loss).dtype == torch.float32


def test_the_kl_loss_is_equation_10() -> None:
    rng = np.random.default_rng(1)
    mu, s = rng.normal(size=(2, 5, 4))
    expected = np.mean([-(1 + b - a * a - math.exp(b)) / 2 for a, b in zip(mu.flat, s.flat, strict=True)])
    assert float(kl_loss(torch.tensor(mu), torch.tensor(s))) == pytest.approx(expected, rel=1e-12)
    assert float(kl_loss(torch.zeros(2, 3), torch.zeros(2, 3))) == 0.0


def test_the_kl_weight_rises_from_its_minimum() -> None:
    schedule = TrainConfig().loss_weight("kl")
    assert schedule.weight_at(0) == pytest.approx(0.5 * 0.01)
    assert schedule.weight_at(20_000) == pytest.approx(0.5 * (1 - 0.99 * 0.99995**20_000))
    assert schedule.weight_at(10**7) == pytest.approx(0.5)
    released = TrainConfig(kl_weight_start=0.01).loss_weight("kl")
    weights = [round(released.weight_at(step), 4) for step in (0, 1_000, 20_000)]
    assert weights == [0.0100, 0.0339, 0.3197]
    assert TrainConfig(kl_weight=0.25, kl_weight_start=0.01).loss_weight("kl").weight_at(0) == pytest.approx(
        0.01
    )


def test_terms_count_once_but_those_with_options_as_these_say() -> None:
    config = TrainConfig(kl_weight=0.25, kl_minimum=0.3, architecture={"smooth_weight": 0.125})
    assert config.loss_weight("offset") == LossWeight() and LossWeight().weight_at(9) == 1.0
    assert config.loss_weight("smooth").weight_at(9) == 0.125
    assert config.loss_weights.keys() >= {"kl", "smooth"} and "offset" not in config.loss_weights


@pytest.mark.parametrize(("kl", "counts"), [(0.7, True), (0.1, False)])
def test_below_its_minimum_a_term_has_no_gradient(kl: float, counts: bool) -> None:
    terms = {name: torch.tensor(value, requires_grad=True) for name, value in (("offset", 2.0), ("kl", kl))}
    whole = {name: float(term.detach()) for name, term in terms.items()}
    counted, loss = weigh(terms, whole, TrainConfig(), {"kl": 0.4})
    assert loss == pytest.approx(2.0 + 0.4 * max(kl, 0.2))
    counted.backward()
    gradients = [0.0 if term.grad is None else float(term.grad) for term in terms.values()]
    assert gradients == pytest.approx([1.0, 0.4 * counts])


def total(loss: Losses) -> torch.Tensor:
    """L_R."""
    return loss["offset"] + loss["pen"]
