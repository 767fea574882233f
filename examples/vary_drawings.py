"""Make many drawings of few: stretch, turn, shear, bend and mirror the training drawings of a data set.

    python examples/vary_drawings.py DATA -o varied.ndjson [-n 40] [--class NAME]...

The first of the n variations of a drawing is the drawing itself. All are simplified by the recipe of Quick,
Draw!, so that curves have points where a hand's have. Validation and test drawings are left alone. The same
seed writes the same file.

Source: Yu et al. 2015, "Sketch-a-Net that beats humans", deforms sketches as a whole and stroke by stroke to
    learn more from them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sketchkit.evaluate.heldout import HeldOut
from sketchkit.files import atomic_write
from sketchkit.geometry import quickdraw_simplify
from sketchkit.sketch import Sketch
from sketchkit.training.data import Dataset
from sketchkit.training.data.manifest import find

Float64 = npt.NDArray[np.float64]

#: Standard deviations: of the angle, in radians; of the logarithm of the stretch along each axis, and of each
#: stroke's; of the shear; of a stroke's offset and of a bend, as shares of the longer side.
TURN, STRETCH, STROKE_STRETCH, SHEAR, STROKE_OFFSET, BEND = 0.09, 0.12, 0.02, 0.08, 0.008, 0.018
#: Waves that bend a drawing, their frequencies in waves per longer side, and the distance of the points that
#: lines get before they are bent.
WAVES, LOWEST, HIGHEST, SPACING = 3, 0.5, 1.5, 0.04
#: The longer side of what is written, in pixels.
SIZE = 255.0


def vary(lines: Sequence[Float64], chance: np.random.Generator) -> list[Float64]:
    """A variation of a drawing.

    Args:
        lines: arrays [n, 2] in drawing units.
        chance: what is random.

    Returns:
        As many lines, in pixels, not yet simplified.
    """
    every = np.concatenate(lines)
    middle, extent = (every.min(0) + every.max(0)) / 2, max(float(np.ptp(every, axis=0).max()), 1.0)
    turn, stretch, shear = (
        chance.normal(0, TURN),
        np.exp(chance.normal(0, STRETCH, 2)),
        chance.normal(0, SHEAR),
    )
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch[0], shear], [0.0, stretch[1]]])
    if chance.random() < 0.5:
        matrix[0] *= -1.0
    waves = chance.uniform(LOWEST, HIGHEST, (WAVES, 2)) * chance.choice((-1, 1), (WAVES, 2))
    phases, pushes = chance.uniform(0.0, 2 * np.pi, WAVES), chance.normal(0.0, BEND, (WAVES, 2))
    out = []
    for line in lines:
        stroke = (line - middle) / extent * np.exp(chance.normal(0, STROKE_STRETCH))
        points = _divide(stroke + chance.normal(0, STROKE_OFFSET, 2))
        bends = np.sin(2 * np.pi * points @ waves.T + phases) @ pushes
        out.append((points + bends) @ matrix.T * SIZE)
    return out


def _divide(line: Float64) -> Float64:
    """A line with more points, so that straight parts can bend."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    counts = np.maximum((steps / SPACING).astype(np.int64), 1)
    way = np.concatenate([[0], np.cumsum(counts)])
    places = np.arange(way[-1] + 1)
    return np.stack([np.interp(places, way, line[:, axis]) for axis in (0, 1)], axis=1)


def variations(drawing: Sketch, place: int, n: int, seed: int) -> Iterator[dict[str, Any]]:
    """A drawing and variations of it, as objects of the simplified ndjson of Quick, Draw!.

    Args:
        drawing: with a label.
        place: its place in the split.
        n: how many, itself among them.
        seed: 0 or more.
    """
    lines = [line for line in drawing.to_polylines() if len(line) > 1]
    for k in range(n):
        drawn = vary(lines, np.random.default_rng((seed, place, k))) if k else lines
        strokes = [line.T.tolist() for line in quickdraw_simplify(drawn)]
        yield {"word": drawing.label, "key_id": f"{drawing.key or place}-{k}", "drawing": strokes}


def main() -> None:
    """Write the variations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", help="a data set")
    parser.add_argument("-o", "--output", default="varied.ndjson")
    parser.add_argument("-n", type=int, default=40, help="how many of each drawing")
    parser.add_argument("--class", dest="classes", action="append", help="only drawings of this class")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    drawings = HeldOut.choose(Dataset.open(find(asked.data), verify=False), "train").sketches()
    with atomic_write(asked.output) as file:
        for place, drawing in enumerate(drawings):
            if not asked.classes or drawing.label in asked.classes:
                for each in variations(drawing, place, asked.n, asked.seed):
                    file.write(json.dumps(each).encode() + b"\n")


if __name__ == "__main__":
    main()
