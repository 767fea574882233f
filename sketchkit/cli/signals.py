"""Signals that end a command unwind what it is doing, as Ctrl-C does, so that partial files go."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["code_of_end", "stoppable", "unwind_on_signals"]

_received: list[int] = []


def unwind_on_signals() -> None:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, the first of them only; ignored signals stay so."""
    for number in _ending():
        signal.signal(number, _unwind)


def code_of_end() -> int:
    """The exit code of a command that was interrupted: 128 and the number of the signal, 130 for Ctrl-C."""
    return 128 + (_received[-1] if _received else signal.SIGINT)


@contextmanager
def stoppable() -> Iterator[Callable[[], str | None]]:
    """Let Ctrl-C, SIGTERM and SIGHUP end a run after the update at hand; a second Ctrl-C ends it at once."""
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)
        _received[:] = [number]

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, *_ending())}
    try:
        yield lambda: "interrupted" if asked else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ending() -> list[int]:
    """SIGTERM and SIGHUP where there are such, but for those that `nohup` or a shell ignores."""
    there = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    return [number for number in there if signal.getsignal(number) != signal.SIG_IGN]


def _unwind(number: int, frame: object) -> None:
    for each in _ending():
        signal.signal(each, signal.SIG_IGN)  # what cleans up is not to be interrupted
    _received[:] = [number]
    raise KeyboardInterrupt
