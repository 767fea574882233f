"""`sketchkit inkscape`: files come, are looked at and go; nothing else is touched."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from sketchkit_inkscape.command import app
from sketchkit_inkscape.folders import Place, find_place
from sketchkit_inkscape.installing import install, read_record, record_of, uninstall
from typer.testing import CliRunner

from sketchkit import InputError
from sketchkit.testing import check_command

RECORD = record_of([sys.executable, "-P", "-m", "sketchkit"], 60)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without Inkscape on PATH."""
    for name in ("INKSCAPE_PROFILE_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def program(home: Path, path: str, script: str) -> None:
    """An `inkscape` on PATH."""
    target = home / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"#!/bin/sh\n{script}\n")
    target.chmod(0o755)
    if not (home / "bin" / "inkscape").exists():
        (home / "bin" / "inkscape").symlink_to(target)


def test_the_command_keeps_the_contract_of_commands() -> None:
    check_command("inkscape", slow=True)


def test_what_is_installed_is_removed_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "other.inx").write_text("another's")
    before = files_in(tmp_path)
    install(tmp_path, RECORD)
    assert {"sketchkit/finish.inx", "sketchkit/finish.py", "sketchkit/installed.json"} <= set(
        files_in(tmp_path)
    )
    assert not any(name.endswith((".po", ".new")) for name in files_in(tmp_path))
    assert read_record(tmp_path) == RECORD and RECORD.changed(tmp_path) == []
    assert uninstall(tmp_path) == []
    assert files_in(tmp_path) == before and not (tmp_path / "sketchkit").exists()


def test_what_python_compiled_goes_too(tmp_path: Path) -> None:
    install(tmp_path, RECORD)
    (tmp_path / "sketchkit" / "__pycache__").mkdir()
    (tmp_path / "sketchkit" / "__pycache__" / "process.cpython-39.pyc").touch()
    uninstall(tmp_path)
    assert not (tmp_path / "sketchkit").exists()


def test_files_of_others_are_neither_overwritten_nor_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "sketchkit" / "draw.py"
    theirs.parent.mkdir()
    theirs.write_text("theirs")
    with pytest.raises(InputError, match=r"draw\.py: exists and was not written by this package"):
        install(tmp_path, RECORD)
    assert files_in(tmp_path) == {"sketchkit/draw.py": b"theirs"}
    theirs.unlink()
    install(tmp_path, RECORD)
    (tmp_path / "sketchkit" / "mine.py").write_text("mine")
    uninstall(tmp_path)
    assert files_in(tmp_path) == {"sketchkit/mine.py": b"mine"}


def test_a_changed_file_stays_unless_forced(tmp_path: Path) -> None:
    home = install(tmp_path, RECORD)
    (home / "draw.py").write_text("changed")
    assert RECORD.changed(tmp_path) == ["draw.py"]
    with pytest.raises(InputError, match="--force"):
        install(tmp_path, RECORD)
    assert uninstall(tmp_path) == [home / "draw.py"]
    assert files_in(tmp_path) == {"sketchkit/draw.py": b"changed"}
    install(tmp_path, RECORD, force=True)
    assert RECORD.changed(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="links need permission")
def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "sketchkit").mkdir()
    (tmp_path / "sketchkit" / "draw.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(InputError, match="exists"):
        install(tmp_path, RECORD)
    assert not (tmp_path / "elsewhere.py").exists()


def test_a_new_version_replaces_the_former_and_drops_what_it_no_longer_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sketchkit_inkscape import installing

    contents = installing._contents()
    with monkeypatch.context() as patch:
        patch.setattr(installing, "_contents", lambda: {**contents, "draw.py": b"old", "old.py": b"old"})
        install(tmp_path, record_of(["old"], 5))
    install(tmp_path, RECORD)
    assert RECORD.changed(tmp_path) == [] and not (tmp_path / "sketchkit" / "old.py").exists()
    assert (tmp_path / "sketchkit" / "draw.py").read_bytes() == contents["draw.py"]


def test_an_install_that_was_cut_short_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sketchkit_inkscape import installing

    write, written = installing._write, []

    def fail_at_third(path: Path, content: bytes) -> None:
        if len(written) == 2:
            raise InputError("full")
        written.append(path)
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(installing, "_write", fail_at_third)
        with pytest.raises(InputError, match="full"):
            install(tmp_path, RECORD)
    assert read_record(tmp_path) is None
    install(tmp_path, RECORD)
    assert RECORD.changed(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"command": []}', '{"command": [], "timeout": 1, "version": "", "files": {"../x": ""}}'],
)
def test_a_record_that_is_not_ours_is_an_error_of_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "sketchkit").mkdir()
    (tmp_path / "sketchkit" / "installed.json").write_text(text)
    with pytest.raises(InputError, match=r"installed\.json: "):
        uninstall(tmp_path)


def test_removing_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no extensions of this package"):
        uninstall(tmp_path)


def test_inkscape_on_the_path_says_where_its_folder_is(home: Path) -> None:
    program(home, "usr/inkscape", f"echo warning; echo {home}/profile")
    assert find_place(None) == Place(home / "profile" / "extensions")
    assert find_place(home / "mine") == Place(home / "mine")


def test_an_inkscape_that_does_not_answer_has_the_platforms_folder(home: Path) -> None:
    program(home, "usr/inkscape", "exit 1")
    assert find_place(None).folder == find_place(None).folder.absolute()
    assert find_place(None).kind == "usual" and home in find_place(None).folder.parents


def test_a_snap_and_a_flatpak_are_known_by_where_they_lie(home: Path) -> None:
    (home / ".var/app/org.inkscape.Inkscape").mkdir(parents=True)
    flatpak = find_place(None)
    assert flatpak.kind == "flatpak" and flatpak.folder.is_relative_to(home / ".var/app")
    assert "flatpak override" in flatpak.advice and "--talk-name=org.freedesktop.Flatpak" in flatpak.advice
    program(home, "snap/bin/inkscape", "exit 1")
    assert find_place(None).kind == "snap" and "deb" in find_place(None).advice


def test_the_commands_install_describe_and_remove(tmp_path: Path) -> None:
    run, folder = CliRunner().invoke, ["--folder", str(tmp_path)]
    assert "not installed" in run(app, ["status", *folder]).output
    assert run(app, ["install", *folder, "--timeout", "90"]).exit_code == 0
    found = json.loads(run(app, ["status", *folder, "--json"]).output)
    assert found["state"] == "ready" and found["timeout"] == 90 and found["starts"].startswith("sketchkit ")
    (tmp_path / "sketchkit" / "draw.py").unlink()
    assert "damaged" in run(app, ["status", *folder]).output
    assert run(app, ["uninstall", *folder]).exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_snap_is_not_installed_into(home: Path) -> None:
    program(home, "snap/bin/inkscape", "exit 1")
    done = CliRunner().invoke(app, ["install"])
    assert isinstance(done.exception, InputError) and "Snap" in str(done.exception)
    assert not (home / "snap" / "inkscape").exists()
