"""What the tests of the checks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sketchkit.testing import CheckFailed

__all__ = ["fault_of", "faults_of"]


def faults_of(check: Callable[..., None], plugin: Any, **more: Any) -> tuple[str, ...]:
    """The sentences that a check has for a plugin, which must be some; each says what to change."""
    with pytest.raises(CheckFailed) as failed:
        check(plugin, **more)
    for fault in failed.value.faults:
        assert ": " in fault, f"nothing to change in {fault!r}"
    return failed.value.faults


def fault_of(check: Callable[..., None], plugin: Any, **more: Any) -> str:
    """The one sentence that a check has for a plugin."""
    faults = faults_of(check, plugin, **more)
    assert len(faults) == 1, faults
    return faults[0]
