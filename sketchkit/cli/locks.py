"""Keeping a second run out of what a first one is writing: locks that end with the process."""

from __future__ import annotations

from importlib.util import find_spec

from sketchkit.cli.console import say
from sketchkit.errors import InputError
from sketchkit.files import reason, shown

__all__ = ["lock", "lockable"]


def lockable(name: str, what: str, advice: str) -> bool:
    """Whether this system has locks; where it has none, a line on stderr says so.

    Args:
        name: of the file or folder, as the user knows it.
        what: "files" or "folders".
        advice: what the user shall see to then.
    """
    if find_spec("fcntl") is not None:
        return True
    say(f"sketchkit: {shown(name)}: this system locks no {what}: {advice}")  # Windows
    return False


def lock(handle: int, name: str, taken: str, advice: str) -> None:
    """Lock an open file or folder until it is closed.

    Args:
        handle: of it.
        name: as the user knows it.
        taken: what to say where another process has locked it.
        advice: what the user shall see to where it cannot be locked, as on some network file systems.

    Raises:
        InputError: another process has.
    """
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{shown(name)}: {taken}") from None
    except OSError as error:
        say(f"sketchkit: {shown(name)}: cannot be locked ({reason(error)}): {advice}")
