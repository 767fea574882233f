"""How many points a second the page to send draws, against a plain loop of JavaScript over the same weights.

    python benchmarks/web_page.py [--model doodle] [--rounds 5]

Needs the package sketchkit-canvas, and node, whose engine is that of Chromium. A page is exported, and its
own modules step 1, 9 and 54 drawings at once (an ending, nine, nine of six tries). The floor is one
product of the recurrent weights and a vector, in floats, by two plain loops. Rates are of CPU time, medians
of rounds in which both take turns.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from sketchkit_canvas.single_page import WebExporter

import sketchkit

RUNNER = Path(__file__).parent.parent / "plugins" / "sketchkit-canvas" / "tests" / "web_engine.mjs"
BATCHES = (1, 9, 54)
#: Points of a measurement, of the page and of the floor.
POINTS, FLOOR_POINTS = 1_500, 100
FLOOR = """
const [units, points] = process.argv.slice(1).map(Number);
const weights = Float32Array.from({ length: 4 * units * units }, (_, i) => (i % 251) / 251 - 0.5);
const hidden = new Float32Array(units).fill(0.1);
const sums = new Float32Array(4 * units);
const before = process.cpuUsage();
for (let point = 0; point < points; point++) {
  for (let n = 0; n < sums.length; n++) {
    let sum = 0;
    for (let k = 0; k < units; k++) sum += weights[n * units + k] * hidden[k];
    sums[n] = sum;
  }
  hidden[point % units] = Math.tanh(sums[point % sums.length]);
}
const { user, system } = process.cpuUsage(before);
console.log((points * 1e6) / (user + system));
"""


def main() -> None:
    """Print a row a batch."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="doodle")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    node = shutil.which("node")
    if node is None:
        raise SystemExit("no node: it runs the modules of the page")
    model = sketchkit.load_model(chosen.model, device="cpu")
    units = -(-model.architecture.hidden // 8) * 8
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "drawing.html"
        page.write_bytes(WebExporter().export(model))
        rounds = [(_floor(node, units), _speeds(node, page)) for _ in range(chosen.rounds)]
    floor = statistics.median(each for each, _ in rounds)
    print(f"a plain loop of JavaScript: {floor:,.0f} points/s")
    for place, batch in enumerate(BATCHES):
        rate = statistics.median(speeds[place] for _, speeds in rounds)
        ratio = statistics.median(speeds[place] / each for each, speeds in rounds)
        print(f"{batch:3} drawings at once: {rate:,.0f} points/s, {ratio:.1f} times the loop")


def _floor(node: str, units: int) -> float:
    command = [node, "-e", FLOOR, str(units), str(FLOOR_POINTS)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _speeds(node: str, page: Path) -> list[float]:
    calls = [("speed", {"batch": batch, "steps": POINTS // batch}) for batch in BATCHES]
    lines = "".join(json.dumps(call) + "\n" for call in calls)
    done = subprocess.run(
        [node, str(RUNNER), str(page)], input=lines, capture_output=True, text=True, check=True
    )
    return [float(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    main()
