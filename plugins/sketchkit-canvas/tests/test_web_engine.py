"""What the page to send computes: the same as sketchkit, in whole numbers of 8 bits."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from canvas_browser import FACE, circle
from sketchkit_canvas.single_page import WebExporter

import sketchkit
from sketchkit import ModelCard, Sketch, SketchModel
from sketchkit.critic import BEGINNINGS, CRITIC, load_critic
from sketchkit.curves import fit_curves, flatten_curves
from sketchkit.engine import stepper_of
from sketchkit.errors import DeviceError, InputError
from sketchkit.generate import guess_classes
from sketchkit.models import backend
from sketchkit.noise import uniform_array
from sketchkit.testing import check_exporter
from sketchkit.units import read_beginning

RUNNER = Path(__file__).with_name("web_engine.mjs")
PACKAGE = Path(__file__).parents[1]
#: The farthest that a raw output may be from that of sketchkit's engine.
NEAR = 1e-4

Call = Callable[[Path, str, Any], Any]


def make_decoder(path: Path, **sizes: Any) -> Path:
    """A small decoder with the weights that it begins with, in a file."""
    cls = backend("decoder")
    classes = tuple(f"class {i}" for i in range(sizes.get("classes", 0)))
    torch.manual_seed(1)
    card = ModelCard(name="a <small> one", scale_factor=20.0, max_length=40, classes=classes)
    cls(cls.architecture_type(**sizes), card).save(path)
    return path


@pytest.fixture(scope="session")
def call() -> Iterator[Call]:
    """Calls a function of the modules in a page, by the name that `web_engine.mjs` has for it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node: the modules of the page are run by it")
    with ExitStack() as stack:
        running: dict[Path, subprocess.Popen[str]] = {}

        def run(page: Path, name: str, argument: Any) -> Any:
            if page not in running:
                command = [node, str(RUNNER), str(page)]
                pipe = subprocess.PIPE
                running[page] = stack.enter_context(
                    subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
                )
                stack.callback(running[page].kill)
            stdin, stdout = running[page].stdin, running[page].stdout
            assert stdin and stdout
            stdin.write(json.dumps([name, argument]) + "\n")
            stdin.flush()
            answer = stdout.readline()
            assert answer, f"{name} failed: see stderr"
            return json.loads(answer)

        yield run


@pytest.fixture(scope="session")
def doodle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with the model `doodle`."""
    return write_page(sketchkit.load_model("doodle", device="cpu"), tmp_path_factory.mktemp("web"))


def write_page(model: SketchModel, folder: Path) -> Path:
    page = folder / "drawing.html"
    page.write_bytes(WebExporter().export(model))
    return page


def load_whole(name: str | Path) -> Any:
    """A model whose products are of whole numbers of 8 bits."""
    model = sketchkit.load_model(name, device="cpu", engine="torch", precision="int8")
    try:
        stepper_of(model)
    except DeviceError as error:
        pytest.skip(str(error))
    return model


def make_rows(model: Any, steps: int, batch: int) -> Any:
    """Rows [T, B, 5] that begin with the start token."""
    random = np.random.default_rng(3)
    rows = np.zeros((steps, batch, 5), np.float32)
    rows[1:, :, :2] = random.normal(size=(steps - 1, batch, 2)) * 0.7
    lifts = random.random((steps - 1, batch)) < 0.15
    rows[1:, :, 2], rows[1:, :, 3] = ~lifts, lifts
    rows[0] = model.card.start
    return rows


def step_by_sketchkit(model: Any, rows: Any, labels: list[int]) -> tuple[Any, list[Any]]:
    """Raw outputs [T, B, 6M + 3] of the engine, and the state before each step, as the page has it."""
    stepper = stepper_of(model)
    given = torch.tensor(labels) if model.labelled else None
    raws, states = [], []
    with torch.inference_mode():
        state = stepper.prepare_state(model.initial_state(len(labels), label=given))
        for row in rows:
            hidden, memory = state[0].tolist(), state[1].tolist()
            at = state[2].tolist() if model.architecture.position else [[0.0, 0.0]] * len(labels)
            keys = ("hidden", "memory", "at")
            states.append(
                [dict(zip(keys, each, strict=True)) for each in zip(hidden, memory, at, strict=True)]
            )
            raw, state = stepper.step(torch.tensor(row), state)
            raws.append(raw.numpy().copy())
    return np.array(raws), states


@pytest.mark.parametrize(
    "sizes",
    [
        None,
        {"hidden": 19, "mixtures": 5},
        {"hidden": 32, "mixtures": 3, "classes": 2, "embedding": 5, "position": True},
        {"hidden": 40, "mixtures": 1, "classes": 1},
    ],
)
def test_every_step_is_that_of_the_engine_in_int8(
    call: Call, doodle: Path, tmp_path: Path, sizes: dict[str, Any] | None
) -> None:
    name = "doodle" if sizes is None else make_decoder(tmp_path / "own.safetensors", **sizes)
    model = load_whole(name)
    page = doodle if sizes is None else write_page(sketchkit.load_model(name, device="cpu"), tmp_path)
    labels = [0, 5, 20] if sizes is None else [0, max(len(model.card.classes) - 1, 0), 0]
    rows = make_rows(model, 8, len(labels))
    expected, states = step_by_sketchkit(model, rows, labels)
    found = call(page, "step", {"labels": labels, "rows": rows.tolist(), "states": states})
    assert np.abs(np.array(found) - expected).max() < NEAR


def test_a_sequence_is_that_of_the_engine_until_an_output_is_rounded_otherwise(
    call: Call, doodle: Path
) -> None:
    model = load_whole("doodle")
    labels = [0, 5, 10, 15, 20, 25, 30, 35]
    rows = make_rows(model, 30, len(labels))
    expected, _ = step_by_sketchkit(model, rows, labels)
    found = call(doodle, "step", {"labels": labels, "rows": rows.tolist()})
    off = np.abs(np.array(found) - expected).max(2)
    # The last bit of an exponential decides now and then which 127th one of 768 outputs becomes.
    whole = (off < NEAR).all(0)
    assert whole.mean() >= 0.5
    assert (off[:2] < NEAR).all() and off.max() < 0.5


def test_chance_is_the_same(call: Call, doodle: Path) -> None:
    places = [
        (seed, index, step) for seed in (0, 7, 2**32 + 5, 2**53 - 1) for index, step in ((0, 0), (3, 2**21))
    ]
    found = call(doodle, "uniforms", places)
    expected = [uniform_array(seed, np.array([index]), np.array([step]))[0] for seed, index, step in places]
    assert np.array_equal(np.array(found, np.float32), np.array(expected))


def wish(**said: Any) -> dict[str, Any]:
    usual = {
        "drawing": [],
        "label": "face",
        "guess": False,
        "temperature": 0.4,
        "seed": 1,
        "first": 0,
        "n": 9,
    }
    return {**usual, "tries": 1, "part": None, "curves": False, **said}


def test_most_drawings_of_a_seed_are_those_of_sketchkit_in_int8(call: Call, doodle: Path) -> None:
    model = load_whole("doodle")
    asked = [("face", 2), ("car", 3)]
    answers = [call(doodle, "complete", wish(label=label, seed=seed)) for label, seed in asked]
    same = []
    for (label, seed), answer in zip(asked, answers, strict=True):
        drawn = sketchkit.sample(model, 9, 0.4, seed=seed, class_name=label)
        for sketch, ending in zip(drawn, answer["endings"], strict=True):
            lines = [line * 480 / 255 for line in sketch.to_polylines()]
            strokes = [np.array(stroke) for stroke in ending["strokes"]]
            alike = [len(line) for line in lines] == [len(stroke) for stroke in strokes]
            # The page puts a drawing into the middle of its sheet.
            ways = [np.diff(np.concatenate(each), axis=0) for each in (lines, strokes)]
            same.append(alike and np.abs(ways[0] - ways[1]).max() < 0.5)
    assert sum(same) >= 6


def test_the_same_seed_draws_the_same_whatever_is_drawn_beside_it(call: Call, doodle: Path) -> None:
    drawing = [[[round(x, 1), round(y, 1)] for x, y in line] for line in FACE]
    asked = wish(drawing=drawing, tries=2, guess=True, label=None)
    nine = call(doodle, "complete", asked)
    assert call(doodle, "complete", asked) == nine
    two = call(doodle, "complete", {**asked, "first": 3, "n": 2})
    assert nine["endings"][3:5] == two["endings"]
    assert nine["taken"]["guesses"][0][0] == "face"
    assert all(ending["strokes"] for ending in nine["endings"][:3])


def test_guesses_are_those_of_sketchkit(call: Call, doodle: Path) -> None:
    drawing = [[[round(x, 1), round(y, 1)] for x, y in line] for line in FACE[:2]]
    expected = guess_classes(sketchkit.load_model("doodle"), [Sketch.from_polylines(drawing)])[0]
    answer = call(doodle, "complete", wish(drawing=drawing, guess=True, label=None, n=1))
    found = dict(answer["taken"]["guesses"])
    for guess in expected:
        assert found.get(guess.class_name, 0.0) == pytest.approx(guess.chance, abs=0.02)
    assert answer["taken"]["unlike"] == pytest.approx(expected.unlike, abs=0.02)


def test_recognisers_say_what_those_of_sketchkit_say(call: Call, doodle: Path) -> None:
    drawings = [FACE, [circle(100, 100, 30)], [[(0.0, 0.0), (300.0, 40.0)], [(50.0, 60.0)]]]
    names = ("critic", "beginnings")
    found = [call(doodle, "chances", {"name": name, "strokes": each}) for name in names for each in drawings]
    sketches = [Sketch.from_polylines(each) for each in drawings]
    expected = [
        load_critic(path).chances(sketches, load_critic(path).about.classes) for path in (CRITIC, BEGINNINGS)
    ]
    # Their weights have 8 bits in the page.
    assert np.abs(np.array(found) - np.concatenate(expected)).max() < 0.05


def test_a_beginning_is_read_as_sketchkit_reads_it(call: Call, doodle: Path) -> None:
    card = sketchkit.load_model("doodle").card
    random = np.random.default_rng(5)
    walk = np.cumsum(random.normal(size=(120, 2)) * 9, axis=0) + 400
    drawing = [walk.round(1).tolist(), [[10.0, 20.0]], [[1.0, 2.0], [300.0, 280.0], [301.0, 281.0]]]
    found = call(doodle, "read", {"strokes": drawing, "scale": 0.3})
    expected = read_beginning(Sketch.from_polylines(drawing), 0.3, card)
    pens = np.array([row[2] for row in found["rows"]])
    assert np.array_equal(pens, expected.rows[:, 2:].argmax(1))
    assert np.abs(np.array(found["rows"])[:, :2] - expected.rows[:, :2]).max() < 1e-5
    assert found["anchor"] == pytest.approx(expected.anchor, abs=1e-4)


def test_curves_are_those_of_sketchkit(call: Call, doodle: Path) -> None:
    random = np.random.default_rng(2)
    lines: list[Any] = [np.array(line) for line in FACE]
    lines += [np.cumsum(random.normal(size=(n, 2)) * 25, axis=0) + 300 for n in (2, 3, 9, 30)]
    lines += [np.array([[5.0, 5.0]]), np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 0.0], [100.0, 100.0]])]
    found = call(doodle, "smooth", [line.tolist() for line in lines])
    extent = float(np.ptp(np.concatenate(lines), axis=0).max())
    for line, stroke, curves in zip(lines, found, fit_curves(lines), strict=True):
        expected = flatten_curves(curves, 1e-3 * extent) if len(curves) else line[:1]
        assert np.array(stroke) == pytest.approx(expected, abs=1e-3)


def test_the_exporter_keeps_its_contract() -> None:
    check_exporter(WebExporter)


def test_what_a_page_cannot_draw_is_refused_in_a_line(tmp_path: Path) -> None:
    cell = sketchkit.load_model(make_decoder(tmp_path / "a.safetensors", hidden=8, cell="gru"), device="cpu")
    with pytest.raises(
        InputError, match=r"a page steps decoders whose cell is the plain LSTM, and '.*' is gru"
    ):
        WebExporter().export(cell)
    with pytest.raises(InputError, match=r"a page finishes drawings, which 'doodle-vae' .* cannot"):
        WebExporter().export(sketchkit.load_model("doodle-vae", device="cpu"))


def test_a_page_is_one_small_file_without_an_address(doodle: Path) -> None:
    text = doodle.read_text(encoding="utf-8")
    assert len(text) < 4_500_000
    assert set(re.findall(r"https?://[^\"]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", text) and "<!-- served" not in text


def test_the_compiled_kernel_is_that_of_its_source(tmp_path: Path) -> None:
    compiler = PACKAGE / "node_modules" / "assemblyscript" / "bin" / "asc.js"
    if not compiler.exists():
        pytest.skip("no assemblyscript: run npm ci in the package's folder")
    out = tmp_path / "vectors.wasm"
    command = json.loads((PACKAGE / "package.json").read_text())["scripts"]["vectors"]
    words = [str(out) if word.endswith(".wasm") else word for word in command.split()[1:]]
    subprocess.run(["node", str(compiler), *words], cwd=PACKAGE, check=True, capture_output=True)
    assert out.read_bytes() == (PACKAGE / "sketchkit_canvas" / "web" / "vectors.wasm").read_bytes()
