"""`sketchkit bench`: how fast this machine draws, and how near to the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sketchkit.cli.console import print_json, progress
from sketchkit.cli.groups import as_usage
from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.options import Device, EngineName, Listed
from sketchkit.settings import read_setting

if TYPE_CHECKING:
    from sketchkit.benchmark import Case, Measured

__all__ = ["EXAMPLE", "app", "bench"]

EXAMPLE = "sketchkit bench --batch 1,9,128 --precision float32,int8"

_HEAD = ("model", "batch", "precision", "engine", "points/s", "floor", "of it", "reads")


def bench(
    batch: Annotated[
        str, typer.Option("--batch", metavar="N,N...", help="How many drawings at once.")
    ] = "1,9,128,1024",
    precision: Annotated[
        str, typer.Option("--precision", metavar="NAME,NAME...", help="Of large products.")
    ] = "float32",
    model: Annotated[
        str, typer.Option("--model", metavar="NAME,NAME...", help="lstm-512, lstm-2048, hyper-2048.")
    ] = "lstm-512",
    runs: Annotated[
        int, typer.Option("--runs", metavar="N", min=1, max=1000, help="Of which the median is told.")
    ] = 5,
    engine: EngineName = None,
    device: Device = None,
    json: Listed = False,
) -> None:
    """Measure how fast this machine draws.

    The floor is what its matrix products alone would allow, taken in the same run; `reads` is what the
    reading of the weights alone would. Drawings have 64 points, models weights at random.
    """
    from sketchkit.benchmark import Case

    with as_usage():
        cases = [
            Case(m, b, p, read_setting("engine", engine, "auto"), read_setting("device", device, "auto"))
            for m in _words(model)
            for p in _words(precision)
            for b in _numbers(batch)
        ]
    found = _measured(cases, runs)
    if json:
        print_json([each.to_json() for each in found])
        return
    rows = [_HEAD, *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(word.rjust(width) for word, width in zip(row, widths, strict=True)))


def _measured(cases: list[Case], runs: int) -> list[Measured]:
    from sketchkit.benchmark import measure

    found = []
    with progress("Measuring") as report:
        for done, case in enumerate(cases):
            report(done, len(cases))
            found.append(measure(case, runs))
        report(len(cases), len(cases))
    return found


def _row(found: Measured) -> tuple[str, ...]:
    case = found.case
    rates = (found.points_per_second, found.products_per_second)
    return (
        case.model,
        str(case.batch),
        case.precision,
        case.engine,
        *(f"{rate:,.0f}" for rate in rates),
        f"{found.ratio:.2f}",
        f"{found.reads_per_second:,.0f}",
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in _words(text)]
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no list of whole numbers, such as 1,128", param_hint="--batch"
        ) from None


app = standalone_app(bench, Command, EXAMPLE)
