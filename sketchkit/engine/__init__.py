"""The decoding engine: a batch that drawings join and leave, engines that step it, counter-based noise."""

from sketchkit.engine.decoder import EXACT_WIDTH, Decoder, default_width, find_exact_width
from sketchkit.engine.drafting import decode
from sketchkit.engine.engine_selection import engine_of, stepper_of
from sketchkit.engine.prompts import JobQueue, Prompts, Requests, read_prompts
from sketchkit.engine.steppers import PRECISIONS, Engine, Stepper
from sketchkit.models import LSTMWeights

__all__ = [
    "EXACT_WIDTH",
    "PRECISIONS",
    "Decoder",
    "Engine",
    "JobQueue",
    "LSTMWeights",
    "Prompts",
    "Requests",
    "Stepper",
    "decode",
    "default_width",
    "engine_of",
    "find_exact_width",
    "read_prompts",
    "stepper_of",
]
