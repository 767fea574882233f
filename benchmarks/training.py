"""Training steps of the conditional VAE against the matrix products they cannot do without.

    python benchmarks/training.py sheep.npz [--steps 6] [--threads 1]

The released configuration: encoder 256, decoder 512, z 128, M 20, batches of 100 at random, recurrent dropout
0.1. Useful points a second are real points, padding not counted. The floor is the time of the same products,
forward and backward, taken alone in the same run; the ratio says how much of it the whole step reaches.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from sketchkit.batch import SketchBatch
from sketchkit.card import ModelCard
from sketchkit.formats import read_all
from sketchkit.geometry import scale_factor
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.sketch import Sketch
from sketchkit.training.losses import KLSchedule
from sketchkit.training.objective import Batch, batch_loss

BATCH, NMAX, DROPOUT = 100, 250, 0.1


def batches(path: Path, count: int) -> list[Batch]:
    """Random batches of a file, offsets in model units."""
    drawings: list[Sketch] = [d for d in read_all(path) if len(d) < NMAX][:2000]
    scale = scale_factor(drawings)
    rng = np.random.default_rng(0)
    out = []
    for _ in range(count):
        chosen = [drawings[i].with_end() for i in rng.choice(len(drawings), BATCH, replace=False)]
        padded = SketchBatch.from_sketches(chosen)
        points = torch.from_numpy(padded.stroke5)
        points[..., :2] /= scale
        out.append(Batch(points, torch.from_numpy(padded.lengths) + 1))
    return out


def step_seconds(model: VaeModel, some: list[Batch]) -> list[float]:
    """Seconds of each whole step: losses, gradients, clipping and Adam."""
    optimiser, schedule = torch.optim.Adam(model.parameters(), 1e-3, foreach=True), KLSchedule()
    seconds = []
    for number, batch in enumerate(some):
        begin = time.perf_counter()
        noise = torch.randn(BATCH, model.architecture.latent)
        loss = batch_loss(model, batch, NMAX, noise=noise)
        optimiser.zero_grad(set_to_none=True)
        (loss.reconstruction.total + schedule(loss.kl, number)).backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), 1.0)
        optimiser.step()
        seconds.append(time.perf_counter() - begin)
    return seconds


def product_seconds(model: VaeModel, points: int) -> float:
    """Seconds of the products of one step alone: each weight three times, forward and for both gradients."""
    total = 0.0
    for weight, rows in _weights(model, points):
        x, grad = torch.randn(rows, weight.shape[1]), torch.randn(rows, weight.shape[0])
        begin = time.perf_counter()
        x @ weight.t()
        grad @ weight
        grad.t() @ x
        total += time.perf_counter() - begin
    return total


def _weights(model: VaeModel, points: int) -> list[tuple[torch.Tensor, int]]:
    cell, latent = model.decoder.cell, model.architecture.latent
    per_point = [cell.weight_h, cell.weight_x[:, :5], model.decoder.output.weight]
    per_point += [w for c in (model.forward_cell, model.backward_cell) for w in (c.weight_h, c.weight_x)]
    assert cell.weight_x.shape[1] == 5 + latent
    return [(w.detach(), points) for w in per_point] + [(cell.weight_x[:, 5:].detach(), BATCH)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="a stroke-3 npz or ndjson file")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = VaeModel(VaeArchitecture(), ModelCard()).train()
    for cell in (model.decoder.cell, model.forward_cell, model.backward_cell):
        cell.recurrent_dropout = DROPOUT
    some = batches(arguments.data, arguments.steps + 1)
    seconds = step_seconds(model, some)[1:]
    points = [int(batch.lengths.sum()) for batch in some][1:]
    floors = [product_seconds(model, n) for n in points]
    rate = statistics.median(n / s for n, s in zip(points, seconds, strict=True))
    ratio = statistics.median(f / s for f, s in zip(floors, seconds, strict=True))
    print(
        f"{arguments.threads} thread(s): {statistics.median(seconds):.2f} s a step, "
        f"{rate:.0f} useful points/s, {ratio:.2f} of the rate of its matrix products alone "
        f"({statistics.median(floors):.2f} s)"
    )


if __name__ == "__main__":
    main()
