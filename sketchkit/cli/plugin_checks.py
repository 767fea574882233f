"""Checking plugins, each stranger in a process of its own: what it does there, it does to itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from sketchkit.registry import STRANGERS_VARIABLE, Plugin

__all__ = ["check_apart"]

#: The one check of all that sketchkit brings itself; a stranger's is by its kind and full name.
_OWN = ("own",)


def check_apart(
    plugins: Sequence[Plugin], patience: float, report: Callable[[int, int], None]
) -> list[str | None]:
    """What is wrong with each of some plugins; None where nothing is.

    Args:
        plugins: to check; our own share a process.
        patience: seconds after which a check is given up.
        report: told how many processes are done, and how many there are.
    """
    wanted = dict.fromkeys(_check_of(plugin) for plugin in plugins)
    found: dict[tuple[str, ...], Any] = {}
    with (
        tempfile.TemporaryDirectory(prefix="sketchkit-check-") as folder,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        jobs = {
            pool.submit(_outcome, check, Path(folder) / f"{number}.json", patience): check
            for number, check in enumerate(wanted)
        }
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            report(len(found), len(wanted))
    return [_trouble(plugin, found[_check_of(plugin)]) for plugin in plugins]


def _check_of(plugin: Plugin) -> tuple[str, ...]:
    return _OWN if plugin.builtin else (plugin.kind, plugin.full_name)


def _outcome(check: tuple[str, ...], result: Path, patience: float) -> Any:
    """What a process wrote that ran a check, or in a sentence why it wrote nothing."""
    # One thread a process: there are as many of them as there are cores.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if check == _OWN:
        environment[STRANGERS_VARIABLE] = ""  # our help lists strangers, but answers for our own alone
    try:
        done = subprocess.run(
            # -P: what lies in the current folder is not to be imported.
            [sys.executable, "-P", "-m", "sketchkit.testing", *check, str(result)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"its check took longer than {patience:g} seconds"
    try:
        return json.loads(result.read_bytes())
    except (OSError, ValueError):
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        return f"its check ended with code {done.returncode}: {last[0]}"


def _trouble(plugin: Plugin, outcome: Any) -> str | None:
    if isinstance(outcome, str):
        return outcome
    verdicts = outcome if isinstance(outcome, list) else [outcome]
    mine = [v for v in verdicts if (v["kind"], v["name"]) == (plugin.kind, plugin.full_name)]
    return str(mine[0]["reason"]) if mine[0]["state"] != "works" else None
