"""Reading a data set: batches, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_parts import walk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sketchkit.errors import FormatError, InputError, SketchkitError
from sketchkit.training.data import SPLITS, Dataset, Recipe, Split, prepare_sketches
from sketchkit.training.data.report import histogram, plot_lines, plot_svg, report_lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of forty drawings of two classes."""
    path = tmp_path_factory.mktemp("sets") / "d"
    sketches = [walk(i, 4 + i % 9, "ab"[i % 2], key=str(i)) for i in range(40)]
    prepare_sketches(sketches, path, Recipe(splits=(2, 1, 0)))
    return path


@pytest.fixture(scope="module")
def train(folder: Path) -> Split:
    return Dataset.open(folder).split("train")


@given(chosen=st.lists(st.integers(0, 19), max_size=12), spare=st.integers(0, 3))
def test_a_batch_is_its_drawings_padded_with_end_rows(train: Split, chosen: list[int], spare: int) -> None:
    longest = max((int(train.lengths[i]) for i in chosen), default=1)
    rows, lengths, classes = train.gather(chosen, longest + spare)
    assert rows.shape == (len(chosen), longest + spare, 5)
    assert (rows.dtype, lengths.dtype, classes.dtype) == (np.float32, np.int64, np.int64)
    for b, i in enumerate(chosen):
        n = int(lengths[b])
        assert (n, classes[b]) == (train.lengths[i], train.classes[i])
        assert np.array_equal(rows[b, :n], train.drawing(i))
        assert (rows[b, n - 1 :] == [0, 0, 0, 0, 1]).all()
        assert not rows[b, : n - 1, 4].any()


@given(chosen=st.lists(st.integers(0, 19), max_size=12))
def test_drawings_end_to_end_are_those_of_a_batch_without_padding_and_end_rows(
    train: Split, chosen: list[int]
) -> None:
    offsets, lifts, inks, classes = train.flat(chosen)
    rows, lengths, labels = train.gather(chosen)
    assert (offsets.dtype, lifts.dtype, inks.dtype, classes.dtype) == (np.float32, bool, np.int64, np.int64)
    assert offsets.shape == (int(inks.sum()), 2) and lifts.shape == (int(inks.sum()),)
    assert np.array_equal(inks, lengths - 1) and np.array_equal(classes, labels)
    inked = rows[np.arange(rows.shape[1]) < inks[:, None]]
    assert np.array_equal(offsets, inked[:, :2])
    assert np.array_equal(lifts, inked[:, 3] == 1)


def test_what_is_done_to_drawings_end_to_end_leaves_the_data_set_as_it_was(train: Split) -> None:
    before = train.gather(np.arange(train.n))[0]
    offsets, lifts, inks, classes = train.flat(np.arange(train.n))
    offsets *= 3.0
    lifts[:], inks[:], classes[:] = True, 0, 0
    assert np.array_equal(train.gather(np.arange(train.n))[0], before)


def test_every_row_has_one_pen_state(train: Split) -> None:
    rows, lengths, _ = train.gather(np.arange(train.n))
    assert (rows[:, :, 2:].sum(axis=2) == 1).all()
    assert rows.shape[1] == lengths.max()


def test_a_batch_too_short_for_a_drawing_is_refused(train: Split) -> None:
    longest = int(train.lengths.max())
    with pytest.raises(InputError, match=f"{longest} rows does not fit the length {longest - 1}"):
        train.gather(np.arange(train.n), longest - 1)


@pytest.mark.parametrize("chosen", [[-1], [10**6], [0.5], [[0]], ["a"]], ids=str)
def test_drawings_that_do_not_exist_are_refused(train: Split, chosen: Any) -> None:
    for ask in (train.gather, train.flat):
        with pytest.raises(InputError):
            ask(chosen)


def test_a_split_may_be_empty(folder: Path) -> None:
    test = Dataset.open(folder).split("test")
    assert (test.n, len(test), test.lengths.tolist()) == (0, 0, [])
    assert test.gather([])[0].shape == (0, 1, 5)
    assert [part.shape for part in test.flat([])] == [(0, 2), (0,), (0,), (0,)]


def test_the_length_of_a_data_set_is_that_of_its_splits(folder: Path) -> None:
    data = Dataset.open(folder)
    assert len(data) == sum(len(data.split(name)) for name in SPLITS) == 40
    assert repr(data).endswith("; 2 classes>")
    with pytest.raises(InputError, match="a split is one of train, valid, test, got 'dev'"):
        data.split("dev")


# --- damage --------------------------------------------------------------------------------------------


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def changed(copy: Path, **values: Any) -> None:
    path = copy / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    "name", ["train.offsets", "valid.lifts", "train.bounds", "valid.labels", "train.keys"]
)
def test_a_flipped_bit_is_found(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(FormatError, match=rf"{name}: damaged"):
        Dataset.open(copy)


@pytest.mark.parametrize("change", ["shorter", "longer", "gone"])
def test_an_array_of_another_size_is_refused_even_without_checksums(copy: Path, change: str) -> None:
    path = copy / "train.offsets"
    content = path.read_bytes()
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-2] if change == "shorter" else content + b"\0\0")
    words = "a part of the data set is missing" if change == "gone" else "bytes where the manifest says"
    with pytest.raises(FormatError, match=f"train.offsets: .*{words}"):
        Dataset.open(copy, verify=False)


@pytest.mark.parametrize(
    ("name", "index", "value", "words"),
    [
        ("train.bounds", 3, 2**60, "a drawing without points, or longer than the longest"),
        ("train.bounds", 3, -7, "a drawing without points, or longer than the longest"),
        ("train.bounds", 0, 1, "do not fill the array of points"),
        ("train.bounds", -1, 10**9, "do not fill the array of points"),
        ("train.labels", 0, 2, "a class that has no name"),
    ],
)
def test_no_drawing_reaches_beyond_its_array_even_without_checksums(
    copy: Path, name: str, index: int, value: int, words: str
) -> None:
    dtype = "<i8" if name.endswith("bounds") else "<u2"
    array = np.fromfile(copy / name, dtype)
    array[index] = value
    array.tofile(copy / name)
    with pytest.raises(FormatError, match=words):
        Dataset.open(copy, verify=False)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"format": "other"}, "its format is not 'sketchkit-data'"),
        ({"version": 2}, "version 2; this sketchkit reads version 1"),
        ({"scale_factor": 0}, "the scale factor must be above 0"),
        ({"scale_factor": "big"}, "could not convert"),
        ({"classes": ["a"]}, "do not add up"),
        ({"classes": [1, 2]}, "no table of names"),
        ({"splits": {}}, "an entry is missing"),
        ({"length_counts": [0, 3]}, "the lengths do not add up"),
        ({"length_counts": [True]}, "no number of things"),
        ({"dropped": {"x": -1}}, "no number of things"),
        ({"recipe": 3}, "an entry is missing or of another type"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(copy: Path, values: dict[str, Any], words: str) -> None:
    changed(copy, **values)
    with pytest.raises(FormatError, match=rf"manifest\.json: .*{words}"):
        Dataset.open(copy)


def test_arrays_that_do_not_fit_their_split_are_refused(copy: Path) -> None:
    splits = json.loads((copy / "manifest.json").read_text())["splits"]
    splits["train"]["arrays"]["offsets"]["dtype"] = "|O"
    changed(copy, splits=splits)
    with pytest.raises(FormatError, match="of the unknown type"):
        Dataset.open(copy)
    splits["train"]["arrays"]["offsets"] = {"dtype": "<i2", "count": 3, "blake2b": ""}
    changed(copy, splits=splits)
    with pytest.raises(FormatError, match="the offsets of train do not fit its drawings"):
        Dataset.open(copy)


def test_a_folder_that_is_none_or_holds_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no data set"):
        Dataset.open(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        Dataset.open(tmp_path / "nosuch")


def test_a_manifest_without_end_is_not_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sketchkit.training.data.manifest.MAX_BYTES", 100)
    with pytest.raises(FormatError, match="more than 100 bytes"):
        Dataset.open(copy)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_whatever_is_wrong_with_a_manifest_is_told_in_one_line(copy: Path, place: float, value: int) -> None:
    path = copy / "manifest.json"
    whole = path.read_bytes()
    content = bytearray(whole)
    content[int(place * len(content))] = value
    path.write_bytes(content)
    try:
        data = Dataset.open(copy)
        data.split("train").gather(np.arange(data.split("train").n))
    except SketchkitError as error:
        assert "\n" not in str(error)
    finally:
        path.write_bytes(whole)


# --- what is said of it --------------------------------------------------------------------------------


def test_the_plot_has_a_bar_for_every_length(folder: Path) -> None:
    manifest = Dataset.open(folder).manifest
    rows = histogram(manifest)
    assert sum(count for *_, count in rows) == 40
    assert [low for low, *_ in rows[1:]] == [high + 1 for _, high, _ in rows[:-1]]
    assert (rows[0][0], rows[-1][1]) == (2, manifest.max_length)
    assert len(plot_lines(manifest)) == len(rows)
    assert plot_svg(manifest).count(b"<rect") == 1 + sum(count > 0 for *_, count in rows)
    assert (folder / "lengths.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", None, "nonsense"])
def test_bars_are_plain_where_a_terminal_has_no_blocks(folder: Path, encoding: str | None) -> None:
    text = "\n".join(report_lines(Dataset.open(folder).manifest, encoding))
    assert text.isascii()
    assert "####" in text
    assert "██" in "\n".join(report_lines(Dataset.open(folder).manifest))


def test_data_sets_need_no_torch(folder: Path) -> None:
    code = (
        "import sys; from sketchkit.training.data import Dataset; "
        f"Dataset.open({str(folder)!r}).split('train').gather([0]); "
        "print({'torch', 'shapely', 'cairosvg', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.stdout.strip() == "set()", done.stderr
