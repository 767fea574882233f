"""Throughput of work in parts: by one process, by shares of xargs, and by workers of Ray.

    python benchmarks/scale.py [-n 49152] [--model doodle] [--workers 2] [--runs 1]

Each way fills a folder with the same drawings, on one thread a process; `merge` shows that all have the same
bytes. A ratio is the time of one process divided by that of the way, in the same run, with the start and the
end of Ray. Needs sketchkit-ray.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def measure(command: str, folder: Path) -> float:
    """The seconds of a line of a shell in a folder."""
    begun = time.perf_counter()
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr}")
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-n", type=int, default=49_152)
    parser.add_argument("--model", default="doodle")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    sketchkit, n, workers = f"{shlex.quote(sys.executable)} -m sketchkit", arguments.n, arguments.workers
    sample = f"sample --model {arguments.model} -n {n} --tries 1"
    ways = {
        "one process": f"{sketchkit} {sample} --format ndjson -o parts/",
        "xargs": f"seq {workers} | xargs -P {workers} -I@ {sketchkit} {sample} --shard @/{workers} -o parts/",
        "Ray": f"{sketchkit} ray {sample} -o parts/ --workers {workers}",
    }
    print(f"{n:,} drawings by {arguments.model}, {workers} workers")
    for _ in range(arguments.runs):
        seconds, contents = {}, set()
        for name, command in ways.items():
            with tempfile.TemporaryDirectory() as temporary:
                seconds[name] = measure(command, Path(temporary))
                measure(f"{sketchkit} merge parts -o all.ndjson", Path(temporary))
                contents.add((Path(temporary) / "all.ndjson").read_bytes())
        if len(contents) > 1:
            raise SystemExit("the drawings differ")
        for name, taken in seconds.items():
            ratio = seconds["one process"] / taken
            print(f"{name:12} {taken:7.1f} s {n / taken:7.0f} drawings/s {ratio:5.2f} times", flush=True)


if __name__ == "__main__":
    main()
