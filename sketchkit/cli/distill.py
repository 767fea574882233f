"""`sketchkit data distill` and `data critique`: drawings by models, and drawings that a critic can name."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from sketchkit._version import __version__
from sketchkit.arguments import find_name
from sketchkit.cli.console import print_json, progress, say, tell_written
from sketchkit.cli.groups import parse_temperatures, refuse_fields
from sketchkit.cli.options import Device, Force, Json, Seed, argument, option
from sketchkit.cli.outputs import check_paths
from sketchkit.cli.resumable import checksum_of_json, write_blocks
from sketchkit.settings import read_setting

if TYPE_CHECKING:
    from sketchkit.critic import Critic
    from sketchkit.models import SketchModel
    from sketchkit.sketch import Sketch

__all__ = ["CRITIQUE_EXAMPLE", "DISTILL_EXAMPLE", "critique", "distill"]

DISTILL_EXAMPLE = "sketchkit data distill bird.gen.json cat.gen.json -n 800 -o taught.ndjson"
CRITIQUE_EXAMPLE = "sketchkit data critique cat.ndjson pig.ndjson --least 0.5 -o better.ndjson"
#: Drawings looked at together.
_AT_ONCE = 512


def distill(
    *,
    models: list[str] = argument("MODELS", "The teachers: stored models or files.", completion="models"),
    out: str = option(..., "The ndjson file to write.", flags="--out -o", metavar="FILE"),
    n: int = option(
        800, "Drawings of each class at each temperature.", flags="-n", metavar="N", low=1, high=1_000_000
    ),
    temperature: str = option(
        "0.25,0.4,0.6", "The temperatures.", flags="--temperature -t", metavar="T[,T...]"
    ),
    max_points: int = option(125, "Leave out drawings of more points.", metavar="N", low=2, high=100_000),
    seed: Seed = 0,
    device: Device = None,
    json: Json = False,
    force: Force = False,
) -> None:
    """Draw what another model is to learn from.

    Drawings that the teacher ends are kept, simplified as Quick, Draw!'s are. `data prepare` takes the file
    beside drawings by people. After a kill the same command goes on.
    """
    temperatures = parse_temperatures([temperature])
    refuse_fields(out, "--out")
    check_paths([out], force)
    from sketchkit.checkpoints.load import load_model

    with progress("Loading the models"):
        teachers = [load_model(name, device=read_setting("device", device, "auto")) for name in models]
    total = n * len(temperatures) * sum(len(_classes(teacher)) for teacher in teachers)
    settings: dict[str, Any] = {"n": n, "temperatures": temperatures, "max_points": max_points, "seed": seed}
    with progress("Drawing") as advance:

        def make_blocks(done: int) -> Iterator[tuple[bytes, int]]:
            for number, lines in enumerate(_make_lines(teachers, settings, done // n), 1):
                yield lines, n
                advance(done + number * n, total)

        write_blocks(out, _identity(teachers, settings), total, n, make_blocks, overwrite=force)
    if json:
        print_json({"output": out, "drawings": total, "models": models, **settings})
    else:
        tell_written([out])


def _make_lines(teachers: list[SketchModel], settings: dict[str, Any], done: int) -> Iterator[bytes]:
    """The lines of one class of one teacher at one temperature after the other, the first `done` left out."""
    from sketchkit.formats import write
    from sketchkit.training.distillation import distill as draw

    wanted = (
        (teacher, name, temperature)
        for teacher in teachers
        for name in _classes(teacher)
        for temperature in settings["temperatures"]
    )
    for teacher, name, temperature in islice(wanted, done, None):
        drawn: Iterator[Sketch] = draw(
            teacher,
            settings["n"],
            temperature,
            class_name=name,
            seed=settings["seed"],
            max_points=settings["max_points"],
        )
        lines = io.BytesIO()
        write(drawn, lines, format="ndjson")
        yield lines.getvalue()


def _classes(teacher: SketchModel) -> tuple[str | None, ...]:
    return teacher.card.classes if teacher.labelled else (None,)


def _identity(teachers: list[SketchModel], settings: dict[str, Any]) -> str:
    """A checksum of all that decides the lines."""
    values = [__version__, [teacher.weights_checksum() for teacher in teachers], settings]
    return checksum_of_json(values)


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
