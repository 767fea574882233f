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
    from sketchkit.rendering.drawings import Drawings
    from sketchkit.sampling import samplers
    from sketchkit.sketch import Sketch
    from sketchkit.training.plot import plot_run

__all__ = [
    "CheckpointError",
    "DeviceError",
    "Drawings",
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
    "plot_run",
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

__getattr__ = lazy_names(
    __name__,
    {
        "sketchkit.batch": "SketchBatch",
        "sketchkit.card": "ModelCard",
        "sketchkit.checkpoints.load": "import_model load_model",
        "sketchkit.checkpoints.pull": "pull_model",
        "sketchkit.checkpoints.store": "list_models=names",
        "sketchkit.formats": "read read_all write",
        "sketchkit.formats.svg": "SvgDocument read_svg",
        "sketchkit.generate": "Ending Infilling Score analogy atlas complete decode grid infill interpolate "
        "locate reconstruct sample sample_stream score",
        "sketchkit.latent": "encode principal_axes",
        "sketchkit.models": "SketchModel",
        "sketchkit.rendering": "render renderers",
        "sketchkit.rendering.drawings": "Drawings",
        "sketchkit.sampling": "samplers",
        "sketchkit.sketch": "Sketch",
        "sketchkit.training.plot": "plot_run",
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)
