"""How good nine endings of half-drawn drawings are, by the judge: plain, by likelihood, chosen by the critic.

    python benchmarks/endings.py MODEL DATA [-n 2] [--split test] [--temperature 0.4]
    python benchmarks/endings.py MODEL DATA --sample N

Of N held-out drawings of each class the strokes of the first half are given. A line says how many of nine
endings are named as the class that they were drawn as, of how many drawings three or more of nine as the
true class, how far endings of a drawing are from each other, and the time as a multiple of plain drawing's.
With --sample N, whole drawings instead: N of each class of the model, plainly and the best of six.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

import sketchkit
from sketchkit.evaluate import load_recogniser
from sketchkit.evaluate.heldout import HeldOut
from sketchkit.generate import Endings
from sketchkit.geometry import chamfer, unit_outline
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset
from sketchkit.training.data.manifest import find

#: How endings are drawn: the sampler, its options, and whether the class is guessed.
WAYS: dict[str, tuple[str, dict[str, Any], bool, bool]] = {
    "plain, scale by likelihood": ("temperature", {}, False, True),
    "likeliest of six": ("best-of", {"n": 6}, False, True),
    "critic's of six": ("critic", {"n": 6}, False, True),
    "critic's of six, scale by looks": ("critic", {"n": 6}, False, False),
    "the same, class guessed": ("critic", {"n": 6}, True, False),
}


def half(drawing: Sketch) -> Sketch:
    """The strokes of the first half of the points; of a single stroke its first half."""
    lines = drawing.to_polylines()
    if len(lines) == 1:
        return Sketch.from_polylines([lines[0][: len(lines[0]) // 2 + 1]], label=drawing.label)
    ends = np.cumsum([len(line) for line in lines])
    count = min(int(np.searchsorted(ends, ends[-1] / 2)) + 1, len(lines) - 1)
    return Sketch.from_polylines(lines[:count], label=drawing.label)


def spread(drawings: Sequence[Sketch]) -> float:
    """The mean Chamfer distance of drawings to each other, each fitted to a diagonal of 1."""
    outlines = [unit_outline(each) for each in drawings]
    return float(np.mean([chamfer(a, b) for i, a in enumerate(outlines) for b in outlines[:i]]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("-n", type=int, default=2)
    parser.add_argument("--split", default="test")
    parser.add_argument("--temperature", type=float, default=0.4)
    parser.add_argument("--sample", type=int, metavar="N", help="of whole drawings of each class")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    judge, model = load_recogniser(), sketchkit.load_model(asked.model, device="cpu")
    if asked.sample:
        compare_samples(model, judge, asked.sample)
        return
    held = HeldOut.choose(Dataset.open(find(asked.data), verify=False), asked.split)
    by_class: dict[str, list[Sketch]] = {}
    for drawing in held.sketches():
        by_class.setdefault(drawing.label or "", []).append(drawing)
    chosen = [each for name in model.card.classes for each in by_class.get(name, [])[: asked.n]]
    named = np.array([judge.index(each.label) for each in chosen])
    right = (judge.look(chosen).named == named).mean()
    print(f"{len(chosen)} drawings; whole, as people drew them: {100 * right:.1f} % named")
    begun, plain, apart = [half(each) for each in chosen], 0.0, 0.0
    for way, (sampler, options, guessed, likeliest) in WAYS.items():
        start = time.process_time()
        scales = likeliest_scales(model, begun, likeliest)
        found = []
        for each, scale in zip(begun, scales, strict=True):
            name = "auto" if guessed else each.label
            settings: dict[str, Any] = {"sampler": sampler, "options": options, "class_name": name}
            found.append(sketchkit.complete(model, each, 9, asked.temperature, scale=scale, **settings))
        seconds = time.process_time() - start
        plain = plain or seconds
        distance = float(np.mean([spread([e.sketch for e in endings]) for endings in found]))
        apart = apart or distance
        as_told, as_true = shares(judge, found, named)
        print(
            f"{way:>32}: {100 * as_told:.1f} % named as drawn, three of nine true in {100 * as_true:.1f} %, "
            f"{distance / apart:.2f} of plain's distances, {seconds / plain:.2f} of its time",
            flush=True,
        )


def compare_samples(model: Any, judge: Any, n: int) -> None:
    """Print how many whole drawings are named rightly, plainly drawn and the best of six."""
    for temperature in (0.25, 0.4, 0.6, 0.8):
        found = {}
        for sampler, options in (("temperature", {}), ("critic", {"n": 6})):
            start, named, apart = time.process_time(), [], []
            for name in model.card.classes:
                settings: dict[str, Any] = {"sampler": sampler, "options": options, "class_name": name}
                drawn = sketchkit.sample(model, n, temperature, **settings)
                named.append((judge.look(drawn).named == judge.index(name)).mean())
                apart.append(spread(drawn))
            found[sampler] = (np.mean(named), np.mean(apart), time.process_time() - start)
        plain, best = found["temperature"], found["critic"]
        print(
            f"whole drawings at {temperature}: {100 * plain[0]:.1f} % named, the best of six "
            f"{100 * best[0]:.1f} %, {best[1] / plain[1]:.2f} of plain's distances, "
            f"{best[2] / plain[2]:.1f} of its time",
            flush=True,
        )


def likeliest_scales(model: Any, begun: Sequence[Sketch], likeliest: bool) -> list[Any]:
    """The likeliest scale of each beginning, or the library's own choice."""
    if not likeliest:
        return ["auto"] * len(begun)
    from sketchkit.units import best_scales

    return [best_scales(model, [each], each.label)[0] for each in begun]


def shares(judge: Any, found: Sequence[Endings], true: Any) -> tuple[float, float]:
    """The share of endings named as the class of each, and of drawings with three endings of their class."""
    told, enough = [], []
    for endings, wanted in zip(found, true, strict=True):
        names = judge.look([each.sketch for each in endings]).named
        told += [name == judge.index(each.class_name) for name, each in zip(names, endings, strict=True)]
        enough.append((names == wanted).sum() >= 3)
    return float(np.mean(told)), float(np.mean(enough))


if __name__ == "__main__":
    main()
