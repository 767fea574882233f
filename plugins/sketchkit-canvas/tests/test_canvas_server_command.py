"""The command: what it says, what it imports, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from canvas_client import FACE, Served
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from sketchkit.cli.main import run
from sketchkit.testing import check_command

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/#token=([A-Za-z0-9_-]{43})\n")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sketchkit", "canvas", *words]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "SKETCHKIT_PLUGINS"}


@contextmanager
def started(*words: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The command as it runs, the server's address and the token."""
    process = subprocess.Popen(
        command("--no-open", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        found = ADDRESS.fullmatch(process.stdout.readline())
        assert found
        yield process, found[1], found[2]
    finally:
        process.kill()
        process.communicate()


def test_it_keeps_the_contract_of_a_command() -> None:
    check_command("canvas", slow=True)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from sketchkit.cli.main import run; code = run(['canvas', '--help']); "
        "print(code, [name for name in ('torch', 'numpy', 'starlette', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_drawing_is_finished_when_it_is_interrupted() -> None:
    with started("--json") as (process, address, token):
        place = f"ws{address[4:]}/socket"
        with connect(place, origin=Origin(address), proxy=None, compression=None, max_queue=None) as socket:
            socket.send(json.dumps({"type": "hello", "token": token}))
            assert json.loads(socket.recv(600))["type"] == "ready"
            asked = {"type": "draw", "mode": "finish", "model": "doodle", "label": None, "temperature": 1.0}
            socket.send(json.dumps({**asked, "id": 1, "seed": 1, "first": 0, "n": 16, "drawing": FACE}))
            assert json.loads(socket.recv(600))["type"] == "points"
            process.send_signal(signal.SIGINT)
            said = [json.loads(socket.recv(600))]
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    said.append(json.loads(socket.recv(600)))
            assert said[-1] == {"type": "done", "id": 1, "count": 16}
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001
        out, err = process.communicate(timeout=600)
        assert process.returncode == 130 and not out
        events = [json.loads(line) for line in err.splitlines() if line]
        assert {"serving", "joined", "answered", "left"} <= {event["event"] for event in events}
        assert all({"time", "level", "event"} <= set(event) for event in events)
        assert token not in err


def test_it_ends_by_the_signal_of_the_system_too() -> None:
    with started() as (process, address, token):
        with urllib.request.urlopen(f"{address}/version", timeout=600) as answer:
            assert json.load(answer)["name"] == "sketchkit-canvas"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=600)
        assert process.returncode == 128 + signal.SIGTERM
        assert token not in err and "Traceback" not in err and "warning" not in err


def test_another_host_is_warned_of() -> None:
    with started("--host", "0.0.0.0") as (process, _, _):
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=600)
        assert err.startswith("warning: 0.0.0.0 is reached from other machines")


@pytest.mark.parametrize(
    "words, code, said",
    [
        (("--model", "nobody"), 5, "no model named 'nobody'"),
        (("--model", "missing.safetensors"), 5, "no such file"),
        (("--host", "256.1.1.1"), 3, "cannot listen at 256.1.1.1:0"),
        (("--host", "192.0.2.1"), 3, "cannot listen at 192.0.2.1:0"),
        (("--allow-host", "a b"), 3, "--allow-host"),
        (("--port", "70000"), 2, "65535"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert run(["canvas", "--no-open", *words]) == code
    out, err = capsys.readouterr()
    assert not out and said in err and len(err.splitlines()) == 1


def test_a_port_that_is_taken_is_said(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["canvas", "--no-open", "--port", str(served.port)]) == 3
    assert "cannot listen" in capsys.readouterr().err
