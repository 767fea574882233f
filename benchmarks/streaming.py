"""Memory and speed of `sketchkit sample` into one ndjson file, which shall not grow with the drawings.

    python benchmarks/streaming.py [-n 100000] [--max-points 20] [--model doodle] [--every 4]

The command runs in a process of its own. How many drawings are done is read from its part file, its resident
size from /proc, ten times a second, so that this needs Linux. Speed is drawings a second of processor time,
less what starting and one drawing take. Its floor is the library's `sample` alone, which draws blocks of the
same size in this process: one after every few of the command, which is halted for so long.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import sketchkit
from sketchkit.generate.streaming import block_size
from sketchkit.models import SketchModel

#: From here on memory must not grow.
BEGUN = 10_000
PAUSE = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """What a look at the process found: drawings done, and resident megabytes."""

    drawings: int
    megabytes: float


class Lines:
    """Counts the lines of a file that grows, each once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count, self.read = folder, 0, 0

    def now(self) -> int:
        """How many there are by now."""
        for path in self.folder.glob(".*.part"):
            try:
                with path.open("rb") as stream:
                    stream.seek(self.read)
                    more = stream.read()
            except FileNotFoundError:
                continue  # it has just taken its name
            self.count, self.read = self.count + more.count(b"\n"), self.read + len(more)
        return self.count


def command(arguments: argparse.Namespace, n: int, output: Path) -> list[str]:
    words = ["sample", "-n", str(n), "-o", str(output), "--max-points", str(arguments.max_points)]
    return [sys.executable, "-m", "sketchkit", *words, "-m", arguments.model, "--device", "cpu"]


def watched(words: list[str], folder: Path, floor: Floor | None = None) -> tuple[list[Sample], float]:
    """What looks at a command found while it ran, and the processor seconds that it took.

    Args:
        words: the command.
        folder: that of its part file.
        floor: is drawn meanwhile.
    """
    process = subprocess.Popen(words)
    lines, found = Lines(folder), []
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        if pages:  # a process that has ended has none
            found.append(Sample(lines.now(), pages * PAGE / 1e6))
            if floor is not None and found[-1].drawings >= floor.due:
                process.send_signal(signal.SIGSTOP)
                floor.draw(found[-1].drawings)
                process.send_signal(signal.SIGCONT)
        time.sleep(PAUSE)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} failed")
    return found, usage.ru_utime + usage.ru_stime


class Floor:
    """Draws a block of its own whenever a command has drawn some more."""

    def __init__(self, model: SketchModel, max_points: int, every: int) -> None:
        self.model, self.max_points, self.size = model, max_points, block_size(model)
        self.step = self.due = every * self.size
        self.seconds: list[float] = []
        self._draw(0)  # what the first one prepares is no part of the floor

    def draw(self, drawings: int) -> None:
        """Draw a block; the next is due some drawings later."""
        self.seconds.append(self._draw(drawings - self.size))
        self.due = drawings + self.step

    @property
    def rate(self) -> float:
        """Drawings a second of processor time."""
        return self.size / statistics.median(self.seconds)

    def _draw(self, first: int) -> float:
        begun = time.process_time()
        sketchkit.sample(self.model, self.size, first=first, max_points=self.max_points)
        return time.process_time() - begun


def tell(found: list[Sample], n: int) -> None:
    begun = next((each for each in found if each.drawings >= BEGUN), None)
    if begun is None:
        raise SystemExit(f"nothing was seen after {BEGUN:,} drawings: -n must be larger")
    after = [each.megabytes for each in found if each.drawings >= begun.drawings]
    print(f"after {begun.drawings:,} drawings: {begun.megabytes:.1f} MB resident")
    print(f"at the end of {n:,}: {after[-1]:.1f} MB, at most {max(after):.1f} MB")
    print(f"growth: {after[-1] - begun.megabytes:.1f} MB, at most {max(after) - begun.megabytes:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-n", type=int, default=100_000)
    parser.add_argument("--max-points", type=int, default=20)
    parser.add_argument("--model", default="doodle")
    parser.add_argument("--every", type=int, default=4, help="blocks of the command, for one of the floor")
    arguments = parser.parse_args()
    model = sketchkit.load_model(arguments.model, device="cpu")
    floor = Floor(model, arguments.max_points, arguments.every)
    with tempfile.TemporaryDirectory() as folder:
        _, start = watched(command(arguments, 1, Path(folder, "one.ndjson")), Path(folder))
        words = command(arguments, arguments.n, Path(folder, "many.ndjson"))
        found, seconds = watched(words, Path(folder), floor)
    tell(found, arguments.n)
    rate = arguments.n / (seconds - start)
    print(f"{rate:.0f} drawings/s, {rate / floor.rate:.3f} of the floor, {floor.rate:.0f} drawings/s")


if __name__ == "__main__":
    main()
