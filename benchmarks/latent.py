"""How near reconstructions come, and how smooth the ways between drawings are.

    python benchmarks/latent.py DATA [--model doodle-vae] [--drawings 1000] [--ways 200] [--steps 10]

Chamfer distances of held-out drawings. A reconstruction's distance to its drawing stands beside that to
another drawing of the class, chosen by chance, each fitted to a diagonal of 1: at most half is promised of
`doodle-vae` at a temperature of 0.01. Of ways by slerp, between two drawings of one class and between any
two, the mean distance of neighbours stands beside that of both ends, which shall be 0.4 of it at most: in
pixels as they are drawn, from one starting point, and with each drawing fitted for itself. The floor of the
latter is a morph between the outlines of the same ends whose points go
straight: Chamfer distances of drawings that have little in common hardly grow any further, so it is far above
    1 / 9.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np

import sketchkit as sk
from sketchkit.evaluate.comparison import other_of_class
from sketchkit.evaluate.heldout import HeldOut
from sketchkit.generate import morphs
from sketchkit.geometry import chamfer, outline, unit_outline
from sketchkit.training.data import Dataset


def reconstructions(model: sk.SketchModel, drawings: list[sk.Sketch], temperature: float) -> None:
    again = sk.reconstruct(model, drawings, temperature, prepared=True)
    given = [unit_outline(sketch) for sketch in drawings]
    near = [chamfer(a, unit_outline(b)) for a, b in zip(given, again, strict=True)]
    others = other_of_class([sketch.label for sketch in drawings], 0)
    far = [chamfer(a, given[j]) for a, j in zip(given, others, strict=True) if j >= 0]
    ratio = np.mean(near) / np.mean(far)
    print(
        f"{len(drawings):,} reconstructions at {temperature:g}: {np.mean(near):.4f} to the drawing, "
        f"{np.mean(far):.4f} to another of its class: {ratio:.3f}",
        flush=True,
    )


def ways(model: sk.SketchModel, pairs: list[list[sk.Sketch]], steps: int, what: str) -> None:
    drawn = list(morphs(model, pairs, steps, path="slerp", prepared=True))
    as_drawn = [[outline(sketch) for sketch in morph.sketches] for morph in drawn]
    fitted = [[unit_outline(sketch) for sketch in morph.sketches] for morph in drawn]
    straight = [straight_morph(row[0], row[-1], steps) for row in fitted]
    print(f"{len(pairs)} ways of {steps} between {what}:")
    print(f"  in pixels, as drawn: {smoothness(as_drawn)}")
    print(f"  each fitted: {smoothness(fitted)}")
    print(f"  floor, each fitted, of points that go straight: {smoothness(straight)}", flush=True)


def smoothness(rows: list[list[np.ndarray]]) -> str:
    near = np.mean([chamfer(a, b) for row in rows for a, b in itertools.pairwise(row)])
    far = np.mean([chamfer(row[0], row[-1]) for row in rows])
    return f"neighbours {near:.4g}, ends {far:.4g}: {near / far:.3f}"


def straight_morph(a: np.ndarray, b: np.ndarray, steps: int, points: int = 300) -> list[np.ndarray]:
    """What lies between two outlines whose points, at even distances, go straight to each other's places."""
    start, end = along(a, points), along(b, points)
    return [fit(start + (end - start) * share) for share in np.linspace(0.0, 1.0, steps)]


def along(line: np.ndarray, points: int) -> np.ndarray:
    way = np.concatenate(([0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()))
    places = np.linspace(0.0, way[-1], points)
    return np.stack([np.interp(places, way, line[:, axis]) for axis in (0, 1)], 1)


def fit(points: np.ndarray) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - (low + high) / 2) / np.hypot(*(high - low))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="doodle-vae")
    parser.add_argument("--drawings", type=int, default=1_000)
    parser.add_argument("--ways", type=int, default=200)
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()
    model = sk.load_model(arguments.model, device="cpu")
    held = HeldOut.choose(Dataset.open(arguments.data), "test", limit=arguments.drawings, seed=0)
    drawings = held.sketches()
    for temperature in (0.01, 0.25):
        reconstructions(model, drawings, temperature)
    others = other_of_class([sketch.label for sketch in drawings], 1)
    alike = [[drawings[i], drawings[j]] for i, j in enumerate(others.tolist()) if j >= 0]
    ways(model, alike[: arguments.ways], arguments.steps, "drawings of a class")
    any_two = list(np.random.default_rng(0).permutation(len(drawings)).reshape(-1, 2)[: arguments.ways])
    ways(model, [[drawings[i], drawings[j]] for i, j in any_two], arguments.steps, "any drawings")


if __name__ == "__main__":
    main()
