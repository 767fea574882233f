"""Options that several commands share, in groups, and what they settle.

Defaults that depend on a user's settings are None here and are settled by `sketchkit.cli.settings`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sketchkit.cli.completions import complete_known_classes
from sketchkit.cli.flags import (
    BatchSize,
    Compile,
    Device,
    EngineName,
    Exact,
    Force,
    InputFormat,
    KeepBackground,
    MaxPoints,
    ModelName,
    Precision,
    SamplerName,
    SamplerOption,
    Seed,
    ShownClass,
    VaeName,
    one_class,
)
from sketchkit.errors import InputError

if TYPE_CHECKING:
    from sketchkit.rendering import Layout

__all__ = [
    "DrawingOptions",
    "InkOptions",
    "InputOptions",
    "LatentOptions",
    "OutputOptions",
    "SheetOptions",
    "as_usage",
    "parse_steps",
    "parse_temperatures",
    "parse_tile",
]

_DEFAULT_CELL, _DEFAULT_GAP = 160.0, 8.0


@contextmanager
def as_usage(option: str | None = None) -> Iterator[None]:
    """What the library says of a value that the command line gave it is an error of usage, of an option's."""
    try:
        yield
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


@dataclass(frozen=True)
class InputOptions:
    """Which drawings."""

    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES", help="Drawings: SVG, ndjson, bin, npz; FILE#K is one of many; - reads stdin."
        ),
    ]
    input_format: InputFormat = None
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=1,
            help="Only the first so many drawings of each file.",
            show_default="all",
        ),
    ] = None
    keep_background: KeepBackground = False


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
            "--format",
            metavar="FORMAT",
            help="svg, animated-svg, png, pdf, gif, ndjson...; with options, such as gif:seconds=0.5.",
            show_default="the suffix of PATH",
        ),
    ] = None
    force: Force = False


@dataclass(frozen=True)
class InkOptions:
    """What is added, beside what the user drew."""

    ink: Annotated[
        str,
        typer.Option(
            "--ink",
            metavar="COLOR",
            help="Of what is added: same as the drawing's own, contrast, or a colour: a name that SVG knows, "
            "#rgb or #rrggbb.",
        ),
    ] = "contrast"
    only_added: Annotated[
        bool, typer.Option("--only-added", help="Write what is added alone, where it stands.")
    ] = False


@dataclass(frozen=True)
class SheetOptions:
    """What a sheet looks like."""

    tile: Annotated[
        str | None,
        typer.Option(
            "--tile",
            metavar="COLSxROWS",
            help="The cells of the sheet.",
            show_default="by what is drawn, or nearly a square",
        ),
    ] = None
    cell: Annotated[
        float | None,
        typer.Option(
            "--cell", metavar="PX", help="The side of a cell.", show_default="160, or what fills the page"
        ),
    ] = None
    gap: Annotated[
        float | None,
        typer.Option(
            "--gap",
            metavar="WIDTH",
            help="Between two cells, in pixels; in millimetres on a page.",
            show_default="8, or 3 on a page",
        ),
    ] = None
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin",
            metavar="WIDTH",
            help="Around everything, in pixels; in millimetres on a page.",
            show_default="the gap, or 10 on a page",
        ),
    ] = None
    page: Annotated[
        str | None,
        typer.Option(
            "--page",
            metavar="PAGE",
            help="The paper that the sheet fills: A3, A4, A5, Letter, Legal, each also with -landscape, or "
            "measures such as 210x297mm.",
            show_default="as large as its cells",
        ),
    ] = None
    title: Annotated[str | None, typer.Option("--title", metavar="WORDS", help="A line above the sheet.")] = (
        None
    )
    sizes: Annotated[
        Literal["fit", "common"],
        typer.Option("--sizes", help="Each drawing fills its cell, or all have one scale."),
    ] = "fit"
    label: Annotated[bool, typer.Option("--label", help="Write a caption under each drawing.")] = False
    stroke: Annotated[
        float | None,
        typer.Option(
            "--stroke",
            metavar="WIDTH",
            help="Of lines, in pixels; in millimetres on a page, in a drawing's own units where it stays in "
            "place.",
            show_default="2, or 0.4 on a page, or as the drawing's",
        ),
    ] = None
    curves: Annotated[
        Literal["auto", "on", "off"],
        typer.Option("--curves", help="Smooth curves: auto where a model drew, on everywhere, off nowhere."),
    ] = "auto"
    background: Annotated[
        str | None,
        typer.Option(
            "--background",
            metavar="COLOR",
            help="Of the paper: a name that SVG knows, such as ivory, #rgb, #rrggbb, or none.",
            show_default="suits the file",
        ),
    ] = None

    @property
    def is_open(self) -> bool:
        """Whether the user says nothing of how drawings are set out, so that one may keep its own page."""
        said = (self.tile, self.cell, self.gap, self.margin, self.page, self.title)
        return self.sizes == "fit" and not self.label and not any(each is not None for each in said)

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
        with as_usage():
            layout = Layout.on_page(
                self.page,
                **self._lengths(),
                stroke=self.stroke,
                tile=tile,
                label=self.label,
                background=self.background,
                scale=self.sizes,
                title=self.title,
                curves=self.curves,
            )
            layout.arrange([Picture(())] * count)
        return layout

    def _lengths(self) -> dict[str, float | None]:
        """The lengths of the grid; what a page makes of those that are left open, it knows itself."""
        if self.page is not None:
            return {"cell": self.cell, "gap": self.gap, "margin": self.margin}
        gap = _DEFAULT_GAP if self.gap is None else self.gap
        cell = _DEFAULT_CELL if self.cell is None else self.cell
        return {"cell": cell, "gap": gap, "margin": gap if self.margin is None else self.margin}


@dataclass(frozen=True)
class DrawingOptions:
    """Which model draws, and how."""

    model: ModelName = None
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="What to draw, for a model that knows several classes; sample draws several by turns; "
            "complete takes auto, a guess, and any, what the model likes.",
            autocompletion=complete_known_classes,
            show_default="auto in complete, else whatever the model likes",
        ),
    ] = None
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature",
            "-t",
            metavar="TAU",
            help="How daring: 1 is the model itself, less is tidier, 0 is greedy.  "
            "[env: SKETCHKIT_TEMPERATURE]",
            show_default="0.4",
        ),
    ] = None
    sampler: SamplerName = None
    option: SamplerOption = None
    seed: Seed = 0
    max_points: MaxPoints = None
    batch_size: BatchSize = None
    exact: Exact = False
    device: Device = None
    engine: EngineName = None
    precision: Precision = None
    compile: Compile = False


@dataclass(frozen=True)
class LatentOptions:
    """Which model encodes drawings and draws them again, and how; the temperature is the command's own."""

    vae: VaeName = None
    classes: ShownClass = None
    sampler: SamplerName = None
    option: SamplerOption = None
    seed: Seed = 0
    max_points: MaxPoints = None
    batch_size: BatchSize = None
    exact: Exact = False
    device: Device = None
    engine: EngineName = None
    precision: Precision = None
    compile: Compile = False

    def drawing(self, temperature: float | None) -> DrawingOptions:
        """The same as options of a drawing command.

        Raises:
            typer.BadParameter: several classes.
        """
        one_class(self.classes)
        return DrawingOptions(
            self.vae,
            self.classes,
            temperature,
            self.sampler,
            self.option,
            self.seed,
            self.max_points,
            self.batch_size,
            self.exact,
            self.device,
            self.engine,
            self.precision,
            self.compile,
        )


def parse_temperatures(texts: list[str]) -> tuple[float, ...]:
    """`["0.25,0.5", "1"]` as numbers, each once.

    Raises:
        typer.BadParameter: something that is no number.
    """
    words = [word.strip() for text in texts for word in text.split(",")]
    try:
        return tuple(dict.fromkeys(map(float, words)))
    except ValueError:
        bad = ",".join(texts)
        raise typer.BadParameter(
            f"{bad!r} is no list of numbers, such as 0.25,0.5", param_hint="-t"
        ) from None


def parse_steps(text: str, example: str, most: int = 999) -> tuple[int, int]:
    """`7x5`: seven columns and five rows.

    Raises:
        typer.BadParameter: anything else, or not from 2 to `most` of either.
    """
    found = re.fullmatch(r"([0-9]{1,9})x([0-9]{1,9})", text.lower())
    if not found or not all(2 <= int(n) <= most for n in found.groups()):
        raise typer.BadParameter(
            f"{text!r} is not COLUMNSxROWS of 2 to {most} each, such as {example}", param_hint="--steps"
        )
    return int(found[1]), int(found[2])


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
