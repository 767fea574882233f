"""Training steps against the matrix products they cannot do without, and against what others reach.

    python benchmarks/training.py SHEEP.npz [--steps 6] [--threads 1] [--precision float32 bfloat16]

The released configuration of sketch-rnn on Aaron sheep: conditional VAE, encoder 256, decoder 512, z 128,
M 20, batches of 100 at random, recurrent dropout 0.1, augmentation. A step is all of it: the batch is made,
losses and gradients are computed, clipped and applied. Useful points are real points, padding not counted.

Two ratios are printed. The floor is the same products, forward and backward, taken alone in the same run: how
much of their rate the whole step reaches. The peer is the fastest of four public implementations (3,590
useful points/s on one core on which float32 products ran at 85 GFLOP/s); it is scaled by the rate of products
measured in this run.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from sketchkit.benchmark import CLOCKS
from sketchkit.training import TrainConfig
from sketchkit.training.backends import build
from sketchkit.training.batching import Batches
from sketchkit.training.checkpointing import TrainState
from sketchkit.training.data import Dataset, Recipe, prepare
from sketchkit.training.objective import Objective, weigh
from sketchkit.training.processes import keep_memory
from sketchkit.training.trainer import card_of

#: The fastest peer, and the float32 products of the core it was measured on.
PEER_POINTS, PEER_GFLOPS = 3_590.0, 85.0
NMAX = 250


class Run:
    """A model, its batches, and one step of training after another."""

    def __init__(self, data: Dataset, precision: str) -> None:
        config = TrainConfig.made(None, {"backend": "vae", "precision": precision})
        self.config = config
        self.model = build(config, card_of(data, "benchmark", NMAX)).train()
        self.state = TrainState(self.model, config)
        self.objective = Objective(self.model, precision)
        self.batches = Batches(data.split("train"), config, self.model, NMAX)
        self.steps = 0

    def step(self) -> int:
        """One whole step; how many useful points it had."""
        batch = self.batches.batch(self.steps)
        weights = self.config.weights_at(self.steps)
        terms = self.objective(batch, weights)
        whole = {name: float(each.detach()) for name, each in terms.items()}
        counted, _ = weigh(terms, whole, self.config, weights)
        self.state.optimiser.zero_grad(set_to_none=True)
        counted.backward()
        float(self.state.gradient_norm())
        self.state.update(self.config.learning_rate_at(self.steps), self.config.clip)
        self.steps += 1
        return batch.useful


def products(model: torch.nn.Module, points: int, dtype: torch.dtype) -> list[tuple[torch.Tensor, ...]]:
    """For each weight of a step: rows, the weight, and a gradient of what comes out."""
    cell, latent = model.decoder.cell, model.architecture.latent
    weights = [(w, points) for w in (cell.weight_h, cell.weight_x[:, :5], model.decoder.output.weight)]
    for each in (model.forward_cell, model.backward_cell):
        weights += [(each.weight_h, points), (each.weight_x, points)]
    weights.append((cell.weight_x[:, 5:], 100))
    assert cell.weight_x.shape[1] == 5 + latent
    made = []
    for weight, rows in weights:
        w = weight.detach().to(dtype).contiguous()
        made.append((torch.randn(rows, w.shape[1]).to(dtype), w, torch.randn(rows, w.shape[0]).to(dtype)))
    return made


def product_seconds(some: list[tuple[torch.Tensor, ...]], clock: Callable[[], float]) -> float:
    """Seconds of the products alone: each weight three times, forward and for both gradients."""
    begin = clock()
    for x, weight, grad in some:
        x @ weight.t()
        grad @ weight
        grad.t() @ x
    return clock() - begin


def flop(some: list[tuple[torch.Tensor, ...]]) -> float:
    return sum(6.0 * len(x) * weight.numel() for x, weight, _ in some)


def measure(data: Dataset, precision: str, steps: int, clock: Callable[[], float]) -> None:
    run = Run(data, precision)
    run.step()
    run.step()
    rates, ratios, speeds = [], [], []
    for _ in range(steps):
        begin = clock()
        useful = run.step()
        seconds = clock() - begin
        alone = products(run.model, useful, getattr(torch, precision))
        floor = product_seconds(alone, clock)
        plain = products(run.model, useful, torch.float32)
        speeds.append(flop(plain) / product_seconds(plain, clock) / 1e9)
        rates.append(useful / seconds)
        ratios.append(floor / seconds)
    rate, gflops = statistics.median(rates), statistics.median(speeds)
    peer = PEER_POINTS * gflops / PEER_GFLOPS
    print(
        f"{precision}: {rate:,.0f} useful points/s, {statistics.median(ratios):.2f} of the rate of its "
        f"products alone; {rate / peer:.2f} times the fastest peer, scaled to {gflops:.0f} GFLOP/s of float32"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="a stroke-3 npz or ndjson file")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_memory()
    with tempfile.TemporaryDirectory() as folder:
        data = prepare([str(arguments.data)], Path(folder) / "data", Recipe(max_points=NMAX))
        print(f"{arguments.threads} thread(s), seconds of the {arguments.clock} clock")
        for precision in arguments.precision:
            measure(data, precision, arguments.steps, CLOCKS[arguments.clock])


if __name__ == "__main__":
    main()
