"""`sketchkit models prior`: fit a prior to a conditional VAE."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sketchkit.cli.completions import complete_models
from sketchkit.cli.console import progress, tell_written
from sketchkit.cli.groups import name_file
from sketchkit.cli.options import DataName, Force, Seed

__all__ = ["EXAMPLE", "prior"]

EXAMPLE = "sketchkit models prior run/best.safetensors birds -o birds.safetensors"


def prior(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A stored vae, or a model's file.", autocompletion=complete_models
        ),
    ],
    data: DataName,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PATH", help="The .safetensors file to write.")
    ],
    steps: Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="Updates in all.")] = 5_000,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Fit a prior to a vae, so that sample, atlas and interpolate draw what people would draw.

    The flow learns which latent vectors the drawings of a data set have, class by class. It becomes a part of
    the model; encoder and decoder stay as they are.
    """
    from sketchkit.cli.outputs import check_paths, send

    if Path(output).suffix.lower() != ".safetensors":
        raise typer.BadParameter("the model is written as .safetensors", param_hint="--output")
    output = name_file(output, Path(model).name.split(".")[0])
    check_paths([output], force)
    from sketchkit.training.data import Dataset
    from sketchkit.training.data.manifest import find

    drawings = Dataset.open(find(data))
    from sketchkit.checkpoints.load import load_model
    from sketchkit.checkpoints.native import dump_native
    from sketchkit.training.prior import PriorRecipe, fit_prior

    loaded = load_model(model, device="cpu")
    with progress("Fitting the prior") as report:
        fitted = fit_prior(loaded, drawings, PriorRecipe(steps=steps, seed=seed), report)
    send(dump_native(fitted), output, force)
    tell_written([output])
