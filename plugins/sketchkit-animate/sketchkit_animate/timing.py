"""Times in the units of a format, which add up however they are rounded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["durations"]


def durations(starts: Sequence[float], end: float, ticks: int) -> list[int]:
    """For how long each frame is shown.

    Args:
        starts: of the frames, in seconds, rising.
        end: of the last one, in seconds.
        ticks: units of the format a second.

    Returns:
        Whole units, one number a frame, at least 1; their sum is the rounded end where no frame is shorter.
    """
    rounded = [round(time * ticks) for time in (*starts, end)]
    return [max(1, after - before) for before, after in pairwise(rounded)]
