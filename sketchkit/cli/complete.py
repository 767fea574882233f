"""`sketchkit complete`: finish what somebody has begun, in the place where it stands."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sketchkit.cli import parameters as p

__all__ = ["complete"]


def complete(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILES...", help="Drawings begun: SVG, ndjson, bin, npz; - reads stdin."),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to; {stem} and {index} stand for a drawing and an ending, - is stdout.",
            show_default="{stem}-endings.svg",
        ),
    ] = None,
    model: p.Model = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many endings each drawing gets.")] = 9,
    temperature: p.Temperature = None,
    sampler: p.Sampler = None,
    option: p.SamplerOptions = None,
    seed: p.Seed = 0,
    layout: Annotated[
        str,
        typer.Option(help="grid: one sheet. layers: into a copy of the document. files: one each."),
    ] = "grid",
    format: Annotated[
        str | None, typer.Option(help="svg, png, pdf, ndjson...", show_default="the suffix of the output")
    ] = None,
    input_format: Annotated[str, typer.Option(help="What comes on stdin.")] = "svg",
    scale: Annotated[
        str,
        typer.Option(
            help="Pixels of the training data (255 a drawing) in a drawing unit; auto: the likeliest."
        ),
    ] = "auto",
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="Keep only the best so many that differ.", show_default="all"),
    ] = None,
    limit: p.Limit = None,
    tile: p.Tile = None,
    cell: p.Cell = 192,
    gap: p.Gap = 8,
    label: p.Label = False,
    stroke: p.Stroke = 2,
    background: p.Background = None,
    batch_size: p.BatchSize = None,
    max_points: p.MaxPoints = None,
    exact: p.Exact = False,
    device: p.Device = None,
    json: p.Json = False,
    force: p.Force = False,
) -> None:
    """Finish drawings, each in several ways, where they stand.

    Example: sketchkit complete bird-start.svg --model bird -n 9 --seed 1 -o endings.svg
    """
    from sketchkit.cli import outputs
    from sketchkit.cli.console import print_json, progress
    from sketchkit.cli.inputs import only_once, read_inputs
    from sketchkit.cli.run import Run
    from sketchkit.render.layout import Layout

    if layout not in outputs.LAYOUTS:
        raise typer.BadParameter(f"choose one of {', '.join(outputs.LAYOUTS)}", param_hint="--layout")
    only_once(files)
    run = Run.of(model, sampler, option, temperature, device, seed)
    given = read_inputs(files, input_format, limit, keep_documents=layout != "grid")
    default = {"grid": "{stem}-endings.svg", "layers": "{stem}-layers.svg", "files": "{stem}-{index}.svg"}
    name = default[layout].replace("{stem}", given[0].stem if layout == "grid" else "{stem}")
    to = outputs.Destination.of(output, name, format, force)
    to.check(_paths(layout, to, [each.stem for each in given], n if keep is None else keep))
    # Several drawings stand one a row.
    tiles = p.parse_tile(tile) or ((min(n, keep or n), None) if len(given) > 1 else None)
    sheet = Layout(tiles, cell, gap, label, stroke, gap, background)
    loaded = run.load_model()

    from sketchkit.generate import complete as draw

    with progress("Drawing endings") as report:
        endings = draw(
            loaded,
            [each.sketch for each in given],
            n,
            run.temperature,
            seed,
            keep,
            _scale(scale),
            sampler=run.sampler,
            options=run.options,
            batch_size=batch_size,
            max_points=max_points,
            exact=exact,
            progress=report,
        )
    results = [
        outputs.Result(each, mine, [_facts(run, e) for e in mine])
        for each, mine in zip(given, endings, strict=True)
    ]
    written = outputs.write_endings(results, layout, to, sheet, run.provenance())
    if json:
        print_json(_report(results, written))


def _scale(text: str) -> Any:
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number nor auto", param_hint="--scale") from None


def _paths(layout: str, to: Any, stems: list[str], count: int) -> list[str]:
    """The files that a run is going to write."""
    if layout == "grid" or (layout == "layers" and to.holds_data):
        return [to.path()]
    if layout == "layers":
        return [to.path(stem) for stem in stems]
    return [to.path(stem, index) for stem in stems for index in range(count)]


def _facts(run: Any, ending: Any) -> dict[str, Any]:
    """The provenance of one ending."""
    return {
        **run.provenance(),
        "index": ending.index,
        "scale": ending.scale,
        "nll": ending.nll,
        "finished": ending.finished,
    }


def _report(results: Any, written: list[list[str]]) -> list[dict[str, Any]]:
    return [
        {
            "input": result.given.source,
            "drawing": result.given.stem,
            "output": path,
            "points": len(ending.ending.without_end()),
            **facts,
        }
        for result, paths in zip(results, written, strict=True)
        for ending, facts, path in zip(result.endings, result.provenance, paths, strict=True)
    ]
