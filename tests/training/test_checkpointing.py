"""Checkpoints: whatever happens to the newest, a whole one stands, and damage is told in one line."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from forks import Fork, run_code
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sketchkit.errors import CheckpointError, InputError
from sketchkit.training import checkpointing
from sketchkit.training.checkpointing import KEPT, Progress, load_newest, save_checkpoint, steps_saved

NEWEST, BEFORE = "00000020", "00000010"


def tensors(step: int) -> dict[str, Tensor]:
    """Some of every kind; a function of the step."""
    chance = torch.Generator().manual_seed(step)
    return {
        "model.weight": torch.randn(4, 3, generator=chance),
        "exp_avg.weight": torch.randn(3, 4, generator=chance).T,  # not in one piece
        "half": torch.randn(5, generator=chance).bfloat16(),
        "updates": torch.tensor(step),
        "empty": torch.zeros(0, 2),
    }


def progress(step: int) -> Progress:
    return Progress(step, 100 * step, step / 3, 2, 1, -0.25 if step else None, step // 2, 4)


def save(folder: Path, step: int, identity: str = "me") -> None:
    save_checkpoint(folder, identity, progress(step), tensors(step))


def assert_newest(folder: Path, step: int) -> list[str]:
    """What is loaded is that of a step, to the last bit; what was warned of."""
    warned: list[str] = []
    found = load_newest(folder, "me", warned.append)
    assert found is not None
    assert found[0] == progress(step)
    expected = tensors(step)
    assert found[1].keys() == expected.keys()
    for name, tensor in found[1].items():
        assert tensor.dtype == expected[name].dtype and torch.equal(tensor, expected[name])
    return warned


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two checkpoints, of the steps 10 and 20."""
    for step in (10, 20):
        save(tmp_path / "checkpoints", step)
    return tmp_path / "checkpoints"


# --- whole ones -----------------------------------------------------------------------------------------


def test_what_is_saved_is_what_is_loaded(folder: Path) -> None:
    assert assert_newest(folder, 20) == []
    save(folder, 0)
    for step in (10**9, 2 * 10**9):
        save(folder, step)
        assert assert_newest(folder, step) == []


def test_nothing_is_loaded_where_there_never_was_anything(tmp_path: Path) -> None:
    assert load_newest(tmp_path / "nosuch", "me", pytest.fail) is None
    assert load_newest(tmp_path, "me", pytest.fail) is None
    (tmp_path / f"{NEWEST}.safetensors").write_bytes(b"no manifest yet")
    assert load_newest(tmp_path, "me", pytest.fail) is None


def test_only_the_last_few_stay(folder: Path) -> None:
    assert KEPT == 2
    for step in range(30, 80, 10):
        save(folder, step)
        assert steps_saved(folder) == [step - 10, step]
        assert len(files(folder)) == 2 * KEPT


def test_the_same_step_may_be_saved_again(folder: Path) -> None:
    before = files(folder)
    save(folder, 20)
    assert files(folder) == before


def test_what_a_killed_process_left_behind_goes_and_nothing_else(folder: Path) -> None:
    (folder / ".0123456789abcdef.tmp").write_bytes(b"half a checkpoint")
    (folder / "00000015.safetensors").write_bytes(b"killed before its manifest")
    (folder / "notes.txt").write_text("mine")
    (folder / "00000012.json").mkdir()
    save(folder, 30)
    left = {path.name for path in folder.iterdir()}
    pair = {f"{step:08d}.{suffix}" for step in (20, 30) for suffix in ("json", "safetensors")}
    assert left == pair | {"notes.txt", "00000012.json"}


def test_strange_names_are_no_checkpoints(folder: Path) -> None:
    for name in ("7.json", "latest.json", "00000030.json.bak", "x00000030.json", "0000000000030.json"):
        (folder / name).write_bytes(b"{}")
    assert steps_saved(folder) == [10, 20]


# --- damaged ones ---------------------------------------------------------------------------------------


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 4]) + content[-8:]


def said(**changes: Any) -> Callable[[bytes], bytes]:
    """A manifest that says something else, without its checksum to fit."""
    return lambda content: json.dumps({**json.loads(content), **changes}).encode()


def sealed(**changes: Any) -> Callable[[bytes], bytes]:
    """A manifest that says something else, and is none the less consistent."""

    def made(content: bytes) -> bytes:
        values = {**json.loads(content), **changes}
        del values["self"]
        plain = json.dumps(values, separators=(",", ":")).encode()
        return json.dumps({**values, "self": checkpointing.checksum_of(plain)}).encode()

    return made


DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "tensors cut short": ("safetensors", half),
    "tensors empty": ("safetensors", lambda content: b""),
    "tensors too long": ("safetensors", lambda content: content + b"\0"),
    "tensors with a flipped bit": ("safetensors", flipped),
    "other tensors": ("safetensors", lambda content: content[::-1]),
    "manifest cut short": ("json", half),
    "manifest empty": ("json", lambda content: b""),
    "manifest with a flipped bit": ("json", flipped),
    "manifest no JSON": ("json", lambda content: b"\xff\xfe\0 nonsense"),
    "manifest a list": ("json", lambda content: b"[1]"),
    "manifest a number": ("json", lambda content: b"3"),
    "manifest a text": ("json", lambda content: b'"self"'),
    "manifest null": ("json", lambda content: b"null"),
    "manifest without its entries": ("json", lambda content: b"{}"),
    "manifest deep": ("json", lambda content: b"[" * 100_000),
    "manifest without end": ("json", lambda content: b" " * (1 << 20) + content),
    "another version by accident": ("json", said(version=3)),
    "another format by accident": ("json", said(format="sketchkit-tr")),
    "another identity by accident": ("json", said(identity="you")),
    "another step by accident": ("json", said(progress={"step": 21})),
    "other entries of progress": ("json", sealed(progress={"step": 20, "pace": 3})),
    "no progress": ("json", sealed(progress=None)),
    "tensors elsewhere": ("json", sealed(tensors="../../secret.safetensors")),
    "tensors of no name": ("json", sealed(tensors=None)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_of_a_damaged_one_it_is_told_and_the_one_before_is_taken(folder: Path, damage: str) -> None:
    suffix, change = DAMAGE[damage]
    path = folder / f"{NEWEST}.{suffix}"
    path.write_bytes(change(path.read_bytes()))
    (told,) = assert_newest(folder, 10)
    assert told.startswith(f"{folder / NEWEST}.json: ") and told.endswith("; going on from the one before")
    assert told.isprintable() and len(told) < 400
    path = folder / f"{BEFORE}.{suffix}"
    path.write_bytes(change(path.read_bytes()))
    warned: list[str] = []
    with pytest.raises(CheckpointError, match="every checkpoint is damaged") as error:
        load_newest(folder, "me", warned.append)
    assert len(warned) == 2 and str(error.value).startswith(str(folder))


def test_tensors_that_match_their_manifest_but_are_none_are_damaged_too(folder: Path) -> None:
    content = b"no tensors at all"
    (folder / f"{NEWEST}.safetensors").write_bytes(content)
    path = folder / f"{NEWEST}.json"
    fits = sealed(bytes=len(content), blake2b=checkpointing.checksum_of(content))
    path.write_bytes(fits(path.read_bytes()))
    assert len(assert_newest(folder, 10)) == 1


@pytest.mark.parametrize("suffix", ["safetensors", "json"])
def test_a_file_that_is_missing_or_a_folder(folder: Path, suffix: str) -> None:
    path = folder / f"{NEWEST}.{suffix}"
    path.unlink()
    assert len(assert_newest(folder, 10)) == (suffix == "safetensors")
    path.mkdir()
    assert len(assert_newest(folder, 10)) == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
    suffix=st.sampled_from(["json", "safetensors"]),
)
def test_whichever_bit_flips_a_whole_checkpoint_is_loaded(
    folder: Path, place: float, bit: int, suffix: str
) -> None:
    path = folder / f"{NEWEST}.{suffix}"
    whole = path.read_bytes()
    content = bytearray(whole)
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        assert len(assert_newest(folder, 10)) == 1
    finally:
        path.write_bytes(whole)


def test_after_a_damaged_one_the_last_few_are_whole_ones(folder: Path) -> None:
    (folder / f"{NEWEST}.safetensors").write_bytes(b"")
    save(folder, 15)  # having gone on from 10
    assert steps_saved(folder) == [10, 15]
    assert assert_newest(folder, 15) == []
    (folder / "00000015.safetensors").write_bytes(b"")
    assert len(assert_newest(folder, 10)) == 1


# --- of another run, or another version -----------------------------------------------------------------


def test_a_checkpoint_of_another_run_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="belongs to a run of another configuration") as told:
        load_newest(folder, "somebody else", pytest.fail)
    assert str(told.value).startswith(f"{folder / NEWEST}.json: ")


@pytest.mark.parametrize(("name", "value"), [("version", 2), ("version", None), ("format", "other")])
def test_a_checkpoint_of_another_version_is_refused_and_not_taken_for_damaged(
    folder: Path, name: str, value: Any
) -> None:
    path = folder / f"{NEWEST}.json"
    path.write_bytes(sealed(**{name: value})(path.read_bytes()))
    with pytest.raises(CheckpointError, match=r"version .* of 'sketchkit-training'|of 'other'"):
        load_newest(folder, "me", pytest.fail)


# --- what goes wrong in writing -------------------------------------------------------------------------


class Full:
    """A stream on a disk that takes so many bytes more."""

    def __init__(self, stream: Any, room: int) -> None:
        self._stream, self._room = stream, room

    def write(self, data: bytes) -> int:
        if len(data) > self._room:
            self._stream.write(data[: self._room])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self._stream.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@pytest.mark.parametrize(
    ("suffix", "room"), [("safetensors", 0), ("safetensors", 200), ("json", 0), ("json", 30)]
)
def test_a_full_disk_is_one_line_and_leaves_what_was_there(
    folder: Path, suffix: str, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = files(folder), checkpointing.atomic_write

    @contextmanager
    def nearly_full(path: Path) -> Iterator[Any]:
        with real(path) as stream:
            yield Full(stream, room) if path.suffix == f".{suffix}" else stream

    monkeypatch.setattr(checkpointing, "atomic_write", nearly_full)
    with pytest.raises(InputError) as told:
        save(folder, 30)
    assert str(told.value) == f"{folder}/00000030.{suffix}: no space left on device"
    monkeypatch.undo()
    left = files(folder)
    left.pop("00000030.safetensors", None)  # without a manifest it does not exist
    assert left == before
    assert assert_newest(folder, 20) == []
    save(folder, 30)
    assert assert_newest(folder, 30) == []
    assert len(files(folder)) == 2 * KEPT


LIMITED = """
import resource, signal, sys, warnings
warnings.simplefilter("error")
import torch
from pathlib import Path
from sketchkit.errors import InputError
from sketchkit.training.checkpointing import Progress, save_checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    save_checkpoint(Path(sys.argv[1]), "me", Progress(30), {"large": torch.zeros(50_000)})
except InputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits on the size of files are a thing of POSIX")
def test_a_file_that_may_grow_no_further_is_one_line_too(folder: Path) -> None:
    before = files(folder)
    said = Fork(run_code, LIMITED, [str(folder)]).communicate(timeout=600)
    assert said == (f"{folder}/00000030.safetensors: file too large\n", "")
    assert files(folder) == before
    assert assert_newest(folder, 20) == []


@pytest.mark.parametrize("moment", range(1, 7))
def test_a_process_killed_at_any_moment_of_saving_leaves_a_whole_one(
    folder: Path, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every touch of the disk is a moment to die at: what is there then is what the next one finds."""

    class Killed(BaseException):
        pass

    left, copy = [moment], folder.parent / "copy"

    def touched(real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                shutil.copytree(folder, copy)  # nobody cleans up after a kill
                raise Killed
            return real(*arguments, **more)

        return wrapped

    for name in ("fsync", "replace", "unlink"):
        monkeypatch.setattr(os, name, touched(getattr(os, name)))
    with pytest.raises(Killed):
        save(folder, 30)
    monkeypatch.undo()
    step = 20 if moment <= 4 else 30  # the fourth moment gives the manifest its name
    assert assert_newest(copy, step) == []
    save(copy, 40)
    assert steps_saved(copy) == [step, 40] and len(files(copy)) == 2 * KEPT


def test_a_folder_that_cannot_be_made_or_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "nosuch" / "checkpoints"):
        with pytest.raises(InputError) as told:
            save(place, 1)
        assert str(place) in str(told.value) and str(told.value).isprintable()
    with pytest.raises(InputError, match="not a directory"):
        steps_saved(tmp_path / "file")
