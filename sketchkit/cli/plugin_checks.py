"""Checks of plugins; each third-party plugin is checked in a process of its own, which shields the others."""

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

from sketchkit.registry import PLUGINS_VARIABLE, Plugin

__all__ = ["Outcome", "check_apart"]

_NOT_CHECKED = "not checked"
#: Whether a process can be killed together with its children.
_GROUPS = hasattr(os, "killpg")
#: Seconds between looks at the results of a process.
_PAUSE = 0.1


@dataclass(frozen=True)
class Outcome:
    """The outcome of the check of a plugin.

    Args:
        state: `works`, `broken`, or `not checked` after a timeout.
        reason: the reason for a state other than `works`.
    """

    state: str
    reason: str = ""


def check_apart(
    plugins: Sequence[Plugin], patience: float, report: Callable[[Plugin, Outcome], None]
) -> dict[Plugin, Outcome]:
    """Check plugins.

    Args:
        plugins: to check; the built-in ones share a process.
        patience: seconds without a result after which a check ends.
        report: called with each outcome, from several threads.

    Returns:
        The outcome of each.
    """
    own = [plugin for plugin in plugins if plugin.builtin]
    groups = [own] * bool(own) + [[plugin] for plugin in plugins if not plugin.builtin]
    outcomes: dict[Plugin, Outcome] = {}
    stop = threading.Event()

    def check(number: int) -> None:
        for plugin, outcome in _check_group(groups[number], Path(folder) / str(number), patience, stop):
            outcomes[plugin] = outcome
            report(plugin, outcome)

    with (
        tempfile.TemporaryDirectory(prefix="sketchkit-check-") as folder,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        try:
            list(pool.map(check, range(len(groups))))
        finally:
            stop.set()  # Ctrl-C must not wait for the checks
    return outcomes


def _check_group(
    plugins: Sequence[Plugin], result: Path, patience: float, stop: threading.Event
) -> Iterator[tuple[Plugin, Outcome]]:
    """The outcomes of some plugins; a plugin that ends the process leaves the others to the next process."""
    while plugins and not stop.is_set():
        for plugin, outcome in zip(plugins, _run(plugins, result, patience, stop), strict=False):
            yield plugin, outcome
            plugins = plugins[1:]
        if plugins and outcome.state == _NOT_CHECKED:  # the machine is too slow for the others, too
            yield from ((plugin, outcome) for plugin in plugins)
            return


def _run(
    plugins: Sequence[Plugin], result: Path, patience: float, stop: threading.Event
) -> Iterator[Outcome]:
    """The outcomes of one process in the order of the plugins, at least one unless it is stopped."""
    errors = result.with_suffix(".err")
    words = [word for plugin in plugins for word in (plugin.kind, plugin.full_name)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # there are as many processes as cores
    if plugins[0].builtin:
        environment[PLUGINS_VARIABLE] = ""  # their help must be checked alone
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            # -P: the current folder must not be imported from.
            [sys.executable, "-P", "-m", "sketchkit.testing", *words, str(result)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment,
            process_group=0 if _GROUPS else None,
        )
    count, since = 0, time.monotonic()
    try:
        while count < len(plugins) and not stop.is_set():
            ended = process.poll() is not None
            outcomes = _read_outcomes(result)[count:]
            yield from outcomes
            if outcomes:
                count, since = count + len(outcomes), time.monotonic()
            elif ended:
                lines = errors.read_bytes().decode("utf-8", "replace").strip().splitlines()
                reason = (
                    f"its check ended with code {process.returncode}: {(lines or ['stderr is empty'])[-1]}"
                )
                yield Outcome("broken", reason)
                return
            elif time.monotonic() - since > patience:
                yield Outcome(_NOT_CHECKED, f"no answer in {patience:g} s")
                return
            else:
                time.sleep(_PAUSE)
    finally:
        _kill(process)
        result.unlink(missing_ok=True)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children."""
    if _GROUPS:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _read_outcomes(result: Path) -> list[Outcome]:
    """The outcomes in the complete lines of a file."""
    try:
        results = [json.loads(line) for line in result.read_bytes().split(b"\n")[:-1]]
        return [Outcome(each["state"], each["reason"] or "") for each in results]
    except (OSError, ValueError, TypeError, KeyError):
        return []
