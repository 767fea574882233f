"""A seed of None is a fresh one, and what was drawn says which: with it the same is drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from sketchkit.generate import (
    LiveDrawing,
    analogy,
    atlas,
    complete,
    grid,
    infill,
    interpolate,
    live_drawings,
    live_endings,
    live_reconstructions,
    locate,
    morphing,
    morphs,
    reconstruct,
    sample,
    sample_stream,
    streaming,
)
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch
from sketchkit.training.data import synth

BEGUN = Sketch.from_polylines([[(0, 0), (255, 0), (255, 200)], [(40, 40), (60, 60)]])
GIVEN = [sketch.labelled(sketch.label, f"a-{k}") for k, sketch in enumerate(synth(4, seed=3))]

#: (the drawings, the seed that they say)
Drawn = tuple[Sequence[Any], int]
Draw = Callable[[SketchModel, VaeModel, int | None], Drawn]


def _keyed(sketches: Sequence[Sketch], place: int = -2) -> Drawn:
    """Drawings whose keys say the seed."""
    (seed,) = {int(str(sketch.key).split("-")[place]) for sketch in sketches}
    return [sketch.stroke5.tolist() for sketch in sketches], seed


def _told(results: Sequence[Any]) -> Drawn:
    """Results that say the seed themselves."""
    (seed,) = {result.seed for result in results}
    return [result.sketch for result in results], seed


def _live(drawings: Sequence[LiveDrawing]) -> Drawn:
    """Drawings to be: of one seed they are the same."""
    (seed,) = {drawing.start.seed for drawing in drawings}
    return [seed], seed


FUNCTIONS: dict[str, Draw] = {
    "sample": lambda model, vae, seed: _keyed(sample(model, 5, 1.0, seed=seed)),
    "sample from the prior": lambda model, vae, seed: _keyed(sample(vae, 5, 1.0, seed=seed)),
    "sample_stream": lambda model, vae, seed: _keyed(list(sample_stream(model, 9, 1.0, seed=seed))),
    "complete": lambda model, vae, seed: _told(complete(model, BEGUN, 3, 1.0, seed)),
    "infill": lambda model, vae, seed: _told(infill(model, BEGUN, (0, 1), 3, 20, 1.0, seed)),
    "interpolate": lambda model, vae, seed: _keyed(interpolate(vae, GIVEN[:2], 3, 1.0, seed=seed)),
    "grid": lambda model, vae, seed: _keyed(grid(vae, GIVEN, (2, 2), 1.0, seed=seed)),
    "morphs": lambda model, vae, seed: _keyed(
        [each for morph in morphs(vae, [GIVEN[:2]] * 3, 3, 1.0, seed=seed) for each in morph.sketches]
    ),
    "analogy": lambda model, vae, seed: _keyed([analogy(vae, *GIVEN[:3], 1.0, seed=seed)]),
    "atlas": lambda model, vae, seed: _keyed(
        atlas(vae, locate(vae, GIVEN), (2, 2), temperature=1.0, seed=seed).sketches
    ),
    "live_endings": lambda model, vae, seed: _live(live_endings(model, BEGUN, 2, seed=seed)),
    "live_drawings": lambda model, vae, seed: _live(live_drawings(vae, 2, seed=seed)),
    "live_reconstructions": lambda model, vae, seed: _live(live_reconstructions(vae, GIVEN[0], seed=seed)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_drawings_of_no_seed_say_which_they_are_of(
    tiny_model: SketchModel, tiny_vae: VaeModel, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(streaming, "_LEAST_BLOCK", 4)
    monkeypatch.setattr(streaming, "_FILLS", 0)
    monkeypatch.setattr(morphing, "DRAWINGS_AT_ONCE", 3)
    draw = FUNCTIONS[name]
    drawn, seed = draw(tiny_model, tiny_vae, None)
    other, another = draw(tiny_model, tiny_vae, None)
    assert seed != another and drawn != other
    assert draw(tiny_model, tiny_vae, seed) == (drawn, seed)


def test_reconstructions_of_no_seed_say_it_in_their_keys(tiny_vae: VaeModel) -> None:
    several = [*GIVEN[:2], GIVEN[2].labelled(None, None)]
    drawn = reconstruct(tiny_vae, several, 1.0, seed=None, n=2)
    _, seed = _keyed(drawn)
    assert [sketch.key for sketch in drawn] == [
        f"{key}-{seed}-{k}" for key in ("a-0", "a-1", "2") for k in (0, 1)
    ]
    again = reconstruct(tiny_vae, several, 1.0, seed=seed, n=2)
    assert [sketch.key for sketch in again] == ["a-0", "a-0", "a-1", "a-1", None, None]
    for a, b in zip(drawn, again, strict=True):
        np.testing.assert_array_equal(a.stroke5, b.stroke5)
