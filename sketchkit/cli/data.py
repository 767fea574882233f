"""`sketchkit data`: what models learn from: list, info, fetch, prepare, synth, distill, critique."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sketchkit.cli.console import plain, print_json, print_table, progress, say, tell_written
from sketchkit.cli.distill import CRITIQUE_EXAMPLE, DISTILL_EXAMPLE, critique, distill
from sketchkit.cli.groups import as_usage, refuse_fields
from sketchkit.cli.help import group_app, subcommand
from sketchkit.cli.options import Force, Json, KeepBackground, RedirectHosts, UsageError, argument, option
from sketchkit.errors import InputError
from sketchkit.files import explain_errors

if TYPE_CHECKING:
    from sketchkit.sketch import Sketch
    from sketchkit.training.data import Dataset, Manifest, Recipe

__all__ = ["app"]

app = group_app("Data sets: list, info, fetch, prepare, synth, distill, critique.")


@dataclass(frozen=True)
class RecipeOptions:
    """How drawings are prepared."""

    max_points: int = option(200, "Leave out drawings of more points.", metavar="N", low=2)
    min_points: int = option(2, "Leave out drawings of fewer points.", metavar="N", low=2)
    split: str = option("90/5/5", "The shares of train, valid and test.", metavar="A/B/C")
    limit: int | None = option(None, "At most so many drawings of a class.", metavar="N", low=1, usual="all")

    def recipe(self, **more: Any) -> Recipe:
        """The recipe that the user means.

        Raises:
            UsageError: a value that makes none.
        """
        from sketchkit.training.data import Recipe

        shares = parse_split(self.split)
        with as_usage():
            return Recipe(self.max_points, self.min_points, splits=shares, limit=self.limit, **more)


@subcommand(app, "sketchkit data list", "list")
def list_data(
    *,
    folder: Path | None = argument("FOLDER", "Where to look.", default=None, usual="the user's data folder"),
    json: Json = False,
) -> None:
    """List data sets and downloaded files."""
    from sketchkit.training.data.manifest import data_folder

    place = data_folder() if folder is None else folder
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    there = _find_sets(place)
    if json:
        print_json(there)
    elif not there:
        say(f"no data sets in {place}: `sketchkit data fetch` or `sketchkit data synth` brings drawings")
    else:
        print_table(("NAME", "KIND", "HOLDS"), [(e["name"], e["kind"], _say_content(e)) for e in there])


@subcommand(app, "sketchkit data info cats")
def info(
    *,
    name: str = argument("SET", "A data set's folder, or the name of a stored one."),
    check: bool = option(False, "Read all of it and compare the checksums."),
    json: Json = False,
) -> None:
    """Show what is in a data set and how it was made."""
    from sketchkit.training.data import Dataset
    from sketchkit.training.data.manifest import find
    from sketchkit.training.data.report import report_lines

    data = Dataset.open(find(name), verify=check)
    if json:
        print_json(_describe(data))
        return
    for line in report_lines(data.manifest, sys.stdout.encoding):
        print(plain(line))
    facts = {"path": data.path, "fingerprint": data.manifest.fingerprint, **data.manifest.recipe}
    for key, value in {**facts, "sources": ", ".join(data.manifest.sources)}.items():
        print(f"{plain(key)}: {plain(value)}")
    print_table(("CLASS", "TRAIN", "VALID", "TEST"), _class_rows(data.manifest))


@subcommand(app, "sketchkit data fetch quickdraw cat pig")
def fetch(
    *,
    source: Literal["quickdraw"] = argument("quickdraw", "Google's Quick, Draw!"),
    classes: list[str] = argument("CLASSES", "What to download.", completion="classes"),
    out: Path | None = option(
        None, "Where to put the files.", flags="--out -o", metavar="FOLDER", usual="the data folder"
    ),
    base_url: str | None = option(None, "The folder to download from.", metavar="URL", usual="Google's"),
    redirect_host: RedirectHosts = None,
    json: Json = False,
    force: Force = False,
) -> None:
    """Download official drawings, or the rest of them."""
    from sketchkit.training.data.fetch import BASE_URL, fetch_quickdraw
    from sketchkit.training.data.manifest import data_folder

    refuse_fields(out, "--out")
    folder = data_folder() / source if out is None else out
    done: list[dict[str, Any]] = []
    for name in dict.fromkeys(classes):
        with progress(f"Downloading {name}") as advance:
            path, fresh = fetch_quickdraw(
                name,
                folder,
                base_url=base_url or BASE_URL,
                overwrite=force,
                redirect_hosts=redirect_host or (),
                progress=advance,
            )
        done.append({"class": name, "path": str(path), "bytes": path.stat().st_size, "downloaded": fresh})
        if not json:
            say(f"{name}: {path}" + ("" if fresh else " (was there already; --force downloads it anew)"))
    if json:
        print_json(done)


@subcommand(app, "sketchkit data prepare cat.ndjson pig.ndjson -o cats-and-pigs")
def prepare(
    *,
    sources: list[str] = argument(
        "SOURCES", "ndjson, bin, npz or SVG files, their URLs, or folders of them."
    ),
    out: Path | None = option(
        None,
        "The data set to make.",
        flags="--out -o",
        metavar="FOLDER",
        usual="called like the first source, in the data folder",
    ),
    recipe: RecipeOptions,
    simplify: Literal["auto", "always", "never"] = option(
        "auto", "Fit to 255 pixels and simplify; auto: what is not so yet."
    ),
    recognized: bool = option(False, "Leave out what Quick, Draw! did not recognise."),
    resplit: bool = option(False, "Split anew what an npz file splits."),
    reserve: float = option(
        0.0,
        "Leave out so much of the train share, for a judge to learn from.",
        metavar="PERCENT",
        low=0,
        high=99,
    ),
    reserved: bool = option(False, "Make the set of what --reserve leaves out."),
    skip_damaged: bool = option(False, "Go on where a file cannot be read on."),
    keep_background: KeepBackground = False,
    json: Json = False,
    force: Force = False,
) -> None:
    """Turn drawings into a data set.

    A drawing's class is what its file says, else the name of the file, or of the folder for an SVG in one.
    """
    chosen = recipe.recipe(
        simplify=simplify,
        resplit=resplit,
        recognized_only=recognized,
        skip_damaged=skip_damaged,
        keep_background=keep_background,
        reserve=reserve,
        reserved_only=reserved,
    )
    from sketchkit.training.data import prepare as make

    refuse_fields(out, "--out")
    target = _default_out(sources[0]) if out is None else out
    with progress("Preparing") as advance:
        made = make(sources, target, chosen, overwrite=force, progress=advance)
    _tell_made(made, json, named=out is not None)


@subcommand(app, "sketchkit data synth -n 2000 --class face --class sun -o shapes")
def synth(
    *,
    out: str = option(
        ..., "A file (.ndjson, .bin, .npz), or else a data set to make.", flags="--out -o", metavar="PATH"
    ),
    n: int = option(1000, "How many drawings.", flags="-n", metavar="N", low=1),
    classes: list[str] | None = option(None, "What to draw.", flags="--class", metavar="NAME", usual="all"),
    seed: int = option(0, "The same seed draws the same.", flags="--seed -s", metavar="N", low=0),
    first: int = option(0, "The index of the first drawing.", metavar="INDEX", low=0),
    recipe: RecipeOptions,
    json: Json = False,
    force: Force = False,
) -> None:
    """Draw simple things: faces, houses, flowers...

    An endless set of our own making: the same seed and number draw the same thing.
    """
    from sketchkit.training.data import prepare_sketches
    from sketchkit.training.data.synthesis import synth as draw

    refuse_fields(out, "--out")
    chosen = recipe.recipe()
    with as_usage():
        drawings = draw(n, seed, classes, first=first)
    with progress("Drawing") as advance:
        counted = _counted(drawings, n, advance)
        if Path(out).suffix:
            _write(counted, out, force)
        else:
            made = prepare_sketches(counted, out, chosen, name=f"synth, seed {seed}", overwrite=force)
    if not Path(out).suffix:
        _tell_made(made, json, named=True)
    elif not json:
        tell_written([out])
    else:
        print_json({"output": out, "drawings": n, "seed": seed, "first": first})


subcommand(app, DISTILL_EXAMPLE)(distill)
subcommand(app, CRITIQUE_EXAMPLE)(critique)


def parse_split(text: str) -> tuple[float, float, float]:
    """`90/5/5` as three shares.

    Raises:
        UsageError: anything else.
    """
    try:
        train, valid, test = map(float, text.split("/"))
    except ValueError:
        raise UsageError(f"{text!r} is not A/B/C, such as 90/5/5", "--split") from None
    return train, valid, test


def _counted(drawings: Iterator[Sketch], n: int, advance: Any) -> Iterator[Sketch]:
    for i, sketch in enumerate(drawings):
        yield sketch
        advance(i + 1, n)


def _write(drawings: Iterator[Sketch], path: str, force: bool) -> None:
    from sketchkit.cli.outputs import check_paths
    from sketchkit.formats import write

    check_paths([path], force)
    write(drawings, path, overwrite=force)


def _default_out(source: str) -> Path:
    """Where a data set goes that nobody gave a place: into the data folder, called like its first source."""
    from sketchkit.formats.streams import stem_of
    from sketchkit.training.data.manifest import data_folder

    folder = data_folder()
    with explain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder / (stem_of(Path(source).resolve()) or "drawings")


# --- data sets in words and as JSON -------------------------------------------------------------------------


def _tell_made(data: Dataset, json: bool, *, named: bool) -> None:
    """Say what has been made: JSON on stdout, or words and a plot on stderr."""
    from sketchkit.training.data.report import report_lines

    if json:
        print_json(_describe(data))
        return
    for line in report_lines(data.manifest, sys.stderr.encoding):
        say(line)
    say(f"wrote {data.path}" if named else f"{data.path.name}: {data.path}")


def _describe(data: Dataset) -> dict[str, Any]:
    """A data set as JSON values."""
    manifest = data.manifest
    return {"path": str(data.path), "fingerprint": manifest.fingerprint, **manifest.to_json()}


def _class_rows(manifest: Manifest) -> list[tuple[str, ...]]:
    """How many drawings of each class the splits hold, for a table."""
    columns = [split.per_class for split in manifest.splits.values()]
    return [(name, *map(str, counts)) for name, *counts in zip(manifest.classes, *columns, strict=True)]


def _find_sets(folder: Path) -> list[dict[str, Any]]:
    """The data sets in a folder, and the files downloaded into it, as JSON values."""
    from sketchkit.training.data.manifest import list_datasets

    sets = [_stored_set(path) for path in list_datasets(folder)]
    with explain_errors(folder):
        there = (p for suffix in ("", ".gz") for p in (folder / "quickdraw").glob(f"*.ndjson{suffix}"))
        files = sorted(p for p in there if not p.name.startswith("."))
        sizes = [path.stat().st_size for path in files]
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


def _say_content(entry: dict[str, Any]) -> str:
    """What an entry of a list holds, in words."""
    if entry["kind"] == "damaged":
        return str(entry["problem"])
    if entry["kind"] == "file":
        return f"{entry['bytes'] / 1e6:.1f} MB"
    splits, classes = entry["drawings"], entry["classes"]
    what = classes[0] if len(classes) == 1 else f"{len(classes)} classes"
    return f"{sum(splits.values())} drawings of {what} ({'/'.join(map(str, splits.values()))})"
