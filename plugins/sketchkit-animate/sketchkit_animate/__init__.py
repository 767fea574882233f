"""Renderers for sketchkit in which time passes: drawings that draw themselves, pictures in turn.

They are found by their names (`--format pen-gif`), through the entry-point group `sketchkit.renderers`.
"""
