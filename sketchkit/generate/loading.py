"""Loading a model to draw with, by the lightest means that the work at hand allows."""

from __future__ import annotations

from os import PathLike

from sketchkit.checkpoints.array_models import find_file, is_array_model, load_array_model
from sketchkit.engine import engine_of
from sketchkit.errors import DeviceError
from sketchkit.models import ArrayModel, DrawingModel
from sketchkit.sampling import AnySampler, draws_by_rule

__all__ = ["WORTH_TORCH", "load_drawing_model"]

#: The import of torch takes as long as numpy takes for so many points.
WORTH_TORCH = 30_000


def load_drawing_model(
    name: str | PathLike[str],
    *,
    device: str = "auto",
    engine: str = "auto",
    precision: str = "float32",
    sampler: AnySampler | None = None,
    points: int = 0,
    exact: bool = False,
) -> DrawingModel:
    """Load a model to draw, score or encode with: on numpy alone where it can do the work, else on torch.

    Args:
        name: see `sketchkit.load_model`, as for the next three.
        device: `auto` is the CPU where numpy draws.
        engine: `torch` and `compiled` are on torch.
        precision: of the large products of a step.
        sampler: of a kind other than tempered draws it is on torch; None for work without a sampler.
        points: about how many points are read and drawn; from `WORTH_TORCH` on torch draws, where device and
            engine are `auto`.
        exact: whether drawings are to be the same to the last bit beside any others; then torch draws where
            the engine is `auto`, since numpy computes such drawings one row at a time.

    Raises:
        CheckpointError: an unknown model, or an unreadable file.
        DeviceError: an unknown or missing device.
        PluginError: an engine that is unknown or fails.
    """
    how = {"engine": engine, "precision": precision}
    place = device.lower()
    needs_torch = engine in ("torch", "compiled") or (exact and engine == "auto")
    able = place in ("auto", "cpu") and not needs_torch
    small = points < WORTH_TORCH or place == "cpu" or engine != "auto"
    if able and small and (sampler is None or draws_by_rule(sampler)):
        model = _find_arrays(name, **how)
        if model is not None:
            return model
    from sketchkit.checkpoints.load import load_model

    return load_model(name, device=device, **how)


def _find_arrays(name: str | PathLike[str], engine: str, precision: str) -> ArrayModel | None:
    """The model on numpy alone; None where that lacks its kind or an engine for it."""
    path = find_file(name)
    if not is_array_model(path):
        return None
    model = load_array_model(path, engine=engine, precision=precision)
    try:
        engine_of(model)
    except DeviceError:
        return None  # torch may have what numpy lacks, such as another precision
    return model
