"""The validation loss that our defaults reach in a number of steps, beside that of the released recipe.

    python benchmarks/recipe.py SHEEP.npz [--steps 100] [--threads 1]

Trains the conditional VAE on Aaron sheep three times, from the same weights, on the same drawings, with the
same chance: as released, with every row up to Nmax computed and counted; by our defaults, without
padding; and so in bfloat16. Prints the seconds and the validation loss of each, and
the ratio to the released recipe's.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from sketchkit.training import TrainConfig, train
from sketchkit.training.data import Dataset, Recipe, prepare
from sketchkit.training.logs import read_log

RECIPES = {
    "as released": {"padding": -1},
    "our defaults": {},
    "our defaults, bfloat16": {"precision": "bfloat16"},
}


def measured(
    data: Dataset, folder: Path, changes: dict[str, object], steps: int, threads: int
) -> tuple[float, float]:
    """The validation loss after so many steps, and the seconds that they took."""
    every = {"steps": steps, "evaluate_every": steps, "save_every": steps, "grid": 0}
    config = TrainConfig.made(None, {"backend": "vae"}, every, changes)
    train(data, folder, config, threads=threads)
    log = read_log(folder)
    return float(log.valid["loss"][-1]), float(log.train["seconds"][-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="a stroke-3 npz file with its own splits")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, first = Path(name), None
        data = prepare([str(arguments.data)], folder / "data", Recipe(max_points=250))
        for number, (what, changes) in enumerate(RECIPES.items()):
            loss, seconds = measured(data, folder / str(number), changes, arguments.steps, arguments.threads)
            first = loss if first is None else first
            print(
                f"{what}: validation loss {loss:.4f} after {arguments.steps} steps and {seconds:.0f} s, "
                f"{loss / first:.3f} of the released recipe's",
                flush=True,
            )


if __name__ == "__main__":
    main()
