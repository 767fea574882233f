"""What the weight of L_KL does: the same ways between drawings by two models that differ in it alone.

    python examples/figures/kl_weight.py [-o FILE.svg] [--work FOLDER [--resume]] [--drawings N] [--steps N]

Follows the interpolations under several weights of Ha & Eck 2017 (section 4). Two small models are trained on
cats, faces and fish that sketchkit draws by rule, which takes some ten minutes of one core; `--work` keeps
them, and `--resume` goes on where a run was stopped. What they cost is printed, and how faithful the ends of
ways are and how coherent their middles (`coherence.py`).
"""

import argparse
import csv
import tempfile
from pathlib import Path

from coherence import ends_and_middles
from common import arguments, drawn, given, run, sheet

import sketchkit as sk
from sketchkit.training import TrainConfig, train
from sketchkit.training.data import Dataset, prepare_sketches, synth

CLASSES = ("cat", "face", "fish")
WEIGHTS, STEPS = (0.05, 1.0), 8
#: The drawings at both ends of each way, by what they show; others than those that are learnt from.
WAYS = (("cat", "cat"), ("cat", "face"), ("face", "fish"))


def main() -> None:
    """Train both models, print what they cost, and draw the figure."""
    parser = arguments(__doc__)
    parser.add_argument("--work", type=Path, help="the folder that keeps data and runs; none when not given")
    parser.add_argument("--resume", action="store_true", help="go on with the runs in it")
    parser.add_argument("--drawings", type=int, default=9_000, help="what is learnt from, %(default)s")
    parser.add_argument("--steps", type=int, default=3_000, help="updates of each model, %(default)s")
    chosen = parser.parse_args()
    if chosen.resume and chosen.work is None:
        parser.error("--resume goes on with the runs in --work FOLDER")
    with tempfile.TemporaryDirectory() as passing:
        draw(chosen, chosen.work or Path(passing))


def draw(chosen: argparse.Namespace, work: Path) -> None:
    """Both models' ways between the same drawings, one above the other."""
    work.mkdir(parents=True, exist_ok=True)
    kept = work / "data"
    if not kept.exists():
        prepare_sketches(synth(chosen.drawings, classes=CLASSES), kept)
    data = Dataset.open(kept)
    models = [trained(data, weight, work / f"kl-{weight:g}", chosen) for weight in WEIGHTS]
    pictures = []
    for seed, way in enumerate(WAYS, start=1_000):
        # Nothing is learnt from these: the data set is of seed 0.
        ends = [next(synth(1, seed, [name], first=index)) for index, name in enumerate(way)]
        for model in models:
            between = sk.interpolate(model, ends, STEPS, 0.1, prepared=True)
            pictures += [given(ends[0]), *drawn(between), given(ends[1])]
    rows = [f"w_KL {weight:g}" for weight in WEIGHTS] * len(WAYS)
    sheet(pictures, chosen.output, STEPS + 2, rows=rows)


def trained(data: Dataset, weight: float, place: Path, chosen: argparse.Namespace) -> sk.SketchModel:
    """The model of a weight, and on a line what it costs on drawings that it has not learnt from."""
    config = TrainConfig(
        backend="vae", hidden=128, encoder_hidden=64, latent=32, mixtures=10, position=True,
        offset_noise=2.0, steps=chosen.steps, batch_size=50, learning_rate=2e-3, schedule="cosine",
        warmup=100, recurrent_dropout=0.0, precision="bfloat16", grid=0, evaluate_every=400, save_every=200,
        kl_weight=weight, kl_rate=0.998,
    )  # fmt: skip
    train(data, place, config, resume=chosen.resume and place.exists(), device="cpu", threads=1)
    with open(place / "valid.csv", encoding="utf-8") as stream:
        costs = list(csv.DictReader(stream))[-1]
    model = sk.load_model(place / "last.safetensors", device="cpu")
    ends, middles = ends_and_middles(model, CLASSES)
    cost, kl = float(costs["offset"]) + float(costs["pen"]), float(costs["kl"])
    print(f"w_KL {weight:g}: L_R {cost:.3f}, L_KL {kl:.3f}, ends {ends:.4f}, middles {middles:.4f}")
    return model


if __name__ == "__main__":
    run(main)
