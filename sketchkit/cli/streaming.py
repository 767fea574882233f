"""Drawings of models as work in parts: any number of them in constant memory, also after a kill."""

from __future__ import annotations

import dataclasses
import io
import platform
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sketchkit import registry
from sketchkit.cli.parts import Parts, Progress, Work
from sketchkit.cli.runner import POINTS, Run
from sketchkit.formats import write
from sketchkit.models import ArrayModel

if TYPE_CHECKING:
    from sketchkit.cli.output_kind import Kind
    from sketchkit.models import DrawingModel
    from sketchkit.sketch import Sketch

__all__ = ["NDJSON", "content_of", "identify", "machine_of", "new_drawings"]

#: Of this format a file is its drawings' lines one after another, and nothing else.
NDJSON = "ndjson"


def new_drawings(run: Run, n: int, first: int, kind: Kind, z_temperature: float | None) -> Work:
    """The work of drawing from nothing.

    Args:
        run: its settings.
        n: how many drawings.
        first: the index of the first.
        kind: of the files of parts.
        z_temperature: of the latent vectors; None for the model's own.
    """
    model = run.load(n * run.drafts * POINTS)
    from sketchkit.generate import sample
    from sketchkit.generate.streaming import block_size

    def make(parts: Iterable[range], report: Progress) -> Iterator[bytes]:
        for part in parts:
            indices = range(first + part.start, first + part.stop)
            sketches = sample(
                model,
                len(indices),
                class_name=list(map(run.class_of, indices)) if run.classes else None,
                first=indices.start,
                z_temperature=z_temperature,
                progress=report,
                **run.keywords(),
            )
            yield content_of(sketches, kind, run.provenance)

    size = block_size(model, run.settings.batch_size)
    identity = {**identify(run, model), "z_temperature": z_temperature, "first": first, "format": kind.name}
    return Work(Parts(n, size), kind.suffix, identity, make, 1 if kind.format == NDJSON else None)


def content_of(sketches: Iterable[Sketch], kind: Kind, provenance: Mapping[str, Any]) -> bytes:
    """The file of some drawings."""
    stream = io.BytesIO()
    write(sketches, stream, format=kind.format, metadata=provenance)
    return stream.getvalue()


def identify(run: Run, model: DrawingModel) -> dict[str, Any]:
    """All of a model and the settings that decides what is drawn, as JSON values."""
    from sketchkit.engine import engine_of

    plugins = (
        registry.find("sampler", run.settings.sampler),
        registry.find("model", model.backend),
        registry.find("engine", engine_of(model)),
    )
    return {
        "provenance": run.provenance,
        **{key: value for key, value in run.keywords().items() if key != "sampler"},
        "plugins": [f"{plugin.full_name} {plugin.version}" for plugin in plugins],
        "weights": model.weights_checksum(),
        "card": dataclasses.asdict(model.card),
        "machine": machine_of(model),
    }


def machine_of(model: DrawingModel) -> list[str]:
    """The library and the kind of processor, which decide the last bits of a product."""
    if isinstance(model, ArrayModel):
        return ["numpy", np.__version__, platform.machine(), platform.processor()]
    import torch

    if model.on_cpu:
        processor = torch.backends.cpu.get_cpu_capability()
    else:
        processor = torch.cuda.get_device_name(model.device) if torch.cuda.is_available() else ""
    return [str(torch.__version__), str(model.device), processor, str(model.dtype)]
