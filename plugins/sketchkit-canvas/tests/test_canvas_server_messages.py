"""What a client may say, and what is said of anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sketchkit_canvas.messages import (
    MAX_POINTS,
    Cancel,
    Finish,
    Hello,
    MessageError,
    Mimic,
    Morph,
    Ping,
    Score,
    parse,
)

DOT = [[[1, 2]]]
FINISH: dict[str, Any] = {
    "type": "draw",
    "id": 7,
    "mode": "finish",
    "model": "doodle",
    "label": None,
    "temperature": 0.4,
    "seed": 123,
    "first": 0,
    "n": 9,
    "drawing": [[[0, 0], [1.5, -2]], [[3, 4]]],
}
MIMIC = {
    "type": "draw",
    "id": 8,
    "mode": "mimic",
    "model": "vae",
    "label": "pig",
    "temperatures": [0.1, 1],
    "seed": 0,
    "drawing": DOT,
}
MORPH = {
    "type": "draw",
    "id": 9,
    "mode": "morph",
    "model": "vae",
    "label": None,
    "temperature": 2,
    "seed": 2**53 - 1,
    "n": 33,
    "drawings": [DOT, DOT],
}
SCORE = {"type": "score", "id": 0, "model": "doodle", "label": None, "drawing": DOT}
GOOD = [
    FINISH,
    MIMIC,
    MORPH,
    SCORE,
    {"type": "hello", "token": "x"},
    {"type": "ping"},
    {"type": "cancel", "id": 2**31 - 1},
]


def said(message: object) -> object:
    return parse(json.dumps(message))


def refused(message: object) -> MessageError:
    text = message if isinstance(message, str | bytes) else json.dumps(message)
    with pytest.raises(MessageError) as caught:
        parse(text)
    words = str(caught.value)
    assert words and len(words.splitlines()) == 1 and len(words) < 300
    return caught.value


def test_every_message_is_read() -> None:
    dot = (((1.0, 2.0),),)
    strokes = (((0.0, 0.0), (1.5, -2.0)), ((3.0, 4.0),))
    assert said(FINISH) == Finish(7, "doodle", None, 0.4, 123, 0, 9, strokes)
    assert said(MIMIC) == Mimic(8, "vae", "pig", (0.1, 1.0), 0, dot)
    assert said(MORPH) == Morph(9, "vae", None, 2.0, 2**53 - 1, 33, (dot, dot))
    assert said(SCORE) == Score(0, "doodle", None, dot)
    assert said({"type": "hello", "token": "abc"}) == Hello("abc")
    assert said({"type": "ping"}) == Ping()
    assert said({"type": "cancel", "id": 3}) == Cancel(3)


def test_an_empty_sheet_can_be_finished_but_not_mimicked() -> None:
    assert isinstance(said({**FINISH, "drawing": []}), Finish)
    assert "1 strokes or more" in str(refused({**MIMIC, "drawing": []}))


def test_an_ending_may_be_the_best_of_several_of_a_part_smooth_and_guessed() -> None:
    plain = said(FINISH)
    assert isinstance(plain, Finish) and not plain.at_once
    assert (plain.tries, plain.part, plain.curves, plain.guess) == (1, None, False, False)
    usual = {"tries": 1, "part": None, "curves": False, "guess": False}
    assert said({**FINISH, **usual}) == plain
    full = said({**FINISH, "tries": 16, "part": 0.01, "curves": True, "guess": True, "first": 100_000})
    assert isinstance(full, Finish) and full.at_once
    assert (full.tries, full.part, full.curves, full.guess) == (16, 0.01, True, True)
    for change in ({"tries": 2}, {"part": 1}, {"curves": True}, {"guess": True}):
        found = said({**FINISH, **change})
        assert isinstance(found, Finish) and found.at_once
        nothing = said({**FINISH, **change, "drawing": []})
        assert isinstance(nothing, Finish) and nothing.at_once is ("tries" in change or "curves" in change)


@pytest.mark.parametrize(
    "change",
    [
        {"tries": 0},
        {"tries": 17},
        {"tries": 2.0},
        {"tries": None},
        {"tries": True},
        {"part": 0},
        {"part": 0.009},
        {"part": 1.01},
        {"part": "auto"},
        {"part": True},
        {"curves": None},
        {"curves": 1},
        {"curves": "yes"},
        {"guess": None},
        {"guess": 0},
        {"guess": ["face"]},
        {"guess": True, "first": 100_001},
        {"temperature": 0},
        {"temperature": 2.1},
        {"temperature": "0.4"},
        {"temperature": None},
        {"temperature": True},
        {"seed": -1},
        {"seed": 2**53},
        {"seed": 1.0},
        {"seed": True},
        {"first": -1},
        {"n": 0},
        {"n": 17},
        {"n": "9"},
        {"model": None},
        {"model": "m" * 201},
        {"label": 3},
        {"label": ["pig"]},
        {"mode": "paint"},
        {"mode": ["finish"]},
        {"drawing": None},
        {"drawing": {}},
        {"drawing": [[]]},
        {"drawing": ["ab"]},
        {"drawing": [[[1]]]},
        {"drawing": [[[1, 2, 3]]]},
        {"drawing": [[["1", "2"]]]},
        {"drawing": [[[True, False]]]},
        {"drawing": [[[None, 1]]]},
        {"drawing": [[[1e6, 1]]]},
        {"drawing": [[[1, -100_001]]]},
        {"drawing": [[[2**63, 2**64 - 1]]]},
        {"drawing": [[[0, 0]] * (MAX_POINTS + 1)]},
        {"drawing": [[[0, 0]]] * (MAX_POINTS + 1)},
        {"drawing": [7] * (MAX_POINTS + 1)},
    ],
)
def test_a_request_with_a_wrong_value_is_refused_under_its_number(change: dict[str, Any]) -> None:
    assert refused({**FINISH, **change}).id == 7


@pytest.mark.parametrize("id", [None, -1, 2**31, 1.5, "7", True, [1]])
def test_a_request_without_a_number_is_refused_without_one(id: object) -> None:
    assert refused({**FINISH, "id": id}).id is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "null",
        "7",
        "[]",
        '"draw"',
        "{",
        '{"type": NaN}',
        '{"type": "cancel", "id": 1e999}',
        '{"type": 1}',
        '{"type": "sing"}',
        "{}",
        "[" * 100_000,
        '{"type": ' + "[" * 990 + "]" * 990 + "}",
        '{"type": "score", "id": ' + "[" * 990 + "]" * 990 + "}",
        b"\xff\xfe",
        b"\0",
    ],
)
def test_what_is_no_message_is_refused_in_one_line(text: str | bytes) -> None:
    refused(text)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_are_not_finite_are_refused(word: str) -> None:
    refused(json.dumps({**FINISH, "drawing": "HERE"}).replace('"HERE"', f"[[[{word}, 1]]]"))
    refused(json.dumps({**FINISH, "temperature": "HERE"}).replace('"HERE"', word))


def test_every_field_is_needed() -> None:
    for message in GOOD:
        for name in message:
            if name != "label":
                refused({key: value for key, value in message.items() if key != name})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(GOOD), st.data())
def test_whatever_is_put_in_place_of_a_value_is_read_or_refused(
    message: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(message)))
    changed = {**message, name: data.draw(values)}
    try:
        parse(json.dumps(changed))
    except MessageError as error:
        assert len(str(error).splitlines()) == 1


@given(st.binary(max_size=200) | st.text(max_size=200) | values.map(json.dumps))
def test_whatever_is_sent_is_read_or_refused(text: str | bytes) -> None:
    try:
        parse(text)
    except MessageError as error:
        assert len(str(error).splitlines()) == 1


@given(
    st.lists(st.lists(st.tuples(*[st.floats(-1e5, 1e5)] * 2), min_size=1, max_size=5), min_size=1, max_size=5)
)
def test_places_are_read_as_they_are(strokes: list[list[tuple[float, float]]]) -> None:
    found = said({**FINISH, "drawing": strokes})
    assert isinstance(found, Finish)
    assert [list(stroke) for stroke in found.drawing] == strokes
