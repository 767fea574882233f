"""`sketchkit evaluate`: hold a model against drawings that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sketchkit.cli.console import print_json, progress, tell_written, write_stdout
from sketchkit.cli.groups import as_usage, name_file, parse_temperatures
from sketchkit.cli.help import SamplerCommand, standalone_app
from sketchkit.cli.options import (
    LARGEST_NUMBER,
    DataName,
    Device,
    Force,
    Listed,
    UsageError,
    argument,
    option,
    require_one_class,
)
from sketchkit.errors import InputError
from sketchkit.settings import read_setting

if TYPE_CHECKING:
    from sketchkit.evaluate import Report

__all__ = ["EXAMPLE", "app", "evaluate"]

EXAMPLE = "sketchkit evaluate bird birds --temperature 0.25,0.5 -o report.md"
#: What a report can be written as.
_SUFFIXES = (".md", ".json")
_SEVERAL = "0.25"


@dataclass(frozen=True)
class MeasureOptions:
    """What is measured, and how closely."""

    split: Literal["train", "valid", "test"] = option("test", "Which drawings of it.")
    classes: list[str] | None = option(
        None, "Only this class, and samples of it.", flags="--class", metavar="NAME", usual="all"
    )
    limit: int | None = option(None, "The most drawings, chosen by chance.", metavar="N", low=1, usual="all")
    samples: int = option(1000, "How many to draw; 0 measures the likelihood alone.", metavar="N", low=0)
    temperature: list[str] | None = option(
        None,
        "How daring; several, with commas or again.",
        flags="--temperature -t",
        metavar="TAU",
        usual=_SEVERAL,
    )
    sampler: str = option(
        "temperature", "How the next point is chosen; see below.", metavar="NAME", completion="samplers"
    )
    sampler_options: list[str] | None = option(
        None, "An option of the sampler; see below.", flags="--option -O", metavar="NAME=VALUE"
    )
    seed: int = option(
        0, "The same seed finds the same.", flags="--seed -s", metavar="N", low=0, high=LARGEST_NUMBER
    )
    bootstrap: int = option(1000, "Resamples for the intervals; 0 for none.", metavar="N", low=0)
    nmax: int | None = option(
        None,
        "What L_R is divided by.",
        metavar="N",
        low=1,
        usual="the longest drawing of DATA, without its end",
    )
    recogniser: Path | None = option(None, "That judges looks.", metavar="FILE", usual="sketchkit's own")


def evaluate(
    *,
    model: str = argument("MODEL", "A stored model, or a model's file.", completion="models"),
    data: DataName,
    chosen: MeasureOptions,
    device: Device = None,
    output: str | None = option(
        None, "A .md or .json to write.", flags="--output -o", metavar="PATH", usual="stdout"
    ),
    json: Listed = False,
    force: Force = False,
) -> None:
    """Measure how good a model is, on drawings it has not seen.

    What they cost it (NLL, L_R, L_KL), and how its samples compare with them: length, look, recognition. In
    brackets stand 95 % intervals.
    """
    from sketchkit import options as plugins
    from sketchkit.cli.outputs import check_paths
    from sketchkit.sampling import make_sampler
    from sketchkit.training.data import Dataset
    from sketchkit.training.data.manifest import find

    temperatures = parse_temperatures(chosen.temperature or [_SEVERAL])
    label = require_one_class(chosen.classes, "a report is of one class, or of all")
    with as_usage():
        values = plugins.parse_pairs(chosen.sampler_options or [])
        if "temperature" in values:
            raise InputError("--temperature says how daring, not -O temperature")
        for each in temperatures:
            make_sampler(chosen.sampler, each, values)
    suffix = _suffix(output)
    if output is not None:
        output = name_file(output, Path(data).stem)
        check_paths([output], force)
    place = read_setting("device", device, "auto")
    held_out = Dataset.open(find(data), verify=False)

    # The first import of torch: nothing that a user can get wrong should have to wait for it.
    from sketchkit.checkpoints.load import load_model
    from sketchkit.evaluate import Choices, load_recogniser
    from sketchkit.evaluate import evaluate as measure

    choices = Choices(
        split=chosen.split,
        class_name=label,
        limit=chosen.limit,
        samples=chosen.samples,
        temperatures=temperatures,
        sampler=chosen.sampler,
        options=values,
        seed=chosen.seed,
        resamples=chosen.bootstrap,
        nmax=chosen.nmax,
    )
    judge = None if chosen.recogniser is None else load_recogniser(chosen.recogniser)
    report = measure(load_model(model, device=place), held_out, choices, recogniser=judge, stage=progress)
    if output is not None:
        _write(report, output, suffix, force)
    if json:
        print_json(report.to_json())
    elif output is not None:
        tell_written([output])
    else:
        write_stdout(report.to_markdown().encode())


def _suffix(output: str | None) -> str:
    """The suffix of a report, which says what it is written as."""
    suffix = Path(output or "").suffix.lower()
    if output is not None and suffix not in _SUFFIXES:
        raise UsageError(f"a report is one of {', '.join(_SUFFIXES)}", "--output")
    return suffix


def _write(report: Report, output: str, suffix: str, force: bool) -> None:
    from sketchkit.cli.console import json_bytes
    from sketchkit.cli.outputs import send

    content = report.to_markdown().encode() if suffix == ".md" else json_bytes(report.to_json())
    send(content, output, force)


app = standalone_app(evaluate, SamplerCommand, EXAMPLE)
