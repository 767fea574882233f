"""`sketchkit encode` and `sketchkit decode`: drawings to latent vectors in a file, and back."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit._version import __version__
from sketchkit.cli.encoding import DRAWINGS_OF_PART, Block, EncodeOptions, Given
from sketchkit.cli.groups import OutputOptions, SheetOptions, name_file
from sketchkit.cli.help import Command, SamplerCommand, standalone_app
from sketchkit.cli.options import (
    LARGEST_NUMBER,
    Device,
    Force,
    Json,
    LatentDrawing,
    Prepared,
    ShardName,
    ShownClass,
    UsageError,
    argument,
    option,
    setting_option,
)
from sketchkit.settings import DrawSettings, LatentSettings

if TYPE_CHECKING:
    from sketchkit.cli.parts import Progress
    from sketchkit.latent import Latents
    from sketchkit.models import DrawingModel

__all__ = ["DECODE_EXAMPLE", "ENCODE_EXAMPLE", "decode", "decode_app", "encode", "encode_app"]

ENCODE_EXAMPLE = "sketchkit encode cats.ndjson --limit 100 -o cats.npz"
DECODE_EXAMPLE = "sketchkit decode cats.npz -o cats.svg"


def encode(
    *,
    output: str = option(
        ...,
        "The .npz file to write; or a folder of such files, for any number of drawings.",
        flags="--output -o",
        metavar="PATH",
    ),
    shard: ShardName = None,
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
    from sketchkit.cli.inapplicable import refuse_given
    from sketchkit.cli.inputs import stem_of_file
    from sketchkit.cli.outputs import check_paths, is_folder

    in_parts = shard is not None or is_folder(output)
    if in_parts:
        if json:
            raise UsageError("a folder has no report: leave it out", "--json")
    else:
        if Path(output).suffix.lower() != ".npz":
            raise UsageError("latent vectors are written as .npz", "--output")
        output = name_file(output, stem_of_file(given.files[0]))
        check_paths([output], force)
    drawings = Given.of(given, seed, prepared=prepared, in_parts=in_parts)
    if not draws and not (drawings.facts and given.limit):
        refuse_given(context, {"seed"}, "goes with --draws, or with --limit of a data set")
    settings = LatentSettings.read({"model": model, "device": device, "engine": None})
    task = _Task(drawings, draws, seed, settings)
    if in_parts:
        _encode_in_parts(task, output, shard, force)
        return
    _encode_file(task, output, force=force, json=json)


@dataclass(frozen=True)
class _Task:
    """Drawings to encode, and how.

    Args:
        given: the drawings.
        draws: vectors of each posterior.
        seed: of these.
        settings: which model, and where it lies.
    """

    given: Given
    draws: int
    seed: int
    settings: DrawSettings

    def load(self) -> DrawingModel:
        """The model for these drawings."""
        from sketchkit.cli.console import progress
        from sketchkit.cli.runner import POINTS
        from sketchkit.generate import load_drawing_model

        how = self.settings
        # Other engines step what draws: beside them a model encodes on torch.
        engine = how.engine if how.engine in ("auto", "numpy") else "torch"
        with progress("Loading the model"):
            return load_drawing_model(
                how.model, device=how.device, engine=engine, points=self.given.n * POINTS
            )

    def about(self, model: DrawingModel) -> dict[str, Any]:
        """Which model latent vectors are of, and how they are made."""
        facts = {"data": self.given.facts} if self.given.facts else {}
        weights = {"model": model.card.name, "weights": model.weights_checksum()}
        how = {"seed": self.seed, "prepared": self.given.prepared}
        return {"generator": "sketchkit", "version": __version__, **weights, **how, **facts}

    def encode(self, model: DrawingModel, block: Block, report: Progress) -> Latents:
        """The latent vectors of some drawings."""
        from sketchkit.latent import Latents, posterior
        from sketchkit.latent import encode as encode_some

        mu, sigma = encode_some(model, block.sketches, prepared=self.given.prepared, progress=report)
        draws = posterior(mu, sigma, self.draws, self.seed, index=block.numbers) if self.draws else None
        labels = tuple(sketch.label or "" for sketch in block.sketches)
        return Latents(mu, sigma, draws, block.keys, labels, block.sources, self.about(model))


def _encode_file(task: _Task, output: str, *, force: bool, json: bool) -> None:
    """Encode all drawings into one file."""
    from sketchkit.cli.console import print_json, progress, tell_written
    from sketchkit.cli.parts import Parts
    from sketchkit.latent import check_size, join_latents, latent_size, write_latents

    loaded, n = task.load(), task.given.n
    if loaded.conditional:  # else the missing encoder is reported
        check_size(n, task.draws, latent_size(loaded))
    parts = Parts(n, DRAWINGS_OF_PART)
    latents: list[Latents] = []
    with progress("Encoding") as report:

        def report_part(at: int, of: int) -> None:
            part = parts[len(latents)]
            report(part.start * of + len(part) * at, n * of)

        for block in task.given.blocks(map(parts.__getitem__, range(len(parts)))):
            latents.append(task.encode(loaded, block, report_part))
    found = join_latents(latents)
    write_latents(output, found, overwrite=force)
    if not json:
        tell_written([output])
    else:
        size = found.mu.shape[1]
        print_json(
            {"output": output, "drawings": len(found), "latent": size, "draws": task.draws, **found.about}
        )


def _encode_in_parts(task: _Task, output: str, shard: str | None, force: bool) -> None:
    """Encode any number of drawings into files of a folder."""
    from sketchkit.cli.output_kind import Kind
    from sketchkit.cli.parts import Parts, PartsOutput, Work
    from sketchkit.cli.streaming import machine_of
    from sketchkit.latent import latent_size, write_latents

    to = PartsOutput.of(output, Kind(".npz", None), shard, overwrite=force)
    loaded = task.load()
    latent_size(loaded)  # of a model without an encoder

    def make(parts: Iterable[range], report: Progress) -> Iterator[bytes]:
        for block in task.given.blocks(parts):
            stream = io.BytesIO()
            write_latents(stream, task.encode(loaded, block, report))
            yield stream.getvalue()

    identity = {"provenance": task.about(loaded), "draws": task.draws, "inputs": task.given.content()}
    identity["machine"] = machine_of(loaded)
    to.do(Work(Parts(task.given.n, DRAWINGS_OF_PART), ".npz", identity, make, doing="Encoding"))


def decode(
    *,
    file: str = argument("FILE", "Latent vectors, as `encode` writes them: a file, or a folder of parts."),
    output: OutputOptions,
    shard: ShardName = None,
    layout: Literal["grid", "files"] = option("grid", "One sheet, or a file each (name them by {index})."),
    means: bool = option(False, "Decode the means also where there are draws."),
    classes: ShownClass = None,
    latent: LatentDrawing,
    sheet: SheetOptions,
    json: Json = False,
) -> None:
    """Draw what latent vectors say: the draws where the file has them, else the means."""
    from sketchkit.cli.outputs import Page
    from sketchkit.cli.parts import PartsOutput, streamed
    from sketchkit.cli.runner import Run
    from sketchkit.cli.vectors import VectorFiles, decode_in_parts, items_of

    run, each = Run.of(latent, classes), layout == "files"
    vectors = VectorFiles.of(file, means=means)
    if (folder := PartsOutput.of_drawings(output, shard, json=json)) is not None:
        folder.do(decode_in_parts(run, vectors, folder.kind))
        return
    stem = Path(file).stem or "drawings"
    page = Page.of(output, sheet, "{stem}-{index}" if each else "{stem}", each=each, json=json)
    on = page.plan(stem, len(vectors))
    if (whole := streamed(page, stem)) is not None and not json:
        whole.do(decode_in_parts(run, vectors, page.to.kind))
        return
    page.write(items_of(run, vectors, stem), on, run.provenance)


encode_app = standalone_app(encode, Command, ENCODE_EXAMPLE)
decode_app = standalone_app(decode, SamplerCommand, DECODE_EXAMPLE)
