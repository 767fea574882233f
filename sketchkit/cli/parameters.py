"""Options that several commands share, in groups, and what they settle.

Defaults that depend on a user's settings are None here and are settled by `sketchkit.cli.settings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from sketchkit.card import MAX_LENGTH
from sketchkit.cli.completions import complete_known_classes, complete_models, complete_samplers
from sketchkit.errors import InputError

if TYPE_CHECKING:
    from sketchkit.rendering import Layout

__all__ = [
    "DEFAULT_MODEL",
    "LARGEST_NUMBER",
    "DataName",
    "Device",
    "DrawingOptions",
    "Force",
    "InputOptions",
    "Json",
    "Listed",
    "OutputOptions",
    "SheetOptions",
    "as_usage",
    "parse_tile",
]

#: The model of a user who names none; it comes with sketchkit.
DEFAULT_MODEL = "doodle"
_DEFAULT_STROKE = 2.0
#: Of seeds and indices: what 64 bits hold.
LARGEST_NUMBER = 2**63 - 1

Json = Annotated[bool, typer.Option("--json", help="Say on stdout, as JSON, what was done.")]
Listed = Annotated[bool, typer.Option("--json", help="Say it on stdout as JSON.")]
DataName = Annotated[
    str, typer.Argument(metavar="DATA", help="A data set's folder, or the name of a stored one.")
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME",
        help="auto, cpu, cuda, mps...  [env: SKETCHKIT_DEVICE]",
        show_default="auto",
    ),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite files that exist.")]


@contextmanager
def as_usage() -> Iterator[None]:
    """What the library says of a value that the command line gave it is an error of usage."""
    try:
        yield
    except InputError as error:
        raise typer.BadParameter(str(error)) from error


@dataclass(frozen=True)
class InputOptions:
    """Which drawings."""

    files: Annotated[
        list[str],
        typer.Argument(metavar="FILES", help="Drawings: SVG, ndjson, bin, npz; - reads stdin."),
    ]
    input_format: Annotated[
        str, typer.Option("--input-format", metavar="FORMAT", help="What comes on stdin.")
    ] = "svg"
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=1,
            help="Only the first so many drawings of a file.",
            show_default="all",
        ),
    ] = None


@dataclass(frozen=True)
class OutputOptions:
    """Where to, and what."""

    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The file to write, or - for stdout; {stem} stands for a drawing's file, {index} for the "
            "number of what is drawn.",
            show_default="by the input and the layout",
        ),
    ] = None
    format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help="svg, png, pdf, ndjson...", show_default="the suffix of PATH"
        ),
    ] = None
    force: Force = False


@dataclass(frozen=True)
class SheetOptions:
    """What a sheet looks like."""

    tile: Annotated[
        str | None,
        typer.Option(
            "--tile", metavar="COLSxROWS", help="The cells of the sheet.", show_default="nearly a square"
        ),
    ] = None
    cell: Annotated[float, typer.Option("--cell", metavar="PX", help="The side of a cell.")] = 160
    gap: Annotated[float, typer.Option("--gap", metavar="PX", help="Between two cells, and around.")] = 8
    label: Annotated[bool, typer.Option("--label", help="Write a caption under each drawing.")] = False
    stroke: Annotated[
        float | None,
        typer.Option(
            "--stroke",
            metavar="WIDTH",
            help="Of lines, in pixels; in a drawing's own units where it stays in place.",
            show_default="2, or as the drawing's",
        ),
    ] = None
    background: Annotated[
        str | None,
        typer.Option(
            "--background",
            metavar="COLOR",
            help="Of the paper: a name, #rrggbb, or none.",
            show_default="suits the file",
        ),
    ] = None

    def layout(self, count: int, columns: int | None = None) -> Layout:
        """How so many pictures are set out.

        Args:
            count: of pictures; they must fit.
            columns: of a sheet whose `--tile` nobody chose.

        Raises:
            typer.BadParameter: lengths or a tile that make no sheet, or too small a one.
        """
        from sketchkit.rendering import Layout, Picture

        tile = parse_tile(self.tile) or (None if columns is None else (columns, None))
        stroke = _DEFAULT_STROKE if self.stroke is None else self.stroke
        with as_usage():
            layout = Layout(tile, self.cell, self.gap, self.label, stroke, self.gap, self.background)
            layout.arrange([Picture(())] * count)
        return layout


@dataclass(frozen=True)
class DrawingOptions:
    """Which model draws, and how."""

    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="A model, or a model's file.  [env: SKETCHKIT_MODEL]",
            autocompletion=complete_models,
            show_default=DEFAULT_MODEL,
        ),
    ] = None
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="What to draw, for a model that knows several classes; sample draws several by turns.",
            autocompletion=complete_known_classes,
            show_default="whatever it likes",
        ),
    ] = None
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature",
            "-t",
            metavar="TAU",
            help="How daring: 1 is the model itself, less is tidier.  [env: SKETCHKIT_TEMPERATURE]",
            show_default="0.4",
        ),
    ] = None
    sampler: Annotated[
        str | None,
        typer.Option(
            "--sampler",
            metavar="NAME",
            help="How the next point is chosen; see below.  [env: SKETCHKIT_SAMPLER]",
            autocompletion=complete_samplers,
            show_default="temperature",
        ),
    ] = None
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-O", metavar="NAME=VALUE", help="An option of the sampler; see below."),
    ] = None
    seed: Annotated[
        int,
        typer.Option(
            "--seed", "-s", metavar="N", min=0, max=LARGEST_NUMBER, help="The same seed draws the same."
        ),
    ] = 0
    max_points: Annotated[
        int | None,
        typer.Option(
            "--max-points",
            metavar="N",
            min=1,
            max=MAX_LENGTH,
            help="Where a drawing is cut that does not end.",
            show_default="the model's own",
        ),
    ] = None
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            metavar="N",
            min=1,
            max=LARGEST_NUMBER,
            help="The most drawings at once.",
            show_default="suits the device",
        ),
    ] = None
    exact: Annotated[
        bool,
        typer.Option("--exact", help="The same to the last bit at any number and batch size; slower."),
    ] = False
    device: Device = None


def parse_tile(text: str | None) -> tuple[int, int | None] | None:
    """`4x3`, or `4` for as many rows as it takes.

    Raises:
        typer.BadParameter: anything else.
    """
    if text is None:
        return None
    columns, cross, rows = text.lower().partition("x")
    if not all(part.isascii() and part.isdigit() for part in ((columns, rows) if cross else (columns,))):
        raise typer.BadParameter(f"{text!r} is not COLUMNSxROWS, such as 4x3", param_hint="--tile")
    if len(columns) > 9 or len(rows) > 9:
        raise typer.BadParameter("so many cells fit on no sheet", param_hint="--tile")
    return int(columns), int(rows) if cross else None
