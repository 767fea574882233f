"""`sketchkit data critique`: of drawings those that a critic can name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from sketchkit.arguments import find_name
from sketchkit.cli.console import print_json, progress, say, tell_written
from sketchkit.cli.groups import refuse_fields
from sketchkit.cli.options import Force, Json, argument, option
from sketchkit.cli.outputs import check_paths

if TYPE_CHECKING:
    from sketchkit.critic import Critic
    from sketchkit.sketch import Sketch

__all__ = ["EXAMPLE", "critique"]

EXAMPLE = "sketchkit data critique cat.ndjson pig.ndjson --least 0.5 -o better.ndjson"
#: Drawings looked at together.
_AT_ONCE = 512


def critique(
    *,
    files: list[str] = argument("FILES", "Drawings that say what they show."),
    out: str = option(..., "The ndjson file to write.", flags="--out -o", metavar="FILE"),
    least: float = option(
        0.5, "The least chance that the critic gives a drawing's class.", metavar="P", low=0.0, high=1.0
    ),
    critic: str | None = option(None, "Another plain recogniser.", metavar="FILE", usual="sketchkit's own"),
    json: Json = False,
    force: Force = False,
) -> None:
    """Keep the drawings that look like what they are called.

    A network that names drawings gives each of its classes a chance. Drawings of other classes are kept, and
    counted.
    """
    refuse_fields(out, "--out")
    check_paths([out], force)
    from sketchkit.critic import load_critic
    from sketchkit.formats import write

    network = load_critic(critic)
    counts = {"drawings": 0, "kept": 0, "unknown": 0}

    def choose() -> Iterator[Sketch]:
        for several in _portions(files):
            for sketch, chance in zip(several, _chances(network, several), strict=True):
                keep = chance is None or chance >= least
                counts["drawings"] += 1
                counts["kept"] += keep
                counts["unknown"] += chance is None
                if keep:
                    yield sketch
            advance(counts["drawings"], 0)

    with progress("Looking at drawings") as advance:
        write(choose(), out, format="ndjson", overwrite=force)
    if json:
        print_json({"output": out, **counts, "least": least})
    else:
        unknown = f", {counts['unknown']:,} of them of classes that the critic does not know"
        kept = f"kept {counts['kept']:,} of {counts['drawings']:,} drawings"
        say(kept + (unknown if counts["unknown"] else ""))
        tell_written([out])


def _portions(files: list[str]) -> Iterator[list[Sketch]]:
    from sketchkit.formats import read_all

    drawings = (sketch for file in files for sketch in read_all(file))
    while several := list(islice(drawings, _AT_ONCE)):
        yield several


def _chances(critic: Critic, sketches: list[Sketch]) -> list[float | None]:
    """The chance of each drawing's own class; None of an unknown class."""
    names = [None if each.label is None else find_name(each.label, critic.classes) for each in sketches]
    pairs = zip(critic.chances(sketches), names, strict=True)
    return [None if name is None else float(row[critic.classes.index(name)]) for row, name in pairs]
