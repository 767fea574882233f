"""`encode` of data sets and of some of the drawings of files, and `analogy` with means over either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Sketchkit

import sketchkit as library
from sketchkit.cli import encode
from sketchkit.evaluate.heldout import HeldOut
from sketchkit.generate import load_drawing_model
from sketchkit.latent import files, read_latents
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset, Recipe, prepare_sketches, synth


def _drawings() -> list[Sketch]:
    """Forty drawings of cats and suns by turns."""
    given = enumerate(synth(40, seed=3))
    return [sketch.labelled(("cat", "sun")[i % 2], f"drawing {i}") for i, sketch in given]


@pytest.fixture(autouse=True)
def dreamer(bundled: Path, tiny_vae: VaeModel) -> None:
    """A conditional VAE in the place of sketchkit's own."""
    tiny_vae.save(bundled / "doodle-vae.safetensors")


@pytest.fixture
def animals(home: Path) -> Dataset:
    """A data set called animals, with drawings in all its splits."""
    return prepare_sketches(_drawings(), home / "animals", Recipe(splits=(50, 40, 10)))


@pytest.fixture
def mixed(home: Path) -> str:
    """A file of drawings of cats and suns."""
    library.write(_drawings(), home / "mixed.ndjson")
    return "mixed.ndjson"


# --- encode ---------------------------------------------------------------------------------------------


def test_the_drawings_of_a_data_set_are_encoded_as_they_stand(sketchkit: Sketchkit, animals: Dataset) -> None:
    told = sketchkit("encode", "animals", "-o", "z.npz", "--json").json
    found, held = read_latents("z.npz"), HeldOut.choose(animals, "valid")
    mu, sigma = library.encode(load_drawing_model("doodle-vae"), held.sketches(), prepared=True)
    np.testing.assert_array_equal(found.mu, mu)
    np.testing.assert_array_equal(found.sigma, sigma)
    assert found.labels == tuple(held.labels)
    assert set(found.sources) == {"animals"}
    assert len(set(found.keys)) == len(held) == told["drawings"]
    assert found.about["prepared"] is True
    assert told["data"] == found.about["data"]
    assert found.about["data"]["fingerprint"] == animals.manifest.fingerprint
    assert sketchkit("decode", "z.npz", "-o", "z.svg").code == 0


def test_the_drawings_of_a_data_set_are_chosen_as_an_atlas_chooses_them(
    sketchkit: Sketchkit, animals: Dataset
) -> None:
    flags = ("--split", "train", "--class", "sun", "--limit", 5, "--seed", 4)
    told = sketchkit("encode", animals.path, *flags, "-o", "z.npz", "--json").json
    assert told["data"]["split"] == "train" and told["data"]["classes"] == ["sun"]
    held = HeldOut.choose(animals, "train", class_name="sun", limit=5, seed=4)
    mu, _ = library.encode(load_drawing_model("doodle-vae"), held.sketches(), prepared=True)
    found = read_latents("z.npz")
    np.testing.assert_array_equal(found.mu, mu)
    assert found.labels == ("sun",) * 5


def test_a_data_set_is_read_some_drawings_at_a_time(
    sketchkit: Sketchkit, animals: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sketchkit("encode", "animals", "-o", "whole.npz", "--draws", 2).code == 0
    monkeypatch.setattr(encode, "DRAWINGS_OF_PART", 3)
    assert sketchkit("encode", "animals", "-o", "parts.npz", "--draws", 2).code == 0
    whole, parts = read_latents("whole.npz"), read_latents("parts.npz")
    assert (whole.keys, whole.labels) == (parts.keys, parts.labels)
    np.testing.assert_allclose(whole.mu, parts.mu, atol=1e-5)
    assert whole.draws is not None and parts.draws is not None
    np.testing.assert_allclose(whole.draws, parts.draws, atol=1e-5)


def test_of_a_file_the_first_drawings_of_a_class_are_encoded(sketchkit: Sketchkit, mixed: str) -> None:
    assert sketchkit("encode", mixed, "--class", "sun", "--limit", 3, "-o", "z.npz").code == 0
    found = read_latents("z.npz")
    assert found.keys == ("drawing 1", "drawing 3", "drawing 5")
    assert found.labels == ("sun",) * 3
    assert "data" not in found.about


def test_a_stored_data_set_is_known_by_its_name(sketchkit: Sketchkit, own_store: Path) -> None:
    folder = own_store.parent / "data"
    folder.mkdir()
    prepare_sketches(_drawings(), folder / "zoo", Recipe(splits=(50, 40, 10)))
    assert sketchkit("encode", "zoo", "-o", "z.npz").code == 0
    refused = sketchkit("encode", "zoos", "-o", "no.npz")
    assert (refused.code, "zoos: no such data set: stored are zoo" in refused.err) == (3, True)


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("animals", "mixed.ndjson"), 2, "give files, or one data set and nothing else"),
        (("animals", "--input-format", "npz"), 2, "goes with files only"),
        (("mixed.ndjson", "--split", "test"), 2, "goes with a data set only"),
        (("animals", "--class", "SON"), 3, "animals: holds no class 'SON': did you mean 'sun'?"),
        (
            ("mixed.ndjson", "--class", "son"),
            3,
            "mixed.ndjson: holds no drawing of 'son': did you mean 'sun'?",
        ),
        (("mixed.ndjson", "--class", "x"), 3, "holds no drawing of 'x': there are cat, sun"),
        (("animals", "--draws", "50000"), 3, "the vectors of 50000 draws of each of"),
        (("none.ndjson",), 3, "none.ndjson: no such file"),
    ],
)
def test_what_cannot_be_encoded_is_said_in_one_line(
    sketchkit: Sketchkit,
    animals: Dataset,
    mixed: str,
    words: tuple[str, ...],
    code: int,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1_000_000)
    done = sketchkit("encode", *words, "-o", "z.npz")
    assert (done.code, done.out, len(done.err.splitlines())) == (code, b"", 1)
    assert reason in done.err and "--batch-size" not in done.err
    assert not Path("z.npz").exists()


def test_vectors_that_no_file_holds_are_refused_before_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = files.Latents(np.zeros((3, 4), np.float32), np.zeros((3, 4), np.float32))
    monkeypatch.setattr(files, "MAX_BYTES", 95)
    with pytest.raises(library.InputError, match=r"^the vectors of 3 drawings take .* at most 0.0 GB$"):
        files.write_latents(tmp_path / "z.npz", found)
    monkeypatch.setattr(files, "MAX_BYTES", 96)
    files.write_latents(tmp_path / "z.npz", found)


# --- analogy --------------------------------------------------------------------------------------------


def test_the_mean_of_a_class_may_be_over_a_file(sketchkit: Sketchkit, mixed: str) -> None:
    flags = ("--from", mixed, "-o", "sum.ndjson")
    done = sketchkit("analogy", f"{mixed}#0", "mean:cat", "mean:sun", *flags)
    assert (done.code, done.err) == (0, "wrote sum.ndjson\n")
    model = load_drawing_model("doodle-vae")
    mu, _ = library.encode(model, _drawings())
    z = mu[0] - mu[::2].mean(0, dtype=np.float64) + mu[1::2].mean(0, dtype=np.float64)
    (wanted,) = library.sample(model, temperature=0.1, z=z[None], class_name="sun")
    np.testing.assert_allclose(library.read("sum.ndjson").points, wanted.points, atol=1e-2)


def test_a_mean_over_something_else_is_refused_in_one_line(
    sketchkit: Sketchkit, mixed: str, animals: Dataset
) -> None:
    library.write([sketch.labelled(None, None) for sketch in _drawings()], "plain.ndjson")
    terms = (f"{mixed}#0", "mean:Cats", f"{mixed}#1")
    for source, code, reason in (
        (mixed, 3, "mixed.ndjson: holds no drawing of 'Cats': did you mean 'cat'?"),
        ("animals", 3, "animals: holds no class 'Cats': did you mean 'cat'?"),
        ("plain.ndjson", 3, "holds no drawing of 'Cats': its drawings do not say what they show"),
        ("nowhere", 3, "nowhere: no such data set"),
    ):
        done = sketchkit("analogy", *terms, "--from", source, "-o", "no.svg")
        assert (done.code, reason in done.err) == (code, True), done.err
    done = sketchkit("analogy", terms[0], terms[0], terms[2], "--from", mixed, "-o", "no.svg")
    assert (done.code, "goes with mean:CLASS only" in done.err) == (2, True)
    assert not Path("no.svg").exists()
