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
        "Atlas": "sketchkit.generate.charting",
        "Attempts": "sketchkit.generate.rejection",
        "Ending": "sketchkit.generate.ending",
        "Endings": "sketchkit.generate.ending",
        "Guess": "sketchkit.generate.guess",
        "Guesses": "sketchkit.generate.guess",
        "InfillSearch": "sketchkit.generate.infilling",
        "Infilling": "sketchkit.generate.infilling",
        "LiveDecoder": "sketchkit.generate.live",
        "LiveDrawing": "sketchkit.generate.live_requests",
        "LivePoints": "sketchkit.generate.live",
        "Located": "sketchkit.generate.charting",
        "Morph": "sketchkit.generate.morphing",
        "Score": "sketchkit.generate.scoring",
        "Steps": "sketchkit.generate.morphing",
        "analogy": "sketchkit.generate.morphing",
        "atlas": "sketchkit.generate.charting",
        "complete": "sketchkit.generate.finishing",
        "decode": "sketchkit.generate.morphing",
        "grid": "sketchkit.generate.morphing",
        "guess_classes": "sketchkit.generate.guess",
        "infill": "sketchkit.generate.infilling",
        "interpolate": "sketchkit.generate.morphing",
        "live_drawings": "sketchkit.generate.live_requests",
        "live_endings": "sketchkit.generate.live_requests",
        "live_reconstructions": "sketchkit.generate.live_requests",
        "locate": "sketchkit.generate.charting",
        "morphs": "sketchkit.generate.morphing",
        "reconstruct": "sketchkit.generate.drawing",
        "sample": "sketchkit.generate.drawing",
        "sample_stream": "sketchkit.generate.streaming",
        "score": "sketchkit.generate.scoring",
    },
)
