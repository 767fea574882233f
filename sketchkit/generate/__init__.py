"""Drawing with a model: whole drawings, endings, infills, interpolations, maps and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sketchkit.lazy import lazy_names

if TYPE_CHECKING:
    from sketchkit.generate.charting import Atlas, Located, atlas, locate
    from sketchkit.generate.drawing import reconstruct, sample
    from sketchkit.generate.ending import Ending, Endings
    from sketchkit.generate.finishing import complete
    from sketchkit.generate.guess import Guess, Guesses, guess_classes
    from sketchkit.generate.infilling import Infilling, InfillSearch, infill
    from sketchkit.generate.live import LiveDecoder, LivePoints
    from sketchkit.generate.live_requests import (
        LiveDrawing,
        live_drawings,
        live_endings,
        live_reconstructions,
    )
    from sketchkit.generate.loading import load_drawing_model
    from sketchkit.generate.morphing import Morph, Steps, analogy, decode, grid, interpolate, morphs
    from sketchkit.generate.rejection import Attempts
    from sketchkit.generate.scoring import Score, score
    from sketchkit.generate.streaming import sample_stream

__all__ = [
    "Atlas",
    "Attempts",
    "Ending",
    "Endings",
    "Guess",
    "Guesses",
    "InfillSearch",
    "Infilling",
    "LiveDecoder",
    "LiveDrawing",
    "LivePoints",
    "Located",
    "Morph",
    "Score",
    "Steps",
    "analogy",
    "atlas",
    "complete",
    "decode",
    "grid",
    "guess_classes",
    "infill",
    "interpolate",
    "live_drawings",
    "live_endings",
    "live_reconstructions",
    "load_drawing_model",
    "locate",
    "morphs",
    "reconstruct",
    "sample",
    "sample_stream",
    "score",
]

__getattr__ = lazy_names(
    __name__,
    {
        "sketchkit.generate.charting": "Atlas Located atlas locate",
        "sketchkit.generate.drawing": "reconstruct sample",
        "sketchkit.generate.ending": "Ending Endings",
        "sketchkit.generate.finishing": "complete",
        "sketchkit.generate.guess": "Guess Guesses guess_classes",
        "sketchkit.generate.infilling": "InfillSearch Infilling infill",
        "sketchkit.generate.live": "LiveDecoder LivePoints",
        "sketchkit.generate.live_requests": "LiveDrawing live_drawings live_endings live_reconstructions",
        "sketchkit.generate.loading": "load_drawing_model",
        "sketchkit.generate.morphing": "Morph Steps analogy decode grid interpolate morphs",
        "sketchkit.generate.rejection": "Attempts",
        "sketchkit.generate.scoring": "Score score",
        "sketchkit.generate.streaming": "sample_stream",
    },
)
