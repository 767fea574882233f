"""Broken copies of good files: each is read or refused in one line, and nothing else happens.

`SKETCHKIT_FUZZ=200000` asks for more of them.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import random
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pytest
from test_npz import ROWS, npy, npz, object_array, python2_pickle
from test_quickdraw import RAW, SIMPLE, lines, packed

from sketchkit.errors import FormatError
from sketchkit.formats.base import Format
from sketchkit.formats.npz import NpzFormat
from sketchkit.formats.quickdraw import BinFormat, NdjsonFormat
from sketchkit.formats.streams import unpack
from sketchkit.sketch import Sketch

ROUNDS = int(os.environ.get("SKETCHKIT_FUZZ", "3000"))
ODD_BYTES = b'\x00\x01\x7f\x80\xff()[]{}."0:,-etbRcqrhjKMJUTBCX\x85\x86\x87\x88\x89\x8a\x8c\x93\x94\x95\x96'


def mutated(content: bytes, chance: random.Random) -> bytes:
    """`content` with a few bytes changed, removed, repeated, inserted or moved."""
    out = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(out) + 1)
        length = chance.choice((1, 1, 2, 4, 16))
        match chance.randrange(7):
            case 0:
                out[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                out[at : at + 1] = bytes([chance.choice(ODD_BYTES)])
            case 2:
                out[at:at] = bytes(chance.choice(ODD_BYTES) for _ in range(length))
            case 3:
                del out[at : at + length]
            case 4:
                start = chance.randrange(len(out) + 1)
                out[at:at] = out[start : start + length * 8]
            case 5:
                out[at : at + length] = bytes([chance.choice((0, 255))]) * length
            case _ if chance.random() < 0.2:
                del out[at:]
            case _ if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
    return bytes(out)


def survives(form: Format, content: bytes, name: str = "fuzz") -> bool:
    """Read everything; whether it was good. Anything but a refusal in one line raises."""
    try:
        for sketch in form.read(io.BytesIO(content), name):
            assert np.isfinite(sketch.stroke5).all()
    except FormatError as error:
        assert str(error).startswith(f"{name}: "), str(error)
        assert str(error).isprintable(), str(error)
        return False
    return True


#: A row of which the lift is one object wherever it stands.
LARGE = [[np.int32(70_000), np.int32(-3), np.int32(1)]]
SMALL = object_array(ROWS[:2])
MEMBERS = {
    f"protocol {protocol}": npy(pickle.dumps(SMALL, protocol=protocol), "(2,)") for protocol in (2, 3, 4, 5)
} | {
    "python 2": npy(python2_pickle(ROWS[:2]), "(2,)"),
    "numbers": npy(np.ones((2, 2, 3), "<i2").tobytes(), "(2, 2, 3)", "<i2"),
    "numbers in Fortran order": npy(np.ones((2, 2, 3), "<i2").tobytes(), "(2, 2, 3)", "<i2", fortran=True),
    "numbers of Python": npy(pickle.dumps(np.ones((2, 2, 3), object), protocol=4), "(2, 2, 3)"),
    "numbers of numpy": npy(pickle.dumps(np.array([LARGE * 9], object), protocol=4), "(1, 9, 3)"),
}


class GzippedNdjson(NdjsonFormat):
    def read(self, stream: BinaryIO, name: str) -> Iterator[Sketch]:
        return super().read(unpack(stream, name), name)


FILES: dict[str, tuple[Format, bytes]] = {
    "npz": (NpzFormat(), npz(train=MEMBERS["protocol 4"], test=MEMBERS["python 2"])),
    "stored npz": (NpzFormat(), npz(zipfile.ZIP_STORED, train=MEMBERS["protocol 5"])),
    "ndjson": (NdjsonFormat(), lines(SIMPLE, RAW)),
    "packed ndjson": (GzippedNdjson(), gzip.compress(lines(SIMPLE, RAW))),
    "bin": (BinFormat(), packed(SIMPLE["drawing"]) + packed([[[1, 2], [3, 4]]])),
}


def fuzz_members(name: str, rounds: int, seed: int = 1) -> int:
    """Mutate a .npy file and pack it well, so that no checksum protects the reader; how many are good."""
    chance = random.Random(f"{name} {seed}")
    reader = NpzFormat()
    return sum(
        survives(reader, npz(zipfile.ZIP_STORED, train=mutated(MEMBERS[name], chance))) for _ in range(rounds)
    )


def fuzz_files(name: str, rounds: int, seed: int = 1) -> int:
    """Mutate a whole file; how many are good."""
    chance = random.Random(f"{name} {seed}")
    form, content = FILES[name]
    return sum(survives(form, mutated(content, chance)) for _ in range(rounds))


@pytest.mark.parametrize("name", MEMBERS)
def test_mutated_arrays_are_read_or_refused(name):
    rounds = ROUNDS // 10
    good = fuzz_members(name, rounds)
    assert 0 < good < rounds


@pytest.mark.parametrize("name", FILES)
def test_mutated_files_are_read_or_refused(name):
    rounds = ROUNDS // 10
    good = fuzz_files(name, rounds)
    assert 0 < good < rounds


def test_every_beginning_of_a_file_is_read_or_refused():
    for form, content in FILES.values():
        assert survives(form, content)
        for end in range(0, len(content), 7):
            survives(form, content[:end])


def test_every_byte_of_a_pickle_may_be_anything():
    content = MEMBERS["python 2"]
    reader = NpzFormat()
    for at in range(0, len(content), 2):
        for value in (0, 255, ord("("), ord("t")):
            changed = bytearray(content)
            changed[at] = value
            survives(reader, npz(zipfile.ZIP_STORED, train=bytes(changed)))


@pytest.mark.parametrize(
    "value", [None, True, -1, 1.5, 10**30, "x", [], [[]], {}, {"drawing": []}, [None] * 3]
)
def test_every_place_of_a_record_may_hold_anything(value):
    def variants(node: object):
        yield value
        if isinstance(node, dict):
            for key, child in node.items():
                yield from ({**node, key: changed} for changed in variants(child))
        if isinstance(node, list):
            for i, child in enumerate(node):
                yield from ([*node[:i], changed, *node[i + 1 :]] for changed in variants(child))

    for record in (SIMPLE, RAW):
        for changed in variants(record):
            survives(NdjsonFormat(), json.dumps(changed).encode())
