"""Many grids of drawings in one command, beside what the engine alone draws in the same run.

    python benchmarks/grids.py [--grids 1000] [--steps 5x5] [--data DATA.ndjson] [--model doodle-vae]

The floor is the engine alone: as many drawings from the latent vectors of such grids, decoded in one batch,
with nothing read, encoded, rendered or written. Beside it runs `sketchkit grid --pairs random:N`, in a
process of its own, its start included, once for all the grids and once for a fifth of them: the ratio of
points a second, and that of the greatest resident sizes, which is 1.0 where memory does not grow with the
number of grids. Drawings are made here unless a file of them is given.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import sketchkit as sk
from sketchkit.latent import surface
from sketchkit.training.data import synth


def floor(model: sk.SketchModel, drawings: list[sk.Sketch], grids: int, steps: tuple[int, int]) -> float:
    """Points a second of the engine alone, over the drawings of so many grids."""
    chance = np.random.default_rng(0)
    mu, _ = sk.encode(model, drawings)
    corners = mu[chance.integers(0, len(mu), (grids, 4))]
    z = surface(corners, steps).reshape(-1, mu.shape[1])
    index = np.repeat(np.arange(grids), steps[0] * steps[1])
    begun = time.perf_counter()
    made = sk.sample(model, len(z), 0.1, z=z, index=index)
    return sum(len(sketch.without_end()) for sketch in made) / (time.perf_counter() - begun)


def command(file: Path, folder: Path, grids: int, arguments: argparse.Namespace) -> tuple[float, float]:
    """Seconds and greatest resident size in megabytes of a run of the command."""
    folder.mkdir()
    words = ["grid", "--pairs", f"random:{grids}", "--from", str(file), "--steps", arguments.steps]
    words += ["-m", arguments.model, "-o", str(folder / "{stem}.svg")]
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "sketchkit", *words], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the command failed")
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def points_in(folder: Path) -> int:
    """How many points the sheets of a folder show."""
    number = re.compile(rb"-?\d*\.?\d+")
    paths = (re.findall(rb' d="([^"]*)"', file.read_bytes()) for file in folder.glob("*.svg"))
    return sum(len(number.findall(path)) // 2 for path in itertools.chain.from_iterable(paths))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--grids", type=int, default=1_000)
    parser.add_argument("--steps", default="5x5")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="doodle-vae")
    arguments = parser.parse_args()
    columns, rows = map(int, arguments.steps.split("x"))
    with tempfile.TemporaryDirectory() as temporary:
        file = arguments.data
        if file is None:
            file = Path(temporary) / "drawings.ndjson"
            sk.write(list(synth(400, seed=1)), file)
        model = sk.load_model(arguments.model, device="cpu")
        drawings = list(itertools.islice(sk.read_all(file), 400))
        rates = [floor(model, drawings, arguments.grids // 5, (columns, rows)) for _ in range(2)]
        few, small = command(file, Path(temporary) / "few", arguments.grids // 5, arguments)
        seconds, megabytes = command(file, Path(temporary) / "all", arguments.grids, arguments)
        rates.append(floor(model, drawings, arguments.grids // 5, (columns, rows)))
        points = points_in(Path(temporary) / "all")
    engine = float(np.median(rates))
    print(f"the engine alone: {engine:,.0f} points/s, the median of {', '.join(f'{r:,.0f}' for r in rates)}")
    print(f"{arguments.grids // 5:,} grids: {few:.1f} s, {small:,.0f} MB")
    drawn = arguments.grids * columns * rows
    print(
        f"{arguments.grids:,} grids of {drawn:,} drawings and {points:,} points: {seconds:.1f} s, "
        f"{megabytes:,.0f} MB"
    )
    print(f"{points / seconds:,.0f} points/s: {points / seconds / engine:.2f} of the engine alone")
    print(f"memory: {megabytes / small:.2f} times that of a fifth of the grids")


if __name__ == "__main__":
    main()
