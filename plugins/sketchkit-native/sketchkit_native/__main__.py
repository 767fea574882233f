"""`python -m sketchkit_native`: which instruction sets there are, and how fast they draw."""

from __future__ import annotations

import torch

from sketchkit.engine import LSTMWeights
from sketchkit_native import library as lib
from sketchkit_native.engine import NativeStepper
from sketchkit_native.speed import Pace, measured, random_weights

_ROWS = (1, 128)


def main() -> None:
    """Print what was found."""
    torch.set_num_threads(1)
    print(f"instruction sets: {', '.join(lib.available())}")
    weights = random_weights()
    for precision in lib.ABLE:
        name = lib.best_set(precision)
        print(f"{precision:9} ", "no instructions here" if name is None else _speed(weights, precision, name))


@torch.inference_mode()
def _speed(weights: LSTMWeights, precision: str, name: str) -> str:
    stepper = NativeStepper(weights, precision, name)
    hidden = weights.recurrent.shape[1]
    rates = []
    for rows in _ROWS:
        pace = Pace(stepper, (torch.zeros(rows, hidden), torch.zeros(rows, hidden)))
        rates.append(
            f"{measured(pace, 3)[0]:9,.0f} points/s in {'one drawing' if rows == 1 else f'{rows} drawings'}"
        )
    return f"{name:12}{', '.join(rates)}"


if __name__ == "__main__":
    main()
