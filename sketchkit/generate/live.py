"""A server of drawings: requests join a running batch at any time, and their points come as they are drawn.

`sample` and the other calls draw one request and return. An interactive page sends requests continuously and
cancels many of them. A `LiveDecoder` accepts requests while it draws, returns the points of each drawing in
small chunks, and drops cancelled drawings at once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sketchkit.arguments import whole
from sketchkit.engine import Decoder, JobQueue
from sketchkit.errors import InputError
from sketchkit.generate.live_requests import LiveDrawing
from sketchkit.threads import one_thread

__all__ = ["LiveDecoder", "LivePoints"]

Place: TypeAlias = tuple[float, float, float]
Float32 = npt.NDArray[np.float32]

#: A batch of a `LiveDecoder` grows with its drawings.
_ANY_NUMBER = 1 << 20


@dataclass(frozen=True, eq=False)
class LivePoints:
    """Some points of a drawing, as they were drawn.

    Args:
        request: the number that `add` returned.
        drawing: the number of the drawing in the request, from 0.
        first: the number of the first point, from 0; the points of a drawing come in order, without a gap.
        points: float64 [n, 3]: x, y in drawing units, and 1 where ink leads here from the point before.
        over: whether these are the last; n may then be 0.
        finished: whether the model ended the drawing; else it continues, was cut at the greatest length, or
            failed.
        error: the error that stopped the drawing, if any.
    """

    request: int
    drawing: int
    first: int
    points: npt.NDArray[np.float64]
    over: bool = False
    finished: bool = False
    error: Exception | None = None


@dataclass(eq=False)
class _ActiveDrawing:
    """A drawing that waits, or is being drawn."""

    request: int
    number: int
    client: Hashable
    drawing: LiveDrawing
    age: int = 0  # rows that the model has drawn
    reported: int = 0  # points that were reported
    over: bool = False
    down: bool = False
    at: tuple[float, float] = (0.0, 0.0)
    fresh: list[Place] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.at, self.down = self.drawing.anchor, self.drawing.joined
        if self.down:
            self.fresh.append((*self.at, 0.0))

    def move(self, dx: float, dy: float, lift: bool) -> None:
        """To the next point, with ink if the pen is down."""
        self.at = (self.at[0] + dx, self.at[1] + dy)
        self.fresh.append((*self.at, float(self.down)))
        self.down = not lift

    def report(
        self, over: bool = False, finished: bool = False, error: Exception | None = None
    ) -> LivePoints:
        """The points since the last report."""
        points = np.array(self.fresh, np.float64).reshape(-1, 3)
        first, self.fresh = self.reported, []
        self.reported += len(points)
        return LivePoints(self.request, self.number, first, points, over, finished, error)


class _Batch:
    """The drawings of one model and sampler that have a row, by their number in the queue."""

    def __init__(self, drawing: LiveDrawing) -> None:
        self.model, self.sampler = drawing.model, drawing.sampler
        self.queue, self.pens = JobQueue(), dict[int, _ActiveDrawing]()
        # One step a call, so that new drawings join at once.
        self.decoder = Decoder(drawing.model, drawing.sampler, self.queue, width=_ANY_NUMBER, max_steps=1)

    def draws(self, drawing: LiveDrawing) -> bool:
        return self.model is drawing.model and self.sampler == drawing.sampler

    def keep(self, wanted: Callable[[_ActiveDrawing], bool]) -> None:
        """Drop all other drawings."""
        gone = {job for job, pen in self.pens.items() if not wanted(pen)}
        if gone:
            self.decoder.drop(gone)
            self.pens = {job: pen for job, pen in self.pens.items() if job not in gone}

    def add(self, pen: _ActiveDrawing) -> None:
        [job] = self.queue.put(pen.drawing.start)
        self.pens[job] = pen

    def advance(self) -> Iterator[tuple[_ActiveDrawing, Float32]]:
        """One point more of every drawing, [5] in model units."""
        self.decoder.step()
        jobs, points = self.decoder.latest
        yield from zip([self.pens[job] for job in jobs.tolist()], points, strict=True)


class LiveDecoder:
    """Draws requests that arrive at any time, all of them at once.

    Every method may be called from any thread, but `step` from one at a time. A drawing is a function of its
    request alone, independent of other requests.

    Args:
        slots: the most drawings that are drawn at once; the others wait, and clients take free slots in
            turns.
        chunk: the number of points of a drawing that are returned together.

    Raises:
        InputError: a number below 1.
    """

    def __init__(self, slots: int = 512, chunk: int = 8) -> None:
        self._slots, self._chunk = whole("slots", slots, 1), whole("chunk", chunk, 1)
        self._changed = threading.Condition()
        self._numbers = count()
        # Waiting drawings by client, the next client first.
        self._turns: OrderedDict[Hashable, deque[_ActiveDrawing]] = OrderedDict()
        self._left: dict[int, int] = {}  # drawings of each request that are not over
        self._batches: list[_Batch] = []  # touched by `step` alone
        self._live = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many drawings wait for a slot."""
        with self._changed:
            return sum(map(len, self._turns.values()))

    @property
    def live(self) -> int:
        """How many drawings are being drawn."""
        return self._live

    def add(self, drawings: Sequence[LiveDrawing], client: Hashable = None) -> int:
        """Request drawings.

        Args:
            drawings: one or more.
            client: the sender of the request; all clients get the same number of turns.

        Returns:
            The number of the request.

        Raises:
            InputError: an empty list, or a decoder that is closed.
        """
        if not drawings:
            raise InputError("a request asks for one drawing or more")
        with self._changed:
            if self._closed:
                raise InputError("the decoder is closed")
            request = next(self._numbers)
            self._left[request] = len(drawings)
            queue = self._turns.setdefault(client, deque())
            queue.extend(_ActiveDrawing(request, k, client, drawing) for k, drawing in enumerate(drawings))
            self._changed.notify_all()
        return request

    def cancel(self, request: int) -> bool:
        """Cancel a request: steps that begin later return only other requests.

        Args:
            request: its number.

        Returns:
            Whether the request was unfinished.
        """
        with self._changed:
            if self._left.pop(request, None) is None:
                return False
            for client, queue in list(self._turns.items()):
                left = deque(pen for pen in queue if pen.request != request)
                self._turns[client] = left
                if not left:
                    del self._turns[client]
        return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there are drawings to draw, or the decoder is closed.

        Args:
            timeout: seconds; unlimited by default.

        Returns:
            Whether there are drawings to draw.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._busy, timeout)
            return self._busy and not self._closed

    def close(self) -> None:
        """Refuse further requests, and cancel all current ones."""
        with self._changed:
            self._closed = True
            self._left.clear()
            self._turns.clear()
            self._changed.notify_all()

    @property
    def _busy(self) -> bool:
        return bool(self._turns) or bool(self._batches)

    @one_thread()
    def step(self) -> list[LivePoints]:
        """Draw one point more of every drawing that has a slot.

        Returns:
            Chunks of points that are full, and the last points of drawings that are over or cannot be drawn.
        """
        reports = [*self._arrange()]
        for batch in list(self._batches):
            reports += self._advance(batch)
        with self._changed:
            reports = [each for each in reports if each.request in self._left]
            for each in reports:
                if each.over:
                    self._left[each.request] -= 1
                    if not self._left[each.request]:
                        del self._left[each.request]
        return reports

    def _arrange(self) -> Iterator[LivePoints]:
        """Drop drawings that are over or cancelled, and begin others; yields the errors of failed starts."""
        with self._changed:
            for batch in self._batches:
                batch.keep(lambda pen: not pen.over and pen.request in self._left)
            starting = self._take_turns(self._slots - sum(len(batch.pens) for batch in self._batches))
        for pen in starting:
            try:
                self._batch_for(pen.drawing).add(pen)
            except Exception as error:  # reported to the client
                yield pen.report(over=True, error=error)
        self._batches = [batch for batch in self._batches if batch.pens]
        self._live = sum(len(batch.pens) for batch in self._batches)

    def _take_turns(self, most: int) -> list[_ActiveDrawing]:
        """Drawings that begin, of each client in turn."""
        out: list[_ActiveDrawing] = []
        while self._turns and len(out) < most:
            client, queue = self._turns.popitem(last=False)
            out.append(queue.popleft())
            if queue:
                self._turns[client] = queue
        return out

    def _batch_for(self, drawing: LiveDrawing) -> _Batch:
        for batch in self._batches:
            if batch.draws(drawing):
                return batch
        self._batches.append(_Batch(drawing))
        return self._batches[-1]

    def _advance(self, batch: _Batch) -> Iterator[LivePoints]:
        """One point more of the drawings of a batch."""
        try:
            moves = list(batch.advance())
        except Exception as error:  # of a model, an engine or a sampler of a third party
            self._batches.remove(batch)
            yield from (pen.report(over=True, error=error) for pen in batch.pens.values())
            return
        for pen, row in moves:
            dx, dy = (row[:2] / np.float32(pen.drawing.factor)).tolist()
            end = bool(row[4] == 1.0)
            pen.age += 1
            if not end:
                pen.move(dx, dy, bool(row[3] == 1.0))
            if end or pen.age >= pen.drawing.max_points:
                pen.over = True
                yield pen.report(over=True, finished=end)
            elif len(pen.fresh) >= self._chunk:
                yield pen.report()
