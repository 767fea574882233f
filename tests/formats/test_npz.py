from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from sketchkit.errors import FormatError, InputError
from sketchkit.formats import object_array as machine_module
from sketchkit.formats.npz import NpzFormat
from sketchkit.sketch import Sketch

ROWS = [
    np.array([[2, -4, 0], [0, 9, 0], [-9, 0, 1]], np.int16),
    np.array([[100, 0, 1]], np.int16),
    np.array([[-300, 7, 0], [1, 1, 0], [5, 5, 0], [6, 6, 1]], np.int16),
]


def npy(content: bytes, shape: str = "(3,)", descr: str = "|O", fortran: bool = False) -> bytes:
    """A .npy file: any header over any content."""
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def npz(compression: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    """A zip of .npy files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return out.getvalue()


def object_array(drawings: list[np.ndarray]) -> np.ndarray:
    array = np.empty(len(drawings), object)
    for i, rows in enumerate(drawings):
        array[i] = rows
    return array


def read(content: bytes, **options: str) -> list[Sketch]:
    return list(NpzFormat(**options).read(io.BytesIO(content), "some.npz"))


def same_rows(sketches: list[Sketch], rows: list[np.ndarray]) -> bool:
    """Whether the drawings are those of a file's rows, in which the first point is left out."""
    pairs = zip(sketches, rows, strict=True)
    return all(np.array_equal(s.to_stroke3(), whole(r)) for s, r in pairs)


def whole(rows: np.ndarray) -> np.ndarray:
    left_out = len(rows) > 0 and tuple(rows[0]) != (0, 0, 0)
    return np.concatenate([np.zeros((int(left_out), 3)), rows]).astype(np.float32)


# --- pickles of other times, put together by hand -------------------------------------------------------


def text(value: bytes) -> bytes:
    return b"U" + bytes([len(value)]) + value


def python2_pickle(drawings: list[np.ndarray], long_sizes: bool = False) -> bytes:
    """What Python 2's cPickle writes in protocol 2: bytes as strings, memo entries from 1."""

    def size(n: int) -> bytes:
        return (b"\x8a\x02" + struct.pack("<h", n)) if long_sizes else b"M" + struct.pack("<H", n)

    def dtype(code: bytes, order: bytes, flags: int, name: bytes) -> bytes:
        state = b"(K\x03" + text(order) + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + bytes([flags]) + b"tb"
        return name + text(code) + b"K\x00K\x01\x87R" + state

    new = b"K\x00\x85" + text(b"b") + b"\x87R"
    out = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02" + new + b"q\x03"
    out += b"(K\x01" + size(len(drawings)) + b"\x85"
    out += dtype(b"O8", b"|", 63, b"cnumpy\ndtype\nq\x04").replace(b"\x87R", b"\x87Rq\x05") + b"\x89]q\x06("
    for i, rows in enumerate(drawings):
        data = rows.astype("<i2").tobytes()
        kind = dtype(b"i2", b"<", 0, b"h\x04").replace(b"\x87R", b"\x87Rq\x08") if i == 0 else b"h\x08"
        put = b"q\x07" if i == 0 else b"r" + struct.pack("<I", 8 + i)
        out += b"h\x01h\x02" + new + put + b"(K\x01" + size(len(rows)) + b"K\x03\x86" + kind + b"\x89"
        out += (text(data) if len(data) < 256 else b"T" + struct.pack("<I", len(data)) + data) + b"tb"
    return out + b"etb."


@pytest.mark.parametrize("long_sizes", [False, True])
def test_pickles_of_python_2_are_read(long_sizes):
    rows = [*ROWS, np.tile(ROWS[0], (40, 1))]
    content = python2_pickle(rows, long_sizes)
    assert [r.tolist() for r in pickle.loads(content, encoding="latin1")] == [r.tolist() for r in rows]
    sketches = read(npz(train=npy(content, "(4L,)" if long_sizes else "(4,)")))
    assert same_rows(sketches, rows)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("module", [b"numpy._core", b"numpy.core"])
@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        [],
        ROWS[:1],
        [np.zeros((0, 3), np.int16), *ROWS, np.zeros((0, 3), np.int16)],
        [ROWS[0], ROWS[1], ROWS[0], ROWS[0]],
        [np.asfortranarray(ROWS[0]), ROWS[1]],
        [ROWS[0].astype(t) for t in ("i1", "i2", "i4", "i8", "f2", "f4", "f8", ">i2", ">f4", ">f8")],
        [np.abs(ROWS[0]).astype(t) for t in ("u1", "u2", "u4", "u8", ">u4")],
        [np.full((1, 3), 1, np.uint8), np.full((1, 3), 1, np.uint8)],
        [np.tile(ROWS[0], (30_000, 1)), ROWS[1]],
        ROWS * 800,
    ],
    ids=[
        "plain",
        "none",
        "one",
        "empty",
        "repeated",
        "fortran",
        "signed",
        "unsigned",
        "tiny",
        "large",
        "many",
    ],
)
def test_every_protocol_of_python_3_is_read(protocol, module, rows):
    content = pickle.dumps(object_array(rows), protocol=protocol)
    if protocol < 4:  # later protocols count the bytes of a module's name
        content = content.replace(b"numpy._core", module)
    elif module == b"numpy.core":
        for name in (b"multiarray", b"numeric"):
            new, old = b"numpy._core." + name, b"numpy.core." + name
            content = content.replace(bytes([len(new)]) + new, bytes([len(old)]) + old)
        frame = content.index(b"\x95")
        content = content[:frame] + b"\x95" + bytes(8) + content[frame + 9 :]
    assert same_rows(read(npz(train=npy(content, f"({len(rows)},)"))), rows)


def test_what_numpy_saves_is_read(tmp_path):
    path = tmp_path / "drawings.npz"
    np.savez_compressed(path, train=object_array(ROWS), test=object_array(ROWS[:1]), note=np.array("x"))
    sketches = list(NpzFormat().read(io.BytesIO(path.read_bytes()), "x"))
    assert same_rows(sketches, [*ROWS, ROWS[0]])
    assert [s.key for s in sketches] == ["train/0", "train/1", "train/2", "test/0"]


# --- the first point ------------------------------------------------------------------------------------


def test_the_first_row_is_ink_from_a_point_that_is_left_out():
    (sketch,) = read(saved(train=object_array([np.array([[10, 0, 1], [0, 5, 0], [5, 0, 1]])])))
    assert [line.tolist() for line in sketch.to_polylines()] == [[[0, 0], [10, 0]], [[10, 5], [15, 5]]]


def test_a_first_row_of_zeros_is_the_first_point():
    (sketch,) = read(saved(train=object_array([np.array([[0, 0, 0], [10, 0, 1]], np.int16)])))
    assert [line.tolist() for line in sketch.to_polylines()] == [[[0, 0], [10, 0]]]
    (dot,) = read(saved(train=object_array([np.array([[0, 0, 1]])])))
    assert [line.tolist() for line in dot.to_polylines()] == [[[0, 0], [0, 0]]]


def test_writing_leaves_the_first_point_out():
    sketch = Sketch.from_polylines([[(3, 4), (13, 4)], [(13, 9), (18, 9)]])
    with np.load(io.BytesIO(write([sketch])), allow_pickle=True) as arrays:
        assert arrays["train"][0].tolist() == [[10, 0, 1], [0, 5, 0], [5, 0, 1]]


# --- what numpy makes of drawings -----------------------------------------------------------------------


def saved(**arrays) -> bytes:
    np.savez(out := io.BytesIO(), **arrays)
    return out.getvalue()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i4", "<f2", ">f8", "O"])
@pytest.mark.parametrize("shape", [(2, 4, 3), (1, 4, 3), (700, 5, 3), (3, 1, 3)])
def test_a_block_of_drawings_of_one_length_is_read_as_numpy_reads_it(order, dtype, shape):
    block = np.random.default_rng(0).integers(0, 2, shape).astype(dtype, order=order)
    with np.load(io.BytesIO(content := saved(valid=block)), allow_pickle=True) as arrays:
        assert same_rows(read(content), list(arrays["valid"]))


def test_a_lift_may_be_told_by_true_and_false():
    block = np.array([[[1, 0, False], [1.5, 2, True]]], object)
    assert same_rows(read(saved(train=block)), [np.array([[1, 0, 0], [1.5, 2, 1]])])


@pytest.mark.parametrize("kind", [int, float, np.int16, np.float32])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_block_of_objects_holds_the_numbers_of_python_and_of_numpy(kind, protocol):
    values = [[[-300, 70_000 if kind is not np.int16 else 7, 0], [1, -1, 1]]] * 400
    block = np.array([[[kind(v) for v in row] for row in rows] for rows in values], object)
    content = npy(pickle.dumps(block, protocol), "(400, 2, 3)")
    assert same_rows(read(npz(train=content)), [np.array(rows) for rows in values])


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        [],
        [[]],
        np.zeros((0, 3), np.int16),
        np.zeros((0, 250, 3)),
        np.zeros((0, 0, 3), ">f4"),
        np.zeros(0, object),
        np.zeros((0, 3), object),
        np.zeros((0, 5, 3), object, order="F"),
        np.array([], str),
        np.array([], bool),
    ],
    ids=repr,
)
def test_a_split_without_drawings_holds_none(nothing):
    assert read(saved(train=nothing)) == []
    for split in ("train", "valid", "test"):
        arrays = {"train": object_array(ROWS), "test": object_array(ROWS[:1])} | {split: nothing}
        keys = [f"{name}/{i}" for name, n in (("train", 3), ("test", 1)) if name != split for i in range(n)]
        assert [sketch.key for sketch in read(saved(**arrays))] == keys


@pytest.mark.parametrize("dtype", [np.int16, object])
def test_drawings_without_rows_are_drawings_all_the_same(dtype):
    assert read(saved(train=np.zeros((2, 0, 3), dtype))) == [Sketch([]), Sketch([])]
    assert read(npz(train=npy(b"", "(2, 0, 3)", "<i2", fortran=True))) == [Sketch([]), Sketch([])]


@pytest.mark.parametrize("dtype", [np.int16, object])
@pytest.mark.parametrize("shape", [(4, 3), (2, 4), (2, 4, 2), (1, 2, 4, 3)])
def test_other_shapes_are_named(dtype, shape):
    with pytest.raises(FormatError, match=r"^some.npz: train: an array of the shape \["):
        read(saved(train=np.zeros(shape, dtype)))


def test_train_comes_before_valid_before_test_whatever_their_order_in_the_zip():
    one = {
        split: npy(pickle.dumps(object_array([rows]), protocol=4), "(1,)")
        for split, rows in zip(("test", "train", "valid"), ROWS, strict=True)
    }
    content = npz(**one)
    assert [s.key for s in read(content)] == ["train/0", "valid/0", "test/0"]
    assert [s.key for s in read(content, split="valid")] == ["valid/0"]


def test_a_split_that_is_missing_or_unknown_is_named():
    content = npz(train=npy(pickle.dumps(object_array(ROWS), protocol=4)))
    with pytest.raises(FormatError, match=r"^some.npz: holds no array named test$"):
        read(content, split="test")
    with pytest.raises(InputError, match="train, valid, test"):
        NpzFormat(split="dev")


class Pipe(io.RawIOBase):
    """Bytes that cannot be sought, a few at a time."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._left.readinto(memoryview(buffer)[:1000])


def test_a_pipe_is_read():
    content = npz(train=npy(pickle.dumps(object_array(ROWS), protocol=4)))
    pipe = io.BufferedReader(Pipe(content))
    assert same_rows(list(NpzFormat().read(pipe, "x")), ROWS)


def test_the_first_drawing_comes_before_the_last_is_looked_at():
    content = pickle.dumps(object_array(ROWS), protocol=4)
    content = content[:-30] + b"\xff" * 30
    drawings = NpzFormat().read(io.BytesIO(npz(train=npy(content))), "x")
    assert same_rows([next(drawings)], ROWS[:1])
    with pytest.raises(FormatError):
        list(drawings)


def test_memory_does_not_grow_with_the_file(monkeypatch):
    monkeypatch.setattr(machine_module, "KEPT_BYTES", 1 << 16)
    rng = np.random.default_rng(0)

    def peak(drawings: int) -> int:
        rows = [rng.integers(0, 2, (400, 3)).astype(np.int16) for _ in range(drawings)]
        content = npz(zipfile.ZIP_STORED, train=npy(pickle.dumps(object_array(rows), 4), f"({drawings},)"))
        tracemalloc.start()
        count = sum(1 for _ in NpzFormat().read(io.BytesIO(content), "x"))
        out = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == drawings
        return out

    assert peak(4_000) < peak(500) + (1 << 19)


def test_a_drawing_repeated_after_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(machine_module, "KEPT_BYTES", 1 << 12)
    rows = [ROWS[0], *[np.tile(ROWS[0], (40, 1)) for _ in range(30)], ROWS[0]]
    with pytest.raises(FormatError, match="too long ago"):
        read(npz(train=npy(pickle.dumps(object_array(rows), 4), f"({len(rows)},)")))


@pytest.mark.data
@pytest.mark.parametrize("name", ["aaron_sheep", "omniglot", "look_i16", "look_i16__minn10_epsilon1"])
def test_published_files_are_read_as_numpy_reads_them(data: Path, name):
    path = data / "npz" / f"{name}.npz"
    with np.load(path, allow_pickle=True, encoding="latin1") as arrays:
        wanted = [rows for split in ("train", "valid", "test") if split in arrays for rows in arrays[split]]
    with path.open("rb") as stream:
        assert same_rows(list(NpzFormat().read(stream, name)), wanted)


@pytest.mark.data
def test_all_the_ink_of_the_published_sheep_comes_back(data: Path):
    with np.load(data / "npz" / "aaron_sheep.npz", allow_pickle=True, encoding="latin1") as arrays:
        wanted = [rows for split in ("train", "valid", "test") for rows in arrays[split]]
    with (data / "npz" / "aaron_sheep.npz").open("rb") as stream:
        sheep = list(NpzFormat().read(stream, "sheep"))
    ink = [np.hypot(*rows[:, :2].T.astype(float))[np.append(0, rows[:-1, 2]) == 0].sum() for rows in wanted]
    np.testing.assert_allclose([sketch.ink_length for sketch in sheep], ink)
    assert not any(len(sketch.to_polylines()[0]) < 2 for sketch in sheep)
    with np.load(io.BytesIO(write(sheep)), allow_pickle=True) as arrays:
        again = [rows for split in ("train", "valid", "test") for rows in arrays[split]]
    assert all(np.array_equal(a, b) for a, b in zip(again, wanted, strict=True))


# --- writing --------------------------------------------------------------------------------------------


def write(sketches: Iterator[Sketch] | list[Sketch], **options: str) -> bytes:
    out = io.BytesIO()
    NpzFormat(**options).write(sketches, out)
    return out.getvalue()


offsets = st.integers(-(2**15), 2**15 - 1) | st.floats(-1e6, 1e6, width=32)


@st.composite
def stroke3(draw) -> np.ndarray:
    n = draw(st.integers(0, 6))
    rows = np.zeros((n, 3), np.float32)
    rows[:, :2] = draw(hnp.arrays(np.float32, (n, 2), elements=offsets))
    rows[:, 2] = draw(hnp.arrays(np.int8, n, elements=st.integers(0, 1)))
    return rows


@settings(max_examples=60)
@given(st.lists(stroke3(), max_size=5))
def test_rows_survive_writing_and_reading(rows):
    stored = read(write([Sketch.from_stroke3(r) for r in rows]))
    assert [shape_of(sketch) for sketch in stored] == [shape_of(Sketch.from_stroke3(r)) for r in rows]
    assert write(stored) == write([Sketch.from_stroke3(r) for r in rows])


@settings(max_examples=60)
@given(st.lists(stroke3(), max_size=5))
def test_rows_of_other_tools_survive_reading_and_writing(rows):
    content = write(read(saved(train=object_array(rows))))
    with np.load(io.BytesIO(content), allow_pickle=True) as arrays:
        for stored, given_rows in zip(arrays["train"], rows, strict=True):
            # A first point that is told, though it need not be, goes.
            told = len(given_rows) > 1 and not given_rows[0].any() and given_rows[1].any()
            assert np.array_equal(stored, given_rows[1:] if told else given_rows)


def shape_of(sketch: Sketch) -> list[list[list[float]]]:
    """The strokes from where the first begins, of which a first dot that others follow is written twice."""
    rows = sketch.to_stroke3()
    rows[:1, :2] = 0
    if len(rows) > 1 and rows[0, 2]:
        rows = np.concatenate([np.zeros((1, 3), np.float32), rows])
    return [line.tolist() for line in Sketch.from_stroke3(rows).to_polylines()]


def test_numpy_reads_what_is_written_as_sketch_rnn_does():
    sketches = [
        Sketch.from_stroke3(whole(rows), key=key)
        for rows, key in zip(ROWS, ("a", "test/7", None), strict=True)
    ]
    with np.load(io.BytesIO(write(iter(sketches))), allow_pickle=True, encoding="latin1") as arrays:
        assert list(arrays) == ["train", "valid", "test"]
        assert [arrays[split].shape for split in arrays] == [(2,), (0,), (1,)]
        assert [r.tolist() for r in arrays["train"]] == [ROWS[0].tolist(), ROWS[2].tolist()]
        assert all(r.dtype == np.int16 for split in arrays for r in arrays[split])


def test_splits_survive_and_can_be_chosen():
    keys = ["train/0", "valid/0", "valid/1", "test/0"]
    sketches = [Sketch.from_stroke3(ROWS[0], key=key) for key in keys]
    assert [s.key for s in read(write(sketches))] == keys
    assert [s.key for s in read(write(sketches, split="test"))] == [f"test/{i}" for i in range(4)]


@pytest.mark.parametrize("offset", [0.5, 40_000, -40_000])
def test_other_offsets_than_int16_are_written_as_float32(offset):
    rows = np.array([[offset, 0, 1]], np.float32)
    with np.load(io.BytesIO(write([Sketch.from_stroke3(whole(rows))])), allow_pickle=True) as arrays:
        assert arrays["train"][0].dtype == np.float32
        assert np.array_equal(arrays["train"][0], rows)


def test_the_same_drawings_give_the_same_bytes():
    sketches = [Sketch.from_stroke3(rows) for rows in ROWS]
    assert write(sketches) == write([s.labelled("other") for s in sketches])
