"""Keeping memory that training will want again at its next step."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

__all__ = ["keep_memory", "tidy_memory"]

_M_MMAP_MAX, _M_TRIM_THRESHOLD = -4, -1


def keep_memory() -> bool:
    """Let the C library keep what is freed, for the whole process.

    A step takes and frees the same hundred megabytes each time. The GNU C library gives large pieces back to
    the system, and every page of them costs a fault when it is touched again: a fifth of the time on a CPU.

    Returns:
        Whether this system's library can be told so.
    """
    mallopt = _function("mallopt")
    return bool(mallopt and mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


def tidy_memory() -> None:
    """Give back what lies free, now: batches of ever other sizes leave ever more holes between them."""
    trim = _function("malloc_trim")
    if trim:
        trim(0)


def _function(name: str) -> Any:
    """A function of the GNU C library, None where there is another one."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError):
        return None
