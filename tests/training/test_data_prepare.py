"""From files to a data set: what a row is, which drawings are kept, and which split each one is in."""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from data_parts import Stroke, all_drawings, lines, ndjson, placed, record, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchkit.cli.main import run
from sketchkit.errors import FormatError, InputError
from sketchkit.evaluate.heldout import HeldOut
from sketchkit.formats import read_all, write
from sketchkit.geometry import magenta_strokes, quickdraw_simplify, scale_factor
from sketchkit.sketch import Sketch
from sketchkit.training.data import SPLITS, Dataset, Recipe, prepare, prepare_sketches, preparing, synth
from sketchkit.training.data.recipe import Item, choose_split, hash_key, make_rows, small_thresholds
from sketchkit.training.data.sources import find_sources

ALL_TRAIN = Recipe(splits=(1, 0, 0))

places = st.tuples(st.integers(0, 255), st.integers(0, 255))
strokes = st.lists(st.lists(places, min_size=1, max_size=6), max_size=6)


@given(strokes, st.booleans())
def test_the_rows_are_those_of_the_published_models(drawn: list[Stroke], pen_down: bool) -> None:
    sketch = Sketch.from_polylines([np.array(line) for line in drawn], ended=not pen_down, pen_down=pen_down)
    rows = make_rows(Item(sketch, "x", "pixels"), Recipe())
    assert np.array_equal(rows, magenta_strokes([np.array(line) for line in drawn])[:-1, [0, 1, 3]])


def test_a_drawing_of_so_many_points_has_as_many_rows_with_its_end_row(tmp_path: Path) -> None:
    drawing = Sketch.from_polylines([[(0, 0), (3, 4)], [(5, 5), (9, 9), (200, 9)]], label="x")
    data = prepare_sketches([drawing], tmp_path / "d", ALL_TRAIN)
    expected = [[3, 4, 0, 1, 0], [2, 1, 1, 0, 0], [4, 4, 1, 0, 0], [191, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    assert data.split("train").drawing(0).tolist() == expected
    assert data.split("train").lengths.tolist() == [5]
    assert data.max_length == 5


def test_dots_are_left_out(tmp_path: Path) -> None:
    dotted = Sketch.from_polylines([[(1, 1)], [(0, 0), (3, 4)], [(9, 9)]])
    data = prepare_sketches([dotted, walk(1)], tmp_path / "d", ALL_TRAIN)
    assert data.split("train").drawing(0).tolist() == [[3, 4, 0, 1, 0], [0, 0, 0, 0, 1]]


# --- splits --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """A folder to work in, and the same sixty drawings in three files, some of them twice."""
    folder = tmp_path_factory.mktemp("halves")
    sketches = [walk(i, label="a" if i % 3 else "b", key=str(i)) for i in range(60)]
    parts = [sketches[:25], sketches[20:40], sketches[40:]]
    return folder, [ndjson(folder / f"{i}.ndjson", part) for i, part in enumerate(parts)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_order_of_the_files_moves_no_drawing(
    halves: tuple[Path, list[Path]], order: tuple[int, ...]
) -> None:
    folder, files = halves
    first = prepare(files, folder / "first", overwrite=True)
    other = prepare([files[i] for i in order], folder / "other", overwrite=True)
    assert placed(first) == placed(other)
    assert first.classes == other.classes == ("a", "b")
    assert first.scale_factor == pytest.approx(other.scale_factor, rel=1e-12)


def test_more_files_move_no_drawing(halves: tuple[Path, list[Path]]) -> None:
    folder, files = halves
    thirds = Recipe(splits=(2, 1, 1))  # of which each gets enough, whatever the number of drawings
    few = prepare(files[:1], folder / "few", thirds, overwrite=True)
    many = prepare(files, folder / "many", thirds, overwrite=True)
    assert placed(few).items() <= placed(many).items()


@given(
    known=st.lists(st.integers(0, 999).map(lambda place: place * 2**64 // 1000), unique=True, max_size=200),
    shares=st.sampled_from([(90.0, 5.0, 5.0), (1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (1.0, 0.0, 0.0)]),
)
def test_a_small_set_has_drawings_in_every_split_that_shall_have_some(
    known: list[int], shares: tuple[float, float, float]
) -> None:
    recipe = Recipe(splits=shares)
    counts = Counter(choose_split(each, small_thresholds(known, recipe)) for each in known)
    usual = Counter(choose_split(each, recipe.thresholds) for each in known)
    assert counts["train"] or not known
    wanted = {name for name, share in zip(SPLITS, shares, strict=True) if share}
    if len(known) > 2:
        assert set(counts) == wanted
    if len(known) >= 18 and usual["train"]:
        assert all(counts[name] >= min(3, len(known) - 1) for name in wanted - {"train"})
    if usual["train"] and all(usual[name] >= 3 for name in wanted - {"train"}):
        assert counts == usual


@pytest.mark.parametrize("n", [1, 2, 3, 5, 20])
def test_a_handful_of_drawings_can_be_trained_and_validated_with(n: int, tmp_path: Path) -> None:
    data = prepare_sketches([walk(i, label="a") for i in range(n)], tmp_path / "d")
    sizes = [len(data.split(name)) for name in SPLITS]
    assert sizes == {1: [1, 0, 0], 2: [1, 1, 0], 3: [1, 1, 1], 5: [3, 1, 1], 20: [14, 3, 3]}[n]


def test_copies_under_other_keys_fall_to_the_same_split_in_any_order(tmp_path: Path) -> None:
    copies = [walk(i, key=f"{i} {n}", label="x") for n in range(3) for i in range(40)]
    there = prepare_sketches(copies, tmp_path / "there")
    back = prepare_sketches(copies[::-1], tmp_path / "back")
    assert there.manifest.dropped == {"duplicate": 80}
    assert [len(there.split(s)) for s in SPLITS] == [len(back.split(s)) for s in SPLITS]
    for name in SPLITS:
        assert contents(there, name) == contents(back, name)


def test_the_shares_are_about_what_is_asked_for(tmp_path: Path) -> None:
    data = prepare_sketches((walk(i, 3, "x") for i in range(3000)), tmp_path / "d", Recipe(splits=(6, 3, 1)))
    for name, share in zip(SPLITS, (0.6, 0.3, 0.1), strict=True):
        assert abs(len(data.split(name)) / 3000 - share) < 0.04


def contents(data: Dataset, split: str) -> list[bytes]:
    return sorted(drawing.tobytes() for drawing in all_drawings(data, [split]))


def test_a_reserve_is_left_out_of_train_alone_and_is_a_set_of_its_own(tmp_path: Path) -> None:
    drawings = [walk(i, 4, "x") for i in range(400)]
    whole, rest, reserved = (
        prepare_sketches(
            drawings, tmp_path / f"d{i}", Recipe(splits=(6, 2, 2), reserve=r, reserved_only=only)
        )
        for i, (r, only) in enumerate(((0, False), (25, False), (25, True)))
    )
    for split in ("valid", "test"):
        assert contents(rest, split) == contents(whole, split)
    kept, left = ({row for split in SPLITS for row in contents(data, split)} for data in (rest, reserved))
    assert not kept & left
    assert kept | left == {row for split in SPLITS for row in contents(whole, split)}
    assert abs(len(reserved) / 400 - 0.25) < 0.08
    assert all(len(reserved.split(split)) > 0 for split in SPLITS)
    assert rest.manifest.dropped == {"reserved": len(reserved)}


def test_one_drawing_under_two_classes_is_no_duplicate(tmp_path: Path) -> None:
    data = prepare_sketches([walk(1, label="a"), walk(1, label="b")], tmp_path / "d", ALL_TRAIN)
    assert (len(data), data.manifest.dropped) == (2, {})


# --- sources -------------------------------------------------------------------------------------------


def npz(path: Path) -> Path:
    keys = ["train/0", "valid/0", "test/0", "train/1", "train/2"]
    write([walk(i, key=key) for i, key in enumerate(keys)], path)
    return path


def test_an_npz_file_keeps_its_splits_and_all_its_rows(tmp_path: Path) -> None:
    data = prepare([npz(tmp_path / "owl.npz")], tmp_path / "d")
    assert [len(data.split(name)) for name in SPLITS] == [3, 1, 1]
    assert data.classes == ("owl",)
    assert not data.split("train").keys.any()
    with np.load(tmp_path / "owl.npz", allow_pickle=True) as arrays:
        for name in SPLITS:
            for i, rows in enumerate(arrays[name]):
                assert np.array_equal(data.split(name).drawing(i)[:-1, [0, 1, 3]], rows)


def test_what_is_trained_on_and_evaluated_is_what_is_read_of_an_npz_file(tmp_path: Path) -> None:
    rows = np.empty(2, object)
    rows[0] = np.array([[10, 0, 1], [0, 5, 0], [5, 0, 1]], np.int16)
    rows[1] = np.array([[0, 0, 0], [7, 0, 0], [0, 9, 1]], np.int16)  # tells its first point
    np.savez(tmp_path / "x.npz", train=rows)
    data = prepare([tmp_path / "x.npz"], tmp_path / "d", ALL_TRAIN)
    assert data.split("train").drawing(0)[:-1, [0, 1, 3]].tolist() == rows[0].tolist()
    assert data.split("train").drawing(1)[:-1, [0, 1, 3]].tolist() == rows[1][1:].tolist()
    held = [sketch.without_end() for sketch in HeldOut.choose(data, "train").sketches()]
    assert held == list(read_all(tmp_path / "x.npz"))


@pytest.mark.parametrize("recipe", [ALL_TRAIN, Recipe()])
def test_the_same_drawings_make_the_same_data_set_as_ndjson_and_as_npz(
    recipe: Recipe, tmp_path: Path
) -> None:
    drawings = [sketch.labelled("zoo") for sketch in synth(40, seed=3)]
    drawings.append(Sketch.from_polylines([[(0, 0), (0, 0)], [(9, 9), (9, 9), (80, 9)], [(5, 5)]]))
    drawings.append(Sketch.from_polylines([[(1, 1), (1, 1), (80, 200)]]))
    sets = []
    for suffix in ("ndjson", "npz"):
        write(drawings, tmp_path / f"zoo.{suffix}")
        sets.append(prepare([tmp_path / f"zoo.{suffix}"], tmp_path / suffix, recipe).manifest)
    assert sets[0].scale_factor == sets[1].scale_factor
    assert sets[0].length_counts == sets[1].length_counts
    assert [split.points for split in sets[0].splits.values()] == [s.points for s in sets[1].splits.values()]


def test_an_npz_file_is_split_anew_on_request(tmp_path: Path) -> None:
    data = prepare([npz(tmp_path / "owl.npz")], tmp_path / "d", Recipe(resplit=True, splits=(1, 0, 0)))
    assert [len(data.split(name)) for name in SPLITS] == [5, 0, 0]


def test_a_drawing_with_more_columns_than_two_is_raw_whatever_they_hold(tmp_path: Path) -> None:
    stroke = [[0, 5, 10, 20], [0, 0, 0, 0]]  # in pixels, but not simplified
    lengths = []
    for i, more in enumerate(([], [[]], [None], [[1, 2, 3, 4]])):
        path = tmp_path / f"{i}.ndjson"
        path.write_bytes(orjson.dumps({"drawing": [stroke + more]}))
        lengths.append(prepare([path], tmp_path / str(i), ALL_TRAIN).max_length)
    assert lengths == [4, 2, 2, 2]


SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path fill="none" stroke="#000" d="{}"/></svg>'


def test_the_class_of_an_svg_is_its_folder_or_its_name(tmp_path: Path) -> None:
    for place in ("animals/cat/1", "animals/cat/2", "animals/top", "lone"):
        path = tmp_path / f"{place}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SVG.format(f"M0 0L{len(place)} 30L20 {ord(place[-1]) % 50}"))
    (tmp_path / "animals" / "README.md").write_text("no drawing")
    data = prepare([tmp_path / "animals", tmp_path / "lone.svg"], tmp_path / "d", ALL_TRAIN)
    assert data.classes == ("animals", "cat", "lone")
    assert data.manifest.splits["train"].per_class == (1, 2, 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_folder_is_walked_for_files_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "deep").mkdir(parents=True)
    for place in ("a", "deep/b"):
        (folder / f"{place}.svg").write_text(SVG.format(f"M0 0L{len(place)} 30L20 9"))
    (folder / "deep" / "again").symlink_to(folder)
    (folder / "again.svg").symlink_to(folder)
    (folder / "link.svg").symlink_to(folder / "a.svg")
    os.mkfifo(folder / "pipe.svg")
    (folder / "device.ndjson").symlink_to("/dev/zero")
    (folder / "folder.npz").mkdir()
    found = [source.path.relative_to(folder).as_posix() for source in find_sources([folder])]
    assert found == ["a.svg", "link.svg", "deep/b.svg"]
    assert len(prepare([folder], tmp_path / "d", Recipe(splits=(1, 0, 0))).split("train")) == 2


@pytest.fixture
def thousand_calls() -> Iterator[None]:
    """Python's own limit of calls in each other, which a test before may have raised."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("thousand_calls")
def test_a_folder_may_be_deeper_than_python_recurses(tmp_path: Path) -> None:
    places = [str(tmp_path)]
    for _ in range(1_100):
        places.append(f"{places[-1]}/a")
        os.mkdir(places[-1])
    file = Path(places[-1], "x.svg")
    file.write_text(SVG.format("M0 0L9 9"))
    assert [source.path for source in find_sources([tmp_path])] == [file]
    file.unlink()  # pytest could not
    for place in reversed(places[1:]):
        os.rmdir(place)


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x.svg").symlink_to("x.svg")
    with pytest.raises(InputError, match=r"x\.svg: "):
        prepare([tmp_path / "mine"], tmp_path / "d")


def test_an_svg_is_fitted_and_simplified(tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text(SVG.format("M1000 1000 L1001 1001 L1002 1002.001 L1010 1000"))
    data = prepare([tmp_path / "x.svg"], tmp_path / "d", ALL_TRAIN)
    assert data.split("train").drawing(0)[:, :2].tolist() == [[51, 51], [204, -51], [0, 0]]


def test_raw_strokes_are_simplified_as_the_published_ones(tmp_path: Path) -> None:
    angle = np.linspace(0, 6, 200)
    circle = np.stack([100 + 90 * np.cos(angle), 120 + 90 * np.sin(angle)])
    raw = {"word": "o", "drawing": [[*circle.tolist(), (angle * 100).tolist()]]}
    data = prepare([lines(tmp_path / "raw.ndjson", [raw])], tmp_path / "d", ALL_TRAIN)
    expected = magenta_strokes(quickdraw_simplify([circle.T]))
    assert np.array_equal(data.split("train").drawing(0), expected)


@pytest.mark.parametrize(("mode", "points"), [("auto", 3), ("always", 2), ("never", 3)])
def test_simplified_strokes_stay_as_they_are_unless_asked(tmp_path: Path, mode: str, points: int) -> None:
    path = lines(tmp_path / "x.ndjson", [record([(0, 0), (100, 0), (255, 0)])])
    data = prepare([path], tmp_path / "d", Recipe(simplify=mode, splits=(1, 0, 0)))  # type: ignore[arg-type]
    assert data.max_length == points


def test_drawings_beyond_255_pixels_are_fitted(tmp_path: Path) -> None:
    path = lines(tmp_path / "x.ndjson", [record([(0, 0), (0, 510), (510, 510)])])
    data = prepare([path], tmp_path / "d", ALL_TRAIN)
    assert data.split("train").drawing(0)[:, :2].tolist() == [[0, 255], [255, 0], [0, 0]]


def test_packed_drawings_are_read(tmp_path: Path) -> None:
    write([walk(i, key=str(i + 1)) for i in range(5)], tmp_path / "pig.bin")
    data = prepare([tmp_path / "pig.bin"], tmp_path / "d", ALL_TRAIN)
    assert (len(data), data.classes) == (5, ("pig",))
    assert set(data.split("train").keys.tolist()) == {hash_key(str(i + 1)) for i in range(5)}


def test_only_recognised_drawings_on_request(tmp_path: Path) -> None:
    said = [{"recognized": True}, {"recognized": False}, {}]
    told = [record([(0, 0), (i + 1, 9)], word="x", **each) for i, each in enumerate(said)]
    path = lines(tmp_path / "x.ndjson", told)
    assert len(prepare([path], tmp_path / "all", ALL_TRAIN)) == 3
    some = prepare([path], tmp_path / "some", Recipe(recognized_only=True, splits=(1, 0, 0)))
    assert (len(some), some.manifest.dropped) == (2, {"not recognised": 1})
    write([walk(1)], tmp_path / "x.bin")  # which says that it was not
    with pytest.raises(InputError, match=r"nothing to train on is left of 1 drawings \(1 not recognised\)"):
        prepare([tmp_path / "x.bin"], tmp_path / "none", Recipe(recognized_only=True))


def test_the_word_of_a_drawing_may_say_anything(tmp_path: Path) -> None:
    word = '"recognized": false, "drawing": [[[1],[2],[3'
    path = lines(tmp_path / "x.ndjson", [record([(0, 0), (255, 9)], word=word)])
    data = prepare([path], tmp_path / "d", Recipe(recognized_only=True, splits=(1, 0, 0)))
    assert data.classes == (word,)


# --- what is kept --------------------------------------------------------------------------------------


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    kept = [walk(i, 6, "x") for i in range(4)]
    left = [walk(9, 20, "x"), walk(9, 3, "x"), Sketch.from_polylines([[(1, 1)]]), kept[0], walk(8, 6, "x")]
    data = prepare_sketches(
        [*kept, *left], tmp_path / "d", Recipe(max_points=10, min_points=4, limit=4, splits=(1, 0, 0))
    )
    reasons = {"empty": 1, "too short": 1, "too long": 1, "duplicate": 1, "over the limit": 1}
    assert (len(data), data.manifest.read, data.manifest.dropped) == (4, 9, reasons)
    assert data.manifest.length_counts == (0, 0, 0, 0, 0, 0, 4)


def test_the_scale_factor_is_that_of_the_training_drawings(tmp_path: Path) -> None:
    sketches = [walk(i, 4 + i % 5, "x") for i in range(200)]
    data = prepare_sketches(sketches, tmp_path / "d", Recipe(splits=(1, 1, 0)))
    train = {rows[:-1].tobytes() for rows in all_drawings(data, ["train"])}
    chosen = [s for s in sketches if s.without_end().stroke5[1:].tobytes() in train]
    assert 50 < len(chosen) < 150
    assert data.scale_factor == pytest.approx(scale_factor(chosen), rel=1e-12)


def test_classes_are_sorted_whatever_the_order_in_which_they_come(tmp_path: Path) -> None:
    sketches = [walk(i, label=["zebra", "ant", "mule"][i % 3], key=str(i)) for i in range(30)]
    data = prepare_sketches(sketches, tmp_path / "d", ALL_TRAIN)
    assert data.classes == ("ant", "mule", "zebra")
    train = data.split("train")
    named = {int(k): data.classes[c] for k, c in zip(train.keys, train.classes, strict=True)}
    assert named == {hash_key(s.key): s.label for s in sketches}


def test_fractions_are_kept_even_when_they_come_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "_BLOCK", 3)
    whole = [walk(i, label="x") for i in range(10)]
    late = Sketch.from_polylines([[(0, 0), (0.5, 0.25), (7, 100)]], label="x")
    data = prepare_sketches([*whole, late], tmp_path / "d", ALL_TRAIN)
    assert data.manifest.splits["train"].arrays["offsets"].dtype == "<f4"
    train = data.split("train")
    for i, sketch in enumerate(whole):
        assert np.array_equal(train.drawing(i)[:-1], sketch.stroke5[1:-1])
    assert train.drawing(10)[0].tolist() == [0.5, 0.25, 1, 0, 0]
    assert len(prepare_sketches(whole, tmp_path / "whole", ALL_TRAIN)) == 10
    assert Dataset.open(tmp_path / "whole").manifest.splits["train"].arrays["offsets"].dtype == "<i2"


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 50))
def test_the_size_of_a_block_changes_nothing(tmp_path_factory: pytest.TempPathFactory, block: int) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    sketches = [walk(i % 40, label="ab"[i % 2], key=str(i)) for i in range(60)]
    recipe = Recipe(limit=15)
    with pytest.MonkeyPatch.context() as patched:
        whole = prepare_sketches(sketches, folder / "whole", recipe)
        patched.setattr(preparing, "_BLOCK", block)
        pieces = prepare_sketches(sketches, folder / "pieces", recipe)
    assert Counter(placed(whole).items()) == Counter(placed(pieces).items())
    assert sum(whole.manifest.dropped.values()) == sum(pieces.manifest.dropped.values()) == 30
    for a, b in zip(all_drawings(whole), all_drawings(pieces), strict=True):
        assert np.array_equal(a, b)


def test_the_same_drawings_make_the_same_set(tmp_path: Path) -> None:
    sketches = [walk(i, label="x") for i in range(20)]
    made = [prepare_sketches(sketches, tmp_path / name) for name in "ab"]
    assert made[0].manifest.fingerprint == made[1].manifest.fingerprint != ""


def test_a_manifest_names_files_but_not_where_they_were(tmp_path: Path) -> None:
    path = ndjson(tmp_path / "cats.ndjson", [walk(1, label="x")])
    data = prepare([path], tmp_path / "d", ALL_TRAIN)
    assert data.manifest.sources == ("cats.ndjson",)
    assert str(tmp_path).encode() not in (tmp_path / "d" / "manifest.json").read_bytes()


def test_progress_ends_with_everything_read(tmp_path: Path) -> None:
    files = [ndjson(tmp_path / f"{c}.ndjson", [walk(i, label=c) for i in range(9)]) for c in "ab"]
    seen: list[tuple[int, int]] = []
    prepare(files, tmp_path / "d", ALL_TRAIN, progress=lambda done, total: seen.append((done, total)))
    total = sum(path.stat().st_size for path in files)
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)


# --- what goes wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"min_points": 1}, "the points of a drawing must lie in 2..100000"),
        ({"max_points": 10**6}, "the points of a drawing must lie in"),
        ({"min_points": 9, "max_points": 5}, "the fewest first, got 9 and 5"),
        ({"splits": (0, 1, 1)}, "the first above 0"),
        ({"splits": (1, -1, 1)}, "0 or more"),
        ({"splits": (1, float("nan"), 1)}, "0 or more"),
        ({"splits": (1, 1)}, "the shares of train, valid, test"),
        ({"splits": (1, 1, 0), "reserve": 50}, "below the 50 % of train"),
        ({"reserve": -1}, "0 or more"),
        ({"reserved_only": True}, "a reserve above 0"),
        ({"simplify": "perhaps"}, "auto, always or never"),
        ({"limit": 0}, "the limit must be 1 or more"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Recipe(**values)  # type: ignore[arg-type]


def test_a_damaged_line_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    path = ndjson(tmp_path / "x.ndjson", [walk(i, label="x") for i in range(3)])
    with path.open("a") as stream:
        stream.write("{nonsense\n")
    with pytest.raises(FormatError, match=r"x\.ndjson: line 4: not JSON"):
        prepare([path], tmp_path / "d")
    assert [p.name for p in tmp_path.iterdir()] == ["x.ndjson"]
    more = ndjson(tmp_path / "y.ndjson", [walk(9, label="y")])
    data = prepare([path, more], tmp_path / "d", Recipe(skip_damaged=True, splits=(1, 0, 0)))
    assert (len(data), data.manifest.dropped) == (4, {"damaged": 1})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nosuch.ndjson", "nosuch.ndjson: no such file"),
        ("empty", "empty: holds no file of drawings"),
        ("x.txt", "x.txt: the suffix '.txt' is unknown"),
        ("blank.ndjson", "nothing to train on is left of 0 drawings"),
        ("dots.ndjson", r"nothing to train on is left of 1 drawings \(1 empty\)"),
    ],
)
def test_sources_that_hold_nothing_are_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.txt").write_text("")
    (tmp_path / "blank.ndjson").write_text("")
    lines(tmp_path / "dots.ndjson", [record([(1, 1)])])
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=words):
        prepare([tmp_path / name], tmp_path / "d")
    assert sorted(tmp_path.iterdir()) == before


def test_a_data_set_that_exists_stays_unless_it_may_go(tmp_path: Path) -> None:
    first = prepare_sketches([walk(1)], tmp_path / "d", ALL_TRAIN)
    with pytest.raises(InputError, match="the data set exists already"):
        prepare_sketches([walk(2)], tmp_path / "d", ALL_TRAIN)
    assert Dataset.open(tmp_path / "d").manifest == first.manifest
    second = prepare_sketches([walk(2)], tmp_path / "d", ALL_TRAIN, overwrite=True)
    assert Dataset.open(tmp_path / "d").manifest == second.manifest != first.manifest
    assert os.listdir(tmp_path) == ["d"]


def test_what_is_no_data_set_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear")
    (tmp_path / "file").write_text("dear")
    for name in ("mine", "file"):
        with pytest.raises(InputError, match="is no data set, so it is not replaced"):
            prepare_sketches([walk(1)], tmp_path / name, overwrite=True)
    assert (tmp_path / "mine" / "diary.txt").read_text() == "dear"
    (tmp_path / "empty").mkdir()
    assert len(prepare_sketches([walk(1)], tmp_path / "empty", ALL_TRAIN)) == 1


def test_an_interruption_leaves_what_was_there(tmp_path: Path) -> None:
    first = prepare_sketches([walk(1)], tmp_path / "d", ALL_TRAIN)

    def interrupted() -> Iterator[Sketch]:
        yield walk(2)
        raise KeyboardInterrupt

    for name in ("d", "new"):
        with pytest.raises(KeyboardInterrupt):
            prepare_sketches(interrupted(), tmp_path / name, overwrite=True)
    assert os.listdir(tmp_path) == ["d"]
    assert Dataset.open(tmp_path / "d").manifest == first.manifest


@pytest.mark.skipif(sys.platform == "win32", reason="limits on the size of files are a thing of POSIX")
@pytest.mark.parametrize("limit", [0, 2000, 20_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import resource

    monkeypatch.chdir(tmp_path)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, usual[1]))  # Python ignores the signal of it
    try:
        code = run(["data", "synth", "-n", "400", "-o", "d"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert (code, *capsys.readouterr()) == (3, "", "sketchkit: d: file too large\n")
    assert os.listdir(tmp_path) == []


def test_a_name_taken_during_the_work_is_not_replaced(tmp_path: Path) -> None:
    def slow() -> Iterator[Sketch]:
        yield walk(1)
        prepare_sketches([walk(2)], tmp_path / "d", ALL_TRAIN)

    with pytest.raises(InputError, match="exists already"):
        prepare_sketches(slow(), tmp_path / "d", ALL_TRAIN)
    assert os.listdir(tmp_path) == ["d"]


@pytest.mark.data
def test_raw_drawings_become_the_published_simplified_ones(data: Path, tmp_path: Path) -> None:
    made = [
        prepare([data / "quickdraw-raw" / f"{name}.ndjson"], tmp_path / name, ALL_TRAIN)
        for name in ("raw", "simplified")
    ]
    raw, simplified = ({d.tobytes() for d in all_drawings(each)} for each in made)
    assert len(raw & simplified) > 0.9 * len(simplified)
