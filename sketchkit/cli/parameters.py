"""Options that several commands share, and what the shell completes them with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from sketchkit.errors import SketchkitError

__all__ = [
    "Background",
    "BatchSize",
    "Cell",
    "Device",
    "Exact",
    "Force",
    "Gap",
    "Json",
    "Label",
    "Limit",
    "MaxPoints",
    "Model",
    "Sampler",
    "SamplerCommand",
    "SamplerOptions",
    "Seed",
    "Stroke",
    "Temperature",
    "Tile",
    "complete_classes",
    "complete_models",
    "parse_tile",
]


def _names(source: Callable[[], list[str]]) -> Callable[[str], list[str]]:
    """What completes a word from a list of names; a broken installation completes nothing."""

    def complete(incomplete: str) -> list[str]:
        try:
            return [name for name in source() if name.startswith(incomplete)]
        except SketchkitError:
            return []

    return complete


def _model_names() -> list[str]:
    from sketchkit.checkpoints.store import names

    return names()


def _sampler_names() -> list[str]:
    from sketchkit.registry import names

    return names("sampler")


def _class_names() -> list[str]:
    from sketchkit.checkpoints.published import CLASSES

    return list(CLASSES)


complete_models = _names(_model_names)
complete_classes = _names(_class_names)
complete_samplers = _names(_sampler_names)


class SamplerCommand(TyperCommand):
    """A command whose help ends with the options of every installed sampler."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; the samplers are only looked up when somebody asks for it."""
        self.epilog = _sampler_help()
        super().format_help(ctx, formatter)


def _sampler_help() -> str:
    from sketchkit import options, registry
    from sketchkit.cli.console import plain

    lines = []
    for name in registry.names("sampler"):
        try:
            described = options.describe(registry.load("sampler", name))
        except SketchkitError as error:
            lines.append(f"  {plain(name)}: {plain(error)}")
            continue
        lines.append(f"  {plain(name)}" + ("" if described else ": no options"))
        for o in described:
            allowed = f" ({o.range})" if o.range else ""
            lines.append(f"    -O {plain(o.name)}={plain(o.default)}{allowed}: {plain(o.help)}")
    return "Samplers and their options:\n" + "\n".join(lines)


def parse_tile(text: str | None) -> tuple[int, int | None] | None:
    """`4x3`, or `4` for as many rows as it takes."""
    if text is None:
        return None
    columns, cross, rows = text.lower().partition("x")
    try:
        return int(columns), int(rows) if cross and rows else None
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not COLUMNSxROWS, such as 4x3", param_hint="--tile") from None


Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="A stored model or a file. [env: SKETCHKIT_MODEL]",
        autocompletion=complete_models,
        show_default="the only one stored",
    ),
]
Sampler = Annotated[
    str | None,
    typer.Option(
        "--sampler",
        help="How the next point is chosen. [env: SKETCHKIT_SAMPLER]",
        autocompletion=complete_samplers,
        show_default="temperature",
    ),
]
SamplerOptions = Annotated[
    list[str] | None,
    typer.Option("--option", "-O", metavar="NAME=VALUE", help="An option of the sampler; see below."),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature",
        "-t",
        help="How daring: towards 0 the likeliest, 1 the model itself. [env: SKETCHKIT_TEMPERATURE]",
        show_default="0.4",
    ),
]
Seed = Annotated[int, typer.Option("--seed", "-s", min=0, help="The same seed draws the same.")]
Device = Annotated[
    str | None,
    typer.Option("--device", help="auto, cpu, cuda, mps... [env: SKETCHKIT_DEVICE]", show_default="auto"),
]
BatchSize = Annotated[
    int | None,
    typer.Option("--batch-size", min=1, help="The most drawings at once.", show_default="suits the device"),
]
MaxPoints = Annotated[
    int | None,
    typer.Option(
        "--max-points", min=1, help="Where a drawing is cut that does not end.", show_default="the model's"
    ),
]
Exact = Annotated[
    bool,
    typer.Option("--exact", help="The same to the last bit at any number and batch size; slower."),
]
Json = Annotated[bool, typer.Option("--json", help="Print what was drawn as JSON on stdout.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite files that exist.")]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="Only the first so many drawings of each file.", show_default="all"),
]
Tile = Annotated[
    str | None,
    typer.Option("--tile", metavar="COLSxROWS", help="Cells of the sheet.", show_default="nearly a square"),
]
Cell = Annotated[float, typer.Option("--cell", help="The side of a cell, in pixels.")]
Gap = Annotated[float, typer.Option("--gap", help="Between two cells, in pixels.")]
Label = Annotated[bool, typer.Option("--label", help="Write a caption under each drawing.")]
Stroke = Annotated[float, typer.Option("--stroke", help="The width of lines, in pixels.")]
Background = Annotated[
    str | None,
    typer.Option("--background", help="Colour of the paper, or none.", show_default="suits the file"),
]
