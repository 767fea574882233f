"""Drawings on the way from one drawing to another, of one class and of two.

    python examples/figures/interpolation.py [-o FILE.svg]

Follows the interpolations of Ha & Eck 2017 (section 4): between drawings through the latent space. The
given drawings stand in ink at both ends; all between meet the same chance, so that they differ by z alone.
"""

from common import arguments, drawing, drawn, given, run, sheet

import sketchkit as sk

#: The drawings at both ends; the model is told the class of the nearer one.
WAYS = (
    (("cup-steam", "coffee cup"), ("mug", "coffee cup")),
    (("face", "face"), ("face-hat", "face")),
    (("pig", "pig"), ("pig-body", "pig")),
    (("face", "face"), ("pig", "pig")),
    (("car", "car"), ("duck", "duck")),
    (("sun", "sun"), ("crab", "crab")),
    (("cactus", "cactus"), ("ice-cream", "ice cream")),
)
STEPS = 8


def main() -> None:
    """Draw the figure."""
    output = arguments(__doc__).parse_args().output
    model = sk.load_model("doodle-vae", device="cpu")
    pictures = []
    for way in WAYS:
        start, end = (drawing(name, label) for name, label in way)
        between = sk.interpolate(model, [start, end], STEPS, 0.1)
        pictures += [given(start), *drawn(between), given(end)]
    sheet(pictures, output, STEPS + 2)


if __name__ == "__main__":
    run(main)
