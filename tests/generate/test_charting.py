"""The atlas: drawings find their places, and the model draws the map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import sketchkit as sk
from sketchkit.errors import InputError
from sketchkit.evaluate.heldout import HeldOut, score_drawings
from sketchkit.generate import Located, atlas, charting, locate
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.rendering.palette import INK
from sketchkit.sketch import Sketch
from sketchkit.training.data import Recipe, prepare_sketches, synth


def _drawings(n: int = 30) -> list[Sketch]:
    return list(synth(n, seed=3, classes=["cat", "sun", "house"]))


def _located(z: np.ndarray, labels: list[str | None] | None = None) -> Located:
    """Drawings that somebody has put where they are."""
    names = labels or [None] * len(z)
    return Located(z.astype(np.float32), np.zeros(len(z)), tuple(names))


def _plane(coordinates: np.ndarray, size: int = 6) -> np.ndarray:
    """Latent vectors that vary in their first two numbers only, most in the first."""
    z = np.full((len(coordinates), size), 0.25)
    z[:, :2] = coordinates
    return z


# --- where drawings lie ---------------------------------------------------------------------------------


def test_drawings_lie_where_they_are_encoded_and_cost_what_an_evaluation_finds(
    tiny_vae: VaeModel, tmp_path: Path
) -> None:
    made = prepare_sketches(_drawings(), tmp_path / "set", Recipe(splits=(100, 0, 0)))
    held = HeldOut.choose(made, "train")
    found = locate(tiny_vae, held.sketches(), prepared=True)
    np.testing.assert_array_equal(found.z, sk.encode(tiny_vae, held.sketches(), prepared=True)[0])
    costs = score_drawings(tiny_vae, held, 100)
    np.testing.assert_allclose(found.nll_per_point, costs.total / costs.rows, rtol=1e-5)
    assert list(found.labels) == held.labels


def test_very_many_drawings_are_read_some_at_a_time(
    tiny_vae: VaeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings, alive, told = _drawings(), [], []
    whole = locate(tiny_vae, drawings)

    def one_by_one() -> Iterator[Sketch]:
        for i, drawing in enumerate(drawings):
            alive.append(i)
            yield drawing

    def seen(done: int, total: int) -> None:
        told.append((done, total, len(alive)))

    monkeypatch.setattr(charting, "_DRAWINGS_AT_ONCE", 12)
    parts = locate(tiny_vae, one_by_one(), progress=seen)
    assert told == [(12, 0, 12), (24, 0, 24), (30, 0, 30)]
    np.testing.assert_allclose(parts.z, whole.z, atol=1e-6)
    np.testing.assert_allclose(parts.nll_per_point, whole.nll_per_point, rtol=1e-5)
    assert parts.labels == whole.labels


def test_outliers_are_the_dearest_drawings_the_dearest_first() -> None:
    found = Located(np.zeros((4, 2), np.float32), np.array([0.5, 3.0, -1.0, 0.7]), (None,) * 4)
    assert found.outliers(3) == [1, 3, 0]
    assert found.outliers(9) == [1, 3, 0, 2]
    assert found.outliers(0) == []
    for bad in (2.5, -1):
        with pytest.raises(InputError, match=r"^n must be (a whole number|0 or more), got"):
            found.outliers(bad)  # type: ignore[arg-type]


def test_no_drawings_are_nowhere(tiny_vae: VaeModel, tiny_model: SketchModel) -> None:
    assert locate(tiny_vae, []).z.shape == (0, tiny_vae.architecture.latent)
    with pytest.raises(InputError, match="the model 'tiny' has no encoder"):
        locate(tiny_model, _drawings())


# --- the map --------------------------------------------------------------------------------------------


def test_a_place_shows_what_the_model_draws_there(tiny_vae: VaeModel) -> None:
    found = locate(tiny_vae, _drawings())
    made = atlas(tiny_vae, found, (3, 4), seed=5)
    assert made.axes is not None
    axes = sk.principal_axes(found.z)
    np.testing.assert_array_equal(made.coordinates, axes.project(found.z))
    np.testing.assert_array_equal(made.z, axes.place(made.grid).astype(np.float32))
    labels = [sketch.label for sketch in made.sketches]
    alone = sk.sample(tiny_vae, 12, 0.1, seed=5, z=made.z, class_name=labels, index=[0] * 12)
    assert list(made.sketches) == alone
    assert len({sketch.stroke5.tobytes() for sketch in made.sketches}) > 6
    again = atlas(tiny_vae, found, (3, 4), seed=5)
    assert again.sketches == made.sketches
    np.testing.assert_array_equal(again.density, made.density)


def test_a_map_goes_to_the_right_and_up_over_the_middle_of_the_drawings(tiny_vae: VaeModel) -> None:
    chance = np.random.default_rng(1)
    coordinates = chance.normal(size=(500, 2)) * (2.0, 1.0)
    coordinates[0] = (100.0, 0.0)  # squeezes nothing
    made = atlas(tiny_vae, _located(_plane(coordinates)), (3, 5), max_points=2)
    low, high = np.quantile(made.coordinates, (0.02, 0.98), axis=0)
    grid = made.grid.reshape(5, 3, 2)
    np.testing.assert_allclose(grid[:, 0, 0], low[0])
    np.testing.assert_allclose(grid[:, 1, 0], (low[0] + high[0]) / 2)
    np.testing.assert_allclose(grid[0, :, 1], high[1])
    np.testing.assert_allclose(grid[-1, :, 1], low[1])
    assert (high < 10.0).all() and (np.diff(grid[:, 0, 1]) < 0).all()


def test_drawings_that_are_nearly_all_alike_have_a_map_of_all_of_them(tiny_vae: VaeModel) -> None:
    coordinates = np.zeros((400, 2))
    coordinates[:4] = [(3, 1), (-3, 1), (3, -1), (-3, -1)]
    made = atlas(tiny_vae, _located(_plane(coordinates)), (3, 3), max_points=2)
    np.testing.assert_allclose(made.grid[[0, 4, 8]], [(-3, 1), (0, 0), (3, -1)], atol=1e-6)
    assert made.density[4] == 1.0


def test_the_ink_is_darkest_where_most_drawings_are(tiny_vae: VaeModel) -> None:
    chance = np.random.default_rng(2)
    coordinates = np.concatenate([chance.normal(size=(300, 2)) * 0.3, chance.uniform(-9, 9, (40, 2))])
    coordinates[:, 0] *= 1.5
    made = atlas(tiny_vae, _located(_plane(coordinates)), (5, 5), max_points=2)
    assert made.density.argmax() == 12 and made.density[12] == 1.0
    assert ((made.density >= 0) & (made.density <= 1)).all()
    assert (made.density[[0, 4, 20, 24]] < 0.1).all()
    pictures = made.pictures()
    assert [picture.inks[0].sketch for picture in pictures] == list(made.sketches)
    colors = [picture.inks[0].color for picture in pictures]
    assert colors[12].lower() == INK.lower()
    ink = np.array([int(color[1:3], 16) for color in colors])
    assert (np.diff(ink[np.argsort(-made.density)]) >= 0).all()
    assert ink.max() < 225  # the faintest can still be seen on white


def test_a_place_is_told_what_most_of_its_neighbours_show(tiny_vae: VaeModel) -> None:
    chance = np.random.default_rng(3)
    coordinates = chance.normal(size=(200, 2)) * (4.0, 1.0)
    left = coordinates[:, 0] < np.median(coordinates[:, 0])
    names: list[str | None] = ["cat" if each else "sun" for each in left]
    names[::9] = ["house"] * len(names[::9])  # which the model does not know
    names[1::9] = [None] * len(names[1::9])
    found = _located(_plane(coordinates), names)
    labels = np.array([s.label for s in atlas(tiny_vae, found, (4, 3), max_points=2).sketches], object)
    assert (labels.reshape(3, 4)[:, [0, 3]] == ["cat", "sun"]).all()
    strangers = _located(_plane(coordinates), ["house"] * 200)
    assert {s.label for s in atlas(tiny_vae, strangers, (4, 3), max_points=2).sketches} == {None}


def test_by_umap_a_place_shows_the_mean_of_the_nearest_drawings(
    tiny_vae: VaeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = np.random.default_rng(4)
    places, seeds = chance.normal(size=(90, 2)), []

    def mapped(z: np.ndarray, seed: int) -> np.ndarray:
        seeds.append(seed)
        return places

    monkeypatch.setattr(charting, "umap_coordinates", mapped)
    monkeypatch.setattr(charting, "check_by", lambda by: None)
    found = _located(chance.normal(size=(90, 6)))
    made = atlas(tiny_vae, found, (3, 3), by="umap", seed=8, max_points=2)
    assert (made.axes, seeds) == (None, [8])
    np.testing.assert_array_equal(made.coordinates, places)
    steps = (made.grid[8] - made.grid[0]) / 2
    for place, z in zip(made.grid, made.z, strict=True):
        nearest = np.argsort((((places - place) / steps) ** 2).sum(1))[:15]
        np.testing.assert_allclose(z, found.z[nearest].mean(0), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"steps": (1, 5)}, "an atlas has 2 to 100 columns and rows, got 1x5"),
        ({"steps": (5, 101)}, "got 5x101"),
        ({"by": "tsne"}, "a map is made by pca or umap"),
        ({"seed": -1}, "seed must lie in"),
        ({"seed": 1.5}, "^seed must be a whole number, got 1.5$"),
        ({"steps": 3}, r"^the steps of an atlas are \(columns, rows\), got 3$"),
        ({"steps": (3, 2.5)}, "^rows must be a whole number, got 2.5$"),
    ],
)
def test_what_makes_no_map_is_refused(tiny_vae: VaeModel, changes: dict[str, object], complaint: str) -> None:
    found = _located(_plane(np.random.default_rng(1).normal(size=(9, 2))))
    with pytest.raises(InputError, match=complaint):
        atlas(tiny_vae, found, **{"steps": (2, 2), **changes})  # type: ignore[arg-type]


def test_too_few_drawings_make_no_map(tiny_vae: VaeModel) -> None:
    with pytest.raises(InputError, match="2 drawings vary in too few directions, 1, to span 2 axes"):
        atlas(tiny_vae, _located(np.eye(6)[:2]))
