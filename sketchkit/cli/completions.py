"""The words that the shell completes."""

from __future__ import annotations

from collections.abc import Callable

import typer

from sketchkit.errors import SketchkitError

__all__ = [
    "complete_classes",
    "complete_exporters",
    "complete_known_classes",
    "complete_models",
    "complete_own_models",
    "complete_sampler_options",
    "complete_samplers",
]


def _completer(source: Callable[[], list[str]]) -> Callable[[str], list[str]]:
    """The function that Typer asks for completions; it is silent in a broken installation."""

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


def _exporter_names() -> list[str]:
    from sketchkit.registry import names

    return names("exporter")


def _class_names() -> list[str]:
    from sketchkit.checkpoints.pull import CLASSES

    return list(CLASSES)


def _class_names_of_models() -> list[str]:
    from sketchkit.checkpoints.store import stored_models

    headers = [stored.header for stored in stored_models() if stored.header is not None]
    return sorted({name for h in headers if h.architecture.get("classes") for name in h.card.classes})


complete_models = _completer(_model_names)
complete_own_models = _completer(_own_model_names)
complete_samplers = _completer(_sampler_names)
complete_exporters = _completer(_exporter_names)
complete_classes = _completer(_class_names)
complete_known_classes = _completer(_class_names_of_models)


def complete_sampler_options(ctx: typer.Context, incomplete: str) -> list[str]:
    """`name=` for the options of the sampler that the line names so far, then the values it takes."""
    from sketchkit import options, registry
    from sketchkit.settings import read_setting

    try:
        name = read_setting("sampler", ctx.params.get("sampler"), "temperature")
        known = options.describe(registry.load("sampler", name))
    except Exception:  # whatever is wrong with the plugin, completion is no place to tell
        return []
    words = [f"{each.name}=" for each in known]
    for each in known:
        values = each.choices or (("true", "false") if each.type is bool else ())
        words += [f"{each.name}={value}" for value in values if incomplete.startswith(f"{each.name}=")]
    return [word for word in words if word.startswith(incomplete) and word != incomplete]
