"""Devices, number types and threads of torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from sketchkit.errors import DeviceError
from sketchkit.threads import one_thread, own_numbers, spare_threads

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
