"""`sketchkit evaluate`: a report on stdout or in a file, and errors of one line."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Outcome, Sketchkit

from sketchkit.checkpoints.load import load_model
from sketchkit.training.data import prepare_sketches, synth

QUICK = ("--samples", "12", "--bootstrap", "20", "--limit", "15")


@pytest.fixture
def birds(home: Path) -> Path:
    """A data set called birds, of things that are none."""
    from sketchkit.training.data import Recipe

    return prepare_sketches(
        synth(60, seed=2, classes=["face", "sun"]), home / "birds", Recipe(splits=(60, 0, 40))
    ).path


def _failed(done: Outcome, code: int, *words: str) -> None:
    assert done.code == code, done.err
    assert done.out == b""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("sketchkit: ")
    for word in words:
        assert word in done.err


def test_a_report_is_markdown_on_stdout(sketchkit: Sketchkit, birds: Path) -> None:
    done = sketchkit("evaluate", "tiny", birds, *QUICK, "-t", "0.3,0.6", "-t", "0.3")
    assert (done.code, done.err) == (0, "")
    text = done.out.decode()
    assert text.startswith("# tiny on birds\n")
    assert text.count("## Samples at temperature") == 2
    assert "15 drawings" in text and "12 samples" in text
    assert sketchkit("evaluate", "tiny", birds, *QUICK, "-t", "0.3,0.6").out == done.out


def test_json_holds_the_same(sketchkit: Sketchkit, birds: Path) -> None:
    done = sketchkit("evaluate", "tiny", "birds", *QUICK, "--json", "--seed", "5", "--class", "sun")
    assert (done.code, done.err) == (0, "")
    report = done.json
    assert report["model"]["name"] == "tiny" and report["data"]["class"] == "sun"
    assert report["settings"]["seed"] == 5 and report["settings"]["temperatures"] == [0.25]
    point = report["likelihood"]["model"]["per_point"]
    assert point["low"] <= point["value"] <= point["high"]
    assert report["samples"][0]["drawings"] == 12
    # The model draws birds, whatever suns are held against it.
    assert report["samples"][0]["nameable"] == 12
    assert [each["name"] for each in report["samples"][0]["classes"]] == ["bird"]
    assert report["recogniser"]["notice"].startswith("Trained on the Quick, Draw! dataset")


def test_a_report_goes_into_a_file_and_overwrites_none_unasked(sketchkit: Sketchkit, birds: Path) -> None:
    words = ("evaluate", "tiny", "birds", "--samples", "0", "--bootstrap", "10")
    done = sketchkit(*words, "-o", "report.md")
    assert (done.code, done.out, done.err) == (0, b"", "wrote report.md\n")
    text = Path("report.md").read_text(encoding="utf-8")
    assert text.startswith("# tiny on birds")
    both = sketchkit(*words, "-o", "report.json", "--json")
    assert json.loads(Path("report.json").read_bytes()) == both.json
    _failed(sketchkit(*words, "-o", "report.md"), 3, "report.md: the file exists already; --force")
    assert sketchkit(*words, "-o", "report.md", "--force").code == 0
    assert Path("report.md").read_text(encoding="utf-8") == text


def test_a_recogniser_of_ones_own_can_judge(sketchkit: Sketchkit, birds: Path) -> None:
    from dataclasses import replace

    from sketchkit.evaluate.recogniser import load_recogniser, save_recogniser

    shipped = load_recogniser()
    save_recogniser(shipped.net, replace(shipped.about, version="mine"), "own.safetensors")
    done = sketchkit("evaluate", "tiny", "birds", *QUICK, "--recogniser", "own.safetensors", "--json")
    assert done.json["recogniser"]["version"] == "mine"


def test_the_example_works(sketchkit: Sketchkit, birds: Path, own_store: Path) -> None:
    load_model("tiny").with_card(name="bird").save(own_store / "bird.safetensors")
    shown = sketchkit("evaluate", "--help").out.decode()
    assert all(len(line) <= 80 for line in shown.splitlines())
    *_, heading, example = shown.splitlines()
    assert heading == "Example:"
    assert sketchkit(*shlex.split(example)[1:], *QUICK).code == 0
    assert Path("report.md").read_text(encoding="utf-8").startswith("# bird on birds")


def test_help_and_wrong_usage_load_nothing_heavy(birds: Path) -> None:
    for words in (["--help"], ["tiny", "birds", "-t", "x"], ["tiny", "nowhere"]):
        program = (
            "import sys; from sketchkit.cli.main import run; "
            f"run({['evaluate', *words]}); print('torch' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
        assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("nobody", "birds"), 5, "nobody"),
        (("missing.safetensors", "birds"), 5, "missing.safetensors: no such file"),
        (("tiny", "nowhere"), 3, "nowhere: no such data set"),
        (("tiny", "."), 3, "holds no data set"),
        (("tiny", "birds", "--split", "valid"), 3, "birds: the valid split holds no drawings"),
        (("tiny", "birds", "--class", "sum"), 3, "holds no class 'sum': did you mean 'sun'"),
        (("tiny", "birds", "--recogniser", "none.safetensors"), 5, "none.safetensors: no such file"),
        (("tiny", "birds", "--device", "abacus"), 5, "abacus"),
        (("tiny", "birds", "--sampler", "nobody"), 4, "nobody"),
        (("tiny", "birds", "-t", "warm"), 2, "'warm' is no list of numbers"),
        (("tiny", "birds", "-t", "0.5,"), 2, "is no list of numbers"),
        (("tiny", "birds", "-t", "-1"), 2, "temperature"),
        (("tiny", "birds", "-O", "temperature=1"), 2, "--temperature says how daring"),
        (("tiny", "birds", "-O", "k=1"), 2, "has no option 'k'"),
        (("tiny", "birds", "-o", "report.pdf"), 2, "a report is one of .md, .json"),
        (("tiny", "birds", "-o", "no/report.md"), 3, "there is no folder"),
        (("tiny", "birds", "--samples", "-1"), 2, "samples"),
        (("tiny", "birds", "--split", "dev"), 2, "dev"),
    ],
)
def test_errors_are_one_line(
    sketchkit: Sketchkit, birds: Path, words: tuple[str, ...], code: int, reason: str
) -> None:
    _failed(sketchkit("evaluate", *words), code, reason)


def test_a_broken_model_or_data_set_is_told_in_one_line(sketchkit: Sketchkit, birds: Path) -> None:
    Path("broken.safetensors").write_bytes(b"\x00" * 40)
    _failed(sketchkit("evaluate", "broken.safetensors", "birds"), 5, "broken.safetensors")
    (birds / "test.lifts").write_bytes(b"")
    _failed(sketchkit("evaluate", "tiny", "birds"), 3, "test.lifts: 0 bytes where the manifest says")


def test_the_constant_mixture_is_fitted_though_a_model_is_worse(sketchkit: Sketchkit, birds: Path) -> None:
    report = sketchkit("evaluate", "tiny", "birds", "--samples", "0", "--json").json
    ours, constant = (report["likelihood"][name]["per_point"]["value"] for name in ("model", "baseline"))
    assert constant < ours
