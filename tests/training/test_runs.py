"""A run's folder: what it says reads back, whatever else is refused, and nothing else is deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from train_parts import shapes, small

from sketchkit import options
from sketchkit.errors import FormatError, InputError
from sketchkit.training.config import TrainConfig, option_infos
from sketchkit.training.data import Dataset
from sketchkit.training.runs import (
    CHANGEABLE,
    RunInfo,
    begin,
    describe_data,
    identity_of,
    read_run,
    write_run,
)

INFO = RunInfo(
    config=small(steps=9),
    data={"path": "/d/sun", "fingerprint": "f00d", "scale_factor": 31.5, "classes": ["a", "ü\n"]},
    nmax=64,
    threads=2,
    parameters=12_345,
    versions={"sketchkit": "1", "torch": "2"},
    status="interrupted",
    step=7,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run."""
    path = tmp_path / "run"
    begin(path)
    write_run(path, INFO)
    return path


# --- what it says ---------------------------------------------------------------------------------------


def test_what_is_written_reads_back(folder: Path) -> None:
    assert read_run(folder) == read_run(str(folder)) == INFO
    write_run(folder, replace(INFO, status="finished", step=9))
    assert read_run(folder) == replace(INFO, status="finished", step=9)
    assert [path.name for path in folder.iterdir()] == ["run.json"]


def test_what_a_run_remembers_of_its_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = shapes(tmp_path_factory)
    known = describe_data(data)
    assert known["path"] == str(data.path)
    assert known["fingerprint"] == data.manifest.fingerprint
    assert known["drawings"] == {name: len(data.split(name)) for name in ("train", "valid", "test")}
    assert (known["classes"], known["max_length"]) == (["face", "star", "sun"], data.max_length)
    assert known["scale_factor"] == data.scale_factor
    assert json.loads(json.dumps(known)) == known
    assert Dataset.open(known["path"]).manifest == data.manifest


def other_value(info: options.OptionInfo) -> Any:
    """A value that a field does not have."""
    if info.type is bool:
        return not info.default
    if info.choices:
        return next(choice for choice in info.choices if choice != info.default)
    if info.type is str:
        return "another"
    return info.low if info.default != info.low else info.high


@pytest.mark.parametrize("info", option_infos(), ids=lambda info: info.name)
def test_whatever_decides_what_is_learnt_is_part_of_the_identity(info: options.OptionInfo) -> None:
    loose = {"learning_rate": 5} if info.name == "min_learning_rate" else {"min_learning_rate": 0}
    value = 2.0 if info.name == "min_learning_rate" else other_value(info)
    one = TrainConfig.made(None, loose)
    other = TrainConfig.made(None, loose, {info.name: value})
    assert one != other
    same = identity_of(one, "f00d", 64) == identity_of(other, "f00d", 64)
    assert same == (info.name in CHANGEABLE)


def test_the_identity_of_a_run_stays_what_it_was_under_older_names() -> None:
    assert identity_of(TrainConfig(offset_noise=3.0), "f", 5) == "37c3c0fb930c81d14b328780361b44ed"


def test_the_data_nmax_and_the_weights_it_began_with_are_part_of_the_identity() -> None:
    assert INFO.identity == identity_of(INFO.config, "f00d", 64)
    others = [replace(INFO, nmax=65), replace(INFO, data={**INFO.data, "fingerprint": "beef"})]
    assert len({INFO.identity, *(other.identity for other in others)}) == 3
    begun = [{"blake2b": x, "scale_factor": s} for x, s in (("beef", 2.0), ("feed", 2.0), ("beef", 3.0))]
    assert len({INFO.identity, *(replace(INFO, init=init).identity for init in begun)}) == 4
    assert (INFO.scale_factor, replace(INFO, init=begun[2]).scale_factor) == (31.5, 3.0)
    moved = {**INFO.data, "path": "elsewhere"}
    assert replace(INFO, data=moved, threads=9, step=0, status="running").identity == INFO.identity


# --- what is refused ------------------------------------------------------------------------------------


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda values: {key: value for key, value in values.items() if key != name}


def but(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda values: {**values, **changes}


HOSTILE: dict[str, bytes | Callable[[dict[str, Any]], Any]] = {
    "binary": bytes(range(256)),
    "empty": b"",
    "no JSON": b"{nonsense",
    "deep": b"[" * 100_000,
    "deep and whole": b"[" * 5000 + b"]" * 5000,
    "huge": b" " * (1 << 20) + b"{}",
    "huge text": b'{"format": "' + b"a" * (1 << 21) + b'"}',
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "nothing in it": b"{}",
    "another format": but(format="sketchkit-data"),
    "another version": but(version=2),
    "a version of another type": but(version="1"),
    "no config": without("config"),
    "no data": without("data"),
    "no nmax": without("nmax"),
    "more than there is": but(colour="red"),
    "a name of two lines": but(**{"a\nb": 1}),
    "config a list": but(config=[]),
    "config pairs": but(config=[["steps", 3]]),
    "config null": but(config=None),
    "config of another type": but(config={"steps": "many"}),
    "config out of range": but(config={"hidden": 0}),
    "config unknown": but(config={"hiddn": 3}),
    "config a long text": but(config={"hidden": "x" * 100_000}),
    "data null": but(data=None),
    "data a list": but(data=[["fingerprint", "f00d"]]),
    "data without a fingerprint": but(data={"path": "x"}),
    "a fingerprint of another type": but(data={"fingerprint": 3}),
    "nmax of another type": but(nmax="64"),
    "nmax a fraction": but(nmax=64.5),
    "nmax true": but(nmax=True),
    "nmax zero": but(nmax=0),
    "no threads": but(threads=0),
    "threads below zero": but(threads=-1),
    "step below zero": but(step=-1),
    "step null": but(step=None),
    "a status of another type": but(status=3),
    "no scale factor": but(data={"fingerprint": "f00d"}),
    "a scale factor of zero": but(data={"fingerprint": "f00d", "scale_factor": 0}),
    "a scale factor of another type": but(data={"fingerprint": "f00d", "scale_factor": "large"}),
    "a beginning of another type": but(init="dreamer"),
    "a beginning without a checksum": but(init={"scale_factor": 2.0}),
    "a beginning without a scale": but(init={"blake2b": "beef"}),
    "a beginning of a strange scale": but(init={"blake2b": "beef", "scale_factor": -1}),
    "versions of another type": but(versions=["1"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_run_is_one_line_that_names_the_file(folder: Path, name: str) -> None:
    change, path = HOSTILE[name], folder / "run.json"
    values = json.loads(path.read_text())
    path.write_bytes(change if isinstance(change, bytes) else json.dumps(change(values)).encode())
    with pytest.raises(FormatError) as told:
        read_run(folder)
    text = str(told.value)
    assert text.startswith(f"{path}: ") and text.isprintable() and len(text) < 500


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_whichever_byte_is_wrong_there_is_no_other_error(folder: Path, place: float, value: int) -> None:
    path = folder / "run.json"
    whole = path.read_bytes()
    content = bytearray(whole)
    content[int(place * len(content))] = value
    path.write_bytes(content)
    try:
        assert isinstance(read_run(folder), RunInfo)
    except FormatError as error:
        assert str(error).startswith(f"{path}: ") and str(error).isprintable()
    finally:
        path.write_bytes(whole)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run: it holds no run\.json"):
        read_run(tmp_path)
    with pytest.raises(InputError, match="nosuch: no such folder"):
        read_run(tmp_path / "nosuch")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: no such folder"):
        read_run(tmp_path / "file")
    (tmp_path / "run.json").mkdir()
    for place in (tmp_path, tmp_path / "a\0b"):
        with pytest.raises(InputError) as told:
            read_run(place)
        assert str(told.value).isprintable()


# --- the folder of a new one ----------------------------------------------------------------------------


def test_a_new_run_takes_a_folder_that_is_free_or_empty(tmp_path: Path) -> None:
    for _ in range(2):
        begin(tmp_path / "run")
        assert list((tmp_path / "run").iterdir()) == []


def test_a_run_is_replaced_only_on_request_and_then_as_a_whole(folder: Path) -> None:
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "00000001.json").write_text("{}")
    with pytest.raises(
        InputError, match="the run exists already; --resume goes on with it, --force replaces"
    ):
        begin(folder)
    assert read_run(folder) == INFO and (folder / "checkpoints" / "00000001.json").exists()
    begin(folder, overwrite=True)
    assert list(folder.iterdir()) == []


def test_a_damaged_run_can_be_replaced(folder: Path) -> None:
    path = folder / "run.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="the run exists already"):
        begin(folder)
    begin(folder, overwrite=True)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("diary.txt", "dear"),
        ("manifest.json", '{"format": "sketchkit-data"}'),
        ("run.json", '{"name": "a run of another program"}'),
        ("run.json", ""),
        ("run.json/inner", "sketchkit-run"),
    ],
)
def test_what_is_no_run_is_never_deleted(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / "mine" / name
    path.parent.mkdir(parents=True)
    path.write_text(content)
    for overwrite in (False, True):
        with pytest.raises(InputError, match="mine: exists and is no run, so it is not replaced"):
            begin(tmp_path / "mine", overwrite=overwrite)
    assert path.read_text() == content


def test_neither_a_file_nor_what_a_link_leads_to_is_deleted(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(folder)
    for place in ("file", "link", "nosuch/run", "a\0b"):
        with pytest.raises(InputError) as told:
            begin(tmp_path / place, overwrite=True)
        assert str(told.value).isprintable() and str(tmp_path) in str(told.value)
    assert (tmp_path / "file").read_text() == "mine"
    assert read_run(folder) == INFO
