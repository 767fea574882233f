"""From pressing return to a result: start-up against the imports nobody can avoid, in paired runs.

    python benchmarks/startup.py [MODEL]

Each command and its floor run by turns; what is printed are medians, and the median of the differences within
a pair. MODEL is a stored model or a file; without one only `--help` is measured.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 15
START = Path(__file__).parent.parent / "examples" / "bird-start.svg"


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def compare(what: str, command: list[str], floor: list[str], allowed: float) -> None:
    """Print medians of a command and of its floor, their ratio and the difference."""
    pairs = [(_seconds(command), _seconds(floor)) for _ in range(RUNS + 1)][1:]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    extra = statistics.median(a - b for a, b in pairs)
    print(
        f"{what}: {ours * 1e3:.0f} ms, floor {theirs * 1e3:.0f} ms, ratio {ours / theirs:.2f}, "
        f"{extra * 1e3:+.0f} ms of {allowed * 1e3:.0f} ms allowed"
    )


def main() -> None:
    python = sys.executable
    sketchkit = [python, "-m", "sketchkit"]
    compare("--help", [*sketchkit, "--help"], [python, "-c", "import typer, rich"], 0.080)
    if len(sys.argv) < 2:
        return
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "endings.svg")
        complete = [
            *sketchkit,
            "complete",
            str(START),
            "--model",
            sys.argv[1],
            "-n",
            "9",
            "-o",
            out,
            "--force",
        ]
        compare("complete, nine endings", complete, [python, "-c", "import torch"], 1.0)


if __name__ == "__main__":
    main()
