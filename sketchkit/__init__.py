"""Generative vector sketches: finish, sample and render drawings."""

from sketchkit._version import __version__

__all__ = ["__version__"]
