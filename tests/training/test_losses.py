"""The losses against the paper's sums, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from train_parts import density, softmax

from sketchkit.errors import InputError
from sketchkit.training.losses import KLSchedule, kl_loss, reconstruction_loss

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
    loss = reconstruction_loss(torch.tensor(raw), torch.tensor(points), 2, NMAX, evaluating=evaluating)
    assert float(loss.offset) == pytest.approx(offset / (2 * NMAX), rel=1e-12)
    assert float(loss.pen) == pytest.approx(pen / (2 * NMAX), rel=1e-12)
    assert float(loss.total) == pytest.approx((offset + pen) / (2 * NMAX), rel=1e-12)


@pytest.mark.parametrize("evaluating", [False, True])
def test_a_row_counts_as_often_as_its_weight_says_but_only_its_pen_state(evaluating: bool) -> None:
    raw, points = (torch.tensor(values) for values in _batch())
    weight = torch.tensor([1.0, 1, 1, 1, 1, 1, 5], dtype=torch.float64)  # the last row is one of padding
    found = reconstruction_loss(raw, points, 2, NMAX, weight=weight, evaluating=evaluating)
    rows = [*range(7), *[6] * 4]
    repeated = reconstruction_loss(raw[rows], points[rows], 2, NMAX, evaluating=evaluating)
    assert float(found.pen) == pytest.approx(float(repeated.pen), rel=1e-12)
    assert float(found.offset) == pytest.approx(float(repeated.offset), rel=1e-12)
    once = reconstruction_loss(raw, points, 2, NMAX, evaluating=evaluating)
    assert float(found.nll) == float(once.nll)
    assert (float(found.pen) == float(once.pen)) is evaluating


@pytest.mark.parametrize("evaluating", [False, True])
def test_the_plain_sum_knows_no_floor_and_leaves_no_row_out(evaluating: bool) -> None:
    raw, points = _batch()
    points[0, :2] = 9.0  # far below the floor
    nll = 0.0
    for q, p in zip(raw, points, strict=True):
        nll -= 0.0 if p[4] else math.log(density(q, p[0], p[1]))
        nll -= float((p[2:] * np.log(softmax(q[:3]))).sum())
    leaf = torch.tensor(raw, requires_grad=True)
    loss = reconstruction_loss(leaf, torch.tensor(points), 2, NMAX, evaluating=evaluating)
    assert float(loss.nll) == pytest.approx(nll, rel=1e-12)
    assert not loss.nll.requires_grad and loss.total.requires_grad
    bare = reconstruction_loss(leaf, torch.tensor(points), 1, 1, floor=0.0)
    assert bare.total.item() == pytest.approx(nll, rel=1e-12)


def test_the_offset_of_an_end_row_does_not_matter() -> None:
    raw, points = _batch()
    loss = reconstruction_loss(torch.tensor(raw), torch.tensor(points), 2, NMAX)
    points[points[:, 4] == 1, :2] = 1e6
    moved = reconstruction_loss(torch.tensor(raw), torch.tensor(points), 2, NMAX)
    assert float(moved.total) == float(loss.total)


def test_a_wild_point_costs_no_more_than_the_floor_and_has_a_finite_gradient() -> None:
    raw, points = _batch()
    points[0, :2] = 1e9
    leaf = torch.tensor(raw, dtype=torch.float32, requires_grad=True)
    loss = reconstruction_loss(leaf, torch.tensor(points, dtype=torch.float32), 1, 1)
    loss.total.backward()
    assert loss.offset.item() < 7 * -math.log(1e-6)
    assert leaf.grad is not None and leaf.grad.isfinite().all()


def test_half_precision_outputs_are_scored_in_float32() -> None:
    raw, points = _batch()
    loss = reconstruction_loss(torch.tensor(raw, dtype=torch.bfloat16), torch.tensor(points), 2, NMAX)
    assert loss.total.dtype == torch.float32


def test_the_kl_loss_is_equation_10() -> None:
    rng = np.random.default_rng(1)
    mu, s = rng.normal(size=(2, 5, 4))
    expected = np.mean([-(1 + b - a * a - math.exp(b)) / 2 for a, b in zip(mu.flat, s.flat, strict=True)])
    assert float(kl_loss(torch.tensor(mu), torch.tensor(s))) == pytest.approx(expected, rel=1e-12)
    assert float(kl_loss(torch.zeros(2, 3), torch.zeros(2, 3))) == 0.0


def test_the_kl_weight_rises_from_its_minimum_and_the_loss_has_a_floor() -> None:
    schedule = KLSchedule()
    assert schedule.weight_at(0) == pytest.approx(0.5 * 0.01)
    assert schedule.weight_at(20_000) == pytest.approx(0.5 * (1 - 0.99 * 0.99995**20_000))
    assert schedule.weight_at(10**7) == pytest.approx(0.5)
    released = KLSchedule(start=0.01)
    weights = [round(released.weight_at(step), 4) for step in (0, 1_000, 20_000)]
    assert weights == [0.0100, 0.0339, 0.3197]
    assert KLSchedule(weight=0.25, start=0.01).weight_at(0) == pytest.approx(0.01)
    high, low = torch.tensor(0.7, requires_grad=True), torch.tensor(0.1, requires_grad=True)
    assert schedule(high, 5).item() == pytest.approx(schedule.weight_at(5) * 0.7)
    assert schedule(low, 5).item() == pytest.approx(schedule.weight_at(5) * 0.2)
    schedule(low, 5).backward()
    assert low.grad == 0.0


@pytest.mark.parametrize(
    ("name", "most"),
    [("weight", None), ("minimum", None), ("start", None), ("eta_min", 1), ("rate", 1)],
)
def test_a_schedule_takes_its_bounds_and_nothing_beyond(name: str, most: float | None) -> None:
    for bound in (0.0, 100.0 if most is None else most):
        assert getattr(KLSchedule(**{name: bound}), name) == bound
    for beyond in (-1e-9, math.nan, *([] if most is None else [most + 1e-9])):
        with pytest.raises(InputError, match="needs"):
            KLSchedule(**{name: beyond})
