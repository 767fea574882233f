"""The decoding engine: batched, with continuous refill of slots and counter-based noise."""

from sketchkit.engine.decode import EXACT_WIDTH, default_width
from sketchkit.engine.prompts import Prompts, read_prompts
from sketchkit.engine.studio import decode

__all__ = ["EXACT_WIDTH", "Prompts", "decode", "default_width", "read_prompts"]
