"""Standard output at its lowest, where programs and libraries write that know nothing of Python."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["hushed"]


@contextmanager
def hushed() -> Iterator[Callable[[], str]]:
    """Keep what is written to file descriptor 1.

    Yields:
        A function that gives it, once the block is left.
    """
    with tempfile.TemporaryFile() as kept:
        text = ""
        try:
            before = os.dup(1)
        except OSError:  # closed: nobody can write there
            yield lambda: ""
            return
        os.dup2(kept.fileno(), 1)
        try:
            yield lambda: text
        finally:
            os.dup2(before, 1)
            os.close(before)
            kept.seek(0)
            text = kept.read(10_000).decode("utf-8", "replace")
