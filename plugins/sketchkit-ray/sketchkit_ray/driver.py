"""The driver: finds what is missing in the folder, and lets workers make it.

Workers are plain actors of Ray, and the driver hands them parts one after another. Ray Data would tell
neither which part a dead worker was making nor how often that was tried; its first part also came four to ten
seconds later.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayActorError, RayError

from sketchkit.cli.console import progress, say
from sketchkit.cli.resumable import RECORD
from sketchkit.errors import DeviceError, SketchkitError
from sketchkit.files import explain_errors, is_url, join_path, read_file, shown
from sketchkit_ray.gathering import Gathered, RayOptions
from sketchkit_ray.session import open_ray
from sketchkit_ray.worker import MOST_RECORD_BYTES, SETTINGS, Assignment, Outcome, Worker, normalize

__all__ = ["do"]

#: A call of a worker takes about so long, or one part.
_SECONDS_OF_CALL = 5.0
_MOST_PARTS_OF_CALL = 64
#: The driver looks for signals so often, and says after so many looks that no worker has begun.
_SECONDS_OF_LOOK, _MOST_LOOKS = 1.0, 60
#: How Ray tells that a worker is dead.
_DEATHS = (RayActorError, OutOfMemoryError)


def do(gathered: Gathered, words: Sequence[str]) -> None:
    """Do the work that a command line asks for, and say so on stderr.

    Args:
        gathered: the work.
        words: the command line, for the workers.

    Raises:
        InputError: as the command raises it; a worker that does not see the folder, or has other work.
        DeviceError: Ray or its workers do not start, or a part ends its worker again and again.
    """
    folder, work = gathered.folder, gathered.work
    try:
        written = _complete(gathered, words)
    finally:
        # A process that is alone in the folder removes what workers were writing when they ended.
        with suppress(SketchkitError), work.open_folder(folder):
            pass
    there = len(work) - written
    say(
        f"{shown(folder)}: wrote {written} of {len(work)} {work.pieces}"
        + (f"; {there} were there already" if there else "")
    )


def _complete(gathered: Gathered, words: Sequence[str]) -> int:
    """Make all parts that are missing, and return their number."""
    folder, work = gathered.folder, gathered.work
    with work.open_folder(folder, overwrite=gathered.overwrite):
        missing = work.find_missing(folder, range(len(work)))
        try:
            if missing:
                _fill(gathered, words, missing)
        except KeyboardInterrupt:
            left = len(work.find_missing(folder, missing))
            say(f"{shown(folder)}: {left} of {len(work)} {work.pieces} are missing: the same command goes on")
            raise
    return len(missing)


def _fill(gathered: Gathered, words: Sequence[str], missing: Sequence[int]) -> None:
    how, work = gathered.how, gathered.work
    address = how.address or os.environ.get("RAY_ADDRESS") or None
    with _token(gathered.folder) as token, open_ray(address, min(_cores(how), len(missing))):
        workers = min(_count_workers(how), len(missing))
        given = _assign(gathered, words, token)
        with progress(work.doing) as report:
            crew = Crew(work, gathered.folder, missing, how, lambda: _start(how, given), report)
            try:
                crew.work_through(workers)
            except RayError as error:
                raise DeviceError(f"Ray failed: {_last_line(error)}") from error
            finally:
                crew.dismiss()


def _cores(how: RayOptions) -> int:
    """The cores of this machine that the command uses."""
    if how.workers is not None:
        return how.workers
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _count_workers(how: RayOptions) -> int:
    """How many workers are to run; on a cluster as many as have room now, and one at least."""
    total, free = _resources("cluster_resources"), _resources("available_resources")
    if how.num_gpus > total.get("GPU", 0):
        raise DeviceError(f"--num-gpus {how.num_gpus:g}: Ray finds {total.get('GPU', 0):g} GPUs")
    room = int(free.get("CPU", 0))
    if how.num_gpus:
        room = min(room, int(free.get("GPU", 0) / how.num_gpus))
    return how.workers or max(1, room)


def _resources(which: str) -> dict[str, float]:
    """Resources of the cluster by name; the functions of Ray have no types."""
    found: dict[str, float] = getattr(ray, which)()
    return found


@contextmanager
def _token(folder: str) -> Iterator[str]:
    """The name of an empty file in a folder, by which a worker elsewhere knows it; none for a URL."""
    if is_url(folder):
        yield ""
        return
    name = f".{secrets.token_hex(8)}.tmp"
    path = os.path.join(folder, name)
    with explain_errors(folder):
        open(path, "xb").close()
    try:
        yield name
    finally:
        with suppress(OSError):
            os.unlink(path)


def _assign(gathered: Gathered, words: Sequence[str], token: str) -> Assignment:
    folder = gathered.folder if is_url(gathered.folder) else os.path.abspath(gathered.folder)
    record = read_file(join_path(folder, RECORD), MOST_RECORD_BYTES)
    return Assignment(
        gathered.name,
        tuple(words),
        os.getcwd(),
        {name: value for name, value in os.environ.items() if name.startswith(SETTINGS)},
        folder,
        token,
        record,
        normalize(gathered.work.record),
    )


def _start(how: RayOptions, given: Assignment) -> Any:
    """A worker as an actor, which is not restarted: the driver counts deaths itself."""
    settings = ray.remote(num_cpus=1, num_gpus=how.num_gpus, max_restarts=0, max_task_retries=0)
    return settings(Worker).remote(given)


class Crew:
    """Workers, and the parts that are to be done.

    Args:
        work: that is done.
        folder: of the parts.
        missing: the numbers of the parts that are to be made, rising.
        how: the options.
        start: starts a worker.
        report: takes the number of parts that are made, and of all that are to be made.
    """

    def __init__(
        self,
        work: Any,
        folder: str,
        missing: Sequence[int],
        how: RayOptions,
        start: Callable[[], Any],
        report: Callable[[int, int], None],
    ) -> None:
        self.work, self.folder, self.how, self.start, self.report = work, folder, how, start, report
        self.waiting, self.count = deque(missing), len(missing)
        self.begun, self.done, self.seconds, self.deaths = False, 0, 0.0, Counter[int | None]()
        #: Calls under way: the worker, and the numbers of its parts; none of a worker that begins.
        self.calls: dict[Any, tuple[Any, list[int]]] = {}

    def work_through(self, workers: int) -> None:
        """Do all parts with so many workers.

        Raises:
            Exception: what a worker raised; see `do`.
        """
        self.size = workers
        for _ in range(workers):
            self._hire()
        for look in itertools.count(1):
            ready, _ = ray.wait(list(self.calls), timeout=_SECONDS_OF_LOOK)
            for call in ready:
                self._finish(call)
            if not self.calls:
                return
            if look == _MOST_LOOKS and not self.begun:
                say("sketchkit: no worker has begun yet: the cluster has no free core, or is busy")

    def _finish(self, call: Any) -> None:
        worker, numbers = self.calls.pop(call)
        try:
            outcome = ray.get(call)
        except _DEATHS as death:
            ray.kill(worker)  # which may be out of reach only
            self._bury(numbers, death)
        else:
            self._take(outcome, worker, numbers)

    def dismiss(self) -> None:
        """End the workers at once."""
        for worker, _ in self.calls.values():
            with suppress(RayError):
                ray.kill(worker)

    def _hire(self) -> None:
        worker = self.start()
        self.calls[worker.begin.remote()] = (worker, [])

    def _take(self, outcome: Outcome, worker: Any, numbers: list[int]) -> None:
        """Take note of what a worker has done, and give it more to do."""
        if outcome.error is not None:
            raise outcome.error
        self.begun = True
        if numbers:
            for line in outcome.said:
                say(line)
            self.done, self.seconds = self.done + len(numbers), self.seconds + outcome.seconds
            self.report(self.done, self.count)
        else:  # it has said what the driver has said already
            self.deaths[None] = 0
        if self.waiting:
            self._give(worker)

    def _give(self, worker: Any) -> None:
        each = self.seconds / self.done if self.done else _SECONDS_OF_CALL
        most = min(
            int(_SECONDS_OF_CALL / max(each, 1e-3)), _MOST_PARTS_OF_CALL, len(self.waiting) // self.size
        )
        numbers = [self.waiting.popleft() for _ in range(max(1, most))]
        self.calls[worker.write.remote(numbers)] = (worker, numbers)

    def _bury(self, numbers: list[int], death: RayError) -> None:
        """Replace a worker that has died, and let its missing parts be made again.

        Raises:
            DeviceError: the part has ended its worker too often, or workers die as they begin.
        """
        left = self.work.find_missing(self.folder, numbers)
        self.done += len(numbers) - len(left)
        if left or not numbers:
            self._count_death(left[0] if left else None, death)
        self.waiting.extendleft(reversed(left[1:]))
        self.waiting.extend(left[:1])  # last, so that all others are made before it is given up
        if self.waiting:
            self._hire()

    def _count_death(self, part: int | None, death: RayError) -> None:
        """Count and tell the deaths at a part; None stands for workers that begin."""
        self.deaths[part] += 1
        what = "as it began" if part is None else f"at {self.work.name(part)}"
        if self.deaths[part] > self.how.retries:
            raise DeviceError(f"a worker died {what}, {self.deaths[part]} times: {_last_line(death)}")
        say(f"sketchkit: a worker died {what}: another one goes on")


def _last_line(error: RayError) -> str:
    """The last line of an error of Ray, where it says what is wrong, without all that might be the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].partition(" Some common causes")[0] if lines else type(error).__name__
