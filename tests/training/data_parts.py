"""Drawings and files of drawings for the tests of data sets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from sketchkit.formats import write
from sketchkit.sketch import Sketch
from sketchkit.training.data import SPLITS, Dataset

Stroke = list[tuple[float, float]]


def walk(seed: int, points: int = 8, label: str | None = None, key: str | None = None) -> Sketch:
    """A drawing of two strokes in whole pixels 0..255."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 256, (points, 2))
    return Sketch.from_polylines(
        [places[: points // 2], places[points // 2 :]], ended=True, label=label, key=key
    )


def ndjson(path: Path, sketches: Iterable[Sketch]) -> Path:
    """Write drawings as Quick, Draw! lines."""
    write(sketches, path)
    return path


def lines(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    """Write lines of JSON."""
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def record(*strokes: Stroke, **more: Any) -> dict[str, Any]:
    """One line of Quick, Draw!."""
    return {**more, "drawing": [[list(column) for column in zip(*stroke, strict=True)] for stroke in strokes]}


def placed(data: Dataset) -> dict[int, str]:
    """Which split each drawing is in, by the hash of its key."""
    return {int(key): name for name in SPLITS for key in data.split(name).keys}


def all_drawings(data: Dataset, splits: Iterable[str] = SPLITS) -> list[np.ndarray[Any, Any]]:
    """Every drawing of some splits."""
    return [data.split(name).drawing(i) for name in splits for i in range(len(data.split(name)))]
