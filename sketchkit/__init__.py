"""Generative vector sketches: finish, sample and render drawings.

Everything named here is loaded when it is first used, so that `import sketchkit` costs next to nothing and
needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sketchkit._version import __version__
from sketchkit.errors import (
    CheckpointError,
    DeviceError,
    FormatError,
    InputError,
    PluginError,
    SketchkitError,
)
from sketchkit.lazy import lazy_names

if TYPE_CHECKING:
    from sketchkit.batch import SketchBatch
    from sketchkit.card import ModelCard
    from sketchkit.checkpoints.load import import_model, load_model
    from sketchkit.checkpoints.pull import pull_model
    from sketchkit.checkpoints.store import names as list_models
    from sketchkit.formats import read, read_all, write
    from sketchkit.formats.svg import SvgDocument, read_svg
    from sketchkit.generate import (
        Ending,
        Infilling,
        Score,
        analogy,
        atlas,
        complete,
        decode,
        grid,
        infill,
        interpolate,
        locate,
        reconstruct,
        sample,
        sample_stream,
        score,
    )
    from sketchkit.latent import encode, principal_axes
    from sketchkit.models import SketchModel
    from sketchkit.rendering import render, renderers
    from sketchkit.sampling import samplers
    from sketchkit.sketch import Sketch

__all__ = [
    "CheckpointError",
    "DeviceError",
    "Ending",
    "FormatError",
    "Infilling",
    "InputError",
    "ModelCard",
    "PluginError",
    "Score",
    "Sketch",
    "SketchBatch",
    "SketchModel",
    "SketchkitError",
    "SvgDocument",
    "__version__",
    "analogy",
    "atlas",
    "complete",
    "decode",
    "encode",
    "grid",
    "import_model",
    "infill",
    "interpolate",
    "list_models",
    "load_model",
    "locate",
    "principal_axes",
    "pull_model",
    "read",
    "read_all",
    "read_svg",
    "reconstruct",
    "render",
    "renderers",
    "sample",
    "sample_stream",
    "samplers",
    "score",
    "write",
]

_HOMES = {
    "Ending": "sketchkit.generate:Ending",
    "Infilling": "sketchkit.generate:Infilling",
    "ModelCard": "sketchkit.card:ModelCard",
    "Score": "sketchkit.generate:Score",
    "Sketch": "sketchkit.sketch:Sketch",
    "SketchBatch": "sketchkit.batch:SketchBatch",
    "SketchModel": "sketchkit.models:SketchModel",
    "SvgDocument": "sketchkit.formats.svg:SvgDocument",
    "analogy": "sketchkit.generate:analogy",
    "atlas": "sketchkit.generate:atlas",
    "complete": "sketchkit.generate:complete",
    "decode": "sketchkit.generate:decode",
    "encode": "sketchkit.latent:encode",
    "grid": "sketchkit.generate:grid",
    "import_model": "sketchkit.checkpoints.load:import_model",
    "infill": "sketchkit.generate:infill",
    "interpolate": "sketchkit.generate:interpolate",
    "list_models": "sketchkit.checkpoints.store:names",
    "load_model": "sketchkit.checkpoints.load:load_model",
    "locate": "sketchkit.generate:locate",
    "principal_axes": "sketchkit.latent:principal_axes",
    "pull_model": "sketchkit.checkpoints.pull:pull_model",
    "read": "sketchkit.formats:read",
    "read_all": "sketchkit.formats:read_all",
    "read_svg": "sketchkit.formats.svg:read_svg",
    "reconstruct": "sketchkit.generate:reconstruct",
    "render": "sketchkit.rendering:render",
    "renderers": "sketchkit.rendering:renderers",
    "sample": "sketchkit.generate:sample",
    "sample_stream": "sketchkit.generate:sample_stream",
    "samplers": "sketchkit.sampling:samplers",
    "score": "sketchkit.generate:score",
    "write": "sketchkit.formats:write",
}


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
