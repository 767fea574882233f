"""How a model is to be stepped while it draws."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Decoding"]


@dataclass(frozen=True)
class Decoding:
    """The engine and the precision that drawings are made with.

    Args:
        engine: a name in the entry-point group `sketchkit.engines`; `auto` takes one that can, a plugin's
            before torch's own.
        precision: in which numbers the large products are taken, one of `sketchkit.engine.PRECISIONS`;
            `float32` stands for the model's own number type.
    """

    engine: str = "auto"
    precision: str = "float32"
