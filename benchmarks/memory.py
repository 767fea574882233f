"""Peak memory of preparing and training, on a small data set and on a large one, and of work in parts.

    python benchmarks/memory.py [--small 10000] [--large 1000000] [--steps 150] [--keep FOLDER]
    python benchmarks/memory.py --parts 1000,10000,100000 [--commands encode,score,reconstruct]

Each command runs in a process of its own, whose greatest resident size is asked of the system. The ratios say
whether memory grows with the data: 1.0 is constant.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def peak(*words: str) -> tuple[float, float]:
    """The greatest resident size in megabytes, and the seconds, of a command of sketchkit."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "sketchkit", *words], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"sketchkit {' '.join(words)} failed")
    return usage.ru_maxrss / 1024, time.perf_counter() - begun


def measured(folder: Path, n: int, steps: int) -> dict[str, float]:
    data, run = folder / f"synth-{n}", folder / f"run-{n}"
    made, seconds = peak("data", "synth", "-n", str(n), "-o", str(data), "--force")
    print(f"{n:,} drawings: made and prepared in {seconds:.0f} s, {made:,.0f} MB", flush=True)
    out = {"prepare": made}
    for backend in ("decoder", "vae"):
        every = ("--steps", str(steps), "--evaluate-every", str(steps), "--classes", "--threads", "1")
        words = ("train", str(data), "-o", str(run), "--backend", backend, *every, "--force")
        out[f"train {backend}"], seconds = peak(*words)
        megabytes = out[f"train {backend}"]
        print(
            f"{n:,} drawings: {steps} steps of {backend} in {seconds:.0f} s, {megabytes:,.0f} MB", flush=True
        )
    return out


#: Commands that work in parts, with what they write.
PARTS = {
    "encode": ("encode", "-o", "vectors/"),
    "score": ("score", "-o", "scores/"),
    "reconstruct": ("reconstruct", "--temperature", "0.25", "--format", "ndjson", "-o", "again/"),
    "complete": ("complete", "-n", "1", "--tries", "1", "--format", "ndjson", "-o", "endings/"),
}


def in_parts(folder: Path, counts: list[int], commands: list[str]) -> None:
    """Print the memory and the processor time of commands by the number of drawings."""
    print("| drawings | " + " | ".join(f"{name}: MB, CPU s" for name in commands) + " |")
    print("|---" * (len(commands) + 1) + "|")
    for n in counts:
        drawings = folder / f"{n}.ndjson"
        peak("data", "synth", "-n", str(n), "-o", str(drawings), "--force")
        cells = []
        for name in commands:
            command, *options = PARTS[name]
            before = sum(os.times()[2:4])
            options[-1] = f"{folder}/{n}-{options[-1]}"
            megabytes, _ = peak(command, str(drawings), *options)
            cells.append(f"{megabytes:,.0f}, {sum(os.times()[2:4]) - before:,.1f}")
        print(f"| {n:,} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--keep", type=Path, help="a folder for the data sets and runs; a temporary one")
    parser.add_argument("--parts", help="numbers of drawings, with commas, of which parts are made instead")
    parser.add_argument("--commands", default=",".join(PARTS), help="of these, with commas")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        if arguments.parts:
            in_parts(folder, list(map(int, arguments.parts.split(","))), arguments.commands.split(","))
            return
        small, large = (measured(folder, n, arguments.steps) for n in (arguments.small, arguments.large))
    for what, megabytes in large.items():
        print(f"{what}: {megabytes:,.0f} MB, {megabytes / small[what]:.2f} times that of the small set")


if __name__ == "__main__":
    main()
