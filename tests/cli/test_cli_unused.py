"""Options that would change nothing are refused, before any work is done, and so are absurd numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Sketchkit

import sketchkit as library
from sketchkit.models.vae import VaeModel
from sketchkit.training.data import synth

LAYERS = ("complete", "bird.svg", "-n", "2", "--layout", "layers")
PAIRS = ("--pairs", "all", "--from", "two.ndjson")
ALONE = ("complete", "bird.svg", "-n", "2", "--layout", "files")


@pytest.fixture(autouse=True)
def given(home: Path, bird: Path, bundled: Path, tiny_vae: VaeModel) -> None:
    """A drawing begun, two that are whole, and a conditional VAE in the place of sketchkit's own."""
    library.write(list(synth(2, seed=3)), home / "two.ndjson")
    tiny_vae.save(bundled / "doodle-vae.safetensors")


def _refused(sketchkit: Sketchkit, home: Path, words: tuple[str, ...], reason: str) -> None:
    before = sorted(home.iterdir())
    done = sketchkit(*words)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, b"", 1), done.err
    assert reason in done.err
    assert sorted(home.iterdir()) == before


@pytest.mark.parametrize(
    "option",
    [
        ("--page", "A4"),
        ("--title", "birds"),
        ("--tile", "2x1"),
        ("--cell", "90"),
        ("--gap", "3"),
        ("--margin", "3"),
        ("--scale-mode", "common"),
        ("--label",),
        ("--background", "ivory"),
    ],
    ids=lambda option: option[0],
)
def test_layers_have_no_sheet(sketchkit: Sketchkit, home: Path, option: tuple[str, ...]) -> None:
    for words in (LAYERS, ALONE):
        _refused(sketchkit, home, (*words, *option), option[0])
    assert sketchkit(*LAYERS, "--stroke", "2").code == 0
    assert sketchkit(*ALONE, "--stroke", "2").code == 0


def test_a_picture_of_its_own_that_is_no_svg_is_a_sheet(sketchkit: Sketchkit) -> None:
    assert sketchkit(*ALONE, "--title", "bird", "--cell", "90", "-o", "{index}.png").code == 0
    assert sorted(each.name for each in Path().glob("*.png")) == ["0.png", "1.png"]


@pytest.mark.parametrize(
    "words",
    [
        ("sample", "-n", "2"),
        ("complete", "bird.svg", "-n", "2"),
        ("reconstruct", "two.ndjson"),
        ("interpolate", "two.ndjson#0", "two.ndjson#1"),
        ("grid", *["two.ndjson#0"] * 4),
        ("analogy", *["two.ndjson#0"] * 3),
        ("infill", "bird.svg", "--missing", "0:1"),
        ("infill", "bird.svg", "--number"),
    ],
    ids=lambda words: words[0],
)
def test_files_of_drawings_have_no_sheet(sketchkit: Sketchkit, home: Path, words: tuple[str, ...]) -> None:
    for option in (("--title", "x"), ("--stroke", "1")):
        _refused(
            sketchkit, home, (*words, *option, "-o", "x.ndjson"), ".ndjson files hold drawings, not a sheet"
        )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("score", "two.ndjson", "--page", "A4"), "goes with --heatmap only: there is no picture"),
        (("infill", "bird.svg", "--number", "--layout", "files"), "--number draws one sheet"),
        (("sample", "-n", "2", "--format", "svg,png"), "'svg,png' are several"),
        (("render", "two.ndjson", "--format", "svg,png:dpi=300", "-o", "x.svg"), "'svg,png' are several"),
        (("infill", "bird.svg", "--number", "--seed", "0"), "--seed: --number draws nothing"),
        (("infill", "bird.svg", "--number", "-n", "3"), "-n: --number draws nothing"),
        (("sample", "--sampler", "greedy", "-t", "0.4"), "--temperature: the sampler 'greedy' has none"),
        (("reconstruct", "two.ndjson", "--sampler", "mean", "-t", "1"), "the sampler 'mean' has none"),
        (("grid", *["two.ndjson#0"] * 4, "--split", "test"), "--split: goes with a data set only"),
        (("interpolate", *PAIRS, "--split", "test", "-o", "{stem}.svg"), "goes with a data set only"),
        (("analogy", *["two.ndjson#0"] * 3, "--split", "train"), "--split: goes with a data set only"),
        (("atlas", "two.ndjson", "--split", "valid"), "--split: goes with a data set only"),
        (
            ("encode", "two.ndjson", "--seed", "0", "-o", "x.npz"),
            "--seed: goes with --draws, or with --limit",
        ),
        (("render", "two.ndjson", "--tile", "2x1", "-o", "x.gif"), "--tile: an animation shows one drawing"),
        (
            ("interpolate", *PAIRS, "--scale-mode", "common", "-o", "{stem}.gif"),
            "--scale-mode: an animation shows",
        ),
        (("score", "two.ndjson", "--heatmap", "x.apng", "--tile", "9x9"), "--tile: an animation shows one"),
        (
            (*ALONE, "-o", "{index}.png", "--scale-mode", "common"),
            "--scale-mode: each file holds one drawing",
        ),
    ],
)
def test_what_would_be_passed_over_is_refused(
    sketchkit: Sketchkit, home: Path, words: tuple[str, ...], reason: str
) -> None:
    _refused(sketchkit, home, words, reason)


@pytest.mark.parametrize(
    "words",
    [
        ("sample",),
        ("complete", "bird.svg"),
        ("interpolate", "two.ndjson#0", "two.ndjson#1"),
        ("infill", "bird.svg", "--missing", "0:1"),
    ],
    ids=lambda words: words[0],
)
def test_an_absurd_number_is_refused_before_memory_is_taken(
    sketchkit: Sketchkit, home: Path, words: tuple[str, ...]
) -> None:
    _refused(sketchkit, home, (*words, "-n", "100000000000"), "less than or equal to 1000000")


def test_an_absurd_number_of_jobs_is_told_as_one(sketchkit: Sketchkit, home: Path) -> None:
    words = ("interpolate", "--pairs", "random:99999999999", "--from", "two.ndjson", "-o", "{stem}.svg")
    _refused(sketchkit, home, words, "99999999999 jobs are no number that one run takes, 1 to 1000000 (see")


def test_one_of_many_drawings_comes_on_standard_input(sketchkit: Sketchkit) -> None:
    content = Path("two.ndjson").read_bytes()
    words = ("render", "--input-format", "ndjson", "-o", "one.svg", "--", "-#1")
    assert sketchkit(*words, stdin=content).code == 0
    assert sketchkit("render", "two.ndjson#1", "-o", "other.svg").code == 0
    assert Path("one.svg").read_bytes() == Path("other.svg").read_bytes()


def test_what_is_no_number_of_a_drawing_is_told(sketchkit: Sketchkit) -> None:
    done = sketchkit("render", "two.ndjson#-1", "-o", "one.svg")
    assert (done.code, "drawings are numbered from 0: two.ndjson#0 is the first" in done.err) == (3, True)
