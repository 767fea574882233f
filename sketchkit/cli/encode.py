"""`sketchkit encode` and `sketchkit decode`: drawings to latent vectors in a file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit.cli.encoding import EncodeOptions, Given
from sketchkit.cli.groups import OutputOptions, SheetOptions, name_file
from sketchkit.cli.help import Command, SamplerCommand, standalone_app
from sketchkit.cli.options import (
    LARGEST_NUMBER,
    Device,
    Force,
    Json,
    LatentDrawing,
    Prepared,
    ShownClass,
    UsageError,
    argument,
    option,
    setting_option,
)
from sketchkit.errors import InputError
from sketchkit.files import shown
from sketchkit.settings import DrawSettings, LatentSettings

if TYPE_CHECKING:
    from sketchkit.latent import Latents
    from sketchkit.models import DrawingModel

__all__ = ["DECODE_EXAMPLE", "ENCODE_EXAMPLE", "decode", "decode_app", "encode", "encode_app"]

ENCODE_EXAMPLE = "sketchkit encode cats.ndjson --limit 100 -o cats.npz"
DECODE_EXAMPLE = "sketchkit decode cats.npz -o cats.svg"


def encode(
    *,
    output: str = option(..., "The .npz file to write.", flags="--output -o", metavar="PATH"),
    model: Annotated[str | None, setting_option("model", LatentSettings)] = None,
    draws: int = option(
        0, "So many vectors of each drawing's posterior, beside its mean.", metavar="N", low=0, high=1_000_000
    ),
    seed: int = option(
        0,
        "Of these draws, and of the choice that --limit makes among a data set.",
        flags="--seed -s",
        metavar="N",
        low=0,
        high=LARGEST_NUMBER,
    ),
    prepared: Prepared = False,
    given: EncodeOptions,
    device: Device = None,
    force: Force = False,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Write where drawings lie in a model's latent space: mu and sigma, numpy arrays in a .npz file."""
    from sketchkit.cli.console import print_json, progress, tell_written
    from sketchkit.cli.inapplicable import refuse_given
    from sketchkit.cli.inputs import stem_of_file
    from sketchkit.cli.outputs import check_paths

    if Path(output).suffix.lower() != ".npz":
        raise UsageError("latent vectors are written as .npz", "--output")
    output = name_file(output, stem_of_file(given.files[0]))
    check_paths([output], force)
    drawings = Given.of(given, seed, prepared=prepared)
    if not draws and not (drawings.facts and given.limit):
        refuse_given(context, {"seed"}, "goes with --draws, or with --limit of a data set")
    settings = LatentSettings.read({"model": model, "device": device, "engine": None})

    from sketchkit.latent import Latents, check_size, latent_size, posterior, write_latents

    with progress("Loading the model"):
        loaded = _load_encoder(settings, len(drawings))
    if loaded.conditional:  # else the missing encoder is reported
        check_size(len(drawings), draws, latent_size(loaded))
    found = drawings.encode(loaded)
    about = _about(loaded, seed=seed, prepared=drawings.prepared)
    if drawings.facts:
        about["data"] = drawings.facts
    sampled = posterior(found.mu, found.sigma, draws, seed) if draws else None
    latents = Latents(found.mu, found.sigma, sampled, drawings.keys, found.labels, drawings.sources, about)
    write_latents(output, latents, overwrite=force)
    if not json:
        tell_written([output])
    else:
        size = found.mu.shape[1]
        print_json({"output": output, "drawings": len(drawings), "latent": size, "draws": draws, **about})


def decode(
    *,
    file: str = argument("FILE", "Latent vectors, as `encode` writes them."),
    output: OutputOptions,
    layout: Literal["grid", "files"] = option("grid", "One sheet, or a file each (name them by {index})."),
    means: bool = option(False, "Decode the means also where there are draws."),
    classes: ShownClass = None,
    latent: LatentDrawing,
    sheet: SheetOptions,
    json: Json = False,
) -> None:
    """Draw what latent vectors say: the draws where the file has them, else the means."""
    from sketchkit.cli.outputs import Item, Page
    from sketchkit.cli.runner import POINTS, Run
    from sketchkit.latent import read_latents

    run, each = Run.of(latent, classes), layout == "files"
    stem = Path(file).stem or "drawings"
    page = Page.of(output, sheet, "{stem}-{index}" if each else "{stem}", each=each, json=json)
    latents = read_latents(file)
    z, names = _vectors(latents, means=means)
    if not len(z):
        raise InputError(f"{shown(file)}: holds no latent vector")
    on = page.plan(stem, len(z))

    model = run.load(len(z) * POINTS)
    _check_model(model, latents, file)
    from sketchkit.generate import decode as draw

    labels = [run.class_of(0) or model.known_label(latents.labels[which]) for which, _ in names]
    sketches = run.draw(draw, model, z, class_name=labels)
    items = []
    for index, (sketch, (which, number)) in enumerate(zip(sketches, names, strict=True)):
        key = latents.keys[which]
        facts = {**run.provenance, "index": index, "drawing": key, "finished": sketch.ended}
        if number is not None:
            facts["draw"] = number
        caption = key if number is None else f"{key} {number}"
        sketch, source = sketch.labelled(sketch.label, key), latents.sources[which]
        items.append(Item.of(stem, index, sketch, caption, facts, source=source))
    page.write(items, on, run.provenance)


def _load_encoder(settings: DrawSettings, drawings: int) -> DrawingModel:
    """The model for so many drawings."""
    from sketchkit.cli.runner import POINTS
    from sketchkit.generate import load_drawing_model

    # Other engines step what draws: beside them a model encodes on torch.
    engine = settings.engine if settings.engine in ("auto", "numpy") else "torch"
    points = drawings * POINTS
    return load_drawing_model(settings.model, device=settings.device, engine=engine, points=points)


def _about(model: Any, **settings: Any) -> dict[str, Any]:
    """Which model latent vectors are of, and how they were made."""
    from sketchkit._version import __version__

    weights = {"model": model.card.name, "weights": model.weights_checksum()}
    return {"generator": "sketchkit", "version": __version__, **weights, **settings}


def _vectors(latents: Latents, *, means: bool) -> tuple[Any, list[tuple[int, int | None]]]:
    """Vectors [N, Z] to decode, and for each which drawing it is of, and which of its draws."""
    if latents.draws is None or means:
        return latents.mu, [(i, None) for i in range(len(latents))]
    n, draws, size = latents.draws.shape
    return latents.draws.reshape(n * draws, size), [(i, d) for i in range(n) for d in range(draws)]


def _check_model(model: Any, latents: Latents, file: str) -> None:
    """Refuse vectors of another model, which would decode to other drawings."""
    made_by = latents.about.get("weights")
    if isinstance(made_by, str) and made_by != model.weights_checksum():
        name = latents.about.get("model")
        raise InputError(
            f"{shown(file)}: the vectors are of other weights (model {name!r}) than {model.card.name!r} has: "
            "--model takes the model that encoded them"
        )


encode_app = standalone_app(encode, Command, ENCODE_EXAMPLE)
decode_app = standalone_app(decode, SamplerCommand, DECODE_EXAMPLE)
