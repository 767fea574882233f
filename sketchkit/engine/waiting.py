"""Drawings that nobody has begun: a queue of job numbers, which several loops may take from."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

__all__ = ["Waiting"]


class Waiting:
    """Jobs 0..J-1, given out in order, each once.

    Args:
        jobs: J.
        loops: how many take from it.
    """

    def __init__(self, jobs: int, loops: int = 1) -> None:
        self._jobs, self._next, self._lock = jobs, 0, threading.Lock()
        #: How many each loop may begin with, so that there is something for all.
        self.share = -(-jobs // loops)
        self.stopped = False

    def take(self, most: int) -> npt.NDArray[np.int64]:
        """The next jobs, as many as there are up to `most`."""
        with self._lock:
            begin = self._next
            self._next = begin + min(most, self._jobs - begin)
            return np.arange(begin, self._next)

    def stop(self) -> None:
        """Tell every loop to come to an end at its next step."""
        self.stopped = True
