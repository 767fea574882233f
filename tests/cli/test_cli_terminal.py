"""At a terminal: progress, Ctrl-C, and what is said there only."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Sketchkit

import sketchkit as library
from sketchkit.latent import Latents, write_latents
from sketchkit.models.vae import VaeModel
from sketchkit.training.data import prepare_sketches, synth

pty = pytest.importorskip("pty", reason="terminals that a program can open are a thing of POSIX")


class Terminal:
    """A command whose stderr is a terminal."""

    def __init__(self, *args: str) -> None:
        self._screen, other = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sketchkit", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=other,
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(other)
        self.shown = b""

    def wait_for(self, words: bytes, seconds: float = 600.0) -> None:
        """Read until the screen shows some words."""
        until = time.monotonic() + seconds
        while words not in self.shown:
            assert time.monotonic() < until, self.shown
            self._read()

    def finish(self, seconds: float = 600.0) -> int:
        """Wait for the end and return the exit code."""
        until = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < until, self.shown
        return self.process.wait(timeout=seconds)

    def interrupt(self) -> None:
        """Press Ctrl-C, again if it was lost: Python may look for signals just before it waits for input."""
        for _ in range(20):
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=30)
                return

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        os.close(self._screen)

    def _read(self) -> bool:
        if not select.select([self._screen], [], [], 1.0)[0]:
            return True
        try:
            piece = os.read(self._screen, 65536)
        except OSError:  # Linux says so when the other end has closed
            return False
        self.shown += piece
        return bool(piece)


@pytest.fixture
def terminal(home: Path) -> Iterator[type[Terminal]]:
    opened: list[Terminal] = []

    class Tracked(Terminal):
        def __init__(self, *args: str) -> None:
            super().__init__(*args)
            opened.append(self)

    yield Tracked
    for each in opened:
        each.close()


def test_ctrl_c_while_the_model_draws_is_quiet_and_leaves_no_file(terminal: type[Terminal]) -> None:
    running = terminal("sample", "-n", "500000", "-o", "out.svg")
    running.wait_for(b"Drawing")
    running.interrupt()
    assert running.finish() == 130
    assert b"Traceback" not in running.shown
    assert b"sketchkit:" not in running.shown
    assert list(Path().iterdir()) == []


def test_ctrl_c_while_stdin_is_awaited_is_quiet(terminal: type[Terminal], bird: Path) -> None:
    waiting = terminal("complete", "-", "-o", "out.svg")
    assert waiting.process.stdin is not None
    waiting.process.stdin.write(bird.read_bytes() * 4096)  # more than a pipe holds: it has begun to read
    waiting.process.stdin.flush()
    waiting.interrupt()
    assert waiting.finish() == 130
    assert waiting.shown == b""
    assert not Path("out.svg").exists()


def test_progress_and_the_name_of_the_file_are_shown_at_a_terminal(
    terminal: type[Terminal], bird: Path
) -> None:
    running = terminal("complete", "bird.svg", "-n", "2")
    assert running.finish() == 0
    assert b"Drawing endings" in running.shown
    assert running.shown.rstrip().endswith(b"wrote bird-endings.svg")
    assert running.process.stdout is not None
    assert running.process.stdout.read() == b""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("encode drawings.ndjson -o z.npz", ["Loading the model", "Encoding"]),
        ("analogy mean:cat mean:sun drawings.ndjson#0 --from animals -o sum.svg", ["Encoding", "Rendering"]),
        ("decode known.npz -o known.pdf", ["Drawing", "Rendering"]),
        ("decode known.npz --layout files", ["Drawing", "Writing"]),
        ("score drawings.ndjson --heatmap heat.png", ["Scoring", "Rendering"]),
        ("render drawings.ndjson -o all.png", ["Rendering"]),
        ("render drawings.ndjson -o all.gif", ["Rendering"]),
        ("interpolate --pairs random:2 --from drawings.ndjson -o {stem}.svg", ["Checking jobs", "Drawing"]),
    ],
)
def test_whatever_may_take_long_shows_that_it_goes_on(
    terminal: type[Terminal],
    sketchkit: Sketchkit,
    tiny_vae: VaeModel,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    words: list[str],
) -> None:
    tiny_vae.save("dreamer.safetensors")
    monkeypatch.setenv("SKETCHKIT_VAE", "dreamer.safetensors")
    given = list(synth(12, seed=3))
    library.write(given, "drawings.ndjson")
    if "animals" in command:
        prepare_sketches(synth(60, seed=1, classes=["cat", "sun"]), Path("animals"))
    if "known" in command:
        mu, sigma = library.encode(tiny_vae, given[:3])
        write_latents("known.npz", Latents(mu, sigma, None, tuple("abc"), ("",) * 3, ("",) * 3, {}))
    running = terminal(*command.split())
    assert running.finish() == 0, running.shown
    for each in words:
        assert each.encode() in running.shown
    quiet = sketchkit(*command.split(), "--force")
    assert quiet.code == 0 and not any(each in quiet.err for each in words)
