"""Drawings, latent vectors and scores in parts, and what `sketchkit merge` makes of them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sketchkit_parquet import ParquetFormat

import sketchkit
from sketchkit import FormatError
from sketchkit.cli import encode, encoding, score, vectors
from sketchkit.cli.main import run
from sketchkit.generate import streaming
from sketchkit.latent import Latents, read_latents

#: Drawings in all, and of a part.
N, SIZE = 10, 4
#: With --deterministic a drawing is the same to the last bit, however many are drawn together.
SAMPLE = ("sample", "-n", N, "--tries", 1, "--seed", 3, "--class", "pig", "--deterministic")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, where parts are small."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(streaming, "_MOST_BLOCK", SIZE)
    for module, name in (
        (encode, "DRAWINGS_OF_PART"),
        (encoding, "DRAWINGS_OF_PART"),
        (score, "_DRAWINGS_OF_PART"),
        (vectors, "_VECTORS_OF_PART"),
    ):
        monkeypatch.setattr(module, name, SIZE)
    return tmp_path


def do(*words: object) -> None:
    assert run([str(word) for word in words]) == 0, words


def provenance(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pq.read_schema(path).metadata[b"sketchkit"])
    return found


def test_shares_are_merged_to_what_one_process_writes() -> None:
    do(*SAMPLE, "-o", "one.parquet")
    for share in (2, 1):
        do(*SAMPLE, "--format", "parquet", "--shard", f"{share}/2", "-o", "parts/")
    assert len(list(Path("parts").glob("*.parquet"))) == 3
    do("merge", "parts", "-o", "merged.parquet")
    assert Path("merged.parquet").read_bytes() == Path("one.parquet").read_bytes()
    do(*SAMPLE, "--shard", "1/1", "-o", "lines/")
    do("merge", "lines", "-o", "from-lines.parquet")
    assert Path("from-lines.parquet").read_bytes() == Path("one.parquet").read_bytes()
    told = provenance("merged.parquet")
    assert (told["generator"], told["model"], told["seed"], told["class"]) == (
        "sketchkit",
        "doodle",
        3,
        "pig",
    )
    do("merge", "parts", "-o", "merged.ndjson")
    do(*SAMPLE, "-o", "one.ndjson")
    assert Path("merged.ndjson").read_bytes() == Path("one.ndjson").read_bytes()


def test_vectors_of_parts_become_one_table_and_are_drawn_into_parquet() -> None:
    do(*SAMPLE, "-o", "all.parquet")
    do("encode", "all.parquet", "--draws", 2, "-o", "z/")
    do("merge", "z", "-o", "z.npz")
    do("merge", "z", "-o", "z.parquet")
    latents, table = read_latents("z.npz"), pd.read_parquet("z.parquet")
    assert (np.stack(table["mu"]) == latents.mu).all() and (np.stack(table["sigma"]) == latents.sigma).all()
    assert (np.array([np.stack(each) for each in table["draws"]]) == latents.draws).all()
    assert tuple(table["key"]) == latents.keys and set(table["source"]) == {"all.parquet"}
    assert provenance("z.parquet") == latents.about
    assert [pq.ParquetFile("z.parquet").metadata.row_group(i).num_rows for i in range(3)] == [4, 4, 2]
    (found,) = duckdb.sql("SELECT count(*) FROM 'z.parquet' JOIN 'all.parquet' USING (key)").fetchall()
    assert found == (N,)
    do("decode", "z", "--means", "--deterministic", "--format", "parquet", "--shard", "1/1", "-o", "again/")
    do("merge", "again", "-o", "again.parquet")
    do("decode", "z", "--means", "--deterministic", "-o", "one.parquet")
    assert Path("again.parquet").read_bytes() == Path("one.parquet").read_bytes()


def test_scores_of_parts_become_one_table() -> None:
    drawings = [
        sketchkit.Sketch.from_polylines([[(0, 0)]]),
        *sketchkit.sample(sketchkit.load_model("doodle"), 5),
    ]
    sketchkit.write(drawings, "all.ndjson")
    do("score", "all.ndjson", "-o", "scores.jsonl")
    do("score", "all.ndjson", "-o", "scores/")
    do("merge", "scores", "-o", "scores.parquet")
    lines = [json.loads(line) for line in Path("scores.jsonl").read_text("utf-8").splitlines()]
    rows = pq.read_table("scores.parquet").to_pylist(maps_as_pydicts="strict")
    assert len(rows) == 6
    for row, line in zip(rows, lines, strict=True):
        assert {name: value for name, value in row.items() if value is not None} == line
    errors = duckdb.sql("SELECT drawing FROM 'scores.parquet' WHERE error IS NOT NULL").fetchall()
    assert errors == [("all-0",)]
    assert len(pd.read_parquet("scores.parquet")["strokes"][1]) == len(lines[1]["strokes"])
    told = provenance("scores.parquet")
    assert told["model"] == "doodle" and "temperature" not in told


def test_what_is_no_score_is_refused() -> None:
    for row in ({"unknown": 1}, [1], {"points": "many"}, {"strokes": 3}):
        with pytest.raises(FormatError, match="not a score of a drawing"):
            ParquetFormat().write_scores([[row]], io.BytesIO(), {})


def test_vectors_of_several_sizes_and_none_are_refused() -> None:
    one, other = (Latents(np.zeros((2, size), np.float32), np.ones((2, size), np.float32)) for size in (3, 4))
    with pytest.raises(FormatError, match="several sizes"):
        ParquetFormat().write_latents([one, other], io.BytesIO(), {})
    with pytest.raises(FormatError, match="no latent vectors"):
        ParquetFormat().write_latents([], io.BytesIO(), {})


@pytest.mark.parametrize("words", [("complete", "begun.ndjson", "-n", 2), ("reconstruct", "begun.ndjson")])
def test_other_commands_write_parts_of_parquet(words: tuple[object, ...]) -> None:
    sketchkit.write(sketchkit.sample(sketchkit.load_model("doodle"), 3), "begun.ndjson")
    do(*words, "-o", "one.parquet")
    do(*words, "--format", "parquet", "--shard", "1/1", "-o", "parts/")
    do("merge", "parts", "-o", "merged.parquet")
    assert Path("merged.parquet").read_bytes() == Path("one.parquet").read_bytes()
