"""Every argument of the functions that draw changes what they draw, or keeps it as it promises."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any, get_type_hints

import numpy as np
import numpy.typing as npt
import pytest
import torch

from sketchkit import generate
from sketchkit.card import ModelCard
from sketchkit.errors import InputError
from sketchkit.generate import LiveDecoder, LiveDrawing, locate, sample
from sketchkit.generate.morphing import DrawingSettings
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch
from sketchkit.training.data import synth

Numbers = list[npt.NDArray[np.float64]]

LINES = [[(0, 0), (255, 0), (255, 200)], [(40, 40), (60, 60)], [(150, 40), (170, 80), (190, 40)]]
BEGUN = Sketch.from_polylines(LINES)
GIVEN = [sketch.transformed(0.5 + 0.2 * k).labelled("cat") for k, sketch in enumerate(synth(5, seed=3))]
Z = np.random.default_rng(1).normal(size=(4, 6))

#: Of every function that draws: what it is given, and for a conditional model or not.
USUAL: dict[str, tuple[bool, dict[str, Any]]] = {
    "sample": (True, {"n": 4, "temperature": 1.0}),
    "sample_stream": (True, {"n": 4, "temperature": 1.0}),
    "reconstruct": (True, {"sketches": GIVEN[:2], "temperature": 1.0}),
    "interpolate": (True, {"drawings": GIVEN[:2], "n": 4, "temperature": 1.0}),
    "grid": (True, {"corners": GIVEN[:4], "steps": (2, 3), "temperature": 1.0}),
    "analogy": (True, {"a": GIVEN[0], "b": GIVEN[1], "c": GIVEN[2], "temperature": 1.0}),
    "morphs": (True, {"jobs": [GIVEN[:2], GIVEN[2:4]], "steps": 3, "temperature": 1.0}),
    "atlas": (True, {"steps": (2, 2), "temperature": 1.0}),
    "complete": (False, {"drawings": BEGUN, "n": 4, "temperature": 1.0}),
    "infill": (False, {"sketch": BEGUN, "gap": (1, 2), "n": 3, "particles": 20, "temperature": 1.0}),
    "score": (True, {"sketches": GIVEN[:3]}),
    "locate": (True, {"sketches": GIVEN[:3]}),
    "live_endings": (False, {"drawing": BEGUN, "n": 3, "temperature": 1.0}),
    "live_drawings": (True, {"n": 3, "temperature": 1.0}),
    "live_reconstructions": (True, {"drawing": GIVEN[0], "temperature": 1.0}),
}
#: Other values, by function where they are not the same for all; each with what it goes with.
OTHERS: dict[str, dict[str, Any]] = {
    "n": {"n": 5},
    "temperature": {"temperature": 0.3},
    "sampler": {"sampler": "greedy"},
    "options": {"options": {"rule": "paper"}, "temperature": 0.3},
    "seed": {"seed": 7},
    "class_name": {"class_name": "sun"},
    "max_points": {"max_points": 2},
    "z": {"z": Z[:4]},
    "first": {"first": 5},
    "index": {"index": [3, 3, 1, 0]},
    "prepared": {"prepared": True},
    "path": {"path": "lerp"},
    "z_temperature": {"z_temperature": 0.5},
    "part": {"part": 0.3},
    "sketches": {"sketches": GIVEN[3:]},
    "drawings": {"drawings": GIVEN[2:4]},
    "corners": {"corners": GIVEN[1:]},
    "jobs": {"jobs": [GIVEN[1:3], GIVEN[2:4]]},
    "steps": {"steps": (3, 2)},
    "morphs steps": {"steps": 4},
    "a": {"a": GIVEN[3]},
    "b": {"b": GIVEN[3]},
    "c": {"c": GIVEN[3]},
    "done": {"done": lambda number: number == 0},
    "complete drawings": {"drawings": Sketch.from_polylines(LINES[:2])},
    "sketch": {"sketch": Sketch.from_polylines([*LINES, [(0, 9), (99, 200)]])},
    "infill sampler": {"sampler": "truncated", "options": {"r": 0.3}},
    "keep": {"keep": 1},
    "scale": {"scale": 0.2},
    "region": {"region": (-50, -50, 350, 260)},
    "avoid": {"avoid": [[(200, 210), (300, 210), (250, 300)]]},
    "gap": {"gap": (1, 1)},
    "particles": {"particles": 30},
    "max_strokes": {"max_strokes": 1},
    "drawing": {"drawing": GIVEN[3]},
    "live_drawings index": {"index": [3, 1, 0]},
    "live_drawings z": {"z": Z[:3]},
    "place": {"place": (9.0, 3.0)},
    "live_reconstructions n": {"temperature": (1.0, 1.0)},
}
SAME: dict[str, dict[str, Any]] = {
    "batch_size": {"batch_size": 4},
    "exact": {"exact": True},
    "progress": {"progress": lambda *_: None},
}
#: Arguments that have a test of their own: without a region or something to avoid a clearance is refused, and
#: sums and planes of z are the same along lines and circles.
ELSEWHERE = {
    *(("atlas", name) for name in ("located", "by", "path")),
    ("analogy", "path"),
    ("complete", "clearance"),
}


def _arguments(name: str) -> list[str]:
    """The arguments of a function, those of its settings among them."""
    parameters = inspect.signature(getattr(generate, name)).parameters.values()
    own = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD and each.name != "model"]
    settings = any(each.kind is each.VAR_KEYWORD for each in parameters)
    return [*own, *(get_type_hints(DrawingSettings) if settings else ())]


EVERY = [
    (name, argument) for name in USUAL for argument in _arguments(name) if (name, argument) not in ELSEWHERE
]


@pytest.fixture(scope="module")
def models(tiny_vae: VaeModel) -> dict[bool, SketchModel]:
    """An unconditional model and a conditional one, both of which mind their class."""
    torch.manual_seed(5)
    sizes = DecoderArchitecture(hidden=24, mixtures=4, classes=2, embedding=4)
    model = DecoderModel(sizes, ModelCard("tiny", 20.0, 40, classes=("cat", "sun")))
    with torch.no_grad():
        model.decoder.output.bias[:3] = torch.tensor([1.0, 0.5, -0.5])  # draw, lift, end
        model.embedding.table.weight.mul_(4.0)
    return {False: model.requires_grad_(False).eval(), True: copy.deepcopy(tiny_vae)}


def _call(models: dict[bool, SketchModel], name: str, values: dict[str, Any]) -> Numbers:
    """What a function draws, as numbers."""
    conditional, usual = USUAL[name]
    model = models[conditional]
    if name == "atlas":
        usual = {**usual, "located": locate(model, GIVEN)}
    found: Any = getattr(generate, name)(model, **{**usual, **values})
    return [np.asarray(each, np.float64) for each in _numbers(name, found)]


def _numbers(name: str, found: Any) -> Sequence[Any]:
    if name == "locate":
        return [*found.z, found.nll_per_point]
    if name == "morphs":
        return [sketch.stroke5 for morph in found for sketch in morph.sketches]
    several = [found] if isinstance(found, Sketch) else list(getattr(found, "sketches", found))
    if name.startswith("live"):
        return _drawn(several)
    if name == "score":
        return [score.points for score in several]
    if name in ("complete", "infill"):
        several = [each.sketch for each in several]
    return [np.hstack([sketch.stroke5, sketch.stroke5[:, :2] + sketch.points[:1]]) for sketch in several]


def _drawn(drawings: list[LiveDrawing]) -> list[npt.NDArray[np.float64]]:
    decoder = LiveDecoder()
    request = decoder.add(drawings)
    found: dict[int, list[Any]] = {k: [] for k in range(len(drawings))}
    over = 0
    while over < len(drawings):
        for points in decoder.step():
            assert points.request == request and points.error is None
            found[points.drawing].append(points.points)
            over += points.over
    return [np.concatenate(found[k]) for k in sorted(found)]


def _same(a: Numbers, b: Numbers) -> bool:
    shapes = [each.shape for each in a] == [each.shape for each in b]
    return shapes and all(np.allclose(x, y, atol=2e-3) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(("name", "argument"), EVERY)
def test_an_argument_changes_what_is_drawn_or_keeps_it_as_it_promises(
    models: dict[bool, SketchModel], name: str, argument: str
) -> None:
    usual = _call(models, name, {})
    if argument in SAME:
        assert _same(usual, _call(models, name, SAME[argument]))
        return
    values = dict(OTHERS.get(f"{name} {argument}", OTHERS.get(argument, {})))
    assert values, f"{argument} of {name} is new: OTHERS gives it a value"
    if argument == "options":
        usual = _call(models, name, {"temperature": 0.3})
    assert not _same(usual, _call(models, name, values))


def test_what_says_the_same_twice_is_refused(models: dict[bool, SketchModel]) -> None:
    with pytest.raises(InputError, match="first and index both say which drawings"):
        sample(models[True], 2, first=1, index=[0, 1])
