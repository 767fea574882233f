"""A Ray of one command: started and stopped with it, or a cluster that it joins."""

from __future__ import annotations

import io
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from sketchkit.cli.console import progress
from sketchkit.cli.resumable import exclusive_lock
from sketchkit.errors import DeviceError, InputError
from sketchkit.files import reason

__all__ = ["open_ray"]

_PREFIX = "sketchkit-ray-"
#: Sockets lie in a session's folder, and their paths may have some 100 bytes, 65 of which are Ray's.
_MOST_TEMPORARY = 20
#: Parts go through files: so little of Ray's own store of objects is needed, the least that it takes.
_STORE_BYTES = 80 << 20
#: Ray itself would try for minutes to reach a machine that does not answer.
_PATIENCE = 10.0
#: Ray sends no reports of use, and leaves devices visible.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@contextmanager
def open_ray(address: str | None, workers: int) -> Iterator[None]:
    """Start Ray on this machine, or join a cluster; at the end all processes of the command are gone.

    Args:
        address: of the cluster; None for this machine alone.
        workers: the cores that Ray has on this machine.

    Raises:
        DeviceError: the cluster cannot be reached, or Ray does not start.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if address is not None:
        _knock(address)
    # Ray tells of dead workers on stdout, which it would share with nothing of these commands.
    with redirect_stdout(_Sink()), _temporary_folder() as folder:
        import ray

        with progress("Starting Ray" if address is None else "Joining the cluster"), _own_signals():
            how: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
            if address is None:
                how |= {"num_cpus": workers, "include_dashboard": False, "_temp_dir": folder}
                how |= {"object_store_memory": _STORE_BYTES}
            try:
                ray.init(address or "local", **how)
            except (RuntimeError, ValueError, OSError, ImportError) as error:
                ray.shutdown()
                raise _explain(address, error) from error
        try:
            yield
        finally:
            ray.shutdown()


def _explain(address: str | None, error: Exception) -> DeviceError:
    what = "Ray does not start here" if address is None else f"no Ray cluster at {address}"
    return DeviceError(f"{what}: {(reason(error).strip() or type(error).__name__).splitlines()[0]}")


def _knock(address: str) -> None:
    """Make sure that something answers at HOST:PORT; other addresses are left to Ray.

    Raises:
        DeviceError: nothing does.
    """
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "/" not in host:
        try:
            socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
        except (OSError, OverflowError) as error:
            raise _explain(address, error) from error


class _Sink(io.TextIOBase):
    """Takes text, and forgets it."""

    def write(self, text: str) -> int:
        return len(text)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Leave signals to sketchkit: Ray would end the process at SIGTERM without a word."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _temporary_folder() -> Iterator[str]:
    """A folder for Ray's sockets and logs, which is removed; so are those of runs that were killed."""
    parent = tempfile.gettempdir()
    if len(parent) > _MOST_TEMPORARY and os.path.isdir("/tmp"):
        parent = "/tmp"
    for left in Path(parent).glob(f"{_PREFIX}*"):
        with suppress(OSError, InputError), exclusive_lock(str(left), str(left), folder=True):
            shutil.rmtree(left, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent, ignore_cleanup_errors=True) as folder,
        exclusive_lock(folder, folder, folder=True),
    ):
        yield folder
