"""`sketchkit atlas`: a map of the latent space, and the drawings that are strangest to the model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit.cli.groups import OutputOptions, SheetOptions, name_file, parse_steps
from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.options import (
    Given,
    Json,
    LatentPath,
    PathName,
    SplitName,
    UsageError,
    argument,
    option,
    settings_of,
)
from sketchkit.errors import InputError
from sketchkit.files import shown
from sketchkit.settings import LatentSettings

if TYPE_CHECKING:
    from sketchkit.cli.outputs import Item
    from sketchkit.cli.runner import Run
    from sketchkit.cli.sources import Source
    from sketchkit.generate import Atlas, Located
    from sketchkit.rendering import Picture

__all__ = ["EXAMPLE", "app", "atlas"]

EXAMPLE = "sketchkit atlas animals --class pig --limit 2000 -o pigs.svg"
#: The library's own limit; the library loads torch.
MOST_STEPS = 100
#: The least drawings of a map, likewise.
_LEAST = {"pca": 3, "umap": 16}


def atlas(
    *,
    data: str = argument("DATA", "A data set's folder, the name of a stored one, or a file of drawings."),
    output: OutputOptions,
    split: SplitName = "valid",
    classes: list[str] | None = option(
        None, "Only this class; again for more.", flags="--class", metavar="NAME", usual="all"
    ),
    limit: int | None = option(None, "The most drawings, chosen by chance.", metavar="N", low=1, usual="all"),
    steps: str = option("12x16", "How many places the map has.", metavar="COLSxROWS"),
    by: Literal["pca", "umap"] = option(
        "pca", "The two directions of most variance, or UMAP (pip install 'sketchkit[umap]')."
    ),
    worst: int = option(10, "How many of the strangest drawings to list.", metavar="N", low=0),
    outliers: str | None = option(None, "A second sheet that shows them.", metavar="PATH", usual="none"),
    latent_path: LatentPath = None,
    latent: Annotated[Given, settings_of(LatentSettings, only={"model", "temperature", "seed", "device"})],
    sheet: SheetOptions,
    json: Json = False,
    context: typer.Context,
) -> None:
    """Draw a map of the latent space: what the model draws where, darker where drawings live.

    Then the strangest drawings are listed: those that cost the model most, per point, given their own z.
    """
    from sketchkit.cli.console import tell_written
    from sketchkit.cli.inapplicable import check_split
    from sketchkit.cli.output_kind import STDOUT, picture_renderer
    from sketchkit.cli.outputs import Page, render_pictures, send
    from sketchkit.cli.runner import Run
    from sketchkit.cli.sources import read_source, stem_of

    size = parse_steps(steps, "12x16", MOST_STEPS)
    if outliers is not None and (not worst or outliers == STDOUT):
        reason = "there is nothing to show with --worst 0" if not worst else "this sheet needs a file"
        raise UsageError(reason, "--outliers")
    run = Run.of(latent.replace(engine=None))  # a setting without an option here
    page = Page.of(output, sheet, "atlas", json=json)
    check_split(context, data)
    layout = sheet.layout(size[0] * size[1], size[0])
    path = page.to.path(stem_of(data))
    if outliers is not None:
        outliers = _name_outliers(outliers, stem_of(data), path)
        # Captions tell what each is and what it costs.
        renderer, beside = picture_renderer(None, outliers), replace(sheet, label=True).layout(worst)
    page.to.check([path, *([] if outliers is None else [outliers])])
    source = read_source(data, split, classes or [], limit, run.settings.seed)
    _check_number(data, source, split, by, limit)
    located, made, latent_path = _draw(run, source, size, by, latent_path)

    strange = located.outliers(worst)
    settings = {"by": by, "path": latent_path, "steps": list(size), "limit": limit, "data": source.facts}
    provenance = {**run.provenance, **settings}
    page.save(_items(source.stem, made), layout, provenance)
    if outliers is not None:
        portraits = _portraits(source, located, strange)
        send(render_pictures(renderer, portraits, beside, provenance), outliers, output.force)
    if json:
        about = {**provenance, "output": path, "outliers_output": outliers}
        _print_json(about, source, located, made, strange)
        return
    tell_written([path, *([] if outliers is None else [outliers])])
    if path != STDOUT:
        _print_summary(source, located, made, strange)


def _draw(
    run: Run, source: Source, size: tuple[int, int], by: Literal["pca", "umap"], path: PathName | None
) -> tuple[Located, Atlas, PathName]:
    """The drawings in the latent space, the map, and the path that the model takes."""
    from sketchkit.cli.console import progress
    from sketchkit.cli.runner import POINTS
    from sketchkit.generate import atlas as draw
    from sketchkit.generate import locate
    from sketchkit.latent import check_by, resolve_path

    check_by(by)
    count = len(source.indices)
    # Each drawing is encoded and scored.
    model = run.load((2 * count + size[0] * size[1]) * POINTS)
    path = resolve_path(model, path)
    with progress("Encoding") as report:
        located = locate(
            model,
            source.sketches(range(count)),
            prepared=source.prepared,
            progress=lambda done, _: report(done, count),
        )
    return located, run.draw(draw, model, located, size, by, path=path), path


def _name_outliers(outliers: str, stem: str, map_path: str) -> str:
    """The file of the second sheet, which must be another than the map's."""
    named = name_file(outliers, stem, "--outliers")
    if os.path.realpath(named) == os.path.realpath(map_path):
        raise UsageError(f"{shown(map_path)} is the map itself: give another name", "--outliers")
    return named


def _check_number(
    data: str, source: Source, split: str, by: Literal["pca", "umap"], limit: int | None
) -> None:
    """Refuse too few drawings for a map, before the model is loaded."""
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
        "key": source.key(i),
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


def _print_summary(source: Source, located: Located, made: Atlas, strange: Sequence[int]) -> None:
    from sketchkit.cli.console import plain, print_table

    print(plain(f"{len(located)} drawings of {source.stem}: {_describe_axes(made)}"))
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


def _describe_axes(made: Atlas) -> str:
    if made.axes is None:
        return "a map by UMAP"
    first, second = (f"{100 * share:.1f} %" for share in made.axes.share)
    return f"{first} of the variance to the right, {second} up"


app = standalone_app(atlas, Command, EXAMPLE, without={"tile"})
