"""Drawings as Parquet: what is kept, how much is in memory, who else reads it, and what is refused."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sketchkit_parquet import ParquetFormat, reading, writing
from sketchkit_parquet.footer import Column

import sketchkit
from sketchkit import FormatError, InputError, Sketch
from sketchkit.latent import Latents
from sketchkit.testing import check_format

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def sketches(size: float) -> st.SearchStrategy[Sketch]:
    numbers = st.floats(-size, size)
    words = st.none() | st.text(max_size=5)
    lines = st.lists(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5), max_size=4)
    return st.builds(
        lambda lines, ended, label, key: Sketch.from_polylines(lines, ended=ended, label=label, key=key),
        lines,
        st.booleans(),
        words,
        words,
    )


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def some(n: int, points: int = 3) -> list[Sketch]:
    lines = [np.cumsum(np.full((points, 2), i + 1.5), axis=0) for i in range(n)]
    return [Sketch.from_polylines([line, line[:1]], key=f"{i}", label="it") for i, line in enumerate(lines)]


def detailed(n: int) -> list[Sketch]:
    """Drawings of which each takes some 700 bytes."""
    points = np.random.default_rng(0).uniform(0, 255, (n, 50, 2))
    return [Sketch.from_polylines([line], key=f"{i}") for i, line in enumerate(points)]


def written(drawings: list[Sketch], **options: Any) -> bytes:
    stream = io.BytesIO()
    ParquetFormat(**options).write(drawings, stream)
    return stream.getvalue()


def read(content: bytes, first: int = 0) -> list[Sketch]:
    return list(ParquetFormat().read(io.BytesIO(content), "it.parquet", first))


def table(**columns: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def groups_of(content: bytes) -> list[int]:
    found = pq.ParquetFile(io.BytesIO(content)).metadata
    return [found.row_group(number).num_rows for number in range(found.num_row_groups)]


# --- what is kept ---------------------------------------------------------------------------------------


def test_it_keeps_what_every_format_promises() -> None:
    check_format(ParquetFormat)


@given(st.lists(sketches(1e3), max_size=4))
def test_drawings_come_back_with_their_words_and_ends(drawings: list[Sketch]) -> None:
    back = read(written(drawings))
    assert [(s.key, s.label, s.ended) for s in back] == [(s.key, s.label, s.ended) for s in drawings]
    assert written(back) == written(drawings)
    direct, through = io.BytesIO(), io.BytesIO()
    sketchkit.write(drawings, direct, format="ndjson")
    sketchkit.write(back, through, format="ndjson")
    assert through.getvalue() == direct.getvalue()


@given(st.lists(sketches(1e9), max_size=4))
def test_it_holds_the_numbers_of_an_ndjson_file(drawings: list[Sketch]) -> None:
    stream = io.BytesIO()
    sketchkit.write(drawings, stream, format="ndjson")
    lines = [json.loads(line)["drawing"] for line in stream.getvalue().splitlines()]
    rows = pq.read_table(io.BytesIO(written(drawings)))["strokes"].to_pylist()
    assert [[[stroke["x"], stroke["y"]] for stroke in row] for row in rows] == lines


def test_decimals_are_chosen() -> None:
    drawing = Sketch.from_polylines([[(0.123456, 1.5), (2.000001, 3)]])
    for decimals in range(10):
        (line,) = read(written([drawing], decimals=decimals))[0].to_polylines()
        assert np.abs(line - drawing.to_polylines()[0]).max() <= 0.5 * 10.0**-decimals + 1e-7
    with pytest.raises(InputError, match="decimals"):
        ParquetFormat(decimals=10)


def test_the_provenance_is_in_the_metadata_whatever_the_order_of_its_facts() -> None:
    facts = {"model": "doodle", "options": {"b": 1, "a": [2, None]}}
    turned = {"options": {"a": [2, None], "b": 1}, "model": "doodle"}
    sketchkit.write(some(2), "one.parquet", metadata=facts)
    sketchkit.write(some(2), "two.parquet", metadata=turned)
    assert Path("one.parquet").read_bytes() == Path("two.parquet").read_bytes()
    (text,) = duckdb.sql(
        "SELECT decode(value) FROM parquet_kv_metadata('one.parquet') WHERE decode(key) = 'sketchkit'"
    ).fetchall()[0]
    assert text == '{"model": "doodle", "options": {"a": [2, null], "b": 1}}'


# --- row groups -----------------------------------------------------------------------------------------


def test_row_groups_end_after_so_many_drawings_or_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "GROUP_ROWS", 4)
    monkeypatch.setattr(writing, "GROUP_POINTS", 12)
    assert groups_of(written(some(10, points=1))) == [4, 4, 2]
    assert groups_of(written(some(5, points=7))) == [2, 2, 1]
    assert groups_of(written([])) == []


def test_a_row_group_of_drawings_is_in_memory_while_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "GROUP_ROWS", 8)
    stream, sizes = io.BytesIO(), []

    def draw() -> Any:
        for drawing in some(40):
            sizes.append(stream.tell())
            yield drawing

    ParquetFormat().write(draw(), stream)
    assert len(set(sizes)) == 5 and [sizes.index(size) for size in sorted(set(sizes))] == [0, 8, 16, 24, 32]


class Watched(io.BytesIO):
    """A file that counts the bytes that are read."""

    count = 0

    def read(self, n: int | None = -1, /) -> bytes:
        data = super().read(n)
        self.count += len(data)
        return data


def test_a_batch_of_drawings_is_in_memory_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "GROUP_ROWS", 100)
    content = written(detailed(2000))
    stream = Watched(content)
    drawings = ParquetFormat().read(stream, "it.parquet")
    next(drawings)
    assert stream.count < 0.2 * len(content)
    assert len(list(drawings)) == 1999


def test_row_groups_before_the_first_drawing_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "GROUP_ROWS", 10)
    monkeypatch.setattr(reading, "GROUP_ROWS", 3)
    content = written(some(35))
    for first in (0, 1, 9, 10, 17, 34, 35, 99):
        assert [sketch.key for sketch in read(content, first)] == [str(i) for i in range(first, 35)]
    stream = Watched(written(detailed(1000)))
    assert next(ParquetFormat().read(stream, "it.parquet", 990)).key == "990"
    assert stream.count < 0.2 * len(stream.getvalue())


def test_large_drawings_are_read_fewer_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "GROUP_POINTS", 100)
    content = written(some(20, points=49))
    assert reading._batch_size(20, [Column(20, 9, 4), Column(1000, 9, 13)]) == 2
    assert read(content) == read(written(some(20, points=49)))


def test_drawings_are_counted_and_found_by_number() -> None:
    sketchkit.write(some(30), "all.parquet")
    assert sketchkit.formats.count_drawings("all.parquet") == 30
    assert sketchkit.read("all.parquet#17").key == "17"
    assert [s.key for s in sketchkit.read_all("all.parquet", first=28)] == ["28", "29"]


def test_a_pipe_is_read_to_its_end() -> None:
    content = written(some(9))
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    with open(reader, "rb") as stream:
        assert [s.key for s in sketchkit.read_all(stream, format="parquet")] == [str(i) for i in range(9)]


# --- others ---------------------------------------------------------------------------------------------


def test_duckdb_and_pandas_read_what_it_writes() -> None:
    drawings = some(30)
    sketchkit.write(drawings, "all.parquet")
    rows = duckdb.sql("SELECT key, strokes[1].y[2] FROM 'all.parquet' WHERE label = 'it'").fetchall()
    assert rows == [(s.key, s.to_polylines()[0][1, 1]) for s in drawings]
    found = pd.read_parquet("all.parquet")
    assert list(found.columns) == ["key", "label", "ended", "strokes"]
    assert (found["strokes"][3][0]["x"] == drawings[3].to_polylines()[0][:, 0]).all()


def test_what_duckdb_and_pandas_write_is_read() -> None:
    drawings = some(30)
    sketchkit.write(drawings, "all.parquet")
    duckdb.sql("COPY (SELECT * FROM 'all.parquet' WHERE key::INT >= 20) TO 'few.parquet'")
    assert list(sketchkit.read_all("few.parquet")) == list(sketchkit.read_all("all.parquet", first=20))
    pd.read_parquet("all.parquet").to_parquet("again.parquet")
    assert list(sketchkit.read_all("again.parquet")) == list(sketchkit.read_all("all.parquet"))


def test_other_types_of_numbers_and_words_are_read() -> None:
    strokes = pa.array([[{"x": [0, 3], "y": [1, 4]}], []])
    content = table(strokes=strokes, key=[7, 8], label=pa.array(["cat", None]).dictionary_encode())
    one, empty = read(content)
    assert one.to_polylines()[0].tolist() == [[0, 1], [3, 4]]
    assert (one.key, one.label, one.ended) == ("7", "cat", True)
    assert (empty.key, empty.label, len(empty.without_end())) == ("8", None, 0)
    small = pa.large_list(pa.struct({"x": pa.large_list(pa.float32()), "y": pa.large_list(pa.float32())}))
    assert read(table(strokes=strokes.cast(small)))[0].to_polylines()[0].tolist() == [[0, 1], [3, 4]]


def test_the_queries_of_the_readme_run() -> None:
    sketchkit.write([s.labelled("pig", s.key) for s in some(9)], "drawings.parquet", metadata={"seed": 1})
    latents = Latents(np.eye(9, 4, dtype=np.float32), np.ones((9, 4), np.float32))
    with open("vectors.parquet", "wb") as stream:
        ParquetFormat().write_latents([latents], stream, {})
    block = README.split("```sql\n")[1].split("```")[0]
    for query in block.splitlines():
        duckdb.sql(query)
    assert len(block.splitlines()) == 4
    assert [s.label for s in sketchkit.read_all("pigs.parquet")] == ["pig"] * 9


# --- what is refused ------------------------------------------------------------------------------------

X = {"x": [1.0], "y": [1.0]}


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"mu": [1.0]}, "it.parquet: a table without a column 'strokes'"),
        ({"strokes": ["text"]}, "it.parquet: "),
        ({"strokes": [[{"x": [1.0]}]]}, "it.parquet: "),
        ({"strokes": [[{"x": ["a"], "y": ["b"]}]]}, "it.parquet: "),
        ({"strokes": [[X], None]}, "it.parquet: drawing 1: a stroke or a number is missing"),
        ({"strokes": [[X, None]]}, "it.parquet: drawing 0: a stroke or a number is missing"),
        ({"strokes": [[X, {"x": None, "y": [1.0]}]]}, "drawing 0: a stroke or a number is missing"),
        ({"strokes": [[X, {"x": [None], "y": [1.0]}]]}, "drawing 0: a stroke or a number is missing"),
        (
            {"strokes": [[{"x": [1.0, 2.0], "y": [1.0]}]]},
            "drawing 0: a stroke has columns of several lengths",
        ),
        ({"strokes": [[X], [{"x": [float("nan")], "y": [1.0]}]]}, "it.parquet: drawing 1: "),
        ({"strokes": [[X]], "key": [[1]]}, "it.parquet: "),
    ],
    ids=str,
)
def test_tables_of_other_things_are_refused_in_one_line(columns: dict[str, Any], fault: str) -> None:
    with pytest.raises(FormatError) as refused:
        read(table(**columns))
    assert fault in str(refused.value) and len(str(refused.value).splitlines()) == 1


def test_numbers_that_no_file_of_this_size_holds_in_earnest_are_refused() -> None:
    bomb = table(strokes=[[{"x": np.zeros(3_000_000), "y": np.zeros(3_000_000)}]])
    assert len(bomb) < 50_000
    with pytest.raises(FormatError, match=r"^it\.parquet: row group 0: absurdly large: 3000000 values in"):
        read(bomb)


def zigzag(number: int) -> bytes:
    """A number as Parquet's metadata hold it."""
    rest, out = number << 1, b""
    while rest > 127:
        out, rest = out + bytes([rest & 127 | 128]), rest >> 7
    return out + bytes([rest])


def test_pages_that_hold_more_than_the_end_of_the_file_says_are_refused() -> None:
    bomb = table(strokes=[[{"x": np.zeros(3_000_000), "y": np.zeros(3_000_000)}]])
    size = int.from_bytes(bomb[-8:-4], "little") + 8
    pages, footer = bomb[:-size], bomb[-size:]
    lying = pages + footer.replace(zigzag(3_000_000), zigzag(2_000_000))
    assert len(lying) == len(bomb) and lying != bomb
    with pytest.raises(FormatError, match="row group 0: a page holds more than the end of the file says"):
        read(lying)


def test_a_row_group_that_would_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_NUMBERS", 100)
    assert len(read(written(some(10)))) == 10
    with pytest.raises(FormatError, match="row group 0: absurdly large: 120 values"):
        read(written(some(30)))


@given(st.data())
def test_a_changed_byte_gives_the_same_drawings_or_one_line(data: st.DataObject) -> None:
    content = bytearray(written(some(20)))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        found = read(bytes(content))
    except FormatError as error:
        assert str(error).startswith("it.parquet: ") and len(str(error).splitlines()) == 1
    else:
        assert len(found) <= 20


def test_a_changed_number_is_noticed() -> None:
    content = written(some(20))
    start = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0).column(3).data_page_offset
    end = start + pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0).column(3).total_compressed_size
    changed = content[: end - 40] + bytes([content[end - 40] ^ 1]) + content[end - 39 :]
    with pytest.raises(FormatError, match=r"^it\.parquet: "):
        read(changed)


def test_words_that_are_not_unicode_are_refused() -> None:
    with pytest.raises(FormatError, match="a label or a key cannot be written as UTF-8"):
        sketchkit.write(Sketch([], label="\ud800"), "it.parquet")
    assert not Path("it.parquet").exists()
