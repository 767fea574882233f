"""Magenta files that mean harm, made by hand: each is refused in one line that begins with its path."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoint_parts import blob, decoder, is_refused, magenta_parts, vae

from sketchkit.checkpoints.load import load_model
from sketchkit.checkpoints.magenta import dump_magenta

Parts = list[Any]


def _json(edit: Callable[[Parts], Any]) -> Callable[[Parts], bytes]:
    """The good file with its parts changed; what `edit` returns, unless None, takes their place."""

    def change(parts: Parts) -> bytes:
        out = edit(parts)
        return json.dumps(parts if out is None else out).encode()

    return change


def _set(**changes: Any) -> Callable[[Parts], bytes]:
    def edit(parts: Parts) -> None:
        parts[0] = {k: v for k, v in {**parts[0], **changes}.items() if v is not ...}

    return _json(edit)


def _raw_number(name: str, text: str) -> Callable[[Parts], bytes]:
    """The good file with a number that Python's own JSON would not write."""

    def change(parts: Parts) -> bytes:
        parts[0][name] = "@"
        return json.dumps(parts).replace('"@"', text).encode()

    return change


def _shape(index: int, shape: Any) -> Callable[[Parts], bytes]:
    return _json(lambda parts: parts[1].__setitem__(index, shape))


def _blob(index: int, text: Any) -> Callable[[Parts], bytes]:
    return _json(lambda parts: parts[2].__setitem__(index, text))


def _array(index: int, shape: list[int]) -> Callable[[Parts], bytes]:
    """The good file with another array in one place, whole in itself."""

    def edit(parts: Parts) -> None:
        parts[1][index] = shape
        parts[2][index] = blob(np.zeros(shape))

    return _json(edit)


def _script(edit: Callable[[bytes], bytes]) -> Callable[[Parts], bytes]:
    return lambda parts: edit(b"var model_raw_data='" + json.dumps(parts).encode() + b"';")


def _deep(depth: int) -> Any:
    return {"a": _deep(depth - 1)} if depth else 1


# The good file: out_w [3, 15], out_b [15], W_xh [5, 12], W_hh [3, 12], bias [12].
MAGENTA: dict[str, tuple[Callable[[Parts], bytes], str]] = {
    "empty file": (lambda p: b"", "not JSON"),
    "blanks": (lambda p: b" \n\t ", "not JSON"),
    "random bytes": (lambda p: np.random.default_rng(0).bytes(500), "not JSON"),
    "a page of html": (lambda p: b"<!DOCTYPE html><html></html>", "not JSON"),
    "half a file": (lambda p: json.dumps(p).encode()[:300], "not JSON"),
    "two files": (lambda p: json.dumps(p).encode() * 2, "not JSON"),
    "no utf-8": (lambda p: json.dumps(p).encode().replace(b"tiny", b"t\xffny"), "not JSON"),
    "a lone surrogate": (lambda p: json.dumps(p).encode().replace(b"tiny", b"\\udfff"), "not JSON"),
    "utf-16": (lambda p: json.dumps(p).encode("utf-16"), "text in UTF-16"),
    "brackets without end": (lambda p: b"[" * 1_000_000, "not JSON"),
    "nested beyond reading": (_raw_number("extra", '{"a":' * 5000 + "1" + "}" * 5000), "not JSON"),
    "nested beyond writing": (_set(extra=_deep(300)), "nested too deeply"),
    "a name nested without end": (_raw_number("name", "[" * 900 + "]" * 900), "nested too deeply"),
    "an enormous header": (_set(extra="x" * 100_000), "the limit is"),
    "null": (lambda p: b"null", "expected [header, shapes, blobs]"),
    "an object": (_json(lambda p: {"header": p[0]}), "expected [header, shapes, blobs]"),
    "two parts": (_json(lambda p: p[:2]), "expected [header, shapes, blobs]"),
    "four parts": (_json(lambda p: [*p, []]), "expected [header, shapes, blobs]"),
    "header is an array": (_json(lambda p: [[], p[1], p[2]]), "expected an object and two arrays"),
    "shapes is an object": (_json(lambda p: [p[0], {}, p[2]]), "expected an object and two arrays"),
    "blobs is text": (_json(lambda p: [p[0], p[1], "x" * 5]), "expected an object and two arrays"),
    "an empty header": (_json(lambda p: [{}, p[1], p[2]]), "expected 17 arrays"),
    "mode missing": (_set(mode=...), "expected 17 arrays, got 5 shapes and 5 blobs"),
    "mode of the other kind": (_set(mode=1), "expected 17 arrays"),
    "mode is nonsense": (_set(mode="nonsense"), "expected 17 arrays"),
    "mode is an array": (_set(mode=[2]), "expected 17 arrays"),
    "mode is text": (_set(mode="2"), "expected 17 arrays"),
    "no arrays": (_json(lambda p: [p[0], [], []]), "expected 5 arrays, got 0 shapes and 0 blobs"),
    "a blob too few": (_json(lambda p: [p[0], p[1], p[2][:4]]), "5 shapes and 4 blobs"),
    "a shape too few": (_json(lambda p: [p[0], p[1][:4], p[2]]), "4 shapes and 5 blobs"),
    "an array too many": (_json(lambda p: [p[0], [*p[1], [1]], [*p[2], blob([1])]]), "got 6 shapes"),
    "scale missing": (_set(scale_factor=...), "no scale_factor"),
    "scale null": (_set(scale_factor=None), "no scale_factor"),
    "scale 0": (_set(scale_factor=0), "scale factor"),
    "scale negative": (_set(scale_factor=-70.5), "scale factor"),
    "scale true": (_set(scale_factor=True), "no scale_factor"),
    "scale in text": (_set(scale_factor="70.5"), "no scale_factor"),
    "scale in an array": (_set(scale_factor=[70.5]), "no scale_factor"),
    "scale NaN": (_raw_number("scale_factor", "NaN"), "not JSON"),
    "scale infinite": (_raw_number("scale_factor", "Infinity"), "not JSON"),
    "scale past any float": (_raw_number("scale_factor", "1e999"), "not JSON"),
    "scale huge": (_set(scale_factor=1e300), "scale factor"),
    "scale of too many digits": (_raw_number("scale_factor", "9" * 300), "scale factor"),
    "scale vanishing": (_set(scale_factor=5e-324), "scale factor"),
    "length 0": (_set(max_seq_len=0), "max_length"),
    "length negative": (_set(max_seq_len=-250), "max_length"),
    "length huge": (_set(max_seq_len=10**15), "max_length"),
    "length of too many digits": (_raw_number("max_seq_len", "9" * 300), "max_length"),
    "length in text": (_set(max_seq_len="250"), "max_length"),
    "length true": (_set(max_seq_len=True), "max_length"),
    "length null": (_set(max_seq_len=None), "max_length"),
    "length in parts": (_set(max_seq_len=250.5), "max_length"),
    "length in an array": (_set(max_seq_len=[250]), "max_length"),
    "shape null": (_shape(0, None), "array 0 has no proper shape"),
    "shape empty": (_shape(1, []), "array 1 has no proper shape"),
    "shape a number": (_shape(1, 15), "array 1 has no proper shape"),
    "shape of three": (_shape(0, [3, 15, 1]), "array 0 has no proper shape"),
    "shape negative": (_shape(0, [-3, -15]), "array 0 has no proper shape"),
    "shape with 0": (_shape(0, [0, 15]), "array 0 has no proper shape"),
    "shape with true": (_shape(1, [True]), "array 1 has no proper shape"),
    "shape in parts": (_shape(1, [15.0]), "array 1 has no proper shape"),
    "shape in text": (_shape(1, ["15"]), "array 1 has no proper shape"),
    "shape of a billion": (_shape(0, [10**9, 15]), "array 0 has no proper shape"),
    "shape that overflows": (_shape(0, [10**6, 10**6]), "array 0 has 90 bytes"),
    "shape turned over": (_shape(0, [15, 3]), "mixtures must be"),
    "shape of one number less": (_shape(1, [14]), "array 1 has 30 bytes"),
    "blob null": (_blob(1, None), "array 1 is not base64 text"),
    "blob an array of numbers": (_blob(1, [0] * 15), "array 1 is not base64 text"),
    "blob empty": (_blob(1, ""), "array 1 has 0 bytes"),
    "blob of junk": (_blob(1, "%%%%" * 10), "array 1 is not base64"),
    "blob with a blank": (_blob(1, blob(np.zeros(15)) + "\n"), "array 1 is not base64"),
    "blob with stray padding": (_blob(1, "A=" + "A" * 38), "array 1 is not base64"),
    "blob cut": (_blob(1, "A" * 39), "array 1 is not base64"),
    "blob beyond ascii": (_blob(1, "é" * 40), "array 1 is not base64"),
    "blob of an odd byte": (_blob(1, "A" * 42 + "=="), "array 1 has 31 bytes"),
    "blob too long": (_blob(1, blob(np.zeros(16))), "array 1 has 32 bytes"),
    "widths that are not 6M + 3": (_array(0, [3, 16]), "the weight"),
    "widths of no mixture": (_json(lambda p: _narrow(p)), "mixtures must be"),
    "gates that are not four": (_array(4, [13]), "4H columns"),
    "gates of one number": (_array(4, [1]), "4H columns"),
    "a flat matrix": (_array(3, [36]), "the weight"),
    "a deep bias": (_array(4, [3, 12]), "the weight"),
    "five inputs turned to six": (_array(2, [6, 12]), "the weight"),
    "hidden sizes that disagree": (_array(0, [4, 15]), "the weight"),
    "too many hidden units": (_array(0, [20_000, 15]), "hidden must be"),
    "script without quotes": (lambda p: b"var model_raw_data=" + b"[]", "without the quoted JSON"),
    "script with one quote": (lambda p: b"var model_raw_data='[]", "without the quoted JSON"),
    "script with nothing": (lambda p: b"var model_raw_data", "without the quoted JSON"),
    "script with an empty text": (lambda p: b"var model_raw_data='';", "not JSON"),
    "script of two models": (_script(lambda s: s + s), "not JSON"),
    "script that computes": (_script(lambda s: s.replace(b"='", b"=atob('W10=')+'")), "not JSON"),
    "script of another variable": (_script(lambda s: s.replace(b"model_raw", b"model_cooked")), "not JSON"),
    "script with an escape in a number": (_script(lambda s: s.replace(b"12]", b"\\x312]", 1)), "not JSON"),
}  # fmt: skip


def _narrow(parts: Parts) -> None:
    parts[1][0], parts[2][0] = [3, 3], blob(np.zeros((3, 3)))
    parts[1][1], parts[2][1] = [3], blob(np.zeros(3))


@pytest.mark.parametrize("suffix", [".gen.json", ".js"])
@pytest.mark.parametrize("case", MAGENTA)
def test_a_hostile_magenta_file_isis_refused(case: str, suffix: str, tmp_path: Path) -> None:
    change, reason = MAGENTA[case]
    parts = magenta_parts()
    assert parts[1] == [[3, 15], [15], [5, 12], [3, 12], [12]]
    is_refused(tmp_path / f"hostile{suffix}", change(copy.deepcopy(parts)), reason)


VAE: dict[str, tuple[Callable[[Parts], bytes], str]] = {
    "version in text": (_set(version="6"), "version is not a number"),
    "version null": (_set(version=None), "version is not a number"),
    "version true": (_set(version=True), "version is not a number"),
    "mode of the other kind": (_set(mode=2), "expected 5 arrays, got 17"),
    "start state of an odd width": (_array(11, [7]), "the weight"),
    "start state of one number": (_array(11, [1]), "the weight"),
    "latent sizes that disagree": (_array(6, [4, 3]), "the weight"),
    "encoders that disagree": (_array(3, [5, 12]), "the weight"),
    "encoder without memory": (_array(1, [1, 8]), "the weight"),
    "a flat latent": (_array(6, [8]), "the weight"),
    "a flat output": (_array(12, [27]), "the weight"),
}


@pytest.mark.parametrize("case", VAE)
def test_a_hostile_conditional_file_isis_refused(case: str, tmp_path: Path) -> None:
    change, reason = VAE[case]
    is_refused(tmp_path / "hostile.vae.json", change(magenta_parts(vae())), reason)


def test_a_file_past_the_limit_is_refused_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sketchkit.checkpoints.magenta.MAX_BYTES", 1000)
    content = dump_magenta(decoder())
    is_refused(tmp_path / "hostile.json", content + b" " * 1000, "more than 1000 bytes")
    (tmp_path / "good.json").write_bytes(content.ljust(1000))
    assert load_model(tmp_path / "good.json", device="cpu").backend == "decoder"


def test_what_a_duplicate_key_says_last_is_what_counts(tmp_path: Path) -> None:
    # JSON leaves it open; one meaning must hold everywhere, and the weights are checked in any case.
    path = tmp_path / "twice.json"
    path.write_bytes(dump_magenta(decoder()).replace(b'"mode":2', b'"mode":1,"mode":2'))
    assert load_model(path, device="cpu").backend == "decoder"
