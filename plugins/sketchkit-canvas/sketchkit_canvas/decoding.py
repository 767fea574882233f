"""The thread in which all drawings of all clients are drawn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable, Sequence

from sketchkit.generate import LiveDecoder, LiveDrawing, LivePoints

__all__ = ["Decoding"]

#: Steps that may be drawn before the loop has handed on what they told.
_AHEAD = 16


class Decoding:
    """One `LiveDecoder` and its thread.

    Args:
        deliver: called in the loop with what a step tells.
        failed: called in the loop with what should not have been raised; the decoder is a new one then, and
            whatever it drew is lost.
    """

    def __init__(
        self, deliver: Callable[[list[LivePoints]], None], failed: Callable[[Exception], None]
    ) -> None:
        self._deliver, self._failed = deliver, failed
        self._decoder = LiveDecoder()
        self._loop = asyncio.get_running_loop()
        self._ahead = threading.Semaphore(_AHEAD)
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="sketchkit-canvas-drawing", daemon=True)
        self._thread.start()

    def add(self, drawings: Sequence[LiveDrawing], client: Hashable) -> int:
        """Ask for drawings; the number of the request."""
        return self._decoder.add(drawings, client)

    def cancel(self, request: int) -> None:
        """Give up a request: no step that begins after this draws anything of it."""
        self._decoder.cancel(request)

    def close(self) -> None:
        """End the thread, within a step."""
        self._ended = True
        self._decoder.close()
        self._ahead.release()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._ended:
            try:
                told = self._decoder.step() if self._decoder.wait() else []
            except Exception as error:  # a step tells of all that may fail, so this is a bug
                self._decoder.close()
                self._decoder = LiveDecoder()
                self._in_loop(self._failed, error)
                continue
            if told:
                self._in_loop(self._deliver, told)

    def _in_loop(self, call: Callable[..., None], value: object) -> None:
        self._ahead.acquire()
        try:
            self._loop.call_soon_threadsafe(self._released, call, value)
        except RuntimeError:  # the loop has been closed
            self._ended = True

    def _released(self, call: Callable[..., None], value: object) -> None:
        self._ahead.release()
        if not self._ended:
            call(value)
