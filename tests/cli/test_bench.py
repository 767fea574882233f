"""`sketchkit bench`: a table, or JSON, of cases that make sense."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from sketchkit.benchmark import Case, measure, product_rate
from sketchkit.cli.main import app
from sketchkit.errors import InputError

RUN = CliRunner()


def test_it_prints_a_row_a_case() -> None:
    done = RUN.invoke(app, ["bench", "--batch", "1,2", "--runs", "1", "--device", "cpu", "--engine", "torch"])
    assert done.exit_code == 0, done.output
    head, *rows = done.stdout.splitlines()
    assert head.split()[:5] == ["model", "batch", "precision", "engine", "points/s"]
    assert [row.split()[:4] for row in rows] == [["lstm-512", n, "float32", "torch"] for n in "12"]


def test_it_prints_json_with_floors() -> None:
    done = RUN.invoke(
        app, ["bench", "--batch", "4", "--runs", "1", "--device", "cpu", "--engine", "torch", "--json"]
    )
    (found,) = json.loads(done.stdout)
    assert found["batch"] == 4
    assert found["ratio"] == pytest.approx(found["points_per_second"] / found["products_per_second"])
    assert 0 < found["ratio"] < 2
    assert found["reads_per_second"] > 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--batch", "one"], "no list of whole numbers"),
        (["--batch", "0"], "at least one drawing"),
        (["--precision", "int9"], "unknown precision 'int9'"),
        (["--model", "gru"], "unknown model 'gru'"),
    ],
)
def test_what_makes_no_case_is_an_error_of_usage(words: list[str], reason: str) -> None:
    done = RUN.invoke(app, ["bench", *words])
    assert done.exit_code == 2
    assert reason in done.stderr


def test_a_case_is_told_by_what_was_used() -> None:
    found = measure(Case(batch=2, engine="torch", device="cpu"), runs=1, clock="thread")
    assert (found.case.engine, found.case.device) == ("torch", "cpu")
    assert product_rate(1) > 0
    with pytest.raises(InputError):
        Case(batch=0)
