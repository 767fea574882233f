"""One step on every instruction set, beside the same in float64."""

import pytest
import torch
from native_reference import PATHS, make_rows, make_state, make_stepper, make_weights, step_in_float64
from sketchkit_native import library as lib

SIZES = [
    # H, M, context, position, batch
    (1, 1, 0, False, 1),
    (5, 2, 3, True, 2),
    (16, 3, 0, True, 3),
    (33, 1, 7, False, 7),
    (48, 20, 0, False, 12),
    (64, 40, 32, True, 70),
    (127, 13, 1, True, 31),
    (100, 1024, 0, False, 2),
    (512, 20, 32, False, 9),
    (24, 4, 5, True, 230),
]


@pytest.mark.parametrize(("precision", "name"), PATHS)
@pytest.mark.parametrize(("hidden", "mixtures", "context", "position", "batch"), SIZES)
def test_a_step_is_that_of_the_weights(precision, name, hidden, mixtures, context, position, batch):
    weights = make_weights(hidden, mixtures, context=context, position=position, seed=hidden)
    stepper = make_stepper(weights, precision, name)
    rows, state = make_rows(batch), make_state(weights, batch)
    raw, after = stepper.step(rows, stepper.prepare_state(state))
    expected, (h, c, *rest) = step_in_float64(weights, precision, rows, state)
    assert raw.shape == (batch, 6 * mixtures + 3)
    torch.testing.assert_close(raw.double(), expected, rtol=1e-5, atol=2e-5)
    torch.testing.assert_close(after[0][:, :hidden].double(), h, rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(after[1][:, :hidden].double(), c, rtol=1e-5, atol=4e-6)
    if position:
        torch.testing.assert_close(after[2].double(), rest[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_many_steps_stay_with_those_in_float64(precision, name):
    weights = make_weights(96, 5, context=8, position=True)
    stepper = make_stepper(weights, precision, name)
    state = make_state(weights, 11)
    own = stepper.prepare_state(state)
    for k in range(40):
        rows = make_rows(11, seed=k)
        raw, own = stepper.step(rows, own)
        expected, state = step_in_float64(weights, precision, rows, state)
    # Below float32 an output near the middle of two steps may go either way, and the next sums with it.
    tolerance = {"float32": 1e-4, "bfloat16": 0.05, "int8": 0.15}[precision]
    assert (raw - expected).abs().max() < tolerance


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_a_step_writes_to_nothing_that_it_was_given(precision, name):
    weights = make_weights(40, 3, context=4, position=True)
    stepper = make_stepper(weights, precision, name)
    model, rows = make_state(weights, 5), make_rows(5)
    model_before, rows_before = [part.clone() for part in model], rows.clone()
    own = stepper.prepare_state(model)
    own_before = [part.clone() for part in own]
    first, _ = stepper.step(rows, own)
    second, _ = stepper.step(rows, own)
    assert torch.equal(first, second)
    assert torch.equal(rows, rows_before)
    assert all(torch.equal(a, b) for a, b in zip(own, own_before, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(model, model_before, strict=True))


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_views_with_strides_of_their_own_are_read_as_they_are(precision, name):
    weights = make_weights(40, 3, context=4)
    stepper = make_stepper(weights, precision, name)
    rows, model = make_rows(6), make_state(weights, 6)
    raw, _ = stepper.step(rows, stepper.prepare_state(model))
    spread = [part.t().contiguous().t() for part in (rows, *model)]
    own = tuple(part.t().contiguous().t() for part in stepper.prepare_state(tuple(spread[1:])))
    assert torch.equal(stepper.step(spread[0], own)[0], raw)


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_sums_of_any_size_give_finite_outputs(precision, name):
    weights = make_weights(32, 2, spread=1.0)
    weights.bias[:] = torch.tensor([1e4, -1e4, 1e30, -1e30] * 32)
    stepper = make_stepper(weights, precision, name)
    raw, (h, c) = stepper.step(make_rows(3), stepper.prepare_state(make_state(weights, 3)))
    assert raw.isfinite().all() and h.isfinite().all() and c.isfinite().all()


@pytest.mark.parametrize("name", lib.SETS)
def test_functions_are_good_to_a_millionth(name):
    if name not in lib.list_sets():
        pytest.skip(f"this processor has no {name}")
    wide = torch.cat(
        (torch.linspace(-86, 86, 40_000), torch.logspace(-30, 0, 20_000), -torch.logspace(-30, 0, 4_000))
    )
    unit = torch.linspace(0, 1, 64_000)
    exact = [torch.sigmoid, torch.tanh, torch.exp, torch.log1p]
    for which, function in enumerate(exact):
        x = unit if function is torch.log1p else wide
        out = torch.empty_like(x)
        lib.load_library().sketchkit_native_activate(
            lib.SETS.index(name), which, len(x), x.data_ptr(), out.data_ptr()
        )
        torch.testing.assert_close(out.double(), function(x.double()), rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("name", lib.SETS)
def test_functions_saturate(name):
    if name not in lib.list_sets():
        pytest.skip(f"this processor has no {name}")
    x = torch.tensor([-1e38, -200.0, 200.0, 1e38] * 4)
    for which, limits in enumerate([(0.0, 1.0), (-1.0, 1.0)]):
        out = torch.empty_like(x)
        lib.load_library().sketchkit_native_activate(
            lib.SETS.index(name), which, len(x), x.data_ptr(), out.data_ptr()
        )
        low, high = limits
        torch.testing.assert_close(out, torch.tensor([low, low, high, high] * 4), rtol=0, atol=1e-30)
