"""A helper for the tests of the checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sketchkit.testing import CheckFailed

__all__ = ["rules_of"]


def rules_of(check: Callable[..., None], plugin: Any, **more: Any) -> tuple[str, ...]:
    """The rules that a plugin violates, at least one; each fault must contain advice."""
    with pytest.raises(CheckFailed) as failed:
        check(plugin, **more)
    assert len(failed.value.faults) == len(failed.value.rules)
    for fault in failed.value.faults:
        assert ": " in fault, f"no advice in {fault!r}"
    return failed.value.rules
