"""From a request to drawings that are ready to begin, or to the answer itself; it may take some time."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from sketchkit import SketchModel, encode, sample, score
from sketchkit.generate import LiveDrawing, live_drawings, live_endings, live_reconstructions
from sketchkit.latent import latent_path, path
from sketchkit_canvas.at_once import AtOnce, draw_at_once
from sketchkit_canvas.messages import Finish, Mimic, Morph, Request, Score
from sketchkit_canvas.sheet import PIXELS, SCALE, middle_place, sketch_of

__all__ = ["Prepared", "prepare"]

#: Drawings to draw, drawings that are drawn, or the answer to a request that asks for none.
Prepared: TypeAlias = list[LiveDrawing] | AtOnce | dict[str, Any]

#: The side of the square that a drawing of a row would fill, in paper units.
SQUARE = 256.0


def prepare(model: SketchModel, asked: Request) -> Prepared:
    """Make ready what was asked for.

    Raises:
        InputError: the model cannot do that, or cannot read the drawing.
    """
    match asked:
        case Score():
            return _score(model, asked)
        case Mimic():
            drawing = sketch_of(asked.drawing)
            return live_reconstructions(
                model, drawing, list(asked.temperatures), asked.seed, class_name=asked.label
            )
        case Morph():
            return _row(model, asked)
        case Finish(at_once=True):
            return draw_at_once(model, asked)
        case Finish(drawing=()):
            return _from_nothing(model, asked)
        case Finish():
            return live_endings(
                model,
                sketch_of(asked.drawing),
                asked.n,
                asked.temperature,
                asked.seed,
                first=asked.first,
                class_name=asked.label,
            )


def _from_nothing(model: SketchModel, asked: Finish) -> list[LiveDrawing]:
    """Whole drawings, each in the middle of the sheet.

    Where its middle is shows when it has been drawn. So each is drawn first, and drawn again live.
    """
    drawn = sample(
        model, asked.n, asked.temperature, seed=asked.seed, class_name=asked.label, first=asked.first
    )
    out = []
    for index, sketch in enumerate(drawn, start=asked.first):
        out += live_drawings(
            model,
            1,
            asked.temperature,
            asked.seed,
            class_name=asked.label,
            index=[index],
            place=middle_place(sketch),
            scale=SCALE,
        )
    return out


def _row(model: SketchModel, asked: Morph) -> list[LiveDrawing]:
    """What `sketchkit.interpolate` draws."""
    stations, _ = encode(model, [sketch_of(drawing) for drawing in asked.drawings])
    shown = None if asked.label is None else model.class_called(asked.label)
    unknown = [None] * len(stations)  # a drawing from the page does not say what it shows
    z, _ = latent_path(
        model, stations, unknown, lambda given, method: path(given, asked.n, method), class_name=shown
    )
    return live_drawings(
        model,
        asked.n,
        asked.temperature,
        asked.seed,
        z=z,
        class_name=asked.label,
        index=[0] * asked.n,
        scale=PIXELS / SQUARE,
    )


def _score(model: SketchModel, asked: Score) -> dict[str, Any]:
    found = score(model, [sketch_of(asked.drawing)], class_name=asked.label)[0]
    means = found.strokes_per_point.tolist()
    strokes = [round(mean, 4) if math.isfinite(mean) else None for mean in means]
    return {
        "type": "heat",
        "id": asked.id,
        "strokes": strokes,
        "nll_per_point": round(found.nll_per_point, 4),
    }
