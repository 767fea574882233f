"""`sketchkit atlas`: a map on a sheet, the strangest drawings in a table or on a sheet of their own."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import Outcome, Sketchkit

import sketchkit as library
from sketchkit.cli.atlas import MOST_STEPS
from sketchkit.generate import charting
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset, Recipe, prepare_sketches, synth

QUICK = ("--steps", "3x4")


@cache
def _drawings() -> list[Sketch]:
    return list(synth(60, seed=2, classes=["cat", "face", "sun"]))


@pytest.fixture(autouse=True)
def dreamer(tiny_vae: VaeModel, bundled: Path) -> Path:
    """The conditional VAE of a user who names none: it knows cats and suns."""
    path = bundled / "doodle-vae.safetensors"
    tiny_vae.save(path)
    return path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set called animals, most of it in the valid split."""
    folder = tmp_path_factory.mktemp("prepared") / "animals"
    return prepare_sketches(_drawings(), folder, Recipe(splits=(10, 90, 0))).path


@pytest.fixture
def animals(prepared: Path, home: Path) -> Dataset:
    """The data set in the current folder."""
    shutil.copytree(prepared, home / "animals")
    return Dataset.open(home / "animals")


def _failed(done: Outcome, code: int, *words: str) -> None:
    assert done.code == code, done.err
    assert done.out == b""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("sketchkit: ")
    for word in words:
        assert word in done.err


def test_a_map_and_a_table_of_the_strangest_drawings(sketchkit: Sketchkit, animals: Dataset) -> None:
    done = sketchkit("atlas", "animals", *QUICK, "--worst", "4", "-o", "atlas.svg")
    assert (done.code, done.err) == (0, "wrote atlas.svg\n")
    first, second, header, *rows = done.out.decode().splitlines()
    assert first.startswith(f"{len(animals.split('valid'))} drawings of animals: ")
    assert first.endswith(" % up") and "% of the variance to the right" in first
    assert second == "those that cost most, given their own z:"
    assert header.split("  ")[0] == "DRAWING"
    costs = [float(row.split()[3]) for row in rows]
    assert len(costs) == 4 and costs == sorted(costs, reverse=True)
    svg = Path("atlas.svg").read_text(encoding="utf-8")
    assert svg.count('id="cell-12"') == 1 and 'id="cell-13"' not in svg
    assert '"by":"pca"' in svg.replace(" ", "").replace("&quot;", '"')


def test_the_same_command_writes_the_same(sketchkit: Sketchkit, animals: Dataset) -> None:
    words = ("atlas", "animals", *QUICK, "--limit", "20", "--seed", "3", "--outliers", "strange.svg")
    first = sketchkit(*words, "-o", "atlas.svg")
    written = [Path(name).read_bytes() for name in ("atlas.svg", "strange.svg")]
    _failed(sketchkit(*words, "-o", "atlas.svg"), 3, "the file exists already; --force")
    assert sketchkit(*words, "-o", "atlas.svg", "--force").out == first.out
    assert [Path(name).read_bytes() for name in ("atlas.svg", "strange.svg")] == written


def test_json_says_where_everything_is(sketchkit: Sketchkit, animals: Dataset, tiny_vae: VaeModel) -> None:
    done = sketchkit(
        "atlas", animals.path, *QUICK, "--class", "sun", "--class", "cat", "--json", "-o", "a.png"
    )
    assert (done.code, done.err) == (0, "")
    said = done.json
    assert (said["model"], said["by"], said["steps"], said["output"]) == (
        "doodle-vae",
        "pca",
        [3, 4],
        "a.png",
    )
    assert said["data"]["classes"] == ["sun", "cat"] and said["temperature"] == 0.1
    valid, names = animals.split("valid"), animals.classes
    wanted = [i for i in range(len(valid)) if names[valid.classes[i]] != "face"]
    assert [each["index"] for each in said["drawings"]] == wanted
    assert [each["label"] for each in said["drawings"]] == [names[valid.classes[i]] for i in wanted]
    assert [int(each["key"], 16) for each in said["drawings"]] == valid.keys[wanted].tolist()
    assert len(said["places"]) == 12 and max(each["density"] for each in said["places"]) == 1.0
    assert {each["class"] for each in said["places"]} <= {"cat", "sun"}
    assert 1.0 > said["share"][0] >= said["share"][1] > 0.0
    dearest = sorted(said["drawings"], key=lambda each: -each["nll_per_point"])
    assert said["outliers"] == dearest[:10]
    places = np.array([each["coordinates"] for each in said["drawings"]])
    np.testing.assert_allclose(places.mean(0), 0.0, atol=1e-6)


def test_the_strangest_have_a_sheet_of_their_own(sketchkit: Sketchkit, animals: Dataset) -> None:
    words = (
        "atlas",
        "animals",
        *QUICK,
        "--worst",
        "3",
        "--outliers",
        "strange.svg",
        "--json",
        "-o",
        "atlas.svg",
    )
    said = sketchkit(*words).json
    svg = Path("strange.svg").read_text(encoding="utf-8")
    for each in said["outliers"]:
        assert f"{each['label']} {each['nll_per_point']:.2f}" in svg
    assert svg.count('id="cell-3"') == 1 and 'id="cell-4"' not in svg


def test_a_file_of_drawings_is_mapped_as_a_data_set_is(sketchkit: Sketchkit, tiny_vae: VaeModel) -> None:
    drawings = _drawings()
    dot = Sketch.from_polylines([[(5, 5)]], label="cat")
    library.write([dot, *drawings], "animals.ndjson")
    done = sketchkit("atlas", "animals.ndjson", *QUICK, "--json", "-o", "{stem}.svg")
    assert done.code == 0
    assert done.err == "animals.ndjson: left out 1 of 61 drawings, which have no line\n"
    said = done.json
    assert said["output"] == "animals.svg" and Path("animals.svg").is_file()
    assert [each["index"] for each in said["drawings"]] == list(range(1, 61))
    assert [each["label"] for each in said["drawings"]] == [drawing.label for drawing in drawings]
    mu, _ = library.encode(tiny_vae, drawings)
    expected = library.principal_axes(mu).project(mu)
    np.testing.assert_allclose([each["coordinates"] for each in said["drawings"]], expected, atol=1e-4)
    limited = sketchkit(
        "atlas", "animals.ndjson", *QUICK, "--class", "cat", "--limit", "7", "--json", "-o", "b.svg"
    )
    assert [each["label"] for each in limited.json["drawings"]] == ["cat"] * 7


def test_a_map_on_stdout_is_nothing_but_a_map(sketchkit: Sketchkit, animals: Dataset) -> None:
    done = sketchkit("atlas", "animals", *QUICK, "-o", "-")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(b"<?xml") and done.out.rstrip().endswith(b"</svg>")
    _failed(sketchkit("atlas", "animals", *QUICK, "-o", "-", "--json"), 2, "cannot both go to stdout")


def test_a_map_can_be_data(sketchkit: Sketchkit, animals: Dataset) -> None:
    assert sketchkit("atlas", "animals", *QUICK, "-o", "map.ndjson").code == 0
    lines = Path("map.ndjson").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 12 and all(json.loads(line)["drawing"] for line in lines)


def test_without_a_table_nothing_is_listed(sketchkit: Sketchkit, animals: Dataset) -> None:
    done = sketchkit("atlas", "animals", *QUICK, "--worst", "0", "-o", "atlas.svg")
    assert len(done.out.splitlines()) == 1


def test_umap_that_is_missing_is_told_before_any_work(
    sketchkit: Sketchkit, animals: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    done = sketchkit("atlas", "animals", "--by", "umap", "-o", "atlas.svg", "--model", "nobody")
    _failed(done, 4, "UMAP is not installed: `pip install 'sketchkit[umap]'`")
    assert not Path("atlas.svg").exists()


def test_the_example_works(sketchkit: Sketchkit, home: Path) -> None:
    pigs = [drawing.labelled("pig", drawing.key) for drawing in _drawings()]
    prepare_sketches(pigs, home / "animals", Recipe(splits=(10, 90, 0)))
    shown = sketchkit("atlas", "--help").out.decode()
    assert all(len(line) <= 80 for line in shown.splitlines())
    *_, heading, example = shown.splitlines()
    assert heading == "Example:"
    assert sketchkit(*shlex.split(example)[1:], *QUICK).code == 0
    assert Path("pigs.svg").is_file()


def test_help_and_wrong_usage_load_nothing_heavy(animals: Dataset) -> None:
    for words in (["--help"], ["animals", "--steps", "x"], ["nowhere"], ["animals", "-o", "no/a.svg"]):
        program = (
            "import sys; from sketchkit.cli.main import run; "
            f"run({['atlas', *words]}); print('torch' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
        assert done.stdout.splitlines()[-1] == "False"


def test_the_largest_map_is_the_librarys() -> None:
    assert charting.MOST_STEPS == MOST_STEPS


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("nowhere",), 3, "nowhere: no such data set"),
        (("animals", "--split", "test"), 3, "animals: the test split holds no drawings"),
        (("animals", "--class", "son"), 3, "holds no class 'son': did you mean 'sun'"),
        (("animals", "--limit", "2"), 3, "a map by pca takes 3 drawings or more, and --limit leaves 2"),
        (("animals", "--class", "SUNS"), 3, "holds no class 'SUNS': did you mean 'sun'?"),
        (("cats.ndjson", "--class", "CATS"), 3, "holds no drawing of 'CATS': did you mean 'cat'?"),
        (("two.ndjson",), 3, "two.ndjson: a map by pca takes 3 drawings or more, and the file has 2"),
        (
            ("animals", "--split", "train", "--by", "umap"),
            3,
            "animals: a map by umap takes 16 drawings or more, and the train split has",
        ),
        (("animals", "--steps", "12"), 2, "'12' is not COLUMNSxROWS of 2 to 100 each, such as 12x16"),
        (("animals", "--steps", "1x9"), 2, "'1x9' is not COLUMNSxROWS"),
        (("animals", "--steps", "9x101"), 2, "'9x101' is not COLUMNSxROWS"),
        (("animals", "--tile", "3x4"), 2, "No such option: --tile"),
        (("animals", "--title", "x", "-o", "a.npz"), 2, ".npz files hold drawings, not a sheet"),
        (("animals", "--outliers", "x.svg", "--worst", "0"), 2, "nothing to show with --worst 0"),
        (("animals", "--outliers", "-"), 2, "this sheet needs a file"),
        (("animals", "--outliers", "x.doc"), 2, "nothing writes .doc files"),
        (("animals", "--outliers", "./animals.svg", "-o", "{stem}.svg"), 2, "animals.svg is the map itself"),
        (("animals", "--outliers", "atlas.svg"), 2, "atlas.svg is the map itself: give another name"),
        (("animals", "--format", "svg,png"), 2, "'svg,png' are several: only interpolate and grid write"),
        (("animals", "-o", "no/atlas.svg"), 3, "there is no folder"),
        (("animals", "-o", "atlas.doc"), 2, "nothing writes .doc files"),
        (("animals", "-t", "-1"), 2, "temperature"),
        (("animals", "--model", "tiny"), 3, "the model 'tiny' has no encoder"),
        (("animals", "--model", "nobody"), 5, "nobody"),
        (("animals", "--device", "abacus"), 5, "abacus"),
        (("dots.ndjson",), 3, "dots.ndjson: holds no drawing with a line"),
        (("cats.ndjson", "--class", "dog"), 3, "cats.ndjson: holds no drawing of 'dog'"),
        (("broken.ndjson",), 3, "broken.ndjson"),
    ],
)
def test_errors_are_one_line(
    sketchkit: Sketchkit, animals: Dataset, words: tuple[str, ...], code: int, reason: str
) -> None:
    library.write(_drawings()[:3], "cats.ndjson")
    library.write(_drawings()[:2], "two.ndjson")
    Path("broken.ndjson").write_text("{")
    Path("dots.ndjson").write_text('{"word": "dot", "drawing": []}\n')
    _failed(sketchkit("atlas", *words), code, reason)
    assert not list(Path().glob("*.svg"))
