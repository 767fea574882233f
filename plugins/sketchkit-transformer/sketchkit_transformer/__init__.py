"""A decoder-only transformer as a model backend of sketchkit."""

from __future__ import annotations

from sketchkit_transformer.architecture import TransformerArchitecture
from sketchkit_transformer.model import TransformerModel

__all__ = ["TransformerArchitecture", "TransformerModel"]
