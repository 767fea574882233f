"""The recogniser: what it names, what it minds, and which files it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from evaluate_parts import small_model
from safetensors.torch import save

from sketchkit.critic import CRITIC, Critic, load_critic
from sketchkit.errors import CheckpointError, InputError
from sketchkit.evaluate.recogniser import (
    FEATURES,
    JUDGE,
    METADATA_KEY,
    NETWORKS,
    About,
    PlainNet,
    Recogniser,
    ResidualNet,
    load_recogniser,
    save_recogniser,
)
from sketchkit.evaluate.recogniser_training import measure_accuracy
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset, prepare, synth

NAMES = ("cat", "pig")
ABOUT = About(NAMES, NAMES, "nothing", "a notice", 0.5, 10, 0.4, 0, "test")
#: The judge that measure_accuracy the models' figures: another file would need all of them anew.
FROZEN = "6e5f252172c180bdc8bfd10327efe08d"


# --- the two that come with the package -----------------------------------------------------------------


@pytest.mark.parametrize(("load", "path"), [(load_recogniser, JUDGE), (load_critic, CRITIC)])
def test_the_shipped_recognisers_are_small_and_say_what_they_are(
    load: Callable[[], Recogniser | Critic], path: Path
) -> None:
    about = load().about
    assert path.stat().st_size < 2_000_000
    assert len(about.known) == 45 and list(about.known) == sorted(about.known)
    assert len(about.classes) == 345 and load().classes == about.known
    assert about.notice == "Trained on the Quick, Draw! dataset, made available by Google under CC BY 4.0"
    assert about.test_accuracy >= 0.88 and about.class_accuracy >= 0.85


def test_the_judge_is_frozen_and_shares_nothing_with_the_critic() -> None:
    judge, critic = load_recogniser(), load_recogniser(CRITIC)
    assert judge.checksum == FROZEN
    assert judge.about.network != critic.about.network and judge.about.seed != critic.about.seed
    assert judge.net.size != critic.net.size and judge.about.trained_on != critic.about.trained_on


@pytest.mark.data
def test_the_shipped_recognisers_name_real_drawings_that_they_have_not_seen(
    data: Path, tmp_path: Path
) -> None:
    # A drawing's split depends on its class and rows alone: none of these was trained on.
    sources = [
        data / "quickdraw-20x700" / f"{name}.ndjson" for name in ("airplane", "crab", "ice cream", "pig")
    ]
    held = Dataset.open(prepare(sources, tmp_path / "some").path)
    for recogniser in (load_recogniser(), load_recogniser(CRITIC)):
        right, by_class, drawings = measure_accuracy(recogniser, held)
        assert drawings > 80
        assert right >= 0.85 and by_class >= 0.85


def test_the_shipped_recogniser_names_things_drawn_by_rule() -> None:
    recogniser = load_recogniser()
    for name in ("face", "sun", "car"):
        seen = recogniser.look(list(synth(60, seed=8, classes=[name])))
        assert (seen.named == recogniser.index(name)).mean() > 0.6, name


@pytest.mark.parametrize("recogniser", [load_recogniser(), load_recogniser(CRITIC)], ids=["judge", "critic"])
def test_what_a_drawing_is_named_does_not_depend_on_its_place_size_or_neighbours(
    recogniser: Recogniser,
) -> None:
    drawings = list(synth(40, seed=4))
    seen = recogniser.look(drawings)
    assert seen.features.shape == (40, FEATURES) and len(seen) == 40
    assert (seen.features >= 0).all()
    moved = recogniser.look([drawing.transformed(0.3, (70.0, -9.0)) for drawing in drawings])
    np.testing.assert_allclose(moved.features, seen.features, atol=0.05)
    alone = recogniser.look(drawings[7:8])
    np.testing.assert_allclose(alone.features[0], seen.features[7], atol=1e-4)
    some = seen.take(np.array([7, 3]))
    np.testing.assert_array_equal(some.features[0], seen.features[7])
    assert some.named.tolist() == seen.named[[7, 3]].tolist()


def test_nothing_and_empty_drawings_can_be_looked_at() -> None:
    assert len(load_recogniser().look([])) == 0
    assert np.isfinite(load_recogniser().look([Sketch.from_polylines([])]).features).all()


def test_classes_are_known_by_name() -> None:
    recogniser = load_recogniser()
    assert recogniser.classes[recogniser.index("sun")] == "sun"
    assert recogniser.index("no such thing") == recogniser.index(None) == -1


# --- files ----------------------------------------------------------------------------------------------


def _net(classes: int = 2) -> PlainNet:
    torch.manual_seed(0)
    return PlainNet(classes).eval().requires_grad_(False)


def test_chances_are_of_the_classes_asked_for() -> None:
    judge, drawings = load_recogniser(), list(synth(4, seed=4, classes=["sun"]))
    _, all_of_them = judge.chances(drawings)
    assert all_of_them.shape == (4, 45)
    np.testing.assert_allclose(all_of_them.sum(1), 1.0)
    _, two = judge.chances(drawings, ("sun", "star"))
    assert two.shape == (4, 2) and (two[:, 0] > 0.5).all()
    with pytest.raises(ValueError):
        judge.chances(drawings, ("no such thing",))


@pytest.mark.parametrize("network", NETWORKS)
def test_batch_normalisation_is_folded_away_and_nothing_changes(network: str) -> None:
    torch.manual_seed(1)
    kind: type[PlainNet] | type[ResidualNet] = NETWORKS[network]
    net = kind(5, normalised=True).train()
    for _ in range(4):
        net(torch.rand(16, 1, kind.size, kind.size) + 0.3)
    pictures = torch.rand(8, 1, kind.size, kind.size)
    with torch.inference_mode():
        for ours, theirs in zip(net.eval()(pictures), net.fold()(pictures), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert not any("running" in name for name in net.fold().state_dict())


def test_a_recogniser_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = save_recogniser(_net(), ABOUT, tmp_path / "r.safetensors")
    again = load_recogniser(tmp_path / "r.safetensors")
    assert again.about == ABOUT and again.checksum == written.checksum
    drawings = list(synth(5, seed=1))
    np.testing.assert_array_equal(again.look(drawings).features, written.look(drawings).features)
    plain = Recogniser(_net(), ABOUT).look(drawings).features
    np.testing.assert_allclose(again.look(drawings).features, plain, atol=0.02)  # half precision
    with pytest.raises(InputError, match="exists already"):
        save_recogniser(_net(), ABOUT, tmp_path / "r.safetensors", overwrite=False)


def _file(facts: object, change: Callable[[dict[str, torch.Tensor]], object] = lambda tensors: None) -> bytes:
    tensors = {name: tensor.clone() for name, tensor in _net().state_dict().items()}
    change(tensors)
    metadata = None if facts is None else {METADATA_KEY: json.dumps(facts)}
    data: bytes = save(tensors, metadata)
    return data


def _facts(**changes: Any) -> dict[str, Any]:
    return {
        "format_version": 2,
        "classes": ["cat", "pig"],
        "known": ["cat", "pig"],
        "network": "plain",
        "views": 1,
        "trained_on": "nothing",
        "notice": "a notice",
        "test_accuracy": 0.5,
        "test_drawings": 10,
        "class_accuracy": 0.4,
        "seed": 0,
        "version": "test",
        **changes,
    }


BROKEN = {
    "empty": (b"", "not a safetensors file"),
    "noise": (b"\x10" * 400, "the header claims"),
    "cut off": (_file(_facts())[:-100], "the tensors take"),
    "nothing said": (_file(None), "not a recogniser: it has no description"),
    "no object": (_file([1, 2]), "its description is not a JSON object"),
    "another version": (_file(_facts(format_version=3)), "of format version 3, this sketchkit reads 2"),
    "no accuracy": (_file(_facts(test_accuracy="good")), "lacks a value, or has one of another type"),
    "classes of another kind": (_file(_facts(classes=["cat", 1])), "its classes are not names"),
    "classes in a word": (_file(_facts(classes="cat")), "lacks a value, or has one of another type"),
    "none to be named": (_file(_facts(known=[])), "must be some of its own"),
    "a stranger to be named": (_file(_facts(known=["dog"])), "must be some of its own"),
    "another network": (_file(_facts(network="giant")), "it needs the network 'giant' and 1 views"),
    "too many views": (_file(_facts(views=99)), "and 99 views"),
    "one class twice": (_file(_facts(classes=["cat", "cat"])), "2 to 10000 different names"),
    "too few classes": (_file(_facts(classes=["cat"])), "2 to 10000 different names"),
    "a class too many": (_file(_facts(classes=["cat", "dog", "pig"])), r"has the shape \[2"),
    "a weight too few": (_file(_facts(), lambda t: t.pop("features.bias")), "'features.bias' is missing"),
    "a weight too many": (_file(_facts(), lambda t: t.update(x=torch.zeros(1))), "'x' is unknown"),
    "not a number": (
        _file(_facts(), lambda t: t["classes.bias"].fill_(float("nan"))),
        "'classes.bias' holds a number that is not finite",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    content, reason = BROKEN[name]
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=reason) as told:
        load_recogniser(path)
    assert str(told.value).startswith(f"{path}: ")
    assert "\n" not in str(told.value)


def test_what_is_no_recogniser_at_all_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        load_recogniser(tmp_path / "nowhere.safetensors")
    with pytest.raises(CheckpointError, match="this is a folder, not a file"):
        load_recogniser(tmp_path)
    small_model("decoder").save(tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="not a recogniser: it has no description"):
        load_recogniser(tmp_path / "model.safetensors")
