"""Training passes of each cell against the products they cannot do without, and against the plain loop.

    python benchmarks/cells.py [--cells lstm layernorm-lstm hyper-lstm gru] [--hidden 512] [--rounds 5]
                               [--precision float32 bfloat16] [--threads 1] [--clock thread]

A pass is forward and backward over a batch of packed rows under recurrent dropout: 100 drawings whose lengths
are as uneven as those of real ones, 46 points on average and 200 at most. Nothing but the cell is in it.

Two ratios are printed, of medians over rounds. The floor is the same products, forward and backward, taken
alone for all rows at once, in the precision of the run and right after each pass: how much of their rate
the pass reaches. The loop is what `Cell.packed` does for a cell that has no pass of its own: how many times
as fast as that, each measured by its floor. They do not take turns, as the kernels that torch makes for
products in bfloat16, one for each shape, would drive each other out of its store.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from sketchkit.benchmark import CLOCKS
from sketchkit.models.cells import CELLS, Cell, Packing, make_cell
from sketchkit.training.processes import keep_memory

INPUT, DRAWINGS, LONGEST, MEAN, KEPT = 5, 100, 200, 46.0, 0.9
#: The shape of the distribution of lengths; 1 would be exponential.
SHAPE = 2.5

Pass = Callable[
    [torch.Tensor, torch.Tensor | None, tuple[torch.Tensor, ...], Packing, torch.Tensor], torch.Tensor
]


@dataclass(frozen=True)
class Rows:
    """A packed batch: rows [N, 5], what dropout leaves [N, H], and a gradient of the outputs [N, H]."""

    packing: Packing
    rows: torch.Tensor
    keep: torch.Tensor
    grad: torch.Tensor

    @classmethod
    def made(cls, hidden: int) -> Rows:
        """One at random."""
        lengths = torch.distributions.Gamma(SHAPE, SHAPE / MEAN).sample((DRAWINGS,)).round().clamp(2, LONGEST)
        total = int(lengths.sum())
        keep = (torch.rand(total, hidden) < KEPT).float() / KEPT
        packing = Packing.of(lengths.long(), LONGEST)
        return cls(packing, torch.randn(total, INPUT), keep, torch.randn(total, hidden))


def pass_seconds(cell: Cell, packed: Pass, batch: Rows, half: bool, clock: Callable[[], float]) -> float:
    """Seconds of one pass, forward and backward."""
    state = cell.state_from(*torch.zeros(2, DRAWINGS, cell.hidden_size))
    begin = clock()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        out = packed(batch.rows, None, state, batch.packing, batch.keep)
    out.backward(batch.grad.to(out.dtype))
    seconds = clock() - begin
    cell.zero_grad()
    return seconds


def product_seconds(cell: Cell, points: int, dtype: torch.dtype, clock: Callable[[], float]) -> float:
    """Seconds of the products alone: each weight three times, forward and for both gradients."""
    seconds = 0.0
    for name, parameter in cell.named_parameters():
        if parameter.dim() < 2 or "gate_" in name:
            continue
        # Of three dimensions are those that each gate has its own input for.
        for weight in parameter.detach().to(dtype).reshape(-1, *parameter.shape[-2:]):
            x, grad = (torch.randn(points, size).to(dtype) for size in (weight.shape[1], weight.shape[0]))
            begin = clock()
            x @ weight.t()
            grad @ weight
            grad.t() @ x
            seconds += clock() - begin
    return seconds


def measured(
    cell: Cell, packed: Pass, batch: Rows, dtype: torch.dtype, rounds: int, clock: Callable[[], float]
) -> tuple[float, float]:
    """Seconds of a pass, and how many times those of its products alone that is; medians."""
    times = []
    for _ in range(rounds + 1):
        seconds = pass_seconds(cell, packed, batch, dtype == torch.bfloat16, clock)
        times.append((seconds, seconds / product_seconds(cell, len(batch.rows), dtype, clock)))
    passes, ratios = zip(*times[1:], strict=True)  # the first one warmed up
    return statistics.median(passes), statistics.median(ratios)


def measure(name: str, batch: Rows, precision: str, rounds: int, clock: Callable[[], float]) -> None:
    cell = make_cell(name, INPUT, batch.grad.shape[1])
    options = (batch, getattr(torch, precision), rounds, clock)
    seconds, ratio = measured(cell, cell.packed, *options)
    _, of_loop = measured(cell, partial(Cell.packed, cell), *options)
    print(
        f"{precision} {name}: {seconds:.3f} s a pass, {len(batch.rows) / seconds:,.0f} points/s, "
        f"{1 / ratio:.2f} of the rate of its products alone; {of_loop / ratio:.2f} times as fast as the loop",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cells", nargs="+", choices=sorted(CELLS), default=list(CELLS))
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--precision", nargs="+", choices=["float32", "bfloat16"], default=["float32", "bfloat16"]
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="thread")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_memory()
    torch.manual_seed(0)
    batch = Rows.made(arguments.hidden)
    print(f"{arguments.threads} thread(s), seconds of the {arguments.clock} clock")
    for precision in arguments.precision:
        for name in arguments.cells:
            measure(name, batch, precision, arguments.rounds, CLOCKS[arguments.clock])


if __name__ == "__main__":
    main()
