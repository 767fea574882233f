"""Unfinished drawings, and several ways to end each of them.

    python examples/figures/endings.py [-o FILE.svg]

Follows the endings of Ha & Eck 2017 (section 4), which were drawn at a temperature of 0.8; here the first
four are drawn at 0.4, as `sketchkit complete` does unless told otherwise, and the others at 0.8. The first
three beginnings come without a class: the model goes by what it sees.
"""

from common import arguments, drawing, given, run, sheet

import sketchkit as sk
from sketchkit.rendering import Ink, Picture
from sketchkit.rendering.palette import ENDING

#: Beginnings, and what the model is told that they shall become.
GIVEN = (
    ("circle-start", None),
    ("cup-start", None),
    ("airplane-start", None),
    ("pig-start", "pig"),
    ("../face-start", "face"),
    ("../car-start", "car"),
    ("../ice-cream-start", "ice cream"),
    ("../monkey-start", "monkey"),
)
#: How many endings of each temperature.
TEMPERATURES, EACH = (0.4, 0.8), 4


def main() -> None:
    """Draw the figure."""
    output = arguments(__doc__).parse_args().output
    model = sk.load_model("doodle", device="cpu")
    pictures = []
    for name, label in GIVEN:
        begun = drawing(name)
        pictures.append(given(begun))
        for tau in TEMPERATURES:
            endings = sk.complete(model, begun, EACH, tau, seed=0, class_name=label)
            pictures += [Picture((Ink(begun), Ink(each.ending, ENDING, "ending"))) for each in endings]
    heads = ["beginning", *(f"{tau:g}" for tau in TEMPERATURES for _ in range(EACH))]
    sheet(pictures, output, len(heads), rows=[label or "no class" for _, label in GIVEN], heads=heads)


if __name__ == "__main__":
    run(main)
