"""`sketchkit bench`: how fast this machine draws, and how near to the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sketchkit.cli.console import print_json, progress
from sketchkit.cli.groups import as_usage
from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.options import Device, EngineName, Listed, UsageError, option
from sketchkit.settings import read_setting

if TYPE_CHECKING:
    from sketchkit.benchmark import Case, Measured

__all__ = ["EXAMPLE", "app", "bench"]

EXAMPLE = "sketchkit bench --batch 1,9,128 --precision float32,int8"

_HEAD = ("model", "batch", "precision", "engine", "points/s", "floor", "of it", "reads")


def bench(
    *,
    batch: str = option("1,9,128,1024", "How many drawings at once.", metavar="N,N..."),
    precision: str = option("float32", "Of large products.", metavar="NAME,NAME..."),
    model: str = option("lstm-512", "lstm-512, lstm-2048, hyper-2048.", metavar="NAME,NAME..."),
    runs: int = option(5, "Of which the median is told.", metavar="N", low=1, high=1000),
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
        raise UsageError(f"{text!r} is no list of whole numbers, such as 1,128", "--batch") from None


app = standalone_app(bench, Command, EXAMPLE)
