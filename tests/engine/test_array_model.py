"""Models on numpy alone: the drawings and likelihoods of the same model on torch, without its import."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from sketchkit import read, write
from sketchkit.checkpoints import read_arrays
from sketchkit.checkpoints.array_models import load_array_model
from sketchkit.checkpoints.arrays import FORMAT_VERSION, METADATA_KEY
from sketchkit.checkpoints.load import load_model
from sketchkit.engine import engine_of
from sketchkit.errors import CheckpointError, DeviceError
from sketchkit.generate import complete, guess_classes, infill, sample, score
from sketchkit.latent import Latents, write_latents
from sketchkit.models import ArrayModel, Decoding, SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch

EXAMPLES = Path(__file__).parents[2] / "examples"
BEGUN = Sketch.from_polylines([[(0, 0), (255, 0), (255, 200)], [(150, 40), (170, 80), (190, 40)]])
WHOLE = Sketch.from_polylines([[(0, 0), (90, 0)], [(20, 20), (40, 40), (60, 20)], [(0, 90), (90, 90)]])


def _on_arrays(model: SketchModel) -> ArrayModel:
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return ArrayModel(dataclasses.asdict(model.architecture), model.card, arrays)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "classes and position"])
def model(request: pytest.FixtureRequest, tiny_model: SketchModel) -> SketchModel:
    """A decoder-only model, with and without all that is optional."""
    if not request.param:
        return tiny_model
    import torch

    torch.manual_seed(3)
    sizes = DecoderArchitecture(32, 5, classes=3, embedding=4, position=True)
    card = dataclasses.replace(tiny_model.card, classes=("sun", "cat", "car"))
    made = DecoderModel(sizes, card)
    with torch.no_grad():
        made.decoder.output.bias[:3] = torch.tensor([1.0, 0.0, -1.0])
    return made.requires_grad_(False).eval()


def _assert_alike(mine: list[Sketch], theirs: list[Sketch]) -> None:
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert np.array_equal(one.stroke5[:, 2:], other.stroke5[:, 2:])
        assert np.allclose(one.stroke5, other.stroke5, atol=1e-2)
        assert (one.label, one.key) == (other.label, other.key)


@pytest.mark.parametrize("n", [1, 3, 30])
@pytest.mark.parametrize("sampler", ["temperature", "truncated", "best-of", "nucleus"])
def test_it_samples_what_the_model_of_torch_samples(model: SketchModel, n: int, sampler: str) -> None:
    _assert_alike(*(sample(each, n, 0.8, sampler, seed=5) for each in (_on_arrays(model), model)))


@pytest.mark.parametrize("width", [4, 7, 300])
def test_a_drawing_is_the_same_however_many_are_drawn(model: SketchModel, width: int) -> None:
    arrays = _on_arrays(model)
    many, few = sample(arrays, 30, 0.8, batch_size=width), sample(arrays, 6, 0.8)
    _assert_alike(many[:6], few)


def test_deterministic_drawings_are_equal_to_the_last_bit(model: SketchModel) -> None:
    arrays = _on_arrays(model)
    many, few = sample(arrays, 40, 0.8, exact=True), sample(arrays, 3, 0.8, exact=True, batch_size=2)
    assert many[:3] == few


def test_it_completes_infills_and_scores_as_the_model_of_torch(model: SketchModel) -> None:
    arrays = _on_arrays(model)
    for where in ({}, {"region": (100.0, -50.0, 300.0, 300.0)}):
        mine, theirs = (complete(each, BEGUN, 5, 0.8, **where) for each in (arrays, model))
        _assert_alike([each.sketch for each in mine], [each.sketch for each in theirs])
        assert [e.nll_per_point for e in mine] == pytest.approx([e.nll_per_point for e in theirs], abs=1e-4)
        assert [e.scale for e in mine] == [e.scale for e in theirs]
    mine, theirs = (infill(each, WHOLE, (1, 2), 3, 40, 0.8) for each in (arrays, model))
    _assert_alike([each.sketch for each in mine], [each.sketch for each in theirs])
    assert [each.gain for each in mine] == pytest.approx([each.gain for each in theirs], abs=1e-3)
    mine, theirs = (score(each, [WHOLE, BEGUN])[1] for each in (arrays, model))
    assert mine.points == pytest.approx(theirs.points, abs=1e-4)


def test_it_guesses_as_the_model_of_torch(model: SketchModel) -> None:
    if not model.labelled:
        pytest.skip("this model knows no classes")
    mine, theirs = (guess_classes(each, [BEGUN])[0] for each in (_on_arrays(model), model))
    assert [guess.class_name for guess in mine] == [guess.class_name for guess in theirs]


def test_the_engine_numpy_steps_models_of_torch_too(model: SketchModel, tiny_vae: VaeModel) -> None:
    for each in (model, tiny_vae):
        usual = sample(each, 6, 0.8)
        each.decoding = Decoding("numpy")
        try:
            _assert_alike(sample(each, 6, 0.8), usual)
        finally:
            each.decoding = Decoding()


def test_it_has_the_checksum_of_the_model_of_torch(model: SketchModel) -> None:
    assert _on_arrays(model).weights_checksum() == model.weights_checksum()


def test_what_numpy_lacks_is_said(model: SketchModel) -> None:
    arrays = _on_arrays(model)
    assert engine_of(arrays) == "numpy"
    arrays.decoding = Decoding("auto", "int8")
    with pytest.raises(DeviceError, match="numpy: it multiplies in float32, not in int8"):
        sample(arrays, 1)
    arrays.decoding = Decoding("torch")
    with pytest.raises(DeviceError, match="models of torch alone"):
        sample(arrays, 1)


def test_only_models_with_the_plain_cell_are_loaded(tmp_path: Path, tiny_model: SketchModel) -> None:
    made = DecoderModel(DecoderArchitecture(8, 2, "hyper-lstm"), tiny_model.card)
    made.save(tmp_path / "hyper.safetensors")
    with pytest.raises(CheckpointError, match="only decoders and vaes with the cell lstm"):
        load_array_model(tmp_path / "hyper.safetensors")
    (tmp_path / "magenta.json").write_text("[]")
    with pytest.raises(CheckpointError, match="only decoders and vaes with the cell lstm"):
        load_array_model(tmp_path / "magenta.json")


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"architecture": {"hidden": "many"}}, "hidden must be a whole number"),
        ({"architecture": {"strange": 1}}, "an architecture that 'decoder' does not know: .*strange"),
        ({"architecture": {"mixtures": 5}}, "the weight 'decoder.output.*' has the shape"),
        ({"architecture": {"classes": 2, "position": False}}, "a model of 2 classes needs as many names"),
        ({"backend": "vae"}, "the weight 'backward_cell.bias' is missing"),
    ],
    ids=str,
)
def test_a_file_that_contradicts_itself_is_refused_by_name(
    tmp_path: Path, tiny_model: SketchModel, changes: dict[str, Any], complaint: str
) -> None:
    tiny_model.save(tmp_path / "whole.safetensors")
    header, arrays = read_arrays(tmp_path / "whole.safetensors")
    architecture = {**header.architecture, **changes.get("architecture", {})}
    facts = {
        "format_version": FORMAT_VERSION,
        "backend": changes.get("backend", header.backend),
        "architecture": architecture,
        "card": header.card.to_json(),
        "encoding": "plain",
    }
    if changes.get("backend") == "vae":
        del architecture["hidden"]
    path = tmp_path / "broken.safetensors"
    save_file(arrays, path, metadata={METADATA_KEY: json.dumps(facts)})
    for load in (load_array_model, load_model):
        with pytest.raises(CheckpointError, match=f"broken.safetensors: {complaint}"):
            load(path)


@pytest.mark.parametrize("name", ["doodle", "doodle-vae"])
def test_exact_drawings_are_the_same_at_any_place_of_a_batch(name: str) -> None:
    model, settings = (
        load_array_model(name),
        {"class_name": "car", "exact": True, "seed": 3, "max_points": 12},
    )
    many = sample(model, 14, **settings)
    for index in (0, 5, 7, 13):
        assert sample(model, 1, first=index, **settings) == [many[index]]


def test_the_bundled_decoder_draws_the_same_on_both() -> None:
    arrays, model = load_array_model("doodle"), load_model("doodle", device="cpu")
    _assert_alike(*(sample(each, 5, 0.3, class_name="car") for each in (arrays, model)))


#: Commands that draw with the bundled models.
COMMANDS = """
sample --class sun -n 2 -o sampled.svg
complete {face} -n 2 -o completed.svg
complete {face} -n 2 --sampler best-of -o best.svg
infill {face} --missing 1:2 --particles 20 -o infilled.svg
score {face}
sample --model doodle-vae -n 2 -o dreamt.svg
score {face} --model doodle-vae
encode {face} {car} --draws 2 -o encoded.npz
decode {vectors} -o decoded.svg
reconstruct {face} -t 0.1,0.4 -o again.svg
interpolate {face} {car} -n 3 -o between.svg
interpolate {face} {car} -n 3 --path slerp -o slerp.svg
grid {face} {car} {car} {face} --steps 2x2 -o grid.svg
analogy {face} {car} {face} -o analogy.svg
atlas {drawings} --steps 2x2 -o atlas.svg
render {face} -o rendered.svg
"""
RUN_EACH = """
import json, sys
from sketchkit.cli.main import main
for line in sys.stdin.read().strip().splitlines():
    sys.argv = ["sketchkit", *line.split(" ")]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, line
    assert "torch" not in sys.modules, line
    print("done:", line)
print(json.dumps(sorted(sys.modules)))
"""
#: Loaded by no `complete`: each takes as long as some hundred steps of the decoder.
HEAVY = {"torch", "pydantic", "numpy.ma", "statistics", "svgwrite.validator2"}
#: The most modules of our own that `complete` loads; each takes about a millisecond.
MOST_MODULES = 122


def _run_commands(lines: str, folder: Path) -> tuple[list[str], set[str]]:
    """Run commands one after the other in a fresh process: those that ended, and the modules it has then."""
    command = [sys.executable, "-c", RUN_EACH]
    done = subprocess.run(
        command, input=lines, cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    *said, modules = done.stdout.splitlines()
    ended = [line.removeprefix("done: ") for line in said if line.startswith("done: ")]
    return ended, set(json.loads(modules))


def test_commands_draw_with_the_bundled_models_without_torch(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    mu, sigma = rng.normal(size=(2, 3, 128)).astype(np.float32)
    write_latents(tmp_path / "vectors.npz", Latents(mu, np.abs(sigma)))
    drawings = [read(EXAMPLES / "drawings" / f"{name}.svg") for name in ("face", "car", "sun", "pig")]
    write(drawings, tmp_path / "four.ndjson")
    for name in ("face", "car"):
        (tmp_path / f"{name}.svg").write_bytes((EXAMPLES / "drawings" / f"{name}.svg").read_bytes())
    lines = COMMANDS.format(face="face.svg", car="car.svg", vectors="vectors.npz", drawings="four.ndjson")
    ended, _ = _run_commands(lines, tmp_path)
    assert ended == lines.split("\n")[1:-1]


def test_complete_loads_little(tmp_path: Path) -> None:
    (tmp_path / "face.svg").write_bytes((EXAMPLES / "drawings" / "face.svg").read_bytes())
    _, modules = _run_commands("complete face.svg -n 2 -o out.svg\n", tmp_path)
    assert HEAVY.isdisjoint(modules)
    assert sum(name.partition(".")[0] == "sketchkit" for name in modules) <= MOST_MODULES
