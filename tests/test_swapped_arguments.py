"""Arguments in the wrong order or of the wrong kind: one sentence says what is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sketchkit as sk
from sketchkit.errors import InputError
from sketchkit.generate.live_requests import live_endings
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch

DRAWING = Sketch.from_polylines([[(100, 50), (140, 52), (150, 90)], [(120, 60), (125, 61), (131, 70)]])
GOT_SKETCH = "a model is needed as the first argument, got a Sketch: sketchkit.load_model loads one"


@pytest.mark.parametrize(
    "call",
    [
        lambda model: sk.complete(DRAWING, model),
        lambda model: sk.infill(DRAWING, model, (0, 1)),
        lambda model: sk.score(DRAWING, model),
        lambda model: sk.encode(DRAWING, model),
        lambda model: sk.decode(DRAWING, model),
        lambda model: sk.reconstruct(DRAWING, model),
        lambda model: sk.interpolate(DRAWING, model),
        lambda model: sk.grid(DRAWING, model),
        lambda model: sk.analogy(DRAWING, DRAWING, DRAWING, model),
        lambda model: sk.locate(DRAWING, model),
        lambda model: sk.atlas(DRAWING, model),
        lambda model: sk.sample(DRAWING, model),
        lambda model: sk.sample_stream(DRAWING, model),
    ],
)
def test_a_drawing_in_the_place_of_the_model_is_told(tiny_vae: VaeModel, call: Any) -> None:
    with pytest.raises(InputError) as refused:
        call(tiny_vae)
    assert str(refused.value) == GOT_SKETCH


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, v: sk.sample(3, m), "a model is needed as the first argument, got 3: "),
        (lambda m, v: sk.sample(None), "a model is needed as the first argument, got None: "),
        (lambda m, v: sk.complete(m, m), "complete takes sketches, got a DecoderModel: sketchkit.read"),
        (lambda m, v: sk.complete(m, None), "complete takes sketches, got None: sketchkit.read"),
        (lambda m, v: sk.complete(m, "face.svg"), "complete takes sketches, got 'face.svg': sketchkit.read"),
        (lambda m, v: sk.complete(m, [DRAWING, 5]), "complete takes sketches, got 5: sketchkit.read"),
        (lambda m, v: sk.score(m, m), "score takes a list of sketches, got a DecoderModel"),
        (lambda m, v: sk.reconstruct(v, DRAWING), "reconstruct takes a list of sketches, got a Sketch"),
        (lambda m, v: sk.interpolate(v, DRAWING), "a list of sketches is needed, got a Sketch"),
        (lambda m, v: sk.interpolate(v, DRAWING, DRAWING), "n must be a whole number, got a Sketch"),
        (lambda m, v: sk.locate(v, DRAWING), "locate takes a list of sketches, got a Sketch"),
        (lambda m, v: sk.atlas(v, [DRAWING]), "an atlas is of located drawings, got a list"),
        (lambda m, v: sk.principal_axes(DRAWING), "latent vectors are numbers [N, Z]: "),
        (lambda m, v: sk.write("x.svg", DRAWING), "write takes drawings, then a path"),
        (lambda m, v: sk.write(Path("x.svg"), [DRAWING]), "write takes drawings, then a path"),
        (lambda m, v: sk.write(DRAWING, DRAWING), "a path or a binary stream is needed, got a Sketch"),
        (lambda m, v: sk.write(m, "x.svg"), "only drawings can be written, got a DecoderModel"),
        (lambda m, v: sk.write([DRAWING, None], "x.svg"), "only drawings can be written, got None"),
        (lambda m, v: sk.render("x.svg", DRAWING), "render takes drawings, then a path"),
        (lambda m, v: sk.render(DRAWING, [DRAWING]), "a path is needed, got a list"),
        (lambda m, v: sk.render(m, "x.svg"), "a sheet shows drawings, not a DecoderModel"),
        (lambda m, v: sk.read(DRAWING), "a path or a binary stream is needed, got a Sketch"),
        (lambda m, v: sk.read_all(None), "a path or a binary stream is needed, got None"),
        (lambda m, v: sk.load_model(m), "the name or the path of a model is needed, got a DecoderModel"),
        (lambda m, v: sk.import_model(m), "the path of a model is needed, got a DecoderModel"),
        (lambda m, v: m.save(DRAWING), "a path is needed, got a Sketch"),
        (lambda m, v: Sketch.from_svg(DRAWING), "the text of an SVG document is needed, got a Sketch"),
    ],
)
def test_an_argument_of_another_kind_is_told_in_one_sentence(
    tiny_model: SketchModel,
    tiny_vae: VaeModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Any,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        call(tiny_model, tiny_vae)
    assert str(refused.value).startswith(words)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("several", [["cat", "sun"], ["cat"], [None], [], {"cat"}, b"cat"])
@pytest.mark.parametrize(
    "call",
    [
        lambda m, v, name: sk.complete(m, DRAWING, 1, class_name=name),
        lambda m, v, name: sk.infill(m, DRAWING, (0, 1), 1, 4, class_name=name),
        lambda m, v, name: live_endings(m, DRAWING, 1, class_name=name),
        lambda m, v, name: sk.interpolate(v, [DRAWING] * 2, 2, class_name=name),
        lambda m, v, name: sk.grid(v, [DRAWING] * 4, (2, 2), class_name=name),
        lambda m, v, name: sk.analogy(v, DRAWING, DRAWING, DRAWING, class_name=name),
        lambda m, v, name: sk.score(v, [DRAWING], class_name=name),
    ],
)
def test_several_classes_are_refused_where_all_drawings_show_one(
    tiny_model: SketchModel, tiny_vae: VaeModel, call: Any, several: Any
) -> None:
    with pytest.raises(InputError, match="class_name is one class here, got a"):
        call(tiny_model, tiny_vae, several)
