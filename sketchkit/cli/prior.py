"""`sketchkit models prior`: fit a prior to a conditional VAE."""

from __future__ import annotations

from pathlib import Path

from sketchkit.cli.console import progress, tell_written
from sketchkit.cli.groups import name_file
from sketchkit.cli.options import DataName, Force, Seed, UsageError, argument, option

__all__ = ["EXAMPLE", "prior"]

EXAMPLE = "sketchkit models prior run/best.safetensors birds -o birds.safetensors"


def prior(
    *,
    model: str = argument("NAME", "A stored vae, or a model's file.", completion="models"),
    data: DataName,
    output: str = option(..., "The .safetensors file to write.", flags="--output -o", metavar="PATH"),
    steps: int = option(5_000, "Updates in all.", metavar="N", low=1, high=1_000_000),
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Fit a prior to a vae, so that sample, atlas and interpolate draw what people would draw.

    The flow learns which latent vectors the drawings of a data set have, class by class. It becomes a part of
    the model; encoder and decoder stay as they are.
    """
    from sketchkit.cli.outputs import check_paths, send

    if Path(output).suffix.lower() != ".safetensors":
        raise UsageError("the model is written as .safetensors", "--output")
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
