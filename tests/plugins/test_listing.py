"""Plugins in the command line: listed without being imported, told apart, run, and shut out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from plugin_parts import PATIENCE, Done, python_beside, run_beside, run_each_beside, write_distribution

STEADY = """
from sketchkit.sampling import Tempered
class Steady(Tempered):
    def __call__(self, density, noise):
        return density.tempered(0.01).draw(noise)
"""
COMMAND = """
import sys
import typer
app = typer.Typer()
@app.command()
def anything(word: str = "hello") -> None:
    "Say a word."
    if word == "fail":
        raise RuntimeError("it went wrong")
    if word == "missing":
        open("not-there.txt")
    if word == "three":
        raise typer.Exit(3)
    print(word)
"""
GROUP = """
import typer
app = typer.Typer(help="Two commands.")
@app.command()
def one() -> None:
    print(1)
@app.command()
def two() -> None:
    print(2)
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder for distributions."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    return folder


def _listed(shelf: Path, *args: str, **environment: str) -> dict[str, dict[str, str]]:
    return _rows(run_beside(shelf, *args, "plugins", "--json", **environment))


def _rows(done: Done) -> dict[str, dict[str, str]]:
    assert done.err == ""
    return {f"{row['distribution']}:{row['name']}": row for row in json.loads(done.out)}


def _done(shelf: Path, *lines: str) -> list[Done]:
    """What command lines leave behind that may run in one process."""
    return run_each_beside(shelf, *(line.split() for line in lines))


def test_fifty_plugins_are_listed_and_none_is_imported(shelf: Path) -> None:
    for number in range(50):
        source = f"open('imported-{number}', 'w')\n" + STEADY
        kinds = {"sampler": {f"steady-{number}": "Steady"}, "command": {f"word-{number}": "app"}}
        write_distribution(shelf, f"flow-{number}", source, kinds)
    listed, shown, table = _done(shelf, "plugins list --json", "--help", "plugins")
    rows = _rows(listed)
    assert rows["flow-7:steady-7"] == {
        "group": "samplers",
        "name": "steady-7",
        "distribution": "flow-7",
        "version": "1.0",
        "state": "installed",
        "reason": "",
    }
    assert sum(row["state"] == "installed" for row in rows.values()) == 100
    assert "word-49" in shown.out and "(by flow-49)" in shown.out
    assert table.out.count("flow-") == 100
    assert not list(shelf.glob("imported-*"))


def test_strangers_are_shut_out_by_a_flag_and_by_the_environment(shelf: Path) -> None:
    write_distribution(shelf, "flow", STEADY, {"sampler": {"steady": "Steady"}, "command": {"word": "app"}})
    assert "flow:steady" in _listed(shelf)
    assert "flow:steady" not in _listed(shelf, "--no-plugins")
    assert "flow:steady" not in _listed(shelf, SKETCHKIT_PLUGINS="")
    refused = run_beside(shelf, "--no-plugins", "word")
    assert (refused.code, refused.out) == (2, "") and "No such command 'word'" in refused.err
    refused = run_beside(shelf, "--no-plugins", "sample", "--sampler", "steady", "-o", "-")
    assert refused.code == 4 and "no sampler named 'steady'" in refused.err


def test_a_name_that_two_bring_is_told_by_the_distribution(shelf: Path) -> None:
    kinds = {"sampler": {"steady": "Steady", "greedy": "Steady"}, "command": {"word": "app"}}
    write_distribution(shelf, "flow", STEADY + COMMAND, kinds)
    write_distribution(shelf, "zeal", STEADY + COMMAND, kinds)
    listed, refused, said, drawn = _done(
        shelf, "plugins --json", "word", "zeal:word --word hi", "sample -n 1 --sampler flow:greedy -o x.svg"
    )
    rows = _rows(listed)
    assert rows["sketchkit:greedy"]["state"] == "built-in"
    assert rows["flow:steady"]["state"] == rows["zeal:greedy"]["state"] == "clash"
    assert rows["flow:steady"]["reason"] == "zeal has one of this name, too: call it flow:steady"
    assert rows["zeal:greedy"]["reason"] == "sketchkit's own has this name: call it zeal:greedy"
    assert refused.code == 4
    assert refused.err == (
        "sketchkit: several plugins bring a command named 'word': choose one of flow:word, zeal:word\n"
    )
    assert said.out == "hi\n"
    assert drawn.code == 0, drawn.err
    assert b"flow:greedy" in (shelf / "x.svg").read_bytes()


def test_a_command_of_a_plugin_is_run_like_any_other(shelf: Path) -> None:
    write_distribution(shelf, "flow", COMMAND, {"command": {"word": "app"}})
    write_distribution(shelf, "zeal", GROUP, {"command": {"count": "app"}})
    said, other, shown, counted, three, wrong, unknown = _done(
        shelf,
        "word",
        "word --word hi",
        "word --help",
        "count two",
        "word --word three",
        "word --wrod x",
        "wrod",
    )
    assert (said.out, other.out, counted.out, three.code) == ("hello\n", "hi\n", "2\n", 3)
    assert "Say a word." in shown.out
    assert wrong.code == 2 and wrong.err.startswith("sketchkit: ")
    assert wrong.err.endswith("(see `sketchkit word --help`)\n")
    assert "Did you mean 'word'?" in unknown.err


def test_a_command_of_a_plugin_that_fails_is_blamed(shelf: Path) -> None:
    write_distribution(shelf, "flow", COMMAND, {"command": {"word": "app", "wrong": "sys"}})
    failed, missing, wrong = _done(shelf, "word --word fail", "word --word missing", "wrong")
    assert failed.code == 4
    assert failed.err == "sketchkit: the command flow:word failed: RuntimeError: it went wrong\n"
    assert (missing.code, missing.err) == (3, "sketchkit: not-there.txt: no such file or directory\n")
    assert wrong.code == 4 and "the command flow:wrong is a module, not a typer.Typer" in wrong.err


def test_a_plugin_nobody_asked_for_by_name_costs_one_warning(shelf: Path) -> None:
    source = "raise ImportError('gone')"
    write_distribution(shelf, "flow", source, {"renderer": {"odd": "Odd", "even": "Even"}})
    (shelf / "x.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M 0 0 L 9 9"/></svg>')
    asked = run_beside(shelf, "render", "x.svg", "-o", "y.odd")
    warnings = [line for line in asked.err.splitlines() if line.startswith("sketchkit: warning: ")]
    assert asked.code == 2
    assert sorted(warnings) == [
        "sketchkit: warning: the renderer flow:even cannot be loaded: ImportError: gone",
        "sketchkit: warning: the renderer flow:odd cannot be loaded: ImportError: gone",
    ]
    assert run_beside(shelf, "render", "x.svg", "-o", "y.png").err == "wrote y.png\n"


def test_what_is_damaged_is_listed_with_its_reason(shelf: Path) -> None:
    kinds = {"sampler": {"steady": "Steady"}}
    write_distribution(shelf, "flow", STEADY, kinds, requires=("sketchkit>=99",))
    write_distribution(shelf, "zeal", STEADY, {}, entry_points="[sketchkit.samplers\nsteady = zeal:Steady\n")
    write_distribution(shelf, "grow", STEADY, {}, entry_points="[sketchkit.samplers]\na b = grow:Steady\n")
    write_distribution(shelf, "glow", STEADY, {}, entry_points="[sketchkit.samplers]\nglow = glow!\n")
    listed, shown = _done(shelf, "plugins --json", "--help")
    rows = _rows(listed)
    assert rows["flow:steady"]["state"] == "incompatible"
    assert rows["flow:steady"]["reason"].startswith("it needs sketchkit>=99, and this is ")
    assert rows["zeal:"]["state"] == "damaged" and "entry_points.txt" in rows["zeal:"]["reason"]
    assert rows["grow:"]["reason"] == "'a b' is an invalid name for a plugin"
    assert rows["glow:glow"]["state"] == "damaged" and "module:attribute" in rows["glow:glow"]["reason"]
    assert shown.err == ""


def test_what_ends_the_process_of_its_check_is_told(shelf: Path) -> None:
    source = "import os, sys; sys.stderr.write('good bye\\n'); sys.stderr.flush(); os._exit(7)"
    write_distribution(shelf, "flow", source, {"sampler": {"steady": "Steady"}})
    done = run_beside(shelf, "plugins", "check", "flow", "greedy", "--json", "--patience", PATIENCE)
    assert done.code == 4
    ours, mine = sorted(json.loads(done.out), key=lambda row: row["state"], reverse=True)
    assert (ours["name"], ours["state"]) == ("greedy", "works")
    assert (mine["name"], mine["state"]) == ("steady", "broken")
    assert mine["reason"] == "its check ended with code 7: good bye"
    assert sorted(line.partition("] ")[2] for line in done.err.splitlines()) == [
        "the sampler flow:steady: broken",
        "the sampler sketchkit:greedy: works",
    ]


def test_a_plugin_that_does_not_answer_is_not_checked_rather_than_broken(shelf: Path) -> None:
    write_distribution(shelf, "flow", "import time; time.sleep(7000)", {"sampler": {"steady": "Steady"}})
    done = run_beside(shelf, "plugins", "check", "flow:steady", "--json", "--patience", "2")
    (row,) = json.loads(done.out)
    assert (done.code, row["state"], row["reason"]) == (124, "not checked", "no answer in 2 s")
    assert done.err == "[1/1] the sampler flow:steady: not checked\n"


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="this system knows no groups of processes")
def test_ctrl_c_ends_a_check_and_all_that_it_has_started(shelf: Path) -> None:
    source = (
        "import subprocess, time\n"
        "inner = subprocess.Popen(['sleep', '7000'])\n"
        "open('begun.tmp', 'w').write(str(inner.pid))\n"
        "import os; os.rename('begun.tmp', 'begun')\n"
        "time.sleep(7000)"
    )
    write_distribution(shelf, "flow", source, {"sampler": {"steady": "Steady"}})
    words = [sys.executable, "-m", "sketchkit", "plugins", "check", "flow", "--patience", PATIENCE]
    environment = {**os.environ, "PYTHONPATH": str(shelf)}
    with subprocess.Popen(words, cwd=shelf, env=environment, stderr=subprocess.PIPE) as process:
        while not (shelf / "begun").exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said) == (130, b"")
    inner = int((shelf / "begun").read_text())
    while _is_alive(inner):  # until the system has cleared it away
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_machine_that_is_too_slow_breaks_no_built_in(shelf: Path) -> None:
    done = run_beside(shelf, "plugins", "check", "greedy", "top-k", "--patience", "0.1")
    assert done.code == 124, done.out
    rows = [line.split(maxsplit=4)[1:] for line in done.out.splitlines()[1:]]
    assert [(row[0], row[3]) for row in rows] == [
        ("greedy", "not checked  no answer in 0.1 s"),
        ("top-k", "not checked  no answer in 0.1 s"),
    ]


def test_a_broken_plugin_outweighs_one_that_does_not_answer(shelf: Path) -> None:
    write_distribution(shelf, "slow", "import time; time.sleep(7000)", {"sampler": {"late": "Late"}})
    write_distribution(shelf, "zeal", "", {}, requires=(), entry_points="[sketchkit.samplers\n")
    done = run_beside(shelf, "plugins", "check", "late", "zeal", "--json", "--patience", "2")
    states = {row["distribution"]: row["state"] for row in json.loads(done.out)}
    assert (done.code, states) == (4, {"slow": "not checked", "zeal": "damaged"})


def test_a_check_of_nothing_is_refused_with_the_nearest_name(shelf: Path) -> None:
    refused = run_beside(shelf, "plugins", "check", "gredy")
    assert (refused.code, refused.out) == (4, "")
    assert refused.err == ("sketchkit: no plugin or distribution named 'gredy': did you mean 'greedy'?\n")


def test_the_flags_of_before_mean_the_commands(shelf: Path) -> None:
    # A renderer, whose check loads no torch.
    write_distribution(shelf, "flow", "raise SystemExit", {"renderer": {"steady": "Steady"}})
    more = f"--patience {PATIENCE}"
    old, new, old_json, new_json, *checks = _done(
        shelf,
        "plugins",
        "plugins list",
        "plugins --json",
        "plugins list --json",
        f"plugins check flow {more}",
        f"plugins --check flow {more}",
        f"plugins {more} --check flow",
    )
    assert (old, old_json) == (new, new_json)
    assert checks[0].code == 4 and checks[1:] == checks[:1] * 2


LOUD = """
class Loud:
    suffixes = (".loud",)
    def render(self, pictures, layout, metadata):
        print("look at me")
        return b"loud"
class Plain:
    suffixes = (".plain",)
    def read(self, stream, name):
        yield from ()
    def write(self, sketches, stream):
        stream.write(b"plain %d" % len(list(sketches)))
"""


def test_a_full_name_works_wherever_a_name_does(shelf: Path) -> None:
    kinds = {"renderer": {"loud": "Loud", "gif": "Loud"}, "format": {"plain": "Plain"}}
    write_distribution(shelf, "flow", LOUD, kinds)
    expected = {"flow:loud": "loud", "flow:gif": "loud", "flow:plain": "plain 2"}
    lines = [f"sample -n 2 --max-points 9 --format {name} -o -" for name in expected]
    for done, content in zip(_done(shelf, *lines), expected.values(), strict=True):
        assert (done.code, done.out) == (0, content), done.err
        assert ("look at me" in done.err) == (content == "loud")


def test_a_check_imports_nothing_from_the_current_folder(shelf: Path) -> None:
    (shelf / "here").mkdir()
    (shelf / "here" / "random.py").write_text("raise SystemExit('imported')")
    write_distribution(shelf, "flow", STEADY, {"sampler": {"steady": "Steady"}})
    program = (
        "import os, sys; from sketchkit.cli.main import run; os.chdir('here');"
        f"run(['plugins', 'check', 'steady', '--patience', '{PATIENCE}'])"
    )
    done = python_beside(shelf, program)
    (row,) = (line for line in done.out.splitlines() if "steady" in line)
    assert row.split()[4] == "works", row


def test_words_of_metadata_are_harmless_in_a_terminal(shelf: Path) -> None:
    write_distribution(shelf, "flow", COMMAND, {"command": {"word": "app"}})
    head = shelf / "flow-1.0.dist-info" / "METADATA"
    head.write_text(head.read_text().replace("Name: flow", "Name: fl\x1b[31mow"))
    for done in _done(shelf, "--help", "plugins", "plugins --json"):
        assert done.code == 0 and "\x1b" not in done.out + done.err
