"""The columns of files, and the sizes of their row groups."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["DRAWINGS", "GROUP_POINTS", "GROUP_ROWS", "SCORES", "STROKES", "latents_schema"]

#: A row group ends after so many rows, or after the drawing with which it has so many points. Neither depends
#: on how drawings arrive, so that the same drawings give the same file.
GROUP_ROWS = 8192
GROUP_POINTS = 1 << 20

STROKES = pa.list_(pa.struct({"x": pa.list_(pa.float64()), "y": pa.list_(pa.float64())}))

DRAWINGS = pa.schema(
    {"key": pa.string(), "label": pa.string(), "ended": pa.bool_(), "strokes": STROKES},
)

_OF_STROKE = {
    "stroke": pa.int64(),
    "points": pa.int64(),
    "nll": pa.float64(),
    "nll_per_point": pa.float64(),
}

#: What `sketchkit score -o` says of a drawing. `error` is said in place of the costs.
SCORES = pa.schema(
    {
        "model": pa.string(),
        "input": pa.string(),
        "drawing": pa.string(),
        "class": pa.string(),
        "guesses": pa.map_(pa.string(), pa.float64()),
        "points": pa.int64(),
        "nll": pa.float64(),
        "nll_per_point": pa.float64(),
        "nll_offset": pa.float64(),
        "nll_pen": pa.float64(),
        "nll_end": pa.float64(),
        "kl": pa.float64(),
        "dearest_stroke": pa.int64(),
        "strokes": pa.list_(pa.struct(_OF_STROKE)),
        "error": pa.string(),
    }
)


def latents_schema(size: int, draws: int | None) -> pa.Schema:
    """The columns of latent vectors.

    Args:
        size: the length of a vector.
        draws: vectors drawn from each posterior; None for a file without them.
    """
    vector = pa.list_(pa.float32(), size)
    columns = {name: pa.string() for name in ("key", "label", "source")} | {"mu": vector, "sigma": vector}
    return pa.schema(columns if draws is None else columns | {"draws": pa.list_(vector, draws)})
