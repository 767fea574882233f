"""sketchkit as a process of an extension: found, bounded in time, and explained where it fails."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import sketchkit_inkscape

_SOURCE = Path(sketchkit_inkscape.__file__).parent / "extension" / "process.py"
#: Says which variables it sees, then what it is told.
_ECHO = "import os, sys; print(sorted(os.environ)); sys.stdout.buffer.write(sys.stdin.buffer.read())"


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, which reads its settings from a folder of the test."""
    spec = importlib.util.spec_from_file_location("process_under_test", _SOURCE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SETTINGS", str(tmp_path / "installed.json"))
    monkeypatch.setattr(module, "FLATPAK_INFO", str(tmp_path / "flatpak-info"))
    monkeypatch.delenv("SNAP_NAME", raising=False)
    return module


def settle(folder: Path, *command: str, timeout: float = 300) -> None:
    (folder / "installed.json").write_text(json.dumps({"command": command, "timeout": timeout}))


def test_the_document_goes_in_and_the_answer_comes_out(process: ModuleType, tmp_path: Path) -> None:
    settle(tmp_path, sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read() + sys.argv[1])")
    with process.Sketchkit(["!"]) as sketchkit:
        assert sketchkit.draw(b"<svg/>") == (b"<svg/>!", [])
    assert process.shared_folder() is None


@pytest.mark.parametrize(
    "written", [None, "{", "[]", '{"command": 1, "timeout": 2}', '{"command": ["/no/such"], "timeout": 2}']
)
def test_sketchkit_that_is_not_there_is_asked_for(
    process: ModuleType, tmp_path: Path, written: str | None
) -> None:
    if written is not None:
        (tmp_path / "installed.json").write_text(written)
    with (
        process.Sketchkit([]) as sketchkit,
        pytest.raises(process.Trouble, match="sketchkit inkscape install"),
    ):
        sketchkit.draw()


def test_a_python_that_lost_sketchkit_says_the_same(process: ModuleType, tmp_path: Path) -> None:
    settle(tmp_path, sys.executable, "-m", "no_such_package_as_this")
    with (
        process.Sketchkit([]) as sketchkit,
        pytest.raises(process.Trouble, match="sketchkit inkscape install"),
    ):
        sketchkit.draw()


def test_a_call_that_takes_too_long_is_ended(process: ModuleType, tmp_path: Path) -> None:
    settle(tmp_path, sys.executable, "-c", "import time; time.sleep(3600)", timeout=0.2)
    with process.Sketchkit([]) as sketchkit:
        with pytest.raises(process.Trouble, match=r"longer than 0\.2 seconds.*--timeout 0\.4"):
            sketchkit.draw()
        started = sketchkit._process
    assert started.poll() is not None


def test_a_call_that_is_not_needed_is_ended(process: ModuleType, tmp_path: Path) -> None:
    settle(tmp_path, sys.executable, "-c", "import sys; sys.stdin.read()")
    with process.Sketchkit([]) as sketchkit:
        assert sketchkit._process.poll() is None
    assert sketchkit._process.poll() is not None


def test_variables_of_inkscapes_own_python_are_kept_from_sketchkits(
    process: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(tmp_path, sys.executable, "-c", _ECHO)
    for name in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SKETCHKIT_TRIES"):
        monkeypatch.setenv(name, "/nowhere")
    seen = process.Sketchkit([]).draw()[0].decode()
    assert "PYTHONPATH" not in seen and "PYTHONHOME" not in seen
    assert "'LD_LIBRARY_PATH'" in seen and "SKETCHKIT_TRIES" in seen
    monkeypatch.setenv("APPDIR", "/tmp/appimage")
    assert "'LD_LIBRARY_PATH'" not in process.Sketchkit([]).draw()[0].decode()


def test_a_snap_is_told_apart(process: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(tmp_path, sys.executable, "-c", _ECHO)
    monkeypatch.setenv("SNAP_NAME", "inkscape")
    with process.Sketchkit([]) as sketchkit, pytest.raises(process.Trouble, match="is a Snap"):
        sketchkit.draw()


def flatpak(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "flatpak-info").touch()
    (folder / "bin").mkdir()
    (folder / "bin" / "flatpak-spawn").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "flatpak-spawn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


def test_a_flatpak_starts_sketchkit_outside(
    process: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flatpak(tmp_path, 'echo "$1 $2"; shift 2; exec "$@"', monkeypatch)
    settle(tmp_path, sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read())")
    assert process.shared_folder() == process.HERE
    assert process.Sketchkit([]).draw(b"<svg/>")[0] == b"--host --watch-bus\n<svg/>"


def test_a_flatpak_that_may_not_says_how_it_may(
    process: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = "Portal call failed: org.freedesktop.DBus.Error.ServiceUnknown"
    flatpak(tmp_path, f"echo '{refusal}' >&2; exit 1", monkeypatch)
    settle(tmp_path, sys.executable)
    with pytest.raises(process.Trouble, match="flatpak override --user"):
        process.Sketchkit([]).draw()


def test_an_endless_answer_is_ended(process: ModuleType, tmp_path: Path) -> None:
    settle(tmp_path, sys.executable, "-c", "while True: print('x' * 1000)", timeout=0.2)
    with process.Sketchkit([]) as sketchkit, pytest.raises(process.Trouble, match="longer than"):
        sketchkit.draw()
