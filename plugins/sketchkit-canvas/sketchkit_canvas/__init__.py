"""A local page to draw on, and the server behind it: you draw, a model of sketchkit draws with you."""

__all__: list[str] = []
