"""What is prepared for clients: jobs in a few threads of their own, the clients taking turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

__all__ = ["Job", "Turns"]


@dataclass(eq=False)
class Job:
    """Some work, and what becomes of it; all but the work happens in the loop.

    Args:
        work: done in the thread.
        done: told of what it returned.
        failed: told of what it raised.
        dropped: whether nobody wants it any more: then neither is told.
    """

    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]
    dropped: bool = False


class Turns:
    """Jobs that wait, and the threads that do them. Everything but the work happens in the loop.

    Args:
        most: how many may wait.
        threads: how many are done at once.
    """

    def __init__(self, most: int, threads: int = 1) -> None:
        self._most, self._threads = most, threads
        self._waiting: OrderedDict[Hashable, deque[Job]] = OrderedDict()
        self._count = 0
        self._come = asyncio.Event()
        self._pool = ThreadPoolExecutor(threads, "sketchkit-canvas-preparing")

    @property
    def waiting(self) -> int:
        """How many jobs have not been begun."""
        return self._count

    def put(self, client: Hashable, job: Job) -> bool:
        """Let a job wait for its turn; False where too many do."""
        if self._count >= self._most:
            return False
        self._waiting.setdefault(client, deque()).append(job)
        self._count += 1
        self._come.set()
        return True

    def drop(self, client: Hashable, job: Job) -> None:
        """Give up a job, whether it waits or is being done."""
        job.dropped = True
        jobs = self._waiting.get(client)
        if jobs is None or job not in jobs:
            return
        jobs.remove(job)
        self._count -= 1
        if not jobs:
            del self._waiting[client]

    async def run(self) -> None:
        """Do the jobs as they come, until cancelled."""
        await asyncio.gather(*(self._work() for _ in range(self._threads)))

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            job = await self._next()
            try:
                result = await loop.run_in_executor(self._pool, job.work)
                if not job.dropped:
                    job.done(result)
            except Exception as error:  # it is told to whoever asked
                if not job.dropped:
                    job.failed(error)

    def close(self) -> None:
        """Begin no more jobs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _next(self) -> Job:
        while not self._waiting:
            self._come.clear()
            await self._come.wait()
        client, jobs = self._waiting.popitem(last=False)
        job = jobs.popleft()
        self._count -= 1
        if jobs:
            self._waiting[client] = jobs
        return job
