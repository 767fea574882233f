"""Conformance checks for plugin authors: the contract of each kind of plugin.

A plugin's own tests call them:

    from sketchkit.testing import check_sampler

    def test_my_sampler_keeps_the_contract():
        check_sampler(Steady)

`python -m sketchkit.testing KIND NAME RESULT.json` checks an installed plugin.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from sketchkit.testing.faults import CheckFailed

if TYPE_CHECKING:
    from sketchkit.testing.commands import check_command
    from sketchkit.testing.engines import check_engine
    from sketchkit.testing.exporters import check_exporter
    from sketchkit.testing.formats import check_format
    from sketchkit.testing.models import check_model
    from sketchkit.testing.renderers import check_renderer
    from sketchkit.testing.result import CheckResult, run_check
    from sketchkit.testing.samplers import check_sampler

__all__ = [
    "CheckFailed",
    "CheckResult",
    "check_command",
    "check_engine",
    "check_exporter",
    "check_format",
    "check_model",
    "check_renderer",
    "check_sampler",
    "run_check",
]

# Most checks import torch: a module is loaded when its name is first used.
_MODULES = {"CheckResult": "result", "run_check": "result"} | {
    f"check_{kind}": f"{kind}s"
    for kind in ("command", "engine", "exporter", "format", "model", "renderer", "sampler")
}


def __getattr__(name: str) -> Any:
    if name == "Verdict":
        message = "sketchkit.testing.Verdict is called CheckResult now; the old name will go"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        name = "CheckResult"
    if name not in _MODULES:
        raise AttributeError(f"module 'sketchkit.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"sketchkit.testing.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
