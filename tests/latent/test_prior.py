"""The prior that a model has learnt: what it draws, and the ways that lead through its noise."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

import sketchkit as sk
from sketchkit.card import ModelCard
from sketchkit.checkpoints.load import load_model
from sketchkit.errors import InputError
from sketchkit.latent import combine, path, prior, resolve_path, way
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.training.data import Dataset, prepare_sketches, synth
from sketchkit.training.prior import PriorRecipe, fit_prior
from sketchkit.training.transfer import take_weights

CLASSES = ("face", "sun")
SIZES = VaeArchitecture(encoder_hidden=8, hidden=12, latent=6, mixtures=2, classes=2, embedding=4)
SHORT = PriorRecipe(steps=400, batch=64, axes=4, hidden=32, rate=5e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return prepare_sketches(synth(160, seed=2, classes=CLASSES), tmp_path_factory.mktemp("prior") / "set")


@pytest.fixture(scope="module")
def plain() -> VaeModel:
    torch.manual_seed(3)
    return VaeModel(SIZES, ModelCard(name="small", classes=CLASSES, scale_factor=30.0)).eval()


@pytest.fixture(scope="module")
def fitted(plain: VaeModel, data: Dataset) -> VaeModel:
    return fit_prior(plain, data, SHORT)


def test_the_prior_draws_what_the_encoder_gives(fitted: VaeModel, data: Dataset) -> None:
    split = data.split("train")
    drawings = [sk.Sketch(split.drawing(i)) for i in range(len(split))]
    mu, sigma = sk.encode(fitted, drawings, prepared=True)
    z = mu + sigma * np.random.default_rng(0).normal(size=mu.shape)
    for index, name in enumerate(data.classes):
        real = z[split.classes == index]
        drawn = prior(fitted, 2000, seed=1, class_name=name, z_temperature=1.0)
        spread = real.std(0)
        assert np.abs((drawn.mean(0) - real.mean(0)) / spread).max() < 0.5
        # Along the axes that the flow moves, it spreads as much as the drawings do.
        assert fitted.prior is not None
        axes = fitted.prior.basis.detach().numpy()
        ratio = (drawn @ axes.T).std(0) / (real @ axes.T).std(0)
        assert (ratio > 0.6).all() and (ratio < 1.5).all(), ratio


def test_less_temperature_is_nearer_to_the_typical_drawing(fitted: VaeModel) -> None:
    drawn = {t: prior(fitted, 200, class_name="sun", z_temperature=t) for t in (0.0, 0.5, 1.0)}
    assert np.allclose(drawn[0.0], drawn[0.0][0], atol=1e-5)
    assert drawn[0.5].std() < drawn[1.0].std()
    np.testing.assert_array_equal(prior(fitted, 9), prior(fitted, 9, z_temperature=0.7))


def test_a_latent_vector_is_a_function_of_seed_class_and_index(fitted: VaeModel) -> None:
    several = prior(fitted, 6, seed=4, class_name=["sun", "face", None] * 2, exact=True)
    for i, name in enumerate(("sun", "face", None)):
        alone = prior(fitted, 1, seed=4, first=i, class_name=name, exact=True)
        np.testing.assert_array_equal(alone[0], several[i])
    assert not np.allclose(several[0], prior(fitted, 1, seed=4, class_name="face")[0])
    assert prior(fitted, 0).shape == (0, 6)


def test_encoder_and_decoder_stay_as_they_are(plain: VaeModel, fitted: VaeModel, tmp_path: Path) -> None:
    for name, weight in plain.state_dict().items():
        assert torch.equal(weight, fitted.state_dict()[name]), name
    fitted.save(tmp_path / "fitted.safetensors")
    again = load_model(tmp_path / "fitted.safetensors", device="cpu")
    np.testing.assert_array_equal(prior(again, 5, class_name="sun"), prior(fitted, 5, class_name="sun"))
    half = load_model(tmp_path / "fitted.safetensors", dtype="bfloat16", device="cpu")
    np.testing.assert_allclose(prior(half, 5), prior(fitted, 5), atol=0.5)
    assert half.dtype == torch.bfloat16


def test_the_seed_alone_decides_the_fit(plain: VaeModel, data: Dataset) -> None:
    def weights(seed: int) -> torch.Tensor:
        made = fit_prior(plain, data, dataclasses.replace(SHORT, steps=3, seed=seed)).prior
        assert made is not None
        return made.last.weight

    before = torch.get_rng_state()
    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_way_through_the_noise_has_its_stations_on_it(fitted: VaeModel) -> None:
    stations = prior(fitted, 2, seed=8, class_name=["face", "sun"]).astype(np.float64)
    stations[1] += 0.3  # beside the axes, too
    z, names = way(fitted, stations, CLASSES, lambda given, method: path(given, 6, method))
    np.testing.assert_allclose(z[[0, -1]], stations, atol=1e-5)
    assert names == ["face"] * 3 + ["sun"] * 3
    straight, _ = way(fitted, stations, CLASSES, lambda given, method: path(given, 6, method), "lerp")
    np.testing.assert_allclose(straight, path(stations, 6, "lerp"), atol=1e-6)
    assert np.abs(z[2] - straight[2]).max() > 0.01


def test_a_sum_through_the_noise_gives_back_what_is_added_and_taken_away(fitted: VaeModel) -> None:
    z, labels = prior(fitted, 3, seed=2, class_name="sun"), ["sun"] * 3
    same = combine(fitted, z[[0, 0, 1]], labels, (1, -1, 1))
    np.testing.assert_allclose(same, z[1], atol=0.02)
    np.testing.assert_allclose(combine(fitted, z, labels, (1, -1, 1), "slerp"), z[0] - z[1] + z[2], atol=1e-6)
    noise = [_length(fitted, each) for each in (*z, combine(fitted, z, labels, (1, -1, 1)))]
    assert noise[3] <= np.mean(noise[:3]) * 1.05


def _length(model: VaeModel, z: np.ndarray) -> float:
    assert model.prior is not None
    with torch.inference_mode():
        x, _ = model.prior.coordinates(torch.from_numpy(z)[None])
        return float(model.prior.inverse(x, model.classes_of(1, model.label_index("sun"))).norm())


def test_a_model_draws_from_its_prior_by_default(fitted: VaeModel, plain: VaeModel) -> None:
    z = prior(fitted, 3, seed=1, class_name="sun")
    drawn = sk.sample(fitted, 3, seed=1, class_name="sun")
    assert drawn == sk.sample(fitted, 3, seed=1, class_name="sun", z=z)
    assert drawn != sk.sample(plain, 3, seed=1, class_name="sun")
    assert drawn != sk.sample(fitted, 3, seed=1, class_name="sun", z_temperature=0.2)
    assert resolve_path(fitted, None) == "prior" and resolve_path(plain, None) == "slerp"


def test_training_that_goes_on_leaves_the_prior_behind(plain: VaeModel, fitted: VaeModel) -> None:
    fresh = VaeModel(SIZES, fitted.card)
    take_weights(fresh, fitted)
    assert torch.equal(fresh.mu.weight, plain.mu.weight) and fresh.prior is None


def test_what_does_not_go_together_is_refused(fitted: VaeModel, plain: VaeModel, tiny_model: object) -> None:
    with pytest.raises(InputError, match="has no learnt prior"):
        resolve_path(plain, "prior")
    with pytest.raises(InputError, match="must be prior, slerp or lerp"):
        resolve_path(fitted, "straight")  # type: ignore[arg-type]
    for wrong in (-0.1, 11, "warm", True, float("nan")):
        with pytest.raises(InputError, match="the temperature of z"):
            prior(fitted, 1, z_temperature=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="which has no z"):
        sk.sample(tiny_model, 1, z_temperature=0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a z that is given"):
        sk.sample(plain, 1, z=np.zeros((1, 6)), z_temperature=0.5)
    with pytest.raises(InputError, match="a prior along 7 axes does not fit"):
        dataclasses.replace(SIZES, prior=8, prior_axes=7)
    with pytest.raises(InputError, match="invalid training of a prior"):
        PriorRecipe(rate=0)


def test_too_few_drawings_give_no_prior(plain: VaeModel, tmp_path: Path) -> None:
    few = prepare_sketches(synth(6, classes=CLASSES), tmp_path / "few")
    with pytest.raises(InputError, match="needs more than 4 drawings"):
        fit_prior(plain, few, SHORT)
