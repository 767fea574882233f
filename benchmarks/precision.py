"""What a precision costs: NLL per point of held-out drawings, against float32.

    python benchmarks/precision.py MODEL FILES... [--precision bfloat16 int8] [--drawings 1000]
                                   [--engine torch]

The files are prepared as a data set, and the drawings are of its test split. They are stepped under teacher
forcing by the very stepper that would draw. Printed is the mean over points, and its difference from float32
in per cent.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from sketchkit.checkpoints.load import load_model
from sketchkit.decoding import Decoding
from sketchkit.density import MixtureDensity
from sketchkit.engine import PRECISIONS, stepper_of
from sketchkit.evaluate.heldout import HeldOut, sketches_of
from sketchkit.latent import read_wholes
from sketchkit.models import SketchModel
from sketchkit.training.data import Recipe, prepare

_BATCH = 128


@torch.inference_mode()
def nll(model: SketchModel, drawings: list[np.ndarray], labels: list[str | None]) -> float:
    """The negative log-likelihood per point, end rows among them."""
    stepper = stepper_of(model)
    total, count = 0.0, 0
    for begin in range(0, len(drawings), _BATCH):
        some = [model.rows_of(rows) for rows in drawings[begin : begin + _BATCH]]
        rows = torch.nn.utils.rnn.pad_sequence(some, batch_first=True)
        lengths = torch.tensor([len(each) for each in some])
        z = None
        if model.conditional:
            z = model.encode_batch(rows, lengths)[0]
        label = model.label_index(labels[begin : begin + _BATCH])
        state = stepper.enter(model.initial_state(len(some), z, label))
        read = model.start_rows(len(some))
        for t in range(rows.shape[1]):
            raw, state = stepper.step(read, state)
            read = rows[:, t]
            offset, pen = MixtureDensity(raw).log_prob(read)
            inked = read[:, 4] == 0
            loss = -(torch.where(inked, offset, 0.0) + pen)
            total += float(loss[lengths > t].double().sum())
        count += int(lengths.sum())
    return total / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=["bfloat16", "int8"])
    parser.add_argument("--drawings", type=int, default=1000)
    parser.add_argument("--engine", default="torch")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(arguments.model, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        data = prepare(arguments.data, Path(folder) / "data", Recipe())
        held = HeldOut.choose(data, limit=arguments.drawings)
        sketches = sketches_of(data, held.split, held.indices)
    labels = [model.known_label(sketch.label) for sketch in sketches]
    drawings = [whole.rows for whole in read_wholes(model, sketches, prepared=True)]
    floor = 0.0
    for precision in ("float32", *arguments.precision):
        model.decoding = Decoding(arguments.engine, precision)
        found = nll(model, drawings, labels)
        floor = floor or found
        print(
            f"{arguments.engine} {precision}: NLL per point {found:.4f} on {len(drawings)} drawings, "
            f"{100 * (found - floor) / abs(floor):+.3f} % of float32's",
            flush=True,
        )


if __name__ == "__main__":
    main()
