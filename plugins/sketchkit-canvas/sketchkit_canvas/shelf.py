"""The models that are offered, and those of them that are in memory."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sketchkit import InputError, list_models, load_model

if TYPE_CHECKING:
    from sketchkit import SketchModel

__all__ = ["Offer", "Shelf", "sources_of"]

DEFAULT_MODEL = "doodle"
#: A description names the first of very many classes.
_MOST_NAMED = 3


@dataclass(frozen=True)
class Offer:
    """What a client is told of a model.

    Args:
        name: by which it is asked for.
        conditional: whether it draws drawings again, in place of going on with them.
        classes: what it can be told to draw; none where it cannot be told.
        description: what it was trained to draw, in a few words.
    """

    name: str
    conditional: bool
    classes: tuple[str, ...]
    description: str

    @classmethod
    def of(cls, name: str, model: SketchModel) -> Offer:
        """What there is to tell of a model."""
        known = model.card.classes
        more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
        draws = f"draws {', '.join(known[:_MOST_NAMED])}{more}" if known else "draws"
        how = "again what it is shown" if model.conditional else "on where you stop"
        return cls(name, model.conditional, known if model.labelled else (), f"{draws}; {how}")

    def to_json(self) -> dict[str, Any]:
        """As it stands in a message."""
        return {
            "name": self.name,
            "conditional": self.conditional,
            "classes": list(self.classes),
            "description": self.description,
        }


def sources_of(chosen: Sequence[str]) -> dict[str, str]:
    """The models that are offered by name, each with what `sketchkit.load_model` takes.

    Args:
        chosen: names or files, which come first; the first of them is the one to begin with.

    Returns:
        These and all others of the store.
    """
    stored = list_models()
    usual = [DEFAULT_MODEL] if DEFAULT_MODEL in stored else stored[:1]
    out: dict[str, str] = {}
    for source in chosen or usual:
        name = source if source in stored else os.path.basename(source).split(".")[0] or source
        out.setdefault(name, source)
    for name in stored:
        out.setdefault(name, name)
    return out


class Shelf:
    """Loads models when they are asked for, and keeps the last few.

    Whoever asks for a model waits while another is being loaded.

    Args:
        sources: see `sources_of`.
        most: how many are kept.
    """

    def __init__(self, sources: dict[str, str], most: int) -> None:
        self.sources = sources
        self.offers: dict[str, Offer] = {}
        self._most = most
        self._models: OrderedDict[str, SketchModel] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def default(self) -> str | None:
        """The name of the model to begin with."""
        return next(iter(self.sources), None)

    def model(self, name: str) -> SketchModel:
        """The model of a name.

        Raises:
            InputError: none of that name is offered.
            CheckpointError: its file cannot be read.
        """
        if name not in self.sources:
            raise InputError(f"no model named {name[:60]!r} is offered here")
        with self._lock:
            if name not in self._models:
                model = load_model(self.sources[name])
                self._models[name] = model
                self.offers[name] = Offer.of(name, model)
                if len(self._models) > self._most:
                    self._models.popitem(last=False)
            self._models.move_to_end(name)
            return self._models[name]

    def told(self) -> list[dict[str, Any]]:
        """What clients are told of the models that could be loaded, in the order of the sources."""
        return [self.offers[name].to_json() for name in self.sources if name in self.offers]
