"""Side effects of a plugin: text on standard output, and numbers drawn from global random generators."""

from __future__ import annotations

import io
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import numpy as np

from sketchkit.testing.faults import Faults

__all__ = ["capture_stdout", "check_pure", "seed_generators"]


@contextmanager
def capture_stdout() -> Iterator[Callable[[], str]]:
    """Capture `sys.stdout`, and file descriptor 1 for libraries and programs below Python.

    Yields:
        A function that returns the captured text once the block has ended.
    """
    with redirect_stdout(io.StringIO()) as said, tempfile.TemporaryFile() as below:
        try:
            before = os.dup(1)
        except OSError:  # closed
            yield said.getvalue
            return
        os.dup2(below.fileno(), 1)
        text = ""
        try:
            yield lambda: said.getvalue() if said.getvalue().strip() else text
        finally:
            os.dup2(before, 1)
            os.close(before)
            below.seek(0)
            text = below.read(10_000).decode("utf-8", "replace")


@contextmanager
def seed_generators(seed: int) -> Iterator[Callable[[], list[str]]]:
    """Seed the global generators of Python, numpy and torch, and restore their states at the end.

    Yields:
        A function that names the generators used since.
    """
    before = _read_states()
    random.seed(seed)
    np.random.seed(seed)
    if (torch := sys.modules.get("torch")) is not None:
        torch.random.default_generator.manual_seed(seed)
    seeded = _read_states()
    try:
        yield lambda: [name for name, state in _read_states().items() if seeded.get(name, state) != state]
    finally:
        _restore_states(before)


def check_pure(run: Callable[[], Any], what: str, advice: str, faults: Faults) -> Any:
    """Run a function three times: it must neither use the global generators nor depend on them.

    Args:
        run: returns a value that can be compared by `==`.
        what: the value in words, such as "points".
        advice: where random numbers should come from instead.
        faults: receives the faults.

    Returns:
        The first value.
    """
    values = []
    for seed in (1, 2, 1):
        with seed_generators(seed) as used:
            values.append(run())
            for name in used():
                faults.add("generators untouched", f"it draws from {name}, a global generator: {advice}")
    first, second, third = values
    if first != third:
        cure = f"keep no memory between calls, read no clock, and {advice}"
        faults.add("same again", f"equal arguments give other {what} the second time: {cure}")
    elif first != second:
        faults.add("generators unheeded", f"its {what} depend on the seed of a global generator: {advice}")
    return first


def _read_states() -> dict[str, Any]:
    kind, words, place, *rest = np.random.get_state(legacy=True)
    states: dict[str, Any] = {
        "Python's random": random.getstate(),
        "numpy.random": (kind, np.asarray(words).tobytes(), place, *rest),
    }
    if (torch := sys.modules.get("torch")) is not None:
        states["torch"] = bytes(torch.get_rng_state().numpy())
    return states


def _restore_states(states: dict[str, Any]) -> None:
    random.setstate(states["Python's random"])
    kind, words, *rest = states["numpy.random"]
    np.random.set_state((kind, np.frombuffer(words, np.uint32), *rest))
    if "torch" in states:
        import torch

        torch.set_rng_state(torch.frombuffer(bytearray(states["torch"]), dtype=torch.uint8))
