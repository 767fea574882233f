"""Curves of training runs, drawn by matplotlib."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sketchkit.errors import InputError, PluginError
from sketchkit.files import shown
from sketchkit.rendering.palette import SERIES
from sketchkit.training.logs import Columns, Log, read_log
from sketchkit.training.records import symbol

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HOW_TO_GET_IT", "plot_run"]

HOW_TO_GET_IT = "curves of runs need matplotlib: pip install 'sketchkit[plot]'"

Against = Literal["step", "seconds"]
Scale = Literal["linear", "log"]
_Floats = NDArray[np.float64]
#: A training loss is drawn as its mean over so many parts of the run, and pale behind it as it is.
_PARTS = 30
_PALE = 0.25
_UNITS = {"step": "updates", "seconds": "seconds of training"}
_WORDS = {"loss": "loss", "nll_per_point": "NLL a point"}
#: Columns that tell how a run goes on, but are not drawn.
_NOT_DRAWN = ("step", "seconds", "best")


def plot_run(
    *runs: str | os.PathLike[str],
    show: str = "loss",
    against: Against = "step",
    x_scale: Scale = "linear",
    y_scale: Scale = "linear",
    labels: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw the curves of training runs into one pair of axes, each run in a colour of its own.

    A line is the training split, pale as it was logged and strong as a running mean; dots are the validation
    split, a star the evaluation with the lowest loss. Runs that are going on are drawn as far as they are.

    Args:
        runs: folders of `sketchkit train`, one or more.
        show: a column of their logs: `loss`, a term such as `offset`, `pen` or `kl`, its weight
            (`kl_weight`), `nll_per_point`, `learning_rate`, `gradient_norm`; a run without it has no curve.
        against: what goes to the right: the number of updates, or seconds of training.
        x_scale: linear, or log, which gives the beginning its room.
        y_scale: linear, or log, for numbers above 0; the logarithm of a density may fall below.
        labels: a name for each run; the names of their folders when empty.
        ax: the axes to draw into; those of a new figure when None.

    Returns:
        The axes; `.figure` is their figure.

    Raises:
        InputError: not a run, a damaged one, a column that no run has, an unknown scale, another number of
            labels than of runs, or a number that a logarithmic scale cannot show.
        PluginError: matplotlib is not installed.
    """
    _check(runs, labels, against, x_scale, y_scale)
    logs = [read_log(run) for run in runs]
    known = {name for log in logs for name in (*log.train.values, *log.valid.values)} - {*_NOT_DRAWN}
    if show not in known:
        raise InputError(f"the logs have no column {show!r}: they have {', '.join(sorted(known))}")
    if y_scale == "log":
        _check_positive(runs, logs, show)
    axes = _new_axes() if ax is None else ax
    names = labels or _names(runs)
    for number, (name, log) in enumerate(zip(names, logs, strict=True)):
        _draw(axes, log, show, against, SERIES[number % len(SERIES)], name)
    axes.set(xscale=x_scale, yscale=y_scale, xlabel=_UNITS[against], ylabel=_WORDS.get(show, symbol(show)))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    return axes


def _check(runs: Sequence[object], labels: Sequence[str], against: str, x_scale: str, y_scale: str) -> None:
    if not runs:
        raise InputError("plot_run needs the folder of a run")
    if isinstance(labels, str) or len(labels) not in (0, len(runs)):
        raise InputError(f"{len(runs)} runs need as many labels, got {labels!r}")
    for name, value, choices in (
        ("against", against, get_args(Against)),
        ("x_scale", x_scale, get_args(Scale)),
        ("y_scale", y_scale, get_args(Scale)),
    ):
        if value not in choices:
            raise InputError(f"{name} must be {' or '.join(choices)}, got {value!r}")


def _new_axes() -> Axes:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise PluginError(HOW_TO_GET_IT) from None
    axes: Axes = plt.subplots(figsize=(8, 4.5), layout="constrained")[1]
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _names(runs: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The last parts of the paths where these differ, else whole paths."""
    last = [Path(run).resolve().name for run in runs]
    return last if len(set(last)) == len(last) else [os.fspath(run) for run in runs]


def _check_positive(runs: Sequence[str | os.PathLike[str]], logs: Sequence[Log], show: str) -> None:
    for run, log in zip(runs, logs, strict=True):
        for columns in (log.train, log.valid):
            values = _column(columns, show)
            if (values <= 0).any():
                least = f"{values[values <= 0].min():g}"
                raise InputError(f"{shown(Path(run))}: {show} is {least}: a logarithmic scale begins above 0")


def _column(columns: Columns, name: str) -> _Floats:
    """The numbers of a column, NaN where it is missing."""
    return columns[name].astype(np.float64)


def _draw(axes: Axes, log: Log, show: str, against: Against, color: str, name: str) -> None:
    """A run's two curves, each where it has numbers."""
    at, values = _curve(log.train, show, against)
    if len(at):
        mean_at, means = _running_mean(at, values)
        axes.plot(at, values, color=color, alpha=_PALE, linewidth=0.8)
        axes.plot(mean_at, means, color=color, linewidth=1.8, label=name)
    at, values = _curve(log.valid, show, against)
    if len(at):
        axes.plot(at, values, "o--", color=color, markersize=4, linewidth=1, label=f"{name}, validation")
        best = np.flatnonzero(log.valid["best"])[-1:]
        star = [_column(log.valid, name)[best] for name in (against, show)]
        axes.plot(*star, "*", color=color, markersize=12)


def _curve(columns: Columns, show: str, against: Against) -> tuple[_Floats, _Floats]:
    """The finite numbers of a column, and where they are drawn."""
    values = _column(columns, show)
    there = np.isfinite(values)
    return _column(columns, against)[there], values[there]


def _running_mean(at: _Floats, values: _Floats) -> tuple[_Floats, _Floats]:
    """Means over a thirtieth of the rows, each at the middle of its rows."""
    window = max(1, len(values) // _PARTS)
    kernel = np.full(window, 1.0 / window)
    return np.convolve(at, kernel, "valid"), np.convolve(values, kernel, "valid")
