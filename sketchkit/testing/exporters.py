"""The contract of exporters: a model is written whole, or refused in one line."""

from __future__ import annotations

from typing import Any

import torch

from sketchkit.errors import SketchkitError
from sketchkit.models import SketchModel
from sketchkit.testing.faults import Faults, check_pure, collect_faults, seed_generators
from sketchkit.testing.model_fixtures import make_engine_models
from sketchkit.testing.result import Subject, check_suffixes, make_plugin

__all__ = ["check_exporter"]

_ADVICE = "write any model, or refuse by InputError one that the file cannot hold"


def check_exporter(plugin: Any) -> None:
    """Try an exporter.

    Its suffixes can end a file's name, and `keeps_card` is true or false. `export` returns the bytes of a
    file for decoders and VAEs, with classes and without, or refuses one by an error of one line, but not all
    of them. The bytes depend on the model alone, which stays unchanged.

    Args:
        plugin: a name as registered, the class, or an object.

    Raises:
        CheckFailed: one line a fault.
        PluginError: an unknown or ambiguous name.
    """
    with seed_generators(0), collect_faults() as faults:
        _check(make_plugin("exporter", plugin, faults), faults)


def _check(subject: Subject, faults: Faults) -> None:
    exporter = subject.made
    check_suffixes(subject.cls, faults)
    if not isinstance(getattr(subject.cls, "keeps_card", None), bool):
        faults.add("keeps_card", "its keeps_card is missing: say True or False on the class")
    problem = f"a {type(exporter).__name__} lacks export"
    faults.require(
        callable(getattr(exporter, "export", None)),
        "an exporter",
        f"{problem}: define export(model) -> bytes",
    )
    models = make_engine_models(torch.device("cpu"))
    written = [name for name, model in models if _export(exporter, name, model, faults)]
    faults.stop_if_any()
    if not written:
        faults.add("any model", f"it refuses every model that is tried: {_ADVICE}")


def _export(exporter: Any, name: str, model: SketchModel, faults: Faults) -> bool:
    """Whether a model is written."""
    before = model.weights_checksum()
    with faults.during("any model", f"for {name}", _ADVICE):
        try:
            content = check_pure(lambda: exporter.export(model), "bytes", "draw nothing by chance", faults)
        except SketchkitError as error:
            if len(str(error).splitlines()) != 1:
                faults.add("refusals", f"it refuses by {str(error)!r}: give the reason in one line", error)
            return False
        if model.weights_checksum() != before:
            faults.add("models unchanged", "it changes the weights of a model: work on copies")
        if isinstance(content, bytes) and content:
            return True
        given = "zero bytes" if isinstance(content, bytes) else f"a {type(content).__name__}"
        faults.add("bytes", f"export returns {given}: return the bytes of a whole file")
    return False
