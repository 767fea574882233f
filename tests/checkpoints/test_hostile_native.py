"""Native files that mean harm, made by hand: each is refused in one line that begins with its path."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoint_parts import decoder, is_refused, joined, native_bytes, split, vae

from sketchkit.checkpoints.arrays import METADATA_KEY, read_arrays, read_header
from sketchkit.checkpoints.load import load_model
from sketchkit.errors import CheckpointError, PluginError

WEIGHT = "decoder.output.bias"

# --- safetensors: the container -----------------------------------------------------------------------

Change = Callable[[dict[str, Any], bytes], bytes]


def _entry(**changes: Any) -> Change:
    """The good file with another entry for one tensor."""

    def change(header: dict[str, Any], data: bytes) -> bytes:
        entry = {**header[WEIGHT], **changes}
        header[WEIGHT] = {name: value for name, value in entry.items() if value is not ...}
        return joined(header, data)

    return change


def _header(edit: Callable[[dict[str, Any]], Any]) -> Change:
    def change(header: dict[str, Any], data: bytes) -> bytes:
        edit(header)
        return joined(header, data)

    return change


def _text(edit: Callable[[bytes], bytes]) -> Change:
    """The good file with its header's text changed."""
    return lambda header, data: joined(edit(json.dumps(header).encode()), data)


def _prefix(length: int) -> Change:
    return lambda header, data: struct.pack("<Q", length) + joined(header, data)[8:]


def _shifted(by: int) -> Change:
    """Every tensor's bytes somewhat later, or earlier."""

    def edit(header: dict[str, Any]) -> None:
        for name, entry in header.items():
            if name != "__metadata__":
                entry["data_offsets"] = [n + by for n in entry["data_offsets"]]

    return _header(edit)


def _all_at_the_start(header: dict[str, Any]) -> None:
    for name, entry in header.items():
        if name != "__metadata__":
            start, stop = entry["data_offsets"]
            entry["data_offsets"] = [0, stop - start]


def _doubled(text: bytes) -> bytes:
    # The second entry wins, and claims the bytes of nobody.
    return (
        text[:-1] + b', "' + WEIGHT.encode() + b'": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'
    )


def _many(count: int) -> dict[str, Any]:
    return {f"t{k}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for k in range(count)}


def _one_less(header: dict[str, Any], data: bytes) -> bytes:
    """Without the tensor that lies last, and without its bytes."""
    tensors = [name for name in header if name != "__metadata__"]
    last = max(tensors, key=lambda name: header[name]["data_offsets"])
    start, _ = header.pop(last)["data_offsets"]
    return joined(header, data[:start])


def _one_more(header: dict[str, Any], data: bytes) -> bytes:
    end = len(data)
    header["extra"] = {"dtype": "F32", "shape": [1], "data_offsets": [end, end + 4]}
    return joined(header, data + b"\0" * 4)


CONTAINERS: dict[str, tuple[Change, str]] = {
    "empty file": (lambda h, d: b"", "within its first 8 bytes"),
    "seven bytes": (lambda h, d: b"\0" * 7, "within its first 8 bytes"),
    "only a length": (lambda h, d: struct.pack("<Q", 100), "the header claims 100 bytes, the file has 0"),
    "a length of nothing": (lambda h, d: struct.pack("<Q", 0), "not JSON"),
    "header of 2^63 bytes": (_prefix(2**63), "the limit is"),
    "header of 2^64 - 1 bytes": (_prefix(2**64 - 1), "the limit is"),
    "header just past the limit": (_prefix(1024 * 1024 + 1), "the limit is"),
    "header past the end of the file": (_prefix(1024 * 1024), "the file has"),
    "header that ends early": (_prefix(40), "not JSON"),
    "header of one byte": (_prefix(1), "not JSON"),
    "random bytes": (lambda h, d: np.random.default_rng(0).bytes(5000), ""),
    "a pickle": (lambda h, d: b"\x80\x04\x95\x00\x00\x00\x00\x00cposix\nsystem\n.", "the limit is"),
    "a zip file": (lambda h, d: b"PK\x03\x04\x14\0\0\0\0\0" + b"\0" * 64, "the limit is"),
    "header is an array": (lambda h, d: joined([], d), "not a JSON object"),
    "header is null": (lambda h, d: joined(None, d), "not a JSON object"),
    "header is no utf-8": (_text(lambda t: t.replace(b"F32", b"F\xff2", 1)), "not JSON"),
    "header has a lone surrogate": (_text(lambda t: t.replace(b"F32", b"\\ud800", 1)), "not JSON"),
    "header has a NaN": (_text(lambda t: t.replace(b"[0, ", b"[NaN, ", 1)), "not JSON"),
    "header nested without end": (_text(lambda t: b'{"a":' * 50_000 + b"1" + b"}" * 50_000), "not JSON"),
    "header of brackets": (lambda h, d: joined(b"[" * 500_000, d), "not JSON"),
    "junk behind the header's JSON": (_text(lambda t: t + b"{}"), "not JSON"),
    "no metadata": (_header(lambda h: h.pop("__metadata__")), "no card"),
    "metadata is an array": (_header(lambda h: h.update(__metadata__=["x"])), "no card"),
    "metadata of somebody else": (_header(lambda h: h.update(__metadata__={"format": "pt"})), "no card"),
    "card is no text": (_header(lambda h: h.update(__metadata__={METADATA_KEY: 5})), "no card"),
    "metadata with a number besides": (_header(lambda h: h["__metadata__"].update(other=5)), ""),
    "too many tensors": (_header(lambda h: h.update(_many(10_001))), "the limit is 10000"),
    "an entry that is a number": (_header(lambda h: h.update(extra=5)), "number type None"),
    "an entry that is null": (_header(lambda h: h.update(extra=None)), "number type None"),
    "number type missing": (_entry(dtype=...), "number type None"),
    "number type unknown": (_entry(dtype="F33"), "number type 'F33'"),
    "number type of eight bits": (_entry(dtype="U8"), "number type 'U8'"),
    "number type is an array": (_entry(dtype=["F32"]), "number type ['F32']"),
    "number type is an object": (_entry(dtype={}), "number type {}"),
    "number type of another size": (_entry(dtype="F64"), "do not fit its shape"),
    "integers in a plain file": (_entry(dtype="I16", shape=[30]), "needs floating-point weights"),
    "shape missing": (_entry(shape=...), "no proper shape"),
    "shape is a number": (_entry(shape=15), "no proper shape"),
    "shape is an object": (_entry(shape={"0": 15}), "no proper shape"),
    "shape with a negative size": (_entry(shape=[-15]), "no proper shape"),
    "shape with two negative sizes": (_entry(shape=[-5, -3]), "no proper shape"),
    "shape with a truth value": (_entry(shape=[15, True]), "no proper shape"),
    "shape with a fraction": (_entry(shape=[15.0]), "no proper shape"),
    "shape with text": (_entry(shape=["15"]), "no proper shape"),
    "shape of 2^62": (_entry(shape=[2**62]), "no proper shape"),
    "shape of more digits than any number": (_entry(shape=[10**30]), "no proper shape"),
    "shape whose product overflows to fit": (_entry(shape=[2**33, 2**31, 15]), "do not fit its shape"),
    "shape of a thousand dimensions": (_entry(shape=[1] * 1000), "no proper shape"),
    "shape of nothing": (_entry(shape=[0]), "do not fit its shape"),
    "offsets missing": (_entry(data_offsets=...), "no proper data offsets"),
    "one offset": (_entry(data_offsets=[0]), "no proper data offsets"),
    "offsets of text": (_entry(data_offsets=["0", "60"]), "no proper data offsets"),
    "offsets of truth values": (_entry(data_offsets=[False, True]), "no proper data offsets"),
    "offsets that run backwards": (_entry(data_offsets=[60, 0]), "do not fit its shape"),
    "negative offsets": (_shifted(-60), "no proper data offsets"),
    "a gap before the first": (_shifted(4), "do not follow"),
    "tensors on top of each other": (_header(_all_at_the_start), "do not follow"),
    "a name twice": (_text(_doubled), "do not follow"),
    "bytes behind the last tensor": (lambda h, d: joined(h, d + b"\0"), "the file has"),
    "bytes missing at the end": (lambda h, d: joined(h, d[:-1]), "the file has"),
    "no bytes at all": (lambda h, d: joined(h, b""), "the file has 0"),
    "a weight missing": (_one_less, "is missing"),
    "a weight too many": (_one_more, "the weight 'extra' is unknown"),
    "a weight by another name": (_text(lambda t: t.replace(b"output.bias", b"output.\\nbas")), "is unknown"),
    "a weight in another shape": (_entry(shape=[3, 5]), "has the shape [3, 5], not [15]"),
    "a weight that is not a number": (lambda h, d: joined(h, b"\xff" * 4 + d[4:]), "not finite"),
    "a weight without end": (lambda h, d: joined(h, struct.pack("<f", -np.inf) + d[4:]), "not finite"),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTAINERS)
def test_a_hostile_container_is_refused(case: str, tmp_path: Path) -> None:
    change, reason = CONTAINERS[case]
    header, data = split(native_bytes(decoder(), tmp_path))
    assert header[WEIGHT]["shape"] == [15]
    is_refused(tmp_path / "hostile.safetensors", change(header, data), reason)


# --- safetensors: the card ----------------------------------------------------------------------------

CARDS: dict[str, tuple[Any, str]] = {
    "no json": (b"{", "the card is not JSON"),
    "empty": (b"", "the card is not JSON"),
    "an array": (b"[]", "not a JSON object"),
    "nested without end": (b'{"a":' * 2000 + b"1" + b"}" * 2000, "the card is not JSON"),
    "version missing": ({"format_version": ...}, "format version None"),
    "version of tomorrow": ({"format_version": 2}, "format version 2, this sketchkit reads version 1"),
    "version in text": ({"format_version": "1"}, "format version '1'"),
    "version is an array": ({"format_version": [1]}, "format version [1]"),
    "backend missing": ({"backend": ...}, "lacks a backend"),
    "backend is a number": ({"backend": 1}, "lacks a backend"),
    "architecture missing": ({"architecture": ...}, "lacks a backend, an architecture"),
    "architecture is an array": ({"architecture": [3]}, "lacks a backend, an architecture"),
    "architecture of another backend": ({"backend": "vae"}, "the weight"),
    "architecture with an unknown size": ({"architecture": {"hidden": 3, "wings": 2}}, "does not know"),
    "architecture with a size that breaks the line": ({"architecture": {"hid\nden": 3}}, "does not know"),
    "a billion hidden units": ({"architecture": {"hidden": 10**9, "mixtures": 2}}, "hidden must be"),
    "no hidden units": ({"architecture": {"hidden": 0, "mixtures": 2}}, "hidden must be"),
    "negative mixtures": ({"architecture": {"hidden": 3, "mixtures": -2}}, "mixtures must be"),
    "true hidden units": ({"architecture": {"hidden": True, "mixtures": 2}}, "hidden must be"),
    "hidden units in text": ({"architecture": {"hidden": "3", "mixtures": 2}}, "hidden must be"),
    "hidden units in parts": ({"architecture": {"hidden": 3.0, "mixtures": 2}}, "hidden must be"),
    "endless hidden units": ({"architecture": {"hidden": 10**30, "mixtures": 2}}, "hidden must be"),
    "the largest allowed, without its weights": (
        {"architecture": {"hidden": 16_384, "mixtures": 1_024}},
        "has the shape",
    ),
    "a vae as large as allowed": (
        {
            "backend": "vae",
            "architecture": {
                "encoder_hidden": 16_384, "hidden": 16_384, "latent": 16_384, "mixtures": 1_024,
            },
        },
        "the weight",
    ),
    "an unknown cell": ({"architecture": {"hidden": 3, "mixtures": 2, "cell": "cog"}}, "unknown cell 'cog'"),
    "a cell that is an array": ({"architecture": {"hidden": 3, "mixtures": 2, "cell": ["lstm"]}}, ""),
    "a cell that is a number": ({"architecture": {"hidden": 3, "mixtures": 2, "cell": 7}}, "unknown cell 7"),
    "classes without names": ({"architecture": {"hidden": 3, "mixtures": 2, "classes": 99_999}}, ""),
    "encoding missing": ({"encoding": ...}, "or an encoding"),
    "encoding unknown": ({"encoding": "rot13"}, "unknown encoding of weights 'rot13'"),
    "encoding of integers": ({"encoding": "int16-grid"}, "needs 16-bit integers"),
    "card missing": ({"card": ...}, "must be a JSON object"),
    "card is text": ({"card": "tiny"}, "must be a JSON object"),
    "name is a number": ({"card": {"name": 5}}, "must be text"),
    "scale is text": ({"card": {"scale_factor": "2"}}, "scale factor"),
    "scale is 0": ({"card": {"scale_factor": 0}}, "scale factor"),
    "scale is true": ({"card": {"scale_factor": True}}, "scale factor"),
    "scale beyond use": ({"card": {"scale_factor": 1e300}}, "scale factor"),
    "length below 1": ({"card": {"max_length": -1}}, "max_length"),
    "length without end": ({"card": {"max_length": 10**12}}, "max_length"),
    "length is true": ({"card": {"max_length": True}}, "max_length"),
    "start is text": ({"card": {"start": "00100"}}, "start must be a JSON array"),
    "start is short": ({"card": {"start": [0, 0, 1]}}, "start token"),
    "start has text": ({"card": {"start": [0, 0, 1, 0, "0"]}}, "start token"),
    "start has null": ({"card": {"start": [0, 0, 1, 0, None]}}, "start token"),
    "classes is text": ({"card": {"classes": "cat"}}, "classes must be a JSON array"),
    "classes has a number": ({"card": {"classes": ["cat", 5]}}, "must be text"),
    "licence is an object": ({"card": {"licence": {}}}, "must be text"),
    "provenance is an array": ({"card": {"provenance": []}}, "provenance"),
}  # fmt: skip


@pytest.mark.parametrize("case", CARDS)
def test_a_hostile_card_is_refused(case: str, tmp_path: Path) -> None:
    changes, reason = CARDS[case]
    header, data = split(native_bytes(decoder(), tmp_path))
    if isinstance(changes, bytes):
        text = changes.decode()
    else:
        facts = {**json.loads(header["__metadata__"][METADATA_KEY]), **changes}
        text = json.dumps({name: value for name, value in facts.items() if value is not ...})
    header["__metadata__"][METADATA_KEY] = text
    is_refused(tmp_path / "hostile.safetensors", joined(header, data), reason)


def test_an_unknown_backend_is_named(tmp_path: Path) -> None:
    content = native_bytes(decoder(), tmp_path)
    header, data = split(content)
    for name in ("decodre", "os:system", "../decoder", "x" * 300, "\n"):
        facts = {**json.loads(header["__metadata__"][METADATA_KEY]), "backend": name}
        changed = {**header, "__metadata__": {METADATA_KEY: json.dumps(facts)}}
        is_refused(
            tmp_path / "hostile.safetensors", joined(changed, data), f"no model named {name!r}", PluginError
        )


def test_a_huge_claim_allocates_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="only POSIX tells how much memory was ever taken")
    path = tmp_path / "hostile.safetensors"
    content = native_bytes(vae(), tmp_path)
    path.write_bytes(content)
    load_model(path, device="cpu")  # what a first load takes is not the file's doing
    header, data = split(content)
    sizes = {"encoder_hidden": 16_384, "hidden": 16_384, "latent": 16_384, "mixtures": 1_024}
    facts = {**json.loads(header["__metadata__"][METADATA_KEY]), "architecture": sizes}
    header["__metadata__"][METADATA_KEY] = json.dumps(facts)
    path.write_bytes(joined(header, data))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match="has the shape"):
        load_model(path, device="cpu")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024**2 / (1 if sys.platform == "darwin" else 1024)


def test_a_file_of_many_gigabytes_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(native_bytes(decoder(), tmp_path))
    with path.open("r+b") as stream:
        stream.truncate(9 * 1024**3)  # a hole: it takes no room
    for attempt in (read_header, read_arrays, lambda p: load_model(p, device="cpu")):
        with pytest.raises(CheckpointError, match="the limit is"):
            attempt(path)


def test_a_path_of_strange_characters_is_shown_on_one_line(tmp_path: Path) -> None:
    for suffix in (".json", ".safetensors"):
        path = tmp_path / f"line\nbreak\x1b[31m{suffix}"
        path.write_bytes(b"")
        with pytest.raises(CheckpointError) as refused:
            load_model(path)
        assert str(refused.value).isprintable()
        assert str(refused.value).startswith(repr(str(path)))
