"""Many drawings of few, `examples/vary_drawings.py`."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sketchkit import Sketch
from sketchkit.evaluate.heldout import HeldOut
from sketchkit.geometry import chamfer, unit_outline
from sketchkit.training.data import Recipe, prepare_sketches, synth

SCRIPT = Path(__file__).parents[2] / "examples" / "vary_drawings.py"


def varied(path: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[dict[str, Any]]:
    output = path.with_name("varied.ndjson")
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(path), "-o", str(output), *words])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    return [json.loads(line) for line in output.read_text().splitlines()]


def outline(strokes: list[Any], mirrored: bool = False) -> Any:
    lines = [np.array(stroke, float).T * (-1.0 if mirrored else 1.0, 1.0) for stroke in strokes]
    return unit_outline(Sketch.from_polylines(lines))


def test_variations_are_near_the_drawing_and_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data"
    data = prepare_sketches(
        list(synth(30, seed=2, classes=["house", "sun"])), path, Recipe(splits=(60, 20, 20))
    )
    given = [each for each in HeldOut.choose(data, "train").sketches() if each.label == "sun"]
    found = varied(path, monkeypatch, "-n", "5", "--class", "sun")
    assert [each["word"] for each in found] == ["sun"] * 5 * len(given)
    assert len({each["key_id"] for each in found}) == len(found)
    for place, drawing in enumerate(given):
        mine = [each["drawing"] for each in found[5 * place :][:5]]
        assert len({json.dumps(each) for each in mine}) == 5
        assert chamfer(unit_outline(drawing), outline(mine[0])) < 0.01
        for each in mine:
            assert len(each) == drawing.n_strokes and np.min(each[0]) >= 0 and np.max(each[0]) <= 255
            ways = [chamfer(unit_outline(drawing), outline(each, mirrored)) for mirrored in (False, True)]
            assert min(ways) < 0.06
    assert varied(path, monkeypatch, "-n", "5", "--class", "sun") == found
    assert varied(path, monkeypatch, "-n", "5", "--class", "sun", "--seed", "1") != found
