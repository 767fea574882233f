"""`sketchkit inkscape`."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sketchkit_inkscape.folders import Place
    from sketchkit_inkscape.installing import Record

__all__ = ["app"]

Folder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Of Inkscape's user extensions.",
        show_default="that of the Inkscape on PATH, or the platform's",
    ),
]

app = typer.Typer(
    help="Extensions for Inkscape: install, status, uninstall.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def show_help_alone(context: typer.Context) -> None:
    """Answer the name alone with its help, and the exit code of wrong usage."""
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


@app.command(epilog="Example: sketchkit inkscape install")
def install(
    folder: Folder = None,
    timeout: Annotated[
        float,
        typer.Option(min=1, max=3600, metavar="SECONDS", help="How long an extension waits for sketchkit."),
    ] = 60,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Overwrite files that this command did not write.")
    ] = False,
) -> None:
    """Copy the extensions into Inkscape's folder, where they will start this sketchkit."""
    from sketchkit.errors import InputError
    from sketchkit_inkscape.folders import find_place
    from sketchkit_inkscape.installing import install as write
    from sketchkit_inkscape.installing import record_of

    place = find_place(folder)
    if place.kind == "snap":
        raise InputError(f"{place.folder}: {place.advice}, or choose another --folder")
    home = write(place.folder, record_of(_command(), timeout), force=force)
    print(f"wrote {home}: start Inkscape anew and look under Extensions > Sketchkit")
    if place.advice:
        print(place.advice, file=sys.stderr)


@app.command(epilog="Example: sketchkit inkscape uninstall")
def uninstall(folder: Folder = None) -> None:
    """Remove the extensions: files that `install` wrote and that are unchanged."""
    from sketchkit_inkscape.folders import find_place
    from sketchkit_inkscape.installing import uninstall as remove

    place = find_place(folder)
    for path in remove(place.folder):
        print(f"{path}: left, because it was changed", file=sys.stderr)
    print(f"removed the extensions from {place.folder}")


@app.command(epilog="Example: sketchkit inkscape status")
def status(
    folder: Folder = None, json: Annotated[bool, typer.Option("--json", help="Say it as JSON.")] = False
) -> None:
    """Say what is installed, and whether the extensions can start sketchkit."""
    from sketchkit_inkscape.folders import find_place
    from sketchkit_inkscape.installing import read_record

    place = find_place(folder)
    found = _describe(place, read_record(place.folder))
    if json:
        print(json_text.dumps(found))
        return
    for key, value in found.items():
        if value:
            print(f"{key}: {', '.join(value) if isinstance(value, list) else value}")


def _command() -> list[str]:
    """What starts this sketchkit from anywhere: `-P` keeps Inkscape's working folder off its path."""
    return [sys.executable, "-P", "-m", "sketchkit"]


def _describe(place: Place, record: Record | None) -> dict[str, Any]:
    """The state of an installation, as JSON values."""
    facts: dict[str, Any] = {"folder": str(place.folder), "inkscape": place.kind}
    if place.advice:
        facts["advice"] = place.advice
    if record is None:
        return {**facts, "state": "not installed: `sketchkit inkscape install`"}
    from sketchkit_inkscape.folders import said_by
    from sketchkit_inkscape.installing import record_of

    changed = record.changed(place.folder)
    starts = said_by([*record.command, "--version"])
    latest = record_of(record.command, record.timeout) == record
    if changed or not starts:
        state = "damaged: `sketchkit inkscape install` mends it"
    else:
        state = "ready" if latest else "of another version: `sketchkit inkscape install` renews it"
    facts |= {"state": state, "version": record.version, "command": " ".join(record.command)}
    return facts | {"starts": starts or "no", "timeout": record.timeout, "changed": changed}
