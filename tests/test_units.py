"""Translation between drawing units and model units."""

from __future__ import annotations

import numpy as np
import pytest

import sketchkit as sk
from sketchkit.card import ModelCard
from sketchkit.models import SketchModel
from sketchkit.sketch import Sketch
from sketchkit.units import LADDER, best_scales, from_rows, read_beginning

CARD = ModelCard(scale_factor=10.0)


def test_offsets_are_scaled_and_the_first_point_is_left_to_the_start_token() -> None:
    sketch = Sketch.from_polylines([[(5, 5), (25, 5)], [(25, 45), (5, 45)]])
    beginning = read_beginning(sketch, 2.0, CARD)
    np.testing.assert_allclose(
        beginning.rows, [[4, 0, 0, 1, 0], [0, 8, 1, 0, 0], [-4, 0, 0, 1, 0]], atol=1e-9
    )
    assert beginning.anchor == (5.0, 45.0)
    assert beginning.factor == pytest.approx(0.2)
    assert not beginning.pen_down


def test_a_drawing_is_simplified_at_its_scale() -> None:
    angle = np.linspace(0, np.pi, 400)
    arc = Sketch.from_polylines([np.stack((100 * np.cos(angle), 100 * np.sin(angle)), 1)])
    coarse, fine = read_beginning(arc, 0.5, CARD), read_beginning(arc, 5.0, CARD)
    assert 3 < len(coarse.rows) < len(fine.rows) < 60


def test_rows_come_back_to_where_they_were_measured_from() -> None:
    rows = np.array([[1, 2, 1, 0, 0], [3, -1, 0, 1, 0], [0, 0, 0, 0, 1]])
    sketch = from_rows(rows, 0.5, (10.0, 20.0), joined=False)
    np.testing.assert_allclose(sketch.points, [[12, 24], [18, 22]])
    assert sketch.ended
    joined = from_rows(rows, 0.5, (10.0, 20.0), joined=True)
    np.testing.assert_allclose(joined.points, [[10, 20], [12, 24], [18, 22]])


def test_scales_follow_the_size_of_the_drawing(tiny_model: SketchModel) -> None:
    sketch = Sketch.from_polylines([[(0, 0), (50, 10), (60, 60)], [(10, 50), (30, 55)]])
    near, far = best_scales(tiny_model, [sketch, sketch.transformed(1e-3)])
    assert far == pytest.approx(1000 * near, rel=1e-3)
    assert near * 60 == pytest.approx(min(LADDER, key=lambda size: abs(size - near * 60)))


def test_a_drawing_without_extent_has_the_scale_one(tiny_model: SketchModel) -> None:
    assert best_scales(tiny_model, [Sketch.from_polylines([[(3, 3)]]), Sketch.from_polylines([])]) == [1, 1]
    assert best_scales(tiny_model, []) == []


@pytest.mark.data
def test_the_scale_of_real_beginnings_is_found_within_half_an_octave(data: object) -> None:
    """Whole drawings are likeliest a quarter larger than 255 pixels: that is taken for the truth here."""
    model = sk.load_model(f"{data}/magenta/monkey.gen.json")
    halves = []
    for drawing in sk.read_all(f"{data}/quickdraw/monkey.ndjson"):
        lines = drawing.to_polylines()
        if len(lines) >= 2 and len(drawing) < 150:
            halves.append(Sketch.from_polylines(lines[: len(lines) // 2]))
        if len(halves) == 60:
            break
    errors = np.abs(np.log2(np.array(best_scales(model, halves)) / 1.25))
    assert np.median(errors) < 0.5
