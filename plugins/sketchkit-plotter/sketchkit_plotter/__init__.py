"""Sheets of drawings for pen plotters: HPGL, G-code and SVG in layers, the strokes in a short order."""

from sketchkit_plotter.gcode import GcodeRenderer
from sketchkit_plotter.hpgl import HpglRenderer
from sketchkit_plotter.svg import PlotterSvgRenderer

__all__ = ["GcodeRenderer", "HpglRenderer", "PlotterSvgRenderer"]
