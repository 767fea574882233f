"""Attempts at endings that keep within bounds: drawn in rounds, in the order of their indices."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from sketchkit.errors import InputError

__all__ = ["ATTEMPTS", "Attempts", "NoEnding", "Search"]

#: How many endings are tried for each one asked for.
ATTEMPTS = 32


class _Indexed(Protocol):
    @property
    def index(self) -> int: ...


Found = TypeVar("Found", bound=_Indexed)


@dataclass(frozen=True)
class Attempts:
    """The record of a search for endings within bounds.

    Args:
        asked: how many endings were wanted.
        tried: how many were drawn, from index 0 to that of the last one found, or until the budget of 32 for
            each one asked for was spent.
        satisfied: how many of them kept within bounds.
        redrawn: at how many of their steps the first point was out of bounds and others were drawn.
    """

    asked: int
    tried: int
    satisfied: int
    redrawn: int


class NoEnding(InputError):
    """All endings of a drawing leave the bounds.

    Args:
        drawing: the number of the drawing, from 0.
        why: the reason and a remedy.
        several: whether the call has several drawings, so that the message gives the number.
    """

    def __init__(self, drawing: int, why: str, several: bool) -> None:
        super().__init__(f"drawing {drawing}: {why}" if several else why)
        self.drawing, self.why = drawing, why


@dataclass
class Search(Generic[Found]):
    """The attempts at one drawing.

    The result depends on `asked` alone, not on the rounds: the endings with the lowest indices that satisfy
    the bounds.

    Args:
        asked: how many endings are wanted.
    """

    asked: int
    _tried: int = 0
    _found: list[Found] = field(default_factory=list)
    _redrawn: list[int] = field(default_factory=list)

    def next_round(self) -> range:
        """The indices to try next, as many as the missing endings need at the rate of success so far."""
        missing = self.asked - len(self._found)
        if missing <= 0:
            return range(0)
        # The rate starts from one success and one failure; the first round expects every ending to fit.
        rate = (len(self._found) + 1) / (self._tried + 2) if self._tried else 1.0
        count = min(math.ceil(missing / rate), self.asked * ATTEMPTS - self._tried)
        return range(self._tried, self._tried + count)

    def close_round(self, found: list[Found], redrawn: list[int]) -> None:
        """Record the results of a round.

        Args:
            found: the endings that kept within bounds.
            redrawn: for each index of the round, at how many steps points were drawn again.
        """
        self._found += sorted(found, key=lambda each: each.index)
        self._tried += len(redrawn)
        self._redrawn += redrawn

    def result(self) -> tuple[list[Found], Attempts]:
        """At most `asked` endings in the order of their index, and the record of the search."""
        found = self._found[: self.asked]
        tried = found[-1].index + 1 if found and len(found) == self.asked else self._tried
        return found, Attempts(self.asked, tried, len(found), sum(self._redrawn[:tried]))
