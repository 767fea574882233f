"""`sketchkit atlas`: a map of the latent space, and which drawings the model finds strange."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit.cli.fields import one_file
from sketchkit.cli.flags import (
    Device,
    Json,
    LatentPath,
    LowTemperature,
    Seed,
    SplitName,
    VaeName,
)
from sketchkit.cli.grouping import grouped
from sketchkit.cli.help import Command, alone
from sketchkit.cli.parameters import LatentOptions, OutputOptions, SheetOptions, parse_steps
from sketchkit.errors import InputError
from sketchkit.files import shown

if TYPE_CHECKING:
    from sketchkit.cli.outputs import Item
    from sketchkit.cli.sources import Source
    from sketchkit.generate import Atlas, Located
    from sketchkit.rendering import Layout, Picture, Renderer

__all__ = ["EXAMPLE", "app", "atlas"]

EXAMPLE = "sketchkit atlas animals --class pig --limit 2000 -o pigs.svg"
#: The library's own limit, which cannot be asked before torch is loaded.
MOST_STEPS = 100
#: Drawings that a map takes, likewise.
_LEAST = {"pca": 3, "umap": 16}


@partial(grouped, without={"tile"})
def atlas(
    *,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="A data set's folder, the name of a stored one, or a file of drawings."
        ),
    ],
    output: OutputOptions,
    split: SplitName = "valid",
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME", help="Only this class; again for more.", show_default="all"),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help="The most drawings, chosen by chance.", show_default="all"
        ),
    ] = None,
    steps: Annotated[
        str, typer.Option("--steps", metavar="COLSxROWS", help="How many places the map has.")
    ] = "12x16",
    by: Annotated[
        Literal["pca", "umap"],
        typer.Option(help="The two directions of most variance, or UMAP (pip install 'sketchkit[umap]')."),
    ] = "pca",
    worst: Annotated[
        int,
        typer.Option("--worst", metavar="N", min=0, help="How many of the strangest drawings to list."),
    ] = 10,
    outliers: Annotated[
        str | None,
        typer.Option(
            "--outliers", metavar="PATH", help="A second sheet that shows them.", show_default="none"
        ),
    ] = None,
    model: VaeName = None,
    latent_path: LatentPath = None,
    temperature: LowTemperature = None,
    seed: Seed = 0,
    device: Device = None,
    sheet: SheetOptions,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Draw a map of the latent space: what the model draws where, darker where drawings live.

    Then the strangest drawings are listed: those that cost the model most, per point, given their own z.
    """
    from sketchkit.cli.console import progress
    from sketchkit.cli.kinds import STDOUT
    from sketchkit.cli.outputs import Destination, write_items
    from sketchkit.cli.run import Run
    from sketchkit.cli.sources import read_source, stem_of
    from sketchkit.cli.unused import check_sheet, check_split

    size = parse_steps(steps, "12x16", MOST_STEPS)
    if outliers is not None and (not worst or outliers == STDOUT):
        reason = "there is nothing to show with --worst 0" if not worst else "this sheet needs a file"
        raise typer.BadParameter(reason, param_hint="--outliers")
    run = Run.latent(LatentOptions(vae=model, seed=seed, device=device), temperature)
    to = Destination.of(output, "atlas", each=False, json=json)
    check_sheet(sheet, to)
    check_split(context, data)
    layout = sheet.layout(size[0] * size[1], size[0])
    path = to.path(stem_of(data))
    if outliers is not None:
        outliers = one_file(outliers, stem_of(data), "--outliers")
    if outliers is not None and os.path.realpath(outliers) == os.path.realpath(path):
        raise typer.BadParameter(
            f"{shown(path)} is the map itself: give another name", param_hint="--outliers"
        )
    second = _Second.of(outliers, output, sheet, worst)
    to.check([path, *([] if outliers is None else [outliers])])
    source = read_source(data, split, classes or [], limit, seed)
    _check_number(data, source, split, by, limit)

    from sketchkit.generate import atlas as drawn
    from sketchkit.generate import locate
    from sketchkit.latent import check_by, resolve_path

    check_by(by)
    loaded = run.load()
    latent_path = resolve_path(loaded, latent_path)
    with progress("Encoding") as told:
        located = locate(
            loaded,
            source.sketches(range(len(source.indices))),
            prepared=source.prepared,
            progress=lambda done, _: told(done, len(source.indices)),
        )
    with progress("Drawing") as told:
        made = drawn(loaded, located, size, by, path=latent_path, progress=told, **run.settings())
    strange = located.outliers(worst)
    settings = {"by": by, "path": latent_path, "steps": list(size), "limit": limit, "data": source.facts}
    provenance = {**run.provenance, **settings}
    paths = write_items(_items(source.stem, made), to, layout, provenance, each=False)
    if second is not None:
        second.write(_portraits(source, located, strange), provenance)
    to.announce([*paths[:1], *([] if outliers is None else [outliers])])
    if json:
        about = {**provenance, "output": paths[0], "outliers_output": outliers}
        _print_json(about, source, located, made, strange)
    elif paths[0] != STDOUT:
        _print_words(source, located, made, strange)


def _check_number(
    data: str, source: Source, split: str, by: Literal["pca", "umap"], limit: int | None
) -> None:
    """Refuse, before the model is loaded, too few drawings for a map.

    Raises:
        InputError: there are too few.
    """
    count, least = len(source.indices), _LEAST[by]
    if count >= least:
        return
    among = f" of {' and '.join(source.facts['classes'])}" if source.facts["classes"] else ""
    if limit == count:
        there = f"--limit leaves {count}"
    elif source.prepared:
        there = f"the {split} split has {count}{among}: --split names another part"
    else:
        there = f"the file has {count}{among}"
    raise InputError(f"{shown(data)}: a map by {by} takes {least} drawings or more, and {there}")


# --- what is written and said ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Second:
    """The sheet of the strangest drawings."""

    path: str
    renderer: Renderer
    layout: Layout
    overwrite: bool

    @classmethod
    def of(cls, path: str | None, output: OutputOptions, sheet: SheetOptions, count: int) -> _Second | None:
        """From what the user wrote; None where nobody wants it."""
        from sketchkit.cli.kinds import picture_renderer

        if path is None:
            return None
        # Each says what it is and what it costs, whether captions were asked for or not.
        return cls(path, picture_renderer(None, path), replace(sheet, label=True).layout(count), output.force)

    def write(self, pictures: Sequence[Picture], provenance: dict[str, Any]) -> None:
        from sketchkit.cli.outputs import rendered, send

        send(rendered(self.renderer, pictures, self.layout, provenance), self.path, self.overwrite)


def _items(stem: str, made: Atlas) -> list[Item]:
    from sketchkit.cli.outputs import Item

    pictures = zip(made.sketches, made.pictures(), strict=True)
    return [
        Item(stem, index, sketch.labelled(sketch.label, f"{stem}-{index}"), picture)
        for index, (sketch, picture) in enumerate(pictures)
    ]


def _portraits(source: Source, located: Located, strange: Sequence[int]) -> list[Picture]:
    from sketchkit.rendering import Ink, Picture

    return [
        Picture((Ink(sketch),), f"{sketch.label or source.indices[i]} {located.nll_per_point[i]:.2f}")
        for i, sketch in zip(strange, source.sketches(strange), strict=True)
    ]


def _facts(source: Source, located: Located, made: Atlas, i: int) -> dict[str, Any]:
    """One drawing as JSON values."""
    return {
        "index": source.indices[i],
        "key": source.keys[i],
        "label": located.labels[i],
        "coordinates": made.coordinates[i].tolist(),
        "nll_per_point": float(located.nll_per_point[i]),
    }


def _print_json(
    about: dict[str, Any], source: Source, located: Located, made: Atlas, strange: Sequence[int]
) -> None:
    from sketchkit.cli.console import print_json

    places = zip(made.sketches, made.grid.tolist(), made.density.tolist(), strict=True)
    print_json(
        {
            **about,
            "share": None if made.axes is None else made.axes.share.tolist(),
            "places": [
                {"coordinates": place, "density": density, "class": sketch.label, "finished": sketch.ended}
                for sketch, place, density in places
            ],
            "outliers": [_facts(source, located, made, i) for i in strange],
            "drawings": [_facts(source, located, made, i) for i in range(len(located))],
        }
    )


def _print_words(source: Source, located: Located, made: Atlas, strange: Sequence[int]) -> None:
    from sketchkit.cli.console import plain, print_table

    print(plain(f"{len(located)} drawings of {source.stem}: {_spanned(made)}"))
    if not strange:
        return
    print("those that cost most, given their own z:")
    rows = [_facts(source, located, made, i) for i in strange]
    print_table(
        ("DRAWING", "KEY", "CLASS", "NLL PER POINT", "X", "Y"),
        [
            (
                str(row["index"]),
                row["key"] or "-",
                row["label"] or "-",
                f"{row['nll_per_point']:.3f}",
                *(f"{each:.2f}" for each in row["coordinates"]),
            )
            for row in rows
        ],
    )


def _spanned(made: Atlas) -> str:
    """What the map is spanned by, in words."""
    if made.axes is None:
        return "a map by UMAP"
    first, second = (f"{100 * share:.1f} %" for share in made.axes.share)
    return f"{first} of the variance to the right, {second} up"


app = alone(atlas, Command, EXAMPLE)
