"""Train a recogniser: the judge by which `sketchkit evaluate` measures drawings, or the critic.

    python examples/train_recogniser.py DATA[=WEIGHT]... -o judge.safetensors --network residual --views 9

Each DATA is a data set made by `sketchkit data prepare`; a drawing is taken from each of its classes as often
as its weight says, 1 where none is given. Only classes of data sets of a weight of at least --known can be
named; the others teach what is not one of these. `examples/train_bundled.sh` trains those that come with
sketchkit. Progress goes to stderr, the accuracy on the held-out drawings of the first data set to stdout.
"""

from __future__ import annotations

import argparse
import sys
import time

import torch

from sketchkit.evaluate.recogniser import NETWORKS, save_recogniser
from sketchkit.evaluate.recogniser_training import (
    RecogniserRecipe,
    WeightedDataset,
    class_names,
    describe_recogniser,
    measure_accuracy,
    train_recogniser,
)
from sketchkit.training.data import Dataset
from sketchkit.training.data.manifest import find


def main() -> None:
    """Train, measure and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="+", help="a data set's folder, or the name of a stored one")
    parser.add_argument("-o", "--output", default="recogniser.safetensors")
    parser.add_argument("--test", help="the data set to measure on; the first one of DATA without")
    parser.add_argument("--known", type=float, default=0.5, help="the least weight of classes to be named")
    parser.add_argument("--network", choices=sorted(NETWORKS), default=RecogniserRecipe.network)
    parser.add_argument("--views", type=int, default=1, help="views of a drawing that are averaged")
    parser.add_argument("--begun", action="store_true", help="learn beginnings of the drawings")
    parser.add_argument("--flaws", action="store_true", help="learn drawings with flaws as further classes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=RecogniserRecipe.steps)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default=RecogniserRecipe.precision)
    parser.add_argument("--version", default="1", help="what to call the weights")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the same sums in the same order on every machine of a kind
    pairs = [word.partition("=") for word in arguments.data]
    datasets = [WeightedDataset(Dataset.open(find(name)), float(weight or 1)) for name, _, weight in pairs]
    known = class_names([dataset for dataset in datasets if dataset.weight >= arguments.known])
    recipe = RecogniserRecipe(
        arguments.network,
        arguments.steps,
        precision=arguments.precision,
        beginnings=arguments.begun,
        flaws=arguments.flaws,
        seed=arguments.seed,
    )
    begin = time.perf_counter()

    def report(done: int, total: int, loss: float) -> None:
        if done % 100 == 0 or done == total:
            seconds = time.perf_counter() - begin
            print(f"{done}/{total} steps, {seconds:.0f} s, loss {loss:.3f}", file=sys.stderr, flush=True)

    net = train_recogniser(datasets, recipe, report)
    # Measured as it will be used: with weights in half precision.
    about = describe_recogniser(
        datasets, recipe, arguments.version, (0.0, 0.0, 0), known=known, views=arguments.views
    )
    rounded = save_recogniser(net, about, arguments.output)
    held_out = datasets[0].data if arguments.test is None else Dataset.open(find(arguments.test))
    test = measure_accuracy(rounded, held_out, "test")
    about = describe_recogniser(datasets, recipe, arguments.version, test, known=known, views=arguments.views)
    save_recogniser(rounded.net, about, arguments.output)
    print(f"{test[0]:.4f} of {test[2]} test drawings named rightly, {test[1]:.4f} as a mean over the classes")


if __name__ == "__main__":
    main()
