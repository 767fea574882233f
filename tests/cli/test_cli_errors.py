"""What goes wrong is said in one harmless line, before the work starts, with a code that says whose fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from conftest import BIRD, Sketchkit

import sketchkit as library
from sketchkit import registry

#: Escape sequences, markup, line breaks, an override of the writing direction, an invisible character.
HOSTILE = "a\x1b[31m[red]\n\r\u202e\u200b\x07\x9bb"


def is_harmless(text: str) -> bool:
    """One line that a terminal shows and obeys nothing of."""
    return text.endswith("\n") and text[:-1].isprintable()


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (
            ["complete", "bird.svg", "-t", "-1"],
            2,
            "of sampler 'temperature' must be 0..100",
        ),
        (["complete", "bird.svg", "-t", "nan"], 2, "got nan"),
        (["complete", "bird.svg", "-t", "hot"], 2, "'--temperature'"),
        (["complete", "bird.svg", "-n", "0"], 2, "'-n'"),
        (["complete", "bird.svg", "--top", "0"], 2, "'--top'"),
        (["complete", "bird.svg", "-O", "junk"], 2, "an option is written name=value, got 'junk'"),
        (["complete", "bird.svg", "-O", "k=3"], 2, "has no option 'k': it has temperature, rule"),
        (["sample", "--sampler", "top-k", "-O", "k=0"], 2, "'k' of sampler 'top-k' must be 1 or more"),
        (["complete", "bird.svg", "--tile", "junk"], 2, "'junk' is not COLUMNSxROWS, such as 4x3"),
        (["complete", "bird.svg", "--tile", "-2x2"], 2, "is not COLUMNSxROWS"),
        (["complete", "bird.svg", "--tile", "3x"], 2, "is not COLUMNSxROWS"),
        (["complete", "bird.svg", "--tile", "0x2"], 2, "at least one column and one row"),
        (["complete", "bird.svg", "--tile", "9999999999x1"], 2, "so many cells"),
        (["complete", "bird.svg", "--tile", "2x2"], 2, "9 pictures do not fit a tile of 2x2"),
        (["sample", "-n", "5", "--tile", "2x2"], 2, "5 pictures do not fit a tile of 2x2"),
        (["render", "bird.svg", "-o", "x.svg", "--cell", "nan"], 2, "the cell must be above 0 pixels"),
        (["render", "bird.svg", "-o", "x.svg", "--background", "url(x)"], 2, "a colour must be"),
        (["complete", "nowhere"], 3, "nowhere: no such file"),
        (["complete", "."], 3, ".: this is a folder"),
        (["complete", "nowhere", "--layout", "layers"], 3, "nowhere: no such file"),
        (["infill", "nowhere", "--missing", "0:1"], 3, "nowhere: no such file"),
        (["interpolate", "nowhere", "bird.svg"], 3, "nowhere: no such file"),
        (["score", "bird.svg", "--input-format", "ndjson"], 3, "bird.svg: line 1"),
        (["score", "bird.svg", "--input-format", "junk"], 4, "junk"),
        (["render", "bird.svg", "-o", "x.svg", "--background", "nonsense"], 2, "got 'nonsense'"),
        (["render", "bird.svg", "-o", "x.png", "--background", "teel"], 2, "'teel'; did you mean teal?"),
        (
            ["complete", "bird.svg", "--layout", "layers", "--background", "red"],
            2,
            "--background: layers stand",
        ),
        (["complete", "bird.svg", "--layout", "gird"], 2, "'gird' is not one of 'grid', 'layers', 'files'"),
        (
            ["complete", "bird.svg", "--scale", "big"],
            2,
            "'big' is neither a number from 1e-09 to 1e+09 nor auto",
        ),
        (["complete", "bird.svg", "--scale", "-1"], 2, "neither a number from 1e-09"),
        (["complete", "bird.svg", "--scale", "1e-10"], 2, "neither a number from 1e-09"),
        (["complete", "bird.svg", "--scale", "2e9"], 2, "neither a number from 1e-09"),
        (["sample", "--max-points", "1000000000000"], 2, "'--max-points'"),
        (["sample", "--seed", "18446744073709551616"], 2, "'--seed'"),
        (["sample", "--first", "18446744073709551616"], 2, "'--first'"),
        (["sample", "--sampler", "greedy", "-t", "-3"], 2, "the temperature must be 0..100, got -3"),
        (
            ["sample", "-O", "temperature=0.9", "-t", "0.1"],
            2,
            "--temperature and -O temperature are the same",
        ),
        (
            ["complete", "bird.svg", "-o", "{foo}.svg"],
            2,
            "{foo} stands for nothing: there are {stem} and {index}",
        ),
        (["sample", "--layout", "files", "-o", "s{index:03}.svg"], 2, "{index:03} stands for nothing"),
        (["complete", "bird.svg", "--format", "pgn"], 2, "did you mean .png?"),
        (["complete", "bird.svg", "-o", "x.nosuch"], 2, "nothing writes .nosuch files: there are .apng, "),
        (["complete", "bird.svg", "-o", ""], 2, "a name without a suffix needs --format"),
        (["complete", "bird.svg", "-o", "-", "--json"], 2, "cannot both go to stdout"),
        (["sample", "-o", "-", "--json"], 2, "cannot both go to stdout"),
        (["complete", "bird.svg", "-o", "x{index}.svg"], 2, "{index} goes with --layout files only"),
        (["complete", "-", "-"], 2, "standard input (-) is given more than once"),
        (["complete", "--input-format", "svgg", "-"], 4, "no format named 'svgg': did you mean 'svg'?"),
        (["complete"], 2, "Missing argument 'FILES'"),
        (["render", "bird.svg"], 2, "Missing option '--output'"),
        (["render", "--ouput", "x"], 2, "No such option: --ouput"),
        (["smaple"], 2, "No such command 'smaple'. Did you mean 'sample'"),
        (["bird.svg"], 2, "A drawing is finished by: sketchkit complete bird.svg"),
        (["my bird.svg", "-n", "3"], 2, "A drawing is finished by: sketchkit complete 'my bird.svg'"),
        (["cats.NDJSON#3"], 2, "No such command 'cats.NDJSON#3'. A drawing is finished by"),
        (["models", "pull", "cat", "--kind", "x"], 2, "'x' is not one of 'gen', 'vae'"),
        (["sample", "--sampler", "nucleos"], 4, "no sampler named 'nucleos': did you mean 'nucleus'?"),
        (["sample", "--model", "tinny"], 5, "no model named 'tinny': did you mean 'tiny'?"),
        (["sample", "--model", "x.json"], 5, "x.json: no such file"),
        (["sample", "--device", "abacus"], 5, "the device 'abacus' cannot be used here"),
        (["complete", "nosuch.svg"], 3, "nosuch.svg: no such file"),
        (["complete", "nosuch.svg", "--layout", "layers"], 3, "nosuch.svg: no such file"),
        (["complete", "."], 3, ".: "),
        (
            ["complete", "bird.svgz"],
            3,
            "bird.svgz: compressed SVG (.svgz) is neither read nor written: unpack",
        ),
        (["complete", "bird.svg", "-o", "x.svgz"], 2, "did you mean .svg?"),
        (["complete", "bird.xyz"], 3, "bird.xyz: the suffix '.xyz' is unknown"),
        (["complete", "bird.svg", "-o", "no/x.svg"], 3, "no/x.svg: there is no folder"),
        (
            ["complete", "bird.svg", "--layout", "files", "-o", "x.svg"],
            3,
            "x.svg: 9 outputs would have",
        ),
        (["complete", "bird.svg", "bird.svg", "--layout", "layers"], 3, "2 outputs would have this name"),
        (["complete", "bird.svg", "-o", "folder.svg"], 3, "folder.svg: this is a folder"),
        (["models", "info", "../../etc/passwd"], 5, "no model named"),
        (["models", "pull", "../x"], 3, "cannot be the name of a model"),
    ],
)
def test_an_error_is_one_line_and_leaves_no_file(
    sketchkit: Sketchkit, bird: Path, args: list[str], code: int, words: str
) -> None:
    Path("folder.svg").mkdir()
    failed = sketchkit(*args)
    assert (failed.code, failed.out) == (code, b"")
    assert failed.err.startswith("sketchkit: ")
    assert words in failed.err
    assert is_harmless(failed.err)
    assert {p.name for p in Path().iterdir()} == {"bird.svg", "folder.svg"}
    if code == 2:
        assert failed.err.rstrip().endswith("--help`)")


def test_wrong_usage_points_to_the_help_of_its_command(sketchkit: Sketchkit, bird: Path) -> None:
    assert "(see `sketchkit complete --help`)" in sketchkit("complete", bird, "--tile", "x").err
    assert "(see `sketchkit models export --help`)" in sketchkit("models", "export", "tiny").err


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("models list >&-", 3, "sketchkit: standard output is closed\n"),
        ("models info tiny >&-", 3, "sketchkit: standard output is closed\n"),
        ("plugins >&-", 3, "sketchkit: standard output is closed\n"),
        ("models list --json >&-", 3, "sketchkit: standard output is closed\n"),
        ("--help >&-", 3, "sketchkit: standard output is closed\n"),
        ("complete --help >&-", 3, "sketchkit: standard output is closed\n"),
        ("--version >&-", 3, "sketchkit: standard output is closed\n"),
        ("sample -n 1 -o x.svg >&-", 0, "wrote x.svg\n"),
        ("sample -n 1 -o - >&-", 3, "sketchkit: standard output is closed\n"),
        ("sample -n 1 --format ndjson -o - >&-", 3, "sketchkit: standard output is closed\n"),
        ("render - -o x.svg <&-", 3, "sketchkit: standard input is closed\n"),
        ("complete - -o x.svg --layout layers <&-", 3, "sketchkit: standard input is closed\n"),
        ("sample -n 1 -o x.svg 2>&-", 0, ""),
        ("render nosuch.svg -o x.svg 2>&-", 3, ""),
        ("data synth -n 2 -o shapes --split 100/0/0 2>&-", 0, ""),
        ("sample -n 1 -o x.svg 2>/dev/full", 0, ""),
        ("render nosuch.svg -o x.svg 2>/dev/full", 3, ""),
        ("sample --model nosuch 2>/dev/full", 5, ""),
        ("nosuch 2>/dev/full", 2, ""),
        ("2>/dev/full", 2, ""),
        ("sample --sampler nosuch >/dev/full 2>/dev/full", 4, ""),
    ],
)
def test_a_standard_stream_that_is_closed_is_told_or_not_missed(
    home: Path, line: str, code: int, words: str
) -> None:
    command = f"{sys.executable} -m sketchkit {line}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", words)


@pytest.mark.parametrize("layout", ["grid", "layers", "files"])
def test_a_document_without_strokes_holds_no_drawing(sketchkit: Sketchkit, layout: str) -> None:
    Path("blank.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    failed = sketchkit("complete", "blank.svg", "--layout", layout)
    assert (failed.code, failed.err) == (3, "sketchkit: blank.svg: holds no drawing\n")


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (["complete", "bird.svg"], "bird-endings.svg"),
        (["complete", "bird.svg", "--layout", "layers"], "bird-layers.svg"),
        (["complete", "bird.svg", "--layout", "files"], "bird-3.svg"),
        (["sample", "-o", "x.ndjson"], "x.ndjson"),
        (["render", "bird.svg", "-o", "x.png"], "x.png"),
    ],
)
def test_a_file_that_exists_stays_unless_forced(
    sketchkit: Sketchkit, bird: Path, args: list[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(name).write_text("mine")
    with monkeypatch.context() as patched:
        patched.setattr("sketchkit.cli.runner.Run.load", lambda self: pytest.fail("the work has started"))
        refused = sketchkit(*args)
    assert refused.err == f"sketchkit: {name}: the file exists already; --force overwrites it\n"
    assert (refused.code, Path(name).read_text()) == (3, "mine")
    assert sketchkit(*args, "--force").code == 0
    assert Path(name).read_bytes() != b"mine"


def test_a_file_that_appears_during_the_work_stays(
    sketchkit: Sketchkit, bird: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sketchkit.cli.runner import Run

    load = Run.load

    def slow(self: Run, points: int = 0) -> object:
        Path("out.svg").write_text("theirs")
        return load(self, points)

    monkeypatch.setattr(Run, "load", slow)
    refused = sketchkit("complete", bird, "-o", "out.svg")
    assert (refused.code, refused.err) == (3, "sketchkit: out.svg: the file exists already\n")
    assert Path("out.svg").read_text() == "theirs"
    assert {p.name for p in Path().iterdir()} == {"bird.svg", "out.svg"}


def test_a_pipe_needs_no_force(sketchkit: Sketchkit, bird: Path) -> None:
    reading, writing = os.pipe()
    assert sketchkit("complete", bird, "-n", 1, "--format", "svg", "-o", f"/dev/fd/{writing}").code == 0
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        assert stream.read().startswith(b"<?xml")


def test_a_crash_is_one_line_too(sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError(HOSTILE)

    monkeypatch.setattr("sketchkit.checkpoints.store.stored_models", broken)
    failed = sketchkit("models", "list")
    assert failed.code == 1
    assert failed.err.startswith("sketchkit: internal error: ValueError: a")
    assert is_harmless(failed.err)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        type("OutOfMemoryError", (RuntimeError,), {})("2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0"),
    ],
)
def test_a_lack_of_memory_is_no_crash(
    sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def hungry(self: object, points: int = 0) -> None:
        raise error

    monkeypatch.setattr("sketchkit.cli.runner.Run.load", hungry)
    failed = sketchkit("sample")
    assert (failed.code, "--batch-size" in failed.err) == (5, True)


def test_the_traceback_is_shown_on_request(sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKETCHKIT_RAISE", "1")
    failed = sketchkit("sample", "--model", "nobody")
    assert failed.code == 5
    assert "Traceback" in failed.err
    assert failed.err.endswith("sketchkit: no model named 'nobody': there are tiny\n")


@pytest.mark.parametrize(
    "args",
    [
        ["complete", HOSTILE + ".svg"],
        ["complete", HOSTILE],
        ["complete", "bird.svg", "-o", HOSTILE + "/x.svg"],
        ["complete", "bird.svg", "-o", HOSTILE],
        ["complete", "bird.svg", "--tile", HOSTILE],
        ["complete", "bird.svg", "--layout", HOSTILE],
        ["complete", "bird.svg", "-O", HOSTILE],
        ["complete", "bird.svg", "-O", HOSTILE + "=1"],
        ["sample", "--model", HOSTILE],
        ["sample", "--sampler", HOSTILE],
        ["sample", "--device", HOSTILE],
        ["sample", f"--{HOSTILE}"],
        [HOSTILE],
        ["models", "pull", HOSTILE],
        ["models", "import", HOSTILE + ".json"],
        ["models", "remove", HOSTILE],
        ["models", "pull", "owl", "--base-url", f"http://127.0.0.1:1/{HOSTILE}"],
    ],
)
def test_hostile_words_are_printed_harmlessly(sketchkit: Sketchkit, bird: Path, args: list[str]) -> None:
    failed = sketchkit(*args)
    assert failed.code in (2, 3, 4, 5)
    assert is_harmless(failed.err)


def test_a_file_with_a_hostile_name_is_drawn_all_the_same(sketchkit: Sketchkit) -> None:
    Path(HOSTILE + ".svg").write_text(BIRD)
    done = sketchkit("complete", HOSTILE + ".svg", "-n", 1, "--label", "--json")
    assert done.code == 0
    assert done.json[0]["drawing"] == HOSTILE
    assert done.out.isascii()
    assert b"\x1b" not in done.out
    assert Path(f"{HOSTILE}-endings.svg").exists()


def test_a_name_that_is_no_text_breaks_neither_errors_nor_json(shell: Sketchkit, home: Path) -> None:
    failed = shell("complete", b"\xff\xfe.svg")
    assert failed.code == 3
    assert is_harmless(failed.err)
    Path(os.fsdecode(b"\xff.svg")).write_text(BIRD)
    done = shell("complete", b"\xff.svg", "-n", "1", "--json", "--label")
    assert done.code == 0
    (told,) = json.loads(done.out.decode("ascii"))
    told["drawing"].encode()  # half a surrogate pair could not be
    assert os.path.exists(b"\xff-endings.svg")


def test_hostile_classes_stay_in_their_row(sketchkit: Sketchkit, own_store: Path) -> None:
    library.load_model("tiny").with_card(classes=(HOSTILE,), licence=HOSTILE).save(
        own_store / "x.safetensors"
    )
    for args in (["models", "list"], ["models", "info", "x"]):
        shown = sketchkit(*args).out.decode()
        assert all(line.isprintable() for line in shown.splitlines())
    assert len(sketchkit("models", "list").out.decode().splitlines()) == 3
    listed = sketchkit("models", "list", "--json")
    assert listed.out.isascii()
    assert listed.json[1]["card"]["classes"] == [HOSTILE]


def test_nobody_reading_is_no_error_worth_a_word(home: Path) -> None:
    for args in (
        ["models", "list", "--json"],
        ["models", "list"],
        ["--help"],
        ["sample", "-n", "1", "-o", "-"],
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "sketchkit", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=600)
        assert (process.returncode, err) == (141, b"")


def test_a_reader_of_stderr_that_has_gone_changes_no_exit_code(home: Path) -> None:
    for args, code in ((["render", "nosuch.svg", "-o", "x.svg"], 3), (["sample", "-n", "1"], 0), ([], 2)):
        process = subprocess.Popen([sys.executable, "-m", "sketchkit", *args], stderr=subprocess.PIPE)
        assert process.stderr is not None
        process.stderr.close()
        assert process.wait(timeout=120) == code


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_bad_luck_rather_than_a_bug(home: Path) -> None:
    for args in (["models", "list", "--json"], ["models", "list"], ["sample", "-o", "-"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "sketchkit", *args], stdout=full, stderr=subprocess.PIPE, timeout=600
            )
        assert done.returncode == 3
        assert b"no space left on device" in done.stderr
        assert is_harmless(done.stderr.decode())


class Mute:
    """A renderer of a stranger who says no suffix at all."""

    suffixes = None


class Clumsy:
    """A renderer of a stranger with a bug."""

    suffixes = (".clumsy", ".ndjson")

    def render(self, pictures: object, layout: object, metadata: object) -> bytes:
        raise KeyError("nothing")


def test_a_strangers_renderer_disturbs_nobody_and_is_named_when_it_fails(
    sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = registry._plugins

    def with_strangers(kind: str, allowed: bool) -> tuple[registry.Plugin, ...]:
        found = [("mute", "Mute"), ("clumsy", "Clumsy")] if kind == "renderer" else []
        return plugins(kind, allowed) + tuple(
            registry.Plugin(
                kind, name, "odd-plugin", EntryPoint(name, f"{__name__}:{value}", registry.GROUPS[kind])
            )
            for name, value in found
        )

    monkeypatch.setattr(registry, "_plugins", with_strangers)
    assert sketchkit("sample", "-n", 1, "-o", "q.ndjson").code == 0
    assert Path("q.ndjson").read_bytes().startswith(b"{")
    assert sketchkit("sample", "-n", 1, "-o", "q.jpg").code == 2
    failed = sketchkit("sample", "-n", 1, "-o", "q.clumsy")
    assert (failed.code, failed.err) == (
        4,
        "sketchkit: the renderer odd-plugin:clumsy failed: KeyError: 'nothing'\n",
    )


#: What reads a file that a user names, the file with the suffix in braces; and the exit code.
READS = [
    ("render {.svg} -o out.png", 3),
    ("render {.ndjson} -o out.png", 3),
    ("render {.npz} -o out.png", 3),
    ("render {.bin} -o out.png", 3),
    ("complete bird.svg --avoid {.svg} -o out.svg", 3),
    ("complete bird.svg -m {.safetensors} -o out.svg", 5),
    ("complete bird.svg -m {.json} -o out.svg", 5),
    ("models info {.js}", 5),
    ("models import {.json}", 5),
    ("score {.svg}", 3),
    ("encode {.ndjson} -o out.npz", 3),
    ("decode {.npz} -o out.svg", 3),
    ("atlas {.ndjson} -o out.svg", 3),
    ("grid --jobs {.jsonl} -o out-{stem}.svg", 3),
    ("data prepare {.ndjson} -o out", 3),
    ("data info {.ndjson}", 3),
    ("train shapes --config {.toml} -o out", 3),
    ("train {.ndjson} -o out", 3),
    ("doctor {.csv}", 3),
]
#: What sketchkit opens by itself: the file, and a command that opens it.
FINDS = [
    ("set/manifest.json", "data info set", 3),
    ("set/manifest.json", "train set -o out", 3),
    ("run/train.csv", "doctor run", 3),
    ("run/run.json", "train shapes -o run --resume", 3),
    ("config.toml", "complete bird.svg -o out.svg", 3),
    ("store/models/mine.safetensors", "complete bird.svg -m mine -o out.svg", 5),
]


def _put(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()


def _make_data(sketchkit: Sketchkit, line: str) -> None:
    """The data set that a line of training names: it is opened first."""
    if line.startswith("train shapes"):
        assert sketchkit("data", "synth", "-n", "9", "-o", "shapes").code == 0


def _is_refused(done: Any, code: int, name: str) -> None:
    assert (done.code, done.out) == (code, b""), done.err
    assert is_harmless(done.err) and name in done.err, done.err
    assert not [path for path in Path().iterdir() if path.name.startswith("out")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
@pytest.mark.parametrize(("line", "code"), READS)
def test_what_a_user_names_that_is_no_file_is_refused_in_one_line(
    sketchkit: Sketchkit, bird: Path, line: str, code: int, kind: str
) -> None:
    words = [f"strange{word[1:-1]}" if word.startswith("{.") else word for word in line.split()]
    (name,) = (word for word in words if word.startswith("strange"))
    _make_data(sketchkit, line)
    _put(Path(name), kind)
    _is_refused(sketchkit(*words), code, name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
@pytest.mark.parametrize(("place", "line", "code"), FINDS)
def test_what_is_found_that_is_no_file_is_refused_in_one_line(
    sketchkit: Sketchkit,
    bird: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    line: str,
    code: int,
    kind: str,
) -> None:
    _make_data(sketchkit, line)
    _put(Path(place), kind)
    if place == "config.toml":
        monkeypatch.setenv("SKETCHKIT_CONFIG", place)
    if place.startswith("store"):
        monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(Path("store").absolute()))
        listed = sketchkit("models", "list")
        assert listed.code == 0 and f"this is a {kind}, not a file" in listed.out.decode()
    _is_refused(sketchkit(*line.split()), code, place.partition("/")[0])


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="this system has no /dev/fd")
@pytest.mark.parametrize("more", [["render", "-o", "out.svg"], ["score"], ["complete", "-o", "out.svg"]])
def test_a_drawing_may_come_out_of_a_pipe(home: Path, bird: Path, more: list[str]) -> None:
    command, *rest = more
    shell = f'"$0" -m sketchkit {command} --input-format svg {" ".join(rest)} <(cat bird.svg)'
    done = subprocess.run(["bash", "-c", shell, sys.executable], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    words = [command, "--input-format", "svg", *rest, *(["--force"] if rest else [])]
    again = [sys.executable, "-m", "sketchkit", *words, "/dev/stdin"]
    done = subprocess.run(again, input=BIRD, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
