"""What one drawing has over another, given to a third: A - B + C in the space of latent vectors.

    python examples/figures/analogies.py [-o FILE.svg]

Follows the analogies of Ha & Eck 2017 (section 4), whose example is a whole pig less its head, with a cat's
head. On the left what is given, then what the model makes of each, and last of the sum. `mean:CLASS` is the
mean of 64 drawings of a class, which `doodle` draws.
"""

import numpy as np
from common import arguments, class_mean, drawing, drawn, given, run, sheet

import sketchkit as sk
from sketchkit.latent import analogy
from sketchkit.rendering import Picture

Term = tuple[str, str | None]
#: A, B and C with the classes that the model is told; the sum is told that of C.
SUMS: tuple[tuple[Term, Term, Term], ...] = (
    (("cup-steam", "coffee cup"), ("cup", "coffee cup"), ("mug", "coffee cup")),
    (("sun-face", "sun"), ("sun", "sun"), ("sun-wide", "sun")),
    (("face-sad", "face"), ("face", "face"), ("face-round", "face")),
    (("face-hat", "face"), ("face", "face"), ("face-round", "face")),
    (("face-sad", "face"), ("face", "face"), ("monkey", "monkey")),
    (("face-hat", "face"), ("face", "face"), ("cat", None)),
    (("pig-body", "pig"), ("pig", "pig"), ("cat", None)),
    (("car", "car"), ("mean:car", "car"), ("mean:ambulance", "ambulance")),
)
HEADS = ("A", "B", "C", "A again", "B again", "C again", "A - B + C")


def main() -> None:
    """Draw the figure."""
    output = arguments(__doc__).parse_args().output
    model = sk.load_model("doodle-vae", device="cpu")
    pictures = [picture for terms in SUMS for picture in row(model, terms)]
    sheet(pictures, output, len(HEADS), heads=HEADS, label=True)


def row(model: sk.SketchModel, terms: tuple[Term, Term, Term]) -> list[Picture]:
    """What is given, and what the model makes of it and of the sum; all four meet the same chance."""
    z = np.stack([vector(model, name) for name, _ in terms])
    z = np.concatenate([z, analogy(*z)[None]])
    labels = [label for _, label in (*terms, terms[2])]
    again = sk.sample(model, 4, 0.1, z=z, class_name=labels, index=[0] * 4)
    return [*(shown(name) for name, _ in terms), *drawn(again)]


def vector(model: sk.SketchModel, name: str) -> np.ndarray:
    """Where a drawing lies, or the mean of a class, [Z]."""
    mean, _, what = name.rpartition(":")
    return np.asarray(class_mean(model, what) if mean else sk.encode(model, [drawing(what)])[0][0])


def shown(name: str) -> Picture:
    """A drawing over its name; of a mean the name alone."""
    return Picture((), name) if ":" in name else given(drawing(name), name.replace("-", " "))


if __name__ == "__main__":
    run(main)
