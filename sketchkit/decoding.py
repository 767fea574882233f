"""The engine and precision that a model draws with."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Decoding"]


@dataclass(frozen=True)
class Decoding:
    """The engine and the precision that drawings are made with.

    Args:
        engine: a name in the entry-point group `sketchkit.engines`; `auto` takes one that supports the model,
            a plugin's before torch's own.
        precision: the number type of the large products, of `sketchkit.engine.PRECISIONS`; `float32` stands
            for the model's own.
    """

    engine: str = "auto"
    precision: str = "float32"
