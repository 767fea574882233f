"""Drawings, latent vectors and scores to Parquet, row group by row group."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sketchkit.errors import FormatError
from sketchkit.rendering import json_text
from sketchkit.sketch import Sketch
from sketchkit_parquet.schemas import DRAWINGS, GROUP_POINTS, GROUP_ROWS, SCORES, STROKES, latents_schema

if TYPE_CHECKING:
    from sketchkit.latent import Latents

__all__ = ["write_drawings", "write_latents", "write_scores"]

#: Of zstd: half as large again at its default, 3; a thousand drawings take some 30 ms.
_LEVEL = 9


def write_drawings(
    sketches: Iterable[Sketch], stream: BinaryIO, metadata: Mapping[str, Any], decimals: int
) -> None:
    """See `ParquetFormat.write`."""
    with _open_writer(stream, DRAWINGS, metadata) as writer:
        for group in _groups(sketches):
            columns = [
                _texts([sketch.key for sketch in group]),
                _texts([sketch.label for sketch in group]),
                pa.array([sketch.ended for sketch in group], pa.bool_()),
                _strokes(group, decimals),
            ]
            _write_group(writer, pa.table(columns, schema=DRAWINGS))


def write_latents(blocks: Iterable[Latents], stream: BinaryIO, metadata: Mapping[str, Any]) -> None:
    """See `ParquetFormat.write_latents`."""
    given = iter(blocks)
    first = next(given, None)
    if first is None:
        raise FormatError("there are no latent vectors")
    schema = _schema_of(first)
    with _open_writer(stream, schema, metadata) as writer:
        for block in itertools.chain([first], given):
            if _schema_of(block) != schema:
                raise FormatError("the latent vectors have several sizes")
            texts = [_texts([text or None for text in each]) for each in _texts_of(block)]
            draws = [] if block.draws is None else [_vectors(block.draws)]
            table = pa.table([*texts, _vectors(block.mu), _vectors(block.sigma), *draws], schema=schema)
            _write_group(writer, table)


def write_scores(blocks: Iterable[list[Any]], stream: BinaryIO, metadata: Mapping[str, Any]) -> None:
    """See `ParquetFormat.write_scores`."""
    rows = itertools.chain.from_iterable(blocks)
    with _open_writer(stream, SCORES, metadata) as writer:
        while group := list(itertools.islice(rows, GROUP_ROWS)):
            _write_group(writer, _scores(group))


@contextmanager
def _open_writer(
    stream: BinaryIO, schema: pa.Schema, metadata: Mapping[str, Any]
) -> Iterator[pq.ParquetWriter]:
    # Facts come in any order, but the same ones are the same bytes.
    about = {"sketchkit": json.dumps(json.loads(json_text(metadata)), sort_keys=True)} if metadata else None
    with pq.ParquetWriter(
        pa.PythonFile(stream, "w"),
        schema.with_metadata(about),
        compression="zstd",
        compression_level=_LEVEL,
        write_page_checksum=True,
    ) as writer:
        yield writer


def _write_group(writer: pq.ParquetWriter, table: pa.Table) -> None:
    if len(table):
        writer.write_table(table, row_group_size=len(table))


def _groups(sketches: Iterable[Sketch]) -> Iterator[list[Sketch]]:
    """The drawings of one row group after another."""
    group: list[Sketch] = []
    points = 0
    for sketch in sketches:
        group.append(sketch)
        points += len(sketch)
        if len(group) == GROUP_ROWS or points >= GROUP_POINTS:
            yield group
            group, points = [], 0
    if group:
        yield group


def _strokes(sketches: Sequence[Sketch], decimals: int) -> pa.Array:
    """The strokes of some drawings, rounded."""
    drawings = [sketch.to_polylines() for sketch in sketches]
    lines = list(itertools.chain.from_iterable(drawings))
    points = np.round(np.concatenate([np.zeros((0, 2)), *lines]), decimals) + 0.0
    ends = _offsets(map(len, lines))
    x, y = (pa.ListArray.from_arrays(ends, pa.array(points[:, axis])) for axis in (0, 1))
    of_lines = pa.StructArray.from_arrays([x, y], fields=list(STROKES.value_type))
    return pa.ListArray.from_arrays(_offsets(map(len, drawings)), of_lines)


def _offsets(lengths: Iterable[int]) -> pa.Array:
    return pa.array(np.cumsum([0, *lengths]), pa.int32())


def _texts(texts: Sequence[str | None]) -> pa.Array:
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError as error:
        raise FormatError(f"a label or a key cannot be written as UTF-8: {error.reason}") from error


def _texts_of(block: Latents) -> tuple[tuple[str, ...], ...]:
    return block.keys, block.labels, block.sources


def _schema_of(block: Latents) -> pa.Schema:
    return latents_schema(block.mu.shape[1], None if block.draws is None else block.draws.shape[1])


def _vectors(values: np.ndarray[Any, Any]) -> pa.Array:
    """An array [n, ..., Z] as n lists of fixed sizes."""
    found = pa.array(np.ascontiguousarray(values, np.float32).reshape(-1))
    for size in reversed(values.shape[1:]):
        found = pa.FixedSizeListArray.from_arrays(found, size)
    return found


def _scores(rows: Sequence[Any]) -> pa.Table:
    for row in rows:
        if not isinstance(row, dict) or not row.keys() <= set(SCORES.names):
            raise FormatError("holds something that is not a score of a drawing")
    try:
        return pa.Table.from_pylist([_with_pairs(row) for row in rows], SCORES)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise FormatError(f"not a score of a drawing: {str(error).splitlines()[0]}") from error


def _with_pairs(row: dict[str, Any]) -> dict[str, Any]:
    """A score with its guesses as pairs, of which Arrow makes a map."""
    guesses = row.get("guesses")
    return {**row, "guesses": list(guesses.items())} if isinstance(guesses, dict) else row
