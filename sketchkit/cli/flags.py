"""Single options that several commands share, each declared once.

Defaults that depend on a user's settings are None where they are used, and are settled by
`sketchkit.cli.settings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from sketchkit.card import MAX_LENGTH
from sketchkit.cli.completions import (
    complete_known_classes,
    complete_models,
    complete_sampler_options,
    complete_samplers,
)
from sketchkit.counts import MAX_DRAWINGS

__all__ = [
    "DEFAULT_MODEL",
    "DEFAULT_VAE",
    "LARGEST_NUMBER",
    "LOW_TEMPERATURE",
    "MOST_DRAWINGS",
    "MOST_TRIES",
    "BatchSize",
    "Compile",
    "DataName",
    "Device",
    "EngineName",
    "Exact",
    "Force",
    "GuessedClass",
    "InputFormat",
    "Json",
    "KeepBackground",
    "LatentPath",
    "Listed",
    "LowTemperature",
    "MaxPoints",
    "ModelName",
    "PathName",
    "Precision",
    "Prepared",
    "RedirectHosts",
    "RenamedPath",
    "SamplerName",
    "SamplerOption",
    "Seed",
    "ShownClass",
    "SplitName",
    "Tries",
    "VaeName",
    "one_class",
]

#: The model of a user who names none; it comes with sketchkit.
DEFAULT_MODEL = "doodle"
#: The conditional VAE of a user who names none; it comes with sketchkit, too.
DEFAULT_VAE = "doodle-vae"
#: Of what leads between drawings: each differs from its neighbours by its latent vector alone.
LOW_TEMPERATURE = 0.1
#: The library's own limit for one call.
MOST_DRAWINGS = MAX_DRAWINGS
#: Drafts of each drawing.
MOST_TRIES = 4_096
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
        help="auto, cpu, cuda or gpu, mps...  [env: SKETCHKIT_DEVICE]",
        show_default="auto",
    ),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite files that exist.")]
RedirectHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--redirect-host",
        metavar="HOST",
        help="Another host that the server may send on to; may be repeated.",
        show_default="none",
    ),
]
SamplerName = Annotated[
    str | None,
    typer.Option(
        "--sampler",
        metavar="NAME",
        help="How the next point is chosen; see below.  [env: SKETCHKIT_SAMPLER]",
        autocompletion=complete_samplers,
        show_default="temperature",
    ),
]
SamplerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-O",
        metavar="NAME=VALUE",
        help="An option of the sampler; see below.",
        autocompletion=complete_sampler_options,
    ),
]
Tries = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=MOST_TRIES,
        help="Draw each so many times and show the one that looks best; 1 draws plainly.  "
        "[env: SKETCHKIT_TRIES]",
        show_default="6",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", "-s", metavar="N", min=0, max=LARGEST_NUMBER, help="The same seed draws the same."
    ),
]
MaxPoints = Annotated[
    int | None,
    typer.Option(
        "--max-points",
        metavar="N",
        min=1,
        max=MAX_LENGTH,
        help="Where a drawing is cut that does not end.",
        show_default="the model's own",
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        metavar="N",
        min=1,
        max=LARGEST_NUMBER,
        help="The most drawings at once.",
        show_default="suits the device",
    ),
]
InputFormat = Annotated[
    str | None,
    typer.Option(
        "--input-format",
        metavar="FORMAT",
        help="What the files hold: svg, ndjson, quickdraw-bin, npz...",
        show_default="by their suffix; on stdin svg",
    ),
]
KeepBackground = Annotated[
    bool,
    typer.Option("--keep-background", help="Make strokes of the paper that an SVG file draws, too."),
]
LowTemperature = Annotated[
    float | None,
    typer.Option(
        "--temperature",
        "-t",
        metavar="TAU",
        help="How daring: 1 is the model itself, less is tidier, 0 is greedy.",
        show_default=f"{LOW_TEMPERATURE}",
    ),
]
PathName = Literal["prior", "slerp", "lerp"]


def _path_option(*names: str) -> Any:
    return typer.Option(
        *names,
        help="Through the noise of the model's prior, along great circles, or straight.",
        show_default="prior if the model has learnt one, else slerp",
    )


LatentPath = Annotated[PathName | None, _path_option("--path")]
#: The same of the commands that had it by another name.
RenamedPath = Annotated[PathName | None, _path_option("--path", "--method")]
Exact = Annotated[
    bool,
    typer.Option("--exact", help="The same to the last bit at any number and batch size; slower."),
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="What computes: auto, torch, or a plugin's.  [env: SKETCHKIT_ENGINE]",
        show_default="auto",
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="NAME",
        help="Of large products: float32, tf32, bfloat16, int8.  [env: SKETCHKIT_PRECISION]",
        show_default="float32",
    ),
]
Compile = Annotated[
    bool, typer.Option("--compile", help="Compile torch's step first: some 20 s, worth it for thousands.")
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="A model, or a model's file.  [env: SKETCHKIT_MODEL]",
        autocompletion=complete_models,
        show_default=DEFAULT_MODEL,
    ),
]
VaeName = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="A conditional VAE, or its file.  [env: SKETCHKIT_VAE]",
        autocompletion=complete_models,
        show_default=DEFAULT_VAE,
    ),
]
ShownClass = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="NAME",
        help="What the drawings show, for a model that knows classes.",
        autocompletion=complete_known_classes,
        show_default="what the files say",
    ),
]
GuessedClass = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="NAME",
        help="What the drawings show, for a model that knows classes; auto guesses, any tells it nothing.",
        autocompletion=complete_known_classes,
        show_default="what the files say, else auto",
    ),
]
Prepared = Annotated[
    bool, typer.Option("--prepared", help="Read drawings as they stand: they are training data already.")
]
SplitName = Annotated[
    Literal["train", "valid", "test"], typer.Option("--split", help="Which drawings of that data set.")
]


def one_class(names: Sequence[str] | None, why: str = "all drawings show one thing") -> str | None:
    """The class that a user named, for a command that takes one: the last of several would surprise.

    Args:
        names: what followed each `--class`.
        why: there can be one alone.

    Raises:
        typer.BadParameter: there are several.
    """
    if len(names or []) > 1:
        raise typer.BadParameter(f"{why}: give one class", param_hint="--class")
    return names[0] if names else None
