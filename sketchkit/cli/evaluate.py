"""`sketchkit evaluate`: hold a model against drawings that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sketchkit.cli.completions import complete_models, complete_samplers
from sketchkit.cli.console import print_json, progress, tell_written, write_stdout
from sketchkit.cli.groups import as_usage, name_file, parse_temperatures
from sketchkit.cli.help import SamplerCommand, standalone_app
from sketchkit.cli.options import LARGEST_NUMBER, DataName, Device, Force, require_one_class
from sketchkit.errors import InputError
from sketchkit.settings import read_setting

if TYPE_CHECKING:
    from sketchkit.evaluate import Report

__all__ = ["EXAMPLE", "app", "evaluate"]

EXAMPLE = "sketchkit evaluate bird birds --temperature 0.25,0.5 -o report.md"
#: What a report can be written as.
_SUFFIXES = (".md", ".json")
_SEVERAL = "0.25"


def evaluate(
    *,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A stored model, or a model's file.", autocompletion=complete_models
        ),
    ],
    data: DataName,
    split: Annotated[Literal["train", "valid", "test"], typer.Option(help="Which drawings of it.")] = "test",
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class", metavar="NAME", help="Only this class, and samples of it.", show_default="all"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help="The most drawings, chosen by chance.", show_default="all"
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            "--samples", metavar="N", min=0, help="How many to draw; 0 measures the likelihood alone."
        ),
    ] = 1000,
    temperature: Annotated[
        list[str] | None,
        typer.Option(
            "--temperature",
            "-t",
            metavar="TAU",
            help="How daring; several, with commas or again.",
            show_default=_SEVERAL,
        ),
    ] = None,
    sampler: Annotated[
        str,
        typer.Option(
            "--sampler",
            metavar="NAME",
            help="How the next point is chosen; see below.",
            autocompletion=complete_samplers,
        ),
    ] = "temperature",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-O", metavar="NAME=VALUE", help="An option of the sampler; see below."),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", "-s", metavar="N", min=0, max=LARGEST_NUMBER, help="The same seed finds the same."
        ),
    ] = 0,
    bootstrap: Annotated[
        int,
        typer.Option("--bootstrap", metavar="N", min=0, help="Resamples for the intervals; 0 for none."),
    ] = 1000,
    nmax: Annotated[
        int | None,
        typer.Option(
            "--nmax",
            metavar="N",
            min=1,
            help="What L_R is divided by.",
            show_default="the longest drawing of DATA, without its end",
        ),
    ] = None,
    recogniser: Annotated[
        Path | None,
        typer.Option(
            "--recogniser", metavar="FILE", help="That judges looks.", show_default="sketchkit's own"
        ),
    ] = None,
    device: Device = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="A .md or .json to write.", show_default="stdout"
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Say it on stdout as JSON.")] = False,
    force: Force = False,
) -> None:
    """Measure how good a model is, on drawings it has not seen.

    What they cost it (NLL, L_R, L_KL), and how its samples compare with them: length, look, recognition. In
    brackets stand 95 % intervals.
    """
    from sketchkit import options as plugins
    from sketchkit.cli.outputs import check_paths
    from sketchkit.sampling import make_sampler
    from sketchkit.training.data import Dataset
    from sketchkit.training.data.folders import find

    temperatures = parse_temperatures(temperature or [_SEVERAL])
    label = require_one_class(classes, "a report is of one class, or of all")
    with as_usage():
        values = plugins.parse_pairs(option or [])
        if "temperature" in values:
            raise InputError("--temperature says how daring, not -O temperature")
        for each in temperatures:
            make_sampler(sampler, each, values)
    suffix = _suffix(output)
    if output is not None:
        output = name_file(output, Path(data).stem)
        check_paths([output], force)
    place = read_setting("device", device, "auto")
    held_out = Dataset.open(find(data), verify=False)

    # The first import of torch: nothing that a user can get wrong should have to wait for it.
    from sketchkit.checkpoints.load import load_model
    from sketchkit.evaluate import Choices, load_recogniser
    from sketchkit.evaluate import evaluate as measure

    choices = Choices(
        split=split,
        class_name=label,
        limit=limit,
        samples=samples,
        temperatures=temperatures,
        sampler=sampler,
        options=values,
        seed=seed,
        resamples=bootstrap,
        nmax=nmax,
    )
    judge = None if recogniser is None else load_recogniser(recogniser)
    report = measure(load_model(model, device=place), held_out, choices, recogniser=judge, stage=progress)
    if output is not None:
        _write(report, output, suffix, force)
    if json:
        print_json(report.to_json())
    elif output is not None:
        tell_written([output])
    else:
        write_stdout(report.to_markdown().encode())


def _suffix(output: str | None) -> str:
    """What a report is written as.

    Raises:
        typer.BadParameter: a name that does not say so.
    """
    suffix = "" if output is None else Path(output).suffix.lower()
    if output is not None and suffix not in _SUFFIXES:
        raise typer.BadParameter(f"a report is one of {', '.join(_SUFFIXES)}", param_hint="--output")
    return suffix


def _write(report: Report, output: str, suffix: str, force: bool) -> None:
    from sketchkit.cli.console import json_bytes
    from sketchkit.cli.outputs import send

    content = report.to_markdown().encode() if suffix == ".md" else json_bytes(report.to_json())
    send(content, output, force)


app = standalone_app(evaluate, SamplerCommand, EXAMPLE)
