"""Checkpoints: the native format, Magenta's JSON in and out, and the store of models.

Nothing here imports torch until a model is loaded: `header` and `store` read cards alone.
"""

__all__: list[str] = []
