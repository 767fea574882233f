"""Drawing over sockets: the same as sketchkit draws, for many at once."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import numpy as np
import pytest
from canvas_client import FACE, Drawn, Line, Served, check, serving, silence, take
from sketchkit_canvas.limits import Limits

import sketchkit
from sketchkit import Sketch
from sketchkit.generate import LiveDecoder, LivePoints

SKETCH = Sketch.from_polylines(FACE)
TREE: list[Line] = [[[100, 100], [100, 400]], [[100, 150], [180, 90], [200, 180], [110, 240]]]


@pytest.fixture(scope="module")
def doodle() -> Any:
    return sketchkit.load_model("doodle")


@pytest.fixture(scope="module")
def vae() -> Any:
    return sketchkit.load_model("doodle-vae")


def test_endings_are_those_of_complete(served: Served, doodle: Any) -> None:
    endings = sketchkit.complete(doodle, SKETCH, 9, 0.5, 11, class_name="face")
    with served.client() as client:
        asked = {"mode": "finish", "drawing": FACE, "temperature": 0.5, "seed": 11, "label": "face"}
        nine = client.draw(**asked, n=9)
        third = client.draw(**asked, first=3)
    for drawn, ending in zip(nine, endings, strict=True):
        check(drawn, ending.ending)
    check(third[0], endings[3].ending)


def test_a_model_draws_from_nothing_in_the_middle_of_the_sheet(served: Served, doodle: Any) -> None:
    expected = sketchkit.sample(doodle, 2, 0.3, seed=5, class_name="sun", first=4)
    with served.client() as client:
        drawn = client.draw(mode="finish", drawing=[], temperature=0.3, seed=5, label="sun", first=4, n=2)
    for each, sketch in zip(drawn, expected, strict=True):
        points = np.array(each.points)[:, :2]
        np.testing.assert_allclose((points.min(0) + points.max(0)) / 2, [400, 400], atol=0.1)
        x0, y0, x1, y1 = sketch.bounds
        centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        np.testing.assert_allclose((points - 400) * 255 / 480, sketch.points - centre, atol=0.1)


def test_reconstructions_are_those_of_reconstruct(served: Served, vae: Any) -> None:
    temperatures = [0.1, 0.5, 0.9]
    with served.client() as client:
        drawn = client.draw(mode="mimic", model="doodle-vae", drawing=FACE, temperatures=temperatures, seed=3)
    for each, temperature in zip(drawn, temperatures, strict=True):
        check(each, sketchkit.reconstruct(vae, [SKETCH], temperature, seed=3)[0])


def test_a_row_is_that_of_interpolate(served: Served, vae: Any) -> None:
    expected = sketchkit.interpolate(vae, [SKETCH, Sketch.from_polylines(TREE)], 5, 0.1, seed=8)
    with served.client() as client:
        drawn = client.draw(
            mode="morph", model="doodle-vae", drawings=[FACE, TREE], n=5, temperature=0.1, seed=8
        )
    for each, sketch in zip(drawn, expected, strict=True):
        check(each, sketch, factor=256 / 255)


def test_costs_are_those_of_score(served: Served, doodle: Any) -> None:
    drawing: list[Line] = [*FACE, [[5, 5]]]  # the last is a dot, which no model reads
    expected = sketchkit.score(doodle, [Sketch.from_polylines(drawing)], class_name="face")[0]
    with served.client() as client:
        id = client.ask(type="score", drawing=drawing, label="face")
        heat = client.hear()
    assert heat["type"] == "heat" and heat["id"] == id
    assert heat["nll_per_point"] == pytest.approx(expected.nll_per_point, abs=1e-3)
    assert heat["strokes"][-1] is None
    assert heat["strokes"][:-1] == pytest.approx(expected.strokes_per_point[:-1].tolist(), abs=1e-3)


@pytest.mark.parametrize(
    "message, code, words",
    [
        ({"mode": "finish", "drawing": FACE, "model": "nobody"}, "invalid", "no model named 'nobody'"),
        ({"mode": "finish", "drawing": FACE, "label": "unicorn"}, "invalid", "does not draw 'unicorn'"),
        ({"mode": "finish", "drawing": FACE, "model": "doodle-vae"}, "invalid", "conditional"),
        ({"mode": "mimic", "drawing": FACE, "temperatures": [1]}, "invalid", "encoder"),
        ({"mode": "mimic", "drawing": [[[1, 1]]], "model": "doodle-vae", "temperatures": [1]}, "invalid", ""),
        ({"type": "score", "drawing": [[[1, 1]]]}, "invalid", ""),
        ({"mode": "finish", "drawing": FACE, "temperature": 9}, "invalid", "temperature"),
        ({"mode": "finish", "drawing": FACE, "tries": 99}, "invalid", "tries"),
        ({"mode": "finish", "drawing": FACE, "tries": 2, "label": "unicorn"}, "invalid", "unicorn"),
        ({"mode": "finish", "drawing": FACE, "guess": True, "model": "doodle-vae"}, "invalid", "conditional"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(
    served: Served, message: dict[str, Any], code: str, words: str
) -> None:
    with served.client() as client:
        id = client.ask(**message)
        said = client.hear()
        assert (said["type"], said["id"], said["code"]) == ("error", id, code)
        assert words in said["message"] and len(said["message"].splitlines()) == 1
        assert client.draw(mode="finish", drawing=FACE)  # and goes on


def test_strokes_of_any_kind_can_be_finished(served: Served) -> None:
    far = [[[1e5, -1e5], [99_990, -99_000], [99_000, -99_500]]]
    many = [[[i % 97, i % 89] for i in range(4000)]]
    with served.client() as client:
        for drawing in ([[[5, 5]]], [[[5, 5], [5, 5]]], far, many):
            id = client.ask(mode="finish", drawing=drawing)
            said = client.hear()
            while said["type"] not in ("done", "error"):
                said = client.hear()
            assert said["id"] == id and said.get("code") in (None, "invalid")


# --- giving up ----------------------------------------------------------------------------------------


def test_nothing_comes_of_what_is_cancelled(served: Served) -> None:
    with served.client() as client:
        for _ in range(10):
            id = client.ask(mode="finish", drawing=FACE, n=16)
            client.say({"type": "cancel", "id": id})
            said = client.hear()
            while said["type"] != "cancelled":
                assert said["id"] == id
                said = client.hear()
            assert said == {"type": "cancelled", "id": id}
            silence(client)


def test_it_is_cancelled_in_the_middle(served: Served) -> None:
    with served.client() as client:
        id = client.ask(mode="finish", drawing=FACE, n=16, temperature=1)
        assert client.hear()["type"] == "points"
        client.say({"type": "cancel", "id": id})
        while client.hear()["type"] != "cancelled":
            pass
        silence(client)


def test_what_is_over_or_never_was_can_be_cancelled(served: Served) -> None:
    with served.client() as client:
        client.draw(mode="finish", drawing=FACE)
        for id in (client.last, 12345):
            client.say({"type": "cancel", "id": id})
            assert client.hear() == {"type": "cancelled", "id": id}


def test_a_number_can_be_used_again_when_its_request_is_over(served: Served) -> None:
    with served.client() as client:
        client.ask(mode="finish", drawing=FACE, n=16)
        client.last -= 1
        client.ask(mode="finish", drawing=FACE)
        said = client.hear()
        while said["type"] != "done":
            if said["type"] == "error":
                assert said["id"] is None and said["code"] == "invalid" and "is not over" in said["message"]
            said = client.hear()
        client.last -= 1
        assert client.draw(mode="finish", drawing=FACE)[0].over


# --- how much ----------------------------------------------------------------------------------------


def test_four_requests_at_once_are_taken_and_no_more(served: Served) -> None:
    with served.client() as client:
        ids = [client.ask(mode="finish", drawing=FACE, n=9) for _ in range(5)]
        said = client.hear()
        refused = []
        over = 0
        while over < 4:
            if said["type"] == "error":
                refused.append((said["id"], said["code"]))
            over += said["type"] == "done"
            said = client.hear() if over < 4 else said
        assert refused == [(ids[-1], "busy")]


def test_forty_drawings_at_once_are_taken_and_no_more(served: Served) -> None:
    with served.client() as client:
        for n in (16, 16, 9):
            client.ask(mode="finish", drawing=FACE, n=n)
        said = client.hear()
        while said["type"] != "error":
            said = client.hear()
        assert (said["id"], said["code"]) == (3, "busy") and "40 drawings" in said["message"]


# --- several ------------------------------------------------------------------------------------------


def test_two_clients_at_once_get_their_own(served: Served) -> None:
    with served.client() as one, served.client() as other:
        alone = one.draw(mode="finish", drawing=FACE, n=9, seed=1)
        single = other.draw(mode="finish", drawing=TREE, n=9, seed=2)
        ids = (
            one.ask(mode="finish", drawing=FACE, n=9, seed=1),
            other.ask(mode="finish", drawing=TREE, n=9, seed=2),
        )
        assert one.drawn(ids[0], 9) == alone_again(alone, ids[0])
        assert other.drawn(ids[1], 9) == alone_again(single, ids[1])


def alone_again(drawn: list[Drawn], id: int) -> list[Drawn]:
    return [Drawn(each.points, {**(each.over or {}), "id": id}) for each in drawn]


def test_one_who_asks_for_much_keeps_nobody_waiting(served: Served) -> None:
    chance = np.random.default_rng(1)
    long = chance.uniform(0, 800, (40, 100, 2)).round().tolist()  # which takes a while to be read
    with served.client() as greedy, served.client() as modest:
        for _ in range(4):
            greedy.ask(type="score", drawing=long)
        modest.ask(type="score", drawing=TREE)
        for client, answers in ((modest, 1), (greedy, 4)):
            for _ in range(answers):
                assert client.hear()["type"] == "heat"
    modes = [event["mode"] for event in served.events if event["event"] == "answered"]
    clients = [event["client"] for event in served.events if event["event"] == "answered"][-5:]
    assert modes[-5:] == ["score"] * 5
    assert clients.index(max(clients)) < 4, "whoever came last was served last"


def test_requests_of_one_client_come_mixed_but_each_in_order(served: Served) -> None:
    with served.client() as client:
        ids = [client.ask(mode="finish", drawing=FACE, n=3, seed=seed) for seed in range(4)]
        drawn = {id: [Drawn() for _ in range(3)] for id in ids}
        open_ones = set(ids)
        while open_ones:
            said = client.hear()
            if said["type"] == "done":
                open_ones.remove(said["id"])
            else:
                take(drawn[said["id"]][said["k"]], said)
        assert all(each.over for several in drawn.values() for each in several)


# --- bugs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["step", "drawing"])
def test_what_fails_while_it_is_drawn_is_told_and_costs_no_other_request(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    step, armed = LiveDecoder.step, threading.Event()

    def failing(self: LiveDecoder) -> list[LivePoints]:
        told = step(self)
        ours = [each for each in told if each.request]
        if not (armed.is_set() and ours):
            return told
        armed.clear()
        if kind == "step":
            raise RuntimeError("no")
        return [dataclasses.replace(ours[0], over=True, error=RuntimeError("no"))]

    monkeypatch.setattr(LiveDecoder, "step", failing)
    # One thread, so that what the server draws for nobody when it starts is its first request.
    with serving(Limits(threads=1)) as served, served.client() as client:
        assert client.draw(mode="finish", drawing=FACE)[0].over
        armed.set()
        id = client.ask(mode="finish", drawing=FACE, n=3)
        said = client.hear()
        assert (said["type"], said["id"], said["code"]) == ("error", id, "internal")
        assert "Traceback" not in said["message"]
        assert client.draw(mode="finish", drawing=FACE, n=3)[0].over
        events = [event for event in served.events if event["level"] == "error"]
        assert len(events) == 1 and "RuntimeError: no" in events[0]["traceback"]
