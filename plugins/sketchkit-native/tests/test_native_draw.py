"""Draws on every instruction set, beside those of sketchkit's own density."""

import math

import pytest
import torch
from native_reference import (
    MODEL,
    PATHS,
    draw,
    draw_by_density,
    make_rows,
    make_state,
    make_stepper,
    make_uniforms,
    make_weights,
)

from sketchkit.density import MixtureDensity
from sketchkit.sampling import DrawRule
from sketchkit.tempering import tempering

RULES = [
    MODEL,
    DrawRule(*tempering(0.25, "javascript")),
    DrawRule(*tempering(3.0, "tensorflow"), 2.0),
    DrawRule(*tempering(1e-6, "paper"), 0.5),
    DrawRule(max_radius=0.0),
]
SIZES = [
    # H, M, context, position, batch
    (7, 1, 0, False, 1),
    (40, 5, 3, True, 6),
    (64, 20, 0, True, 70),
    (129, 40, 9, False, 23),
]


def without_end(weights):
    """The same model, which hardly ever ends a drawing."""
    weights.output_bias[2] = -30.0
    return weights


@pytest.mark.parametrize(("precision", "name"), PATHS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("hidden", "mixtures", "context", "position", "batch"), SIZES)
def test_points_are_those_that_the_density_draws(
    precision, name, rule, hidden, mixtures, context, position, batch
):
    weights = make_weights(hidden, mixtures, context=context, position=position)
    stepper = make_stepper(weights, precision, name)
    rows, own = make_rows(batch), stepper.prepare_state(make_state(weights, batch))
    uniforms = make_uniforms(batch, 1)
    raw, _ = stepper.step(rows, own)
    points, losses, _ = draw(stepper, rows, own, uniforms, rule)
    expected, expected_losses = draw_by_density(raw, uniforms[:, 0], rule)
    torch.testing.assert_close(points[0], expected, rtol=1e-5, atol=2e-5)
    torch.testing.assert_close(losses[0], expected_losses, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("precision", "name"), PATHS)
@pytest.mark.parametrize("steps", [1, 2, 7, 40])
def test_many_steps_in_a_call_are_those_of_one_step_in_each(precision, name, steps):
    weights = without_end(make_weights(50, 6, context=4, position=True))
    stepper = make_stepper(weights, precision, name)
    batch, model = 13, make_state(weights, 13)
    uniforms = make_uniforms(batch, steps)
    together, losses, after = draw(stepper, make_rows(batch), stepper.prepare_state(model), uniforms)
    made = len(together)
    assert made == min(steps, stepper.max_steps)
    rows, state = make_rows(batch), stepper.prepare_state(model)
    for k in range(made):
        (rows,), (loss,), state = draw(stepper, rows, state, uniforms[:, k : k + 1])
        assert torch.equal(rows, together[k])
        assert torch.equal(loss, losses[k])
    assert all(torch.equal(a, b) for a, b in zip(state, after, strict=True))


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_it_stops_after_the_first_step_that_ends_a_drawing(precision, name):
    weights = make_weights(24, 3)
    stepper = make_stepper(weights, precision, name)
    uniforms = make_uniforms(100, 12)
    uniforms[..., 1] = 1e-6  # draw on
    uniforms[70, 5, 1] = uniforms[3, 8, 1] = 1 - 1e-7  # end
    points, losses, _ = draw(
        stepper, make_rows(100), stepper.prepare_state(make_state(weights, 100)), uniforms
    )
    assert len(points) == len(losses) == 6
    assert points[5, :, 4].nonzero().squeeze().item() == 70
    assert points.isfinite().all() and losses.isfinite().all()


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_a_row_does_not_depend_on_its_neighbours(precision, name):
    weights = without_end(make_weights(75, 17, context=5, position=True))
    stepper = make_stepper(weights, precision, name)
    model, rows, uniforms = make_state(weights, 203), make_rows(203), make_uniforms(203, 5)
    whole, losses, after = draw(stepper, rows, stepper.prepare_state(model), uniforms)
    raw, _ = stepper.step(rows, stepper.prepare_state(model))
    for begin, size in [
        (0, 1),
        (202, 1),
        (5, 2),
        (11, 3),
        (20, 4),
        (50, 5),
        (60, 6),
        (70, 7),
        (3, 100),
        (1, 202),
    ]:
        part = slice(begin, begin + size)
        own = tuple(each[part] for each in model)
        points, mine, state = draw(stepper, rows[part], stepper.prepare_state(own), uniforms[part])
        assert torch.equal(points, whole[:, part])
        assert torch.equal(mine, losses[:, part])
        assert all(torch.equal(a, b[part]) for a, b in zip(state, after, strict=True))
        assert torch.equal(stepper.step(rows[part], stepper.prepare_state(own))[0], raw[part])
    assert stepper.batch_invariant


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_points_are_the_same_whether_losses_are_asked_for_or_not(precision, name):
    weights = without_end(make_weights(64, 20))
    stepper = make_stepper(weights, precision, name)
    model, uniforms = make_state(weights, 30), make_uniforms(30, 8)
    with_losses, _, _ = draw(stepper, make_rows(30), stepper.prepare_state(model), uniforms)
    without, _, _ = draw(stepper, make_rows(30), stepper.prepare_state(model), uniforms, losses=False)
    assert torch.equal(with_losses, without)


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_noise_may_be_a_view(precision, name):
    weights = without_end(make_weights(32, 4))
    stepper = make_stepper(weights, precision, name)
    model, uniforms = make_state(weights, 9), make_uniforms(9, 20)
    expected, _, _ = draw(stepper, make_rows(9), stepper.prepare_state(model), uniforms[:, 3:10].contiguous())
    views = [uniforms[:, 3:10], uniforms.transpose(0, 2).contiguous().transpose(0, 2)[:, 3:10]]
    for view in views:
        points, _, _ = draw(stepper, make_rows(9), stepper.prepare_state(model), view)
        assert torch.equal(points, expected)


@pytest.mark.parametrize(("precision", "name"), PATHS)
@pytest.mark.parametrize("radius", [0.0, 0.3, 2.0])
def test_no_offset_lies_further_from_its_mean_than_it_may(precision, name, radius):
    weights = make_weights(16, 1)
    weights.output[:] = 0.0
    # One component at (3, -4), both sigma e^-1, uncorrelated.
    weights.output_bias[:] = torch.tensor([0.0, 0.0, -30.0, 0.0, 3.0, -4.0, -1.0, -1.0, 0.0])
    stepper = make_stepper(weights, precision, name)
    uniforms = make_uniforms(500, 1)
    uniforms[0, 0, 2] = 1 - 2.0**-24
    points, _, _ = draw(
        stepper,
        make_rows(500),
        stepper.prepare_state(make_state(weights, 500)),
        uniforms,
        DrawRule(max_radius=radius),
    )
    distance = (points[0, :, :2] - torch.tensor([3.0, -4.0])).norm(dim=1) * math.e
    assert distance.max() <= radius + 1e-5


@pytest.mark.parametrize(("precision", "name"), PATHS)
@pytest.mark.parametrize("softening", [1.0, 1e-3, 1e-30])
def test_logits_of_any_size_choose_as_the_density_does(precision, name, softening):
    weights = make_weights(16, 40)
    weights.output[:] = 0.0
    generator = torch.Generator().manual_seed(7)
    stepper_inputs = make_rows(50), make_uniforms(50, 1), DrawRule(softening=softening)
    for _ in range(12):
        logits = torch.randn(43, generator=generator) * 10 ** float(
            torch.randint(0, 5, (), generator=generator)
        )
        logits[3:][torch.rand(40, generator=generator) < 0.3] = -math.inf
        weights.output_bias[:43] = logits
        stepper = make_stepper(weights, precision, name)
        rows, uniforms, rule = stepper_inputs
        points, losses, _ = draw(
            stepper, rows, stepper.prepare_state(make_state(weights, 50)), uniforms, rule
        )
        expected, expected_losses = draw_by_density(weights.output_bias.expand(50, -1), uniforms[:, 0], rule)
        torch.testing.assert_close(points[0], expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(losses[0], expected_losses, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_parameters_of_any_size_draw_and_score_as_the_density_does(precision, name):
    weights = make_weights(16, 8)
    weights.output[:] = 0.0
    generator = torch.Generator().manual_seed(8)
    for scale in (1.0, 30.0, 1e3, 1e4):
        weights.output_bias[3:11] = torch.randn(8, generator=generator)
        weights.output_bias[11:] = torch.randn(40, generator=generator) * scale
        stepper = make_stepper(weights, precision, name)
        uniforms = make_uniforms(60, 1)
        points, losses, _ = draw(
            stepper, make_rows(60), stepper.prepare_state(make_state(weights, 60)), uniforms
        )
        raw = weights.output_bias.expand(60, -1)
        torch.testing.assert_close(points[0], draw_by_density(raw, uniforms[:, 0])[0], rtol=1e-5, atol=1e-5)
        # At the very same points: the last bit of one is much where sigma is tiny.
        expected = MixtureDensity(raw).losses(points[0])
        torch.testing.assert_close(losses[0], expected, rtol=2e-4, atol=1e-3)


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_what_is_no_number_does_no_harm(precision, name):
    weights = make_weights(20, 4)
    stepper = make_stepper(weights, precision, name)
    h, c = make_state(weights, 3)
    h[1], c[2] = math.nan, math.inf
    points, _, _ = draw(stepper, make_rows(3), stepper.prepare_state((h, c)), make_uniforms(3, 1))
    assert (points[0, :, 2:].sum(1) == 1.0).all()
