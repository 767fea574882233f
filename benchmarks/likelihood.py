"""What a model costs on held-out drawings after the same time of training, and what simpler models cost.

    python benchmarks/likelihood.py car.ndjson [--minutes 6] [--threads 1]

Prepares the file (80 % to learn from, 10 % held out) and trains, one after the other and for the same time:
a plain `torch.nn.LSTM` of Magenta's size by the released recipe as ports do it (batches padded to Nmax,
float32, no recurrent dropout, which that kernel does not have), our decoder, and our conditional VAE. Beside
them stands the best constant: a mixture of offsets and the frequencies of pen states. Prints a table in
Markdown; intervals are 95 %, by the bootstrap over drawings. Of a VAE there are two figures: the NLL given a
z drawn from the posterior, and the bound, which counts what z itself costs (NLL + KL).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from sketchkit.checkpoints.load import load_model
from sketchkit.evaluate import Choices, Figure, evaluate
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.losses import reconstruction_losses
from sketchkit.training import TrainConfig, train
from sketchkit.training.backends import build
from sketchkit.training.batching import Batches
from sketchkit.training.data import Dataset, Recipe, prepare
from sketchkit.training.processes import keep_memory
from sketchkit.training.trainer import card_of

#: What both of our models add to the released recipe, for a training of minutes.
OURS = {"precision": "bfloat16", "schedule": "cosine", "ema": 0.999, "warmup": 20, "grid": 0}


class Port(nn.Module):
    """The decoder-only model as ports write it."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.output = nn.LSTM(5, 512, batch_first=True), nn.Linear(512, 123)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Raw outputs of rows."""
        return self.output(self.lstm(rows)[0])

    def as_model(self, data: Dataset, nmax: int) -> SketchModel:
        """The same as a model of ours, which adds 1 to the forget gate's bias itself."""
        model = DecoderModel(DecoderArchitecture(), card_of(data, "port", nmax))
        cell, lstm = model.decoder.cell, self.lstm
        with torch.no_grad():
            cell.weight_x.copy_(lstm.weight_ih_l0)
            cell.weight_h.copy_(lstm.weight_hh_l0)
            cell.bias.copy_(lstm.bias_ih_l0 + lstm.bias_hh_l0)
            cell.bias[512:1024] -= 1.0
            model.decoder.output.load_state_dict(self.output.state_dict())
        return model.requires_grad_(False).eval()


def trained_port(data: Dataset, seconds: float) -> tuple[SketchModel, int]:
    """The port after some time, and its steps."""
    nmax, config = data.max_length, TrainConfig.made(None, {"recurrent_dropout": 0.0, "padding": -1})
    torch.manual_seed(0)
    port, step = Port(), 0
    optimiser = torch.optim.Adam(port.parameters(), 1e-3)
    batches = Batches(data.split("train"), config, build(config, card_of(data, "port", nmax)), nmax)
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        points = batches.batch(step).points  # [B, Nmax, 5]
        start = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0]).expand(len(points), 1, 5)
        raw = port(torch.cat((start, points[:, :-1]), 1))
        loss = reconstruction_losses(raw.flatten(0, 1), points.flatten(0, 1), len(points), nmax)
        optimiser.zero_grad()
        (loss["offset"] + loss["pen"]).backward()
        nn.utils.clip_grad_value_(port.parameters(), 1.0)
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate_at(step)
        optimiser.step()
        step += 1
    return port.as_model(data, nmax), step


def trained_ours(
    data: Dataset, folder: Path, backend: str, seconds: float, threads: int
) -> tuple[SketchModel, int]:
    """Our model after some time, and its steps; a few steps first tell how many there will be."""
    tried = {**OURS, "backend": backend, "steps": 1_000_000, "evaluate_every": 1_000_000}
    info = train(
        data,
        folder / "tried",
        TrainConfig.made(None, tried),
        threads=threads,
        max_seconds=15.0,
        overwrite=True,
    )
    steps = max(10, int(info.step * seconds / 15.0 * 0.9))
    every = max(1, steps // 4)
    config = TrainConfig.made(None, tried, {"steps": steps, "evaluate_every": every, "save_every": every})
    info = train(data, folder / backend, config, threads=threads, max_seconds=seconds)
    return load_model(folder / backend / "last.safetensors", device="cpu"), info.step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="a file of drawings of one class")
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_memory()
    seconds = 60.0 * arguments.minutes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = prepare([str(arguments.data)], folder / "data", Recipe(splits=(80.0, 10.0, 10.0)))
        made = {
            "plain LSTM 512, released recipe": trained_port(data, seconds),
            "decoder": trained_ours(data, folder, "decoder", seconds, arguments.threads),
            "vae": trained_ours(data, folder, "vae", seconds, arguments.threads),
        }
        print("| model | seconds | steps | NLL a point, held out |")
        print("|---|---|---|---|")
        for number, (what, (model, steps)) in enumerate(made.items()):
            found = evaluate(model, data, Choices(samples=0)).likelihood
            if number == 0:
                print(f"| constant mixture | - | - | {_figure(found.baseline.per_point)} |")
            print(f"| {what} | {seconds:.0f} | {steps} | {_figure(found.model.per_point)} |")
            if found.bound is not None:
                print(f"| {what}, the bound | | | {_figure(found.bound)} |")


def _figure(figure: Figure) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


if __name__ == "__main__":
    main()
