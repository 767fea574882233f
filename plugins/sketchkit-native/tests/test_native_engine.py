"""The engine: which models it takes, and that it draws with them what sketchkit draws."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from native_reference import draw
from sketchkit_native import library as lib
from sketchkit_native.engine import NativeEngine, NativeStepper

from sketchkit import InputError, load_model, sample
from sketchkit.checkpoints.array_models import load_array_model
from sketchkit.density import MixtureDensity
from sketchkit.engine import Engine, LSTMWeights, Stepper
from sketchkit.noise import Noise, uniforms
from sketchkit.sampling import DrawRule
from sketchkit.tempering import tempering
from sketchkit.testing import check_engine

PRECISIONS = ["float32", "bfloat16", "int8"]


@pytest.fixture(scope="module")
def doodle():
    return load_model("doodle", device="cpu")


@pytest.fixture(scope="module")
def doodle_vae():
    return load_model("doodle-vae", device="cpu")


def make_inputs(model, batch):
    """The row that drawings of several classes read first, and the state before."""
    labels = torch.arange(batch) % len(model.card.classes)
    size = getattr(model.architecture, "latent", 0)
    z = torch.randn(batch, size, generator=torch.Generator().manual_seed(4)) * 0.5 if size else None
    rows = torch.tensor(model.card.start).repeat(batch, 1)
    return rows, model.initial_state(batch, z, labels)


def test_it_keeps_what_every_engine_promises():
    check_engine(NativeEngine)


@pytest.mark.parametrize("newest", ["portable", "avx2"])
def test_it_keeps_it_on_lesser_instruction_sets_too(monkeypatch, newest):
    if newest not in lib.list_sets():
        pytest.skip(f"this processor has no {newest}")
    monkeypatch.setenv(lib.NEWEST_VARIABLE, newest)
    check_engine(NativeEngine)


def test_it_is_an_engine_and_makes_steppers(doodle):
    engine = NativeEngine()
    assert isinstance(engine, Engine)
    assert engine.unsupported_reason(doodle, "float32") is None
    stepper = engine.stepper(doodle, "float32")
    assert isinstance(stepper, Stepper)
    assert stepper.max_steps >= 1


@torch.inference_mode()
@pytest.mark.parametrize("name", lib.SETS_BY_PRECISION["float32"])
@pytest.mark.parametrize("which", ["doodle", "doodle-vae"])
def test_it_draws_what_the_models_own_step_draws(request, which, name):
    if name not in lib.list_sets():
        pytest.skip(f"this processor has no {name}")
    model = request.getfixturevalue(which.replace("-", "_"))
    stepper = NativeStepper(LSTMWeights.of(model).to_numpy(), "float32", name)
    rule = DrawRule(*tempering(0.6, "javascript"))
    batch = 50
    rows, state = make_inputs(model, batch)
    own = stepper.prepare_state(state)
    index, same, apart = torch.arange(batch), [], []
    for k in range(64):
        chance = uniforms(5, index, torch.full((batch,), k))
        raw, state = model.step(rows, state)
        # Both read the model's rows: a choice that rounding decides must not make all later ones differ.
        (mine,), (loss,), own = draw(stepper, rows, own, chance[:, None], rule)
        density = MixtureDensity(raw)
        rows = density.tempered(0.6, "javascript").draw(Noise(chance))
        same.append((mine[:, 2:] == rows[:, 2:]).all(1))
        expected = density.losses(rows)
        apart.append((loss - expected).abs() / (1 + expected.abs()))
    same, apart = torch.stack(same), torch.stack(apart)
    assert same.float().mean() >= 0.999
    # A narrow mixture magnifies the rounding of an offset: of few points only.
    assert apart[same].median() < 2e-6
    assert apart[same].quantile(0.99) < 3e-4


@torch.inference_mode()
@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_losses_in_few_bits_are_near_those_in_float32(doodle, precision):
    if lib.best_set(precision) is None:
        pytest.skip(f"this processor has no instructions for {precision}")
    engine, rule = NativeEngine(), DrawRule()
    exact, rough = engine.stepper(doodle, "float32"), engine.stepper(doodle, precision)
    rows, state = make_inputs(doodle, 100)
    first, second = exact.prepare_state(state), rough.prepare_state(state)
    total = torch.zeros(2)
    for k in range(48):
        # Both read the same rows, so that only the likelihoods differ.
        chance = uniforms(6, torch.arange(100), torch.full((100,), k))[:, None]
        raw, second = rough.step(rows, second)
        (rows,), (loss,), first = draw(exact, rows, first, chance, rule)
        total += torch.stack((loss.mean(), MixtureDensity(raw).losses(rows).mean()))
    assert abs(total[0] - total[1]) / 48 < 0.02


def test_it_says_what_it_cannot_do(doodle):
    engine = NativeEngine()
    assert "not in tf32" in engine.unsupported_reason(doodle, "tf32")
    wide = load_model("doodle", device="cpu").double()
    assert "float64, not in float32" in engine.unsupported_reason(wide, "float32")
    assert "on the CPU" in engine.unsupported_reason(load_model("doodle", device="cpu").to("meta"), "float32")
    with pytest.raises(InputError, match="cannot step this model"):
        engine.stepper(wide, "float32")


def test_another_cell_is_left_to_others():
    from sketchkit.models.decoder import DecoderArchitecture, DecoderModel

    card = load_model("doodle", device="cpu").card
    model = DecoderModel(DecoderArchitecture(hidden=8, mixtures=2, cell="layernorm-lstm"), card)
    assert "plain LSTM" in NativeEngine().unsupported_reason(model, "float32")


def test_the_newest_instruction_set_can_be_limited(doodle, monkeypatch):
    monkeypatch.setenv(lib.NEWEST_VARIABLE, "portable")
    assert lib.list_sets() == ("portable",)
    assert "no instructions for int8" in NativeEngine().unsupported_reason(doodle, "int8")
    monkeypatch.setenv(lib.NEWEST_VARIABLE, "sse9")
    with pytest.raises(InputError, match="sse9"):
        lib.list_sets()


def test_what_is_not_float32_is_refused(doodle):
    stepper = NativeEngine().stepper(doodle, "float32")
    rows, state = make_inputs(doodle, 2)
    own = stepper.prepare_state(state)
    with pytest.raises(InputError, match="float64"):
        stepper.step(rows.double(), own)
    with pytest.raises(InputError, match="float64"):
        draw(stepper, rows, own, torch.rand(2, 3, 4, dtype=torch.float64))
    with pytest.raises(InputError, match="float64"):
        stepper.step(rows.double().numpy(), own)


def test_a_stepper_keeps_the_weights_that_it_was_made_of():
    model = load_model("doodle", device="cpu")
    stepper = NativeEngine().stepper(model, "float32")
    rows, state = make_inputs(model, 3)
    before, _ = stepper.step(rows, stepper.prepare_state(state))
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    after, _ = stepper.step(rows, stepper.prepare_state(state))
    assert torch.equal(before, after)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_one_stepper_serves_several_threads_at_once(doodle, precision):
    if lib.best_set(precision) is None:
        pytest.skip(f"this processor has no instructions for {precision}")
    stepper = NativeEngine().stepper(doodle, precision)
    rows, state = make_inputs(doodle, 40)
    chance = torch.rand(40, 16, 4, generator=torch.Generator().manual_seed(1))
    expected, _, _ = draw(stepper, rows, stepper.prepare_state(state), chance)
    found = [None] * 4

    def work(place):
        for _ in range(5):
            found[place] = draw(stepper, rows, stepper.prepare_state(state), chance)[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(points, expected) for points in found)


@torch.inference_mode()
@pytest.mark.parametrize("which", ["doodle", "doodle-vae"])
def test_arrays_and_tensors_give_the_same_bits_each_in_its_own_kind(request, which):
    model = request.getfixturevalue(which.replace("-", "_"))
    stepper = NativeEngine().stepper(model, "float32")
    rows, state = make_inputs(model, 7)
    chance = torch.rand(7, 9, 4, generator=torch.Generator().manual_seed(3))
    own = stepper.prepare_state(state)
    raw, _ = stepper.step(rows, own)
    points, losses, after = draw(stepper, rows, own, chance)
    assert all(isinstance(part, torch.Tensor) for part in (raw, *own, *after))

    own_array = stepper.prepare_state(tuple(part.numpy() for part in state))
    raw_array, _ = stepper.step(rows.numpy(), own_array)
    points_array, losses_array = np.empty((9, 7, 5), np.float32), np.empty((9, 7), np.float32)
    made, after_array = stepper.draw(
        rows.numpy(), own_array, chance.numpy(), DrawRule(), points_array, losses_array
    )
    assert all(isinstance(part, np.ndarray) for part in (raw_array, *own_array, *after_array))
    assert np.array_equal(raw_array, raw.numpy())
    assert np.array_equal(points_array[:made], points.numpy())
    assert np.array_equal(losses_array[:made], losses.numpy())
    for one, other in zip(after_array, after, strict=True):
        assert np.array_equal(one, other.numpy())


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_model_of_arrays_draws_what_the_model_of_torch_draws(precision):
    if lib.best_set(precision) is None:
        pytest.skip(f"this processor has no instructions for {precision}")
    options = {"engine": "native", "precision": precision}
    models = load_array_model("doodle", **options), load_model("doodle", device="cpu", **options)
    assert NativeEngine().unsupported_reason(models[0], precision) is None
    one, other = (sample(model, 5, class_name="face", seed=3) for model in models)
    assert all(np.array_equal(a.points, b.points) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "work",
    [
        "from sketchkit_native.__main__ import main; main()",
        "from sketchkit import sample; from sketchkit.checkpoints.array_models import load_array_model;"
        "assert len(sample(load_array_model('doodle', engine='native'), 3, seed=1)) == 3",
    ],
)
def test_torch_is_imported_for_models_of_torch_alone(work):
    code = f"import sys; {work}; print('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == "False"


def test_the_self_check_names_the_instruction_sets(capsys):
    from sketchkit_native.__main__ import main

    main()
    out = capsys.readouterr().out
    assert out.startswith("instruction sets: portable")
    assert "points/s" in out
