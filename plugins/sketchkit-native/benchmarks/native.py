"""How fast the engine draws with the model `doodle`, and how near it stays to the model's own step.

One thread. Each rate is the median of several rounds, each beside a round of torch's float32 product of
[128, 512] by [512, 2048], in the time that the thread itself runs. A point of this model takes 2.24 million
operations, so that torch could make about its rate of operations over that, if it did nothing else.

    python benchmarks/native.py
    python benchmarks/native.py --agreement 1000
"""

from __future__ import annotations

import argparse

import torch
from sketchkit_native import library as lib
from sketchkit_native.engine import NativeStepper
from sketchkit_native.speed import Pace, measure_rates

from sketchkit import SketchModel, load_model
from sketchkit.density import MixtureDensity
from sketchkit.engine import LSTMWeights
from sketchkit.noise import Noise, uniforms
from sketchkit.sampling import DrawRule
from sketchkit.tempering import tempering

_BATCHES = (1, 9, 128, 1024)
_TEMPERATURE, _RULE = 0.4, "javascript"
_POINTS = 64


def main() -> None:
    """Print a table of rates, or of agreement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--agreement", type=int, default=0, metavar="N", help="compare so many drawings instead"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model("doodle", device="cpu")
    weights = LSTMWeights.of(model)
    assert weights is not None, "the model doodle is a plain LSTM"
    for precision, names in lib.SETS_BY_PRECISION.items():
        for name in names:
            if name not in lib.list_sets():
                continue
            stepper = NativeStepper(weights.to_numpy(), precision, name)
            if args.agreement:
                _print_agreement(model, stepper, args.agreement, f"{precision:9} {name:12}")
            else:
                _print_rates(model, weights, stepper, args.rounds, f"{precision:9} {name:12}")


@torch.inference_mode()
def _print_rates(
    model: SketchModel, weights: LSTMWeights, stepper: NativeStepper, rounds: int, title: str
) -> None:
    work = 2 * (weights.recurrent.numel() + weights.rows.numel() + weights.output.numel())
    first, second, out = torch.rand(128, 512), torch.rand(512, 2048), torch.empty(128, 2048)

    def multiply() -> int:
        torch.mm(first, second, out=out)
        return 2 * 128 * 512 * 2048

    for batch in _BATCHES:
        pace = Pace(stepper, _make_inputs(model, batch)[1])
        points, operations = measure_rates(pace, multiply, rounds=rounds)
        print(
            f"{title} batch {batch:5} {points:10,.0f} points/s, {points * work / operations:5.2f} of mm "
            f"at {operations / 1e9:.0f} GFLOP/s",
            flush=True,
        )


@torch.inference_mode()
def _print_agreement(model: SketchModel, stepper: NativeStepper, drawings: int, title: str) -> None:
    """Two decoders with the same noise, each reading its own points."""
    rule = DrawRule(*tempering(_TEMPERATURE, _RULE))
    rows, state = _make_inputs(model, drawings)
    mine, own = rows, stepper.prepare_state(state)
    index = torch.arange(drawings)
    points, losses = torch.empty(1, drawings, 5), torch.empty(1, drawings)
    same, apart = [], []
    for k in range(_POINTS):
        chance = uniforms(1, index, torch.full((drawings,), k))
        raw, state = model.step(rows, state)
        density = MixtureDensity(raw)
        rows = density.tempered(_TEMPERATURE, _RULE).draw(Noise(chance))
        offset, pen = density.log_prob(rows)
        _, own = stepper.draw(mine, own, chance[:, None], rule, points, losses)
        mine = points[0].clone()
        same.append((mine[:, 2:] == rows[:, 2:]).all(1))
        apart.append((losses[0] + torch.where(rows[:, 4] == 1.0, 0.0, offset) + pen).abs())
    equal, distance = torch.stack(same), torch.stack(apart)
    print(
        f"{title} pen states {equal.float().mean():.5%} equal in {equal.numel():,} points; losses of those "
        f"{distance[equal].mean():.1e} apart, at most {distance[equal].max():.1e}",
        flush=True,
    )


def _make_inputs(model: SketchModel, batch: int) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """The first rows of drawings of all classes in turn, and the state before."""
    labels = torch.arange(batch) % len(model.card.classes)
    return torch.tensor(model.card.start).repeat(batch, 1), model.initial_state(batch, None, labels)


if __name__ == "__main__":
    main()
