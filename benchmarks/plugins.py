"""What plugins cost: `sketchkit plugins` with 50 of them against `sketchkit --help`, in paired runs.

    python benchmarks/plugins.py

The 50 distributions bring a sampler and a command each, and would write a file if they were imported.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 21
PLUGINS = 50
ALLOWED = 0.060


def install(folder: Path) -> None:
    """Lay distributions into a folder as pip leaves them."""
    for number in range(PLUGINS):
        (folder / f"flow_{number}.py").write_text(f"open('imported-{number}', 'w')\n")
        information = folder / f"flow_{number}-1.0.dist-info"
        information.mkdir()
        head = f"Name: flow-{number}\nVersion: 1.0\nRequires-Dist: sketchkit>=0.1\n\n"
        (information / "METADATA").write_text(head + "A long description. " * 500)
        (information / "entry_points.txt").write_text(
            f"[sketchkit.samplers]\nflow-{number} = flow_{number}:Flow\n"
            f"[sketchkit.commands]\nrun-{number} = flow_{number}:app\n"
        )


def seconds(folder: Path, *words: str) -> float:
    """How long a command line takes."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "sketchkit", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begin


def main() -> None:
    """Print the medians, and the median of the differences within a pair."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        install(folder)
        pairs = [(seconds(folder, "plugins"), seconds(folder, "--help")) for _ in range(RUNS + 1)][1:]
        imported = len(list(folder.glob("imported-*")))
    ours, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    more = statistics.median(a - b for a, b in pairs)
    print(
        f"plugins: {ours * 1e3:.0f} ms, --help {floor * 1e3:.0f} ms, ratio {ours / floor:.2f}, "
        f"{more * 1e3:+.0f} ms of {ALLOWED * 1e3:.0f} ms allowed; {imported} of {PLUGINS} imported"
    )


if __name__ == "__main__":
    main()
