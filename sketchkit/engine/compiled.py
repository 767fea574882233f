"""Torch's own engine with its step compiled: slow to start, for those who draw a lot."""

from __future__ import annotations

import os
import shutil
import sys

import torch
from torch import Tensor

from sketchkit.engine.plain import Step, TorchEngine, TorchStepper, step_of
from sketchkit.engine.steppers import State
from sketchkit.models import SketchModel

__all__ = ["CompiledEngine"]

_COMPILERS = ("g++", "clang++", "cl" if sys.platform == "win32" else "c++")


class CompiledEngine(TorchEngine):
    """Steps by what torch's compiler makes of torch's own step."""

    def unfit(self, model: SketchModel, precision: str) -> str | None:
        """Why it cannot step a model in a precision; see `Engine`."""
        if model.device.type == "cpu" and not _compiler():
            return f"there is no C++ compiler here: it looks for {', '.join(_COMPILERS)} and at CXX"
        return super().unfit(model, precision)

    def stepper(self, model: SketchModel, precision: str) -> TorchStepper:
        """A model made ready; it is compiled at the first step. See `Engine`."""
        return TorchStepper(model, _Compiled(step_of(model, precision, packed=False)))


class _Compiled:
    """A step, compiled for every number of rows."""

    def __init__(self, step: Step) -> None:
        self._plain = step
        self._step = torch.compile(step.__call__, dynamic=True)

    def enter(self, state: State) -> State:
        """The model's state as the step's own."""
        return self._plain.enter(state)

    def __call__(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """One point further."""
        found: tuple[Tensor, State] = self._step(rows, state)
        return found


def _compiler() -> str | None:
    return os.environ.get("CXX") or next(filter(None, map(shutil.which, _COMPILERS)), None)
