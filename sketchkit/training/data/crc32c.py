"""CRC-32C, the checksum that Google's storage gives for every file, fast enough for files of 100 MB.

A register is updated byte by byte, which Python does slowly; here many stretches of a piece are updated side
by side, and their registers joined in pairs. Joining works because the register is linear over GF(2): bytes
that follow multiply it by a power of x.

Source: Castagnoli, Braeuer & Herrmann 1993 (the polynomial); Mark Adler's `crc32_combine` (joining).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["crc32c"]

UInt32 = npt.NDArray[np.uint32]

#: Polynomials over GF(2) of degree below 32: bit 31 is the coefficient of 1, bit 0 that of x^31.
_POLYNOMIAL, _ONE, _BYTE = np.uint32(0x82F63B78), 1 << 31, 1 << 23
#: Stretches of a piece side by side, a power of two.
_STRETCHES = 4096


def crc32c(pieces: Iterable[bytes]) -> int:
    """The CRC-32C of bytes that come in pieces, 0..2^32 - 1; fastest for pieces of about a mebibyte."""
    register = 0xFFFFFFFF
    for piece in pieces:
        advanced = _multiply(np.array([register], np.uint32), _power(len(piece)))
        register = int(advanced[0]) ^ _read_piece(piece)
    return register ^ 0xFFFFFFFF


def _read_piece(piece: bytes) -> int:
    """The register after a piece when it is 0 before: zeros in front of the piece leave it 0."""
    length = -(-len(piece) // _STRETCHES)
    padded = np.frombuffer(piece.rjust(_STRETCHES * length, b"\0"), np.uint8)
    registers = np.zeros(_STRETCHES, np.uint32)
    for column in np.ascontiguousarray(padded.reshape(_STRETCHES, length).T):
        registers = _table()[(registers ^ column) & 0xFF] ^ (registers >> 8)
    while len(registers) > 1:
        registers = _multiply(registers[0::2], _power(length)) ^ registers[1::2]
        length *= 2
    return int(registers[0])


def _multiply(registers: UInt32, factor: int) -> UInt32:
    """Products of polynomials."""
    out = np.zeros_like(registers)
    for bit in range(31, -1, -1):
        if factor >> bit & 1:
            out ^= registers
        registers = _times_x(registers)
    return out


def _times_x(registers: UInt32) -> UInt32:
    return np.where(registers & 1, (registers >> 1) ^ _POLYNOMIAL, registers >> 1)


@cache
def _power(length: int) -> int:
    """The factor of this number of zero bytes: x^(8 length), by squares."""
    if length < 2:
        return _BYTE if length else _ONE
    root = _power(length // 2)
    square = int(_multiply(np.array([root], np.uint32), root)[0])
    return int(_multiply(np.array([square], np.uint32), _power(length % 2))[0])


@cache
def _table() -> UInt32:
    """The register of each byte."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = _times_x(table)
    return table
