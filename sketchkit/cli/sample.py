"""`sketchkit sample`: draw from nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from sketchkit.cli import parameters as p

__all__ = ["sample"]


def sample(
    model: p.Model = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many drawings.")] = 16,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to: a picture or a file of drawings; {index} stands for a drawing, - is stdout.",
            show_default="MODEL.svg",
        ),
    ] = None,
    temperature: p.Temperature = None,
    sampler: p.Sampler = None,
    option: p.SamplerOptions = None,
    seed: p.Seed = 0,
    layout: Annotated[str, typer.Option(help="grid: one sheet. files: one each.")] = "grid",
    format: Annotated[
        str | None, typer.Option(help="svg, png, pdf, ndjson...", show_default="the suffix of the output")
    ] = None,
    first: Annotated[int, typer.Option(min=0, help="The index of the first drawing.")] = 0,
    tile: p.Tile = None,
    cell: p.Cell = 128,
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
    """Draw from nothing.

    Example: sketchkit sample --model bird -n 16 --temperature 0.25 -o birds.png
    """
    from sketchkit.cli import outputs
    from sketchkit.cli.console import print_json, progress
    from sketchkit.cli.run import Run
    from sketchkit.formats import format_for, write
    from sketchkit.render import Ink, Layout, Picture, renderer_for

    if layout not in ("grid", "files"):
        raise typer.BadParameter("choose one of grid, files", param_hint="--layout")
    run = Run.of(model, sampler, option, temperature, device, seed)
    stem = _stem(run.model)
    to = outputs.Destination.of(output, f"{stem}{'-{index}' if layout == 'files' else ''}.svg", format, force)
    indices = range(first, first + n)
    paths = [to.path(stem, i) for i in indices] if layout == "files" else [to.path(stem)]
    to.check(paths)
    sheet = Layout(p.parse_tile(tile), cell, gap, label, stroke, gap, background)
    loaded = run.load_model()

    from sketchkit.generate import sample as draw

    with progress("Drawing") as report:
        drawings = draw(
            loaded,
            n,
            run.temperature,
            run.sampler,
            seed,
            batch_size,
            options=run.options,
            first=first,
            max_points=max_points,
            exact=exact,
            progress=report,
        )
    facts = [
        {**run.provenance(), "index": i, "finished": d.ended} for i, d in zip(indices, drawings, strict=True)
    ]
    groups = [[i] for i in range(n)] if layout == "files" else [list(range(n))]
    for path, group in zip(paths, groups, strict=True):
        chosen = [drawings[i] for i in group]
        if to.holds_data:
            kind = format_for(to.suffix)
            write(chosen, path, format=kind, overwrite=force)
            continue
        pictures = [
            Picture((Ink(drawings[i]),), caption=f"{stem} {first + i}", metadata=facts[i]) for i in group
        ]
        content = renderer_for(to.suffix)().render(pictures, sheet, run.provenance())
        outputs.send(content, path, force)
    if json:
        spread = paths if layout == "files" else paths * n
        print_json(
            [
                {"output": path, "points": len(d.without_end()), **fact}
                for path, d, fact in zip(spread, drawings, facts, strict=True)
            ]
        )


def _stem(model: str) -> str:
    """What a model's outputs are called."""
    from pathlib import Path

    return Path(model).name.split(".")[0] or "drawings"
