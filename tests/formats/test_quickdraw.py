from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from sketchkit.errors import FormatError, InputError
from sketchkit.formats import quickdraw
from sketchkit.formats.quickdraw import BinFormat, NdjsonFormat, read_records
from sketchkit.options import describe
from sketchkit.sketch import Sketch

SIMPLE = {
    "word": "cat",
    "countrycode": "US",
    "key_id": "5",
    "drawing": [[[0, 10, 20], [0, 5, 0]], [[7], [8]]],
}
RAW = {"word": "dog", "drawing": [[[1.5, 2.5], [3.25, 4.75], [0, 16]]]}


def lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def read(content: bytes) -> list[Sketch]:
    return list(NdjsonFormat().read(io.BytesIO(content), "some.ndjson"))


def write(*sketches: Sketch, **options: int) -> bytes:
    out = io.BytesIO()
    NdjsonFormat(**options).write(iter(sketches), out)
    return out.getvalue()


def read_bin(content: bytes) -> list[Sketch]:
    return list(BinFormat().read(io.BytesIO(content), "some.bin"))


def write_bin(*sketches: Sketch) -> bytes:
    out = io.BytesIO()
    BinFormat().write(iter(sketches), out)
    return out.getvalue()


def packed(strokes: list[list[list[int]]], key: int = 5, recognized: int = 1) -> bytes:
    out = struct.pack("<Q2sbIH", key, b"US", recognized, 1490000000, len(strokes))
    for xs, ys in strokes:
        out += struct.pack("<H", len(xs)) + bytes(xs) + bytes(ys)
    return out


# --- ndjson ---------------------------------------------------------------------------------------------


def test_simplified_and_raw_drawings_are_read_where_they_are():
    simple, raw = read(lines(SIMPLE, RAW))
    assert [line.tolist() for line in simple.to_polylines()] == [[[0, 0], [10, 5], [20, 0]], [[7, 8]]]
    assert [line.tolist() for line in raw.to_polylines()] == [[[1.5, 3.25], [2.5, 4.75]]]
    assert (simple.label, simple.key, simple.ended) == ("cat", "5", True)
    assert (raw.label, raw.key, raw.ended) == ("dog", None, True)


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("between", [b"\n", b"\r\n", b"\r", b"\n\n  \n\t\n", b"\r\r\n"])
def test_blank_lines_and_line_ends_do_not_matter(between):
    one = json.dumps(SIMPLE).encode()
    assert len(read(MARK + one + between + one)) == 2
    assert read(b"") == []


@pytest.mark.parametrize(
    "between", [b"\n" + MARK, b"\r\n" + MARK * 2, b"\r" + MARK + b" ", MARK, b"\n" + MARK + b"\n" + MARK]
)
def test_byte_order_marks_between_files_do_not_matter(between):
    one, other = json.dumps(SIMPLE).encode(), json.dumps(RAW).encode()
    content = MARK + one + between + other + MARK
    assert [sketch.label for sketch in read(content)] == ["cat", "dog"]
    assert [text.strip() for text, _ in read_records(io.BytesIO(content), "x")] == [one, other]


def test_a_mark_within_a_text_stays():
    (sketch,) = read(json.dumps(SIMPLE | {"word": "\ufeffc}\ufeffat"}, ensure_ascii=False).encode())
    assert sketch.label == "\ufeffc}\ufeffat"


@pytest.mark.parametrize(
    "more",
    [
        [[]],
        [None],
        [[None, None, None]],
        [[0, 1]],
        [[0, 1, 2], [0.1, 0.2, 0.3]],
        ["3"],
        [{}, False],
        [["a", []]],
    ],
    ids=str,
)
def test_columns_after_the_first_two_do_not_matter(more):
    (sketch,) = read(lines({"drawing": [[[130.5, 113, 99], [72, 40, 27], *more]]}))
    assert [line.tolist() for line in sketch.to_polylines()] == [[[130.5, 72], [113, 40], [99, 27]]]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_other_encodings_are_named(encoding):
    with pytest.raises(FormatError, match=r"^some.ndjson: the file is text in UTF-16 or UTF-32: "):
        read(lines(SIMPLE).decode().encode(encoding))


def test_lines_are_read_as_they_come_whatever_ends_them(monkeypatch):
    monkeypatch.setattr(quickdraw, "MAX_LINE_BYTES", 200)
    one = json.dumps(RAW).encode()
    assert len(read(b"\r".join([one] * 50))) == 50
    with pytest.raises(FormatError, match="line 3: longer than 200 bytes"):
        read(b"\r".join([one, one, one * 5, one]))


def test_a_numeric_key_is_a_key_too():
    assert read(lines({"key_id": 12345678901234567890, "drawing": []}))[0].key == "12345678901234567890"


def test_empty_drawings_and_strokes_are_no_mistake():
    empty, gap = read(lines({"drawing": []}, {"drawing": [[[], []], [[1], [2]]]}))
    assert empty.n_strokes == 0
    assert gap.n_strokes == 1


def test_drawings_come_one_by_one():
    drawings = NdjsonFormat().read(io.BytesIO(lines(SIMPLE) + b"{broken"), "x")
    assert next(drawings).label == "cat"
    with pytest.raises(FormatError, match=r"^x: line 2: not JSON"):
        next(drawings)


pages = st.integers(-(10**6), 10**6).map(lambda n: n / 8)
drawn = st.lists(hnp.arrays(np.float64, st.tuples(st.integers(1, 9), st.just(2)), elements=pages), max_size=5)


@given(
    drawn, st.none() | st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.text("0123456789")
)
def test_drawings_survive_writing_and_reading(drawing, label, key):
    sketch = Sketch.from_polylines(drawing, ended=True, label=label, key=key)
    (back,) = read(write(sketch))
    assert back.points.tolist() == sketch.points.tolist()
    assert back.n_strokes == sketch.n_strokes
    assert (back.label, back.key) == (label, key)


def test_whole_numbers_are_written_as_such_and_others_rounded():
    sketch = Sketch.from_polylines([[[0, 0], [1 / 3, 2]], [[4, 5], [6, 7]], [[-0.0001, 1]]], label="a")
    assert write(sketch) == b'{"word":"a","drawing":[[[0,0.333],[0,2]],[[4,6],[5,7]],[[0],[1]]]}\n'
    assert json.loads(write(sketch, decimals=0))["drawing"][0] == [[0, 0], [0, 2]]
    for out_of_range in (-1, 10):
        with pytest.raises(InputError, match="decimals must be 0 to 9"):
            NdjsonFormat(decimals=out_of_range)
    assert describe(NdjsonFormat)[0].range == "0..9"


def test_huge_coordinates_are_written_as_readers_understand_them():
    sketch = Sketch.from_polylines([[[1e30, 0], [1e30, 1e30]]])
    assert read(write(sketch))[0].points.tolist() == sketch.points.tolist()


def test_a_label_that_json_cannot_hold_is_refused():
    with pytest.raises(FormatError):
        write(Sketch([], label="\ud800"))


@pytest.mark.data
def test_published_files_are_read_and_written_unchanged(data: Path):
    for name in ("quickdraw/monkey", "quickdraw-344x25/The Eiffel Tower", "quickdraw-raw/simplified"):
        content = (data / f"{name}.ndjson").read_bytes()
        records = [json.loads(line) for line in content.splitlines()]
        sketches = read(content)
        assert [s.label for s in sketches] == [r["word"] for r in records]
        assert [s.key for s in sketches] == [r.get("key_id") for r in records]
        again = [json.loads(line) for line in write(*sketches).splitlines()]
        assert [r["drawing"] for r in again] == [r["drawing"] for r in records]


# --- packed ---------------------------------------------------------------------------------------------


def test_packed_drawings_are_read():
    first, second = read_bin(packed(SIMPLE["drawing"]) + packed([], key=2**64 - 1, recognized=0))
    assert [line.tolist() for line in first.to_polylines()] == [[[0, 0], [10, 5], [20, 0]], [[7, 8]]]
    assert (first.key, first.label, first.ended) == ("5", None, True)
    assert (second.key, second.n_strokes) == (str(2**64 - 1), 0)
    assert read_bin(b"") == []


@given(
    st.lists(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.just(2))), max_size=5),
    st.integers(0, 2**64 - 1).map(str),
)
def test_packed_drawings_survive_writing_and_reading(drawing, key):
    sketch = Sketch.from_polylines(drawing, ended=True, key=key)
    (back,) = read_bin(write_bin(sketch))
    assert back == sketch
    assert back.key == key


@pytest.mark.parametrize("key", ["0", "9" * 19, str(2**64 - 1)])
def test_a_key_that_is_a_number_of_64_bits_is_kept(key):
    assert read_bin(write_bin(Sketch([], key=key)))[0].key == key


@pytest.mark.parametrize("key", [None, "", "cat", "-1", "1.5", "²", str(2**64), "9" * 5000])
def test_a_key_that_is_no_number_becomes_0(key):
    assert read_bin(write_bin(Sketch([], key=key)))[0].key == "0"


@pytest.mark.parametrize("point", [(-1, 0), (0, 256), (0.5, 0), (1e30, 0)])
def test_coordinates_that_are_no_bytes_are_refused(point):
    sketches = [Sketch([]), Sketch.from_polylines([[[0, 0], point]])]
    with pytest.raises(FormatError, match=r"drawing 1: without fit, a \.bin file holds only whole"):
        BinFormat(fit=False).write(sketches, io.BytesIO())


@given(
    st.lists(
        st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_any_other_drawing_is_fitted_into_bytes_in_its_proportions(lines):
    (back,) = read_bin(write_bin(Sketch.from_polylines([[(0.25, 0.0)], *lines])))
    x0, y0, x1, y1 = Sketch.from_polylines([[(0.25, 0.0)], *lines]).bounds
    extent = max(x1 - x0, y1 - y0)
    assert back.n_strokes == len(lines) + 1
    if extent > 0:
        assert back.bounds == pytest.approx(
            (0, 0, (x1 - x0) / extent * 255, (y1 - y0) / extent * 255), abs=0.5001
        )


def test_whole_bytes_stay_where_they_are():
    sketch = Sketch.from_polylines([[(10, 20), (30, 5)]], ended=True)
    assert read_bin(write_bin(sketch)) == [sketch]


def test_too_many_points_or_strokes_are_refused():
    with pytest.raises(FormatError, match="points"):
        write_bin(Sketch.from_polylines([np.zeros((65536, 2))]))
    with pytest.raises(FormatError, match="strokes"):
        write_bin(Sketch.from_polylines([[[0, 0]]] * 65536))


# --- what is refused ------------------------------------------------------------------------------------

HOSTILE_LINES = {
    "text": b"hello",
    "half an object": b'{"drawing": [[[1, 2], [3',
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "no drawing": b'{"word": "cat"}',
    "a drawing that is null": b'{"drawing": null}',
    "a drawing that is text": b'{"drawing": "[[[1],[2]]]"}',
    "a drawing that is an object": b'{"drawing": {"0": [[1], [2]]}}',
    "a stroke that is a number": b'{"drawing": [1]}',
    "a stroke that is text": b'{"drawing": ["ab"]}',
    "a stroke that is an object": b'{"drawing": [{"x": [1], "y": [2]}]}',
    "a stroke of one column": b'{"drawing": [[[1]]]}',
    "columns of numbers": b'{"drawing": [[1, 2]]}',
    "unequal columns": b'{"drawing": [[[1, 2], [3]]]}',
    "text in a column": b'{"drawing": [[["1"], [2]]]}',
    "text in the second column": b'{"drawing": [[[1], ["2"]]]}',
    "null in a column": b'{"drawing": [[[null], [2]]]}',
    "true in a column": b'{"drawing": [[[true], [2]]]}',
    "a list in a column": b'{"drawing": [[[[1]], [2]]]}',
    "NaN": b'{"drawing": [[[NaN], [2]]]}',
    "infinity": b'{"drawing": [[[Infinity], [2]]]}',
    "1e999": b'{"drawing": [[[1e999], [2]]]}',
    "1e308": b'{"drawing": [[[0, 1e308], [2, 2]]]}',
    "an integer of 400 digits": b'{"drawing": [[[0, ' + b"9" * 400 + b"], [2, 3]]]}",
    "a word that is a list": b'{"word": ["cat"], "drawing": []}',
    "a word that is true": b'{"word": true, "drawing": []}',
    "a key that is a fraction": b'{"key_id": 1.5, "drawing": []}',
    "ten thousand brackets": b"[" * 10_000,
    "ten thousand brackets in a drawing": b'{"drawing": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "bytes that are no UTF-8": b'{"word": "\xff", "drawing": []}',
    "a null character": b'{"drawing": []}\x00',
    "two objects": b'{"drawing": []} {"drawing": []}',
    "a line of 5 MiB": b'{"word": "' + b"a" * (5 << 20) + b'", "drawing": []}',
    "spaces of 5 MiB": b" " * (5 << 20),
}

HOSTILE_BYTES = {
    "one byte": b"\x00",
    "half a head": packed([])[:10],
    "a head without its strokes": struct.pack("<Q2sbIH", 1, b"US", 1, 0, 3),
    "half a count": struct.pack("<Q2sbIH", 1, b"US", 1, 0, 1) + b"\x01",
    "points that are missing": packed([[[1, 2], [3, 4]]])[:-1],
    "a count too high": struct.pack("<Q2sbIH", 1, b"US", 1, 0, 1) + b"\xff\xffabc",
    "text": b"this is not a file of packed drawings, but text",
    "JSON": lines(SIMPLE),
    "recognized is 2": packed([], recognized=2),
    "recognized is -1": packed([], recognized=-1),
    "millions of points": struct.pack("<Q2sbIH", 1, b"US", 1, 0, 65535) + (b"\xff\xff" + bytes(131070)) * 17,
}


def refusal(form: NdjsonFormat | BinFormat, content: bytes) -> str:
    with pytest.raises(FormatError) as refused:
        list(form.read(io.BytesIO(content), "bad file"))
    message = str(refused.value)
    assert message.isprintable()
    assert len(message) < 300
    return message


@pytest.mark.parametrize("line", HOSTILE_LINES.values(), ids=HOSTILE_LINES)
def test_a_hostile_line_is_refused_by_its_number(line):
    assert refusal(NdjsonFormat(), lines(SIMPLE) + b"\n" + line).startswith("bad file: line 3: ")


@pytest.mark.parametrize("content", HOSTILE_BYTES.values(), ids=HOSTILE_BYTES)
def test_hostile_bytes_are_refused_by_the_number_of_the_drawing(content):
    assert refusal(BinFormat(), packed([[[1], [2]]]) + content).startswith("bad file: drawing 1: ")
