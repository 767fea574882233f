"""Devices, number types and threads of torch."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from sketchkit.errors import DeviceError

__all__ = [
    "fast_bfloat16",
    "fast_int8",
    "one_thread",
    "own_numbers",
    "resolve_device",
    "resolve_dtype",
    "spare_threads",
    "without_weights",
]

_DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def resolve_device(device: str | torch.device) -> torch.device:
    """The device of a name.

    Args:
        device: `auto` takes CUDA, then MPS, then the CPU; `gpu` is CUDA; any other is torch's own name. Names
            may be in capitals.

    Raises:
        DeviceError: an unknown name, or a device that this machine lacks.
    """
    name = str(device)
    if name.lower() == "auto":
        return torch.device(_best())
    meant = re.sub("^gpu(?=:|$)", "cuda", name.lower())
    try:
        found = torch.device(meant)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0][:200]
        also = "" if meant == name.lower() else f", which is {meant},"
        raise DeviceError(f"the device {name!r}{also} cannot be used here: {reason}") from error
    if found.type == "meta":
        raise DeviceError("the device 'meta' cannot be used here: it holds no numbers")
    return found


def resolve_dtype(dtype: str | torch.dtype) -> torch.dtype:
    """The number type of a name.

    Raises:
        DeviceError: a name beside float32, float64, bfloat16 and float16.
    """
    if isinstance(dtype, torch.dtype) and dtype in _DTYPES.values():
        return dtype
    if isinstance(dtype, str) and dtype in _DTYPES:
        return _DTYPES[dtype]
    raise DeviceError(f"unknown number type {dtype!r}: choose one of {', '.join(_DTYPES)}")


def fast_bfloat16(device: torch.device) -> bool | None:
    """Whether a device takes products in bfloat16 faster than in float32; `None` where it is unknown."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return None
    known = torch.cpu.get_capabilities()
    return any(value for name, value in known.items() if "bf16" in name) if known else None


def fast_int8() -> bool:
    """Whether the CPU multiplies 8-bit numbers into sums of 32 bits faster than it does floats."""
    known = torch.cpu.get_capabilities()
    return any(value for name, value in known.items() if "vnni" in name or "int8" in name or "i8mm" in name)


@contextmanager
def own_numbers() -> Iterator[None]:
    """Compute in a model's own number type and on its device, and ignore the caller's settings of torch.

    Autocast would take some products in half precision, a default device would hold the tensors that the
    model's own are combined with, and another default type would draw other fresh weights.
    """
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


# The number of threads belongs to the process: the first call sets it, the last to return restores it.
_lock = threading.Lock()
_threads = {"depth": 0, "before": 1}


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread of the CPU for a while, and in a model's `own_numbers`.

    A decoding step is a handful of small products. Threads that wait for each other at each of them gain
    little on a quiet machine and lose a hundredfold on a busy one.
    """
    with _lock:
        if not _threads["depth"]:
            _threads["before"] = torch.get_num_threads()
            torch.set_num_threads(1)
        _threads["depth"] += 1
    try:
        with own_numbers():
            yield
    finally:
        with _lock:
            _threads["depth"] -= 1
            if not _threads["depth"]:
                torch.set_num_threads(_threads["before"])


def spare_threads() -> int:
    """How many threads torch uses outside of `one_thread`."""
    with _lock:
        return _threads["before"] if _threads["depth"] else torch.get_num_threads()


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


class _SkipInit(TorchFunctionMode):
    """Skips the functions that fill fresh weights: on a device without memory some load torch's compiler."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if getattr(func, "__module__", None) == nn.init.__name__:
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


@contextmanager
def without_weights() -> Iterator[None]:
    """Build modules whose weights come from elsewhere: allocating and drawing weights is skipped."""
    with torch.device("meta"), _SkipInit():
        yield
