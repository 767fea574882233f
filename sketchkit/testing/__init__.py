"""Conformance checks for the authors of plugins: what must hold of each kind.

A plugin's own tests call them:

    from sketchkit.testing import check_sampler

    def test_my_sampler_keeps_the_contract():
        check_sampler(Steady)

`python -m sketchkit.testing KIND NAME RESULT.json` checks a plugin that is installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sketchkit.testing.faults import CheckFailed

if TYPE_CHECKING:
    from sketchkit.testing.commands import check_command
    from sketchkit.testing.engines import check_engine
    from sketchkit.testing.formats import check_format
    from sketchkit.testing.models import check_model
    from sketchkit.testing.renderers import check_renderer
    from sketchkit.testing.samplers import check_sampler
    from sketchkit.testing.verdict import Verdict, run_check

__all__ = [
    "CheckFailed",
    "Verdict",
    "check_command",
    "check_engine",
    "check_format",
    "check_model",
    "check_renderer",
    "check_sampler",
    "run_check",
]

# Only samplers, models and engines need torch: each check is loaded when it is first used.
_HOMES = {
    "Verdict": "sketchkit.testing.verdict",
    "check_command": "sketchkit.testing.commands",
    "check_engine": "sketchkit.testing.engines",
    "check_format": "sketchkit.testing.formats",
    "check_model": "sketchkit.testing.models",
    "check_renderer": "sketchkit.testing.renderers",
    "check_sampler": "sketchkit.testing.samplers",
    "run_check": "sketchkit.testing.verdict",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sketchkit.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
