"""What a command has of remote files while it runs: the copies that it works with, and a place for lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sketchkit.remote.urls import accept, hold_addresses

__all__ = ["Watch", "current_watch", "forget", "watch"]


@dataclass
class Watch:
    """One command.

    Args:
        say: takes a line.
        copies: the paths of copies, by the names of their URLs.
    """

    say: Callable[[str], None]
    copies: dict[str, str] = field(default_factory=dict)


_current: Watch | None = None


def current_watch() -> Watch | None:
    """The command that runs."""
    return _current


@contextmanager
def watch(say: Callable[[str], None]) -> Iterator[None]:
    """Work with one version of each file in a block, and tell of transfers that take long.

    Args:
        say: takes a line.
    """
    global _current
    before, _current = _current, Watch(say)
    try:
        with hold_addresses():
            yield
    finally:
        _current = before


def forget(url: str) -> None:
    """Look anew for a file that others may replace."""
    if _current is not None:
        _current.copies.pop(accept(url), None)
