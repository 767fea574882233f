from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
from test_npz import ROWS, Pipe, npy, npz, object_array, python2_pickle

from sketchkit.errors import FormatError
from sketchkit.formats import npy as npy_module
from sketchkit.formats import npz as npz_module
from sketchkit.formats import object_array as machine_module
from sketchkit.formats import object_values
from sketchkit.formats.npz import NpzFormat

GOOD = python2_pickle(ROWS)
PICKLED = pickle.dumps(object_array(ROWS), protocol=4)
HEAD = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n"
ENCODE = b"\x80\x02c_codecs\nencode\n"
STATE = b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


class Evil:
    """Calls the shell when unpickled."""

    def __reduce__(self):
        return (os.system, ("exit 1",))


def cut(old: bytes, new: bytes, content: bytes = GOOD) -> bytes:
    """`content` with its first `old` replaced, which must be there."""
    assert old in content
    return content.replace(old, new, 1)


def framed(content: bytes, frame: int) -> bytes:
    return content[:3] + struct.pack("<Q", frame) + content[11:]


def element(values: list[object]) -> bytes:
    return pickle.dumps(object_array(values), protocol=4)  # type: ignore[arg-type]


PICKLES = {
    "empty": b"",
    "not a pickle": b"hello world, this is no pickle",
    "protocol 0": pickle.dumps(object_array(ROWS), protocol=0),
    "protocol 6": b"\x80\x06" + GOOD[2:],
    "protocol 255": b"\x80\xff" + GOOD[2:],
    "os.system": b"\x80\x02cos\nsystem\nU\x04true\x85R.",
    "posix.system as the first call": cut(b"cnumpy.core.multiarray\n_reconstruct", b"cposix\nsystem"),
    "builtins.eval on the stack": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
    "an object that calls the shell": element([Evil()]),
    "the shell among drawings": element([*ROWS, Evil()]),
    "numpy.load": cut(b"cnumpy\nndarray", b"cnumpy\nload"),
    "a name with dots": b"\x80\x04\x8c\x05numpy\x8c\x0dlib.npyio.sys\x93.",
    "a global name without end": b"\x80\x02c" + b"a" * 10_000,
    "a stack global of numbers": b"\x80\x04K\x01K\x02\x93.",
    "an instance by NEWOBJ": HEAD + b")\x81.",
    "an instance by NEWOBJ_EX": HEAD + b")}\x92.",
    "an instance by INST": b"\x80\x02(ios\nsystem\n.",
    "an instance by OBJ": b"\x80\x02(cos\nsystem\nU\x04trueo.",
    "a persistent id": b"\x80\x02Pabc\n.",
    "a persistent id from the stack": b"\x80\x02K\x01Q.",
    "an extension code": b"\x80\x02\x82\x01.",
    "a two-byte extension code": b"\x80\x02\x83\x01\x00.",
    "a four-byte extension code": b"\x80\x02\x84\x01\x00\x00\x00.",
    "an out-of-band buffer": b"\x80\x05\x97.",
    "a dictionary": element([{}]),
    "a set": element([{1}]),
    "a float": element([1.5]),
    "a list of lists": element([[[1, 2, 3]]]),
    "None among drawings": element([*ROWS[:2], None]),
    "a nested object array": element([object_array(ROWS)]),
    "an array of text": element([np.array([["a", "b", "c"]])]),
    "an array of bytes": element([np.array([[b"a", b"b", b"c"]])]),
    "an array of dates": element([np.zeros((1, 3), "M8[s]")]),
    "an array of complex numbers": element([np.zeros((1, 3), complex)]),
    "a structured array": element([np.zeros(3, [("x", "i2"), ("y", "i2")])]),
    "a subclass of array": element([np.ma.masked_array(ROWS[0])]),
    "rows of two": element([np.zeros((4, 2), np.int16)]),
    "rows of five": element([np.zeros((4, 5), np.int16)]),
    "a flat array": element([np.zeros(3, np.int16)]),
    "a deep array": element([np.zeros((2, 2, 3), np.int16)]),
    "a scalar array": element([np.array(1)]),
    "a lift of 2": element([np.array([[0, 0, 2]], np.int16)]),
    "not a number": element([np.array([[np.nan, 0, 1]])]),
    "infinity": element([np.array([[np.inf, 0, 1]])]),
    "beyond float32": element([np.array([[1e300, 0, 1]])]),
    "a negative size": cut(b"M\x03\x00K\x03", b"J\xff\xff\xff\xffK\x03"),
    "a huge size": cut(b"M\x03\x00K\x03", b"J\xff\xff\xff\x7fK\x03"),
    "a size of 63 bits": cut(b"M\x03\x00K\x03", b"\x8a\x08" + b"\xff" * 7 + b"\x7fK\x03"),
    "a size of 2040 bits": cut(b"M\x03\x00K\x03", b"\x8a\xff" + b"\x7f" * 255 + b"K\x03"),
    "a size that is true": cut(b"M\x03\x00K\x03", b"\x88K\x03"),
    "a size that is text": cut(b"M\x03\x00K\x03", b"U\x013K\x03"),
    "more rows than bytes": cut(b"M\x03\x00K\x03", b"M\x04\x00K\x03"),
    "fewer rows than bytes": cut(b"M\x03\x00K\x03", b"M\x02\x00K\x03"),
    "a type with fields": cut(b"U\x01<NNN", b"U\x01<N(U\x01xtN"),
    "a type with a size": cut(b"U\x01<NNNJ\xff\xff\xff\xff", b"U\x01<NNNJ\x08\x00\x00\x00"),
    "a type with the flags of objects": cut(b"\xff\xff\xff\xffK\x00tb", b"\xff\xff\xff\xffK\x3ftb"),
    "objects with the flags of numbers": cut(b"K\x3ftb", b"K\x00tb"),
    "a type of an unknown version": cut(b"(K\x03U\x01<", b"(K\x04U\x01<"),
    "a type of an unknown order": cut(b"U\x01<", b"U\x01="),
    "a type of no order": cut(b"U\x01<", b"U\x01|"),
    "a type whose state is too short": cut(b"U\x01<NNN", b"U\x01<NN"),
    "a type built twice": cut(
        b"K\x00tb\x89U", b"K\x00tb(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
    ),
    "a type never built": cut(STATE, b""),
    "a type copied by a text": cut(b"U\x02i2K\x00K\x01", b"U\x02i2K\x00U\x011"),
    "a type aligned": cut(b"U\x02i2K\x00", b"U\x02i2K\x01"),
    "a drawing of objects": cut(b"U\x02i2", b"U\x02O8"),
    "a type of void": cut(b"U\x02i2", b"U\x02V2"),
    "a type given as a number": cut(b"U\x02i2", b"K\x02"),
    "an array state of version 2": cut(b"q\x07(K\x01", b"q\x07(K\x02"),
    "an array state too long": cut(b"q\x07(K\x01", b"q\x07(NK\x01"),
    "an array built of a number": cut(b"K\x00\x85U\x01b", b"K\x01\x85U\x01b"),
    "an array of another class": cut(b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"),
    "an unknown memo entry": cut(b"h\x08", b"h\x63"),
    "a far memo entry": cut(b"h\x08", b"j\xff\xff\xff\xff"),
    "memo entries out of order": cut(b"q\x05", b"q\x01"),
    "a drawing remembered twice": cut(b"q\x07", b"q\x07r\x09\x00\x00\x00"),
    "a memo entry of nothing": b"\x80\x04\x94.",
    "a list in the list": cut(b"]q\x06(", b"]q\x06(]"),
    "a list before the array": b"\x80\x02]].",
    "something else in the list": cut(b"]q\x06(", b"]q\x06(K\x01"),
    "a tuple of drawings": cut(b"etb.", b"tetb."),
    "the array in itself": cut(b"]q\x06(", b"]q\x06(h\x03"),
    "no drawings at all": GOOD[: GOOD.index(b"]q\x06(")] + b"]tb.",
    "drawings left out": pickle.dumps(object_array(ROWS[:2]), protocol=4),
    "drawings too many": pickle.dumps(object_array([*ROWS, *ROWS]), protocol=4),
    "another count within": cut(b"M\x03\x00\x85", b"M\x02\x00\x85"),
    "a stop at once": b"\x80\x02.",
    "a stop before the state": GOOD[:-3] + b".",
    "no stop": GOOD[:-1],
    "bytes after the stop": GOOD + b"\x00",
    "a second pickle": GOOD + GOOD,
    "a frame beyond the end": framed(PICKLED, 10**6),
    "a frame of 64 bits": framed(PICKLED, 2**64 - 1),
    "bytes beyond the end": b"\x80\x03B\xff\xff\xff\x00abc",
    "four gigabytes of bytes": b"\x80\x03B\xff\xff\xff\xffabc",
    "bytes of 64 bits": b"\x80\x04\x8e" + b"\xff" * 8 + b"abc",
    "a byte array of 64 bits": b"\x80\x05\x96" + b"\xff" * 8 + b"abc",
    "text that is not UTF-8": b"\x80\x04\x8c\x02\xff\xfe.",
    "a surrogate": b"\x80\x02X\x03\x00\x00\x00\xed\xa0\x80.",
    "bytes encoded beyond Latin-1": ENCODE + b"X\x02\x00\x00\x00\xc4\x80X\x06\x00\x00\x00latin1\x86R.",
    "bytes encoded by rot13": ENCODE + b"X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.",
    "a stack of thousands": b"\x80\x02" + b"N" * 100_000,
    "marks upon marks": b"\x80\x02" + b"(" * 100_000,
    "tuples in tuples": b"\x80\x02)" + b"\x85" * 100_000 + b".",
    "a long tuple": b"\x80\x02(" + b"N" * 1000 + b"t.",
    "a tuple of nothing": b"\x80\x02\x87.",
    "a mark below": b"\x80\x02t.",
    "an append to nothing": b"\x80\x02a.",
    "appends to nothing": b"\x80\x02e.",
    "an append of nothing to nothing": b"\x80\x02NNa.",
    "a call of nothing": b"\x80\x02R.",
    "a call of a number": b"\x80\x02K\x01)R.",
    "a state for nothing": b"\x80\x02b.",
    "a state for a number": b"\x80\x02K\x01)b.",
    "pops": b"\x80\x02N0N.",
    "a thousand million memo entries": b"\x80\x04N" + b"\x94" * 50_000,
}

GOOD_NPY = npy(GOOD)
HEADERS = {
    "no magic": b"\x93NUMPX" + GOOD_NPY[6:],
    "version 9": GOOD_NPY[:6] + b"\x09\x00" + GOOD_NPY[8:],
    "a header beyond the end": GOOD_NPY[:8] + b"\xff\x03" + b"{}",
    "a header of 64 KiB": GOOD_NPY[:8] + b"\xff\xff" + b" " * 65535,
    "a header of 4 GiB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
    "nothing": b"",
    "two bytes": b"\x93N",
    "a negative shape": npy(GOOD, "(-3,)"),
    "a huge shape": npy(GOOD, "(99999999999999999999,)"),
    "two axes": npy(GOOD, "(3, 1)"),
    "no axis": npy(GOOD, "()"),
    "an expression": npy(GOOD, "(__import__('os').getpid(),)"),
    "a power": npy(GOOD, "(9**9**9,)"),
    "deep brackets": npy(GOOD, "(" * 400 + ")" * 400),
    "a shape of spaces": npy(GOOD, "(1 2,)"),
    "a shape of letters": npy(GOOD, "(L,)"),
    "a structured type": npy(GOOD).replace(b"'|O'", b"[('a', '|O')]"),
    "a type of text": npy(b"a" * 36, "(1, 3, 3)", "<U1"),
    "a type of void": npy(b"a" * 9, "(1, 3, 3)", "|V1"),
    "a type of complex numbers": npy(bytes(144), "(1, 3, 3)", "<c16"),
    "a type without order": npy(bytes(18), "(1, 3, 3)", "|i2"),
    "a type of no bytes": npy(b"", "(1, 3, 3)", "<i0"),
    "too few numbers in Fortran order": npy(bytes(17), "(1, 3, 3)", "<i2", fortran=True),
    "a thing in no axis": npy(pickle.dumps(np.array({}, object), 4), "()"),
    "a drawing where numbers are told": npy(GOOD, "(1, 1, 3)"),
    "numbers where drawings are told": npy(pickle.dumps(np.zeros((3, 1, 3), object), 4), "(3,)"),
    "a text among numbers": npy(pickle.dumps(np.array([[[0, "1", 0]]], object), 4), "(1, 1, 3)"),
    "None among numbers": npy(pickle.dumps(np.array([[[0, None, 0]]], object), 4), "(1, 1, 3)"),
    "objects of a huge shape": npy(pickle.dumps(np.zeros((1, 1, 3), object), 4), "(999999999999, 1, 3)"),
    "objects without rows": npy(pickle.dumps(np.zeros((1, 0, 3), object), 4), "(999999999999999999, 0, 3)"),
    "objects of a million rows": npy(GOOD, "(1, 1000000, 3)"),
    "more elements than the shape": npy(pickle.dumps(np.zeros((2, 1, 3), object), 4), "(1, 1, 3)"),
    "elements of an empty array": npy(GOOD, "(0,)"),
    "numbers of one axis": npy(bytes(18), "(9,)", "<i2"),
    "numbers of rows of two": npy(bytes(12), "(1, 3, 2)", "<i2"),
    "numbers too few": npy(bytes(17), "(1, 3, 3)", "<i2"),
    "numbers too many": npy(bytes(19), "(1, 3, 3)", "<i2"),
    "numbers for a huge shape": npy(bytes(18), "(123456789123, 3, 3)", "<i2"),
    "drawings without rows": npy(b"", "(999999999999999999, 0, 3)", "<i2"),
    "drawings of a million rows": npy(bytes(18), "(1, 1000000, 3)", "<i2"),
    "not a number": npy(np.full((1, 1, 3), np.nan, "<f4").tobytes(), "(1, 1, 3)", "<f4"),
}


def duplicate() -> bytes:
    content = npz(train=GOOD_NPY, valid=GOOD_NPY)
    return content.replace(b"valid.npy", b"train.npy")


def flagged(offset: int, value: bytes, content: bytes | None = None) -> bytes:
    """A zip whose local and central headers both say something else."""
    content = content or npz(train=GOOD_NPY)
    out = bytearray(content)
    local, central = 0, content.index(b"PK\x01\x02")
    out[local + offset : local + offset + len(value)] = value
    out[central + offset + 2 : central + offset + 2 + len(value)] = value
    return bytes(out)


def bomb() -> bytes:
    return npz(train=npy(b"\x80\x02" + bytes(30 << 20)))


STORED = npz(zipfile.ZIP_STORED, train=GOOD_NPY)
ZIPS = {
    "nothing": b"",
    "text": b"this is not a zip archive at all",
    "an empty zip": b"PK\x05\x06" + bytes(18),
    "a zip of other things": npz(cat=GOOD_NPY),
    "the first half": npz(train=GOOD_NPY)[:200],
    "the second half": npz(train=GOOD_NPY)[200:],
    "no end": npz(train=GOOD_NPY)[:-10],
    "the same member twice": duplicate(),
    "an encrypted member": flagged(6, b"\x01\x00"),
    "an unknown method": flagged(8, b"\x63\x00"),
    "bzip2": npz(zipfile.ZIP_BZIP2, train=GOOD_NPY),
    "lzma": npz(zipfile.ZIP_LZMA, train=GOOD_NPY),
    "a bomb": bomb(),
    "a wrong checksum": flagged(14, b"abcd"),
    "a member of 4 GiB": flagged(22, b"\xfe\xff\xff\xff"),
    "a member longer than it is": flagged(18, struct.pack("<II", 9999, 9999), STORED),
    "a member shorter than it is": flagged(18, struct.pack("<II", 99, 99), STORED),
    "broken deflate": npz(train=GOOD_NPY).replace(zlib.compress(GOOD_NPY)[10:20], b"\xff" * 10),
    "a long table of contents": STORED[:-10] + struct.pack("<I", 0x7FFFFFF0) + STORED[-6:],
    "a plain .npy": GOOD_NPY,
}


def refusal(content: bytes, name: str = "bad.npz") -> str:
    with pytest.raises(FormatError) as refused:
        list(NpzFormat().read(io.BytesIO(content), name))
    text = str(refused.value)
    assert text.startswith(f"{name}: ")
    assert text.isprintable(), text
    assert len(text) < 300
    return text


def test_the_file_the_others_are_made_of_is_good():
    assert len(list(NpzFormat().read(io.BytesIO(npz(train=GOOD_NPY)), "x"))) == 3


@pytest.mark.parametrize("content", PICKLES.values(), ids=PICKLES)
def test_a_hostile_pickle_is_refused_in_one_line(content):
    count = 1 if content.count(b"ndarray") and b"(K\x01K\x01" in content[:200] else 3
    for shape in {count, 1, 3}:
        assert "train: " in refusal(npz(train=npy(content, f"({shape},)")))


@pytest.mark.parametrize("content", HEADERS.values(), ids=HEADERS)
def test_a_hostile_header_is_refused_in_one_line(content):
    assert "valid: " in refusal(npz(valid=content))


@pytest.mark.parametrize("content", ZIPS.values(), ids=ZIPS)
def test_a_hostile_zip_is_refused_in_one_line(content):
    refusal(content)


def test_a_call_of_the_shell_is_refused_by_its_name(monkeypatch):
    monkeypatch.setattr(os, "system", lambda command: pytest.fail("the shell was called"))
    assert "drawing 3: the pickle asks for" in refusal(
        npz(train=npy(PICKLES["the shell among drawings"], "(4,)"))
    )


def test_a_refusal_names_the_drawing():
    good = object_array([*ROWS[:2], np.zeros((1, 4), np.int16)])
    message = refusal(npz(test=npy(pickle.dumps(good, protocol=4))))
    assert message == "bad.npz: test: drawing 2: an array that does not have the shape [N, 3]"


def test_a_pipe_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(npz_module, "MAX_PIPE_BYTES", 1 << 20)
    with pytest.raises(FormatError, match="more than 1048576 bytes"):
        list(NpzFormat().read(io.BufferedReader(Pipe(bytes(3 << 20))), "x"))


def test_an_encrypted_member_is_told_as_such():
    assert refusal(ZIPS["an encrypted member"]) == "bad.npz: train: the array is encrypted"


def test_a_long_complaint_of_the_zip_is_cut_short():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a" * 5_000, GOOD_NPY)
        archive.filelist[0].filename = "train.npy"  # in the table of contents only
    assert "the zip is damaged (File name in directory" in refusal(out.getvalue())


def test_what_stands_before_the_first_drawing_is_refused_before_it():
    content = npz(train=npy(PICKLES["something else in the list"]))
    with pytest.raises(FormatError, match="something in the list is not a drawing"):
        next(NpzFormat().read(io.BytesIO(content), "x"))


def test_something_after_the_last_drawing_is_refused():
    content = cut(b"etb.", b"Netb.", python2_pickle(ROWS[:2]))
    assert "something in the list is not a drawing" in refusal(npz(train=npy(content, "(2,)")))


def test_a_drawing_given_twice_is_refused():
    single = cut(b"etb.", b"atb.", cut(b"]q\x06(", b"]q\x06", python2_pickle(ROWS[:1])))
    assert len(list(NpzFormat().read(io.BytesIO(npz(train=npy(single, "(1,)"))), "x"))) == 1
    again = b"(K\x01M\x03\x00K\x03\x86h\x08\x89U\x12" + bytes(18) + b"tbatb."
    assert "takes none" in refusal(npz(train=npy(cut(b"atb.", again, single), "(1,)")))


def test_a_plain_array_has_no_more_rows_than_are_read(monkeypatch):
    monkeypatch.setattr(npy_module, "MAX_ROWS", 4)
    content = {n: npz(train=npy(bytes(3 * n), f"(1, {n}, 3)", "|i1")) for n in (4, 5)}
    assert len(next(NpzFormat().read(io.BytesIO(content[4]), "x"))) == 4
    assert "drawings of 5 rows; at most 4 are read" in refusal(content[5])


@pytest.mark.parametrize(
    ("module", "name", "limit"), [(object_values, "MAX_TOTAL_BYTES", 48), (machine_module, "MAX_BLOB", 26)]
)
def test_all_bytes_of_the_drawings_count_and_those_between_two(monkeypatch, module, name, limit):
    content = npz(train=npy(GOOD))
    for most in (limit, 1 << 20):
        monkeypatch.setattr(module, name, most)
        assert len(list(NpzFormat().read(io.BytesIO(content), "x"))) == 3
    monkeypatch.setattr(module, name, limit - 1)
    assert f"more than {limit - 1} bytes" in refusal(content)


def test_an_array_is_as_large_as_its_bound_and_no_larger(monkeypatch):
    monkeypatch.setattr(npz_module, "MAX_RATIO", 0)
    monkeypatch.setattr(npz_module, "MAX_READ_BYTES", len(GOOD_NPY))
    assert len(list(NpzFormat().read(io.BytesIO(npz(train=GOOD_NPY)), "x"))) == 3
    monkeypatch.setattr(npz_module, "MAX_READ_BYTES", len(GOOD_NPY) - 1)
    assert f"absurdly large: {len(GOOD_NPY)} bytes" in refusal(npz(train=GOOD_NPY))
