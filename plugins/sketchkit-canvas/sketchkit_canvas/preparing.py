"""From a request to drawings that are ready to begin, or to the answer itself; it may take some time."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from sketchkit import Sketch, SketchModel, encode, sample, score
from sketchkit.generate import LiveDrawing, live_drawings, live_endings, live_reconstructions
from sketchkit.latent import latent_path, path
from sketchkit_canvas.messages import Drawing, Finish, Mimic, Morph, Request, Score

__all__ = ["Prepared", "prepare"]

#: Drawings to draw, or the answer to a request that asks for none.
Prepared: TypeAlias = list[LiveDrawing] | dict[str, Any]

#: The sheet of paper of the page, in paper units, and how much of it a drawing from nothing takes.
SHEET = 800.0
SHARE = 0.6
#: The side of the square that a drawing of a row would fill, in paper units.
SQUARE = 256.0
#: The longer side of a drawing of the training data, in pixels.
PIXELS = 255.0


def prepare(model: SketchModel, asked: Request) -> Prepared:
    """Make ready what was asked for.

    Raises:
        InputError: the model cannot do that, or cannot read the drawing.
    """
    match asked:
        case Score():
            return _score(model, asked)
        case Mimic():
            drawing = _sketch(asked.drawing)
            return live_reconstructions(
                model, drawing, list(asked.temperatures), asked.seed, class_name=asked.label
            )
        case Morph():
            return _row(model, asked)
        case Finish(drawing=()):
            return _from_nothing(model, asked)
        case Finish():
            return live_endings(
                model,
                _sketch(asked.drawing),
                asked.n,
                asked.temperature,
                asked.seed,
                first=asked.first,
                class_name=asked.label,
            )


def _sketch(drawing: Drawing) -> Sketch:
    return Sketch.from_polylines(drawing)


def _from_nothing(model: SketchModel, asked: Finish) -> list[LiveDrawing]:
    """Whole drawings, each in the middle of the sheet.

    Where its middle is shows when it has been drawn. So each is drawn first, and drawn again live.
    """
    drawn = sample(
        model, asked.n, asked.temperature, seed=asked.seed, class_name=asked.label, first=asked.first
    )
    scale = PIXELS / (SHARE * SHEET)
    out = []
    for index, sketch in enumerate(drawn, start=asked.first):
        x0, y0, x1, y1 = sketch.bounds
        place = (SHEET / 2 - (x0 + x1) / 2 / scale, SHEET / 2 - (y0 + y1) / 2 / scale)
        out += live_drawings(
            model,
            1,
            asked.temperature,
            asked.seed,
            class_name=asked.label,
            index=[index],
            place=place,
            scale=scale,
        )
    return out


def _row(model: SketchModel, asked: Morph) -> list[LiveDrawing]:
    """What `sketchkit.interpolate` draws."""
    stations, _ = encode(model, [_sketch(drawing) for drawing in asked.drawings])
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
    found = score(model, [_sketch(asked.drawing)], class_name=asked.label)[0]
    means = found.strokes_per_point.tolist()
    strokes = [round(mean, 4) if math.isfinite(mean) else None for mean in means]
    return {
        "type": "heat",
        "id": asked.id,
        "strokes": strokes,
        "nll_per_point": round(found.nll_per_point, 4),
    }
