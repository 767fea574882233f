"""Signals that end a command: nothing partial is left behind, and the exit code says which it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sketchkit import write
from sketchkit.training.data import synth

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are a thing of POSIX")

#: The command line, which waits where a file or a folder is about to take its name.
WAITING = """
import os, signal, sys
from sketchkit.cli.main import main

def wait(*args, **more):
    os.write(int(os.environ["READY"]), b"!")
    while True:
        signal.pause()

os.replace = os.rename = os.link = wait
sys.argv[0] = "sketchkit"
main()
"""

COMMANDS = {
    "render": ["render", "in.ndjson", "-o", "out.svg"],
    "render over a file": ["render", "in.ndjson", "-o", "old.png", "--force"],
    "sample": ["sample", "-n", "2", "--max-points", "5", "-o", "out.svg"],
    "drawings": ["sample", "-n", "2", "--max-points", "5", "-o", "out.ndjson"],
    "many files": ["sample", "-n", "2", "--max-points", "5", "--layout", "files", "-o", "out-{index}.svg"],
    "data prepare": ["data", "prepare", "in.ndjson", "-o", "set"],
    "data synth": ["data", "synth", "-n", "9", "-o", "set"],
    "export": ["models", "export", "doodle", "-o", "out.safetensors"],
}


@contextmanager
def waiting(words: list[str], ignored: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A command that waits with its work done and nothing named yet."""

    def ignore() -> None:
        if ignored is not None:
            signal.signal(ignored, signal.SIG_IGN)

    told, ready = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, *words],
        stderr=subprocess.PIPE,
        env={**os.environ, "READY": str(ready)},
        pass_fds=(ready,),
        preexec_fn=ignore,
    )
    os.close(ready)
    try:
        # Where it ends before it waits, the pipe does, too.
        assert os.read(told, 1), process.communicate()[1]
        yield process
    finally:
        os.close(told)
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("command", "name"), [*((command, "SIGTERM") for command in COMMANDS), ("render", "SIGHUP")]
)
def test_a_signal_leaves_nothing_of_a_command(command: str, name: str, home: Path) -> None:
    write(synth(3, seed=1, classes=["face"]), "in.ndjson")
    (home / "old.png").write_bytes(b"old")
    before = sorted(os.listdir(home))
    number = getattr(signal, name)
    with waiting(COMMANDS[command]) as process:
        assert sorted(os.listdir(home)) != before
        process.send_signal(number)
        _, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (128 + number, b"")
    assert sorted(os.listdir(home)) == before and (home / "old.png").read_bytes() == b"old"


def test_a_signal_that_is_ignored_stays_so(home: Path) -> None:
    """As under `nohup`."""
    write(synth(3, seed=1, classes=["face"]), "in.ndjson")
    with waiting(COMMANDS["render"], ignored=signal.SIGHUP) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=600)
    assert process.returncode == 128 + signal.SIGTERM
    assert os.listdir(home) == ["in.ndjson"]
