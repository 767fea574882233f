"""How good a model's drawings are, class by class, by the judge, beside drawings by people and by teachers.

    python benchmarks/quality.py MODEL DATA [-n 200] [--temperature 0.25] [--teacher FILE]... [--unit MODEL]

MODEL is told each of its classes and draws N plainly. DATA is a data set whose test split holds drawings by
people. Each --teacher is a model of one class, which draws as many. The likelihood is told in the units of
--unit, doodle-1 by default. --neighbours N looks for the nearest training drawing of each of N samples, and
for the nearest latent vector of one.
The judge chooses among the classes that it knows well and those of the model; with --all among all the
classes of its network.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import torch

import sketchkit
from sketchkit.evaluate import load_recogniser
from sketchkit.evaluate.comparison import compare_reconstructions
from sketchkit.evaluate.heldout import HeldOut, score_drawings
from sketchkit.evaluate.recogniser import Recogniser
from sketchkit.evaluate.statistics import Bootstrap
from sketchkit.geometry import chamfer, quickdraw_simplify, unit_outline
from sketchkit.latent import prior
from sketchkit.models import SketchModel
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset
from sketchkit.training.data.manifest import find

#: A nearest neighbour is looked for among so many training drawings, those of the nearest features.
CANDIDATES = 30


def share(judge: Recogniser, drawings: list[Sketch], name: str, among: tuple[str, ...]) -> float:
    """The share of some drawings that is named so; NaN of none."""
    if not drawings or name not in among:
        return math.nan
    return float((judge.chances(drawings, among)[1].argmax(1) == among.index(name)).mean())


def simplified(drawing: Sketch) -> Sketch:
    """A drawing with as many points as the training data would have it."""
    lines = quickdraw_simplify([line for line in drawing.to_polylines() if len(line) > 1])
    return Sketch.from_polylines(lines, ended=drawing.ended)


def nll(model: SketchModel, unit: SketchModel, held: HeldOut) -> float:
    """NLL per point of held-out drawings, in the units of another model."""
    scores = score_drawings(model, held, 200)
    shift = 2.0 * math.log(unit.card.scale_factor / model.card.scale_factor)
    return float((scores.total.sum() - shift * scores.inked.sum()) / scores.rows.sum())


def by_class(model: SketchModel, judge: Recogniser, held: HeldOut, asked: argparse.Namespace) -> None:
    """Print the shares that are named rightly, of every class and as means over the classes."""
    people: dict[str, list[Sketch]] = {}
    for drawing in held.sketches():
        people.setdefault(drawing.label or "", []).append(drawing)
    teachers = {}
    for file in asked.teacher:
        teacher = sketchkit.load_model(file, device="cpu")
        teachers[teacher.card.classes[0].replace("_", " ")] = teacher
    rows = []
    seen = [name for name in model.card.classes if name in judge.about.classes]
    among = judge.about.classes if asked.all else tuple(dict.fromkeys((*judge.classes, *seen)))
    print(f"{'class':>16}  {'model':>6} {'ended':>6} {'people':>6} {'teacher':>7}")
    for name in model.card.classes:
        drawn = sketchkit.sample(model, asked.n, asked.temperature, class_name=name, seed=asked.seed)
        theirs: list[Sketch] = []
        if name in teachers:
            theirs = sketchkit.sample(teachers[name], asked.n, asked.temperature, seed=asked.seed)
        row = (
            share(judge, drawn, name, among),
            float(np.mean([each.ended for each in drawn])),
            share(judge, people.get(name, []), name, among),
            share(judge, [simplified(each) for each in theirs], name, among),
        )
        rows.append(row)
        cells = [f"{100 * value:6.1f}" if value == value else "     -" for value in row]
        print(f"{name:>16}  {' '.join(cells)}", flush=True)
    table = 100 * np.array(rows)
    named, ended = table[:, 0], table[:, 1]
    shares = f"{named.mean():.1f} named, {ended.mean():.1f} ended, least {ended.min():.1f}"
    print(f"all {len(table)} classes: {shares}")
    for what, column in (("people", 2), ("teachers", 3)):
        both = ~np.isnan(table[:, column])
        if both.any():
            ours, others = named[both].mean(), table[both, column].mean()
            print(f"the {both.sum()} classes of {what}: {ours:.1f} named, {what}'s {others:.1f}")


def neighbours(model: SketchModel, judge: Recogniser, held: HeldOut, asked: argparse.Namespace) -> None:
    """Print how far samples and held-out drawings are from the nearest training drawing of their class."""
    train = HeldOut.choose(held.data, "train")
    known = [name for name in model.card.classes if name in train.labels]
    labels = [known[i % len(known)] for i in range(asked.neighbours)]
    drawn = sketchkit.sample(model, len(labels), asked.temperature, class_name=labels, seed=asked.seed)
    found = {}
    for what, drawings in (("samples", drawn), ("held-out drawings", held.sketches()[: len(drawn)])):
        found[what] = np.array(_nearest(drawings, train, judge))
        least, low, middle = np.quantile(found[what], (0.0, 0.01, 0.5))
        print(f"to the nearest training drawing from {len(drawings):,} {what}: least {least:.4f}, "
              f"1 % {low:.4f}, median {middle:.4f}")  # fmt: skip


def latent_neighbours(model: SketchModel, held: HeldOut, asked: argparse.Namespace) -> None:
    """Print how far latent vectors of the prior and of held-out drawings are from the nearest in training."""
    known, _ = sketchkit.encode(model, HeldOut.choose(held.data, "train").sketches(), prepared=True)
    theirs, _ = sketchkit.encode(model, held.sketches()[: asked.neighbours], prepared=True)
    names = [name for name in model.card.classes if name in held.labels]
    labels = [names[i % len(names)] for i in range(asked.neighbours)]
    new = prior(model, len(labels), asked.seed, class_name=labels)
    for what, z in (("samples", new), ("held-out drawings", theirs)):
        squared = (z**2).sum(1)[:, None] + (known**2).sum(1) - 2.0 * z @ known.T
        least, low, middle = np.quantile(np.sqrt(squared.min(1).clip(0.0)), (0.0, 0.01, 0.5))
        print(f"to the nearest z of a training drawing from {len(z):,} {what}: least {least:.3f}, "
              f"1 % {low:.3f}, median {middle:.3f}")  # fmt: skip


def _nearest(drawings: list[Sketch], train: HeldOut, judge: Recogniser) -> list[float]:
    """The Chamfer distance to the nearest, each fitted to a diagonal of 1."""
    classes = np.array(train.labels)
    out = []
    for name in sorted({str(drawing.label) for drawing in drawings}):
        places = np.flatnonzero(classes == name)
        theirs = train.only(places).sketches()
        features = judge.look(theirs).features
        mine = [drawing for drawing in drawings if drawing.label == name]
        for drawing, seen in zip(mine, judge.look(mine).features, strict=True):
            near = np.argsort(np.square(features - seen).sum(1))[:CANDIDATES]
            line = unit_outline(drawing)
            out.append(min(chamfer(line, unit_outline(theirs[i])) for i in near))
    return out


def ways(model: SketchModel, judge: Recogniser, held: HeldOut, asked: argparse.Namespace) -> None:
    """Print how many of 20 ways between two classes show, in their middle third, one of these."""
    drawings, rng = held.sketches(), np.random.default_rng(asked.seed)
    pairs: list[tuple[Sketch, Sketch]] = []
    while len(pairs) < 20 and len({each.label for each in drawings}) > 1:
        a, b = (drawings[i] for i in rng.integers(len(drawings), size=2))
        if a.label != b.label:
            pairs.append((a, b))
    for path in ("prior", "slerp", "lerp") if getattr(model, "prior", None) else ("slerp", "lerp"):
        shares = []
        for a, b in pairs:
            middle = sketchkit.interpolate(model, [a, b], 12, path=path, prepared=True)[4:8]
            ends = {judge.index(a.label), judge.index(b.label)}
            shares.append(np.mean([named in ends for named in judge.look(middle).named]))
        whole, most = (int((np.array(shares) >= least).sum()) for least in (1.0, 0.75))
        what = f"in {most} of 20 ways, all four in {whole}"
        print(f"path {path}: three of the four middle drawings are named as one of their ends {what}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=0.25)
    parser.add_argument("--split", default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--teacher", action="append", default=[])
    parser.add_argument("--unit", default="doodle-1")
    parser.add_argument("--judge", help="the file of another judge")
    parser.add_argument("--neighbours", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="choose among all classes of the judge's network")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    judge = load_recogniser(asked.judge)
    model = sketchkit.load_model(asked.model, device="cpu")
    held = HeldOut.choose(Dataset.open(find(asked.data), verify=False), asked.split)
    print(f"judge {judge.checksum}, {len(held):,} drawings of the {asked.split} split")
    if model.conditional:
        drawings = held.sketches()
        for way, sampler, options in (("plain", "temperature", {}), ("best of 24", "critic", {"n": 24})):
            again = sketchkit.reconstruct(
                model, drawings, asked.temperature, sampler, prepared=True, options=options
            )
            pairs = compare_reconstructions(drawings, again, judge, asked.temperature, Bootstrap(0))
            if pairs.named is not None and pairs.chamfer_other is not None:
                print(f"reconstructions, {way}: {100 * pairs.named.samples.value:.1f} named, the drawings "
                      f"themselves {100 * pairs.named.held_out.value:.1f}, "
                      f"Chamfer {pairs.chamfer.value:.4f}, to another of the class "
                      f"{pairs.chamfer_other.value:.4f}", flush=True)  # fmt: skip
        ways(model, judge, held, asked)
    else:
        unit = sketchkit.load_model(asked.unit, device="cpu")
        print(f"NLL per point in the units of {unit.card.name}: {nll(model, unit, held):.4f}")
    by_class(model, judge, held, asked)
    if asked.neighbours:
        neighbours(model, judge, held, asked)
        if model.conditional:
            latent_neighbours(model, held, asked)


if __name__ == "__main__":
    main()
