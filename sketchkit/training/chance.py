"""Chance in training: every number of it is a function of the seed and of where it is used.

There is no state to be saved: a run that goes on from step k meets the same chance as one that was not
stopped, and a drawing meets the same in every process.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["Purpose", "generator", "permute"]

_ROUNDS = 6


class Purpose(IntEnum):
    """The uses of chance; each has numbers of its own."""

    WEIGHTS = 0
    ORDER = 1
    DRAWING = 2
    EVALUATION = 3
    CLASSES = 4


def generator(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
    """The random numbers of one place.

    Args:
        seed: of the run, 0..2^63 - 1.
        purpose: their use.
        place: whole numbers of 0 or more, such as the step and the drawing; as many for all places of a
            purpose, since (3,) and (3, 0) are the same.

    Returns:
        A generator of its own (Philox), independent of those of all other places.
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, int(purpose), *place))))


def permute(places: npt.NDArray[np.int64], n: int, seed: int, *place: int) -> npt.NDArray[np.int64]:
    """Where a random permutation of 0..n - 1 sends some places, without making all of it.

    A Feistel network over the smallest even number of bits that hold n, walked on until the result is below
    n: memory does not grow with n, and place 3 of epoch 7 can be asked for directly.

    Args:
        places: int64 [K], 0..n - 1.
        n: how many there are, 1..2^62.
        seed: of the run.
        place: which permutation, such as the epoch.

    Returns:
        int64 [K], 0..n - 1; distinct where the places are.

    Source: Black & Rogaway 2002, "Ciphers with arbitrary finite domains" (cycle walking).
    """
    half = np.uint64(max(1, ((n - 1).bit_length() + 1) // 2))
    mask = (np.uint64(1) << half) - np.uint64(1)
    keys = generator(seed, Purpose.ORDER, *place).integers(0, 2**64, _ROUNDS, np.uint64)
    out = _walk(places.astype(np.uint64), keys, half, mask)
    while (beyond := out >= n).any():
        out[beyond] = _walk(out[beyond], keys, half, mask)
    return out.astype(np.int64)


def _walk(
    values: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64], half: np.uint64, mask: np.uint64
) -> npt.NDArray[np.uint64]:
    left, right = values >> half, values & mask
    for key in keys:
        left, right = right, left ^ (_mix(right ^ key) & mask)
    return (left << half) | right


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014), a good hash of 64 bits."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
