"""`sketchkit train`: from a data set to a model."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sketchkit.cli.console import print_json, say
from sketchkit.cli.groups import as_usage, refuse_fields
from sketchkit.cli.help import standalone_app
from sketchkit.cli.options import DataName, Device, Force, Json, UsageError, option
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


@dataclass(frozen=True)
class RunOptions:
    """A run: where it goes, what it begins with, and when it stops."""

    out: Path = option(..., "The folder of the run.", flags="--out -o", metavar="RUN")
    preset: str | None = option(
        None, "paper or released: as they trained.", metavar="NAME", usual="see below"
    )
    config: Path | None = option(
        None, "Options from a TOML file; those given here count more.", metavar="FILE"
    )
    init: str | None = option(
        None,
        "Begin with the weights, sizes and scale of a model, stored or a file.",
        metavar="MODEL",
        usual="fresh weights",
        completion="models",
    )
    resume: str | None = option(
        None,
        "Go on with the run where it stopped; auto: begin it where there is none yet.",
        metavar="[auto]",
        usual=False,
    )
    max_time: str | None = option(
        None, "Stop after so long: 90s, 30m, 2h, 1d.", metavar="TIME", usual="when it is done"
    )
    dry_run: bool = option(False, "Only tell the size, the work and the time it would take.")
    threads: int | None = option(
        None, "Of the CPU.", metavar="N", low=1, high=1024, usual="one for each core"
    )
    device: Device = None
    tensorboard: bool | None = option(
        None,
        "Write curves for TensorBoard.",
        flags="--tensorboard/--no-tensorboard",
        usual="if tensorboardX is there",
    )
    json: Json = False
    force: Force = False

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            UsageError: the first of them.
        """
        refuse_fields(self.out, "--out")
        if self.resume and (self.dry_run or self.force):
            raise UsageError("goes neither with --dry-run nor with --force", "--resume")
        if self.resume not in (None, RESUME, "auto"):
            raise UsageError(f"{self.resume!r} is not auto", "--resume")
        for name, given in (("--preset", self.preset), ("--init", self.init)):
            if self.resume == RESUME and given:
                raise UsageError("a run that goes on keeps its own", name)


def train(
    *,
    data: DataName,
    run: RunOptions,
    settings: TrainingOptions,
    architecture: list[str] | None = option(
        None,
        "An option of the architecture of a plugin's backend; see below.",
        flags="--option -O",
        metavar="NAME=VALUE",
    ),
) -> None:
    """Train a model on a data set.

    RUN will hold the best and the last model, the logs, sheets of samples and the checkpoints that --resume
    goes on from. Ctrl-C, SIGTERM and SIGHUP save and stop.
    """
    seconds = None if run.max_time is None else parse_duration(run.max_time)
    run.check()
    with as_usage("--option"):
        settled = {**said(settings), "architecture": parse_pairs(architecture or ())}
    from sketchkit.training.data import Dataset
    from sketchkit.training.data.manifest import find

    dataset, device = Dataset.open(find(data), verify=False), read_setting("device", run.device, "auto")
    begun = None if run.init is None else _loaded(run.init)
    before = _before(run.out if run.resume == RESUME else None, begun, len(dataset.split("train")))
    chosen = _chosen(run.preset, run.config, settled, before)
    if run.dry_run:
        _dry_run(dataset, chosen, device, run.threads, run.json)
        return
    info = _train(dataset, run, chosen, seconds, device, begun)
    if _speaks():
        steps = f"{info.step:,} step{'s' * (info.step != 1)}"
        say(f"{run.out}: {info.status} after {steps}{_advice(info, run.out)}")
        if run.json:
            print_json({"run": str(run.out), **info.to_json()})
    if info.status == "interrupted":
        raise typer.Exit(code_of_end())


def parse_duration(text: str) -> float:
    """`90s`, `30m`, `1.5h` or `2d` in seconds; a bare number is seconds.

    Raises:
        UsageError: anything else.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", text.strip().lower())
    if not found:
        raise UsageError(f"{text!r} is no time, such as 90s, 30m, 2h or 1d", "--max-time")
    return float(found[1]) * _UNITS[found[2] or "s"]


def _chosen(
    preset: str | None, file: Path | None, settings: Mapping[str, Any], before: Mapping[str, Any]
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
    run: RunOptions,
    chosen: TrainConfig,
    seconds: float | None,
    device: str,
    init: SketchModel | None,
) -> RunInfo:
    folder = run.out.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{run.out}: there is no folder {folder}")
    from sketchkit.training.trainer import train as begin

    makers: list[WatcherMaker] = [partial(_display, chosen.steps, seconds)]
    if run.tensorboard is not False:
        makers.append(partial(_curves, asked=run.tensorboard is True))
    with stoppable() as stop:
        return begin(
            dataset,
            run.out,
            chosen,
            resume="auto" if run.resume == "auto" else run.resume is not None,
            overwrite=run.force,
            device=device,
            threads=run.threads,
            max_seconds=seconds,
            stop=stop,
            watchers=makers,
            init=init,
        )


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
