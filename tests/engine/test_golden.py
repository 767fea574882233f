"""Whole drawings against those of the official JavaScript libraries."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sketchkit.checkpoints.load import load_model
from sketchkit.engine import decode, read_prompts
from sketchkit.sampling import make_sampler


@pytest.mark.data
@pytest.mark.parametrize("name", ["bird", "sheep"])
def test_greedy_drawings_are_those_of_the_official_libraries(data: Path, name: str) -> None:
    golden = json.loads((data / "magenta" / "golden" / f"{name}.json").read_text())
    model = load_model(data / "magenta" / f"{name}.gen.json")
    for run in golden["greedy"]:
        model.with_card(start=tuple(run["start"]))
        scale = golden["header"]["scale_factor"] / run["pixel_factor"]
        beginning = np.array(run["prefix_rows"], np.float64).reshape(-1, 5)
        beginning[:, :2] /= scale
        expected = np.array(run["lib"]["sketch_rnn.js"])
        (drawn,) = decode(
            model,
            make_sampler("greedy"),
            read_prompts(model, [beginning]),
            np.zeros(1, np.int64),
            np.zeros(1, np.int64),
            seed=0,
            max_points=len(expected),
        )
        np.testing.assert_array_equal(drawn.rows[:, 2:], expected[:, 2:])
        inked = expected[:, 4] == 0  # the offset of an end row is never drawn, and we leave it out
        # In pixels: what rounding makes of a drawing after 64 points, each of which depends on the last.
        np.testing.assert_allclose(drawn.rows[inked, :2] * scale, expected[inked, :2], atol=0.05)
