from __future__ import annotations

import os
import stat

import pytest

from sketchkit import files
from sketchkit.errors import InputError
from sketchkit.files import atomic_write, shown


def test_the_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "out.txt"
    with atomic_write(path) as stream:
        stream.write(b"half")
        stream.flush()
        assert not path.exists()
    assert path.read_bytes() == b"half"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_interrupts_leaves_the_folder_as_it_was(tmp_path, error):
    path = tmp_path / "out.txt"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path) as stream:
        stream.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_can_be_protected(tmp_path):
    path = tmp_path / "out.txt"
    path.write_bytes(b"old")
    with (
        pytest.raises(InputError, match=r"out.txt: the file exists already$"),
        atomic_write(path, overwrite=False),
    ):
        pass
    other = tmp_path / "late.txt"
    with pytest.raises(InputError, match="exists already"), atomic_write(other, overwrite=False):
        other.write_bytes(b"somebody was faster")
    assert (path.read_bytes(), other.read_bytes()) == (b"old", b"somebody was faster")
    assert sorted(tmp_path.iterdir()) == [other, path]


def test_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "no" / "out.txt"
    with pytest.raises(InputError) as refused, atomic_write(path):
        pass
    assert str(refused.value) == f"{path}: there is no folder {path.parent}"


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="this is a folder"), atomic_write(tmp_path):
        pass


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=r"not a directory|no folder"), atomic_write(tmp_path / "file" / "x"):
        pass


def test_errors_of_writing_are_told_and_those_of_others_pass(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"out\.txt: no space left"), atomic_write(tmp_path / "out.txt"):
        raise OSError(28, "No space left on device")
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "out.txt"):
        (tmp_path / "another file").read_bytes()

    def denied(*paths: str) -> None:
        raise PermissionError(13, "Denied")

    monkeypatch.setattr(files.os, "replace", denied)
    with pytest.raises(InputError, match=r"out\.txt: denied"), atomic_write(tmp_path / "out.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions and links are those of POSIX")
class TestOnPosix:
    def test_a_new_file_has_the_usual_permissions(self, tmp_path):
        before = os.umask(0o027)
        try:
            with atomic_write(tmp_path / "out.txt"):
                pass
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "out.txt").stat().st_mode) == 0o640

    def test_a_replaced_file_keeps_its_permissions(self, tmp_path):
        path = tmp_path / "private.txt"
        path.touch(0o600)
        path.chmod(0o600)
        with atomic_write(path) as stream:
            stream.write(b"new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_link_still_links(self, tmp_path):
        (tmp_path / "real").mkdir()
        link = tmp_path / "link.txt"
        link.symlink_to(tmp_path / "real" / "file.txt")
        with atomic_write(link) as stream:
            stream.write(b"through")
        assert link.is_symlink()
        assert (tmp_path / "real" / "file.txt").read_bytes() == b"through"

    def test_a_device_stays_a_device(self):
        with atomic_write(os.devnull) as stream:
            stream.write(b"gone")
        assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_name_is_shown_on_one_line():
    assert shown("cat.svg") == "cat.svg"
    assert shown("c\nat.svg") == "'c\\nat.svg'"
