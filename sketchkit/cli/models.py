"""`sketchkit models`: the store of models, and the ways in and out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from sketchkit import registry
from sketchkit.checkpoints.exporters import exporter_class
from sketchkit.cli.console import plain, print_json, print_table, progress, say, tell_written
from sketchkit.cli.groups import name_file
from sketchkit.cli.help import group_app, subcommand
from sketchkit.cli.options import (
    DataName,
    Force,
    Listed,
    RedirectHosts,
    Seed,
    UsageError,
    argument,
    option,
    require_one_class,
)
from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import explain_errors, is_url, shown

__all__ = ["app"]

app = group_app("Models: list, info, import, export, prior, pull, remove.")

#: The suffixes of files that models are read from.
_FILES = (".json", ".js", ".safetensors")
#: Packages that bring exporters, by the name of these and by their suffixes.
_BROUGHT_BY = {"web": "sketchkit-canvas", "html": "sketchkit-canvas"}
#: A model that draws more things than this is listed by the first of them.
_MOST_CLASSES = 3


@subcommand(app, "sketchkit models list", "list")
def list_models(*, json: Listed = False) -> None:
    """List the models: your own, and those that come with sketchkit."""
    from sketchkit.checkpoints.store import folder, stored_models

    stored = stored_models()
    if json:
        print_json([_describe(each) for each in stored])
    elif not stored:
        say(f"no models in {folder()}: `sketchkit models import FILE` or `sketchkit models pull bird`")
    else:
        print_table(("NAME", "BACKEND", "DRAWS", "LENGTH", "FROM"), [_row(each) for each in stored])


@subcommand(app, "sketchkit models info bird")
def info(
    *, name: str = argument("NAME", "A model, or a model's file.", completion="models"), json: Listed = False
) -> None:
    """Show what is known of a model: classes, sizes, licence, origin."""
    described = _describe_named(name)
    if json:
        print_json(described)
        return
    for key, value in _flat(described):
        print(f"{plain(key)}: {plain(value)}")


@subcommand(app, "sketchkit models import bird.gen.json", "import")
def import_model(
    *,
    file: str = argument("FILE", "A .safetensors file, or Magenta's .json or .js."),
    name: str | None = option(None, "What to call it.", metavar="NAME", usual="the model's own name"),
    start: Literal["zeros", "paper"] | None = option(
        None, "The start token: all zeros, or (0,0,1,0,0).", usual="what is known to fit"
    ),
    force: Force = False,
) -> None:
    """Bring a model into the store."""
    from sketchkit.card import PAPER_START, ZERO_START
    from sketchkit.checkpoints.load import import_model as bring

    _check_free(name, force)
    token = None if start is None else {"zeros": ZERO_START, "paper": PAPER_START}[start]
    try:
        chosen, path = bring(file, name, start=token, overwrite=force)
    except InputError as error:
        raise (_own_name_trouble(file) if name is None else None) or error from error
    say(f"{chosen}: {path}")


@subcommand(
    app,
    "sketchkit models export doodle --format web -o drawing.html\n"
    "sketchkit models export doodle-1 --class pig -o pig.gen.json",
)
def export(
    *,
    name: str = argument("NAME", "A model, or a model's file.", completion="models"),
    output: str = option(..., "The file to write.", flags="--output -o", metavar="PATH"),
    format: str | None = option(
        None,
        "What to write: safetensors, json or js for the JavaScript libraries, or a plugin's, such as "
        "sketchkit-canvas's web, a page to send.",
        flags="--format",
        metavar="NAME",
        completion="exporters",
        usual="what the suffix of PATH says",
    ),
    classes: list[str] | None = option(
        None,
        "What a .json or .js file draws, of a model that knows several classes.",
        flags="--class",
        metavar="NAME",
        completion="known_classes",
        usual="whatever it likes",
    ),
    dtype: Literal["float32", "float16", "bfloat16"] | None = option(
        None, "The number type of the weights in a .safetensors file.", usual="as they are"
    ),
    new_name: str | None = option(
        None,
        "What a .safetensors file or a page calls it.",
        flags="--name",
        metavar="NAME",
        usual="its own name",
    ),
    licence: str | None = option(
        None,
        "Under which a .safetensors file or a page may be used.",
        metavar="TEXT",
        usual="what is known of it",
    ),
    force: Force = False,
) -> None:
    """Write a model as a file that others read."""
    from sketchkit.checkpoints import make_exporter
    from sketchkit.cli.outputs import check_paths, send

    exporter, label = (
        _find_exporter(format, output),
        require_one_class(classes, "such a file draws one thing"),
    )
    card = {"name": new_name, "licence": licence}
    fields = {"class_name": label, "dtype": dtype}
    _check_export(exporter, fields, card)
    output = name_file(output, Path(name).name.split(".")[0])
    check_paths([output], force)

    from sketchkit.checkpoints.load import load_model

    model = load_model(name, device="cpu")
    model = model.with_card(**{fact: value for fact, value in card.items() if value is not None})
    writer = make_exporter(exporter, {field: value for field, value in fields.items() if value is not None})
    send(writer.export(model), output, force)
    tell_written([output])


def _find_exporter(format: str | None, output: str) -> str:
    """The name of the exporter that a user means.

    Raises:
        UsageError: an unknown name, or a suffix without an exporter.
    """
    if format is not None:
        if registry.known("exporter", format):
            return format
        known = ", ".join(registry.names("exporter"))
        raise UsageError(
            _brought(format) or f"no model is exported as {format!r}: there are {known}", "--format"
        )
    suffix = _suffix(output)
    for builtin in (True, False):
        for name in registry.plugins_for_suffix("exporter", suffix, builtin=builtin):
            return name
    every = [registry.suffixes_of(exporter_class(name))[:1] for name in registry.names("exporter")]
    known = ", ".join(sorted(suffix for suffixes in every for suffix in suffixes))
    raise UsageError(_brought(suffix.lstrip(".")) or f"a model is exported as one of {known}", "--output")


def _brought(format: str) -> str | None:
    """Which package brings a kind of file, if that is known."""
    package = _BROUGHT_BY.get(format)
    return package and f"{format} files come with the package {package}: pip install {package}"


def _check_export(exporter: str, fields: Mapping[str, str | None], facts: Mapping[str, str | None]) -> None:
    """Refuse options that a file has no room for."""
    made_by = exporter_class(exporter)
    suffix = made_by.suffixes[0]
    if fields["class_name"] is not None and not hasattr(made_by, "class_name"):
        raise UsageError(f"a {suffix} file keeps all classes", "--class")
    flags = {"dtype": (fields["dtype"], hasattr(made_by, "dtype"))}
    flags |= {name: (value, made_by.keeps_card) for name, value in facts.items()}
    for name, (value, has_room) in flags.items():
        if value is not None and not has_room:
            raise UsageError(f"{suffix} files have no room for it", f"--{name}")


@subcommand(
    app,
    "sketchkit models pull bird\n"
    "sketchkit models pull hf://OWNER/NAME@REVISION/model.safetensors\n"
    "sketchkit models pull https://example.org/cats.safetensors --sha256 HEX",
)
def pull(
    *,
    name: str = argument(
        "CLASS",
        "A class of Magenta's, such as bird; or the URL of a .safetensors file: hf://OWNER/NAME, https://, "
        "s3://, gs://.",
        completion="classes",
    ),
    kind: Literal["gen", "vae"] | None = option(
        None, "Of a class: gen finishes drawings, vae encodes and decodes them.", usual="gen"
    ),
    sha256: str | None = option(
        None,
        "The SHA-256 of the file at a URL. hf:// needs none: its commit is recorded.",
        metavar="HEX",
        usual="none",
    ),
    store_as: str | None = option(
        None, "What to call it.", flags="--name", metavar="NAME", usual="the class, or the model's own name"
    ),
    base_url: str | None = option(
        None, "The folder to download a class from.", metavar="URL", usual="Magenta's"
    ),
    redirect_host: RedirectHosts = None,
    force: Force = False,
) -> None:
    """Download a model: one of Magenta's published ones, or a .safetensors file that somebody shares."""
    how: dict[str, Any] = {"overwrite": force, "redirect_hosts": redirect_host or ()}
    if is_url(name):
        if kind or base_url:
            raise UsageError("goes with a class, not with a URL", "--kind" if kind else "--base-url")
        _check_free(store_as, force)
        from sketchkit.checkpoints.pull import pull_file

        with progress("Downloading the model") as report:
            chosen, path = pull_file(name, sha256=sha256, store_as=store_as, progress=report, **how)
    else:
        if sha256:
            raise UsageError("goes with a URL, not with a class", "--sha256")
        chosen = store_as or (f"{name}-vae" if kind == "vae" else name)
        _check_free(chosen, force)
        from sketchkit.checkpoints.pull import BASE_URL, pull_model

        how |= {"kind": kind or "gen", "base_url": base_url or BASE_URL}
        with progress(f"Downloading {name}") as report:
            chosen, path = pull_model(name, store_as=chosen, progress=report, **how)
    say(f"{chosen}: {path}")


@subcommand(app, "sketchkit models remove bird")
def remove(*, name: str = argument("NAME", "A model of your own.", completion="own_models")) -> None:
    """Delete one of your own models."""
    from sketchkit.checkpoints.store import remove as delete

    say(f"removed {delete(name)}")


@subcommand(app, "sketchkit models prior run/best.safetensors birds -o birds.safetensors")
def prior(
    *,
    model: str = argument("NAME", "A stored vae, or a model's file.", completion="models"),
    data: DataName,
    output: str = option(..., "The .safetensors file to write.", flags="--output -o", metavar="PATH"),
    steps: int = option(5_000, "Updates in all.", metavar="N", low=1, high=1_000_000),
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Fit a prior to a vae, so that sample, atlas and interpolate draw what people would draw.

    The flow learns which latent vectors the drawings of a data set have, class by class. It becomes a part of
    the model; encoder and decoder stay as they are.
    """
    from sketchkit.cli.outputs import check_paths, send

    if Path(output).suffix.lower() != ".safetensors":
        raise UsageError("the model is written as .safetensors", "--output")
    output = name_file(output, Path(model).name.split(".")[0])
    check_paths([output], force)
    from sketchkit.training.data import Dataset
    from sketchkit.training.data.manifest import find

    drawings = Dataset.open(find(data))
    from sketchkit.checkpoints.load import load_model
    from sketchkit.checkpoints.native import dump_native
    from sketchkit.training.prior import PriorRecipe, fit_prior

    loaded = load_model(model, device="cpu")
    with progress("Fitting the prior") as report:
        fitted = fit_prior(loaded, drawings, PriorRecipe(steps=steps, seed=seed), report)
    send(dump_native(fitted), output, force)
    tell_written([output])


def _check_free(name: str | None, force: bool) -> None:
    """Refuse an invalid or taken name before the work begins."""
    from sketchkit.checkpoints.store import path_of

    if name is not None and path_of(name).exists() and not force:
        raise InputError(f"a model named {name!r} is stored already; --force overwrites it")


def _own_name_trouble(file: str) -> InputError | None:
    """The fault of the name in a file, if the name is at fault."""
    from sketchkit.checkpoints.load import load_model
    from sketchkit.checkpoints.store import path_of

    name = load_model(Path(file), device="cpu").card.name
    try:
        taken = path_of(name).exists()
    except InputError as error:
        return InputError(f"{shown(file)}: {error}; --name gives it another")
    if not taken:
        return None
    return InputError(
        f"{shown(file)}: a model named {name!r} is stored already; --force overwrites it, "
        "--name stores this one under another name"
    )


def _suffix(path: str) -> str:
    return Path(path).suffix.lower()


def _row(stored: Any) -> tuple[str, ...]:
    origin = "sketchkit" if stored.bundled else "you"
    if stored.header is None:
        return (stored.name, "damaged", stored.problem, "", origin)
    card = stored.header.card
    length = f"{card.max_length} points"
    return (stored.name, stored.header.backend, _shorten(card.classes), length, origin)


def _shorten(words: Sequence[str]) -> str:
    more = len(words) - _MOST_CLASSES
    return ", ".join(words[:_MOST_CLASSES]) + (f" and {more} more" if more > 0 else "")


def _describe_named(name: str) -> dict[str, Any]:
    """A model of the store or a model's file, native or Magenta's, as JSON values."""
    from sketchkit.checkpoints.array_models import find_file
    from sketchkit.checkpoints.arrays import read_header
    from sketchkit.checkpoints.store import SUFFIX, StoredModel, find

    path = find_file(name) if is_url(name) or _suffix(name) in _FILES else find(name)
    if path.suffix.lower() == SUFFIX:
        return _describe(StoredModel(path.stem, path, read_header(path), None))
    from sketchkit.checkpoints.load import load_model

    model = load_model(path, device="cpu")
    return {
        "name": model.card.name,
        "path": str(path),
        "bytes": _size(path),
        "backend": model.backend,
        "architecture": asdict(model.architecture),
        "card": model.card.to_json(),
    }


def _describe(stored: Any) -> dict[str, Any]:
    """A stored model as JSON values."""
    out: dict[str, Any] = {
        "name": stored.name,
        "path": str(stored.path),
        "bytes": _size(stored.path),
        "bundled": stored.bundled,
    }
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
    with explain_errors(path, CheckpointError):
        return path.stat().st_size


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested names joined by dots."""
    out: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            out += _flat(value, f"{prefix}{key}.")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            out.append((f"{prefix}{key}", text))
    return out
