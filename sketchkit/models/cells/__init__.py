"""Recurrent cells, by the name that a model's architecture holds."""

from __future__ import annotations

from importlib import import_module

from sketchkit import card
from sketchkit.errors import InputError
from sketchkit.models.cells.base import Cell
from sketchkit.models.cells.hyper import HyperLSTMCell
from sketchkit.models.cells.layernorm import LayerNormLSTMCell
from sketchkit.models.cells.lstm import LSTMCell
from sketchkit.models.cells.packed import Packing

__all__ = ["CELLS", "Cell", "HyperLSTMCell", "LSTMCell", "LayerNormLSTMCell", "Packing", "make_cell"]

#: The classes that `sketchkit.card.CELLS` names.
CELLS: dict[str, type[Cell]] = {
    name: getattr(import_module(place.partition(":")[0]), place.partition(":")[2])
    for name, place in card.CELLS.items()
}


def make_cell(name: str, input_size: int, hidden_size: int) -> Cell:
    """A cell by name, freshly initialised.

    Raises:
        InputError: an unknown name.
    """
    try:
        cell = CELLS[name]
    except (KeyError, TypeError):
        raise InputError(f"unknown cell {name!r}: choose one of {', '.join(CELLS)}") from None
    return cell(input_size, hidden_size)
