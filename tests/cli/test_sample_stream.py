"""`sketchkit sample` into one ndjson file: drawing after drawing, and on after whatever stopped it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Outcome, Sketchkit
from forks import Fork, run_code

import sketchkit as library
from sketchkit.cli.resumable import PartFile, exclusive_lock
from sketchkit.generate import streaming

DOCS = Path(__file__).parents[2] / "docs"
BLOCK, N = 8, 44
#: --deterministic, for with it a drawing is the same to the last bit however many are drawn together.
COMMAND = ("sample", "-n", N, "--seed", 5, "-t", 0.8, "--deterministic", "-o", "out.ndjson")
WROTE = "wrote out.ndjson\n"
#: The command line in a process of its own, with blocks as small as in here.
SMALL = (
    "import sketchkit.generate.streaming as streaming; from sketchkit.cli.main import main; "
    f"streaming._MOST_BLOCK = {BLOCK}; main()"
)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_MOST_BLOCK", BLOCK)


@pytest.fixture
def expected(home: Path, tmp_path: Path) -> bytes:
    """What the command writes, by the library's writer of lists."""
    drawings = library.sample(library.load_model("tiny", device="cpu"), N, 0.8, seed=5, exact=True)
    path = tmp_path / "expected.ndjson"
    library.write(drawings, path)
    return path.read_bytes()


@pytest.fixture
def stopped(sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """The command, interrupted in the middle of its fourth block."""
    return stop(sketchkit, monkeypatch, KeyboardInterrupt(), 3)


def stop(sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch, error: BaseException, blocks: int) -> Outcome:
    """Run the command until an error comes while it writes one more block than so many."""
    append = PartFile.append

    def fail(part: PartFile, lines: bytes, count: int) -> None:
        if part.done < blocks * BLOCK:
            append(part, lines, count)
        else:
            os.write(part._handle, lines[: len(lines) // 2])
            raise error

    with monkeypatch.context() as patch:
        patch.setattr(PartFile, "append", fail)
        return sketchkit(*COMMAND)


def parts() -> list[Path]:
    return sorted(Path().glob(".*.part"))


def leftovers() -> list[str]:
    return [name for name in os.listdir() if name.startswith(".")]


def test_blocks_hold_what_one_writing_holds(sketchkit: Sketchkit, expected: bytes) -> None:
    done = sketchkit(*COMMAND)
    assert (done.code, done.out, done.err) == (0, b"", WROTE)
    assert Path("out.ndjson").read_bytes() == expected
    assert os.listdir() == ["out.ndjson"]


def test_an_interrupted_run_goes_on_after_its_whole_blocks(
    sketchkit: Sketchkit, stopped: Outcome, expected: bytes
) -> None:
    assert stopped.code == 130
    assert stopped.err == f"24 of {N} drawings are kept: the same command goes on after them\n"
    assert len(parts()) == 1 and os.listdir() == [parts()[0].name]
    again = sketchkit(*COMMAND)
    assert (again.code, again.err) == (0, "going on after 24 drawings\n" + WROTE)
    assert Path("out.ndjson").read_bytes() == expected and not leftovers()


def test_an_interrupt_before_the_first_block_leaves_nothing(
    sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = stop(sketchkit, monkeypatch, KeyboardInterrupt(), 0)
    assert (ended.code, ended.err, os.listdir()) == (130, "", [])


def test_what_a_kill_leaves_is_gone_on_with(sketchkit: Sketchkit) -> None:
    command = ["sample", "-n", "400", "-o", "killed.ndjson"]
    kills = 0
    while kills < 3:
        sizes = [path.stat().st_size for path in parts()]
        process = Fork(run_code, SMALL, command)
        # Let it do something, so that there is an end, and stop it wherever it is then.
        while process.poll() is None and not _grown(sizes):
            time.sleep(0.005)
        if kills < 2:
            process.kill()
        _, err = process.communicate(timeout=600)
        if kills < 2 and process.returncode == 0:  # it was over before it could be killed: begin anew
            Path("killed.ndjson").unlink()
            kills = 0
            continue
        assert process.returncode == (-9 if kills < 2 else 0), err
        kills += 1
    assert "going on after " in err
    assert sketchkit("sample", "-n", 400, "-o", "whole.ndjson").code == 0
    assert Path("killed.ndjson").read_bytes() == Path("whole.ndjson").read_bytes()
    assert not leftovers()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_on_the_way_leaves_what_is_drawn(number: signal.Signals) -> None:
    words = ["sample", "-n", "100000", "-o", "out.ndjson"]
    process = Fork(run_code, SMALL, words)
    while process.poll() is None and not _grown([]):
        time.sleep(0.005)
    process.send_signal(number)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 128 + number
    (line,) = err.splitlines()
    told = re.fullmatch(r"([0-9,]+) of 100,000 drawings are kept: the same command goes on after them", line)
    assert told is not None
    (part,) = parts()
    assert os.listdir() == [part.name]
    assert part.read_bytes().count(b"\n") >= int(told[1].replace(",", "")) >= BLOCK


def _grown(before: list[int]) -> bool:
    with suppress(FileNotFoundError):
        return sum(path.stat().st_size for path in parts()) > sum(before) + 4000
    return True


def test_a_full_disk_leaves_the_whole_blocks(sketchkit: Sketchkit, expected: bytes) -> None:
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({len(expected) // 2},) * 2); "
    failed = subprocess.run(
        [sys.executable, "-c", full + SMALL, *map(str, COMMAND)], capture_output=True, text=True
    )
    kept, told = failed.stderr.splitlines()
    assert (failed.returncode, told) == (3, "sketchkit: out.ndjson: file too large")
    assert kept.endswith(" drawings are kept: the same command goes on after them")
    assert len(parts()) == 1
    assert sketchkit(*COMMAND).code == 0
    assert Path("out.ndjson").read_bytes() == expected and not leftovers()


@pytest.mark.parametrize(
    "more",
    [
        ("--seed", 6),
        ("-t", 0.7),
        ("--first", 1),
        ("-n", N + 1),
        ("--max-points", 19),
        ("--sampler", "top-k"),
        ("--batch-size", 5),
        ("-o", "other.ndjson"),
    ],
)
def test_the_part_of_another_run_is_not_touched(
    sketchkit: Sketchkit, stopped: Outcome, expected: bytes, more: tuple[object, ...]
) -> None:
    (part,) = parts()
    content = part.read_bytes()
    other = sketchkit(*COMMAND, *more, "--force")
    name = "other.ndjson" if "other.ndjson" in more else "out.ndjson"
    assert (other.code, other.err) == (0, f"wrote {name}\n")
    assert parts() == [part] and part.read_bytes() == content
    assert sketchkit(*COMMAND, "--force").err == "going on after 24 drawings\n" + WROTE
    assert Path("out.ndjson").read_bytes() == expected


def test_other_weights_are_another_run(sketchkit: Sketchkit, stopped: Outcome, own_store: Path) -> None:
    model = library.load_model("tiny")
    for weight in model.parameters():
        weight.data.mul_(1.01)
    model.save(own_store / "tiny.safetensors")
    (part,) = parts()
    assert sketchkit(*COMMAND).err == WROTE and parts() == [part]


def test_a_file_that_exists_is_kept_and_force_replaces_it(sketchkit: Sketchkit, expected: bytes) -> None:
    Path("out.ndjson").write_bytes(b"mine")
    refused = sketchkit(*COMMAND)
    assert refused.code == 3 and "out.ndjson: the file exists already; --force" in refused.err
    assert Path("out.ndjson").read_bytes() == b"mine"
    assert sketchkit(*COMMAND, "--force").code == 0
    assert Path("out.ndjson").read_bytes() == expected


def test_a_file_that_appears_meanwhile_costs_nothing(
    sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch, expected: bytes
) -> None:
    finish = PartFile.finish

    def late(part: PartFile, *, overwrite: bool) -> None:
        Path("out.ndjson").write_bytes(b"another's")
        finish(part, overwrite=overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(PartFile, "finish", late)
        refused = sketchkit(*COMMAND)
    assert refused.code == 3 and Path("out.ndjson").read_bytes() == b"another's"
    assert sketchkit(*COMMAND, "--force").err == f"going on after {N} drawings\n{WROTE}"
    assert Path("out.ndjson").read_bytes() == expected and not leftovers()


def test_two_runs_do_not_write_one_file(sketchkit: Sketchkit) -> None:
    with exclusive_lock(os.path.realpath("out.ndjson"), "out.ndjson"):
        refused = sketchkit(*COMMAND)
        assert refused.code == 3 and "out.ndjson: another run is writing this file" in refused.err
        assert sketchkit(*COMMAND[:-1], "beside.ndjson").code == 0
    assert sketchkit(*COMMAND).code == 0


def test_a_link_is_followed(sketchkit: Sketchkit, tmp_path: Path, expected: bytes) -> None:
    target = tmp_path / "elsewhere.ndjson"
    Path("out.ndjson").symlink_to(target)
    assert sketchkit(*COMMAND).code == 0
    assert Path("out.ndjson").is_symlink() and target.read_bytes() == expected
    assert not leftovers()


def test_stdout_takes_drawings_as_they_are_drawn(sketchkit: Sketchkit, expected: bytes) -> None:
    done = sketchkit(*COMMAND[:-1], "-", "--format", "ndjson")
    assert (done.code, done.out, done.err) == (0, expected, "")
    assert os.listdir() == []


def test_a_pipe_that_is_closed_ends_a_stream_without_end() -> None:
    words = ["sample", "-n", "1000000000", "-o", "-", "--format", "ndjson"]
    with subprocess.Popen(
        [sys.executable, "-c", SMALL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith(b'{"word":"bird","key_id":"0-0"')
        process.stdout.close()
        assert (process.wait(600), process.stderr.read()) == (141, b"")


def test_a_pipe_with_a_name_is_written_straight(sketchkit: Sketchkit, expected: bytes) -> None:
    os.mkfifo("out.ndjson")
    with subprocess.Popen(["cat", "out.ndjson"], stdout=subprocess.PIPE) as reader:
        assert sketchkit(*COMMAND).code == 0
        assert reader.communicate()[0] == expected
    assert os.listdir() == ["out.ndjson"]


def test_one_block_is_written_at_once(
    sketchkit: Sketchkit, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "_MOST_BLOCK", N)
    monkeypatch.setattr(PartFile, "open", None)
    assert sketchkit(*COMMAND).code == 0
    assert Path("out.ndjson").read_bytes() == expected


def test_several_classes_take_turns_also_after_a_stop(
    sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch, doodle: Path
) -> None:
    classes = ("--class", "cat", "--class", "pig", "--class", "pig")
    stop(lambda *words: sketchkit(*words, *classes), monkeypatch, KeyboardInterrupt(), 2)
    assert sketchkit(*COMMAND, *classes).err == "going on after 16 drawings\n" + WROTE
    drawn = [sketch.label for sketch in library.read_all("out.ndjson")]
    assert drawn == (["cat", "pig", "pig"] * N)[:N]


def test_a_report_has_the_same_drawings(sketchkit: Sketchkit, expected: bytes) -> None:
    told = sketchkit(*COMMAND, "--json")
    assert len(told.json) == N and {each["output"] for each in told.json} == {"out.ndjson"}
    assert Path("out.ndjson").read_bytes() == expected


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("-n 100001 --json -o out.ndjson", "--json reports on 100,000 drawings at most, not on 100,001"),
        ("-n 1000001 -o out.svg", "more than 1,000,000 drawings go into one ndjson file only"),
        ("-n 1000001 --layout files -o {index}.ndjson", "more than 1,000,000 drawings go into one ndjson"),
        ("-n 1000000001 -o out.ndjson", "less than or equal to 1000000000"),
        ("-n 9 --cell 50 -o out.ndjson", ".ndjson files hold drawings, not a sheet"),
    ],
)
def test_more_than_there_is_memory_for_is_refused(sketchkit: Sketchkit, words: str, reason: str) -> None:
    refused = sketchkit("sample", *words.split())
    assert refused.code == 2 and reason in refused.err
    assert os.listdir() == []


def test_the_last_drawing_has_the_last_index(sketchkit: Sketchkit) -> None:
    refused = sketchkit("sample", "-n", 100, "--first", 2**63 - 2, "-o", "out.ndjson")
    assert refused.code == 3 and "must lie in" in refused.err
    assert os.listdir() == []


def test_what_the_page_says_works(
    sketchkit: Sketchkit, doodle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, scale = ((DOCS / name).read_text(encoding="utf-8") for name in ("bulk.md", "scale.md"))
    commands = [
        line.partition(" | ")[0]
        for block in re.findall(r"^```console\n(.*?)^```$", page + scale, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if not line.startswith("sketchkit ray ")
    ]
    assert len(commands) == 5
    for command in commands:
        assert sketchkit(*command.replace("1000000", "24").split()[1:]).code == 0, command
    assert [sketch.key for sketch in library.read_all("drawings.ndjson")] == [f"0-{i}" for i in range(24)]
    assert Path("merged.ndjson").read_bytes() == Path("drawings.ndjson").read_bytes()
    examples = DOCS.parent / "examples"
    for code in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        here = code.replace("1_000_000", "24").replace('"examples/', f'"{examples}/')
        exec(compile(here, "bulk.md", "exec"), {})
    assert Path("finished.ndjson").exists()
