"""What drawings cost a model: point by point, and stroke by stroke of the user's own drawing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import sketchkit as sk
from sketchkit.errors import InputError
from sketchkit.generate import Score, score
from sketchkit.latent import encode
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.sketch import Sketch
from sketchkit.training.data import synth
from sketchkit.units import MAX_READ, read_whole

EXAMPLES = Path(__file__).parents[2] / "examples"
LINE = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=6)
DRAWING = st.lists(LINE, min_size=1, max_size=6).filter(
    lambda lines: any(len(set(line)) > 1 for line in lines)
)


def _drawings(n: int) -> list[Sketch]:
    return list(synth(n, seed=5))


def _rows(model: SketchModel, sketch: Sketch) -> torch.Tensor:
    """What training would have made of a drawing, the end row last."""
    rows = np.concatenate([read_whole(sketch, model.card).rows, [[0, 0, 0, 0, 1]]])
    return torch.from_numpy(rows).float()[None]


def test_the_cost_is_the_models_own(tiny_model: SketchModel) -> None:
    drawings = _drawings(9)
    for drawing, mine in zip(drawings, score(tiny_model, drawings), strict=True):
        rows = _rows(tiny_model, drawing)
        expected = float(tiny_model.score(rows, torch.tensor([rows.shape[1]])))
        assert mine.nll == pytest.approx(expected, rel=1e-5)
        assert mine.nll_per_point == pytest.approx(expected / rows.shape[1], rel=1e-5)


def test_a_score_does_not_depend_on_the_other_drawings(
    tiny_model: SketchModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings = _drawings(12)
    together = score(tiny_model, drawings)
    alone = [score(tiny_model, [drawing])[0] for drawing in drawings]
    monkeypatch.setattr("sketchkit.generate.scoring._ROWS_AT_ONCE", 100)
    for scores in (alone, score(tiny_model, drawings)):
        for a, b in zip(together, scores, strict=True):
            np.testing.assert_allclose(a.points, b.points, atol=1e-4)


@given(lines=DRAWING)
def test_the_strokes_and_the_end_make_the_whole(tiny_model: SketchModel, lines: list) -> None:
    sketch = Sketch.from_polylines(lines)
    (mine,) = score(tiny_model, [sketch])
    assert len(mine.strokes) == sketch.n_strokes == mine.n_strokes
    assert mine.strokes.sum() + mine.end == pytest.approx(mine.nll)
    assert mine.stroke_points.sum() + 1 == len(mine.points)
    # Models read lines, not dots, and a stroke has a cost just where it is read.
    read = np.array([len(line) > 1 for line in lines])
    np.testing.assert_array_equal(mine.stroke_points > 0, read)
    np.testing.assert_array_equal(np.isfinite(mine.strokes_per_point), read)
    assert mine.strokes_per_point[mine.dearest] == np.nanmax(mine.strokes_per_point)


def test_rows_belong_to_the_users_own_strokes(tiny_model: SketchModel) -> None:
    lines = [[(9, 9)], [(0, 0), (0, 255)], [(5, 5)], [(10, 0), (255, 0), (255, 255)]]
    (mine,) = score(tiny_model, [Sketch.from_polylines(lines)])
    # The first point that is read is the start token's.
    np.testing.assert_array_equal(mine.stroke_of, [1, 3, 3, 3, -1])
    np.testing.assert_array_equal(mine.stroke_points, [0, 1, 0, 3])


def test_a_stroke_costs_what_its_rows_cost(tiny_model: SketchModel) -> None:
    (drawing,) = _drawings(1)
    (mine,) = score(tiny_model, [drawing])
    for k in range(mine.n_strokes):
        assert mine.strokes[k] == pytest.approx((mine.offset + mine.pen)[mine.stroke_of == k].sum())


def test_the_end_counts_whether_the_drawing_says_that_it_is_finished_or_not(tiny_model: SketchModel) -> None:
    (drawing,) = _drawings(1)
    ended, open_ = score(tiny_model, [drawing.with_end(), drawing.without_end()])
    assert ended.nll == pytest.approx(open_.nll)
    raw = tiny_model.raw_outputs(read_whole(drawing, tiny_model.card).rows)
    pens = torch.from_numpy(raw[-1, :3]).log_softmax(0)
    assert ended.end == pytest.approx(-float(pens[2]), abs=1e-4)
    assert ended.offset[-1] == 0.0


def test_neither_size_nor_place_matters_unless_the_drawing_is_prepared(tiny_model: SketchModel) -> None:
    (drawing,) = _drawings(1)
    moved = drawing.transformed(4.0, (-100.0, 30.0))
    here, there = score(tiny_model, [drawing, moved])
    assert here.nll == pytest.approx(there.nll, rel=1e-3)
    as_they_are = score(tiny_model, [drawing, moved], prepared=True)
    assert as_they_are[0].nll != pytest.approx(as_they_are[1].nll, rel=0.05)


def test_a_conditional_model_draws_from_the_mean_of_the_posterior(tiny_vae: VaeModel) -> None:
    drawings = [drawing.labelled(None) for drawing in _drawings(5)]
    mu, sigma = encode(tiny_vae, drawings)
    for i, mine in enumerate(score(tiny_vae, drawings)):
        rows = _rows(tiny_vae, drawings[i])
        state = tiny_vae.initial_state(1, torch.from_numpy(mu[i : i + 1]))
        expected = float(tiny_vae.score(rows, torch.tensor([rows.shape[1]]), state))
        assert mine.nll == pytest.approx(expected, rel=1e-4)
        posterior = torch.distributions.Normal(torch.from_numpy(mu[i]), torch.from_numpy(sigma[i]))
        prior = torch.distributions.Normal(torch.zeros(mu.shape[1]), torch.ones(mu.shape[1]))
        divergence = torch.distributions.kl_divergence(posterior, prior).sum()
        assert mine.kl == pytest.approx(float(divergence), rel=1e-4)


def test_a_model_without_latent_vectors_has_no_divergence(tiny_model: SketchModel) -> None:
    assert score(tiny_model, _drawings(1))[0].kl is None


def test_a_drawings_own_label_is_told_where_the_model_knows_it(tiny_vae: VaeModel) -> None:
    (drawing,) = _drawings(1)
    named = [drawing.labelled(name) for name in ("cat", "sun", "boat", None)]
    cat, sun, boat, none = score(tiny_vae, named)
    assert [each.class_name for each in (cat, sun, boat, none)] == ["cat", "sun", None, None]
    assert boat.nll == pytest.approx(none.nll)
    assert cat.nll != pytest.approx(sun.nll, abs=1e-3)
    for told in score(tiny_vae, named, class_name="sun"):
        assert (told.class_name, told.nll) == ("sun", pytest.approx(sun.nll, rel=1e-4))


def test_progress_reaches_the_number_of_drawings(tiny_model: SketchModel) -> None:
    seen: list[tuple[int, int]] = []
    score(tiny_model, _drawings(7), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (7, 7)
    assert score(tiny_model, []) == []


def test_the_odd_stroke_of_a_car_is_its_dearest() -> None:
    car = sk.read(EXAMPLES / "car-start.svg")
    x0, y0, x1, y1 = car.bounds
    corners = [(x0 if i % 2 else x1, y0 + (y1 - y0) * (i * 7 % 10) / 9) for i in range(10)]
    spoilt = Sketch.from_polylines([*car.to_polylines(), corners])
    plain, odd = score(sk.load_model("doodle"), [car, spoilt], class_name="car")
    assert odd.dearest == spoilt.n_strokes - 1
    assert odd.nll_per_point > plain.nll_per_point


@pytest.mark.parametrize(
    ("drawings", "settings", "words"),
    [
        ([Sketch.from_polylines([[(1, 1)]])], {}, "drawing 0: a drawing without a line"),
        ([Sketch.from_polylines([[(1, 1)]]).labelled(None, "dots.svg")], {}, "dots.svg: a drawing"),
        (Sketch.from_polylines([[(0, 0), (1, 1)]]), {}, "a list of sketches"),
        (["cat.svg"], {}, "a list of sketches"),
        ([Sketch.from_polylines([[(0, 0), (1, 1)]])], {"class_name": "cat"}, "knows no classes"),
        (
            [Sketch.from_polylines([[(0, 0), (255, 255)]] * MAX_READ)],
            {"prepared": True},
            "drawing 0: a drawing of [0-9]+ points",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_line(
    tiny_model: SketchModel, drawings: list, settings: dict, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        score(tiny_model, drawings, **settings)


def test_a_name_is_no_model() -> None:
    with pytest.raises(InputError, match="a model is needed"):
        score("doodle", [])  # type: ignore[arg-type]


def test_the_library_offers_both_names() -> None:
    assert sk.score is score and sk.Score is Score
