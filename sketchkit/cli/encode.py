"""`sketchkit encode` and `sketchkit decode`: drawings to latent vectors in a file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit.cli.encoding import EncodeOptions, Given
from sketchkit.cli.fields import one_file
from sketchkit.cli.flags import (
    DEFAULT_VAE,
    LARGEST_NUMBER,
    Device,
    Force,
    Json,
    LowTemperature,
    Prepared,
    VaeName,
)
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import Command, SamplerCommand, alone
from sketchkit.cli.parameters import LatentOptions, OutputOptions, SheetOptions
from sketchkit.errors import InputError
from sketchkit.files import shown

if TYPE_CHECKING:
    from sketchkit.cli.outputs import Item
    from sketchkit.latent import Latents
    from sketchkit.sketch import Sketch

__all__ = ["DECODE_EXAMPLE", "ENCODE_EXAMPLE", "decode", "decode_app", "encode", "encode_app"]

ENCODE_EXAMPLE = "sketchkit encode cats.ndjson --limit 100 -o cats.npz"
DECODE_EXAMPLE = "sketchkit decode cats.npz -o cats.svg"


@grouped
def encode(
    *,
    output: Annotated[str, typer.Option("--output", "-o", metavar="PATH", help="The .npz file to write.")],
    model: VaeName = None,
    draws: Annotated[
        int,
        typer.Option(
            "--draws",
            metavar="N",
            min=0,
            max=1_000_000,
            help="So many vectors of each drawing's posterior, beside its mean.",
        ),
    ] = 0,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            "-s",
            metavar="N",
            min=0,
            max=LARGEST_NUMBER,
            help="Of these draws, and of the choice that --limit makes among a data set.",
        ),
    ] = 0,
    prepared: Prepared = False,
    given: EncodeOptions,
    device: Device = None,
    force: Force = False,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Write where drawings lie in a model's latent space: mu and sigma, numpy arrays in a .npz file."""
    from sketchkit.cli.console import print_json, progress, tell_written
    from sketchkit.cli.inputs import stem_of_file
    from sketchkit.cli.outputs import check_paths
    from sketchkit.cli.settings import setting
    from sketchkit.cli.unused import refuse_given

    if Path(output).suffix.lower() != ".npz":
        raise typer.BadParameter("latent vectors are written as .npz", param_hint="--output")
    output = one_file(output, stem_of_file(given.files[0]))
    check_paths([output], force)
    drawings = Given.of(given, seed, prepared=prepared)
    if not draws and not (drawings.facts and given.limit):
        refuse_given(context, {"seed"}, "goes with --draws, or with --limit of a data set")
    place = setting("device", device, "auto")
    name = setting("vae", model, DEFAULT_VAE)

    from sketchkit.checkpoints.load import load_model
    from sketchkit.latent import Latents, check_size, latent_size, posterior, write_latents

    with progress("Loading the model"):
        loaded = load_model(name, device=place)
    if loaded.conditional:  # else the encoder that is missing is told of
        check_size(len(drawings), draws, latent_size(loaded))
    found = drawings.encoded(loaded)
    about = _about(loaded, seed=seed, prepared=drawings.prepared)
    if drawings.facts:
        about["data"] = drawings.facts
    latents = Latents(
        found.mu,
        found.sigma,
        posterior(found.mu, found.sigma, draws, seed) if draws else None,
        drawings.keys,
        found.labels,
        drawings.sources,
        about,
    )
    write_latents(output, latents, overwrite=force)
    if not json:
        tell_written([output])
    else:
        size = found.mu.shape[1]
        print_json({"output": output, "drawings": len(drawings), "latent": size, "draws": draws, **about})


@grouped
def decode(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Latent vectors, as `encode` writes them.")],
    output: OutputOptions,
    layout: Annotated[
        Literal["grid", "files"], typer.Option(help="One sheet, or a file each (name them by {index}).")
    ] = "grid",
    means: Annotated[
        bool, typer.Option("--means", help="Decode the means also where there are draws.")
    ] = False,
    temperature: LowTemperature = None,
    latent: LatentOptions,
    sheet: SheetOptions,
    json: Json = False,
) -> None:
    """Draw what latent vectors say: the draws where the file has them, else the means."""
    from sketchkit.cli.console import progress
    from sketchkit.cli.outputs import Destination, report, write_items
    from sketchkit.cli.run import Run
    from sketchkit.cli.unused import check_sheet
    from sketchkit.latent import read_latents

    run, each = Run.latent(latent, temperature), layout == "files"
    stem = Path(file).stem or "drawings"
    to = Destination.of(output, "{stem}-{index}" if each else "{stem}", each=each, json=json)
    check_sheet(sheet, to, each=each)
    latents = read_latents(file)
    z, names = _vectors(latents, means=means)
    if not len(z):
        raise InputError(f"{shown(file)}: holds no latent vector")
    page = sheet.layout(1) if each else sheet.layout(len(z))
    to.check([to.path(stem, index) for index in range(len(z))] if each else [to.path(stem)])

    model = run.load()
    _check_model(model, latents, file)
    from sketchkit.generate import decode as drawn

    labels = [run.class_of(0) or model.known_label(latents.labels[which]) for which, _ in names]
    with progress("Drawing") as told:
        sketches = drawn(model, z, class_name=labels, progress=told, **run.settings())
    items = [
        _item(stem, index, sketch, latents, name, run.provenance)
        for index, (sketch, name) in enumerate(zip(sketches, names, strict=True))
    ]
    paths = write_items(items, to, page, run.provenance, each=each)
    to.announce(paths)
    if json:
        report(items, paths)


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
    """Refuse vectors of another model, which would decode to something, but not to what they mean."""
    made_by = latents.about.get("weights")
    if isinstance(made_by, str) and made_by != model.weights_checksum():
        name = latents.about.get("model")
        raise InputError(
            f"{shown(file)}: the vectors are of other weights (model {name!r}) than {model.card.name!r} has: "
            "--model takes the model that encoded them"
        )


def _item(
    stem: str,
    index: int,
    sketch: Sketch,
    latents: Latents,
    name: tuple[int, int | None],
    provenance: dict[str, Any],
) -> Item:
    from sketchkit.cli.outputs import Item
    from sketchkit.rendering import Ink, Picture

    which, draw = name
    key, source = latents.keys[which], latents.sources[which]
    facts = {**provenance, "index": index, "drawing": key, "finished": sketch.ended}
    if draw is not None:
        facts["draw"] = draw
    caption = key if draw is None else f"{key} {draw}"
    return Item(
        stem,
        index,
        sketch.labelled(sketch.label, key),
        Picture((Ink(sketch, curved=True),), caption, facts),
        source=source,
    )


encode_app = alone(encode, Command, ENCODE_EXAMPLE)
decode_app = alone(decode, SamplerCommand, DECODE_EXAMPLE)
