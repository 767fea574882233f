"""Drawings, and what a model makes of them from what it remembers, at one temperature after another.

    python examples/figures/reconstruction.py [-o FILE.svg]

Follows the conditional reconstructions of Ha & Eck 2017 (section 4): the drawing in ink, then from blue
(temperature 0.01) to red (1.0). The model is told what each drawing shows.
"""

from common import arguments, drawing, given, heated, run, sheet

import sketchkit as sk

TEMPERATURES = (0.01, 0.2, 0.4, 0.6, 0.8, 1.0)
#: Drawings, and what the model is told that they show.
GIVEN = (
    ("face", "face"),
    ("pig", "pig"),
    ("crab", "crab"),
    ("butterfly", "butterfly"),
    ("duck", "duck"),
    ("cup-steam", "coffee cup"),
    ("car", "car"),
    ("ice-cream", "ice cream"),
)


def main() -> None:
    """Draw the figure."""
    output = arguments(__doc__).parse_args().output
    model = sk.load_model("doodle-vae", device="cpu")
    drawings = [drawing(name, label) for name, label in GIVEN]
    columns = [sk.reconstruct(model, drawings, tau, seed=0) for tau in TEMPERATURES]
    pictures = []
    for each, *again in zip(drawings, *columns, strict=True):
        pictures += [given(each), *heated(again)]
    heads = ["drawing", *(f"{tau:g}" for tau in TEMPERATURES)]
    sheet(pictures, output, len(heads), rows=[label for _, label in GIVEN], heads=heads)


if __name__ == "__main__":
    run(main)
