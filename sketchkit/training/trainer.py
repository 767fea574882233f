"""`train`: from a data set to a run's folder with a model in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from sketchkit._version import __version__
from sketchkit.card import PAPER_START, ModelCard
from sketchkit.devices import fast_bfloat16, own_numbers, resolve_device, without_weights
from sketchkit.errors import InputError, SketchkitError
from sketchkit.files import shown
from sketchkit.models import SketchModel
from sketchkit.training import runs
from sketchkit.training.backends import build, resolve_config
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import Dataset
from sketchkit.training.logs import CsvLog
from sketchkit.training.loop import Loop, Stop
from sketchkit.training.objective import Validation
from sketchkit.training.processes import Processes, join_processes, keep_memory
from sketchkit.training.records import Watcher, Watchers
from sketchkit.training.runs import RunInfo
from sketchkit.training.sheets import Sheets
from sketchkit.training.transfer import check_fit, summary, take_weights

__all__ = ["Stop", "WatcherMaker", "card_of", "threads_set", "train"]

BEST_NAME, LAST_NAME = "best.safetensors", "last.safetensors"
#: Makes a watcher from the folder and the step that a run goes on from.
WatcherMaker = Callable[[Path, int], Watcher]


@own_numbers()
@torch.inference_mode(False)
def train(
    data: Dataset,
    folder: str | Path,
    config: TrainConfig | None = None,
    *,
    resume: bool | Literal["auto"] = False,
    overwrite: bool = False,
    device: str = "auto",
    threads: int | None = None,
    max_seconds: float | None = None,
    stop: Stop | None = None,
    watchers: Sequence[WatcherMaker] = (),
    init: SketchModel | None = None,
) -> RunInfo:
    """Train a model, or go on with a run.

    Args:
        data: the drawings.
        folder: of the run; see `sketchkit.training.runs`.
        config: how; under `resume` only the options in `runs.CHANGEABLE` may differ from the run's own, which
            None takes. The defaults when None otherwise.
        resume: go on from the newest whole checkpoint of the folder; to the last bit as if it had never
            stopped, on the same machine. `auto` begins where the folder holds no run, and goes on where it
            holds this very one.
        overwrite: whether a run in the folder may be replaced.
        device: `auto` or one of torch's.
        threads: of the CPU; torch's own number when None, and under `resume` the run's.
        max_seconds: after how long to stop, in this session; the run is evaluated then.
        stop: asked after every update.
        watchers: made with the folder and the step that the run goes on from; they get the records.
        init: a model whose weights, scale factor and start token are taken; its sizes are those of the
            configuration (`backends.sizes_of`), its classes may differ. Under `resume` only with `auto`.

    Returns:
        The contents of `run.json` in the end.

    Raises:
        InputError: a data set without drawings, a folder that is taken, a full disk, losses that are not
            finite.
        CheckpointError: a run whose checkpoints are all damaged, or that belongs to other data.
    """
    plan = _Plan(data, Path(folder), None if config is None else resolve_config(config), threads, init)
    with join_processes(resolve_device(device)) as processes:
        info, again = plan.prepare(processes, resume, overwrite)
        if info.status != "running":
            return info
        if processes.device.type == "cpu":
            keep_memory()
        with threads_set(info.threads):
            return _run(plan, info, processes, again, _stopping(stop, max_seconds), watchers)


@dataclass(frozen=True)
class _Plan:
    """The arguments of `train` that describe a run."""

    data: Dataset
    folder: Path
    config: TrainConfig | None
    threads: int | None
    init: SketchModel | None

    def prepare(
        self, processes: Processes, resume: bool | Literal["auto"], overwrite: bool
    ) -> tuple[RunInfo, bool]:
        """The run, and whether it was there already; its folder is there in the end."""
        found: tuple[RunInfo, bool] | SketchkitError | None = None
        if processes.first:
            try:
                found = self._prepare(resume, overwrite)
            except SketchkitError as error:
                found = error
        found = processes.share(found)
        if isinstance(found, SketchkitError):
            raise found  # in every process: the others would wait
        assert found is not None
        return found

    def _prepare(self, resume: bool | Literal["auto"], overwrite: bool) -> tuple[RunInfo, bool]:
        again = runs.is_run(self.folder) if resume == "auto" else resume
        if again:
            return (self.find_same() if resume == "auto" else self.go_on(self.config)), True
        info = self.begin()
        runs.begin(self.folder, overwrite=overwrite)
        runs.write_run(self.folder, info)
        return info, False

    def begin(self) -> RunInfo:
        """A new run."""
        data, init, config = self.data, self.init, self.config or resolve_config(TrainConfig())
        if not len(data.split("train")):
            raise InputError(f"{shown(data.path)}: the data set has no drawings to train on")
        with without_weights():
            model = build(config, card_of(data, "unnamed", 1))
        if init is not None:
            check_fit(model, init)
        return RunInfo(
            config=config,
            data=runs.describe_data(data),
            nmax=config.nmax or max(data.max_length, 0 if init is None else init.card.max_length),
            threads=self.threads or torch.get_num_threads(),
            parameters=sum(p.numel() for p in model.parameters()),
            versions={"sketchkit": __version__, "torch": str(torch.__version__), "numpy": np.__version__},
            init=None if init is None else _origin(init),
        )

    def go_on(self, config: TrainConfig | None) -> RunInfo:
        """The run of the folder, which may change only a few options."""
        place, info = shown(self.folder), runs.read_run(self.folder)
        if self.data.manifest.fingerprint != info.data["fingerprint"]:
            raise InputError(f"{place}: the run learns from other data than {shown(self.data.path)}")
        if config is not None:
            for name, (before, after) in _changes(info.config, config).items():
                if name not in runs.CHANGEABLE:
                    raise InputError(
                        f"{place}: a run that goes on cannot change {name} from {before} to {after}"
                    )
            info = replace(info, config=config)
        return replace(info, status="running", threads=info.threads if self.threads is None else self.threads)

    def find_same(self) -> RunInfo:
        """The run of the folder, if it is the one that would begin now; as it ended if it stopped early."""
        there = runs.read_run(self.folder)
        begun = None if self.init is None else _origin(self.init)
        before = None if there.init is None else {"start": list(PAPER_START), **there.init}
        if before != begun:
            words = [
                f"with {each['name']!r}" if each else "with fresh weights" for each in (there.init, begun)
            ]
            if words[0] == words[1]:
                words[0] = "with other weights"
            raise InputError(
                f"{shown(self.folder)}: holds another run, which began {words[0]}, not {words[1]}"
            )
        info = self.go_on(self.config or resolve_config(TrainConfig()))
        return there if there.status == "stopped-early" and info.config == there.config else info


def _origin(model: SketchModel) -> dict[str, Any]:
    card = model.card
    return {
        "name": card.name,
        "blake2b": model.weights_checksum(),
        "scale_factor": card.scale_factor,
        "start": list(card.start),
    }


def _changes(before: TrainConfig, after: TrainConfig) -> dict[str, tuple[Any, Any]]:
    """The differences of two configurations by name, those of an architecture one by one."""
    was, now = ({**vars(config), **config.architecture} for config in (before, after))
    names = (was.keys() | now.keys()) - {"architecture"}
    both = {name: (was.get(name), now.get(name)) for name in sorted(names)}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def _run(
    plan: _Plan,
    info: RunInfo,
    processes: Processes,
    resume: bool,
    stop: Stop,
    makers: Sequence[WatcherMaker],
) -> RunInfo:
    folder, data, init = plan.folder, plan.data, plan.init
    card = card_of(data, folder.resolve().name, info.nmax)
    model = build(info.config, replace(card, scale_factor=info.scale_factor, start=info.start))
    keeper = _Keeper(folder, data, info)
    if init is not None:
        if not resume:
            keeper.note(summary(model, init))
        take_weights(model, init, info.config.seed)
    model = model.to(processes.device).train()
    loop = Loop(data, info.config, info.nmax, model, folder, info.identity, processes, keeper, keeper.keep)
    with closing(keeper):
        if resume:
            loop.resume()
        if processes.first:
            keeper.open(makers, loop.progress.step, resume)
            if info.config.precision == "bfloat16" and fast_bfloat16(processes.device) is False:
                keeper.note("this device has no products in bfloat16 of its own: float32 would be faster")
            if not len(loop.valid):
                keeper.note("the data set has no drawings to validate with: no model will be the best")
            runs.write_run(folder, replace(info, step=loop.progress.step))
            if init is not None and not resume:
                loop.save()  # the first weights cannot be computed again
        else:
            loop.watcher = None
        status = "failed"
        try:
            status = loop.run(stop) if loop.progress.step < info.config.steps else "finished"
        finally:
            info = replace(info, status=status, step=loop.progress.step)
            if processes.first:
                _finish(folder, info, loop.state.shown)
    return info


def _finish(folder: Path, info: RunInfo, model: SketchModel) -> None:
    """Write the last model and the status; a run that failed ignores errors on the way."""
    try:
        runs.write_run(folder, info)
        if info.status != "failed":
            model.with_card(**_describe_training(model.card, info)).save(folder / LAST_NAME)
    except InputError:
        if info.status != "failed":
            raise


class _Keeper(Watchers):
    """Keeps the best model and draws sheets, and passes on records and notes."""

    def __init__(self, folder: Path, data: Dataset, info: RunInfo) -> None:
        super().__init__()
        self.folder, self.info = folder, info
        self.sheets = Sheets(folder, info.config, data.split("valid"))
        self._early: list[str] | None = []

    def open(self, makers: Sequence[WatcherMaker], step: int, resume: bool) -> None:
        """Let the watchers listen, the log first, and give them the notes of before."""
        log: Watcher = CsvLog.rewound(self.folder, step) if resume else CsvLog(self.folder)
        self._watchers = (log,)
        self._watchers = (log, *(make(self.folder, step) for make in makers))
        early, self._early = self._early or [], None
        for text in early:
            self.note(text)

    def note(self, text: str) -> None:
        """Pass it on, or keep it until there are watchers."""
        if self._early is None:
            super().note(text)
        else:
            self._early.append(text)

    def keep(self, model: SketchModel, step: int, found: Validation | None, best: bool) -> None:
        """Keep the best model, and draw a sheet."""
        if best:
            card = model.card
            trained = _describe_training(card, replace(self.info, step=step), found)
            model.with_card(**trained).save(self.folder / BEST_NAME)
            model.card = card
        said = self.sheets(model, step)
        if said is not None:
            self.note(said)


def card_of(data: Dataset, name: str, nmax: int) -> ModelCard:
    """The card of a model that learns from a data set."""
    return ModelCard(
        name=name or "unnamed",
        scale_factor=data.scale_factor,
        max_length=max(nmax, 1),
        start=PAPER_START,
        classes=data.classes,
    )


def _describe_training(card: ModelCard, info: RunInfo, found: Validation | None = None) -> Mapping[str, Any]:
    """The changes of a card that record the training."""
    measured: dict[str, Any] = {}
    if found is not None:
        weighted = {name: each for name, each in found.terms.items() if name in info.config.loss_weights}
        measured = {f"validation_{name}": each for name, each in weighted.items()}
        measured["validation_nll_per_point"] = found.nll_per_point
    return {
        "provenance": {
            **card.provenance,
            "trained_by": f"sketchkit {__version__}",
            "step": info.step,
            **({} if info.init is None else {"began_with": dict(info.init)}),
            "config": info.config.to_json(),
            "data": {k: info.data[k] for k in ("fingerprint", "sources", "drawings") if k in info.data},
            **measured,
        }
    }


def _stopping(stop: Stop | None, max_seconds: float | None) -> Stop:
    deadline = None if max_seconds is None else time.monotonic() + max_seconds

    def ask() -> str | None:
        said = None if stop is None else stop()
        if said is None and deadline is not None and time.monotonic() >= deadline:
            return "out-of-time"
        return said

    return ask


@contextmanager
def threads_set(number: int) -> Iterator[None]:
    """Let torch compute on so many threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
