"""`python -m sketchkit_native`: the instruction sets of this processor, and how fast they draw."""

from __future__ import annotations

import numpy as np

from sketchkit.engine import LSTMWeights
from sketchkit_native import library as lib
from sketchkit_native.engine import NativeStepper
from sketchkit_native.speed import Pace, measure_rates, random_weights


def main() -> None:
    """Print the instruction sets, and points a second for each precision."""
    print(f"instruction sets: {', '.join(lib.list_sets())}")
    weights = random_weights()
    for precision in lib.SETS_BY_PRECISION:
        name = lib.best_set(precision)
        speed = "no instructions here" if name is None else _describe_speed(weights, precision, name)
        print(f"{precision:9} ", speed)


def _describe_speed(weights: LSTMWeights, precision: str, name: str) -> str:
    stepper = NativeStepper(weights, precision, name)
    rates = []
    for rows, drawings in ((1, "one drawing"), (128, "128 drawings")):
        zeros = np.zeros((rows, weights.recurrent.shape[1]), np.float32)
        (rate,) = measure_rates(Pace(stepper, (zeros, zeros)), rounds=3)
        rates.append(f"{rate:9,.0f} points/s in {drawings}")
    return f"{name:12}{', '.join(rates)}"


if __name__ == "__main__":
    main()
