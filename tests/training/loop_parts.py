"""A small data set, a small configuration, and runs of it: in this process, in another, in several."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from forks import Fork, run_code, run_torchrun

from sketchkit.training import TrainConfig, train
from sketchkit.training.data import Dataset, prepare_sketches, synth
from sketchkit.training.logs import read_log
from sketchkit.training.records import EvaluationRecord, StepRecord
from sketchkit.training.runs import RunInfo

TINY: dict[str, Any] = {
    "hidden": 12,
    "encoder_hidden": 6,
    "latent": 4,
    "mixtures": 2,
    "embedding": 3,
    "batch_size": 6,
    "classes": True,
    "steps": 24,
    "evaluate_every": 10,
    "save_every": 4,
    "log_every": 1,
    "grid": 0,
    "ema": 0.9,
}


def small_data(folder: Path, n: int = 60) -> Dataset:
    """Faces and suns in a data set."""
    return prepare_sketches(synth(n, seed=3, classes=["face", "sun"]), folder)


def tiny(**changes: Any) -> TrainConfig:
    """The small configuration, changed."""
    return TrainConfig.made(None, TINY, changes)


class Ear:
    """Remembers all that a run says."""

    def __init__(self) -> None:
        self.steps: list[StepRecord] = []
        self.evaluations: list[EvaluationRecord] = []
        self.notes: list[str] = []
        self.closed = 0

    def made(self, folder: Path, step: int) -> Ear:
        """As a maker of watchers."""
        return self

    def step(self, record: StepRecord) -> None:
        self.steps.append(record)

    def evaluation(self, record: EvaluationRecord) -> None:
        self.evaluations.append(record)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def close(self) -> None:
        self.closed += 1


def run_tiny(data: Dataset, folder: Path, ear: Ear | None = None, **more: Any) -> RunInfo:
    """Train with the small configuration; `config` changes it, everything else is for `train`."""
    config = tiny(**more.pop("config", {}))
    makers = [ear.made] if ear else []
    return train(data, folder, config, device="cpu", threads=1, watchers=makers, **more)


def losses(folder: Path) -> list[tuple[float, ...]]:
    """Everything in the logs that must not change by a bit: each step's and each evaluation's numbers."""
    log = read_log(folder)
    terms, weights = log.train.terms, [f"{name}_weight" for name in log.train.terms_with_weight]
    names = ("step", "loss", *terms, *weights, "learning_rate", "gradient_norm", "points", "skipped")
    rows = [tuple(float(log.train[name][i]) for name in names) for i in range(len(log.train))]
    valid = ("step", "loss", *log.valid.terms, "nll_per_point", "best")
    return rows + [tuple(float(log.valid[name][i]) for name in valid) for i in range(len(log.valid))]


# What another process runs: train or go on, perhaps dying at the n-th touch of a checkpoint's files.
SCRIPT = """
import os, signal, sys, json
import torch
torch.set_num_threads(1)
from pathlib import Path
from sketchkit.training import TrainConfig, train
from sketchkit.training.data import Dataset
from sketchkit.training import checkpointing

folder, data, config, die_at = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
touches = 0

def touched(*_):
    global touches
    touches += 1
    if touches == die_at:
        os.kill(os.getpid(), signal.SIGKILL)

if die_at:
    real = checkpointing.atomic_write
    class Dying:
        def __init__(self, stream): self.stream = stream
        def write(self, data):
            self.stream.write(data[: len(data) // 2]); self.stream.flush(); touched()
            self.stream.write(data[len(data) // 2 :])
        def __getattr__(self, name): return getattr(self.stream, name)
    from contextlib import contextmanager
    @contextmanager
    def dying(path, **more):
        touched()
        with real(path, **more) as stream:
            yield Dying(stream)
            touched()
        touched()
    checkpointing.atomic_write = dying
    unlink = os.unlink
    def dying_unlink(path, **more):
        if "checkpoints" in str(path): touched()
        unlink(path, **more)
    checkpointing.os.unlink = dying_unlink
resume = (folder / "run.json").exists()
config = TrainConfig.made(None, config)
data = Dataset.open(data, verify=False)
print(train(data, folder, config, resume=resume, threads=1, device="cpu").status, flush=True)
"""


def start(data: Dataset, folder: Path, config: TrainConfig, die_at: int = 0, **more: Any) -> Fork:
    """Train in another process, or go on there; with `die_at` it kills itself while it saves."""
    return Fork(run_code, SCRIPT, _arguments(data, folder, config, die_at), **more)


def several(
    count: int, data: Dataset, folder: Path, config: TrainConfig, *, forked: bool = True
) -> list[tuple[int, str]]:
    """Train in several processes, as `torchrun` starts them; their exit codes and what they said.

    Args:
        count: of the processes.
        data: what they learn from.
        folder: of the run.
        config: of the run.
        forked: whether all are forks; else the first begins from nothing and ends as Python ends.
    """
    processes: list[Fork | subprocess.Popen[str]] = []
    for variables in torchrun_variables(count):
        if forked or processes:
            processes.append(start(data, folder, config, environment=variables))
        else:
            words = [sys.executable, "-c", SCRIPT, *_arguments(data, folder, config)]
            piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            processes.append(subprocess.Popen(words, env={**os.environ, **variables}, **piped))
    said = ["".join(process.communicate(timeout=600)) for process in processes]
    return [(process.returncode or 0, text) for process, text in zip(processes, said, strict=True)]


def torchrun_variables(count: int) -> list[dict[str, str]]:
    """What `torchrun` tells each of several processes."""
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    return [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


def _arguments(data: Dataset, folder: Path, config: TrainConfig, die_at: int = 0) -> list[str]:
    return [str(folder), str(data.path), json.dumps(config.to_json()), str(die_at)]


# What a worker of a group runs: the process that speaks kills itself the first time it comes to a step.
WORKER = """
import json, os, signal, sys
from pathlib import Path
from sketchkit.training import TrainConfig, train
from sketchkit.training.data import Dataset

folder, data, config, die_at = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])

class Dying:
    def step(self, record):
        if record.step == die_at and not (folder / "died").exists():
            (folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
    def evaluation(self, record): pass
    def note(self, text): pass
    def close(self): pass

data, config = Dataset.open(data, verify=False), TrainConfig.made(None, config)
train(data, folder, config, resume="auto", threads=1, device="cpu", watchers=[lambda folder, step: Dying()])
"""


def groups(
    count: int, data: Dataset, folder: Path, config: TrainConfig, die_at: int
) -> list[tuple[int, str]]:
    """Train in several groups of `torchrun`, as on several machines; their exit codes and what they said."""
    script = folder.parent / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    words = f"--nnodes {count} --nproc-per-node 1 --max-restarts 5 --monitor-interval 0.1 --rdzv-backend c10d"
    meeting = ("--rdzv-endpoint", f"127.0.0.1:{_free_port()}", "--rdzv-id", folder.name)
    command = [*words.split(), *meeting, str(script), *_arguments(data, folder, config, die_at)]
    # Otherwise workers that start again may find addresses of their last life in the store that they share.
    environment = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    started = [Fork(run_torchrun, command, environment=environment) for _ in range(count)]
    said = ["".join(process.communicate(timeout=600)) for process in started]
    return [(process.returncode or 0, text) for process, text in zip(started, said, strict=True)]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
