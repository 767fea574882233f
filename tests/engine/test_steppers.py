"""Torch's steppers: what the model itself says, in every precision, a row at a time or many."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchkit.card import CELLS, ModelCard
from sketchkit.decoding import Decoding
from sketchkit.density import MixtureDensity
from sketchkit.devices import fast_bfloat16, fast_int8
from sketchkit.engine import stepper_of
from sketchkit.engine.torch_engine import (
    CompiledEngine,
    ModelStep,
    TorchEngine,
    TorchStepper,
    _find_compiler,
    make_step,
)
from sketchkit.engine.torch_lstm import LSTMStep
from sketchkit.errors import DeviceError
from sketchkit.models import LSTMWeights, SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.noise import Noise, uniforms
from sketchkit.numpy_density import RuleDraw
from sketchkit.sampling import DrawRule

CPU = torch.device("cpu")
#: How far raw outputs of the sizes below may stray, by precision.
TOLERANCE = {"float32": 2e-5, "bfloat16": 0.05, "int8": 0.05}


def _model(conditional: bool, cell: str = "lstm", position: bool = False, hidden: int = 24) -> SketchModel:
    torch.manual_seed(hidden)
    card = ModelCard(name="some", scale_factor=20.0, max_length=40, classes=("a", "b"))
    if conditional:
        sizes = VaeArchitecture(8, hidden, 6, 5, cell, classes=2, embedding=3, position=position)
        return VaeModel(sizes, card).requires_grad_(False).eval()
    return (
        DecoderModel(DecoderArchitecture(hidden, 5, cell, position=position), card)
        .requires_grad_(False)
        .eval()
    )


def _begun(model: SketchModel, batch: int) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    generator = torch.Generator().manual_seed(batch)
    rows = torch.randn(batch, 5, generator=generator)
    z = torch.randn(batch, 6, generator=generator) if model.conditional else None
    return rows, model.initial_state(batch, z)


def _fit(precision: str) -> None:
    if precision == "bfloat16" and fast_bfloat16(CPU) is False:
        pytest.skip("this processor has no instructions for products in bfloat16")
    if precision == "int8" and not fast_int8():
        pytest.skip("this processor has no instructions for products of 8-bit numbers")


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("position", [False, True])
@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("batch", [1, 5, 300])
def test_its_steps_are_those_of_the_model(
    precision: str, position: bool, conditional: bool, batch: int
) -> None:
    _fit(precision)
    model = _model(conditional, position=position)
    rows, theirs = _begun(model, batch)
    stepper = TorchEngine().stepper(model, precision)
    mine = stepper.prepare_state(theirs)
    for _ in range(6):
        wanted, theirs = model.step(rows, theirs)
        before = [part.clone() for part in (rows, *mine)]
        found, after = stepper.step(rows, mine)
        assert all(torch.equal(a, b) for a, b in zip(before, (rows, *mine), strict=True))
        mine = after
        assert (found - wanted).abs().max() < TOLERANCE[precision]
        rows = torch.cat((wanted[:, :2], torch.eye(3)[wanted[:, :3].argmax(1)]), 1)


@pytest.mark.parametrize("cell", sorted({*CELLS} - {"lstm"}))
def test_other_cells_are_stepped_by_the_model_itself(cell: str) -> None:
    model = _model(True, cell)
    assert LSTMWeights.of(model) is None
    assert isinstance(make_step(model, "float32"), ModelStep)
    assert TorchEngine().unsupported_reason(model, "float32") is None
    for precision in ("tf32", "bfloat16", "int8"):
        assert "plain LSTM" in str(TorchEngine().unsupported_reason(model, precision))


def test_a_subclass_may_step_otherwise_and_is_left_alone() -> None:
    class Odd(DecoderModel):
        """A model with a step of its own."""

    model = Odd(DecoderArchitecture(8, 2), ModelCard(name="odd", scale_factor=1.0, max_length=9))
    assert isinstance(make_step(model, "float32"), ModelStep)


def test_half_precision_weights_keep_their_own_step_and_take_no_other() -> None:
    model = _model(False).to(torch.bfloat16)
    assert isinstance(make_step(model, "float32"), ModelStep)
    assert "bfloat16 already" in str(TorchEngine().unsupported_reason(model, "int8"))


def test_a_precision_that_the_device_lacks_is_refused_by_name() -> None:
    model = _model(False)
    model.decoding = Decoding(precision="tf32")
    with pytest.raises(DeviceError, match=r"'some' cannot be stepped in tf32: .*torch: tf32 is for cuda"):
        stepper_of(model)


@pytest.mark.parametrize("mixtures", [1, 2, 20])
@pytest.mark.parametrize("rule", [DrawRule(), DrawRule(0.6, -0.5, 2.0), DrawRule(1e-30, -9.0)])
def test_a_draw_by_numpy_is_that_of_the_density(mixtures: int, rule: DrawRule) -> None:
    raw = 2.0 * torch.randn(4000, 6 * mixtures + 3, generator=torch.Generator().manual_seed(1))
    chance = uniforms(3, torch.arange(4000), torch.tensor(0))
    density = MixtureDensity(raw).softened(rule.softening, rule.log_sigma_shift)
    wanted = density.draw(Noise(chance), rule.max_radius).numpy()
    draw = RuleDraw(rule, mixtures, 4000)
    found = np.empty((4000, 5), np.float32)
    draw.points(raw.numpy(), chance.numpy(), draw.normals(chance.numpy()), found)
    same = (found[:, 2:] == wanted[:, 2:]).all(1) & np.isclose(found, wanted, atol=1e-5).all(1)
    assert same.mean() > 0.999


def test_a_single_row_is_drawn_as_it_would_be_among_others() -> None:
    raw = torch.randn(500, 27, generator=torch.Generator().manual_seed(2)).numpy()
    chance = uniforms(3, torch.arange(500), torch.tensor(0)).numpy()
    rule, together, alone = (
        DrawRule(0.7, -0.2, 2.5),
        np.empty((500, 5), np.float32),
        np.empty((1, 5), np.float32),
    )
    many, one = RuleDraw(rule, 4, 500), RuleDraw(rule, 4, 1)
    many.points(raw, chance, many.normals(chance), together)
    for row, given_row, wanted in zip(raw, chance, together, strict=True):
        one.points(row[None], given_row[None], one.normals(given_row[None]), alone)
        assert np.array_equal(alone[0, 2:], wanted[2:])
        assert np.allclose(alone[0], wanted, atol=1e-6)


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
@settings(max_examples=50)
def test_a_draw_by_numpy_is_finite_whatever_the_logits(logit: float, log_sigma: float, a: float) -> None:
    raw = np.zeros((3, 15), np.float32)
    raw[0, :5], raw[1, 9:13], raw[2, 13:] = logit, log_sigma, a
    chance = np.full((3, 4), 0.7, np.float32)
    for rows in (slice(0, 3), slice(0, 1), slice(1, 2), slice(2, 3)):
        draw, out = (
            RuleDraw(DrawRule(1e-30, 3.0), 2, len(raw[rows])),
            np.empty((len(raw[rows]), 5), np.float32),
        )
        draw.points(raw[rows], chance[rows], draw.normals(chance[rows]), out)
        assert np.isfinite(out).all()
        assert (out[:, 2:].sum(1) == 1.0).all()


@pytest.mark.parametrize("batch", [1, 3, 40])
def test_a_call_draws_until_a_drawing_ends_and_says_what_it_cost(batch: int) -> None:
    model = _model(False)
    rows, state = _begun(model, batch)
    stepper = TorchEngine().stepper(model, "float32")
    chance = uniforms(1, torch.arange(batch)[:, None], torch.arange(40))[:, 5:37:2]  # a view with strides
    points, losses = torch.full((16, batch, 5), math.nan), torch.full((16, batch), math.nan)
    made, _ = stepper.draw(rows, stepper.prepare_state(state), chance, DrawRule(), points, losses)
    assert 1 <= made <= 16
    ends = points[:made, :, 4] == 1.0
    assert not ends[:-1].any()
    assert ends[-1].any() or made == 16
    for k in range(made):
        raw, state = model.step(rows, state)
        rows = points[k]
        assert torch.allclose(MixtureDensity(raw).losses(rows), losses[k], atol=1e-3)


def test_a_model_in_half_precision_is_drawn_from_a_point_a_call() -> None:
    model = _model(False).to(torch.bfloat16)
    rows, state = _begun(model.float(), 4)
    model = model.to(torch.bfloat16)
    stepper = TorchEngine().stepper(model, "float32")
    points = torch.zeros(1, 4, 5)
    chance = uniforms(1, torch.arange(4)[:, None], torch.arange(3))
    entered = stepper.prepare_state(tuple(part.bfloat16() for part in state))
    made, _ = stepper.draw(rows, entered, chance, DrawRule(), points, None)
    assert made == stepper.max_steps == 1
    assert (points[0, :, 2:].sum(1) == 1.0).all()


def test_the_weights_of_a_step_are_those_of_the_model_as_it_was() -> None:
    model = _model(False)
    rows, state = _begun(model, 4)
    step = LSTMStep(LSTMWeights.of(model), "float32")  # type: ignore[arg-type]
    before, _ = step(rows, step.prepare_state(state))
    model.decoder.cell.weight_h.zero_()
    after, _ = step(rows, step.prepare_state(state))
    assert torch.equal(before, after)


# Torch's compiler warns of what other parts of torch will lose.
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:torch")
@pytest.mark.filterwarnings("ignore:.*:FutureWarning")
def test_a_compiled_step_is_that_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    if _find_compiler() is None:
        pytest.skip("there is no C++ compiler here")
    model = _model(True)
    rows, theirs = _begun(model, 7)
    stepper = CompiledEngine().stepper(model, "float32")
    assert isinstance(stepper, TorchStepper)
    from torch._inductor import config

    # Otherwise a small program is compiled for each set of instructions first.
    with config.patch({"compile_threads": 1, "cpp.vec_isa_ok": True}):
        raw, _ = stepper.step(rows, stepper.prepare_state(theirs))
    assert torch.allclose(raw, model.step(rows, theirs)[0], atol=2e-5)
    monkeypatch.setattr("sketchkit.engine.torch_engine._find_compiler", lambda: None)
    assert "no C++ compiler" in str(CompiledEngine().unsupported_reason(model, "float32"))


def test_decoding_is_part_of_loading() -> None:
    from sketchkit import load_model

    model = load_model("doodle", device="cpu", engine="torch", precision="int8")
    assert model.decoding == Decoding("torch", "int8")
    assert replace(model.decoding, precision="float32") == Decoding("torch")
