"""Diffusion of whole drawings as a model backend of sketchkit."""

from __future__ import annotations

from sketchkit_diffusion.model import DiffusionArchitecture, DiffusionModel

__all__ = ["DiffusionArchitecture", "DiffusionModel"]
