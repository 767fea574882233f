"""`sketchkit sample`: draw from nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from sketchkit.cli.groups import OutputOptions, SheetOptions
from sketchkit.cli.help import SamplerCommand, standalone_app
from sketchkit.cli.options import (
    LARGEST_NUMBER,
    MOST_DRAWINGS,
    Given,
    ShardName,
    UsageError,
    option,
    settings_of,
)
from sketchkit.settings import DrawSettings

if TYPE_CHECKING:
    from sketchkit.cli.runner import Run
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "app", "sample"]

EXAMPLE = (
    "sketchkit sample --class pig -n 1000000 -o pigs.ndjson\n"
    "sketchkit sample --class pig -n 16 --temperature 0.25 -o pigs.png"
)

#: The most drawings that are written one after another and forgotten.
_MOST_STREAMED = 1_000_000_000
#: The most drawings of a report, which is in memory as a whole.
_MOST_REPORTED = 100_000


def sample(
    *,
    output: OutputOptions,
    layout: Literal["grid", "files"] = option("grid", "One sheet, or a file each (name them by {index})."),
    n: int = option(
        16,
        "How many drawings; above a million only as ndjson, one file or stdout. Into an ndjson file they are "
        "written as they are drawn, and after a kill the same command goes on.",
        flags="-n",
        metavar="N",
        low=1,
        high=_MOST_STREAMED,
    ),
    first: int = option(0, "The index of the first drawing.", metavar="INDEX", low=0, high=LARGEST_NUMBER),
    z_temperature: float | None = option(
        None,
        "What the noise of a vae's prior is multiplied by, 0 to 10; 0 is the most typical.",
        metavar="TAU",
        usual="0.5 if the model has learnt a prior, else 1",
    ),
    classes: list[str] | None = option(
        None,
        "What to draw, for a model that knows several classes; several are drawn by turns.",
        flags="--class",
        metavar="NAME",
        completion="known_classes",
        usual="whatever the model likes",
    ),
    drawing: Annotated[Given, settings_of(DrawSettings)],
    sheet: SheetOptions,
    shard: ShardName = None,
    json: bool = option(False, "Say on stdout, as JSON, what was done: of 100,000 drawings at most."),
) -> None:
    """Draw from nothing."""
    from sketchkit.cli.outputs import Item, Page
    from sketchkit.cli.parts import PartsOutput, streamed
    from sketchkit.cli.runner import Run
    from sketchkit.cli.streaming import new_drawings

    run, each = Run.of(drawing, classes), layout == "files"
    if (folder := PartsOutput.of_drawings(output, shard, json=json)) is not None:
        folder.do(new_drawings(run, n, first, folder.kind, z_temperature))
        return
    page = Page.of(output, sheet, "{stem}-{index}" if each else "{stem}", each=each, json=json)
    streaming = streamed(page, run.stem)
    _check_count(n, streaming=streaming is not None, json=json)
    if streaming is not None and not json:
        page.plan(run.stem, 1)
        streaming.do(new_drawings(run, n, first, page.to.kind, z_temperature))
        return
    indices = range(first, first + n)
    on = page.plan(run.stem, n, _count_columns(n, len(run.wanted)), indices)
    sketches = _draw(run, indices, z_temperature)
    items = [
        Item.of(run.stem, index, sketch, f"{run.stem} {index}", run.facts(index))
        for index, sketch in zip(indices, sketches, strict=True)
    ]
    page.write(items, on, run.provenance)


def _draw(run: Run, indices: range, z_temperature: float | None) -> list[Sketch]:
    """The drawings of some indices."""
    from sketchkit.cli.runner import POINTS

    model = run.load(len(indices) * run.drafts * POINTS)
    from sketchkit.generate import sample as draw

    if model.conditional:
        from sketchkit.latent import resolve_z_temperature

        run.used["z_temperature"] = resolve_z_temperature(model, z_temperature)
    labels = [run.class_of(index) for index in indices]
    return run.draw(
        draw, model, len(indices), class_name=labels, first=indices.start, z_temperature=z_temperature
    )


def _check_count(n: int, *, streaming: bool, json: bool) -> None:
    """Refuse more drawings than memory holds."""
    if json and n > _MOST_REPORTED:
        raise UsageError(
            f"--json reports on {_MOST_REPORTED:,} drawings at most, not on {n:,}: leave it out", "--json"
        )
    if not streaming and n > MOST_DRAWINGS:
        raise UsageError(
            f"more than {MOST_DRAWINGS:,} drawings go into one ndjson file only, or to stdout as ndjson", "-n"
        )


def _count_columns(n: int, classes: int) -> int | None:
    """The columns of a sheet of n drawings: each of several classes has columns of its own."""
    if classes < 2:
        return None
    return min(n, classes * max(1, round(math.sqrt(n) / classes)))


app = standalone_app(sample, SamplerCommand, EXAMPLE)
