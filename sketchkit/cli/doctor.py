"""`sketchkit doctor`: what is wrong with a training run, and what to do about it."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketchkit.cli.console import plain, print_json
from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.options import Listed, argument
from sketchkit.cli.progress_stats import clock_time, figure

if TYPE_CHECKING:
    from sketchkit.training.doctor import Diagnosis

__all__ = ["EXAMPLE", "app", "doctor"]

EXAMPLE = "sketchkit doctor cats-run"

#: Lines longer than this are hard to read on any terminal.
_WIDEST = 100
_MARGIN = 10


def doctor(*, run: Path = argument("RUN", "The folder of a training run."), json: Listed = False) -> None:
    """Say what is wrong with a training run, and what to do about it.

    A run that is going on can be looked at, too: only its logs are read.
    """
    from sketchkit.training.doctor import diagnose

    diagnosis = diagnose(run)
    if json:
        print_json({"path": str(run), **diagnosis.to_json()})
        return
    for line in _lines(diagnosis, min(shutil.get_terminal_size().columns, _WIDEST)):
        print(line)


def _lines(diagnosis: Diagnosis, width: int) -> list[str]:
    """The summary, then two sentences a finding, the severities in a column of their own."""
    lines = _summary(diagnosis.summary)
    for finding in diagnosis.findings:
        lines += ["", *_wrapped(finding.severity.word, finding.seen, width)]
        if finding.advice:
            lines += _wrapped("", f"-> {finding.advice}", width)
    return lines


def _wrapped(word: str, sentence: str, width: int) -> list[str]:
    return textwrap.wrap(
        plain(sentence),
        max(width, 2 * _MARGIN),
        initial_indent=word.ljust(_MARGIN),
        subsequent_indent=" " * _MARGIN,
        break_on_hyphens=False,
    )


def _summary(facts: dict[str, Any]) -> list[str]:
    speed, parameters = facts["points_per_second"], facts["parameters"]
    first = [
        f"step {facts['step']:,} of {facts['steps']:,}",
        f"{clock_time(facts['seconds'])} of training",
        f"{facts['points']:,} points" + (f" ({speed:,.0f} a second)" if speed else ""),
    ]
    status = f"{facts['status']}, " if facts["status"] else ""
    size = f", {parameters:,.0f} parameters" if parameters else ""
    lines = [f"{plain(facts['run'])}: {status}{', '.join(first)}{size}"]
    if facts["train_loss"] is not None:
        lines.append(f"train     loss {figure(facts['train_loss'])}")
    for name, words in (("last", "valid"), ("best", "best")):
        if name in facts:
            at = facts[name]
            losses = f"loss {figure(at['loss'])}, NLL {figure(at['nll_per_point'])} a point"
            lines.append(f"{words.ljust(_MARGIN)}{losses}, at step {at['step']:,}")
    return lines


app = standalone_app(doctor, Command, EXAMPLE)
