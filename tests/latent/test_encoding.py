"""Drawings to latent vectors, and latent vectors from the prior."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import sketchkit as sk
from sketchkit.card import ModelCard
from sketchkit.errors import InputError
from sketchkit.latent import check_z, encode, encode_rows, encoding, latent_size, posterior, prior
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.noise import DRAWING, LATENT, POSTERIOR, normals, uniforms
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset, prepare_sketches, synth
from sketchkit.units import MAX_READ, read_whole

SQUARE = Sketch.from_polylines([[(10, 10), (265, 10), (265, 265)], [(265, 265), (10, 265), (10, 10)]])


def _wholes(n: int = 24) -> list[Sketch]:
    return list(synth(n, seed=3))


# --- encode -------------------------------------------------------------------------------------------


def test_a_drawing_is_encoded_as_the_model_encodes_its_rows(tiny_vae: VaeModel) -> None:
    drawings = _wholes(8)
    mu, sigma = encode(tiny_vae, drawings)
    assert mu.shape == sigma.shape == (8, tiny_vae.architecture.latent)
    assert mu.dtype == sigma.dtype == np.float32
    for i, drawing in enumerate(drawings):
        expected = tiny_vae.encode(read_whole(drawing, tiny_vae.card).rows)
        np.testing.assert_allclose((mu[i], sigma[i]), expected, atol=1e-6)


def test_the_encoder_reads_what_training_reads(tiny_vae: VaeModel, tmp_path: object) -> None:
    drawings = [drawing.transformed(3.7, (400.0, -20.0)) for drawing in _wholes(12)]
    made = prepare_sketches(drawings, f"{tmp_path}/set")
    stored = [row for split in ("train", "valid", "test") for row in _ink(made, split)]
    stored = [rows / [*[tiny_vae.card.scale_factor] * 2, 1, 1, 1] for rows in stored]
    assert len(stored) == 12
    ours, theirs = encode(tiny_vae, drawings)[0], encode_rows(tiny_vae, stored)[0]
    order = [int(np.abs(theirs - row).sum(axis=1).argmin()) for row in ours]
    assert sorted(order) == list(range(12))
    np.testing.assert_allclose(ours, theirs[order], atol=1e-6)


def _ink(made: Dataset, split: str) -> list[np.ndarray]:
    part = made.split(split)
    return [part.drawing(i)[:-1].astype(np.float64) for i in range(len(part))]


def test_neither_size_nor_place_nor_an_end_row_nor_dots_matter(tiny_vae: VaeModel) -> None:
    wanted, _ = encode(tiny_vae, [SQUARE])
    dotted = SQUARE + Sketch.from_polylines([[(50, 50)]])
    for same in (
        SQUARE.transformed(0.01, (-7.0, 3.0)),
        SQUARE.transformed(1000.0),
        SQUARE.with_end(),
        dotted,
    ):
        np.testing.assert_allclose(encode(tiny_vae, [same])[0], wanted, atol=1e-5)


def test_a_prepared_drawing_is_read_as_it_stands(tiny_vae: VaeModel) -> None:
    line = Sketch.from_polylines([[(3, 4), (5, 5), (7, 6)]])
    whole = read_whole(line, ModelCard(scale_factor=2.0), prepared=True)
    np.testing.assert_allclose(whole.rows, [[1, 0.5, 1, 0, 0], [1, 0.5, 0, 1, 0]])
    assert (whole.place, whole.factor) == ((3.0, 4.0), 0.5)
    expected = encode_rows(tiny_vae, [read_whole(line, tiny_vae.card, prepared=True).rows])
    np.testing.assert_array_equal(encode(tiny_vae, [line], prepared=True), expected)
    assert not np.allclose(encode(tiny_vae, [line])[0], expected[0], atol=1e-4)


def test_others_change_no_drawings_place(tiny_vae: VaeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    drawings = _wholes()
    together, _ = encode(tiny_vae, drawings)
    np.testing.assert_allclose(encode(tiny_vae, drawings[::-1])[0][::-1], together, atol=1e-6)
    exact, _ = encode(tiny_vae, drawings, exact=True)
    np.testing.assert_array_equal(encode(tiny_vae, drawings[5:7], exact=True)[0], exact[5:7])
    monkeypatch.setattr("sketchkit.latent.encoding._ROWS_AT_ONCE", 50)
    np.testing.assert_allclose(encode(tiny_vae, drawings)[0], together, atol=1e-6)


def test_no_drawings_have_no_places(tiny_vae: VaeModel) -> None:
    mu, sigma = encode(tiny_vae, [])
    assert mu.shape == sigma.shape == (0, tiny_vae.architecture.latent)


def test_a_line_without_length_can_be_encoded(tiny_vae: VaeModel) -> None:
    assert np.isfinite(encode(tiny_vae, [Sketch.from_polylines([[(5, 5), (5, 5)]])])).all()


def test_what_cannot_be_encoded_is_refused(tiny_vae: VaeModel, tiny_model: SketchModel) -> None:
    with pytest.raises(InputError, match="the model 'tiny' has no encoder: only a conditional VAE has one"):
        encode(tiny_model, [SQUARE])
    for empty in (Sketch.from_polylines([]), Sketch.from_polylines([[(7, 8)]])):
        with pytest.raises(InputError, match="drawing 1: a drawing without a line cannot be encoded"):
            encode(tiny_vae, [SQUARE, empty])
        with pytest.raises(InputError, match="dot: a drawing without a line"):
            encode(tiny_vae, [SQUARE, empty.labelled(None, "dot")])
    with pytest.raises(InputError, match="a drawing without rows"):
        encode_rows(tiny_vae, [np.zeros((0, 5))])
    with pytest.raises(InputError, match="a model is needed, not its name"):
        encode("doodle", [SQUARE])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a list of sketches is needed"):
        encode(tiny_vae, SQUARE)  # type: ignore[arg-type]
    long = Sketch.from_polylines([np.arange(2 * MAX_READ + 4).reshape(-1, 2) % 97])
    with pytest.raises(InputError, match=f"the limit is {MAX_READ}"):
        encode(tiny_vae, [long], prepared=True)


# --- the prior ----------------------------------------------------------------------------------------


def _wide(latent: int) -> VaeModel:
    return VaeModel(VaeArchitecture(encoder_hidden=2, hidden=2, latent=latent, mixtures=1), ModelCard())


def test_a_latent_vector_depends_on_the_seed_and_its_index_alone(tiny_vae: VaeModel) -> None:
    many = prior(tiny_vae, 40, seed=5)
    np.testing.assert_array_equal(prior(tiny_vae, 3, seed=5, first=20), many[20:23])
    assert not np.isin(prior(tiny_vae, 40, seed=6), many).any()
    longer = prior(_wide(9), 40, seed=5)
    np.testing.assert_array_equal(longer[:, : many.shape[1]], many)


def test_the_prior_is_a_standard_normal_distribution() -> None:
    z = prior(_wide(128), 2000, seed=1).astype(np.float64)
    values = np.sort(z.ravel())
    theory = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in values[::16]])
    assert np.abs(theory - np.arange(len(values))[::16] / len(values)).max() < 1.95 / math.sqrt(len(values))
    correlations = np.corrcoef(z.T) - np.eye(128)
    assert np.abs(correlations).max() < 5.5 / math.sqrt(2000)


def test_the_latent_vector_and_the_points_of_a_drawing_share_no_noise() -> None:
    index, step = torch.arange(64)[:, None], torch.arange(512)
    points = uniforms(9, index, step, DRAWING).flatten(0, 1).tolist()
    latents = uniforms(9, index, step, LATENT).flatten(0, 1).tolist()
    assert {*map(tuple, points)}.isdisjoint(map(tuple, latents))
    torch.testing.assert_close(uniforms(9, index, step), uniforms(9, index, step, DRAWING), rtol=0, atol=0)


# --- latent vectors that are given ----------------------------------------------------------------------


def test_latent_vectors_have_the_models_own_length(tiny_vae: VaeModel, tiny_model: SketchModel) -> None:
    assert latent_size(tiny_vae) == tiny_vae.architecture.latent
    with pytest.raises(InputError, match="the model 'tiny' is unconditional: it has no latent vector z"):
        latent_size(tiny_model)


@pytest.mark.parametrize(
    ("z", "complaint"),
    [
        (np.zeros((3, 6)), r"must have the shape \[2, 6\], got \[3, 6\]"),
        (np.zeros(6), r"must have the shape \[2, 6\], got \[6\]"),
        ([[0.0] * 6, [math.nan] * 6], "not finite"),
        ([[0.0] * 6, [1e300] * 6], "not finite"),
        ([[0.0] * 6, ["x"] * 6], "must be an array of numbers"),
        ([[0.0] * 6, [0.0]], "must be an array of numbers"),
    ],
    ids=["too many", "flat", "nan", "huge", "words", "ragged"],
)
def test_latent_vectors_that_do_not_fit_are_refused(tiny_vae: VaeModel, z: object, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        check_z(tiny_vae, z, 2)  # type: ignore[arg-type]


def test_however_many_latent_vectors_fit_where_no_number_is_asked_for(tiny_vae: VaeModel) -> None:
    assert check_z(tiny_vae, np.zeros((5, 6)), None).shape == (5, 6)
    with pytest.raises(InputError, match=r"must have the shape \[n, 6\], got \[5, 7\]"):
        check_z(tiny_vae, np.zeros((5, 7)), None)


def test_encode_is_public() -> None:
    assert sk.encode is encode


def test_the_old_name_of_check_z_works_and_warns(tiny_vae: VaeModel) -> None:
    with pytest.warns(DeprecationWarning, match="checked_z is called check_z now"):
        assert sk.latent.checked_z(tiny_vae, np.zeros((5, 6)), None).shape == (5, 6)


# --- draws from posteriors ----------------------------------------------------------------------------


def test_draws_spread_around_the_mean_as_sigma_says() -> None:
    mu, sigma = np.array([[3.0, -1.0]], np.float32), np.array([[0.5, 2.0]], np.float32)
    z = posterior(mu, sigma, 4_000, seed=1)
    assert z.shape == (1, 4_000, 2)
    np.testing.assert_allclose(z[0].mean(0), mu[0], atol=4 * 2.0 / np.sqrt(4_000))
    np.testing.assert_allclose(z[0].std(0), sigma[0], rtol=0.05)


def test_a_draw_depends_on_its_drawing_and_its_number_alone() -> None:
    mu, sigma = np.zeros((3, 4), np.float32), np.ones((3, 4), np.float32)
    many, few = posterior(mu, sigma, 5), posterior(mu[:2], sigma[:2], 2)
    np.testing.assert_array_equal(many[:2, :2], few)
    assert len(np.unique(many.round(5))) == many.size
    assert not np.array_equal(many, posterior(mu, sigma, 5, seed=1))


@pytest.mark.parametrize("shape", [(3, 5), (4,)])
def test_draws_need_means_and_spreads_that_go_together(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="of one shape"):
        posterior(np.zeros((3, 4)), np.ones(shape), 2)
    for bad, complaint in ((0, "1 or more, got 0"), (1.5, "a whole number, got 1.5")):
        with pytest.raises(InputError, match=f"^draws must be {complaint}$"):
            posterior(np.zeros((3, 4)), np.ones((3, 4)), bad)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^seed must be a whole number"):
        posterior(np.zeros((3, 4)), np.ones((3, 4)), 2, seed=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(("n", "draws", "size"), [(5, 7, 6), (3, 4, 128), (9, 1, 5), (2, 33, 3)])
@pytest.mark.parametrize("at_once", [16, 100, 1_000])
def test_draws_made_in_pieces_are_the_same(
    n: int, draws: int, size: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mu = np.random.default_rng(1).normal(size=(n, size)).astype(np.float32)
    whole = posterior(mu, abs(mu), draws, seed=3)
    noise = normals(3, torch.arange(n), draws * size, POSTERIOR).numpy().reshape(n, draws, size)
    np.testing.assert_array_equal(whole, mu[:, None] + abs(mu)[:, None] * noise)
    monkeypatch.setattr(encoding, "_NUMBERS_AT_ONCE", at_once)
    np.testing.assert_array_equal(posterior(mu, abs(mu), draws, seed=3), whole)


def test_more_draws_than_any_memory_holds_are_refused() -> None:
    vectors = np.broadcast_to(np.float32(0), (1_000_000, 128))
    with pytest.raises(
        InputError, match=r"^1000000000000 draws of each of 1000000 drawings, .* GB, are more"
    ):
        posterior(vectors, vectors, 10**12)
