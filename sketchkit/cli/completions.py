"""What the shell completes a word with."""

from __future__ import annotations

from collections.abc import Callable

from sketchkit.errors import SketchkitError

__all__ = [
    "complete_classes",
    "complete_known_classes",
    "complete_models",
    "complete_own_models",
    "complete_samplers",
]


def _completer(source: Callable[[], list[str]]) -> Callable[[str], list[str]]:
    """What Typer asks for a word's completions; a broken installation completes nothing."""

    def complete(incomplete: str) -> list[str]:
        try:
            return [name for name in source() if name.startswith(incomplete)]
        except (SketchkitError, OSError):
            return []

    return complete


def _model_names() -> list[str]:
    from sketchkit.checkpoints.store import names

    return names()


def _own_model_names() -> list[str]:
    from sketchkit.checkpoints.store import stored_models

    return [stored.name for stored in stored_models() if not stored.bundled]


def _sampler_names() -> list[str]:
    from sketchkit.registry import names

    return names("sampler")


def _class_names() -> list[str]:
    from sketchkit.checkpoints.published import CLASSES

    return list(CLASSES)


def _known_class_names() -> list[str]:
    from sketchkit.checkpoints.store import stored_models

    headers = [stored.header for stored in stored_models() if stored.header is not None]
    return sorted({name for h in headers if h.architecture.get("classes") for name in h.card.classes})


complete_models = _completer(_model_names)
complete_own_models = _completer(_own_model_names)
complete_samplers = _completer(_sampler_names)
complete_classes = _completer(_class_names)
complete_known_classes = _completer(_known_class_names)
