"""The prior that a model has learnt: what it draws, and the ways that lead through its noise."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sketchkit as sk
from sketchkit.card import ModelCard
from sketchkit.checkpoints.load import load_model
from sketchkit.checkpoints.magenta import dump_magenta
from sketchkit.errors import CheckpointError, InputError
from sketchkit.latent import combine, latent_path, path, prior, resolve_path, typical
from sketchkit.latent.flows import noise_of
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.training.data import Dataset, prepare_sketches, synth
from sketchkit.training.prior import PriorRecipe, fit_prior
from sketchkit.training.transfer import summary, take_weights

CLASSES = ("face", "sun")
SIZES = VaeArchitecture(encoder_hidden=8, hidden=12, latent=6, mixtures=2, classes=2, embedding=4)
SHORT = PriorRecipe(steps=400, batch=64, axes=4, hidden=32, rate=5e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return prepare_sketches(synth(160, seed=2, classes=CLASSES), tmp_path_factory.mktemp("prior") / "set")


@pytest.fixture(scope="module")
def plain() -> VaeModel:
    """A VAE whose latent vectors lie far from N(0, I), in two clouds that classes hardly share."""
    torch.manual_seed(3)
    model = VaeModel(SIZES, ModelCard(name="small", classes=CLASSES, scale_factor=30.0))
    with torch.no_grad():
        model.mu.weight.mul_(3.0)
        model.mu.bias.fill_(2.0)
        model.decoder.output.bias[:3] = torch.tensor([1.0, 0.0, -3.0])  # draw, lift, end
        model.initial.weight.mul_(4.0)
    return model.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def fitted(plain: VaeModel, data: Dataset) -> VaeModel:
    return fit_prior(plain, data, SHORT)


def _means(model: VaeModel, data: Dataset, name: str) -> np.ndarray:
    """The latent vectors of the training drawings of a class."""
    split = data.split("train")
    places = np.flatnonzero(split.classes == data.classes.index(name))
    return sk.encode(model, [sk.Sketch(split.drawing(int(i))) for i in places], prepared=True)[0]


def test_the_prior_draws_what_the_encoder_gives(fitted: VaeModel, plain: VaeModel, data: Dataset) -> None:
    def away(drawn: np.ndarray, real: np.ndarray) -> float:
        """How far two means are apart, in deviations of the latent vectors."""
        return float(np.abs((drawn.mean(0) - real.mean(0)) / real.std(0)).mean())

    for name, other in (CLASSES, CLASSES[::-1]):
        real = _means(fitted, data, name)
        drawn = prior(fitted, 2000, seed=1, class_name=name, z_temperature=1.0)
        wrong = away(prior(fitted, 2000, seed=1, class_name=other, z_temperature=1.0), real)
        assert away(drawn, real) < 0.35 and 1.5 * away(drawn, real) < wrong
        assert away(prior(plain, 2000, seed=1), real) > 2
        # Along the axes that the flow moves, it spreads as much as the drawings do.
        assert fitted.prior is not None
        axes = fitted.prior.basis.numpy()
        ratio = (drawn @ axes.T).std(0) / (real @ axes.T).std(0)
        assert (ratio > 0.6).all() and (ratio < 1.5).all(), ratio


def test_less_temperature_is_nearer_to_the_typical_drawing(fitted: VaeModel) -> None:
    drawn = {t: prior(fitted, 200, class_name="sun", z_temperature=t) for t in (0.0, 0.5, 1.0)}
    assert np.allclose(drawn[0.0], drawn[0.0][0], atol=1e-5)
    assert drawn[0.5].std() < drawn[1.0].std()
    np.testing.assert_array_equal(prior(fitted, 9), prior(fitted, 9, z_temperature=0.5))


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
    np.testing.assert_allclose(prior(half, 5), prior(fitted, 5), atol=0.1)
    assert half.dtype == torch.bfloat16


def test_the_seed_alone_decides_the_fit(plain: VaeModel, data: Dataset) -> None:
    def weights(seed: int) -> torch.Tensor:
        made = fit_prior(plain, data, dataclasses.replace(SHORT, steps=3, seed=seed)).prior
        assert made is not None
        return made.last.weight

    before = torch.get_rng_state()
    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))
    assert torch.equal(torch.get_rng_state(), before)


def _noise(model: VaeModel, z: np.ndarray, name: str) -> np.ndarray:
    flow = model.flow
    assert flow is not None
    return noise_of(model, flow, z.astype(np.float64), np.full(len(z), CLASSES.index(name)))[0]


def _six(given: np.ndarray, method: Any) -> np.ndarray:
    return path(given, 6, method)


def test_a_way_through_the_noise_has_its_stations_on_it(fitted: VaeModel) -> None:
    stations = prior(fitted, 2, seed=8, class_name=["face", "sun"]).astype(np.float64)
    stations[1] += 0.3  # beside the axes, too
    z, names = latent_path(fitted, stations, CLASSES, _six)
    np.testing.assert_allclose(z[[0, -1]], stations, atol=1e-5)
    assert names == ["face"] * 3 + ["sun"] * 3
    noise = [_noise(fitted, stations[[k]], name)[0] for k, name in enumerate(CLASSES)]
    # Two fifths of the way: 0.96 of a half is taken off.
    between = 0.52 * _six(np.stack(noise), "lerp")[2]
    np.testing.assert_allclose(_noise(fitted, z[[2]], "face")[0], between, atol=0.1)
    for method in ("slerp", "lerp"):
        plain, _ = latent_path(fitted, stations, CLASSES, _six, method)
        np.testing.assert_allclose(plain, _six(stations, method), atol=1e-5)
        assert np.abs(z[2] - plain[2]).max() > 0.01
    told, names = latent_path(fitted, stations, CLASSES, _six, class_name="sun")
    assert names == ["sun"] * 6
    np.testing.assert_allclose(told[-1], stations[1], atol=1e-5)
    assert np.abs(told[0] - stations[0]).max() > 0.05  # a face's noise, and the sun that it makes
    unknown, _ = latent_path(fitted, stations, [None, None], _six, class_name="sun")
    np.testing.assert_allclose(unknown[[0, -1]], stations, atol=1e-5)


def test_a_sum_through_the_noise_gives_back_what_is_added_and_taken_away(fitted: VaeModel) -> None:
    z, labels = prior(fitted, 3, seed=2, class_name="sun"), ["sun"] * 3
    same = combine(fitted, z[[0, 0, 1]], labels, (1, -1, 1))
    np.testing.assert_allclose(same, z[1], atol=0.02)
    np.testing.assert_allclose(combine(fitted, z, labels, (1, -1, 1), "slerp"), z[0] - z[1] + z[2], atol=1e-6)
    both = np.stack([*z, combine(fitted, z, labels, (1, -1, 1))])
    lengths = np.linalg.norm(_noise(fitted, both, "sun"), axis=1)
    assert lengths[3] <= lengths[:3].mean() * 1.05


def test_what_drawings_have_in_common_is_the_mean_of_their_noise(fitted: VaeModel) -> None:
    z, labels = prior(fitted, 5, seed=2, class_name="sun"), ["sun"] * 5
    groups = [np.array([3]), np.array([0, 1, 2])]
    found = typical(fitted, z, labels, groups, ["sun", "sun"])
    np.testing.assert_allclose(found[0], z[3], atol=0.02)
    np.testing.assert_allclose(
        _noise(fitted, found[1:], "sun")[0], _noise(fitted, z[:3], "sun").mean(0), atol=0.05
    )
    plain = typical(fitted, z, labels, groups, ["sun", "sun"], "slerp")
    np.testing.assert_allclose(plain[1], z[:3].mean(0), atol=1e-6)


def test_the_path_decides_what_is_drawn(fitted: VaeModel) -> None:
    drawings = list(synth(20, seed=5, classes=CLASSES))
    usual: dict[str, Any] = {"temperature": 0.1, "max_points": 20}
    face, sun = drawings[0], next(each for each in drawings if each.label != drawings[0].label)
    located = sk.locate(fitted, drawings)
    for draw in (
        lambda **more: sk.interpolate(fitted, [face, sun], 5, **usual, **more),
        lambda **more: sk.analogy(fitted, face, sun, drawings[3], **usual, **more),
        lambda **more: list(sk.atlas(fitted, located, (2, 3), **usual, **more).sketches),
    ):
        assert draw() == draw(path="prior") != draw(path="slerp")


def test_a_class_without_drawings_draws_as_no_class_does(plain: VaeModel, tmp_path: Path) -> None:
    data = prepare_sketches(synth(60, seed=2, classes=("sun", "cup")), tmp_path / "set")
    made = fit_prior(plain, data, SHORT)
    np.testing.assert_array_equal(prior(made, 4, class_name="face"), prior(made, 4))
    assert np.abs(prior(made, 4, class_name="sun") - prior(made, 4)).max() > 0.01
    assert made.card.provenance["prior"]["data"] == data.manifest.fingerprint


def test_a_prior_does_not_get_lost_unsaid(plain: VaeModel, fitted: VaeModel) -> None:
    with pytest.raises(CheckpointError, match="cannot hold a prior"):
        dump_magenta(fitted, class_name="sun")
    dump_magenta(plain, class_name="sun")
    assert summary(VaeModel(SIZES, plain.card), fitted).endswith("; without its prior")
    other = VaeModel(dataclasses.replace(SIZES, classes=3), ModelCard(classes=("cat", "face", "sun")))
    take_weights(other, fitted)
    assert torch.equal(other.mu.weight, plain.mu.weight)


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
    with pytest.raises(InputError, match="does not draw 'tree'"):
        prior(plain, 2, class_name="tree")
    with pytest.raises(InputError, match="3 latent vectors need as many classes"):
        prior(fitted, 3, class_name=["sun", "sun"])
    with pytest.raises(InputError, match="seed"):
        PriorRecipe(seed=2**70)
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
