"""Python's, numpy's and torch's global generators, which no plugin shall touch or heed."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["chance", "check_pure"]

from sketchkit.testing.faults import Faults


@contextmanager
def chance(seed: int) -> Iterator[Callable[[], list[str]]]:
    """Seed the global generators, and put them back as they were at the end.

    Args:
        seed: any.

    Yields:
        A function that names those from which somebody has drawn since.
    """
    kept = _states()
    random.seed(seed)
    np.random.seed(seed)
    if (torch := sys.modules.get("torch")) is not None:
        torch.random.default_generator.manual_seed(seed)
    begun = _states()
    try:
        yield lambda: [name for name, state in _states().items() if begun.get(name, state) != state]
    finally:
        _restore(kept)


def check_pure(run: Callable[[], Any], what: str, instead: str, faults: Faults) -> Any:
    """Run something three times: it must neither draw from the global generators nor hang on them.

    Args:
        run: gives a value that can be compared by `==`.
        what: it gives, such as "points".
        instead: where chance is to come from.
        faults: where to note what is wrong.

    Returns:
        What it gave first.
    """
    results = []
    for seed in (1, 2, 1):
        with chance(seed) as drawn_from:
            results.append(run())
            for name in drawn_from():
                faults.add("generators untouched", f"it draws from the global generator of {name}: {instead}")
    first, second, third = results
    if first != third:
        faults.add(
            "same again",
            f"equal arguments give other {what} the second time: remember nothing between calls, look at no "
            f"clock, and {instead}",
        )
    elif first != second:
        faults.add(
            "generators unheeded",
            f"its {what} depend on how the global generators are seeded: {instead}",
        )
    return first


def _states() -> dict[str, Any]:
    kind, words, place, *rest = np.random.get_state(legacy=True)
    states: dict[str, Any] = {
        "Python's random": random.getstate(),
        "numpy.random": (kind, np.asarray(words).tobytes(), place, *rest),
    }
    if (torch := sys.modules.get("torch")) is not None:
        states["torch"] = bytes(torch.get_rng_state().numpy())
    return states


def _restore(states: dict[str, Any]) -> None:
    random.setstate(states["Python's random"])
    kind, words, *rest = states["numpy.random"]
    np.random.set_state((kind, np.frombuffer(words, np.uint32), *rest))
    if "torch" in states:
        import torch

        torch.set_rng_state(torch.frombuffer(bytearray(states["torch"]), dtype=torch.uint8))
