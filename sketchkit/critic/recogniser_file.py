"""The file of a recogniser: its description beside the weights, and how both are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sketchkit.critic.raster import VIEWS
from sketchkit.errors import CheckpointError
from sketchkit.files import file_checksum
from sketchkit.tensors import Array, open_tensors

__all__ = ["FORMAT_VERSION", "METADATA_KEY", "NETWORKS", "About", "flawed", "read_recogniser"]

FORMAT_VERSION = 2
METADATA_KEY = "sketchkit-recogniser"
#: The networks by name.
NETWORKS = ("plain", "residual")
_MAX_CLASSES = 10_000
_MAX_BYTES = 64 << 20

T = TypeVar("T")


def flawed(name: str) -> str:
    """The name of the class of a class's drawings with flaws."""
    return f"flawed {name}"


@dataclass(frozen=True)
class About:
    """A recogniser's description beside its weights.

    Args:
        classes: the names of its outputs.
        known: those that a drawing can be named; the others only help in training.
        trained_on: the drawings, in words.
        notice: to be passed on with the weights.
        test_accuracy: the share of held-out drawings that it names rightly, 0..1.
        test_drawings: how many drawings that is measured on.
        class_accuracy: the mean over the classes of the same share.
        seed: of the training.
        version: of the weights.
        network: one of `NETWORKS`.
        views: over how many of `VIEWS` of a drawing the outputs are averaged.
    """

    classes: tuple[str, ...]
    known: tuple[str, ...]
    trained_on: str
    notice: str
    test_accuracy: float
    test_drawings: int
    class_accuracy: float
    seed: int
    version: str
    network: str = "plain"
    views: int = 1

    @classmethod
    def from_json(cls, values: Any) -> About:
        """The description that a file holds.

        Raises:
            CheckpointError: a value that is missing, of another type or out of range.
        """
        kinds: dict[str, type] = {
            **dict.fromkeys(("trained_on", "notice", "version", "network"), str),
            **dict.fromkeys(("test_drawings", "seed", "views"), int),
            **dict.fromkeys(("test_accuracy", "class_accuracy"), float),
            **dict.fromkeys(("classes", "known"), list),
        }
        if not isinstance(values, dict) or not all(type(values.get(k)) is t for k, t in kinds.items()):
            raise CheckpointError("its description lacks a value, or has one of another type")
        classes, known = values["classes"], values["known"]
        if not all(isinstance(name, str) for name in classes + known):
            raise CheckpointError("its classes are not names")
        if not 2 <= len(classes) <= _MAX_CLASSES or len(set(classes)) != len(classes):
            raise CheckpointError(f"its classes must be 2 to {_MAX_CLASSES} different names")
        if not known or not set(known) <= set(classes):
            raise CheckpointError("the classes that it may name must be some of its own")
        if values["network"] not in NETWORKS or not 1 <= values["views"] <= len(VIEWS):
            raise CheckpointError(f"it needs the network {values['network']!r} and {values['views']} views")
        facts = {name: values[name] for name in kinds}
        return cls(**{**facts, "classes": tuple(classes), "known": tuple(known)})


def read_recogniser(path: Path, make: Callable[[dict[str, Array], About, str], T]) -> T:
    """Read the file of a recogniser.

    Args:
        path: the file.
        make: the recogniser from its tensors, its description and the checksum of the file.

    Raises:
        CheckpointError: one line naming the file: missing, damaged, of another version or another kind.
    """
    with open_tensors(path, _MAX_BYTES) as file:
        facts = file.facts(METADATA_KEY, "its description")
        if facts is None:
            raise CheckpointError("a safetensors file, but not a recogniser: it has no description")
        version = facts.get("format_version")
        if version != FORMAT_VERSION:
            raise CheckpointError(
                f"a recogniser of format version {version!r}, this sketchkit reads {FORMAT_VERSION}"
            )
        tensors = {name: file.read(name) for name in file.tensors}
        return make(tensors, About.from_json(facts), file_checksum(path))
