"""Translation between drawing units and model units."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import sketchkit as sk
from sketchkit import units
from sketchkit.card import MAX_SCALE, MIN_SCALE, ModelCard
from sketchkit.errors import InputError
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.sketch import Sketch
from sketchkit.units import (
    LADDER,
    MAX_READ,
    WHOLE,
    best_scales,
    chunks,
    from_rows,
    read_beginning,
    read_whole,
)

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


@pytest.mark.parametrize(("away", "rows"), [(1.9, 1), (2.1, 2), (2.9, 2)])
def test_a_point_is_left_out_within_two_pixels_of_the_line(away: float, rows: int) -> None:
    bent = Sketch.from_polylines([[(0, 0), (10, away / 5), (20, 0)]])
    assert len(read_beginning(bent, 5.0, CARD).rows) == rows


def test_the_pen_stands_at_the_end_of_the_last_line_and_dots_are_left_out() -> None:
    lines = [[(0, 0), (30, 0)], [(50, 9), (70, 9), (70, 40)], [(7, 11), (90, 13), (21, 60)]]
    down = Sketch.from_polylines(lines, pen_down=True)
    beginning = read_beginning(down, 1.0, CARD)
    assert beginning.pen_down and beginning.anchor == (21.0, 60.0)
    assert beginning.rows[-1, 2:].tolist() == [1.0, 0.0, 0.0]
    dotted = read_beginning(Sketch.from_polylines([*lines, [(3, 3)]], pen_down=True), 1.0, CARD)
    assert not dotted.pen_down and dotted.anchor == (21.0, 60.0)
    assert dotted.rows[-1, 2:].tolist() == [0.0, 1.0, 0.0]
    np.testing.assert_array_equal(dotted.rows[:, :2], beginning.rows[:, :2])


@pytest.mark.parametrize("bound", [MIN_SCALE, MAX_SCALE])
def test_a_scale_lies_between_the_bounds_or_on_them(bound: float) -> None:
    sketch = Sketch.from_polylines([[(0, 0), (10, 0)]]).transformed(1 / bound)
    assert read_beginning(sketch, bound, CARD).rows[0, 0] == pytest.approx(1.0)
    with pytest.raises(InputError, match="the scale must lie in"):
        read_beginning(sketch, bound * (0.999 if bound == MIN_SCALE else 1.001), CARD)


def test_a_whole_drawing_fills_the_pixels_of_the_training_data_with_its_longer_side() -> None:
    for lines in ([[(5, 5), (515, 5), (515, 105)]], [[(5, 5), (5, 515), (105, 515)]]):
        whole = read_whole(Sketch.from_polylines(lines), CARD)
        assert np.abs(whole.rows[:, :2]).sum() == pytest.approx((255 + 50) / 10)
        assert (whole.place, whole.factor) == ((5.0, 5.0), 0.05)


def test_a_drawing_of_the_most_points_is_still_read_whole() -> None:
    way = Sketch.from_polylines([np.arange(2 * MAX_READ + 2).reshape(-1, 2) % 97])
    assert len(read_whole(way, CARD, prepared=True).rows) == MAX_READ


def test_rows_come_back_to_where_they_were_measured_from() -> None:
    rows = np.array([[1, 2, 1, 0, 0], [3, -1, 0, 1, 0], [0, 0, 0, 0, 1]])
    sketch = from_rows(rows, 0.5, (10.0, 20.0), joined=False)
    np.testing.assert_allclose(sketch.points, [[12, 24], [18, 22]])
    assert sketch.ended
    joined = from_rows(rows, 0.5, (10.0, 20.0), joined=True, label="cat", key="k")
    assert (joined.label, joined.key) == ("cat", "k")
    np.testing.assert_allclose(joined.points, [[10, 20], [12, 24], [18, 22]])


def test_drawings_of_equal_length_keep_their_order_in_chunks() -> None:
    assert list(chunks([3, 9, 4, 9], 10)) == [[1], [3], [2, 0]]
    lengths = np.random.default_rng(2).integers(1, 4, 3_000).tolist()
    order = [place for chunk in chunks(lengths, 100) for place in chunk]
    assert order == sorted(range(3_000), key=lambda i: -lengths[i])


def _knowing(classes: tuple[str, ...], spread: float) -> DecoderModel:
    """A model with random weights that likes offsets of about e^spread, and minds the class."""
    torch.manual_seed(3)
    sizes = DecoderArchitecture(hidden=8, mixtures=2, classes=len(classes), embedding=3)
    model = DecoderModel(sizes, ModelCard(scale_factor=20.0, classes=classes))
    with torch.no_grad():
        model.decoder.output.bias[9:13] = spread
        model.decoder.output.weight[9:13] *= 4.0
    return model.requires_grad_(False).eval()


@pytest.mark.parametrize("spread", [-4.0, -2.0, 0.0, 1.5, 3.0])
@pytest.mark.parametrize("label", [None, "cat", "sun"])
def test_the_best_scale_is_the_likeliest_size_in_drawing_units(spread: float, label: str | None) -> None:
    model = _knowing(("cat", "sun"), spread)
    random = np.random.default_rng(5)
    drawings = [
        Sketch.from_polylines([random.uniform(0, 90, (n, 2)) for n in sizes])
        for sizes in ([3, 4], [9], [2], [5, 2, 6])
    ]
    for drawing, scale in zip(drawings, best_scales(model, drawings, label), strict=True):
        extent = float(np.ptp(np.concatenate(drawing.to_polylines()), axis=0).max())
        rows = read_beginning(drawing, WHOLE / extent, model.card).rows
        costs = []
        for size in LADDER:
            resized = torch.tensor(rows, dtype=torch.float32)
            resized[:, :2] *= size / WHOLE
            state = model.initial_state(1, label=model.label_index(label))
            nll = float(model.score(resized[None], torch.tensor([len(rows)]), state))
            prior = (math.log2(size / WHOLE) / 0.3) ** 2 / 2
            costs.append(nll - 2 * len(rows) * math.log(size) + prior)
        assert scale * extent == pytest.approx(LADDER[int(np.argmin(costs))])


def test_dots_apart_have_the_size_of_a_whole_drawing(tiny_model: SketchModel) -> None:
    assert best_scales(tiny_model, [Sketch.from_polylines([[(0, 0)], [(51, 17)]])]) == [5.0]


def test_scales_follow_the_size_of_the_drawing(tiny_model: SketchModel) -> None:
    sketch = Sketch.from_polylines([[(0, 0), (50, 10), (60, 60)], [(10, 50), (30, 55)]])
    near, far = best_scales(tiny_model, [sketch, sketch.transformed(1e-3)])
    assert far == pytest.approx(1000 * near, rel=1e-3)
    assert near * 60 == pytest.approx(min(LADDER, key=lambda size: abs(size - near * 60)))


def test_a_drawing_without_extent_has_the_scale_one(tiny_model: SketchModel) -> None:
    assert best_scales(tiny_model, [Sketch.from_polylines([[(3, 3)]]), Sketch.from_polylines([])]) == [1, 1]
    assert best_scales(tiny_model, []) == []


@pytest.mark.parametrize("points", [[(0, 0), (7, 20), (3, 61)], [(0, 0), (20, 7), (61, 3)]])
def test_the_size_of_a_drawing_is_its_longer_side(
    tiny_model: SketchModel, points: list[tuple[int, int]]
) -> None:
    (scale,) = best_scales(tiny_model, [Sketch.from_polylines([points])])
    assert min(abs(math.log2(size / (61 * scale))) for size in LADDER) < 1e-9


class Liking:
    """Stands for a model: it likes lines of one size, and remembers how many rows it was shown at once."""

    card = CARD

    def __init__(self, size: float = 255.0) -> None:
        self.size = size
        self.shapes: list[tuple[int, int]] = []

    def class_indices(self, label: str | None) -> None:
        return None

    def initial_state(self, n: int, label: None) -> None:
        return None

    def log_prob(self, rows: np.ndarray, state: None) -> tuple[np.ndarray, np.ndarray]:
        self.shapes.append((rows.shape[0], rows.shape[1]))
        size = rows[:, 0, 0] * CARD.scale_factor
        offset = np.zeros(rows.shape[:2])
        offset[:, 0] = -1000 * abs(np.log(size / self.size))
        return offset, np.zeros(rows.shape[:2])


@pytest.mark.parametrize("size", LADDER)
def test_every_size_of_the_ladder_can_be_the_likeliest(size: float) -> None:
    (scale,) = best_scales(cast(SketchModel, Liking(size)), [Sketch.from_polylines([[(0, 0), (17, 0)]])])
    assert 17 * scale == pytest.approx(size)


def test_the_ladder_goes_from_an_eighth_of_a_whole_drawing_to_twice_its_size() -> None:
    assert (LADDER[0], LADDER[12], LADDER[-1], len(LADDER)) == (255 / 8, 255, 2 * 255, 17)


def test_as_many_rows_are_scored_at_once_as_fit_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    def shapes(*drawings: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Of the nine usual sizes of each, of which the middle one is the likeliest."""
        model = Liking(100.0)
        best_scales(cast(SketchModel, model), [Sketch.from_polylines([line]) for line in drawings])
        return model.shapes

    monkeypatch.setattr(units, "_ROWS_AT_ONCE", 18)
    short = [(0, 0), (100, 90), (200, 0), (255, 200)]
    long = [(0, 0), *[(100 + 31 * i, 90 * (i % 2)) for i in range(6)]]
    assert shapes(short, short) == [(6, 3)] * 3
    assert shapes(long, short) == [(3, 6)] * 3 + [(6, 3), (3, 3)]
    monkeypatch.setattr(units, "_ROWS_AT_ONCE", 17)
    assert shapes(long, short) == [(2, 6)] * 5 + [(5, 3), (3, 3)]
    monkeypatch.setattr(units, "_ROWS_AT_ONCE", 5)
    assert shapes(long) == [(1, 6)] * 9


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(1, 60))
def test_chunks_hold_every_drawing_once_and_as_many_as_fit(lengths: list[int], rows: int) -> None:
    found = list(chunks(lengths, rows))
    order = [place for chunk in found for place in chunk]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[place] for place in order] == sorted(lengths, reverse=True)
    assert all(len(chunk) == 1 or len(chunk) * lengths[chunk[0]] <= rows for chunk in found)
    assert all((len(chunk) + 1) * lengths[chunk[0]] > rows for chunk in found[:-1])


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
