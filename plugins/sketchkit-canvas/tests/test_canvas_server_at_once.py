"""Endings that are drawn before the first point is sent: the best of several, of a part, smooth, guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from canvas_client import FACE, Client, Drawn, Served, check, polylines, silence
from sketchkit_canvas import at_once

import sketchkit
from sketchkit import Sketch
from sketchkit.curves import fit_curves, flatten_curves
from sketchkit.sampling import make_sampler, stepwise
from sketchkit.sampling.critic import BestLooking

SKETCH = Sketch.from_polylines(FACE)


@pytest.fixture(scope="module")
def doodle() -> Any:
    return sketchkit.load_model("doodle")


def wishes(client: Client, **asked: Any) -> tuple[dict[str, Any] | None, list[Drawn]]:
    """What is told of the guess, before anything else, and all drawings."""
    id = client.ask(mode="finish", **asked)
    if not asked.get("guess") or asked.get("label"):
        return None, client.drawn(id, asked.get("n", 1))
    guess = client.hear()
    assert guess["type"] == "guess" and guess["id"] == id
    return guess, client.drawn(id, asked.get("n", 1))


def best_of(tries: int, temperature: float) -> BestLooking:
    return BestLooking(stepwise(make_sampler("temperature", temperature), "drafts"), tries)


def test_the_best_of_several_tries_is_that_of_complete(served: Served, doodle: Any) -> None:
    expected = sketchkit.complete(doodle, SKETCH, 2, seed=3, class_name="face", sampler=best_of(4, 0.5))
    with served.client() as client:
        asked = {"drawing": FACE, "seed": 3, "label": "face", "temperature": 0.5, "tries": 4}
        _, drawn = wishes(client, **asked, n=2, guess=True)
        _, second = wishes(client, **asked, first=1)
    for each, ending in zip([*drawn, *second], [*expected, expected[1]], strict=True):
        check(each, ending.ending)
        assert each.over and each.over["label"] == "face"


def test_a_part_says_how_large_the_rest_is(served: Served, doodle: Any) -> None:
    expected = sketchkit.complete(doodle, SKETCH, 1, 0.4, 3, part=0.3)
    with served.client() as client:
        _, (drawn,) = wishes(client, drawing=FACE, seed=3, part=0.3)
    check(drawn, expected[0].ending)
    assert drawn.over and "label" not in drawn.over


def test_what_is_begun_is_taken_for_something(served: Served, doodle: Any) -> None:
    begun = [[[200, 200], [600, 230], [560, 600], [180, 560], [200, 200]]]
    expected = sketchkit.complete(doodle, Sketch.from_polylines(begun), 5, seed=8, class_name="auto")
    assert len({each.class_name for each in expected}) > 1
    with served.client() as client:
        guess, drawn = wishes(client, drawing=begun, seed=8, n=5, guess=True)
        # An ending of a guessed class is the one that the class has when it is chosen.
        last = expected[4]
        _, (named,) = wishes(client, drawing=begun, seed=8, first=4, label=last.class_name, guess=True)
    assert guess
    names = [each.class_name for each in expected.guesses[:5]]
    assert [name for name, _ in guess["guesses"]] == names
    chances = [chance for _, chance in guess["guesses"]]
    assert chances == pytest.approx([each.chance for each in expected.guesses[:5]], abs=1e-3)
    assert guess["unlike"] == pytest.approx(expected.guesses.unlike, abs=1e-3)
    for each, ending in zip([*drawn, named], [*expected, last], strict=True):
        check(each, ending.ending)
        assert each.over and each.over["label"] == ending.class_name


def test_smooth_endings_lie_on_curves_along_those_of_the_model(served: Served, doodle: Any) -> None:
    lines = sketchkit.complete(doodle, SKETCH, 1, 0.4, 5, class_name="face")[0].ending.to_polylines()
    with served.client() as client:
        _, (drawn,) = wishes(client, drawing=FACE, seed=5, label="face", curves=True)
    extent = float(np.ptp(np.concatenate(lines), axis=0).max())
    curves = fit_curves(lines)
    found = polylines(drawn)
    assert len(found) == len(lines) and sum(map(len, found)) > sum(map(len, lines))
    for line, other, fitted in zip(found, lines, curves, strict=True):
        np.testing.assert_allclose(line[[0, -1]], other[[0, -1]], atol=0.02)
        dense = flatten_curves(fitted, 1e-5 * extent) if len(fitted) else other[:1]
        away = np.linalg.norm(line[:, None] - dense, axis=2).min(1)
        assert away.max() < 0.005 * extent
    assert all(point[2] in (0, 1) for point in drawn.points)


def test_a_dot_and_a_drawing_of_nothing_can_be_drawn_at_once(served: Served, doodle: Any) -> None:
    expected = sketchkit.sample(doodle, 2, 0.3, best_of(3, 0.3), 5, class_name="sun")
    with served.client() as client:
        guess, (dot,) = wishes(client, drawing=[[[5, 5]]], tries=2, part=0.5, curves=True, guess=True)
        assert guess and dot.over
        id = client.ask(
            mode="finish",
            drawing=[],
            temperature=0.3,
            seed=5,
            label="sun",
            n=2,
            tries=3,
            part=0.5,
            guess=True,
        )
        drawn = client.drawn(id, 2)
        (smooth,) = client.drawn(client.ask(mode="finish", drawing=[], curves=True, guess=True))
    for each, sketch in zip(drawn, expected, strict=True):
        points = np.array(each.points)[:, :2]
        np.testing.assert_allclose((points.min(0) + points.max(0)) / 2, [400, 400], atol=0.1)
        x0, y0, x1, y1 = sketch.bounds
        centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        np.testing.assert_allclose((points - 400) * 255 / 480, sketch.points - centre, atol=0.1)
        assert each.over and each.over["label"] == "sun"
    assert smooth.over and "label" not in smooth.over


def test_a_smooth_ending_has_no_more_points_than_it_needs() -> None:
    chance = np.random.default_rng(2)
    wild = [chance.uniform(0, 800, (200, 2)) for _ in range(6)]
    lines = at_once._smooth(wild)
    assert sum(map(len, lines)) <= 1_200
    for line, other in zip(lines, wild, strict=True):
        np.testing.assert_array_equal(line[[0, -1]], other[[0, -1]])


def test_nothing_comes_of_what_is_cancelled_while_the_best_is_chosen(served: Served) -> None:
    with served.client() as client:
        for _ in range(3):
            id = client.ask(mode="finish", drawing=FACE, n=9, tries=12, guess=True)
            client.say({"type": "cancel", "id": id})
            assert client.hear() == {"type": "cancelled", "id": id}
            silence(client)
        _, (drawn,) = wishes(client, drawing=FACE, tries=2)
        assert drawn.over
        silence(client)
