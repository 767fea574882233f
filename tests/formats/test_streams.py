"""Files that gzip has packed."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from sketchkit.errors import FormatError
from sketchkit.formats import format_for, read, read_all, streams, write
from sketchkit.formats.streams import stem_of, suffix_of
from sketchkit.sketch import Sketch

CAT = Sketch.from_polylines([[(0, 0), (10, 5)], [(3, 3), (4, 9)]], ended=True, label="cat", key="1")
DOG = Sketch.from_polylines([[(7, 0), (10, 5)]], ended=True, label="dog", key="2")


def test_a_packed_name_has_both_suffixes() -> None:
    names = ["a/cat.ndjson.gz", "cat.NDJSON.GZ", "x.gz", ".gz", "a.b/c", "cat.svg"]
    assert [suffix_of(name) for name in names] == [".ndjson.gz", ".NDJSON.GZ", ".gz", "", "", ".svg"]
    assert [stem_of(name) for name in names] == ["cat", "cat", "x", ".gz", "c", "cat"]


def test_packed_drawings_are_written_and_read_by_their_name(tmp_path: Path) -> None:
    for name in ("a.ndjson", "a.ndjson.gz", "B.NDJSON.GZ"):
        write([CAT, DOG], tmp_path / name)
        assert list(read_all(tmp_path / name)) == [CAT, DOG]
        assert read(f"{tmp_path / name}#1").label == "dog"
    packed = (tmp_path / "a.ndjson.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "a.ndjson").read_bytes()
    assert packed == (tmp_path / "B.NDJSON.GZ").read_bytes()
    assert packed[4:8] == bytes(4)  # no date


def test_packed_files_one_after_the_other_are_all_read(tmp_path: Path) -> None:
    parts = []
    for sketch in (CAT, DOG):
        write(sketch, tmp_path / "one.ndjson")
        parts.append(gzip.compress(b"\xef\xbb\xbf" + (tmp_path / "one.ndjson").read_bytes().rstrip()))
    (tmp_path / "all.ndjson.gz").write_bytes(b"".join(parts))
    assert [sketch.label for sketch in read_all(tmp_path / "all.ndjson.gz")] == ["cat", "dog"]


@pytest.mark.parametrize("suffix", ["ndjson", "svg", "npz", "bin"])
def test_what_is_packed_under_another_name_is_called_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    write(CAT, path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(FormatError, match=rf"x\.{suffix}: .*compressed .*unpack it with gunzip") as told:
        read(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("suffix", [".svg.gz", ".npz.gz", ".bin.gz", ".gz", ".svgz"])
def test_other_packed_files_are_refused_by_their_name(suffix: str) -> None:
    with pytest.raises(FormatError, match="gunzip"):
        format_for(suffix)


def test_a_file_that_only_says_it_is_packed_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson.gz"
    path.write_text('{"drawing": [[[1, 2], [3, 4]]]}\n')
    with pytest.raises(FormatError, match=r"x\.ndjson\.gz: the file is not compressed with gzip, though"):
        read(path)
    path.write_bytes(b"")
    assert list(read_all(path)) == []


@pytest.mark.parametrize("cut", [slice(0, 12), slice(0, -1), slice(0, -6), slice(0, 300)])
def test_a_damaged_packed_file_is_called_so(tmp_path: Path, cut: slice) -> None:
    path = tmp_path / "x.ndjson.gz"
    write([CAT, DOG] * 500, path)
    path.write_bytes(path.read_bytes()[cut])
    with pytest.raises(FormatError, match=r"x\.ndjson\.gz: the file is damaged$"):
        list(read_all(path))


def test_what_follows_a_packed_file_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson.gz"
    write([CAT], path)
    path.write_bytes(path.read_bytes() + b"hello")
    with pytest.raises(FormatError, match="damaged"):
        list(read_all(path))


def test_a_file_that_holds_absurdly_much_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "SLACK", 1 << 20)
    made = 0
    bomb = streams.unpack(io.BytesIO(gzip.compress(bytes(200 << 20))), "bomb")
    with pytest.raises(FormatError, match=r"^bomb: absurdly large: "):
        while data := bomb.read(1 << 16):
            made += len(data)
    assert made < 60 << 20
