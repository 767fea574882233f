"""All that is known of a run: its logs, what `run.json` says, and what follows from both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchkit.errors import FormatError, InputError
from sketchkit.files import read_file, reason, shown
from sketchkit.training.logs import Columns, Log, read_log

__all__ = ["RUN_NAME", "Evidence", "gather"]

RUN_NAME = "run.json"
MAX_RUN_BYTES = 16 << 20
STATUSES = ("running", "finished", "interrupted", "stopped-early", "out-of-time", "failed")
#: KL_min where nobody says: the released code's.
USUAL_KL_MINIMUM = 0.2
#: An NLL nearer to 0 than this cannot be divided by: its sign and size are those of the noise.
_TINY_NLL = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """A run as its folder shows it.

    Args:
        folder: of the run.
        log: its logs.
        said: what `run.json` says; empty where there is none.
    """

    folder: Path
    log: Log
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def valid(self) -> Columns:
        """The evaluations."""
        return self.log.valid

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """[N] the rows of `train.csv` whose losses are all finite."""
        train = self.log.train
        rows = np.isfinite(train["loss"]) & np.isfinite(train["offset"]) & np.isfinite(train["pen"])
        if train.has_kl:
            rows &= np.isfinite(train["kl"])
        return np.asarray(rows, np.bool_)

    def train(self, name: str) -> NDArray[Any]:
        """A column of `train.csv`, of the rows whose losses are finite."""
        return self.log.train[name][self.finite]

    @cached_property
    def reconstruction(self) -> Floats:
        """L_R = L_s + L_p of the finite rows."""
        total: Floats = self.train("offset") + self.train("pen")
        return total

    @property
    def has_kl(self) -> bool:
        """Whether the model has a latent vector."""
        return self.log.train.has_kl

    @property
    def last_step(self) -> int:
        """The last step in the log; 0 without any."""
        steps = self.log.train["step"]
        return int(steps[-1]) if len(steps) else 0

    @property
    def seconds(self) -> float:
        """Of training, in all."""
        return float(self.log.train["seconds"][-1]) if len(self.log.train) else 0.0

    @property
    def points(self) -> int:
        """Learnt from, in all."""
        return int(self.log.train["points"][-1]) if len(self.log.train) else 0

    @property
    def status(self) -> str | None:
        """What the run says of itself; None where it says nothing."""
        status = self.said.get("status")
        return status if status in STATUSES else None

    def number(self, *path: str) -> float | None:
        """A finite number of `run.json`; None where it says nothing."""
        value: Any = self.said
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            return None
        return float(value)

    @property
    def planned_steps(self) -> int:
        """How many steps the run shall have made in the end; those it made where nobody says."""
        return max(int(self.number("config", "steps") or 0), self.last_step)

    @property
    def is_over(self) -> bool:
        """Whether no more steps will come, as far as is known."""
        return self.status not in ("running", "interrupted") or self.last_step >= self.planned_steps

    @property
    def kl_minimum(self) -> float:
        """KL_min."""
        said = self.number("config", "kl_minimum")
        return USUAL_KL_MINIMUM if said is None else said

    @property
    def nmax(self) -> float | None:
        """Nmax, which the losses are divided by."""
        return self.number("nmax") or self.number("config", "nmax") or self.number("data", "max_length")

    @cached_property
    def length(self) -> float | None:
        """How many points a drawing has on average, its end row included; None where it cannot be told."""
        batch = self.number("config", "batch_size")
        if not batch or not self.last_step or not self.points:
            return None
        return self.points / self.last_step / batch

    @cached_property
    def share(self) -> float | None:
        """What one nat a point is in the log, the mean length over Nmax; None where it cannot be told."""
        if self.length and self.nmax:
            return min(self.length / self.nmax, 1.0)
        nll, total = self.valid["nll_per_point"], self.valid["offset"] + self.valid["pen"]
        usable = np.isfinite(nll) & np.isfinite(total) & (np.abs(nll) > _TINY_NLL)
        share = float(np.median(total[usable] / nll[usable])) if usable.any() else 0.0
        return share if 0 < share <= 1 else None


def gather(folder: str | os.PathLike[str]) -> Evidence:
    """Read a run's folder.

    Args:
        folder: of the run.

    Raises:
        InputError: no run there.
        FormatError: a file of it is damaged; one line.
    """
    return Evidence(Path(folder), read_log(folder), _said(Path(folder) / RUN_NAME))


def _said(path: Path) -> Mapping[str, Any]:
    import orjson

    try:
        content = read_file(path, MAX_RUN_BYTES)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error
    try:
        values = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise FormatError(f"{shown(path)}: {error}") from error
    if not isinstance(values, dict):
        raise FormatError(f"{shown(path)}: not what a run says of itself")
    return values
