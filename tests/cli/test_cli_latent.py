"""`encode`, `decode`, `reconstruct`, `interpolate`, `grid` and `analogy`."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import time
import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Sketchkit
from forks import Fork, run_command

import sketchkit as library
from sketchkit.generate import load_drawing_model
from sketchkit.latent import read_latents
from sketchkit.models.vae import VaeModel
from sketchkit.training.data import Dataset, prepare_sketches, synth

KILLS = int(os.environ.get("SKETCHKIT_KILLS", "2"))
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def dreamer(bundled: Path, tiny_vae: VaeModel) -> None:
    """A conditional VAE in the place of sketchkit's own."""
    tiny_vae.save(bundled / "doodle-vae.safetensors")


@pytest.fixture
def drawings(home: Path) -> Path:
    """Twelve drawings in a file."""
    library.write(list(synth(12, seed=3)), home / "drawings.ndjson")
    return home / "drawings.ndjson"


def cells(path: str | Path) -> list[ElementTree.Element]:
    """The cells of a sheet."""
    root = ElementTree.parse(path).getroot()
    return [each for each in root.iter(f"{SVG}g") if (each.get("id") or "").startswith("cell-") and not
            (each.get("id") or "").removeprefix("cell-").count("-")]  # fmt: skip


def facts(path: str | Path) -> dict[str, Any]:
    """The provenance of a sheet."""
    found = next(ElementTree.parse(path).getroot().iter(f"{SVG}metadata"))
    value: dict[str, Any] = json.loads(found.text or "")
    return value


# --- encode and decode ----------------------------------------------------------------------------------


def test_drawings_are_encoded_with_what_they_are(sketchkit: Sketchkit, drawings: Path) -> None:
    told = sketchkit("encode", drawings, "-o", "z.npz", "--draws", 3, "--seed", 5, "--json").json
    assert (told["drawings"], told["draws"], told["latent"], told["model"]) == (12, 3, 6, "dreamer")
    found = read_latents("z.npz")
    model = load_drawing_model("doodle-vae")
    sketches = list(library.read_all(drawings))
    mu, sigma = library.encode(model, sketches)
    np.testing.assert_array_equal(found.mu, mu)
    np.testing.assert_array_equal(found.sigma, sigma)
    assert found.draws is not None and found.draws.shape == (12, 3, 6)
    assert found.labels == tuple(sketch.label or "" for sketch in sketches)
    assert found.sources == (str(drawings),) * 12
    assert found.about["seed"] == 5


DOT = library.Sketch.from_polylines([[(5, 5)]])


def test_a_drawing_without_a_line_is_left_out_and_named(sketchkit: Sketchkit, drawings: Path) -> None:
    given = list(library.read_all(drawings))[:3]
    library.write([given[0], DOT, given[1], DOT], "some.ndjson")
    library.write(given[2], "last.ndjson")
    told = sketchkit("encode", "some.ndjson", "last.ndjson", "-o", "z.npz")
    left = "left out 2 of 5 drawings, which have no line: some.ndjson#1, some.ndjson#3\n"
    assert (told.code, told.err) == (0, left + "wrote z.npz\n")
    assert sketchkit("encode", drawings, "--limit", 3, "-o", "same.npz").err == "wrote same.npz\n"
    np.testing.assert_allclose(read_latents("z.npz").mu, read_latents("same.npz").mu, atol=1e-6)


def test_where_no_drawing_has_a_line_nothing_is_encoded(sketchkit: Sketchkit) -> None:
    library.write([DOT] * 7, "dots.ndjson")
    library.write(DOT, "dot.ndjson")
    refused = sketchkit("encode", "dot.ndjson", "-o", "z.npz")
    assert (refused.code, "dot.ndjson: the drawing has no line" in refused.err) == (3, True)
    refused = sketchkit("encode", "dots.ndjson", "-o", "z.npz")
    assert "dots.ndjson#4, ...: no drawing has a line" in refused.err and "#5" not in refused.err
    assert not Path("z.npz").exists()


def test_a_drawing_that_cannot_be_encoded_is_named(sketchkit: Sketchkit, drawings: Path) -> None:
    wild = np.random.default_rng(1).uniform(0, 255, (5_000, 2))
    library.write(
        [*list(library.read_all(drawings))[:2], library.Sketch.from_polylines([wild])], "wild.ndjson"
    )
    refused = sketchkit("encode", "wild.ndjson", "-o", "z.npz")
    assert refused.code == 3 and "sketchkit: wild.ndjson#2: a drawing of" in refused.err


def test_what_is_encoded_is_decoded(sketchkit: Sketchkit, drawings: Path) -> None:
    sketchkit("encode", drawings, "-o", "z.npz")
    sketchkit("decode", "z.npz", "-o", "again.ndjson")
    model = load_drawing_model("doodle-vae")
    labels = [s.label if s.label == "cat" else None for s in library.read_all(drawings)]
    expected = library.sample(model, 12, 0.1, z=read_latents("z.npz").mu, class_name=labels)
    for made, wanted in zip(library.read_all("again.ndjson"), expected, strict=True):
        ours, theirs = made.to_polylines(), wanted.to_polylines()
        assert [len(line) for line in ours] == [len(line) for line in theirs]
        assert all(np.allclose(a, b, atol=1e-3) for a, b in zip(ours, theirs, strict=True))


def test_draws_are_decoded_where_there_are_any(sketchkit: Sketchkit, drawings: Path) -> None:
    sketchkit("encode", drawings, "--limit", 4, "-o", "z.npz", "--draws", 2)
    told = sketchkit("decode", "z.npz", "--layout", "files", "--json").json
    assert [each.get("draw") for each in told] == [0, 1] * 4
    assert all(Path(f"z-{i}.svg").exists() for i in range(8))
    told = sketchkit("decode", "z.npz", "--means", "-o", "means.svg", "--json").json
    assert len(told) == 4 and "draw" not in told[0]


def test_vectors_of_other_weights_are_refused(
    sketchkit: Sketchkit, drawings: Path, home: Path, tiny_vae: VaeModel
) -> None:
    sketchkit("encode", drawings, "-o", "z.npz")
    state = {name: value * 1.01 for name, value in tiny_vae.state_dict().items()}
    other = VaeModel(tiny_vae.architecture, tiny_vae.card)
    other.load_state_dict(state)
    other.save(home / "other.safetensors")
    refused = sketchkit("decode", "z.npz", "-m", "other.safetensors", "-o", "out.svg")
    assert refused.code == 3 and "of other weights" in refused.err
    assert not Path("out.svg").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["encode", "drawings.ndjson", "-o", "z.svg"], 2, "written as .npz"),
        (["encode", "drawings.ndjson", "-m", "tiny", "-o", "z.npz"], 3, "no encoder"),
        (["decode", "drawings.ndjson"], 3, "no file of latent vectors"),
        (["decode", "nothing.npz"], 3, "no such file"),
        (["interpolate", "drawings.ndjson"], 2, "give 2 drawings"),
        (["interpolate", "drawings.ndjson", "drawings.ndjson#1"], 3, "drawings.ndjson#0 means the first"),
        (["interpolate", "drawings.ndjson#0", "drawings.ndjson#12"], 3, "no drawing 12, only 0 to 11"),
        (["interpolate", "drawings.ndjson#0", "drawings.ndjson#1", "-n", "1"], 2, "-n"),
        (["interpolate", "drawings.ndjson#0", "drawings.ndjson#1", "-t", "-1"], 2, "temperature"),
        (["grid", *["drawings.ndjson#0"] * 3], 2, "give 4 drawings"),
        (["grid", *["drawings.ndjson#0"] * 4, "--steps", "1x5"], 2, "COLUMNSxROWS"),
        (["grid", "--jobs", "j", "--pairs", "all", "-o", "{stem}.svg"], 2, "give one of them"),
        (["grid", "--pairs", "all", "-o", "{stem}.svg"], 2, "--from DATA"),
        (["grid", "--pairs", "some", "--from", "drawings.ndjson", "-o", "{stem}.svg"], 2, "all nor random:N"),
        (["grid", "--pairs", "all", "--from", "drawings.ndjson", "-o", "x.svg"], 2, "need a pattern"),
        (["grid", "--pairs", "all", "--from", "drawings.ndjson"], 2, "need a pattern"),
        (["grid", "a", "--pairs", "all", "--from", "drawings.ndjson", "-o", "{stem}.svg"], 2, "not both"),
        (["grid", "--pairs", "all", "--from", "drawings.ndjson", "-o", "{stem}.npz"], 2, "is a picture"),
        (["grid", "--pairs", "all", "--from", "drawings.ndjson", "-o", "{stem}/x.svg"], 2, "need a pattern"),
        (["grid", "--pairs", "all", "--from", "drawings.ndjson", "-o", "{stem}/{stem}.svg"], 2, "one folder"),
        (
            ["grid", "--pairs", "all", "--from", "drawings.ndjson", "-o", "{stem}.svg", "--json"],
            2,
            "goes with one",
        ),
        (["grid", "a", "b", "c", "d", "--from", "drawings.ndjson"], 2, "with --pairs only"),
        (["analogy", "drawings.ndjson#0", "mean:cat", "drawings.ndjson#1"], 2, "--from DATA"),
        (["reconstruct", "drawings.ndjson", "-t", "warm"], 2, "no list of numbers"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    sketchkit: Sketchkit, drawings: Path, words: list[str], code: int, said: str
) -> None:
    refused = sketchkit(*words)
    assert refused.code == code, refused.err
    assert said in refused.err.replace("\n", " ")
    assert len(refused.err.strip().splitlines()) == 1
    assert [path.name for path in Path().iterdir()] == ["drawings.ndjson"]


# --- sheets ---------------------------------------------------------------------------------------------


def test_a_sheet_of_reconstructions_has_a_row_a_drawing(sketchkit: Sketchkit, drawings: Path) -> None:
    flags = ("--limit", 3, "-t", "0.1,0.5", "-t", 1, "-o", "again.svg", "--json")
    told = sketchkit("reconstruct", drawings, *flags).json
    assert [each["temperature"] for each in told] == [0.1, 0.5, 1.0] * 3
    found = cells("again.svg")
    assert len(found) == 12
    colors = [
        next(
            each.iter(
                f"{SVG}g",
            )
        )
        .find(f"{SVG}g")
        .get("stroke")
        for each in found
    ]  # type: ignore[union-attr]
    assert len(set(colors[:4])) == 4 and colors[:4] == colors[4:8] == colors[8:]
    assert facts("again.svg")["temperature"] == [0.1, 0.5, 1.0]


@pytest.mark.parametrize(
    ("sampler", "temperature", "name"),
    [(("greedy",), None, "greedy"), (("temperature", "-O", "temperature=0.5"), 0.5, "0.5")],
)
def test_reconstructions_have_one_column_where_no_temperature_is_left_to_choose(
    sketchkit: Sketchkit, drawings: Path, sampler: tuple[str, ...], temperature: float | None, name: str
) -> None:
    flags = ("--limit", 2, "--label", "--sampler", *sampler, "-o", "again.svg", "--json")
    told = sketchkit("reconstruct", drawings, *flags).json
    assert [each["temperature"] for each in told] == [temperature] * 2
    assert facts("again.svg")["temperature"] == (None if temperature is None else [temperature])
    words = [each.text for each in ElementTree.parse("again.svg").getroot().iter(f"{SVG}text")]
    assert sorted(words) == sorted(["drawing", name, "drawings-0", "drawings-1"])


def test_rows_and_columns_of_reconstructions_are_named(sketchkit: Sketchkit, drawings: Path) -> None:
    flags = ("--limit", 2, "-t", "0.1,1", "--label", "-o", "again.svg")
    assert sketchkit("reconstruct", drawings, *flags).code == 0
    words = [each.text for each in ElementTree.parse("again.svg").getroot().iter(f"{SVG}text")]
    assert sorted(words) == sorted(["drawing", "0.1", "1", "drawings-0", "drawings-1"])


def test_a_way_is_a_row_and_a_grid_a_square(sketchkit: Sketchkit, drawings: Path) -> None:
    one, two = f"{drawings}#0", f"{drawings}#5"
    assert sketchkit("interpolate", one, two, "-n", 4, "--via", f"{drawings}#7", "-o", "way.svg").code == 0
    assert len(cells("way.svg")) == 4
    assert facts("way.svg")["drawings"] == [one, f"{drawings}#7", two]
    corners = (one, two, f"{drawings}#1", f"{drawings}#2")
    assert sketchkit("grid", *corners, "--steps", "3x2", "--cell", 10, "--gap", 0, "-o", "grid.svg").code == 0
    root = ElementTree.parse("grid.svg").getroot()
    assert (root.get("width"), root.get("height")) == ("30", "20")
    assert len(cells("grid.svg")) == 6


def test_a_way_can_be_drawings(sketchkit: Sketchkit, drawings: Path) -> None:
    assert sketchkit("interpolate", f"{drawings}#0", f"{drawings}#1", "-n", 5, "-o", "way.ndjson").code == 0
    assert len(list(library.read_all("way.ndjson"))) == 5


def test_an_analogy_shows_what_was_given_and_the_sum(
    sketchkit: Sketchkit, drawings: Path, home: Path
) -> None:
    words = [f"{drawings}#{k}" for k in (0, 1, 2)]
    told = sketchkit("analogy", *words, "-o", "sum.svg", "--json").json
    assert told[0]["analogy"] == words
    assert len(cells("sum.svg")) == 8
    prepare_sketches(synth(40, seed=1, classes=["cat", "sun"]), home / "animals")
    flags = ("--from", "animals", "-o", "mean.svg")
    assert sketchkit("analogy", words[0], "mean:cat", "mean:sun", *flags).code == 0
    refused = sketchkit("analogy", words[0], "mean:dog", "mean:sun", "--from", "animals", "-o", "no.svg")
    assert refused.code == 3 and "no class 'dog': there are cat, sun" in refused.err


def test_a_file_may_be_called_like_one_of_its_drawings(sketchkit: Sketchkit, bird: Path, home: Path) -> None:
    (home / "bird#1.svg").write_bytes(bird.read_bytes())
    assert sketchkit("interpolate", "bird#1.svg", "bird.svg", "-n", 2, "-o", "way.svg").code == 0


# --- many in one run ------------------------------------------------------------------------------------


def snapshot() -> dict[str, bytes]:
    """All files of the folder out/."""
    return {path.name: path.read_bytes() for path in sorted(Path("out").iterdir())}


def test_all_choices_of_some_drawings(sketchkit: Sketchkit, drawings: Path) -> None:
    Path("out").mkdir()
    flags = ("--from", drawings, "--limit", 4, "-n", 3, "-o", "out/{stem}.svg")
    done = sketchkit("interpolate", "--pairs", "all", *flags)
    assert done.code == 0 and "wrote 6 of 6 jobs" in done.err
    assert sorted(snapshot()) == [*(f"{i}.svg" for i in range(6)), "sketchkit-run.json"]
    assert all(len(cells(f"out/{i}.svg")) == 3 for i in range(6))


def test_a_rerun_writes_what_is_missing_and_the_same_bytes(sketchkit: Sketchkit, drawings: Path) -> None:
    Path("out").mkdir()
    command = ("grid", "--pairs", "random:6", "--from", drawings, "--steps", "2x3", "-o", "out/g-{index}.svg")
    assert sketchkit(*command, "--format", "svg,png").code == 0
    whole = snapshot()
    assert len(whole) == 13
    for name in ("g-1.svg", "g-1.png", "g-4.png"):
        Path("out", name).unlink()
    Path("out", ".0123456789abcdef.tmp").write_bytes(b"half")
    again = sketchkit(*command, "--format", "svg,png")
    assert "wrote 2 of 6 jobs; 4 were there already" in again.err
    assert snapshot() == whole


@pytest.mark.parametrize("by", ["pairs", "jobs"])
def test_a_run_knows_its_drawings_by_what_is_in_them(
    sketchkit: Sketchkit, drawings: Path, home: Path, by: str
) -> None:
    Path("out").mkdir()
    copy = home / "mine.ndjson"
    copy.write_bytes(drawings.read_bytes())
    Path("jobs.jsonl").write_text('{"name": "a", "drawings": ["mine.ndjson#0", "mine.ndjson#1"]}')
    chosen = ("--pairs", "random:1", "--from", copy) if by == "pairs" else ("--jobs", "jobs.jsonl")
    command = ("interpolate", *chosen, "-n", 2, "-o", "out/{stem}.svg")
    assert sketchkit(*command).code == 0
    os.utime(copy, (1, 1))
    assert "1 were there already" in sketchkit(*command).err
    content = copy.read_bytes()
    digit = next(place for place in range(len(content)) if content[place : place + 1] in b"12345678")
    copy.write_bytes(content[:digit] + bytes([content[digit] + 1]) + content[digit + 1 :])
    os.utime(copy, (1, 1))
    assert "files of another run" in sketchkit(*command).err


def test_files_of_another_run_are_not_mixed_in(sketchkit: Sketchkit, drawings: Path) -> None:
    Path("out").mkdir()
    command = ("interpolate", "--pairs", "random:3", "--from", drawings, "-n", 2, "-o", "out/{stem}.svg")
    assert sketchkit(*command).code == 0
    whole = snapshot()
    refused = sketchkit(*command, "--seed", 1)
    assert refused.code == 3 and "files of another run" in refused.err
    assert snapshot() == whole
    assert sketchkit(*command, "--seed", 1, "--force").code == 0
    forced = snapshot()
    assert forced.keys() == whole.keys() and all(forced[name] != whole[name] for name in whole)
    Path("out/sketchkit-run.json").unlink()
    assert "exists already" in sketchkit(*command, "--seed", 1).err
    assert {name: forced[name] for name in snapshot()} == snapshot()


def test_all_that_decides_what_files_hold_makes_another_run(
    sketchkit: Sketchkit, drawings: Path, tiny_vae: VaeModel
) -> None:
    Path("out").mkdir()
    other = VaeModel(tiny_vae.architecture, tiny_vae.card)
    other.load_state_dict({name: value * 1.01 for name, value in tiny_vae.state_dict().items()})
    other.save("other.safetensors")
    start = ("interpolate", "--from", drawings, "-o", "out/{stem}.svg")
    usual = ("--pairs", "random:3", "-n", 3)
    assert sketchkit(*start, *usual).code == 0
    whole = snapshot()
    changes = (
        ("--deterministic",), ("--cell", 50), ("--path", "lerp"), ("-t", 0.5), ("-m", "other.safetensors"),
        ("--limit", 5), ("--prepared",), ("--max-points", 9), ("--format", "svg"),
    )  # fmt: skip
    for change in changes:
        refused = sketchkit(*start, *usual, *change)
        assert refused.code == 3 and "files of another run" in refused.err, change
    assert snapshot() == whole
    library.write(list(synth(12, seed=4)), drawings)
    assert "files of another run" in sketchkit(*start, *usual).err
    refused = sketchkit(*start, "--pairs", "random:11", "-n", 3, "--force")
    assert refused.code == 3 and "which has other names" in refused.err
    assert snapshot() == whole


def test_the_choice_the_method_and_the_class_change_what_is_drawn(
    sketchkit: Sketchkit, drawings: Path
) -> None:
    start = ("interpolate", "--pairs", "random:2", "--from", drawings, "-n", 4, "--deterministic")
    made = {}
    for name, change in {
        "usual": (), "again": (), "seed": ("--seed", 1), "lerp": ("--path", "lerp"),
        "warm": ("-t", 1),
    }.items():  # fmt: skip
        Path(name).mkdir()
        assert sketchkit(*start, *change, "-o", f"{name}/{{stem}}.svg").code == 0, name
        made[name] = [re.findall(rb' d="[^"]*"', Path(name, f"{k}.svg").read_bytes()) for k in (0, 1)]
    assert made["usual"] == made["again"]
    assert all(made[name] != made["usual"] for name in ("seed", "lerp", "warm"))
    sketchkit("encode", drawings, "--limit", 3, "-o", "z.npz")
    for name in ("cat", "sun"):
        assert sketchkit("decode", "z.npz", "--class", name, "-o", f"{name}.svg", "--deterministic").code == 0
    drawn = [re.findall(rb' d="[^"]*"', Path(f"{name}.svg").read_bytes()) for name in ("cat", "sun")]
    assert drawn[0] != drawn[1]


def test_an_analogy_is_a_less_b_and_c(sketchkit: Sketchkit, drawings: Path) -> None:
    sketches = [sketch.labelled(None) for sketch in library.read_all(drawings)][:3]
    library.write(sketches, "three.ndjson")
    words = [f"three.ndjson#{k}" for k in (0, 1, 2)]
    assert sketchkit("analogy", *words, "-o", "sum.ndjson").code == 0
    model = load_drawing_model("doodle-vae")
    wanted = library.analogy(model, *library.read_all("three.ndjson"))
    (made,) = library.read_all("sum.ndjson")
    assert [len(line) for line in made.to_polylines()] == [len(line) for line in wanted.to_polylines()]
    assert all(map(partial(np.allclose, atol=1e-2), made.to_polylines(), wanted.to_polylines()))


def test_drawings_of_a_way_have_keys_of_their_own(sketchkit: Sketchkit, drawings: Path) -> None:
    told = sketchkit("interpolate", f"{drawings}#0", f"{drawings}#1", "-n", 4, "-o", "way.ndjson")
    assert told.code == 0, told.err
    assert len({sketch.key for sketch in library.read_all("way.ndjson")}) == 4


def test_a_tile_holds_what_is_drawn_alone(sketchkit: Sketchkit, drawings: Path) -> None:
    words = [f"{drawings}#{k}" for k in (0, 1, 2)]
    assert sketchkit("analogy", *words, "--tile", "1x1", "-o", "sum.svg").code == 0
    assert sketchkit("reconstruct", words[0], "-t", "0.1,0.5", "--tile", "2x1", "-o", "two.svg").code == 0
    assert (len(cells("sum.svg")), len(cells("two.svg"))) == (1, 2)


def test_a_job_that_cannot_be_drawn_is_named(sketchkit: Sketchkit, drawings: Path, bird: Path) -> None:
    dot = '<path d="M5 5h0" stroke="black" stroke-linecap="round"/>'
    Path("dot.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{dot}</svg>')
    jobs = [
        {"name": "good", "drawings": ["bird.svg", "bird.svg"]},
        {"name": "bad", "drawings": ["bird.svg", "dot.svg"]},
    ]
    Path("jobs.jsonl").write_text("\n".join(map(json.dumps, jobs)))
    Path("out").mkdir()
    refused = sketchkit("interpolate", "--jobs", "jobs.jsonl", "-o", "out/{stem}.svg")
    assert refused.code == 3
    assert "jobs.jsonl: line 2: job 'bad': dot.svg: a drawing without a line" in refused.err
    assert not list(Path("out").iterdir())


def test_jobs_may_be_listed(sketchkit: Sketchkit, drawings: Path, bird: Path, home: Path) -> None:
    (home / "lists").mkdir()
    Path("out").mkdir()
    lines = [
        {"name": "first", "drawings": ["../drawings.ndjson#1", "../bird.svg"]},
        {"name": "second", "drawings": ["../bird.svg", "../drawings.ndjson#2", "../drawings.ndjson#3"]},
    ]
    (home / "lists" / "jobs.jsonl").write_text("\n\n".join(map(json.dumps, lines)))
    done = sketchkit("interpolate", "--jobs", "lists/jobs.jsonl", "-n", 3, "-o", "out/{stem}.svg")
    assert done.code == 0, done.err
    assert sorted(snapshot()) == ["first.svg", "second.svg", "sketchkit-run.json"]
    assert facts("out/second.svg")["job"] == "second"
    assert facts("out/second.svg")["drawings"] == lines[1]["drawings"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds 0 jobs"),
        ("hello", "line 1: no JSON"),
        ("[" * 100_000, "line 1: no JSON"),
        ("[]", "line 1: a job needs a name"),
        ('{"name": "../x", "drawings": []}', "a name that can be a file's"),
        ('{"name": ".x", "drawings": []}', "a name that can be a file's"),
        ('{"name": "x", "drawings": "y"}', "a list of drawings"),
        ('{"name": "x", "drawings": ["a\\u0000"]}', "cannot be a file's"),
        (
            '{"name": "x", "drawings": ["a"]}\n{"name": "x", "drawings": ["b"]}',
            "lines 1 and 2: two jobs are called 'x'",
        ),
        ('{"name": "x", "drawings": ["none.svg", "none.svg"]}', "line 1: job 'x': none.svg: no such file"),
        ('\n{"name": "x", "drawings": ["drawings.ndjson#1"]}', "line 2: job 'x': a row leads between two"),
        (json.dumps({"name": "x", "drawings": ["drawings.ndjson#1"] * 11}), "11 points or more, got 10"),
    ],
)
def test_a_list_of_jobs_that_is_none_is_refused(
    sketchkit: Sketchkit, drawings: Path, content: str, said: str
) -> None:
    Path("jobs.jsonl").write_text(content)
    Path("out").mkdir()
    refused = sketchkit("interpolate", "--jobs", "jobs.jsonl", "-o", "out/{stem}.svg")
    assert refused.code == 3 and said in refused.err, refused.err
    assert not list(Path("out").iterdir())


def test_a_run_that_left_nothing_but_its_record_blocks_no_other(sketchkit: Sketchkit, drawings: Path) -> None:
    Path("out").mkdir()
    command = ("interpolate", "--pairs", "random:3", "--from", drawings, "-n", 2)
    assert sketchkit(*command, "-m", "tiny", "-o", "out/{stem}.svg").code == 3
    Path("out/.0123456789abcdef.tmp").write_bytes(b"half")
    Path("out/notes.txt").write_text("mine")
    assert "sketchkit-run.json" in snapshot(), "else there is nothing to test"
    assert sketchkit(*command, "--seed", 1, "-o", "out/way-{index}.svg").code == 0
    assert sorted(snapshot()) == ["notes.txt", "sketchkit-run.json", *(f"way-{i}.svg" for i in range(3))]
    for i in (0, 1):
        Path(f"out/way-{i}.svg").unlink()
    refused = sketchkit(*command, "-o", "out/{stem}.svg")
    assert refused.code == 3 and "files of another run" in refused.err


@pytest.mark.parametrize("content", ["{}", "[]", "not JSON", '{"checksum": "0", "run": {"pattern": ["x"]}}'])
def test_a_record_that_is_not_ours_blocks_a_run(sketchkit: Sketchkit, drawings: Path, content: str) -> None:
    Path("out").mkdir()
    Path("out/sketchkit-run.json").write_text(content)
    refused = sketchkit(
        "grid", "--pairs", "random:1", "--from", drawings, "--steps", "2x2", "-o", "out/{stem}.svg"
    )
    assert refused.code == 3 and "the record is damaged" in refused.err
    assert Path("out/sketchkit-run.json").read_text() == content


def test_a_second_run_in_the_same_folder_is_refused_until_the_first_has_died(
    sketchkit: Sketchkit, drawings: Path, tiny_vae: VaeModel
) -> None:
    tiny_vae.save("dreamer.safetensors")
    Path("out").mkdir()
    flags = ("--from", str(drawings), "--steps", "4x4", "-m", "dreamer.safetensors")
    command = ["grid", "--pairs", "random:2000", *flags, "-o", "out/{stem}.svg"]
    first = Fork(run_command, command)
    try:
        while first.poll() is None and len(list(Path("out").glob("*.svg"))) < 3:
            time.sleep(0.01)
        assert first.poll() is None, "the run was over before there could be a second"
        half = Path("out/.0123456789abcdef.tmp")
        half.write_bytes(b"half")
        for target, more in (("out/{stem}.svg", ()), ("out/../out/other-{stem}.svg", ("--force",))):
            refused = sketchkit(*command[:-1], target, *more)
            assert refused.code == 3 and "out: another run is writing into this folder" in refused.err
        assert half.exists() and first.poll() is None
    finally:
        first.kill()
        first.communicate(600)
    few = ("grid", "--pairs", "random:2", "--from", drawings, "--steps", "2x2", "-o", "out/{stem}.svg")
    assert "files of another run" in sketchkit(*few).err
    shutil.rmtree("out")
    Path("out").mkdir()
    assert sketchkit(*few).code == 0
    assert sorted(snapshot()) == ["0.svg", "1.svg", "sketchkit-run.json"]


def test_a_folder_that_cannot_be_locked_is_told(
    sketchkit: Sketchkit, drawings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    Path("out").mkdir()
    few = ("grid", "--pairs", "random:2", "--from", drawings, "--steps", "2x2", "-o", "out/{stem}.svg")
    done = sketchkit(*few)
    assert done.code == 0 and "out: cannot be locked (no locks available)" in done.err
    missing = sketchkit(*few[:-1], "nowhere/{stem}.svg")
    assert missing.code == 3 and "there is no folder nowhere" in missing.err


def test_all_drawings_of_a_way_are_seen_in_it(sketchkit: Sketchkit, drawings: Path) -> None:
    library.write([sketch.labelled(None) for sketch in library.read_all(drawings)][:4], "four.ndjson")
    ends, via = ["four.ndjson#0", "four.ndjson#1"], ["--via", "four.ndjson#2", "--via", "four.ndjson#3"]
    refused = sketchkit("interpolate", *ends, *via, "-n", 3, "-o", "way.svg")
    assert refused.code == 2 and "3 drawings have no room for all that are given: -n 4" in refused.err
    for n, places in ((4, [0, 1, 2, 3]), (6, [0, 2, 3, 5])):
        way, given = f"way-{n}.ndjson", [ends[0], via[1], via[3], ends[1]]
        assert sketchkit("interpolate", *ends, *via, "-n", n, "-o", way).code == 0
        drawn = list(library.read_all(way))
        for place, each in zip(places, given, strict=True):
            sketchkit("interpolate", each, each, "-n", 2, "-o", "one.ndjson", "-f")
            one = next(library.read_all("one.ndjson"))
            assert all(
                np.allclose(a, b, atol=1e-2)
                for a, b in zip(drawn[place].to_polylines(), one.to_polylines(), strict=True)
            )


def test_a_data_set_gives_drawings_of_a_class(sketchkit: Sketchkit, home: Path) -> None:
    prepare_sketches(synth(60, seed=1, classes=["cat", "sun"]), home / "animals")
    Path("out").mkdir()
    command = ("grid", "--pairs", "random:2", "--from", "animals", "--split", "train", "--steps", "2x2")
    assert sketchkit(*command, "--class", "cat", "-o", "out/{stem}.svg").code == 0
    assert facts("out/0.svg")["class"] == "cat"
    data = Dataset.open("animals").split("train")
    cats = np.flatnonzero(data.classes == 0)
    known = {f"{key:016x}" for key in data.keys[cats].tolist()} | {f"animals#{place}" for place in cats}
    given = [name for k in (0, 1) for name in facts(f"out/{k}.svg")["drawings"]]
    assert len(given) == 8 and set(given) <= known
    refused = sketchkit(*command, "--class", "dog", "-o", "out/{stem}.svg", "-f")
    assert refused.code == 3 and "no class 'dog'" in refused.err


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
    drawings: Path, sketchkit: Sketchkit, tmp_path: Path, tiny_vae: VaeModel
) -> None:
    tiny_vae.save("dreamer.safetensors")
    Path("out").mkdir()
    flags = ("--from", str(drawings), "--steps", "3x3", "-m", "dreamer.safetensors")
    command = ["grid", "--pairs", "random:60", *flags, "-o", "out/{stem}.svg"]
    assert sketchkit(*command).code == 0
    whole = snapshot()
    shutil.rmtree("out")
    Path("out").mkdir()
    chance, kills = random.Random(1), 0
    while True:
        process = Fork(run_command, command)
        wanted = len(list(Path("out").iterdir())) + chance.randint(1, 20)
        while process.poll() is None and len(list(Path("out").iterdir())) < wanted:
            time.sleep(0.005)
        if process.poll() is None and kills < KILLS:
            process.kill()
            kills += 1
        process.communicate(600)
        if process.returncode == 0:
            assert snapshot() == whole
            if kills == KILLS:
                break
            shutil.rmtree("out")  # it was over before it could be killed: begin anew
            Path("out").mkdir()


# --- a prior that is learnt -----------------------------------------------------------------------------


def test_a_prior_is_fitted_and_drawn_from(sketchkit: Sketchkit, tmp_path: Path) -> None:
    assert sketchkit("data", "synth", "-n", 90, "--class", "cat", "--class", "sun", "-o", "pets").code == 0
    fit = ("models", "prior", "doodle-vae", "pets", "-o", "pets.safetensors", "--steps", 5)
    done = sketchkit(*fit)
    assert (done.code, done.out) == (0, b""), done.err
    assert done.err.endswith("pets.safetensors\n")
    described = sketchkit("models", "info", "pets.safetensors", "--json").json
    assert described["architecture"]["prior"] > 0
    drawn = {}
    for name, more in {
        "usual": (),
        "again": (),
        "typical": ("--z-temperature", 0),
        "seed": ("--seed", 1),
    }.items():
        words = ("sample", "-m", "pets.safetensors", "-n", 3, "-o", f"{name}.ndjson", "--temperature", 0)
        assert sketchkit(*words, *more).code == 0
        drawn[name] = [sketch.stroke5.tolist() for sketch in library.read_all(f"{name}.ndjson")]
    assert drawn["usual"] == drawn["again"] != drawn["seed"]
    assert drawn["typical"][0] == drawn["typical"][1] == drawn["typical"][2]
    assert drawn["usual"][0] != drawn["usual"][1]
    refused = sketchkit("models", "prior", "tiny", "pets", "-o", "x.safetensors")
    assert (refused.code, refused.err) == (
        3,
        "sketchkit: the model 'tiny' has no encoder, so that no prior can be fitted\n",
    )
    assert sketchkit("models", "prior", "doodle-vae", "pets", "-o", "x.json").code == 2
    assert "exists already" in sketchkit(*fit).err
    assert not Path("x.safetensors").exists()


def test_the_path_leads_through_the_prior_where_there_is_one(sketchkit: Sketchkit, drawings: Path) -> None:
    assert sketchkit("data", "synth", "-n", 90, "--class", "cat", "--class", "sun", "-o", "pets").code == 0
    assert sketchkit("models", "prior", "doodle-vae", "pets", "-o", "p.safetensors", "--steps", 5).code == 0
    ways: dict[str, tuple[str, ...]] = {"usual": ()}
    ways |= {name: ("--path", name) for name in ("prior", "slerp")} | {"method": ("--method", "slerp")}
    made = {}
    for name, more in ways.items():
        words = ("interpolate", f"{drawings}#0", f"{drawings}#1", "-n", 4, "-m", "p.safetensors")
        assert sketchkit(*words, *more, "-o", f"{name}.ndjson").code == 0
        made[name] = [sketch.stroke5.tolist() for sketch in library.read_all(f"{name}.ndjson")]
    assert made["usual"] == made["prior"] != made["slerp"] == made["method"]
    told = sketchkit("interpolate", f"{drawings}#0", f"{drawings}#1", "--path", "prior", "-o", "x.svg")
    assert told.code == 3 and "has no learnt prior" in told.err
