"""The decoding engine: batched, with continuous refill of slots and counter-based noise."""

from sketchkit.engine.decode import EXACT_WIDTH, Drawn, decode, default_width
from sketchkit.engine.prompts import Prompts, read_prompts

__all__ = ["EXACT_WIDTH", "Drawn", "Prompts", "decode", "default_width", "read_prompts"]
