"""The evidence of a run: its logs, `run.json`, and figures that follow from both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sketchkit.errors import FormatError, InputError
from sketchkit.files import read_file, reason, shown
from sketchkit.training.logs import Columns, Log, read_log

__all__ = ["Evidence", "Floats", "gather"]

RUN_NAME = "run.json"
MAX_RUN_BYTES = 16 << 20
STATUSES = ("running", "finished", "interrupted", "stopped-early", "out-of-time", "failed")
#: KL_min where `run.json` leaves it out: the released code's.
USUAL_KL_MINIMUM = 0.2
#: An NLL nearer to 0 than this cannot be divided by: its sign and size are those of the noise.
_TINY_NLL = 0.05

Floats = NDArray[np.float64]


class Evidence:
    """A run as its folder shows it.

    Args:
        folder: of the run.
        log: its logs.
        facts: the values of `run.json`; empty where the file is missing.
    """

    def __init__(self, folder: Path, log: Log, facts: Mapping[str, Any]) -> None:
        self.folder, self._facts = folder, facts
        #: The columns of `train.csv` and of `valid.csv`.
        self.log, self.valid = log.train, log.valid
        #: Whether the model has a latent vector.
        self.has_kl = log.train.has_kl
        #: [N] the rows of `train.csv` whose losses are all finite.
        self.finite = np.all([np.isfinite(log.train[name]) for name in ("loss", *log.train.terms)], axis=0)
        #: The terms of the loss whose weight may change.
        self.terms_with_weight = log.train.terms_with_weight
        #: [N'] L_R = L_s + L_p of the finite rows: the terms whose weight stays.
        self.reconstruction: Floats = self._add_unweighted(log.train)[self.finite]
        #: The last step in the log, the seconds of training, and the points learnt from.
        self.last_step, self.seconds = int(self._last("step")), float(self._last("seconds"))
        self.points, self.skipped = int(self._last("points")), int(self._last("skipped"))
        status = facts.get("status")
        #: One of `STATUSES`; None where it is missing.
        self.status = status if status in STATUSES else None
        #: How many steps the run has in the end, at least those it made.
        self.planned_steps = max(int(self.number("config", "steps") or 0), self.last_step)
        #: Whether the run has made its last step, as far as is known.
        self.is_over = self.status not in ("running", "interrupted") or self.last_step >= self.planned_steps
        kl_minimum = self.number("config", "kl_minimum")
        self.kl_minimum = USUAL_KL_MINIMUM if kl_minimum is None else kl_minimum
        #: Nmax, which the losses are divided by.
        self.nmax = self.number("nmax") or self.number("config", "nmax") or self.number("data", "max_length")
        batch = self.number("config", "batch_size") if self.last_step and self.points else None
        #: The mean points of a drawing, its end row included; None where it is unknown.
        self.length = self.points / self.last_step / batch if batch else None
        #: One nat a point as the log counts it, the mean length over Nmax; None where it is unknown.
        self.share = self._find_share()

    @property
    def penalties(self) -> Floats:
        """[N'] the other terms of the finite rows, each above its minimum and with its last weight."""
        total = np.zeros(int(self.finite.sum()))
        for name in self.terms_with_weight:
            least = self.kl_minimum if name == "kl" else self.number("config", f"{name}_minimum")
            above = np.maximum(self.train(name), -np.inf if least is None else least)
            total += self.train(f"{name}_weight")[-1] * above
        return total

    def _add_unweighted(self, columns: Columns) -> Floats:
        names = [name for name in columns.terms if name not in self.terms_with_weight]
        total: Floats = sum((columns[name] for name in names), np.zeros(len(columns)))
        return total

    def train(self, name: str) -> NDArray[Any]:
        """A column of `train.csv`, of the rows whose losses are finite."""
        return self.log[name][self.finite]

    def number(self, *path: str) -> float | None:
        """A finite number of `run.json`; None where it is missing or of another type."""
        value: Any = self._facts
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            return None
        return float(value)

    def _last(self, name: str) -> float:
        column = self.log[name]
        return column[-1] if len(column) else 0

    def _find_share(self) -> float | None:
        if self.length and self.nmax:
            return min(self.length / self.nmax, 1.0)
        nll, total = self.valid["nll_per_point"], self._add_unweighted(self.valid)
        usable = np.isfinite(nll) & np.isfinite(total) & (np.abs(nll) > _TINY_NLL)
        share = float(np.median(total[usable] / nll[usable])) if usable.any() else 0.0
        return share if 0 < share <= 1 else None


def gather(folder: str | os.PathLike[str]) -> Evidence:
    """Read a run's folder.

    Args:
        folder: of the run.

    Raises:
        InputError: there is no run.
        FormatError: a file of it is damaged; one line.
    """
    return Evidence(Path(folder), read_log(folder), _read_facts(Path(folder) / RUN_NAME))


def _read_facts(path: Path) -> Mapping[str, Any]:
    import orjson

    try:
        values = orjson.loads(read_file(path, MAX_RUN_BYTES))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{shown(path)}: {reason(error)}") from error
    except orjson.JSONDecodeError as error:
        raise FormatError(f"{shown(path)}: {error}") from error
    if not isinstance(values, dict):
        raise FormatError(f"{shown(path)}: not what a run says of itself")
    return values
