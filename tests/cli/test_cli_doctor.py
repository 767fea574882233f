"""`sketchkit doctor` on runs that are well, ill and none at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import Sketchkit

from sketchkit.training.logs import CsvLog
from sketchkit.training.records import EvaluationRecord, StepRecord


def make_run(folder: Path, steps: int = 1000, *, diverging: bool = False) -> Path:
    """A run's folder: 1,000 steps whose loss falls, or rises again."""
    folder.mkdir()
    log = CsvLog(folder)
    for n in range(5, steps + 1, 5):
        loss = 0.2 + 1 / (1 + n / 50) + (max(n - 300, 0) / 100 if diverging else 0.0)
        noise = 0.01 * (n % 3 - 1)
        terms = {"offset": loss - 0.2 + noise, "pen": 0.2}
        log.step(StepRecord(n, loss, terms, {}, 1e-3, 0.5, 1000 * n, 0.1 * n, 0))
        if n % 100 == 0:
            log.evaluation(
                EvaluationRecord(n, loss, {"offset": loss - 0.2, "pen": 0.2}, 3 * loss, 500, True, 0.1 * n)
            )
    log.close()
    (folder / "run.json").write_text(json.dumps({"status": "finished", "parameters": 12345}))
    return folder


def test_a_healthy_run_is_said_to_be_so(sketchkit: Sketchkit, home: Path) -> None:
    make_run(home / "cats-run")
    told = sketchkit("doctor", "cats-run")
    assert (told.code, told.err) == (0, "")
    lines = told.out.decode().splitlines()
    assert lines[0].startswith(
        "cats-run: finished, step 1,000 of 1,000, 0:01:40 of training, 1,000,000 points"
    )
    assert lines[0].endswith("12,345 parameters")
    assert any(line.startswith("fine      Nothing is wrong") for line in lines)


def test_what_is_wrong_and_what_to_do_are_said_the_worst_first(sketchkit: Sketchkit, home: Path) -> None:
    make_run(home / "ill", diverging=True)
    told = sketchkit("doctor", "ill")
    assert told.code == 0
    findings = told.out.decode().split("\n\n")[1:]
    assert findings[0].startswith("problem   The loss L_R has risen since about step 3")
    assert "-> Train again with a lower" in findings[0]
    assert all(len(line) <= 80 for finding in findings for line in finding.splitlines())


def test_json_holds_all_of_it(sketchkit: Sketchkit, home: Path) -> None:
    make_run(home / "ill", diverging=True)
    told = sketchkit("doctor", "ill", "--json").json
    assert (told["path"], told["severity"]) == ("ill", "problem")
    assert told["findings"][0]["name"] == "divergence"
    assert set(told["findings"][0]) == {"name", "severity", "seen", "advice"}
    assert told["summary"]["step"] == 1000
    assert told["summary"]["best"]["step"] == 300


def test_a_run_that_has_just_begun_is_no_error(sketchkit: Sketchkit, home: Path) -> None:
    make_run(home / "fresh", steps=0)
    told = sketchkit("doctor", "fresh")
    assert (told.code, told.err) == (0, "")
    assert "Too early to tell" in told.out.decode()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone", "gone: no such folder"),
        ("empty", "empty: no run: it holds no train.csv"),
        ("file", "file: no such folder"),
    ],
)
def test_what_is_no_run_is_one_line(sketchkit: Sketchkit, home: Path, name: str, words: str) -> None:
    (home / "empty").mkdir()
    (home / "file").write_text("x")
    told = sketchkit("doctor", name)
    assert (told.code, told.out, told.err) == (3, b"", f"sketchkit: {words}\n")


@pytest.mark.parametrize("content", [b"\x00\xff" * 4000, b"a,b\n1,2\n", b"step"[:3] + b"\n"])
def test_a_hostile_log_is_one_line(sketchkit: Sketchkit, home: Path, content: bytes) -> None:
    (make_run(home / "bad") / "train.csv").write_bytes(content)
    told = sketchkit("doctor", "bad")
    assert (told.code, told.out) == (3, b"")
    assert told.err.startswith("sketchkit: bad/train.csv, line 1: ")
    assert told.err.count("\n") == 1


def test_torch_is_not_needed(shell: Sketchkit, home: Path) -> None:
    make_run(home / "cats-run")
    blocked = home / "torch"
    blocked.mkdir()
    (blocked / "__init__.py").write_text("raise SystemExit('torch was imported')")
    told = shell("doctor", "cats-run", env={"PYTHONPATH": str(home)})
    assert (told.code, told.err) == (0, "")


def test_its_help_ends_with_an_example_that_works(sketchkit: Sketchkit, home: Path) -> None:
    *_, heading, example = sketchkit("doctor", "--help").out.decode().splitlines()
    assert heading == "Example:"
    words = example.split()
    assert words[:2] == ["sketchkit", "doctor"]
    make_run(home / words[2])
    assert sketchkit(*words[1:]).code == 0
    assert "sketchkit.training.doctor" in sys.modules
