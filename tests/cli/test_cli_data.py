"""`sketchkit data`: list, info, fetch, prepare, synth."""

from __future__ import annotations

import http.server
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Sketchkit

import sketchkit as library
from sketchkit.training.data import Dataset, synth

COMMANDS = ("list", "info", "fetch", "prepare", "synth", "distill", "critique")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder, of which nothing exists."""
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept" / "data"


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    """A server that publishes two classes."""
    folder = tmp_path / "published"
    folder.mkdir()
    for name in ("cat", "pig"):
        library.write(synth(20, seed=ord(name[0])), folder / f"{name}.ndjson")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


# --- manners -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal_and_ends_with_an_example(sketchkit: Sketchkit, command: str) -> None:
    shown = sketchkit("data", *command.split(), "--help")
    *_, heading, example = shown.out.decode().splitlines()
    assert (shown.code, shown.err) == (0, "")
    assert all(len(line) <= 80 for line in shown.out.decode().splitlines())
    if command:
        assert heading == "Example:"
        assert example.startswith(f"  sketchkit data {command}")


def test_no_command_shows_the_help_and_the_code_of_wrong_usage(sketchkit: Sketchkit) -> None:
    shown = sketchkit("data")
    assert (shown.code, shown.out, shown.err) == (2, b"", sketchkit("data", "--help").out.decode())


def test_the_examples_work(sketchkit: Sketchkit, kept: Path, bucket: str) -> None:
    for command in ("fetch", "prepare", "list", "info", "synth"):
        *_, example = sketchkit("data", command, "--help").out.decode().splitlines()
        more = ["--base-url", bucket, "--out", "."] if command == "fetch" else []
        assert sketchkit(*shlex.split(example)[1:], *more).code == 0, example
        if command == "prepare":
            os.rename("cats-and-pigs", "cats")


@pytest.mark.parametrize("args", [["--help"], ["list"], ["list", "--json"], ["info", "d", "--json"]])
def test_what_draws_nothing_loads_nothing_heavy(sketchkit: Sketchkit, args: list[str], kept: Path) -> None:
    assert sketchkit("data", "synth", "-n", 40, "-o", "d").code == 0
    code = (
        f"import sys; from sketchkit.cli.main import run; run(['data', *{args}]); "
        "print('loaded', *({'torch', 'shapely', 'cairosvg', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.stdout.splitlines()[-1] == "loaded", done.stderr


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["info", "nosuch"], 3, "nosuch: no such data set: `sketchkit data prepare` makes one"),
        (["info", "."], 3, ".: holds no data set"),
        (["info", "x.ndjson"], 3, "x.ndjson: no such folder"),
        (["list", "nosuch"], 3, "nosuch: no such folder"),
        (["prepare"], 2, "Missing argument 'SOURCES'"),
        (["prepare", "nosuch.ndjson", "-o", "d"], 3, "nosuch.ndjson: no such file"),
        (["prepare", "x.ndjson", "-o", "no/d"], 3, "no/d: there is no folder"),
        (["prepare", "x.ndjson", "-o", "mine", "--force"], 3, "mine: exists and is no data set"),
        (["prepare", "bad.ndjson", "-o", "d"], 3, "bad.ndjson: line 1: not JSON"),
        (["prepare", "x.ndjson", "-o", "d", "--split", "90/10"], 2, "'90/10' is not A/B/C, such as 90/5/5"),
        (["prepare", "x.ndjson", "-o", "d", "--split", "0/1/1"], 2, "the first above 0"),
        (["prepare", "x.ndjson", "-o", "d", "--max-points", "1"], 2, "'--max-points'"),
        (["prepare", "x.ndjson", "-o", "d", "--min-points", "500"], 2, "the fewest first, got 500 and 200"),
        (["prepare", "x.ndjson", "-o", "d", "--min-points", "190"], 3, "nothing to train on is left of 5"),
        (["prepare", "x.ndjson", "-o", "d", "--simplify", "so"], 2, "'so' is not one of 'auto', 'always'"),
        (["synth"], 2, "Missing option '--out'"),
        (["synth", "-o", "d", "-n", "0"], 2, "'-n'"),
        (["synth", "-o", "d", "--class", "sum"], 2, "did you mean 'sun'?"),
        (["synth", "-o", "d", "--seed", str(2**64)], 3, "a seed and an index must lie in"),
        (["synth", "-o", "x.ndjson"], 3, "x.ndjson: the file exists already; --force overwrites it"),
        (["synth", "-o", "d.nosuch"], 3, "d.nosuch: the suffix '.nosuch' is unknown"),
        (["synth", "-o", "mine"], 3, "mine: exists and is no data set"),
        (["fetch", "quickdraw"], 2, "Missing argument 'CLASSES'"),
        (["fetch", "slowdraw", "cat"], 2, "'slowdraw' is not"),
        (["fetch", "quickdraw", "../cat"], 3, "cannot be the name of a class"),
    ],
)
def test_an_error_is_one_line_and_leaves_no_file(
    sketchkit: Sketchkit, kept: Path, args: list[str], code: int, words: str
) -> None:
    library.write(synth(5), "x.ndjson")
    Path("bad.ndjson").write_text("{\x1b[31m")
    Path("mine").mkdir()
    Path("mine/diary").write_text("dear")
    before = sorted(str(path) for path in Path().rglob("*"))
    failed = sketchkit("data", *args)
    assert (failed.code, failed.out) == (code, b"")
    assert failed.err.startswith("sketchkit: ")
    assert words in failed.err
    assert failed.err[:-1].isprintable()
    assert sorted(str(path) for path in Path().rglob("*")) == before
    assert not kept.exists() or not any(kept.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a thing of POSIX")
@pytest.mark.parametrize("out", ["d", "d.ndjson"])
def test_ctrl_c_leaves_nothing(home: Path, out: str) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "sketchkit", "data", "synth", "-n", "10000000", "-o", out],
        stderr=subprocess.PIPE,
    )
    try:
        until = time.monotonic() + 600
        while not any(home.iterdir()):
            assert running.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        said = _interrupted(running)
    finally:
        running.kill()
        running.wait()
    assert (running.returncode, said) == (130, b"")
    assert list(home.iterdir()) == []


def _interrupted(running: subprocess.Popen[bytes]) -> bytes:
    """Press Ctrl-C as a person would: again, if nothing comes of it, as where Python is about to import."""
    for _ in range(6):
        running.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return running.communicate(timeout=60)[1]
    raise AssertionError("Ctrl-C does not end it")


# --- prepare and synth ---------------------------------------------------------------------------------


def test_prepare_says_what_became_of_the_drawings(sketchkit: Sketchkit) -> None:
    library.write([*synth(60, classes=["sun", "cat"]), *synth(2, classes=["sun", "cat"])], "x.ndjson")
    made = sketchkit("data", "prepare", "x.ndjson", "-o", "d", "--max-points", 70)
    assert (made.code, made.out) == (0, b"")
    first, *rest = made.err.splitlines()
    assert first.startswith(f"{len(Dataset.open('d'))} drawings of 2 classes: train ")
    assert "  dropped 2: duplicate" in rest
    assert any("█" in line for line in rest)


def test_prepare_reports_as_json_on_request(sketchkit: Sketchkit) -> None:
    library.write(synth(60), "x.ndjson")
    made = sketchkit("data", "prepare", "x.ndjson", "-o", "d", "--split", "2/1/1", "--json")
    data = Dataset.open("d")
    assert made.err == ""
    assert made.json["drawings"] == 60
    assert made.json["recipe"]["splits"] == [2, 1, 1]
    assert made.json["sources"] == ["x.ndjson"]
    assert made.json["fingerprint"] == data.manifest.fingerprint
    assert made.json["splits"]["valid"]["drawings"] == len(data.split("valid"))


def test_a_data_set_that_exists_stays_unless_forced(sketchkit: Sketchkit) -> None:
    assert sketchkit("data", "synth", "-n", 40, "-o", "d").code == 0
    before = Dataset.open("d").manifest
    refused = sketchkit("data", "synth", "-n", 50, "-o", "d")
    assert (refused.code, refused.err) == (
        3,
        "sketchkit: d: the data set exists already; --force replaces it\n",
    )
    assert Dataset.open("d").manifest == before
    assert sketchkit("data", "synth", "-n", 50, "-o", "d", "--force").code == 0
    assert len(Dataset.open("d")) == 50


def test_synth_writes_files_too(sketchkit: Sketchkit) -> None:
    made = sketchkit("data", "synth", "-n", 4, "-s", 7, "--class", "fish", "-o", "f.ndjson", "--json")
    assert made.json == {"output": "f.ndjson", "drawings": 4, "seed": 7, "first": 0}
    assert list(library.read_all("f.ndjson")) == list(synth(4, 7, ["fish"]))
    later = sketchkit("data", "synth", "-n", 2, "-s", 7, "--class", "fish", "--first", 2, "-o", "g.bin")
    assert later.code == 0
    assert list(library.read_all("g.bin")) == list(synth(2, 7, ["fish"], first=2))


def test_compressed_drawings_are_prepared_like_others_and_listed(sketchkit: Sketchkit, kept: Path) -> None:
    (kept / "quickdraw").mkdir(parents=True)
    told = []
    for path in (Path("fish.ndjson"), kept / "quickdraw" / "fish.ndjson.gz"):
        assert sketchkit("data", "synth", "-n", 40, "--class", "fish", "-o", path).code == 0
        told.append(sketchkit("data", "prepare", path, "-o", f"{len(told)}", "--json").json)
    path.rename(path.with_name("cod.ndjson.gz"))
    assert told[0]["classes"] == told[1]["classes"] == ["fish"]
    assert told[0]["splits"] == told[1]["splits"]
    listed = [entry["name"] for entry in sketchkit("data", "list", "--json").json]
    assert listed == ["quickdraw/cod.ndjson.gz"]
    assert sketchkit("data", "prepare", kept / "quickdraw", "-o", "folder").code == 0
    assert sketchkit("data", "prepare", kept / "quickdraw" / "cod.ndjson.gz").code == 0
    assert (kept / "cod" / "manifest.json").exists()


def test_a_data_set_without_a_place_is_stored_and_found_by_name(sketchkit: Sketchkit, kept: Path) -> None:
    library.write(synth(40), "shapes.ndjson")
    made = sketchkit("data", "prepare", "shapes.ndjson")
    assert made.err.splitlines()[-1] == f"shapes: {kept / 'shapes'}"
    assert sketchkit("data", "info", "shapes").code == 0
    missing = sketchkit("data", "info", "shape")
    assert missing.err == "sketchkit: shape: no such data set: stored are shapes\n"


# --- list and info -------------------------------------------------------------------------------------


def test_list_shows_sets_and_files_and_what_is_damaged(sketchkit: Sketchkit, kept: Path, bucket: str) -> None:
    assert "no data sets in" in sketchkit("data", "list").err
    assert sketchkit("data", "fetch", "quickdraw", "cat", "--base-url", bucket).code == 0
    assert sketchkit("data", "synth", "-n", 40, "--split", "1/0/0", "-o", kept / "shapes").code == 0
    (kept / "bad").mkdir()
    (kept / "bad" / "manifest.json").write_text("{\x1b")
    rows = sketchkit("data", "list").out.decode().splitlines()
    assert [row.split()[0] for row in rows] == ["NAME", "bad", "shapes", "quickdraw/cat.ndjson"]
    assert "not the manifest of a data set" in rows[1]
    assert rows[2].endswith("data set  40 drawings of 17 classes (40/0/0)")
    kinds = [entry["kind"] for entry in sketchkit("data", "list", "--json").json]
    assert kinds == ["damaged", "data set", "file"]
    assert len(sketchkit("data", "list", kept, "--json").json) == 3


def test_info_shows_a_set_and_finds_damage_when_asked(sketchkit: Sketchkit) -> None:
    sketchkit("data", "synth", "-n", 40, "-o", "d")
    shown = sketchkit("data", "info", "d", "--check")
    text = shown.out.decode()
    assert (shown.code, shown.err) == (0, "")
    assert "40 drawings of 17 classes" in text
    assert "max_points: 200" in text
    assert "umbrella" in text
    assert sketchkit("data", "info", "d", "--json").json["drawings"] == 40
    content = bytearray(Path("d/train.lifts").read_bytes())
    content[5] ^= 1
    Path("d/train.lifts").write_bytes(content)
    assert sketchkit("data", "info", "d").code == 0
    failed = sketchkit("data", "info", "d", "--check")
    assert failed.err == "sketchkit: d/train.lifts: damaged: its checksum is not the manifest's\n"
    assert failed.code == 3


# --- fetch ---------------------------------------------------------------------------------------------


def test_fetch_downloads_what_is_not_there(sketchkit: Sketchkit, kept: Path, bucket: str) -> None:
    first = sketchkit("data", "fetch", "quickdraw", "cat", "--base-url", bucket)
    path = kept / "quickdraw" / "cat.ndjson"
    assert (first.code, first.out, first.err) == (0, b"", f"cat: {path}\n")
    more = sketchkit("data", "fetch", "quickdraw", "cat", "pig", "pig", "--base-url", bucket, "--json")
    assert [(each["class"], each["downloaded"]) for each in more.json] == [("cat", False), ("pig", True)]
    assert len(list(library.read_all(path))) == 20
    again = sketchkit("data", "fetch", "quickdraw", "cat", "--base-url", bucket, "--force")
    assert again.err == f"cat: {path}\n"


def test_fetch_names_what_is_not_there(sketchkit: Sketchkit, kept: Path, bucket: str) -> None:
    failed = sketchkit("data", "fetch", "quickdraw", "cat", "owl", "--base-url", bucket, "-o", "here")
    assert failed.code == 3
    assert failed.err.splitlines() == [
        "cat: here/cat.ndjson",
        f"sketchkit: {bucket}/owl.ndjson: the server answers 404: there is no class of this name",
    ]
    assert os.listdir("here") == ["cat.ndjson"]


def test_fetch_without_a_network_is_one_line(sketchkit: Sketchkit, kept: Path) -> None:
    failed = sketchkit("data", "fetch", "quickdraw", "owl", "--base-url", "http://127.0.0.1:1")
    assert (failed.code, failed.err.count("\n")) == (3, 1)
    assert "cannot be downloaded" in failed.err


# --- distill -------------------------------------------------------------------------------------------


def test_distill_writes_as_many_drawings_as_asked_for_at_each_temperature(sketchkit: Sketchkit) -> None:
    assert (
        sketchkit("data", "distill", "tiny", "-n", "4", "-t", "0.3,0.6", "--seed", "2", "-o", "t.ndjson").code
        == 0
    )
    keys = [sketch.key or "" for sketch in library.read_all("t.ndjson")]
    assert [key.split("-")[2] for key in keys] == ["0.3"] * 4 + ["0.6"] * 4
    assert {sketch.label for sketch in library.read_all("t.ndjson")} == {"bird"}
    refused = sketchkit("data", "distill", "tiny", "-n", "4", "-o", "t.ndjson")
    assert (refused.code, "exists already" in refused.err) == (3, True)


def test_a_distillation_that_was_stopped_goes_on_with_the_same_bytes(
    sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sketchkit.cli import distill as command

    line = ("data", "distill", "tiny", "-n", "3", "-t", "0.3,0.4,0.6", "-o")
    assert sketchkit(*line, "whole.ndjson").code == 0
    make_lines = command._make_lines

    def stopped(*arguments: object) -> Iterator[bytes]:
        yield next(make_lines(*arguments))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "_make_lines", stopped)
        assert sketchkit(*line, "again.ndjson").code == 130
    assert not Path("again.ndjson").exists()
    went_on = sketchkit(*line, "again.ndjson")
    assert (went_on.code, "going on after 3 drawings" in went_on.err) == (0, True)
    assert Path("again.ndjson").read_bytes() == Path("whole.ndjson").read_bytes()


# --- what a critic keeps --------------------------------------------------------------------------------


def test_a_critic_keeps_what_looks_like_its_class(sketchkit: Sketchkit) -> None:
    suns, cars = list(synth(30, seed=2, classes=["sun"])), list(synth(30, seed=2, classes=["car"]))
    cups = list(synth(3, seed=2, classes=["cup"]))  # which the critic does not know
    library.write([*suns, *(sketch.labelled("sun") for sketch in cars)], "mixed.ndjson")
    library.write(cups, "cups.ndjson")
    done = sketchkit("data", "critique", "mixed.ndjson", "cups.ndjson", "-o", "kept.ndjson", "--json")
    kept = list(library.read_all("kept.ndjson"))
    assert done.json == {
        "output": "kept.ndjson", "drawings": 63, "kept": len(kept), "unknown": 3, "least": 0.5,
    }  # fmt: skip
    assert kept[-3:] == list(library.read_all("cups.ndjson"))
    given = list(library.read_all("mixed.ndjson"))
    places = [given.index(sketch) for sketch in kept[:-3]]
    assert places == sorted(places)
    assert sum(place < 30 for place in places) > 15 > sum(place >= 30 for place in places)


def test_all_are_kept_by_a_critic_that_asks_for_nothing(sketchkit: Sketchkit) -> None:
    library.write(list(synth(5, seed=2, classes=["sun"])), "some.ndjson")
    done = sketchkit("data", "critique", "some.ndjson", "--least", 0, "-o", "kept.ndjson")
    assert (done.code, done.out) == (0, b"")
    assert "kept 5 of 5 drawings" in done.err
    assert list(library.read_all("kept.ndjson")) == list(library.read_all("some.ndjson"))
    assert "exists already" in sketchkit("data", "critique", "some.ndjson", "-o", "kept.ndjson").err
    missing = sketchkit("data", "critique", "some.ndjson", "none.ndjson", "-o", "other.ndjson")
    assert missing.code == 3 and not Path("other.ndjson").exists()
    wrong = sketchkit("data", "critique", "some.ndjson", "-o", "x.ndjson", "--critic", "some.ndjson")
    assert wrong.code == 5 and "some.ndjson: not a safetensors file" in wrong.err
