"""Backends: what a step, a forward pass and a score mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sketchkit.card import PAPER_START, ModelCard
from sketchkit.checkpoints.magenta import dump_magenta, parse_magenta
from sketchkit.density import MixtureDensity
from sketchkit.errors import CheckpointError, InputError, PluginError
from sketchkit.models import SketchModel, backend
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel

MODELS = {
    "hyper": lambda: DecoderModel(DecoderArchitecture(hidden=6, mixtures=3, cell="hyper-lstm"), ModelCard()),
    "decoder": lambda: DecoderModel(DecoderArchitecture(hidden=6, mixtures=3), ModelCard()),
    "vae": lambda: VaeModel(VaeArchitecture(encoder_hidden=4, hidden=6, latent=3, mixtures=2), ModelCard()),
    "placed": lambda: DecoderModel(DecoderArchitecture(hidden=6, mixtures=3, position=True), ModelCard()),
    "placed vae": lambda: VaeModel(
        VaeArchitecture(encoder_hidden=4, hidden=6, latent=3, mixtures=2, position=True), ModelCard()
    ),
}


@pytest.fixture(params=sorted(MODELS))
def model(request: pytest.FixtureRequest) -> SketchModel:
    torch.manual_seed(3)
    return MODELS[request.param]().double().eval()


def _latent(model: SketchModel, batch: int) -> torch.Tensor | None:
    return torch.randn(batch, 3, dtype=torch.float64) if model.conditional else None


def _rows(batch: int, time: int) -> torch.Tensor:
    rows = torch.zeros(batch, time, 5, dtype=torch.float64)
    rows[..., :2] = torch.randn(batch, time, 2)
    pens = torch.randint(0, 2, (batch, time))
    return rows.scatter_(2, (pens + 2)[..., None], 1.0)


@torch.inference_mode()
def test_a_forward_pass_is_its_steps(model: SketchModel) -> None:
    rows, z = _rows(4, 9), _latent(model, 4)
    whole, last = model(rows, model.initial_state(4, z))
    state, steps = model.initial_state(4, z), []
    for t in range(9):
        raw, state = model.step(rows[:, t], state)
        steps.append(raw)
    torch.testing.assert_close(whole, torch.stack(steps, 1), rtol=0, atol=1e-12)
    for ours, theirs in zip(last, state, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@torch.inference_mode()
def test_a_row_does_not_know_its_neighbours(model: SketchModel) -> None:
    rows, z = _rows(5, 4), _latent(model, 5)
    together, _ = model(rows, model.initial_state(5, z))
    alone, _ = model(rows[2:3], model.initial_state(1, None if z is None else z[2:3]))
    torch.testing.assert_close(together[2:3], alone, rtol=0, atol=1e-12)


def test_raw_outputs_have_one_row_more_than_the_drawing(model: SketchModel) -> None:
    z = _latent(model, 1)
    latent = None if z is None else z[0]
    drawing = _rows(1, 5)[0].numpy()
    raw = model.raw_outputs(drawing, z=latent)
    assert raw.shape == (6, 6 * model.architecture.mixtures + 3)
    assert raw.dtype == np.float64
    np.testing.assert_allclose(model.raw_outputs(drawing[:3], z=latent), raw[:4], atol=1e-12)
    empty = model.raw_outputs(np.zeros((0, 5)), z=latent)
    np.testing.assert_allclose(empty, raw[:1], atol=1e-12)


def test_the_start_token_is_the_cards_unless_another_is_given(model: SketchModel) -> None:
    z = _latent(model, 1)
    latent = None if z is None else z[0]
    drawing = _rows(1, 2)[0].numpy()
    default = model.raw_outputs(drawing, z=latent)
    np.testing.assert_array_equal(default, model.raw_outputs(drawing, start=[0, 0, 1, 0, 0], z=latent))
    assert not np.allclose(default, model.raw_outputs(drawing, start=np.zeros(5), z=latent))
    with pytest.raises(InputError, match="a start token has 5 numbers"):
        model.raw_outputs(drawing, start=[0, 0, 1], z=latent)


def test_z_is_refused_where_there_is_none_and_missed_where_there_should_be_one(model: SketchModel) -> None:
    wrong = None if model.conditional else np.zeros(3)
    with pytest.raises(InputError, match="latent vector z"):
        model.raw_outputs(np.zeros((0, 5)), z=wrong)


@torch.inference_mode()
def test_a_score_is_the_sum_of_its_rows_and_the_padding_does_not_count(model: SketchModel) -> None:
    rows, lengths = _rows(3, 6), torch.tensor([6, 4, 1])
    rows[1, 3] = torch.tensor([0, 0, 0, 0, 1.0])  # an end row, whose offset must not count either
    z = _latent(model, 3)
    scores = model.score(rows, lengths, model.initial_state(3, z))
    for b, length in enumerate(lengths.tolist()):
        raw = model.raw_outputs(rows[b, : length - 1].numpy(), z=None if z is None else z[b])
        offset, pen = MixtureDensity(torch.from_numpy(raw)).log_prob(rows[b, :length])
        inked = rows[b, :length, 4] == 0
        expected = -(offset[inked].sum() + pen.sum())
        torch.testing.assert_close(scores[b], expected, rtol=1e-10, atol=0)
    rows[2, 1:] = 1e9
    torch.testing.assert_close(model.score(rows, lengths, model.initial_state(3, z))[2], scores[2])


@torch.inference_mode()
def test_half_precision_models_give_float32_raw_outputs() -> None:
    model = MODELS["decoder"]().to(torch.bfloat16).eval()
    assert model.raw_outputs(np.zeros((2, 5))).dtype == np.float32


@torch.inference_mode()
def test_the_encoder_does_not_read_the_padding() -> None:
    torch.manual_seed(0)
    model = MODELS["vae"]().double().eval()
    rows, lengths = _rows(3, 7), torch.tensor([7, 3, 1])
    mu, log_variance = model.encode_batch(rows, lengths)
    for b, length in enumerate(lengths.tolist()):
        alone_mu, alone_sigma = model.encode(rows[b, :length].numpy())
        np.testing.assert_allclose(mu[b].numpy(), alone_mu, atol=1e-12)
        np.testing.assert_allclose((log_variance[b] / 2).exp().numpy(), alone_sigma, atol=1e-12)


@torch.inference_mode()
def test_the_backward_encoder_reads_the_drawing_back_to_front() -> None:
    torch.manual_seed(0)
    model = MODELS["vae"]().double().eval()
    model.backward_cell.load_state_dict(model.forward_cell.state_dict())
    size = model.architecture.encoder_hidden
    model.mu.weight.data.zero_()
    model.mu.bias.data.zero_()
    # mu shows three units of the forward half, then of the backward half: they swap with the drawing's order.
    rows = _rows(1, 5)
    model.mu.weight.data[:, :3] = torch.eye(3, dtype=torch.float64)
    forward, _ = model.encode(rows[0].numpy())
    model.mu.weight.data[:] = 0.0
    model.mu.weight.data[:, size : size + 3] = torch.eye(3, dtype=torch.float64)
    backward, _ = model.encode(rows[0].flip(0).numpy())
    np.testing.assert_allclose(forward, backward, atol=1e-12)


def test_a_backend_is_found_by_its_name() -> None:
    assert backend("decoder") is DecoderModel
    assert backend("vae") is VaeModel
    with pytest.raises(PluginError, match="did you mean 'decoder'"):
        backend("decodr")


@pytest.mark.parametrize("sizes", [{"hidden": 0}, {"hidden": 10**9}, {"mixtures": True}, {"mixtures": 2.0}])
def test_sizes_out_of_range_are_refused(sizes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="must be a whole number in 1"):
        DecoderArchitecture(**sizes)


# --- classes --------------------------------------------------------------------------------------------


LABELLED = {
    "decoder": lambda card: DecoderModel(DecoderArchitecture(6, 3, classes=2, embedding=4), card),
    "vae": lambda card: VaeModel(VaeArchitecture(4, 6, 3, 2, classes=2, embedding=4), card),
}


@pytest.fixture(params=sorted(LABELLED))
def labelled(request: pytest.FixtureRequest) -> SketchModel:
    torch.manual_seed(5)
    card = ModelCard(name="zoo", classes=("cat", "pig"), scale_factor=2.0)
    return LABELLED[request.param](card).double().requires_grad_(False).eval()


def test_a_class_changes_what_is_drawn_and_none_is_a_class_of_its_own(labelled: SketchModel) -> None:
    z = _latent(labelled, 1)
    latent = None if z is None else z[0]
    rows = _rows(1, 4)[0].numpy()
    raws = [labelled.raw_outputs(rows, z=latent, class_name=label) for label in ("cat", "pig", None)]
    assert not np.allclose(raws[0], raws[1]) and not np.allclose(raws[0], raws[2])


@torch.inference_mode()
def test_each_row_has_its_own_class(labelled: SketchModel) -> None:
    rows, z = _rows(3, 4), _latent(labelled, 3)
    together, _ = labelled(rows, labelled.initial_state(3, z, torch.tensor([1, 2, 0])))
    for b, label in enumerate(("pig", None, "cat")):
        state = labelled.initial_state(1, None if z is None else z[b : b + 1], labelled.label_index(label))
        expected, _ = labelled(rows[b : b + 1], state)
        torch.testing.assert_close(together[b : b + 1], expected, rtol=0, atol=1e-12)


def test_an_unknown_class_is_refused_with_the_nearest(labelled: SketchModel) -> None:
    with pytest.raises(InputError, match="the model 'zoo' does not draw 'pg': did you mean 'pig'"):
        labelled.label_index("pg")


def test_a_model_without_classes_cannot_be_told_what_to_draw(model: SketchModel) -> None:
    with pytest.raises(InputError, match="knows no classes"):
        model.label_index("cat")
    with pytest.raises(InputError, match="knows no classes"):
        model.initial_state(1, _latent(model, 1), torch.tensor([0]))


def test_a_model_of_classes_needs_their_names() -> None:
    with pytest.raises(InputError, match="a model of 2 classes needs as many names, its card has 0"):
        DecoderModel(DecoderArchitecture(hidden=4, mixtures=1, classes=2), ModelCard())


def test_one_class_of_a_model_is_exported_for_the_javascript_libraries(labelled: SketchModel) -> None:
    z = _latent(labelled, 1)
    latent = None if z is None else z[0]
    rows = _rows(1, 4)[0].numpy()
    for label in ("cat", "pig", None):
        there = parse_magenta(dump_magenta(labelled, class_name=label), torch.float64)
        assert not there.labelled
        assert (there.card.start, there.card.classes) == (PAPER_START, (label or "zoo",))
        assert there.card.name == (label or "zoo")
        raw = there.raw_outputs(rows, start=PAPER_START, z=latent)
        expected = labelled.raw_outputs(rows, z=latent, class_name=label)
        np.testing.assert_allclose(raw, expected, atol=0.02)


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [np.zeros((5, 3)), np.zeros(10), np.zeros((2, 2, 5)), [["a"] * 5], 7.0])
def test_raw_outputs_want_rows_of_five_numbers(model: SketchModel, rows: object) -> None:
    latent = np.zeros(3) if model.conditional else None
    with pytest.raises(InputError, match=r"stroke-5 must"):
        model.raw_outputs(rows, z=latent)


@pytest.mark.parametrize("z", [[0.5], 0.5, np.zeros(4), np.zeros((2, 3)), ["x"] * 3])
def test_a_latent_vector_of_another_shape_is_refused(z: object) -> None:
    with pytest.raises(InputError, match=r"z must have the shape \[1, 3\]|a latent vector must be numbers"):
        MODELS["vae"]().raw_outputs(np.zeros((1, 5)), z=z)


def test_the_encoder_refuses_what_is_no_drawing_and_works_in_half_precision() -> None:
    model = MODELS["vae"]()
    with pytest.raises(InputError, match="without rows"):
        model.encode(np.zeros((0, 5)))
    with pytest.raises(InputError, match="must have the shape"):
        model.encode(np.zeros((5, 3)))
    mu, sigma = model.to(torch.bfloat16).encode(np.zeros((2, 5)))
    assert mu.dtype == sigma.dtype == np.float32


def test_a_model_that_has_drawn_can_still_be_trained(model: SketchModel) -> None:
    z = _latent(model, 1)
    model.raw_outputs(np.zeros((2, 5)), z=None if z is None else z[0])
    model.train()
    raw, _ = model(_rows(2, 3), model.initial_state(2, _latent(model, 2)))
    raw.sum().backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if "decoder" in name)


def test_whether_z_is_squashed_must_be_true_or_false() -> None:
    with pytest.raises(InputError, match="tanh_z must be true or false, got 'no'"):
        VaeArchitecture(tanh_z="no")


@torch.inference_mode()
@pytest.mark.parametrize("name", ["placed", "placed vae"])
def test_a_model_that_reads_where_the_pen_is_minds_the_way_there(name: str) -> None:
    torch.manual_seed(4)
    model = MODELS[name]().double().eval()
    rows, z = _rows(1, 6).repeat(2, 1, 1), _latent(model, 1)
    rows[1, 2, :2] += 1.0  # one row leads elsewhere, and from there all that follow
    raw, state = model(rows, model.initial_state(2, None if z is None else z.repeat(2, 1)))
    torch.testing.assert_close(state[2], rows[..., :2].sum(1), rtol=0, atol=1e-12)
    assert not torch.allclose(raw[0, 2:], raw[1, 2:])
    torch.testing.assert_close(raw[0, :2], raw[1, :2], rtol=0, atol=1e-12)


@torch.inference_mode()
def test_the_place_of_the_pen_is_kept_in_full_precision() -> None:
    model = MODELS["placed"]().to(torch.bfloat16).eval()
    rows = torch.zeros(1, 500, 5, dtype=torch.bfloat16)
    rows[..., 0], rows[..., 2] = 1.0, 1.0
    state = model.initial_state(1)
    for t in range(500):
        _, state = model.step(rows[:, t], state)
    assert state[2].tolist() == [[500.0, 0.0]]
    assert model(rows, model.initial_state(1))[1][2].tolist() == [[500.0, 0.0]]


@pytest.mark.parametrize("value", [1, "yes", None])
def test_a_model_reads_the_place_or_does_not(value: object) -> None:
    with pytest.raises(InputError, match="position must be true or false"):
        DecoderArchitecture(position=value)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="position must be true or false"):
        VaeArchitecture(position=value)  # type: ignore[arg-type]


def test_magentas_format_cannot_hold_a_model_that_reads_the_place() -> None:
    for name in ("placed", "placed vae"):
        with pytest.raises(CheckpointError, match="where the pen is"):
            dump_magenta(MODELS[name]())
