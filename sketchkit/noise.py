"""Randomness without a generator: the noise of (seed, sketch index, step) is a pure function.

Philox-4x32-10 turns a counter and a key into four 32-bit numbers, in whole-tensor integer arithmetic on all
devices. A drawing is therefore independent of its batch, slot, order and neighbours, and a generator's state
to seed, save and restore is superfluous.

Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", Philox-4x32-10.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sketchkit.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = [
    "DRAWING",
    "LATENT",
    "PARTICLE",
    "POSTERIOR",
    "REDRAWING",
    "RESAMPLING",
    "Noise",
    "key_of",
    "normal_array",
    "normal_pairs",
    "normals",
    "philox",
    "round_keys",
    "uniform_array",
    "uniforms",
    "uniforms_of_key",
    "widened",
]

_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF
# For numpy: the factors, how many bits of a number are left out, and where among the halves of two products,
# four numbers of 32 bits, the upper and the lower ones lie, those of the second product first.
_FACTORS, _UNUSED = np.array(_MULTIPLIERS, np.uint64), np.uint64(9)
_UPPER, _LOWER = (slice(3, None, -2), slice(2, None, -2))[:: 1 if sys.byteorder == "little" else -1]

Int64 = npt.NDArray[np.int64]
#: Seeds and sketch indices are unsigned 64-bit numbers that fit a signed one.
MAX_SEED = 2**63 - 1
#: What the noise is for, the second number of the counter. Numbers of two streams never coincide, whatever
#: the seed, sketch and step: the points of a drawing; the latent vector that it is drawn from, by the prior
#: or around what a given drawing is encoded as; the points of a particle, and the resampling of all; points
#: drawn anew.
DRAWING, LATENT, POSTERIOR, PARTICLE, RESAMPLING, REDRAWING = range(6)


class Noise:
    """The uniform numbers one step of one batch may use.

    Args:
        uniforms: float32 [B, 4] in (0, 1): for the component, the pen, and two for the offset.
    """

    __slots__ = ("uniforms",)

    def __init__(self, uniforms: Tensor) -> None:
        self.uniforms = uniforms

    @property
    def component(self) -> Tensor:
        """Uniform numbers [B] that choose the component."""
        return self.uniforms[:, 0]

    @property
    def pen(self) -> Tensor:
        """Uniform numbers [B] that choose the pen state."""
        return self.uniforms[:, 1]

    def normals(self, max_radius: float = math.inf) -> Tensor:
        """Two standard normal numbers per row, [B, 2], at most `max_radius` from 0 together.

        The truncation inverts the distribution of the radius, so that every draw is used.

        Source: Box & Muller 1958; for a finite radius r, u becomes u (1 - exp(-r^2 / 2)).
        """
        import torch

        radius_u, angle_u = widened(self.uniforms[:, 2:]).unbind(-1)
        if max_radius != math.inf:
            radius_u = radius_u * -math.expm1(-0.5 * max_radius * max_radius)
        radius = (-2.0 * torch.log1p(-radius_u)).sqrt()
        angle = angle_u * (2.0 * math.pi)
        return torch.stack((radius * angle.cos(), radius * angle.sin()), -1).to(self.uniforms.dtype)


def widened(values: Tensor) -> Tensor:
    """Values as float64 (where the device has it), for functions whose result is rounded to float32 after.

    Vector instructions and the scalar ones for the rest of a batch disagree in the last bit; a drawing must
    be independent of the kind of instruction that computes its row.
    """
    return values if values.device.type == "mps" else values.double()


def uniforms(seed: int, index: Tensor, step: Tensor, stream: int = DRAWING) -> Tensor:
    """Four uniform numbers for every pair of sketch index and step.

    Args:
        seed: 0..2^63 - 1.
        index: int64 [...], of the sketch, 0 or more.
        step: int64 [...], of the point in it, 0..2^32 - 1; broadcasts with `index`.
        stream: their purpose, 0..2^32 - 1.

    Returns:
        float32 [..., 4] in (0, 1), multiples of 2^-23 plus 2^-24, the same on every device.

    Raises:
        InputError: a seed out of range.
    """
    return uniforms_of_key(key_of(seed), index, step, stream)


def uniform_array(seed: int, index: Int64, step: Int64, stream: int = DRAWING) -> npt.NDArray[np.float32]:
    """As `uniforms`, of arrays: int64 [...] each, to float32 [..., 4].

    Raises:
        InputError: a seed out of range.
    """
    key = key_of(seed)
    words = np.empty((*np.broadcast_shapes(index.shape, step.shape), 4), np.uint64)
    words[..., 0], words[..., 1] = step & _MASK, stream
    words[..., 2], words[..., 3] = index & _MASK, index >> 32
    _encipher(words, key)
    words >>= _UNUSED
    out = words.astype(np.float32)
    out += np.float32(0.5)
    out *= np.float32(2.0**-23)
    return out


def key_of(seed: int) -> tuple[int, int]:
    """The lower and the upper 32 bits of a seed.

    Raises:
        InputError: a seed out of range.
    """
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"a seed must lie in 0..2^63 - 1, got {seed}")
    return seed & _MASK, seed >> 32


def uniforms_of_key(
    key: tuple[int, int] | Tensor, index: Tensor, step: Tensor, stream: int = DRAWING
) -> Tensor:
    """As `uniforms`, by the key that a seed stands for.

    Args:
        key: `key_of` it; or `round_keys` of them on the device of `index`, which spares a transfer from the
            host.
        index: int64 [...].
        step: int64 [...].
        stream: their purpose.
    """
    import torch

    if isinstance(key, tuple) and index.device.type == "cpu":
        # A call of torch costs more than a handful of numbers.
        seed = key[0] | key[1] << 32
        return torch.from_numpy(uniform_array(seed, index.numpy(), step.numpy(), stream))
    zero = torch.zeros_like(index + step)
    counter = torch.stack(
        (zero + (step & _MASK), zero + stream, zero + (index & _MASK), zero + (index >> 32)), -1
    )
    # 23 bits and a half: exact in float32, never 0 and never 1.
    return ((philox(counter, key) >> 9).to(torch.float32) + 0.5) * 2.0**-23


def normals(seed: int, index: Tensor, size: int, stream: int, begin: int = 0) -> Tensor:
    """A vector of standard normal numbers for every sketch.

    Args:
        seed: 0..2^63 - 1.
        index: int64 [B], of the sketches, 0 or more.
        size: the length of a vector, Z.
        stream: their purpose; four numbers of a vector take one step of it.
        begin: the step that the first four come from, so that a long vector can be made in pieces.

    Returns:
        float32 [B, Z], at most 5.8 from 0; the first numbers are independent of Z.

    Raises:
        InputError: a seed out of range.

    Source: Box & Muller 1958.
    """
    import torch

    steps = torch.arange(begin, begin + (size + 3) // 4, device=index.device)
    quads = uniforms(seed, index[:, None], steps, stream)  # [B, S, 4]
    # Two normal numbers need two uniform ones: here the noise of one step gives two pairs.
    pairs = [Noise(quads.roll(shift, -1).flatten(0, -2)).normals() for shift in (0, 2)]
    return torch.cat(pairs, -1).view(len(index), 4 * len(steps))[:, :size]


def normal_array(seed: int, index: Int64, size: int, stream: int, begin: int = 0) -> npt.NDArray[np.float32]:
    """As `normals`, of an array: int64 [B] to float32 [B, Z].

    Raises:
        InputError: a seed out of range.
    """
    steps = np.arange(begin, begin + (size + 3) // 4)
    quads = uniform_array(seed, index[:, None], steps, stream)  # [B, S, 4]
    pairs = [normal_pairs(quads[..., columns]) for columns in (slice(2, 4), slice(0, 2))]
    return np.concatenate(pairs, -1).reshape(len(index), 4 * len(steps))[:, :size]


def normal_pairs(uniforms: npt.NDArray[np.float32], share: float = 1.0) -> npt.NDArray[np.float32]:
    """Pairs of standard normal numbers of pairs of uniform ones, computed in float64 and rounded once.

    Args:
        uniforms: [..., 2].
        share: of the distribution of the radius, from its middle on; 1 is all of it.

    Returns:
        [..., 2].

    Source: Box & Muller 1958.
    """
    wide = uniforms.astype(np.float64)
    radius = np.sqrt(-2.0 * np.log1p(wide[..., 0] * -share))
    angle = wide[..., 1] * (2.0 * math.pi)
    return np.stack((radius * np.cos(angle), radius * np.sin(angle)), -1).astype(np.float32)


def philox(counter: Tensor, key: tuple[int, int] | Tensor) -> Tensor:
    """Philox-4x32-10.

    Args:
        counter: int64 [..., 4], each 0..2^32 - 1.
        key: two numbers 0..2^32 - 1, or `round_keys` of them on the device of the counter.

    Returns:
        int64 [..., 4], each 0..2^32 - 1.
    """
    import torch

    if isinstance(key, tuple):
        if counter.device.type == "cpu":
            words = counter.numpy().astype(np.uint64)
            _encipher(words, key)
            return torch.from_numpy(words.astype(np.int64))
        key = round_keys(key, counter.device)
    first, second = _MULTIPLIERS
    a, b, c, d = counter.unbind(-1)
    for r in range(_ROUNDS):
        # The products wrap around 2^64 as signed numbers, but their bits are those of the unsigned ones.
        left, right = a * first, c * second
        a, b = ((right >> 32) & _MASK) ^ b ^ key[r, 0], right & _MASK
        c, d = ((left >> 32) & _MASK) ^ d ^ key[r, 1], left & _MASK
    return torch.stack((a, b, c, d), -1)


def round_keys(key: tuple[int, int], device: torch.device) -> Tensor:
    """The key of each of the rounds, int64 [10, 2], on a device."""
    import torch

    return torch.tensor(_keys(key), device=device)


def _encipher(words: npt.NDArray[np.uint64], key: tuple[int, int]) -> None:
    """Philox in place, for counters [..., 4]."""
    even, odd = words[..., 0::2].astype(np.uint32), words[..., 1::2].astype(np.uint32)
    for k in np.array(_keys(key), np.uint32):
        halves = np.multiply(even, _FACTORS, dtype=np.uint64).view(np.uint32)
        even = halves[..., _UPPER] ^ odd
        even ^= k
        odd = halves[..., _LOWER]
    words[..., 0::2], words[..., 1::2] = even, odd


def _keys(key: tuple[int, int]) -> list[list[int]]:
    """The key of every round."""
    pairs = list(zip(key, _WEYL, strict=True))
    return [[(part + r * weyl) & _MASK for part, weyl in pairs] for r in range(_ROUNDS)]
