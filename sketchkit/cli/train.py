"""`sketchkit train`: from a data set to a model."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sketchkit.cli.completions import complete_models
from sketchkit.cli.console import print_json, say
from sketchkit.cli.groups import as_usage, refuse_fields
from sketchkit.cli.help import standalone_app
from sketchkit.cli.options import DataName, Device, Force, Json
from sketchkit.cli.signals import code_of_end, stoppable
from sketchkit.cli.training_options import RESUME, TrainCommand, TrainingOptions, said
from sketchkit.errors import InputError
from sketchkit.options import parse_pairs
from sketchkit.settings import read_setting

if TYPE_CHECKING:
    from sketchkit.models import SketchModel
    from sketchkit.training.config import TrainConfig
    from sketchkit.training.data import Dataset
    from sketchkit.training.records import Watcher
    from sketchkit.training.runs import RunInfo
    from sketchkit.training.trainer import WatcherMaker

__all__ = ["EXAMPLE", "app", "parse_duration", "train"]

EXAMPLE = "sketchkit train cats --backend vae --steps 20000 -o cats-vae"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def train(
    *,
    data: DataName,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="The folder of the run.")],
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="paper or released: as they trained.", show_default="see below"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Options from a TOML file; those given here count more."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Begin with the weights, sizes and scale of a model, stored or a file.",
            show_default="fresh weights",
            autocompletion=complete_models,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="[auto]",
            help="Go on with the run where it stopped; auto: begin it where there is none yet.",
            show_default=False,
        ),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Stop after so long: 90s, 30m, 2h, 1d.", show_default="when it is done"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell the size, the work and the time it would take.")
    ] = False,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=1024, help="Of the CPU.", show_default="one for each core"),
    ] = None,
    device: Device = None,
    tensorboard: Annotated[
        bool | None,
        typer.Option(
            "--tensorboard/--no-tensorboard",
            help="Write curves for TensorBoard.",
            show_default="if tensorboardX is there",
        ),
    ] = None,
    json: Json = False,
    force: Force = False,
    settings: TrainingOptions,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-O",
            metavar="NAME=VALUE",
            help="An option of the architecture of a plugin's backend; see below.",
        ),
    ] = None,
) -> None:
    """Train a model on a data set.

    RUN will hold the best and the last model, the logs, sheets of samples and the checkpoints that --resume
    goes on from. Ctrl-C, SIGTERM and SIGHUP save and stop.
    """
    seconds = None if max_time is None else parse_duration(max_time)
    refuse_fields(out, "--out")
    if resume and (dry_run or force):
        raise typer.BadParameter("goes neither with --dry-run nor with --force", param_hint="--resume")
    if resume not in (None, RESUME, "auto"):
        raise typer.BadParameter(f"{resume!r} is not auto", param_hint="--resume")
    for name, given in (("--preset", preset), ("--init", init)):
        if resume == RESUME and given:
            raise typer.BadParameter("a run that goes on keeps its own", param_hint=name)
    with as_usage("--option"):
        architecture = parse_pairs(option or ())
    settled = {**said(settings), "architecture": architecture}
    from sketchkit.training.data import Dataset
    from sketchkit.training.data.manifest import find

    dataset, place = Dataset.open(find(data), verify=False), read_setting("device", device, "auto")
    begun = None if init is None else _loaded(init)
    before = _before(out if resume == RESUME else None, begun, len(dataset.split("train")))
    chosen = _chosen(preset, config, settled, before)
    if dry_run:
        _dry_run(dataset, chosen, place, threads, json)
        return
    going: bool | Literal["auto"] = "auto" if resume == "auto" else resume is not None
    info = _train(dataset, out, chosen, going, seconds, place, threads, tensorboard, force, begun)
    if _speaks():
        say(f"{out}: {info.status} after {info.step:,} step{'s' * (info.step != 1)}" + _advice(info, out))
        if json:
            print_json({"run": str(out), **info.to_json()})
    if info.status == "interrupted":
        raise typer.Exit(code_of_end())


def parse_duration(text: str) -> float:
    """`90s`, `30m`, `1.5h` or `2d` in seconds; a bare number is seconds.

    Raises:
        typer.BadParameter: anything else.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", text.strip().lower())
    if not found:
        raise typer.BadParameter(f"{text!r} is no time, such as 90s, 30m, 2h or 1d", param_hint="--max-time")
    return float(found[1]) * _UNITS[found[2] or "s"]


def _chosen(
    preset: str | None,
    file: Path | None,
    settings: Mapping[str, Any],
    before: Mapping[str, Any],
) -> TrainConfig:
    """The configuration: what is said here, then the file, the model or run before it, and the preset."""
    from sketchkit.training.backends import resolve_config
    from sketchkit.training.config import TrainConfig, read_config

    values = {} if file is None else read_config(file)
    with as_usage():
        made = TrainConfig.made(preset, before, values, settings)
        return resolve_config(made, values.keys() | settings.keys())


def _before(run: Path | None, init: SketchModel | None, drawings: int) -> dict[str, Any]:
    """What the run that goes on, or the model to begin with, says of the configuration."""
    from sketchkit.training.runs import read_run
    from sketchkit.training.transfer import fine_tuning

    if init is not None:
        return fine_tuning(init, drawings)
    return {} if run is None else read_run(run).config.to_json()


def _train(
    dataset: Dataset,
    out: Path,
    chosen: TrainConfig,
    resume: bool | Literal["auto"],
    seconds: float | None,
    device: str,
    threads: int | None,
    tensorboard: bool | None,
    force: bool,
    init: SketchModel | None,
) -> RunInfo:
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out}: there is no folder {out.absolute().parent}")
    from sketchkit.training.trainer import train as run

    makers: list[WatcherMaker] = [partial(_display, chosen.steps, seconds)]
    if tensorboard is not False:
        makers.append(partial(_curves, asked=tensorboard is True))
    with stoppable() as stop:
        info = run(
            dataset,
            out,
            chosen,
            resume=resume,
            overwrite=force,
            device=device,
            threads=threads,
            max_seconds=seconds,
            stop=stop,
            watchers=makers,
            init=init,
        )
    return info


def _speaks() -> bool:
    """Whether this is the only process of the run, or the first of those that `torchrun` has started."""
    return os.environ.get("RANK", "0") == "0"


def _loaded(name: str) -> SketchModel:
    from sketchkit.checkpoints.load import load_model

    return load_model(name, device="cpu")


def _advice(info: RunInfo, out: Path) -> str:
    kind = "best" if (out / "best.safetensors").exists() else "last"
    more = "; --resume goes on" if info.status in ("interrupted", "out-of-time") else ""
    if not more and info.config.backend == "vae":
        more = "; `sketchkit models prior` lets it draw from nothing"
    return f"; the {kind} model is {out / f'{kind}.safetensors'}{more}"


def _display(steps: int, seconds: float | None, folder: Path, step: int) -> Watcher:
    from sketchkit.cli.progress_display import LiveDisplay

    return LiveDisplay(steps, seconds, folder.name)


def _curves(folder: Path, step: int, *, asked: bool) -> Watcher:
    from sketchkit.training.logs import TensorBoardLog
    from sketchkit.training.records import Watchers

    if asked:
        return TensorBoardLog(folder, step)
    return TensorBoardLog.if_possible(folder, step, say) or Watchers()


def _dry_run(dataset: Dataset, chosen: TrainConfig, device: str, threads: int | None, json: bool) -> None:
    from sketchkit.training.estimate import estimate

    found = estimate(dataset, chosen, device=device, threads=threads)
    if json:
        print_json(found.to_json())
        return
    for line in found.lines():
        print(line)


app = standalone_app(train, TrainCommand, EXAMPLE)
