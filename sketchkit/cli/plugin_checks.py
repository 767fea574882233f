"""Checking plugins, each stranger in a process of its own: what it does there, it does to itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sketchkit.registry import STRANGERS_VARIABLE, Plugin

__all__ = ["Outcome", "check_apart"]

_NOT_CHECKED = "not checked"
#: Whether processes can be killed with all that they have started.
_GROUPS = hasattr(os, "killpg")
#: Seconds between looks at what a process has written.
_PAUSE = 0.1


@dataclass(frozen=True)
class Outcome:
    """What came of the check of a plugin.

    Args:
        state: `works`, `broken`, or `not checked` where it gave no answer in time.
        reason: why it is not `works`.
    """

    state: str
    reason: str = ""


def check_apart(
    plugins: Sequence[Plugin], patience: float, report: Callable[[Plugin, Outcome], None]
) -> dict[Plugin, Outcome]:
    """Check plugins.

    Args:
        plugins: to check; our own share a process.
        patience: seconds without an answer after which a check is given up.
        report: told of each outcome, from any thread.

    Returns:
        The outcome of each.
    """
    own = [plugin for plugin in plugins if plugin.builtin]
    groups = [own] * bool(own) + [[plugin] for plugin in plugins if not plugin.builtin]
    found: dict[Plugin, Outcome] = {}
    stop = threading.Event()

    def check(number: int) -> None:
        for plugin, outcome in _outcomes(groups[number], Path(folder) / str(number), patience, stop):
            found[plugin] = outcome
            report(plugin, outcome)

    with (
        tempfile.TemporaryDirectory(prefix="sketchkit-check-") as folder,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        try:
            list(pool.map(check, range(len(groups))))
        finally:
            stop.set()  # Ctrl-C must not wait for the checks
    return found


def _outcomes(
    plugins: Sequence[Plugin], result: Path, patience: float, stop: threading.Event
) -> Iterator[tuple[Plugin, Outcome]]:
    """What came of each of some plugins: what ends a process at one leaves the others to the next process."""
    while plugins and not stop.is_set():
        for plugin, outcome in zip(plugins, _answers(plugins, result, patience, stop), strict=False):
            yield plugin, outcome
            plugins = plugins[1:]
        if plugins and outcome.state == _NOT_CHECKED:  # the machine is too slow for the others, too
            yield from ((plugin, outcome) for plugin in plugins)
            return


def _answers(
    plugins: Sequence[Plugin], result: Path, patience: float, stop: threading.Event
) -> Iterator[Outcome]:
    """The outcomes of one process in the order of the plugins, one at least unless it is stopped."""
    errors = result.with_suffix(".err")
    with errors.open("wb") as said:
        process = subprocess.Popen(
            # -P: what lies in the current folder is not to be imported.
            [sys.executable, "-P", "-m", "sketchkit.testing", *_words(plugins), str(result)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=_environment(own=plugins[0].builtin),
            process_group=0 if _GROUPS else None,
        )
    told, since = 0, time.monotonic()
    try:
        while told < len(plugins) and not stop.is_set():
            ended = process.poll() is not None
            answers = _answered(result)[told:]
            yield from answers
            if answers:
                told, since = told + len(answers), time.monotonic()
            elif ended:
                yield Outcome(
                    "broken", f"its check ended with code {process.returncode}: {_last_line(errors)}"
                )
                return
            elif time.monotonic() - since > patience:
                yield Outcome(_NOT_CHECKED, f"no answer in {patience:g} s")
                return
            else:
                time.sleep(_PAUSE)
    finally:
        _end(process)
        result.unlink(missing_ok=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those that it has started."""
    if _GROUPS:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _words(plugins: Sequence[Plugin]) -> list[str]:
    return [word for plugin in plugins for word in (plugin.kind, plugin.full_name)]


def _environment(*, own: bool) -> dict[str, str]:
    # One thread a process: there are as many of them as there are cores.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if own:
        environment[STRANGERS_VARIABLE] = ""  # our help lists strangers, but answers for our own alone
    return environment


def _answered(result: Path) -> list[Outcome]:
    """The outcomes in the lines of a file that are whole by now."""
    try:
        verdicts = [json.loads(line) for line in result.read_bytes().split(b"\n")[:-1]]
        return [Outcome(verdict["state"], verdict["reason"] or "") for verdict in verdicts]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _last_line(errors: Path) -> str:
    lines = errors.read_bytes().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
