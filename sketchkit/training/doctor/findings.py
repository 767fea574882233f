"""What a check of a run finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Finding", "Severity"]


class Severity(IntEnum):
    """How much a finding matters: the higher, the more."""

    FINE = 0
    NOTICE = 1
    WARNING = 2
    PROBLEM = 3

    @property
    def word(self) -> str:
        """The severity in lower case."""
        return self.name.lower()


@dataclass(frozen=True)
class Finding:
    """One thing that a run's logs show.

    Args:
        name: of the finding, for programs: lower case with dashes.
        severity: how much it matters.
        seen: one sentence, with figures.
        advice: one sentence on what to do; empty where there is nothing to do.
    """

    name: str
    severity: Severity
    seen: str
    advice: str = ""
