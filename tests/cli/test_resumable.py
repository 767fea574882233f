"""Files that appear when they are whole, block by block."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sketchkit.cli.resumable import PartFile, exclusive_lock
from sketchkit.errors import InputError

N, BLOCK = 11, 4
BLOCKS = [b"".join(b"%d\n" % i for i in range(begin, min(begin + BLOCK, N))) for begin in range(0, N, BLOCK)]
WHOLE = b"".join(BLOCKS)


def written(target: Path, *, stop_after: int | None = None, overwrite: bool = False) -> int:
    """Write what is left, or stop after so many blocks; says how many lines were there already."""
    with PartFile.open(str(target), target.name, "0" * 32, N, BLOCK) as part:
        there = part.done
        for number, block in enumerate(BLOCKS[-(-there // BLOCK) :]):
            if number == stop_after:
                raise KeyboardInterrupt
            part.append(block, block.count(b"\n"))
        part.finish(overwrite=overwrite)
    return there


def part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.{'0' * 32}.part")


def test_a_file_appears_when_it_is_whole(home: Path) -> None:
    target = home / "out.txt"
    with pytest.raises(KeyboardInterrupt):
        written(target, stop_after=2)
    assert os.listdir(home) == [part_of(target).name]
    assert written(target) == 2 * BLOCK
    assert os.listdir(home) == [target.name] and target.read_bytes() == WHOLE


def test_nothing_stays_of_what_stops_before_the_first_block(home: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        written(home / "out.txt", stop_after=0)
    assert os.listdir(home) == []


@given(
    kept=st.integers(0, len(WHOLE)), torn=st.sampled_from([b"", b"7", b"\0" * 40, b"\0\n\0\n", b"0\n" * 30])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_kill_leaves_the_file_is_the_same(home: Path, kept: int, torn: bytes) -> None:
    target = home / "out.txt"
    target.unlink(missing_ok=True)
    if kept < len(WHOLE) and torn.startswith(b"0"):
        torn = b""  # whole lines that nobody wrote there cannot be told from ours
    part_of(target).write_bytes(WHOLE[:kept] + torn)
    there = written(target)
    assert there in (0, BLOCK, 2 * BLOCK, N) and there <= WHOLE[:kept].count(b"\n")
    assert target.read_bytes() == WHOLE and os.listdir(home) == [target.name]


def test_a_file_that_has_appeared_meanwhile_is_kept_and_so_is_the_work(home: Path) -> None:
    target = home / "out.txt"
    target.write_bytes(b"another's")
    with pytest.raises(InputError, match=r"out\.txt: the file exists already; --force"):
        written(target)
    assert target.read_bytes() == b"another's" and part_of(target).read_bytes() == WHOLE
    target.chmod(0o640)
    assert written(target, overwrite=True) == N
    assert target.read_bytes() == WHOLE and stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(home) == [target.name]


def test_a_part_that_has_its_name_already_goes(home: Path) -> None:
    target = home / "out.txt"
    part_of(target).write_bytes(WHOLE)
    os.link(part_of(target), target)  # killed between taking the name and losing the old one
    assert written(target, overwrite=True) == N
    assert os.listdir(home) == [target.name] and target.read_bytes() == WHOLE


def test_a_file_system_without_links_is_no_hindrance(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: object, **more: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("os.link", refuse)
    written(home / "out.txt")
    assert (home / "out.txt").read_bytes() == WHOLE and len(os.listdir(home)) == 1


def test_a_link_in_the_place_of_a_part_is_not_followed(home: Path) -> None:
    (home / "other").write_bytes(b"not ours")
    part_of(home / "out.txt").symlink_to(home / "other")
    with pytest.raises(InputError, match=r"out\.txt"):
        written(home / "out.txt")
    assert (home / "other").read_bytes() == b"not ours"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_the_place_of_a_part_or_a_lock_is_refused(home: Path) -> None:
    os.mkfifo(part_of(home / "out.txt"))
    with pytest.raises(InputError, match=r"out\.txt: this is a pipe, not a file"):
        written(home / "out.txt")
    os.mkfifo(home / ".out.txt.lock")
    with (
        pytest.raises(InputError, match=r"out\.txt: this is a pipe, not a file"),
        exclusive_lock(str(home / "out.txt"), "out.txt"),
    ):
        raise AssertionError("it was opened")


def test_a_long_name_leaves_room_for_the_parts(home: Path) -> None:
    target = home / ("n" * 250)
    with exclusive_lock(str(target), "n"), PartFile.open(str(target), "n", "0" * 32, N, BLOCK) as part:
        part.append(WHOLE, N)
        part.finish(overwrite=False)
    assert os.listdir(home) == [target.name]


def test_one_run_at_a_time_has_a_file(home: Path) -> None:
    target = str(home / "out.txt")
    with exclusive_lock(target, "out.txt"), exclusive_lock(f"{target}.other", "other"):
        refused = pytest.raises(InputError, match=r"out\.txt: another run is writing this file")
        with refused, exclusive_lock(target, "out.txt"):
            pass
    assert os.listdir(home) == []
    Path(home, ".out.txt.lock").touch()  # of a run that was killed
    with exclusive_lock(target, "out.txt"):
        pass
    assert os.listdir(home) == []


def test_a_lock_that_has_been_removed_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    path, flock = home / ".out.txt.lock", fcntl.flock
    calls: list[int] = []

    def late(handle: int, operation: int) -> None:
        if not calls:
            path.unlink()  # another run's end, between opening and locking
        calls.append(handle)
        flock(handle, operation)

    monkeypatch.setattr("fcntl.flock", late)
    with exclusive_lock(str(home / "out.txt"), "out.txt"):
        assert path.exists() and len(calls) == 2


def test_what_cannot_be_locked_is_told_and_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    with exclusive_lock(str(home / "out.txt"), "out.txt"):
        pass
    assert "out.txt: cannot be locked (no locks available)" in capsys.readouterr().err
    assert os.listdir(home) == []
