"""Drawings that are asked for, and the queue in which they wait for a row of a batch."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sketchkit.engine.prompts import Prompts

__all__ = ["Indices", "JobQueue", "Requests"]

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Requests:
    """Drawings that are asked for, J of them.

    Args:
        prompts: the states that drawings start from.
        prompt_of: int64 [J], which prompt each drawing continues.
        index_of: int64 [J], the sketch index of each drawing's noise.
        attempt_of: int64 [J], the attempt that the noise belongs to, 0 for the first.
        seed: 0..2^63 - 1.
        max_points: the most rows a drawing gets, an end row included.
    """

    prompts: Prompts
    prompt_of: Indices
    index_of: Indices
    attempt_of: Indices
    seed: int
    max_points: int

    def __len__(self) -> int:
        """The number of drawings, J."""
        return len(self.prompt_of)

    def take(self, rows: Indices | slice) -> Requests:
        """Some of them, in any order and number; a slice shares memory."""
        prompt, index, attempt = (part[rows] for part in (self.prompt_of, self.index_of, self.attempt_of))
        return replace(self, prompt_of=prompt, index_of=index, attempt_of=attempt)


class JobQueue:
    """Requests that wait, numbered in the order of their arrival; several loops may take from it."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Requests]] = deque()
        self._lock, self._next = threading.Lock(), 0
        self.stopped = False

    def put(self, requests: Requests) -> range:
        """Add requests; their numbers."""
        with self._lock:
            numbers = range(self._next, self._next + len(requests))
            self._next = numbers.stop
            if len(requests):
                self._waiting.append((numbers.start, requests))
        return numbers

    def take(self, most: int) -> list[tuple[Indices, Requests]]:
        """The next requests, `most` of them at the most, in portions with their numbers."""
        out = []
        with self._lock:
            while self._waiting and most > 0:
                number, requests = self._waiting.popleft()
                n = min(most, len(requests))
                out.append((np.arange(number, number + n), requests.take(slice(n))))
                if n < len(requests):
                    self._waiting.appendleft((number + n, requests.take(slice(n, None))))
                most -= n
        return out

    def __bool__(self) -> bool:
        """Whether requests wait."""
        return bool(self._waiting)

    def stop(self) -> None:
        """Let every loop end at its next step."""
        self.stopped = True
