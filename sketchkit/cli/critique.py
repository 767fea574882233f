"""`sketchkit data critique`: of drawings those that a critic can name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from sketchkit.cli.console import print_json, progress, say, tell_written
from sketchkit.cli.fields import no_fields
from sketchkit.cli.flags import Force, Json
from sketchkit.cli.outputs import check_paths

if TYPE_CHECKING:
    from sketchkit.evaluate.recogniser import Recogniser
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "critique"]

EXAMPLE = "sketchkit data critique cat.ndjson pig.ndjson --least 0.5 -o better.ndjson"
#: Drawings looked at together.
_AT_ONCE = 512


def critique(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Drawings that say what they show.")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The ndjson file to write.")],
    least: Annotated[
        float,
        typer.Option(
            metavar="P", min=0.0, max=1.0, help="The least chance that the critic gives a drawing's class."
        ),
    ] = 0.5,
    critic: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Another recogniser.", show_default="sketchkit's own"),
    ] = None,
    json: Json = False,
    force: Force = False,
) -> None:
    """Keep the drawings that look like what they are called.

    A network that names drawings gives each of its classes a chance. Drawings of other classes are kept.
    """
    no_fields(out, "--out")
    check_paths([out], force)
    from sketchkit.evaluate.recogniser import load_critic, load_recogniser
    from sketchkit.formats import write

    judge = load_critic() if critic is None else load_recogniser(critic)
    seen, kept = 0, 0

    def chosen() -> Iterator[Sketch]:
        nonlocal seen, kept
        for several in _portions(files):
            for sketch, chance in zip(several, _chances(judge, several), strict=True):
                seen, kept = seen + 1, kept + (chance >= least)
                if chance >= least:
                    yield sketch
            advance(seen, 0)

    with progress("Looking at drawings") as advance:
        write(chosen(), out, format="ndjson", overwrite=force)
    if json:
        print_json({"output": out, "drawings": seen, "kept": kept, "least": least})
    else:
        say(f"kept {kept:,} of {seen:,} drawings")
        tell_written([out])


def _portions(files: list[str]) -> Iterator[list[Sketch]]:
    from sketchkit.formats import read_all

    drawings = (sketch for file in files for sketch in read_all(file))
    while several := list(islice(drawings, _AT_ONCE)):
        yield several


def _chances(judge: Recogniser, sketches: list[Sketch]) -> list[float]:
    """The chance of each drawing's own class; 1 of a class that the recogniser does not know."""
    _, chances = judge.chances(sketches)
    classes = [judge.index(sketch.label) for sketch in sketches]
    return [float(row[c]) if c >= 0 else 1.0 for row, c in zip(chances, classes, strict=True)]
