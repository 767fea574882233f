"""`train`: from a data set to a run's folder with a model in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
#: Watchers that need to know from which step a run goes on, made when that is known.
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
        data: what to learn from.
        folder: of the run; see `sketchkit.training.runs` for what it will hold.
        config: how, with any backend that is installed; under `resume` only what `runs.CHANGEABLE` names may
            differ from the run's own, and None takes that. The defaults when None otherwise.
        resume: go on from the newest whole checkpoint of the folder; to the last bit as if it had never
            stopped, on the same machine. `auto` begins where the folder holds no run, and goes on where it
            holds this very one.
        overwrite: whether a run in the folder may be replaced.
        device: `auto` or one of torch's.
        threads: of the CPU; torch's own number when None, and under `resume` the run's.
        max_seconds: after how long to stop, in this session; the run is evaluated then.
        stop: asked after every update.
        watchers: made with the folder and the step that the run goes on from; told how it goes.
        init: begin with its weights, scale factor and start token instead of fresh ones; of the sizes that
            the configuration says (`backends.sizes_of`), with these or other classes. Under `resume`
            only with `auto`.

    Returns:
        What the run's folder says of it now.

    Raises:
        InputError: nothing to learn from, a folder that is taken, no room on the disk, no finite loss.
        CheckpointError: a run whose checkpoints are all damaged, or that belongs to other data.
    """
    place = Path(folder)
    config = None if config is None else resolve_config(config)
    with join_processes(resolve_device(device)) as processes:
        info, again = _prepare(
            place, data, config, processes, resume=resume, overwrite=overwrite, threads=threads, init=init
        )
        if info.status != "running":
            return info
        if processes.device.type == "cpu":
            keep_memory()
        with threads_set(info.threads):
            asked = _stopping(stop, max_seconds)
            return _run(place, data, info, processes, again, asked, watchers, init)


def _prepare(
    folder: Path,
    data: Dataset,
    config: TrainConfig | None,
    processes: Processes,
    *,
    resume: bool | Literal["auto"],
    overwrite: bool,
    threads: int | None,
    init: SketchModel | None,
) -> tuple[RunInfo, bool]:
    """What the run is, and whether it was there already; its folder is there in the end."""
    found: tuple[RunInfo, bool] | SketchkitError | None = None
    if processes.first:
        try:
            again = runs.is_run(folder) if resume == "auto" else resume
            if resume == "auto" and again:
                info = _find_same(folder, data, config or resolve_config(TrainConfig()), threads, init)
            elif again:
                info = _continue(folder, data, config, threads)
            else:
                info = _begin(data, config or resolve_config(TrainConfig()), threads, init)
                runs.begin(folder, overwrite=overwrite)
                runs.write_run(folder, info)
            found = info, again
        except SketchkitError as error:
            found = error
    found = processes.share(found)
    if isinstance(found, SketchkitError):
        raise found  # in every process, so that none waits for the others
    assert found is not None
    return found


def _begin(data: Dataset, config: TrainConfig, threads: int | None, init: SketchModel | None) -> RunInfo:
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
        threads=threads or torch.get_num_threads(),
        parameters=sum(p.numel() for p in model.parameters()),
        versions={"sketchkit": __version__, "torch": str(torch.__version__), "numpy": np.__version__},
        init=None if init is None else _origin(init),
    )


def _origin(model: SketchModel) -> dict[str, Any]:
    card = model.card
    return {
        "name": card.name,
        "blake2b": model.weights_checksum(),
        "scale_factor": card.scale_factor,
        "start": list(card.start),
    }


def _continue(folder: Path, data: Dataset, config: TrainConfig | None, threads: int | None) -> RunInfo:
    info = runs.read_run(folder)
    if data.manifest.fingerprint != info.data["fingerprint"]:
        raise InputError(f"{shown(folder)}: the run learns from other data than {shown(data.path)}")
    if config is not None:
        for name, (before, after) in _changes(info.config, config).items():
            if name not in runs.CHANGEABLE:
                raise InputError(
                    f"{shown(folder)}: a run that goes on cannot change {name} from {before} to {after}"
                )
        info = replace(info, config=config)
    if threads is not None:
        info = replace(info, threads=threads)
    return replace(info, status="running")


def _find_same(
    folder: Path, data: Dataset, config: TrainConfig, threads: int | None, init: SketchModel | None
) -> RunInfo:
    """The run that a folder holds, if it is the one that would begin now; as it ended if it stopped early."""
    there = runs.read_run(folder)
    begun = None if init is None else _origin(init)
    before = None if there.init is None else {"start": list(PAPER_START), **there.init}
    if before != begun:
        words = [f"with {each['name']!r}" if each else "with fresh weights" for each in (there.init, begun)]
        if words[0] == words[1]:
            words[0] = "with other weights"
        raise InputError(f"{shown(folder)}: holds another run, which began {words[0]}, not {words[1]}")
    info = _continue(folder, data, config, threads)
    return there if there.status == "stopped-early" and info.config == there.config else info


def _changes(before: TrainConfig, after: TrainConfig) -> dict[str, tuple[Any, Any]]:
    """What differs between two configurations, by name; the parts of an architecture each by its own."""
    was, now = ({**vars(config), **config.architecture} for config in (before, after))
    names = (was.keys() | now.keys()) - {"architecture"}
    both = {name: (was.get(name), now.get(name)) for name in sorted(names)}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def _run(
    folder: Path,
    data: Dataset,
    info: RunInfo,
    processes: Processes,
    resume: bool,
    stop: Stop,
    makers: Sequence[WatcherMaker],
    init: SketchModel | None,
) -> RunInfo:
    card = card_of(data, folder.resolve().name, info.nmax)
    model = build(info.config, replace(card, scale_factor=info.scale_factor, start=info.start))
    keeper = _Keeper(folder, data, info)
    if init is not None:
        if not resume:
            keeper.note(summary(model, init))
        take_weights(model, init, info.config.seed)
    model = model.to(processes.device).train()
    loop = Loop(data, info.config, info.nmax, model, folder, info.identity, processes, keeper, keeper.keep)
    with keeper.closing():
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
                loop.save()  # what the run began with cannot be computed again
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
    """Leave the last model, and how it ended; of a run that failed, as much of it as the disk takes."""
    try:
        runs.write_run(folder, info)
        if info.status != "failed":
            model.with_card(**_describe_training(model.card, info)).save(folder / LAST_NAME)
    except InputError:
        if info.status != "failed":
            raise


class _Keeper(Watcher):
    """Keeps what a run leaves behind at every evaluation, and passes on what is said.

    Args:
        folder: of the run.
        data: with the validation drawings of the sheets.
        info: of the run.
    """

    def __init__(self, folder: Path, data: Dataset, info: RunInfo) -> None:
        self.folder, self.info = folder, info
        self.sheets = Sheets(folder, info.config, data.split("valid"))
        self._watchers: Watchers | None = None
        self._early: list[str] = []

    def open(self, makers: Sequence[WatcherMaker], step: int, resume: bool) -> None:
        """Let the watchers listen, the log first; what was said before is told them now."""
        log: Watcher = CsvLog.rewound(self.folder, step) if resume else CsvLog(self.folder)
        self._watchers = Watchers(log)
        self._watchers = Watchers(log, *(make(self.folder, step) for make in makers))
        for text in self._early:
            self._watchers.note(text)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Close the watchers in the end."""
        try:
            yield
        finally:
            self.close()

    def keep(self, model: SketchModel, step: int, found: Validation | None, best: bool) -> None:
        """Keep the best model, and draw a sheet."""
        if best:
            trained = _describe_training(model.card, replace(self.info, step=step), found)
            card = model.card
            model.with_card(**trained).save(self.folder / BEST_NAME)
            model.card = card
        said = self.sheets(model, step)
        if said is not None:
            self.note(said)

    def step(self, record: Any) -> None:
        """Pass it on."""
        if self._watchers is not None:
            self._watchers.step(record)

    def evaluation(self, record: Any) -> None:
        """Pass it on."""
        if self._watchers is not None:
            self._watchers.evaluation(record)

    def note(self, text: str) -> None:
        """Pass it on, or keep it until somebody listens."""
        if self._watchers is None:
            self._early.append(text)
        else:
            self._watchers.note(text)

    def close(self) -> None:
        """Close the watchers."""
        if self._watchers is not None:
            self._watchers.close()


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
    """What a card says of the training."""
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
