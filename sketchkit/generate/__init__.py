"""Drawing with a model: `sample` and `reconstruct` whole drawings, `complete` what somebody has begun."""

from sketchkit.generate.attempts import Attempts
from sketchkit.generate.charting import Atlas, Located, atlas, locate
from sketchkit.generate.drawing import reconstruct, sample
from sketchkit.generate.ending import Ending, Endings
from sketchkit.generate.finishing import complete
from sketchkit.generate.guess import Guess, Guesses, guess_classes
from sketchkit.generate.infilling import Infilling, InfillSearch, infill
from sketchkit.generate.live import LiveDecoder, LivePoints
from sketchkit.generate.live_drawings import LiveDrawing, live_drawings, live_endings, live_reconstructions
from sketchkit.generate.morphing import Morph, Steps, analogy, decode, grid, interpolate, morphs
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
