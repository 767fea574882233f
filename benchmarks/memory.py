"""Peak memory of preparing and training, on a small data set and on a large one, and of work in parts.

    python benchmarks/memory.py [--small 10000] [--large 1000000] [--steps 150] [--keep FOLDER]
    python benchmarks/memory.py --parts 1000,10000 [--commands sample,encode,score] [--points 8] [--plot FILE]

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


#: Commands that work in parts, with what they write; `sample` writes the drawings that the others read.
PARTS = {
    "sample": ("sample", "-o", "drawings.ndjson"),
    "encode": ("encode", "-o", "vectors/"),
    "score": ("score", "--class", "any", "-o", "scores/"),
    "reconstruct": ("reconstruct", "--temperature", "0.25", "--format", "ndjson", "-o", "again/"),
    "complete": ("complete", "-n", "1", "--tries", "1", "--format", "ndjson", "-o", "endings/"),
}

#: Megabytes and seconds of processor time, by the number of drawings, by command.
Costs = dict[str, dict[int, tuple[float, float]]]


def in_parts(folder: Path, counts: list[int], commands: list[str], points: int) -> Costs:
    """Print the memory and the processor time of commands by the number of drawings."""
    print("| drawings | " + " | ".join(f"{name}: MB, CPU s" for name in commands) + " |")
    print("|---" * (len(commands) + 1) + "|")
    costs: Costs = {name: {} for name in commands}
    for n in counts:
        drawings = folder / f"{n}-drawings.ndjson"
        for name in ["sample", *(each for each in commands if each != "sample")]:
            command, *options = PARTS[name]
            options[-1] = f"{folder}/{n}-{options[-1]}"
            if name == "sample":
                options += ["-n", str(n), "--tries", "1", "--max-points", str(points)]
            else:
                options.insert(0, str(drawings))
            before = sum(os.times()[2:4])
            megabytes, _ = peak(command, *options)
            costs.setdefault(name, {})[n] = megabytes, sum(os.times()[2:4]) - before
        cells = (
            f"{megabytes:,.0f}, {seconds:,.1f}" for megabytes, seconds in (costs[c][n] for c in commands)
        )
        print(f"| {n:,} | " + " | ".join(cells) + " |", flush=True)
    return costs


def plot(costs: Costs, path: Path) -> None:
    """Draw the memory and the time of commands against the number of drawings, both logarithmic."""
    from matplotlib import pyplot

    figure, (memory, seconds) = pyplot.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for name, rows in costs.items():
        for axes, k in ((memory, 0), (seconds, 1)):
            axes.plot(list(rows), [row[k] for row in rows.values()], marker="o", label=name)
    memory.set(xscale="log", ylim=(0, None), xlabel="drawings", ylabel="peak memory, MB")
    seconds.set(xscale="log", yscale="log", xlabel="drawings", ylabel="processor time, s")
    memory.legend(frameon=False)
    for axes in (memory, seconds):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--keep", type=Path, help="a folder for the data sets and runs; a temporary one")
    parser.add_argument("--parts", help="numbers of drawings, with commas, of which parts are made instead")
    parser.add_argument("--commands", default=",".join(PARTS), help="of these, with commas")
    parser.add_argument("--points", type=int, default=40, help="the most points of the drawings of --parts")
    parser.add_argument("--plot", type=Path, help="an SVG or PNG file of the figures of --parts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        if arguments.parts:
            counts, commands = list(map(int, arguments.parts.split(","))), arguments.commands.split(",")
            costs = in_parts(folder, counts, commands, arguments.points)
            if arguments.plot:
                plot(costs, arguments.plot)
            return
        small, large = (measured(folder, n, arguments.steps) for n in (arguments.small, arguments.large))
    for what, megabytes in large.items():
        print(f"{what}: {megabytes:,.0f} MB, {megabytes / small[what]:.2f} times that of the small set")


if __name__ == "__main__":
    main()
