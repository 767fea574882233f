"""Train the recogniser by which `sketchkit evaluate` compares sets of drawings.

    python examples/train_recogniser.py DATA -o recogniser.safetensors --seed 0

DATA is a data set made by `sketchkit data prepare`. The one that comes with sketchkit was trained so, on 25
classes of Quick, Draw!, in some eight minutes of one core. Progress goes to stderr, the accuracy on held-out
drawings to stdout.
"""

from __future__ import annotations

import argparse
import sys
import time

import torch

from sketchkit.evaluate.recogniser import save_recogniser
from sketchkit.evaluate.training_recogniser import Schooling, described, measured, train_recogniser
from sketchkit.training.data import Dataset
from sketchkit.training.data.folders import find


def main() -> None:
    """Train, measure and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", help="a data set's folder, or the name of a stored one")
    parser.add_argument("-o", "--output", default="recogniser.safetensors")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=Schooling.steps)
    parser.add_argument("--version", default="1", help="what to call the weights")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the same sums in the same order on every machine of a kind
    data = Dataset.open(find(arguments.data))
    begin = time.perf_counter()

    def told(done: int, total: int, loss: float) -> None:
        if done % 100 == 0 or done == total:
            seconds = time.perf_counter() - begin
            print(f"{done}/{total} steps, {seconds:.0f} s, loss {loss:.3f}", file=sys.stderr, flush=True)

    net = train_recogniser(data, Schooling(steps=arguments.steps, seed=arguments.seed), told)
    # Measured as everybody will use it: with weights in half precision.
    about = described(data, arguments.seed, arguments.version, (0.0, 0.0, 0))
    rounded = save_recogniser(net, about, arguments.output)
    test = measured(rounded, data, "test")
    save_recogniser(rounded.net, described(data, arguments.seed, arguments.version, test), arguments.output)
    print(f"{test[0]:.4f} of {test[2]} test drawings named rightly, {test[1]:.4f} as a mean over the classes")


if __name__ == "__main__":
    main()
