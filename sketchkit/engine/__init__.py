"""The decoding engine: batched, with continuous refill of slots and counter-based noise."""

from sketchkit.engine.choosing import engine_of, stepper_of
from sketchkit.engine.prompts import Prompts, read_prompts
from sketchkit.engine.recurrent import LSTMWeights
from sketchkit.engine.steppers import PRECISIONS, Engine, Stepper
from sketchkit.engine.studio import decode
from sketchkit.engine.work import EXACT_WIDTH, default_width

__all__ = [
    "EXACT_WIDTH",
    "PRECISIONS",
    "Engine",
    "LSTMWeights",
    "Prompts",
    "Stepper",
    "decode",
    "default_width",
    "engine_of",
    "read_prompts",
    "stepper_of",
]
