"""Drawing against the matrix products it cannot do without, and against what others reach.

    python benchmarks/sampling.py [--batch 1 9 128 1024] [--precision float32 bfloat16 int8]
                                  [--model lstm-512 lstm-2048 hyper-2048] [--engine torch] [--device cpu]
                                  [--runs 5] [--clock wall]

Every case draws so many drawings of 64 points at once (`sketchkit bench` runs the same). Three ratios are
printed, of medians. The products: the rate of the same matrix products alone, in the same width and precision
and the same run. The reads: that of reading the weights once a step. The peer: the fastest of six public
implementations, rfeinman's Sketch-RNN in PyTorch, which draws one drawing at a time at 1,204 points/s on one
core whose float32 products ran at 85 GFLOP/s; it is scaled by the rate of products measured beside each case.
"""

from __future__ import annotations

import argparse
import statistics

import torch

from sketchkit.benchmark import CLOCKS, MODELS, Case, measure, product_rate
from sketchkit.engine import PRECISIONS

#: The fastest peer, and the float32 products of the core it was measured on.
PEER_POINTS, PEER_GFLOPS = 1_204.0, 85.0


def report(case: Case, runs: int, clock: str) -> None:
    before = product_rate(runs, clock)
    found = measure(case, runs, clock)
    gflops = statistics.mean((before, product_rate(runs, clock)))
    peer = PEER_POINTS * gflops / PEER_GFLOPS
    rate = found.points_per_second
    against = "" if case.model != "lstm-512" else f"; {rate / peer:.1f} times the fastest peer"
    print(
        f"{found.case.engine} {case.model} {case.precision} x {case.batch}: {rate:,.0f} points/s, "
        f"{found.ratio:.2f} of its products alone, {rate / found.reads_per_second:.2f} of its reads alone"
        f"{against} ({gflops:.0f} GFLOP/s)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 9, 128, 1024])
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=["float32"])
    parser.add_argument("--model", nargs="+", choices=sorted(MODELS), default=["lstm-512"])
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} thread(s), seconds of the {arguments.clock} clock")
    for model in arguments.model:
        for precision in arguments.precision:
            for batch in arguments.batch:
                case = Case(model, batch, precision, arguments.engine, arguments.device)
                report(case, arguments.runs, arguments.clock)


if __name__ == "__main__":
    main()
