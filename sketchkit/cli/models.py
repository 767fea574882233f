"""`sketchkit models`: what the store holds, and what goes in and out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sketchkit.cli import parameters as p
from sketchkit.cli.console import plain, print_json, print_table, progress, say
from sketchkit.errors import CheckpointError, InputError

__all__ = ["app"]

app = typer.Typer(help="Models: list, import, export, pull, remove.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A stored model.", autocompletion=p.complete_models)]
NewName = Annotated[
    str | None, typer.Option("--name", help="What to call it.", show_default="the model's own name")
]


@app.command("list")
def list_models(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the stored models.

    Example: sketchkit models list
    """
    from sketchkit.checkpoints.store import folder, stored_models

    stored = stored_models()
    if json:
        print_json([_described(each) for each in stored])
        return
    if not stored:
        say(f"no models in {folder()}: `sketchkit models import FILE` or `sketchkit models pull bird`")
        return
    rows: list[tuple[str, ...]] = []
    for each in stored:
        if each.header is None:
            rows.append((each.name, "damaged", each.problem or "", ""))
            continue
        card = each.header.card
        rows.append((each.name, each.header.backend, ", ".join(card.classes), f"{card.max_length} points"))
    print_table(("NAME", "BACKEND", "DRAWS", "LENGTH"), rows)


@app.command()
def info(name: Name, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Show the card of a model: what it draws, its sizes, licence and provenance.

    Example: sketchkit models info bird
    """
    from sketchkit.checkpoints.header import read_header
    from sketchkit.checkpoints.store import SUFFIX, StoredModel, find

    path = Path(name) if name.endswith(SUFFIX) else find(name)
    described = _described(StoredModel(path.stem, path, read_header(path), None))
    if json:
        print_json(described)
        return
    for key, value in _flat(described):
        print(f"{plain(key)}: {plain(value)}")


@app.command("import")
def import_model(
    file: Annotated[str, typer.Argument(help="A .safetensors, Magenta .json or .js file.")],
    name: NewName = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="The start token kept with it: zeros or paper (0,0,1,0,0).",
            show_default="what is known to fit",
        ),
    ] = None,
    force: p.Force = False,
) -> None:
    """Bring a model into the store.

    Example: sketchkit models import bird.gen.json
    """
    from sketchkit.card import PAPER_START, ZERO_START
    from sketchkit.checkpoints.load import import_model as bring

    starts = {"zeros": ZERO_START, "paper": PAPER_START}
    if start is not None and start not in starts:
        raise typer.BadParameter("choose zeros or paper", param_hint="--start")
    chosen, path = bring(file, name, start=None if start is None else starts[start], overwrite=force)
    say(f"{chosen}: {path}")


@app.command()
def export(
    name: Name,
    output: Annotated[
        str, typer.Option("--output", "-o", help=".json or .js for the JavaScript libraries, .safetensors.")
    ],
    force: p.Force = False,
) -> None:
    """Write a model as a file that others read.

    Example: sketchkit models export bird -o bird.gen.json
    """
    from sketchkit.checkpoints.load import load_model
    from sketchkit.checkpoints.magenta import dump_magenta
    from sketchkit.cli.outputs import send

    suffix = Path(output).suffix.lower()
    if suffix not in (".json", ".js", ".safetensors"):
        raise InputError(f"{output}: a model is exported as .json, .js or .safetensors")
    model = load_model(name, device="cpu")
    if suffix == ".safetensors":
        model.save(output, overwrite=force)
    else:
        send(dump_magenta(model, wrapper=suffix == ".js"), output, force)


@app.command()
def pull(
    name: Annotated[
        str, typer.Argument(help="A published class, such as bird.", autocompletion=p.complete_classes)
    ],
    kind: Annotated[str, typer.Option(help="gen: finishes drawings. vae: encodes and decodes.")] = "gen",
    store_as: NewName = None,
    base_url: Annotated[
        str | None, typer.Option(help="The folder to download from.", show_default="Magenta's")
    ] = None,
    force: p.Force = False,
) -> None:
    """Download one of Magenta's published models into the store.

    Example: sketchkit models pull bird
    """
    from sketchkit.checkpoints.pull import BASE_URL, pull_model

    with progress("Downloading", name) as report:
        chosen, path = pull_model(
            name,
            kind=kind,
            base_url=base_url or BASE_URL,
            store_as=store_as,
            overwrite=force,
            progress=report,
        )
    say(f"{chosen}: {path}")


@app.command()
def remove(name: Name) -> None:
    """Delete a model from the store.

    Example: sketchkit models remove bird
    """
    from sketchkit.checkpoints.store import remove as delete

    say(f"removed {delete(name)}")


def _described(stored: Any) -> dict[str, Any]:
    """A stored model as JSON values."""
    out: dict[str, Any] = {"name": stored.name, "path": str(stored.path), "bytes": _size(stored.path)}
    if stored.header is None:
        return {**out, "problem": stored.problem}
    return {
        **out,
        "backend": stored.header.backend,
        "architecture": dict(stored.header.architecture),
        "encoding": stored.header.encoding,
        "card": stored.header.card.to_json(),
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from error


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested names joined by dots."""
    out: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            out += _flat(value, f"{prefix}{key}.")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            out.append((f"{prefix}{key}", shown))
    return out
