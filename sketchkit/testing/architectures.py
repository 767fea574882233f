"""What must hold of the architecture of a model backend."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import torch

from sketchkit.card import ModelCard
from sketchkit.errors import InputError
from sketchkit.models import SketchModel
from sketchkit.testing.faults import Faults, in_a_line

__all__ = ["check_architecture"]

#: What no size, name or flag is, by the type of the field's default.
_NONSENSE: dict[type, tuple[Any, ...]] = {
    int: (-1, 10**15, "many", None),
    float: (float("nan"), "much", None),
    str: ("no such thing as this", -1, None),
    bool: (7, "perhaps", None),
}


def check_architecture(cls: type[SketchModel], faults: Faults) -> None:
    """The architecture must be a frozen dataclass with defaults, for files to hold, that refuses nonsense."""
    kind = getattr(cls, "architecture_type", None)
    example = "architecture_type = a class with @dataclass(frozen=True)"
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        faults.add("architecture", f"its architecture_type is {kind!r}, no dataclass: write {example}")
        return
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        faults.add("architecture", f"{kind.__name__} is not frozen: write @dataclass(frozen=True)")
    usual: Any = None
    with faults.during("defaults", f"for {kind.__name__}()", "give every field a default"):
        usual = kind()
    if usual is None:
        return
    _check_json(usual, faults)
    for field in dataclasses.fields(usual):
        for value in _NONSENSE.get(type(getattr(usual, field.name)), ()):
            _check_nonsense(cls, usual, field.name, value, faults)


def _check_json(usual: Any, faults: Faults) -> None:
    values = dataclasses.asdict(usual)
    advice = "let its fields be numbers, texts and flags"
    with faults.during("JSON", "when its architecture is written as JSON", advice):
        if type(usual)(**orjson.loads(orjson.dumps(values))) != usual:
            faults.add("JSON", f"its architecture comes back from JSON as another: {advice}")


def _check_nonsense(cls: type[SketchModel], usual: Any, name: str, value: Any, faults: Faults) -> None:
    """A file may hold anything: it must be refused by an error that can be told, or make a model."""
    try:
        architecture = dataclasses.replace(usual, **{name: value})
        classes = getattr(architecture, "classes", 0)
        names = tuple(map(str, range(classes))) if isinstance(classes, int) and classes < 1000 else ()
        with torch.device("meta"):  # nothing is allocated
            cls(architecture, ModelCard(classes=names))
    except InputError:
        pass
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        kind = type(usual).__name__
        faults.add(
            "nonsense",
            f"{kind}({name}={value!r}) raises {in_a_line(error)}: refuse it by InputError in __post_init__, "
            "as sketchkit.models.check_sizes does",
            error,
        )
