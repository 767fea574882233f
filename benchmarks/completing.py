"""Nine endings of one drawing, from the sketch in memory to sketches in memory, the engine warm.

    python benchmarks/completing.py [--engine torch] [--precision float32] [--runs 15] [--clock wall]

The model is `doodle`, kept from ending, so that every ending has 64 points; the drawing is the README's.
All of `sketchkit.complete` is in it: the scale is found, the beginning is read, nine endings are drawn and
scored. Printed are the median, and its ratio to the floor: the matrix products of the 64 steps alone, taken
in the same run by turns.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import torch

from sketchkit import complete, load_model, read
from sketchkit.benchmark import CLOCKS
from sketchkit.models.decoder import DecoderModel

START = Path(__file__).parent.parent / "examples" / "face-start.svg"
ENDINGS, POINTS, NEVER = 9, 64, -1e4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    clock = CLOCKS[arguments.clock]
    model = load_model("doodle", device="cpu", engine=arguments.engine, precision=arguments.precision)
    assert isinstance(model, DecoderModel)
    with torch.no_grad():
        model.decoder.output.bias[2] = NEVER
    drawing = read(START)
    rows = torch.randn(ENDINGS, model.architecture.hidden)
    weights = (model.decoder.cell.weight_h.detach(), model.decoder.output.weight.detach())

    def ours() -> float:
        begin = clock()
        endings = complete(model, drawing, ENDINGS, class_name="face", max_points=POINTS)
        seconds = clock() - begin
        assert all(len(ending.ending) >= POINTS for ending in endings)
        return seconds

    def floor() -> float:
        begin = clock()
        for _ in range(POINTS):
            for weight in weights:
                rows @ weight.mT
        return clock() - begin

    pairs = [(ours(), floor()) for _ in range(arguments.runs + 2)][2:]
    taken, least = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"{arguments.engine} {arguments.precision}: {ENDINGS} endings of {POINTS} points in "
        f"{taken * 1e3:.0f} ms, {taken / least:.2f} times its products alone ({least * 1e3:.0f} ms)"
    )


if __name__ == "__main__":
    main()
