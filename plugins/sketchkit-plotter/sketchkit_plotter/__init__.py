"""Sheets of drawings for pen plotters: HPGL and G-code, with short ways between the strokes."""

from sketchkit_plotter.gcode import GcodeRenderer
from sketchkit_plotter.hpgl import HpglRenderer

__all__ = ["GcodeRenderer", "HpglRenderer"]
