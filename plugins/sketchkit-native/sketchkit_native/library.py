"""The compiled library, and the structures of csrc/interface.h for Python."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, Structure, c_double, c_int64, c_void_p
from functools import cache
from pathlib import Path

import numpy as np

from sketchkit.errors import InputError, PluginError
from sketchkit.models import Array

__all__ = [
    "NEWEST_VARIABLE",
    "SETS",
    "SETS_BY_PRECISION",
    "Draw",
    "Linear",
    "Model",
    "Rule",
    "State",
    "address",
    "best_set",
    "count_lanes",
    "list_sets",
    "load_library",
]

#: The instruction sets, in the order of `Set` in csrc/native.cpp.
SETS = ("portable", "avx2", "avx512", "avx512_bf16", "avx512_vnni")
#: Names the last of `SETS` that may be used, though the processor has more.
NEWEST_VARIABLE = "SKETCHKIT_NATIVE_NEWEST"

#: The instruction sets that take products in a precision, the best first.
SETS_BY_PRECISION = {
    "float32": ("avx512", "avx2", "portable"),
    "bfloat16": ("avx512_bf16",),
    "int8": ("avx512_vnni",),
}


class Linear(Structure):
    """A packed linear layer."""

    _fields_ = [("inputs", c_int64), ("outputs", c_int64), ("weights", c_void_p), ("bias", c_void_p)]


class Model(Structure):
    """A packed model."""

    _fields_ = [
        ("hidden", c_int64),
        ("reads", c_int64),
        ("mixtures", c_int64),
        ("words", c_int64),
        ("recurrent", c_void_p),
        ("rows", c_void_p),
        ("bias", c_void_p),
        ("scale", c_void_p),
        ("start", c_void_p),
        ("head", Linear),
        ("output", Linear),
        ("components", c_void_p),
        ("offsets", c_void_p),
    ]


class State(Structure):
    """The state of B rows, and where the one after goes."""

    _fields_ = [
        ("h", c_void_p),
        ("c", c_void_p),
        ("at", c_void_p),
        ("shared", c_void_p),
        ("h_after", c_void_p),
        ("c_after", c_void_p),
        ("at_after", c_void_p),
    ]


class Rule(Structure):
    """How points are drawn."""

    _fields_ = [("softening", c_double), ("log_sigma_shift", c_double), ("share", c_double)]


class Draw(Structure):
    """The inputs of a draw, and the memory of its points."""

    _fields_ = [
        ("rule", Rule),
        ("steps", c_int64),
        ("rows", c_void_p),
        ("uniforms", c_void_p),
        ("stride_row", c_int64),
        ("stride_step", c_int64),
        ("stride_number", c_int64),
        ("points", c_void_p),
        ("losses", c_void_p),
    ]


@cache
def load_library() -> ctypes.CDLL:
    """The library that is compiled when this package is installed.

    Raises:
        PluginError: a library that is missing, or that the system refuses to load.
    """
    path = Path(__file__).parent / "_kernels.so"
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise PluginError(
            f"sketchkit-native has no compiled library that works here, install it anew: {error}"
        ) from None
    _declare(library)
    return library


def _declare(library: ctypes.CDLL) -> None:
    arguments = {
        "has": [c_int64],
        "lanes": [c_int64],
        "step": [c_int64, POINTER(Model), POINTER(State), c_int64, c_void_p, c_void_p],
        "draw": [c_int64, POINTER(Model), POINTER(State), c_int64, POINTER(Draw)],
        "linear": [c_int64, POINTER(Linear), c_int64, c_void_p, c_void_p],
        "activate": [c_int64, c_int64, c_int64, c_void_p, c_void_p],
    }
    for name, types in arguments.items():
        function = getattr(library, f"sketchkit_native_{name}")
        function.argtypes = types
        function.restype = c_int64 if name in ("has", "lanes", "draw") else None


def list_sets() -> tuple[str, ...]:
    """The instruction sets of this processor, of `SETS`, as far as the environment allows.

    Raises:
        InputError: an unknown set in the environment.
    """
    newest = os.environ.get(NEWEST_VARIABLE) or SETS[-1]
    if newest not in SETS:
        raise InputError(f"{NEWEST_VARIABLE} is {newest!r}: choose one of {', '.join(SETS)}")
    allowed = SETS[: SETS.index(newest) + 1]
    return tuple(name for i, name in enumerate(allowed) if load_library().sketchkit_native_has(i))


def best_set(precision: str) -> str | None:
    """The best of `list_sets` for a precision; None where the processor lacks them all."""
    return next((name for name in SETS_BY_PRECISION.get(precision, ()) if name in list_sets()), None)


def count_lanes(name: str) -> int:
    """How many float32 numbers a vector of an instruction set holds."""
    return int(load_library().sketchkit_native_lanes(SETS.index(name)))


def address(values: Array | None) -> int | None:
    """The place of an array or tensor in memory."""
    if values is None:
        return None
    place: int = values.ctypes.data if isinstance(values, np.ndarray) else values.data_ptr()
    return place
