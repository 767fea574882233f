"""What the figures share: the drawings they begin with, the look of a sheet, the options."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import sketchkit as sk
from sketchkit.rendering import Ink, Picture
from sketchkit.rendering.palette import ENDING, temperature_color

DRAWINGS = Path(__file__).parents[1] / "drawings"


def arguments(words: str | None) -> argparse.ArgumentParser:
    """The options of a figure's script; `-o` is the file beside the script unless told otherwise.

    Args:
        words: the docstring of the script, whose first line the help shows.
    """
    script = Path(sys.argv[0]).resolve()
    parser = argparse.ArgumentParser(
        description=(words or "").partition("\n")[0],
        epilog=f"example: python examples/figures/{script.name} -o {script.stem}.svg",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=script.with_suffix(".svg"), help="the SVG file to write"
    )
    return parser


def run(main: Callable[[], None]) -> None:
    """Draw a figure; what goes wrong is one line."""
    try:
        main()
    except sk.SketchkitError as error:
        sys.exit(f"error: {error}")


def drawing(name: str, label: str | None = None) -> sk.Sketch:
    """One of the drawings in `examples/drawings`.

    Args:
        name: of the file, without its suffix.
        label: what it shows, for models that are told classes; None leaves it open.
    """
    return sk.read(DRAWINGS / f"{name}.svg").labelled(label, key=name)


@cache
def class_mean(model: sk.SketchModel, label: str, n: int = 64) -> Any:
    """The mean of the latent vectors of a class, [Z].

    Args:
        model: a conditional VAE.
        label: a class that `doodle`, which draws them, knows.
        n: how many drawings it is the mean of, the first of seed 0.
    """
    drawings = sk.sample(sk.load_model("doodle", device="cpu"), n, 0.25, class_name=label, seed=0)
    return sk.encode(model, drawings)[0].mean(axis=0, dtype=np.float64)


def given(sketch: sk.Sketch, caption: str | None = None) -> Picture:
    """A drawing that a figure begins with, in ink."""
    return Picture((Ink(sketch),), caption)


def drawn(sketches: Sequence[sk.Sketch]) -> list[Picture]:
    """What a model has drawn, in blue."""
    return [Picture((Ink(each, ENDING),)) for each in sketches]


def heated(sketches: Sequence[sk.Sketch]) -> list[Picture]:
    """What a model has drawn at rising temperatures, from blue to red."""
    last = max(len(sketches) - 1, 1)
    return [Picture((Ink(each, temperature_color(i / last)),)) for i, each in enumerate(sketches)]


def sheet(
    pictures: Sequence[Picture],
    output: Path,
    columns: int,
    *,
    rows: Sequence[str] = (),
    heads: Sequence[str] = (),
    label: bool = False,
) -> None:
    """Write a figure, all of one look.

    Args:
        pictures: row by row.
        output: the file.
        columns: how many.
        rows: what they are called.
        heads: what the columns are called.
        label: whether captions are written.
    """
    sk.render(
        pictures,
        output,
        tile=(columns, None),
        cell=84,
        gap=6,
        stroke=1.6,
        label=label,
        row_labels=rows,
        column_labels=heads,
    )
