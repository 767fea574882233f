"""From pressing return to a result: whole commands against the import of torch, in paired runs.

    python benchmarks/startup.py [RUNS]

Each command and its floor run by turns. Printed are the medians of the CPU time, the median of the ratios
within a pair, and the largest memory of the command. Commands with the bundled models import no torch; the
floor is what that saves. Python keeps the bytecode of all modules, as an installation does: without it
each run would compile sketchkit anew, but not torch.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 15
EXAMPLES = Path(__file__).parent.parent / "examples"
FACE, CAR = (str(EXAMPLES / "drawings" / f"{name}.svg") for name in ("face", "car"))


def measure(command: list[str]) -> tuple[float, float]:
    """The CPU seconds of a command, and its largest memory in MiB."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0, command
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(what: str, command: list[str], floor: list[str], runs: int) -> None:
    """Print the figures of a command beside those of its floor."""
    pairs = [(measure(command), measure(floor)) for _ in range(runs + 1)][1:]
    ours, theirs = (statistics.median(pair[k][0] for pair in pairs) for k in (0, 1))
    ratio = statistics.median(one[0] / other[0] for one, other in pairs)
    memory = max(one[1] for one, _ in pairs)
    print(f"{what}: {ours:.2f} s CPU, floor {theirs:.2f} s, ratio {ratio:.2f}, {memory:.0f} MiB")


def main() -> None:
    """Measure."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    python = sys.executable
    sketchkit = [python, "-m", "sketchkit"]
    torch = [python, "-c", "import torch"]
    compare("--help / import typer, rich", [*sketchkit, "--help"], [python, "-c", "import typer, rich"], runs)
    with tempfile.TemporaryDirectory() as folder:
        out = ["-o", str(Path(folder) / "out.svg"), "--force"]
        vectors, drawings = (str(Path(folder) / name) for name in ("vectors.npz", "drawings.ndjson"))
        encode = ["encode", FACE, CAR, "-o", vectors, "--force"]
        measure([*sketchkit, *encode])
        measure([*sketchkit, "sample", "-m", "doodle-vae", "-n", "40", "-o", drawings])
        for words in (
            ["render", FACE],
            ["score", FACE],
            ["sample", "--class", "face", "-n", "9"],
            ["complete", str(EXAMPLES / "face-start.svg"), "--tries", "1"],
            ["complete", str(EXAMPLES / "face-start.svg")],
            ["complete", str(EXAMPLES / "face-start.svg"), "--engine", "torch"],
            encode,
            ["decode", vectors],
            ["sample", "-m", "doodle-vae", "-n", "9"],
            ["reconstruct", FACE],
            ["interpolate", FACE, CAR],
            ["interpolate", FACE, CAR, "--engine", "torch"],
            ["grid", FACE, CAR, CAR, FACE, "--steps", "5x5"],
            ["analogy", FACE, CAR, FACE],
            ["atlas", drawings, "--steps", "6x6"],
        ):
            given = words if words[0] in ("score", "encode") else [*words, *out]
            name = " ".join(Path(word).name for word in words)
            compare(f"{name} / import torch", [*sketchkit, *given], torch, runs)


if __name__ == "__main__":
    main()
