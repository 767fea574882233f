"""What lies between four drawings.

    python examples/figures/grid.py [-o FILE.svg]

Follows the grid of Ha & Eck 2017 (section 4): down the left and the right edge and then across, along great
circles. In the corners the model draws the given drawings again: a face, a sun, a pig and a cup.
"""

from common import arguments, drawing, drawn, run, sheet

import sketchkit as sk

CORNERS = ("face", "sun", "pig", "cup")
COLUMNS, ROWS = 7, 5


def main() -> None:
    """Draw the figure."""
    output = arguments(__doc__).parse_args().output
    model = sk.load_model("doodle-vae", device="cpu")
    between = sk.grid(model, [drawing(name) for name in CORNERS], (COLUMNS, ROWS), 0.1)
    sheet(drawn(between), output, COLUMNS)


if __name__ == "__main__":
    run(main)
