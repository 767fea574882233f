"""Small parts, and workers that die where a test says so."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sketchkit_ray.worker import Outcome, Worker

#: Drawings of a part.
SIZE = 4
#: The variable that names the folder of traps.
TRAPS = "SKETCHKIT_TRAPS"


def make_parts_small(set_to: Callable[[Any, str, int], None] = setattr) -> None:
    """Let parts have few drawings in this process."""
    from sketchkit.cli import encoding, reconstruct, score
    from sketchkit.generate import streaming

    set_to(streaming, "_MOST_BLOCK", SIZE)
    set_to(encoding, "DRAWINGS_OF_PART", SIZE)
    set_to(score, "_DRAWINGS_OF_PART", SIZE)
    set_to(reconstruct, "_DRAWINGS_OF_PART", SIZE)
    from sketchkit.cli import encode

    set_to(encode, "DRAWINGS_OF_PART", SIZE)


class MortalWorker(Worker):
    """A worker with traps: a file `once-K` or `always-K` ends it at part K, `driver-K` ends a process."""

    def begin(self) -> Outcome:
        make_parts_small()
        return super().begin()

    def _write(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            spring(number)
            super()._write([number])


def spring(number: int) -> None:
    folder = Path(os.environ[TRAPS])
    driver, once, always = (folder / f"{kind}-{number}" for kind in ("driver", "once", "always"))
    if driver.exists():
        process = int(driver.read_text())
        driver.unlink()
        os.kill(process, signal.SIGKILL)
        signal.pause()  # Ray ends the worker
    if once.exists() or always.exists():
        once.unlink(missing_ok=True)
        os.kill(os.getpid(), signal.SIGKILL)
