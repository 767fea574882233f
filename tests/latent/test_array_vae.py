"""A conditional VAE on numpy alone: the vectors, drawings and likelihoods of the same model on torch."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sketchkit import analogy, atlas, decode, encode, grid, interpolate, locate, reconstruct, sample, score
from sketchkit.checkpoints.array_models import load_array_model
from sketchkit.checkpoints.load import load_model
from sketchkit.errors import InputError
from sketchkit.formats import read
from sketchkit.generate import live_drawings, live_reconstructions
from sketchkit.latent import combine, latent_path, path, prior, typical
from sketchkit.models import DrawingModel, SketchModel
from sketchkit.models.array_model import ArrayVae
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.sketch import Sketch

EXAMPLES = Path(__file__).parents[2] / "examples/drawings"
Pair = tuple[DrawingModel, DrawingModel]


def _tiny(tiny_vae: VaeModel, **sizes: Any) -> VaeModel:
    torch.manual_seed(5)
    architecture = VaeArchitecture(encoder_hidden=7, hidden=16, latent=6, mixtures=3, embedding=4, **sizes)
    classes = tuple(f"class {k}" for k in range(architecture.classes)) or ("scribble",)
    model = VaeModel(architecture, dataclasses.replace(tiny_vae.card, classes=classes))
    with torch.no_grad():
        for weight in (model.mu.weight, model.initial.weight):
            weight.mul_(4.0)
        model.decoder.output.bias[:3] = torch.tensor([1.0, 0.0, -2.0])
        if model.prior is not None:
            model.prior.basis.copy_(torch.linalg.qr(torch.randn(6, 6))[0][: model.prior.axes])
            model.prior.mean.normal_()
            model.prior.spread.uniform_(0.5, 2.0)
    return model.requires_grad_(False).eval()


@pytest.fixture(scope="module", params=["plain", "all options", "bundled"])
def pair(request: pytest.FixtureRequest, tiny_vae: VaeModel) -> Pair:
    """A model on numpy and the same on torch."""
    if request.param == "bundled":
        return load_array_model("doodle-vae"), load_model("doodle-vae", device="cpu")
    more = {"classes": 2, "position": True, "tanh_z": True, "prior": 8, "prior_axes": 4}
    model = _tiny(tiny_vae, **({} if request.param == "plain" else more))
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return ArrayVae(dataclasses.asdict(model.architecture), model.card, arrays), model


@pytest.fixture(scope="module")
def drawings() -> list[Sketch]:
    """Five drawings of different lengths."""
    return [read(EXAMPLES / f"{name}.svg") for name in ("car", "face", "sun", "pig", "house")]


def _assert_alike(mine: list[Sketch], theirs: list[Sketch]) -> None:
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert np.array_equal(one.stroke5[:, 2:], other.stroke5[:, 2:])
        assert np.allclose(one.stroke5, other.stroke5, atol=1e-2)
        assert (one.label, one.key) == (other.label, other.key)


def test_it_encodes_as_the_model_of_torch(pair: Pair, drawings: list[Sketch]) -> None:
    (mu, sigma), (wanted_mu, wanted_sigma) = (encode(each, drawings) for each in pair)
    assert mu.dtype == sigma.dtype == np.float32
    assert np.allclose(mu, wanted_mu, atol=1e-5) and np.allclose(sigma, wanted_sigma, atol=1e-5)


def test_a_drawing_is_encoded_to_the_same_bits_by_itself(pair: Pair, drawings: list[Sketch]) -> None:
    mu, _ = encode(pair[0], drawings, exact=True)
    alone, _ = encode(pair[0], drawings[2:3], exact=True)
    assert np.array_equal(mu[2:3], alone)
    assert np.allclose(encode(pair[0], drawings)[0], mu, atol=1e-5)


@pytest.mark.parametrize("given", [{}, {"z_temperature": 1.0}, {"exact": True}], ids=str)
def test_new_vectors_are_those_of_the_model_of_torch(pair: Pair, given: dict[str, Any]) -> None:
    assert np.allclose(*(prior(each, 30, seed=3, **given) for each in pair), atol=1e-5)
    if pair[0].labelled:
        shown = pair[0].card.classes[0]
        assert np.allclose(*(prior(each, 5, class_name=shown, **given) for each in pair), atol=1e-5)


def test_an_exact_vector_has_the_same_bits_beside_any_others(pair: Pair) -> None:
    many = prior(pair[0], 20, seed=3, exact=True)
    assert np.array_equal(many[13:15], prior(pair[0], 2, seed=3, first=13, exact=True))


@pytest.mark.parametrize("way", ["prior", "slerp", "lerp"])
def test_paths_sums_and_means_are_those_of_the_model_of_torch(pair: Pair, way: Any) -> None:
    if way == "prior" and prior_is_normal(pair[1]):
        for each in pair:
            with pytest.raises(InputError, match="has no learnt prior"):
                combine(each, np.zeros((2, 6)), [None, None], (0.5, 0.5), way)
        return
    z = prior(pair[1], 4, seed=8)
    names = [pair[0].card.classes[k % 2] for k in range(4)] if pair[0].labelled else [None] * 4
    found = [
        (
            latent_path(each, z, names, lambda given, method: path(given, 9, method), way)[0],
            combine(each, z, names, (1.0, -1.0, 0.5, 0.5), way),
            typical(each, z, names, [np.array([0, 1]), np.array([3])], names[:2], way),
        )
        for each in pair
    ]
    for mine, theirs in zip(*found, strict=True):
        assert np.allclose(mine, theirs, atol=1e-5)


def prior_is_normal(model: DrawingModel) -> bool:
    """Whether a model has no learnt prior."""
    return isinstance(model, VaeModel) and model.prior is None


def test_it_draws_what_the_model_of_torch_draws(pair: Pair, drawings: list[Sketch]) -> None:
    z = prior(pair[1], 3, seed=2)
    for draw in (
        lambda model: sample(model, 7, 0.3, seed=4),
        lambda model: sample(model, 3, 0.3, exact=True),
        lambda model: decode(model, z, 0.2),
        lambda model: reconstruct(model, drawings, 0.3, n=2),
        lambda model: interpolate(model, drawings[:3], 6),
        lambda model: grid(model, drawings[:4], (3, 2), path="lerp"),
        lambda model: [analogy(model, *drawings[:3])],
    ):
        _assert_alike(*(draw(each) for each in pair))


def test_it_scores_and_maps_as_the_model_of_torch(pair: Pair, drawings: list[Sketch]) -> None:
    for mine, theirs in zip(*(score(each, drawings) for each in pair), strict=True):
        assert mine.points == pytest.approx(theirs.points, abs=1e-4)
        assert mine.kl == pytest.approx(theirs.kl, abs=1e-4)
    mine, theirs = (atlas(each, locate(each, drawings), (2, 2)) for each in pair)
    assert np.allclose(mine.z, theirs.z, atol=1e-5)
    _assert_alike(list(mine.sketches), list(theirs.sketches))


def test_the_page_gets_drawings_of_it(pair: Pair, drawings: list[Sketch]) -> None:
    for make in (
        lambda model: live_drawings(model, 2, 0.3),
        lambda model: live_reconstructions(model, drawings[0], (0.1, 0.3)),
    ):
        mine, theirs = (make(each) for each in pair)
        for one, other in zip(mine, theirs, strict=True):
            states = [part.start.prompts.state for part in (one, other)]
            for part, wanted in zip(*states, strict=True):
                assert np.allclose(part, wanted.numpy(), atol=1e-5)


def test_it_is_the_same_model_by_its_checksum(pair: Pair) -> None:
    assert pair[0].weights_checksum() == pair[1].weights_checksum()


def test_a_z_that_does_not_fit_is_refused_in_the_same_words(pair: Pair) -> None:
    for each in pair:
        own = np.zeros((2, 3), np.float32)
        z = torch.from_numpy(own) if isinstance(each, SketchModel) else own
        with pytest.raises(InputError, match=r"z must have the shape \[2, .*\], got \[2, 3\]"):
            each.initial_state(2, z)
        with pytest.raises(InputError, match="is conditional: it needs a latent vector z"):
            each.initial_state(2)
