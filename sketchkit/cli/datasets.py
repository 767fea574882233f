"""What the command line says of data sets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketchkit.cli.console import print_json, say
from sketchkit.errors import InputError

if TYPE_CHECKING:
    from sketchkit.training.data import Dataset, Manifest

__all__ = ["class_rows", "described", "found", "holds", "report"]


def report(data: Dataset, json: bool, *, named: bool) -> None:
    """Say what has been made: JSON on stdout, or words and a plot on stderr."""
    from sketchkit.training.data.report import report_lines

    if json:
        print_json(described(data))
        return
    for line in report_lines(data.manifest, sys.stderr.encoding):
        say(line)
    say(f"wrote {data.path}" if named else f"{data.path.name}: {data.path}")


def described(data: Dataset) -> dict[str, Any]:
    """A data set as JSON values."""
    manifest = data.manifest
    return {"path": str(data.path), "fingerprint": manifest.fingerprint, **manifest.to_json()}


def class_rows(manifest: Manifest) -> list[tuple[str, ...]]:
    """How many drawings of each class the splits hold, for a table."""
    columns = [split.per_class for split in manifest.splits.values()]
    return [(name, *map(str, counts)) for name, *counts in zip(manifest.classes, *columns, strict=True)]


def found(folder: Path) -> list[dict[str, Any]]:
    """The data sets in a folder, and the files downloaded into it, as JSON values."""
    from sketchkit.training.data.manifest import list_datasets

    sets = [_stored_set(path) for path in list_datasets(folder)]
    try:
        there = (p for suffix in ("", ".gz") for p in (folder / "quickdraw").glob(f"*.ndjson{suffix}"))
        files = sorted(p for p in there if not p.name.startswith("."))
        sizes = [path.stat().st_size for path in files]
    except OSError as error:
        raise InputError(f"{folder}: {(error.strerror or str(error)).lower()}") from error
    return sets + [
        {"name": f"quickdraw/{path.name}", "path": str(path), "kind": "file", "bytes": size}
        for path, size in zip(files, sizes, strict=True)
    ]


def _stored_set(path: Path) -> dict[str, Any]:
    from sketchkit.training.data.manifest import read_manifest

    about: dict[str, Any] = {"name": path.name, "path": str(path)}
    try:
        manifest = read_manifest(path)
    except InputError as error:
        return {**about, "kind": "damaged", "problem": str(error)}
    splits = {name: split.drawings for name, split in manifest.splits.items()}
    return {**about, "kind": "data set", "drawings": splits, "classes": list(manifest.classes)}


def holds(entry: dict[str, Any]) -> str:
    """What an entry of a list holds, in words."""
    if entry["kind"] == "damaged":
        return str(entry["problem"])
    if entry["kind"] == "file":
        return f"{entry['bytes'] / 1e6:.1f} MB"
    splits, classes = entry["drawings"], entry["classes"]
    what = classes[0] if len(classes) == 1 else f"{len(classes)} classes"
    return f"{sum(splits.values())} drawings of {what} ({'/'.join(map(str, splits.values()))})"
