"""The sheets on the cards of the models that come with sketchkit.

    python examples/model_sheets.py DATA FOLDER

DATA is the data set that they were trained on, for the held-out drawings that `doodle-vae` draws again;
FOLDER takes the sheets. Nothing is chosen: they are the first drawings of seed 0, and the first held-out
ones of each class.
"""

import sys
from pathlib import Path

import numpy as np

import sketchkit as sk
from sketchkit.rendering import Ink, Picture
from sketchkit.training.data import Dataset

BLACK, BLUE = "#222222", "#0072B2"


def samples(model: sk.SketchModel, folder: Path, temperature: float, name: str) -> None:
    """Four drawings of each class."""
    labels = [label for label in model.card.classes for _ in range(4)]
    drawings = sk.sample(model, len(labels), temperature, class_name=labels, seed=0)
    sk.render(drawings, folder / name, tile=(12, None), cell=84, gap=6, stroke=1.4)


def reconstructions(data: Dataset, folder: Path) -> None:
    """The first two held-out drawings of each class, and on the right of each what the model makes of it."""
    model, test = sk.load_model("doodle-vae", device="cpu"), data.split("test")
    first_two = [i for c in range(len(data.classes)) for i in np.flatnonzero(test.classes == c)[:2]]
    given = [_sketch(data, int(i)) for i in first_two]
    again = sk.reconstruct(model, given, temperature=0.25, seed=0, prepared=True)
    pictures = []
    for real, drawn in zip(given, again, strict=True):
        pictures += [Picture((Ink(real, BLACK),)), Picture((Ink(drawn, BLUE),))]
    sk.render(pictures, folder / "doodle-vae-again.svg", tile=(12, None), cell=84, gap=6, stroke=1.4)


def _sketch(data: Dataset, index: int) -> sk.Sketch:
    """A held-out drawing with its class; its first point, which a data set leaves out, comes before it."""
    test = data.split("test")
    rows = np.concatenate(([[0, 0, 1, 0, 0]], test.drawing(index)))
    return sk.Sketch(rows, label=data.classes[int(test.classes[index])])


def main() -> None:
    """Draw the sheets."""
    data, folder = Dataset.open(sys.argv[1], verify=False), Path(sys.argv[2])
    names = ("doodle", "doodle-more", "doodle-vae")
    doodle, more, vae = (sk.load_model(name, device="cpu") for name in names)
    samples(doodle, folder, 0.25, "doodle.svg")
    samples(doodle, folder, 0.5, "doodle-0.5.svg")
    samples(more, folder, 0.25, "doodle-more.svg")
    samples(vae, folder, 0.25, "doodle-vae.svg")
    reconstructions(data, folder)


if __name__ == "__main__":
    main()
