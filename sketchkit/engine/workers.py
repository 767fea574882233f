"""Several decoding loops at once on the cores of a CPU, which take waiting drawings from one queue.

Each loop computes on one thread, so that nobody waits for anybody at every small product: on a busy machine
the others go on. What a drawing looks like does not depend on who draws it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TypeAlias

import torch

from sketchkit.devices import spare_threads
from sketchkit.engine.waiting import Waiting
from sketchkit.sampling import Draft

__all__ = ["drawn_by", "workers_for"]

#: A loop of fewer drawings than this is no faster for sharing them.
_LEAST_EACH = 32

#: Draws what is waiting, until told to stop.
Loop: TypeAlias = Callable[[Waiting], Iterator[Draft]]


def workers_for(jobs: int) -> int:
    """How many loops suit so many drawings: one a core that torch may use, if each has enough to do."""
    return max(1, min(spare_threads(), jobs // _LEAST_EACH))


def drawn_by(workers: int, loop: Loop, waiting: Waiting) -> Iterator[Draft]:
    """What several loops draw, as it comes.

    Args:
        workers: how many, 2 or more.
        loop: draws.
        waiting: what they share.

    Raises:
        BaseException: whatever a loop raises; the others stop at their next step.
    """
    done: SimpleQueue[Draft | BaseException | None] = SimpleQueue()
    threads = [
        threading.Thread(target=_work, args=(loop, waiting, done), daemon=True) for _ in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        left = workers
        while left:
            found = done.get()
            if isinstance(found, BaseException):
                raise found
            if found is None:
                left -= 1
            else:
                yield found
    finally:
        waiting.stop()
        for thread in threads:
            thread.join()


def _work(loop: Loop, waiting: Waiting, done: SimpleQueue[Draft | BaseException | None]) -> None:
    try:
        with torch.inference_mode():
            for draft in loop(waiting):
                done.put(draft)
    except BaseException as error:  # it is raised where somebody waits for it
        done.put(error)
    else:
        done.put(None)
