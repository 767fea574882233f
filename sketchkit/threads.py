"""The settings of a process around a computation: threads of the CPU, and the number types of torch."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

__all__ = ["blas_architecture", "one_thread", "own_numbers", "spare_threads"]

# The number of threads is the whole process's: the first caller sets it, and the last one restores it.
_lock = threading.Lock()
_calls: dict[str, Any] = {"depth": 0, "torch": None, "numpy": None}


@contextmanager
def own_numbers() -> Iterator[None]:
    """Compute in a model's own number type and on its device, and ignore the caller's settings of torch.

    Autocast would take some products in half precision, a default device would hold the tensors that the
    model's own are combined with, and another default type would draw other fresh weights.
    """
    import torch

    with ExitStack() as stack:
        if torch.get_default_dtype() != torch.float32:
            stack.callback(torch.set_default_dtype, torch.get_default_dtype())
            torch.set_default_dtype(torch.float32)
        for kind in ("cpu", "cuda", "mps"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numpy and torch compute on one thread of the CPU for a while, torch in a model's `own_numbers`.

    A decoding step is a handful of small products. Threads that wait for each other at every product gain
    little on a quiet machine and lose a hundredfold on a busy one. torch is left alone where it is not
    imported yet.
    """
    with _lock:
        if not _calls["depth"]:
            _limit()
        _calls["depth"] += 1
    try:
        with ExitStack() as stack:
            if "torch" in sys.modules:
                stack.enter_context(own_numbers())
            yield
    finally:
        with _lock:
            _calls["depth"] -= 1
            if not _calls["depth"]:
                _restore()


def spare_threads() -> int:
    """How many threads the process may compute on outside `one_thread`."""
    with _lock:
        if _calls["torch"] is not None:
            return int(_calls["torch"])
    if torch := sys.modules.get("torch"):
        return int(torch.get_num_threads())
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


@cache
def blas_architecture() -> str:
    """The CPU whose kernels numpy's BLAS multiplies with, as it calls it itself; empty if it has no name."""
    return next((each["architecture"] for each in _controller().info() if "architecture" in each), "")


def _limit() -> None:
    _calls["numpy"] = _controller().limit(limits=1)
    if torch := sys.modules.get("torch"):
        _calls["torch"] = torch.get_num_threads()
        torch.set_num_threads(1)


def _restore() -> None:
    _calls["numpy"].restore_original_limits()
    if _calls["torch"] is not None:
        sys.modules["torch"].set_num_threads(_calls["torch"])
        _calls["torch"] = None
