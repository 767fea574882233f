"""The card of a model: its description beside the weights, readable without torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sketchkit.errors import InputError

__all__ = ["CELLS", "PAPER_START", "ZERO_START", "ModelCard"]

#: The recurrent cells of a decoder, by the name that an architecture and `--cell` hold: where each class is.
CELLS: Mapping[str, str] = {
    "lstm": "sketchkit.models.cells.lstm:LSTMCell",
    "layernorm-lstm": "sketchkit.models.cells.layernorm:LayerNormLSTMCell",
    "hyper-lstm": "sketchkit.models.cells.hyper:HyperLSTMCell",
    "gru": "sketchkit.models.cells.gru:GRUCell",
}

#: The start token of the paper and of the released training code, S0.
PAPER_START = (0.0, 0.0, 1.0, 0.0, 0.0)
#: The start token under which most of the published decoder-only models score best.
ZERO_START = (0.0, 0.0, 0.0, 0.0, 0.0)

MAX_LENGTH = 100_000
#: Beyond these, drawing units and model units no longer fit one number type.
MIN_SCALE, MAX_SCALE = 1e-9, 1e9


@dataclass(frozen=True)
class ModelCard:
    """The description of a model, beside its weights.

    Args:
        name: for display and for the store.
        scale_factor: s, drawing units (Quick, Draw! pixels) in one model unit, 1e-9..1e9.
        max_length: the most points of a drawing, which is cut there, 1..100,000.
        start: the row that the model reads before the first point, five finite numbers.
        classes: of its training data.
        licence: of the weights.
        provenance: the origin of the weights, in JSON names and values.

    Raises:
        InputError: a value of another type or out of range.
    """

    name: str = "unnamed"
    scale_factor: float = 1.0
    max_length: int = 250
    start: tuple[float, ...] = PAPER_START
    classes: tuple[str, ...] = ()
    licence: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (_is_number(self.scale_factor) and MIN_SCALE <= self.scale_factor <= MAX_SCALE):
            limits = f"a number in {MIN_SCALE:g}..{MAX_SCALE:g}"
            raise InputError(f"a model's scale factor must be {limits}, got {self.scale_factor!r}")
        length = self.max_length
        if not isinstance(length, int) or isinstance(length, bool) or not 1 <= length <= MAX_LENGTH:
            raise InputError(f"a model's max_length must lie in 1..{MAX_LENGTH}, got {length!r}")
        if not (_is_row(self.start) and len(self.start) == 5 and all(map(_is_number, self.start))):
            raise InputError(f"a model's start token has five finite numbers, got {self.start!r}")
        if not _is_row(self.classes):
            raise InputError(f"a model's classes must be a row of texts, got {self.classes!r}")
        if not all(isinstance(text, str) for text in (self.name, self.licence, *self.classes)):
            raise InputError("a model's name, licence and classes must be text")
        if not isinstance(self.provenance, Mapping):
            raise InputError("a model's provenance must be a JSON object")

    @classmethod
    def from_json(cls, values: Any) -> ModelCard:
        """Make a card of parsed JSON; unknown names are ignored, so that newer files can be read.

        Raises:
            InputError: an invalid card.
        """
        if not isinstance(values, Mapping):
            raise InputError("a model's card must be a JSON object")
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        for name in ("start", "classes"):
            if name in known:
                if not isinstance(known[name], list):
                    raise InputError(f"a model's {name} must be a JSON array")
                known[name] = tuple(known[name])
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        """The card as JSON values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**values, "provenance": dict(self.provenance)}

    def facts(self) -> list[tuple[str, object]]:
        """Names and values for a reader; those that are not set are empty."""
        from sketchkit.notebook import clip

        # Nested records, such as a training's options, are for programs.
        origin = [(k, v) for k, v in self.provenance.items() if not isinstance(v, Mapping | list | tuple)]
        return [
            ("classes", f"{len(self.classes)}: {clip(self.classes)}" if self.classes else ""),
            ("scale factor", f"{self.scale_factor:.4g}"),
            ("longest drawing", f"{self.max_length} points"),
            ("licence", self.licence),
            *((name.replace("_", " "), value) for name, value in origin),
        ]

    def _repr_html_(self) -> str:
        """The card as a table in a notebook."""
        from sketchkit.notebook import facts_html

        return facts_html(self.name, self.facts())


def _is_row(value: object) -> bool:
    return isinstance(value, tuple | list)


def _is_number(value: object) -> bool:
    # A comparison takes whole numbers of any size, and nothing compares with NaN.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
