"""Drawings of what a model does not know: what it remembers, and how they become what it knows.

    python examples/figures/foreign_input.py [-o FILE.svg]

Follows the second part of the conditional reconstructions of Ha & Eck 2017 (section 4), where a model of pigs
is shown a truck and draws a pig like a truck. Those models know a class or two; ours knows 25 and remembers
strangers as they are, so z is moved, a quarter of the way at a time, to the mean of 64 drawings of the class.
"""

import numpy as np
from common import arguments, class_mean, drawing, drawn, given, run, sheet

import sketchkit as sk
from sketchkit.latent import lerp
from sketchkit.rendering import Picture

#: Drawings, and what the model is told that they show.
GIVEN = (
    ("pig-two-snouts", "pig"),
    ("face-three-eyes", "face"),
    ("cat", "pig"),
    ("truck", "car"),
    ("truck", "pig"),
    ("toothbrush", "airplane"),
    ("house", "suitcase"),
    ("chair", "crab"),
)
SHARES = np.linspace(0.0, 1.0, 5)
HEADS = ("drawing", "told nothing", "told a class", "1/4 of the way", "half", "3/4", "mean of the class")


def main() -> None:
    """Draw the figure."""
    output = arguments(__doc__).parse_args().output
    model = sk.load_model("doodle-vae", device="cpu")
    pictures = [picture for name, label in GIVEN for picture in row(model, drawing(name), label)]
    sheet(pictures, output, len(HEADS), rows=[f"as {label}" for _, label in GIVEN], heads=HEADS)


def row(model: sk.SketchModel, sketch: sk.Sketch, label: str) -> list[Picture]:
    """A drawing, the same without a class, then on its way to the class; all meet the same chance."""
    own = sk.encode(model, [sketch])[0][0]
    z = np.concatenate([own[None], lerp(own, class_mean(model, label), SHARES)])
    labels = [None, *([label] * len(SHARES))]
    return [given(sketch), *drawn(sk.sample(model, len(z), 0.1, z=z, class_name=labels, index=[0] * len(z)))]


if __name__ == "__main__":
    run(main)
