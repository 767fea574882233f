"""Files: brought in, and written with their provenance."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from canvas_client import FACE, Answer, Line, Served
from PIL import Image
from sketchkit_canvas.frames import there_and_back

import sketchkit

METADATA = {
    "model": "doodle",
    "label": "face",
    "mode": "finish",
    "temperature": 0.4,
    "seed": 12,
    "index": 3,
    "tries": 6,
    "part": 0.5,
    "curves": False,
}


def svg(inside: str) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="black">{inside}</svg>'.encode()


def export(served: Served, format: str, **values: Any) -> Answer:
    body = json.dumps({"drawings": [FACE], "added": None, "metadata": METADATA, **values}).encode()
    return served.post(f"/export?format={format}", body, Content_Type="application/json")


def size(strokes: list[Line]) -> float:
    points = np.concatenate([np.array(stroke) for stroke in strokes])
    return float((points.max(0) - points.min(0)).max())


def alike(strokes: list[Line], others: list[Line]) -> bool:
    """Whether two drawings are the same but for place and size."""
    if [len(stroke) for stroke in strokes] != [len(stroke) for stroke in others]:
        return False
    both = [np.concatenate([np.array(stroke) for stroke in each]) for each in (strokes, others)]
    one, other = ((points - points.min(0)) / np.ptp(points, 0).max() for points in both)
    return bool(np.abs(one - other).max() < 1e-3)


# --- in -----------------------------------------------------------------------------------------------


def test_the_strokes_of_a_file_come_in_its_own_units(served: Served) -> None:
    answer = served.post("/import", svg('<path d="M10 20L30 20"/><line x1="-5" y1="7" x2="1" y2="8.5"/>'))
    assert answer.status == 200
    strokes = answer.json["strokes"]
    assert strokes == [[[10, 20], [30, 20]], [[-5, 7], [1, 8.5]]]
    assert (answer.json["width"], answer.json["height"]) == (35, 13)


def test_paper_is_no_ink_and_what_has_no_strokes_is_told(served: Served) -> None:
    paper = '<rect width="100%" height="100%" fill="white" stroke="none"/>'
    answer = served.post("/import", svg(f'{paper}<path d="M1 2L3 2"/><text>hi</text>'))
    assert answer.json["strokes"] == [[[1, 2], [3, 2]]]
    assert answer.json["left_out"] == "1 text and 1 background shape"
    assert served.post("/import", svg('<path d="M1 2L3 2"/>')).json["left_out"] == ""
    refused = served.post("/import", svg("<text>hi</text>"), X_Name="a.svg")
    assert refused.status == 400
    assert (
        refused.error.startswith("a.svg: holds only text, no strokes") and "Object to Path" in refused.error
    )


def test_a_large_file_has_no_more_points_than_a_drawing_may(served: Served) -> None:
    curve = " ".join(f"L{i / 10:.2f} {50 * np.sin(i / 40):.3f}" for i in range(20_000))
    answer = served.post("/import", svg(f'<path d="M0 0 {curve}"/>'))
    strokes = answer.json["strokes"]
    assert sum(map(len, strokes)) <= 4000 and len(strokes) == 1
    with served.client() as client:
        assert client.draw(mode="finish", drawing=strokes)[0].over


@pytest.mark.parametrize("scale", [1e-6, 1e8])
def test_units_may_be_of_any_size(served: Served, scale: float) -> None:
    path = " ".join(f"L{x * scale:g} {y * scale:g}" for x, y in FACE[0])
    answer = served.post(
        "/import", svg(f'<path d="M{FACE[0][0][0] * scale:g} {FACE[0][0][1] * scale:g} {path}"/>')
    )
    assert answer.status == 200 and size(answer.json["strokes"]) == pytest.approx(360 * scale, rel=1e-3)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "empty"),
        (b"hello", "not well-formed"),
        (b"<html/>", "not SVG"),
        (svg(""), "nothing in it is drawn"),
        (b"\x1f\x8b\x08" + b"\0" * 50, "gzip"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>', "outside"),
        (b"<g>" * 100_000, ""),
        (svg("<g>" * 200), ""),
        (svg("".join(f'<path d="M{i} 0h0"/>' for i in range(5000))), "too many strokes"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_by_its_name(served: Served, content: bytes, words: str) -> None:
    answer = served.post("/import", content, X_Name="cat.svg")
    assert answer.status == 400
    assert answer.error.startswith("cat.svg: ") and words in answer.error


def test_a_name_is_only_a_name(served: Served) -> None:
    answer = served.post("/import", b"", X_Name="../../etc/passwd" + "x" * 300)
    assert answer.status == 400 and len(answer.error) < 200
    assert served.post("/import", b"", X_Name="").error.startswith("the file: ")


# --- out ----------------------------------------------------------------------------------------------


def test_a_drawing_comes_back_as_it_was_with_its_provenance(served: Served) -> None:
    answer = export(served, "svg", added=[False, True, True])
    assert answer.status == 200 and answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-disposition"] == 'attachment; filename="face-finish-12-3.svg"'
    strokes = served.post("/import", answer.body).json["strokes"]
    assert alike(strokes, FACE)
    metadata = json.loads(ElementTree.fromstring(answer.body).findtext("{*}metadata") or "")
    expected = {**METADATA, "class": "face", "generator": "sketchkit", "version": sketchkit.__version__}
    del expected["label"]
    assert metadata == {**expected, "canvas": "0.1.0"}


def test_what_the_model_drew_has_a_colour_of_its_own_and_the_order_stays(served: Served) -> None:
    answer = export(served, "svg", added=[True, False, True])
    colours = re.findall(r'stroke="(#\w+)"', answer.body.decode())
    assert colours == ["#0072B2", "#222222", "#0072B2"]
    assert alike(served.post("/import", answer.body).json["strokes"], FACE)


def test_several_drawings_are_a_sheet(served: Served) -> None:
    answer = export(served, "svg", drawings=[FACE, FACE[:1], [], [[[1, 1]]]])
    assert answer.body.decode().count('id="cell-') >= 4


@pytest.mark.parametrize("format", ["png", "gif"])
def test_pictures_can_be_opened_and_say_what_they_are(served: Served, format: str) -> None:
    answer = export(served, format, drawings=[FACE] if format == "png" else [FACE, FACE[:2], FACE[:1]])
    assert answer.headers["content-type"] == f"image/{format}"
    with Image.open(io.BytesIO(answer.body)) as image:
        image.load()
        assert image.format == format.upper() and image.width > 300
        assert getattr(image, "n_frames", 1) == (1 if format == "png" else 4)
        said = image.info["comment"] if format == "gif" else image.info["sketchkit"]
    assert json.loads(said)["seed"] == 12


def test_one_animated_drawing_draws_itself(served: Served) -> None:
    text = export(served, "animated-svg").body.decode()
    assert "stroke-dasharray" in text and '"seed": 12' in text


def test_several_are_shown_there_and_back_in_one_place(served: Served) -> None:
    answer = export(served, "animated-svg", drawings=[FACE, FACE[:2], [], FACE[:1]], metadata={"seed": 5})
    root = ElementTree.fromstring(answer.body)
    animations = list(root.iter("{http://www.w3.org/2000/svg}animate"))
    assert len(animations) == 4
    assert json.loads(root.findtext("{*}metadata") or "")["seed"] == 5
    assert {each.get("dur") for each in animations} == {animations[0].get("dur")}
    for time in np.linspace(0, 0.999, 50):
        assert sum(shown(each, time) for each in animations) == 1
    # What knows no animation shows the first.
    assert alike(served.post("/import", answer.body).json["strokes"], FACE)


def shown(animation: ElementTree.Element, time: float) -> bool:
    keys = [float(key) for key in (animation.get("keyTimes") or "").split(";")]
    words = (animation.get("values") or "").split(";")
    assert keys[0] == 0 and keys == sorted(keys) and len(keys) == len(words)
    return words[int(np.searchsorted(keys, time, side="right")) - 1] == "visible"


def test_frames_are_shown_there_and_back() -> None:
    assert there_and_back(2) == [0, 1]
    assert there_and_back(4) == [0, 1, 2, 3, 2, 1]


def test_a_drawing_of_nobody_and_nothing_can_be_written(served: Served) -> None:
    for format in ("svg", "png", "gif", "animated-svg"):
        assert export(served, format, drawings=[[]], metadata=None).status == 200
        assert export(served, format, drawings=[[[[0, 0]]]], metadata={}).status == 200
    name = export(served, "svg", metadata=None).headers["content-disposition"]
    assert name == 'attachment; filename="drawing.svg"'


def test_the_name_of_a_file_is_harmless(served: Served) -> None:
    label = '../../x"; filename="y\r\nSet-Cookie: a=b'
    answer = export(served, "svg", metadata={"label": label, "mode": "é"})
    assert answer.headers["content-disposition"] == 'attachment; filename="x-filename-y-Set-Cookie-a-b.svg"'
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "values",
    [
        {"drawings": []},
        {"drawings": None},
        {"drawings": [FACE] * 41},
        {"drawings": [[[["1", "2"]]]]},
        {"drawings": [[[[1e9, 0]]]]},
        {"added": [True]},
        {"added": [1, 0, 1]},
        {"added": True},
        {"added": [True, False, True], "drawings": [FACE, FACE]},
        {"metadata": []},
        {"metadata": {"seed": "1"}},
        {"metadata": {"seed": True}},
        {"metadata": {"tries": True}},
        {"metadata": {"part": "half"}},
        {"metadata": {"curves": 1}},
        {"metadata": {"model": ["a"]}},
        {"metadata": {"label": "x" * 201}},
    ],
)
def test_what_makes_no_file_is_refused_in_one_line(served: Served, values: dict[str, Any]) -> None:
    answer = export(served, "svg", **values)
    assert answer.status == 400 and answer.error


def test_requests_to_write_are_json_of_a_known_format(served: Served) -> None:
    assert export(served, "exe").status == 400
    assert served.post("/export", b"{}", Content_Type="text/plain").status == 415
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 5000, b'{"drawings": [[[[NaN, 1]]]]}'):
        answer = served.post("/export?format=svg", body, Content_Type="application/json")
        assert answer.status == 400 and answer.error
