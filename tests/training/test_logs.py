"""Logs read back exactly, survive kill -9, and refuse what is none."""

from __future__ import annotations

import math
import os
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_parts import evaluation_record, step_record, write_run

from sketchkit.errors import FormatError, InputError
from sketchkit.training import logs
from sketchkit.training.logs import CsvLog, TensorBoardLog, read_log
from sketchkit.training.records import EvaluationRecord, StepRecord, Watcher, Watchers, flatten

COUNTS = st.integers(0, 2**63 - 1)
FLOATS = st.floats()


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[StepRecord], list[EvaluationRecord]]:
    """The records of a run, with gaps between the steps, of a model with any terms of the loss."""
    terms = draw(
        st.lists(st.sampled_from(["offset", "pen", "kl", "smooth_pen", "e2"]), min_size=1, unique=True)
    )
    weighted = draw(st.lists(st.sampled_from(terms), unique=True))
    numbers = sorted(draw(st.sets(st.integers(1, 10**6), max_size=12)))

    def some(names: list[str]) -> dict[str, float]:
        return {name: draw(FLOATS) for name in names}

    steps = [
        StepRecord(
            n,
            draw(FLOATS),
            some(terms),
            some(weighted),
            *draw(st.tuples(FLOATS, FLOATS, COUNTS, FLOATS, COUNTS)),
        )
        for n in numbers
    ]
    nll = FLOATS if draw(st.booleans()) else st.none()
    evaluations = [
        EvaluationRecord(n, draw(FLOATS), some(terms), *draw(st.tuples(nll, COUNTS, st.booleans(), FLOATS)))
        for n in numbers
        if draw(st.booleans())
    ]
    return steps, evaluations


def contents(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "train.csv").read_bytes(), (folder / "valid.csv").read_bytes()


@given(runs())
def test_what_is_written_reads_back_exactly(
    run: tuple[list[StepRecord], list[EvaluationRecord]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        log = read_log(write_run(Path(name), *run))
    for records, columns in zip(run, (log.train, log.valid), strict=True):
        assert len(columns) == len(records)
        for key in columns.values:
            expected = [math.nan if (x := flatten(r)[key]) is None else x for r in records]
            np.testing.assert_array_equal(columns[key], np.array(expected, columns[key].dtype))
    steps = run[0]
    assert set(log.train.terms) == {
        name for r in steps for name, each in r.terms.items() if not math.isnan(each)
    }
    assert set(log.train.terms_with_weight) == set(log.train.terms) & {
        name for r in steps for name in r.weights
    }
    assert np.isnan(log.train["absent"]).all() and len(log.train["absent"]) == len(steps)


@given(runs(), st.data())
def test_a_rewound_log_is_that_of_a_run_that_stopped_there(
    run: tuple[list[StepRecord], list[EvaluationRecord]], data: st.DataObject
) -> None:
    steps, evaluations = run
    at = data.draw(st.sampled_from([0, *(record.step for record in steps)]))
    before = ([r for r in steps if r.step <= at], [r for r in evaluations if r.step <= at])
    after = ([r for r in steps if r.step > at], [r for r in evaluations if r.step > at])
    with tempfile.TemporaryDirectory() as name:
        whole = write_run(Path(name, "whole"), *run)
        uncut = contents(whole)
        stopped = write_run(Path(name, "stopped"), *before)
        # kill -9 in the middle of the next row, if there was one.
        for path, kept in zip(("train.csv", "valid.csv"), contents(stopped), strict=True):
            content = (whole / path).read_bytes()
            rest = content[len(kept) :]
            cut = data.draw(st.integers(0, len(rest)))
            (whole / path).write_bytes(content[: len(kept) + cut])
        log = CsvLog.rewound(whole, at)
        assert contents(whole) == contents(stopped)
        for record in after[0]:
            log.step(record)
        for evaluation in after[1]:
            log.evaluation(evaluation)
        log.close()
        assert contents(whole) == uncut


def test_a_row_is_in_the_file_at_once(tmp_path: Path) -> None:
    log = CsvLog(tmp_path)
    log.step(step_record(1))
    log.evaluation(evaluation_record(1))
    log.note("words have no column")
    assert [line.count(b"\n") for line in contents(tmp_path)] == [2, 2]
    log.close()
    log.close()


def test_numbers_of_numpy_are_written_as_python_s(tmp_path: Path) -> None:
    record = step_record(1, np.float64(0.1), gradient_norm=np.float32(0.1))
    write_run(tmp_path, [record], [evaluation_record(1, best=np.bool_(True))])
    train, valid = contents(tmp_path)
    assert train.splitlines()[1].startswith(b"1,0.1,")
    assert read_log(tmp_path).train["gradient_norm"][0] == np.float32(0.1)
    assert valid.splitlines()[1].split(b",")[-2] == b"1"


def test_a_run_s_first_log_never_overwrites_another(tmp_path: Path) -> None:
    before = contents(write_run(tmp_path, [step_record(1)]))
    with pytest.raises(InputError, match=r"train\.csv: the file exists already"):
        CsvLog(tmp_path)
    assert contents(tmp_path) == before


def test_a_log_that_is_missing_begins_anew_when_rewound(tmp_path: Path) -> None:
    CsvLog.rewound(tmp_path, 7).close()
    assert len(read_log(tmp_path).train) == 0


@pytest.mark.parametrize("tail", [b"", b"2", b"2,0.5,0.3", b"\0" * 5000, b"2,0.5" + b"\0" * 5000])
def test_a_torn_row_does_not_count(tmp_path: Path, tail: bytes) -> None:
    write_run(tmp_path, [step_record(1)])
    whole = contents(tmp_path)
    with open(tmp_path / "train.csv", "ab") as stream:
        stream.write(tail)
    assert read_log(tmp_path).train["step"].tolist() == [1]
    CsvLog.rewound(tmp_path, 1).close()
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("kept", [0, 1, 20])
def test_a_torn_header_is_an_empty_log(tmp_path: Path, kept: int) -> None:
    train, _ = contents(write_run(tmp_path, [step_record(1)]))
    (tmp_path / "train.csv").write_bytes(train[:kept])
    assert len(read_log(tmp_path).train) == 0
    log = CsvLog.rewound(tmp_path, 5)
    log.step(step_record(1))
    log.close()
    assert contents(tmp_path)[0] == train


def test_a_run_of_an_older_version_goes_on_with_the_columns_it_has(tmp_path: Path) -> None:
    ending = b"learning_rate,gradient_norm,points,seconds,skipped\n"
    old = b"step,loss,offset,pen,kl,kl_weight," + ending + GOOD
    (tmp_path / "train.csv").write_bytes(old)
    (tmp_path / "valid.csv").write_bytes(
        b"step,loss,offset,pen,kl,nll,drawings,best,seconds\n1,1.0,0.8,0.2,,1.5,100,1,0.1\n"
    )
    log = read_log(tmp_path)
    assert (log.train.terms, log.train.terms_with_weight, log.valid["nll_per_point"][0]) == (
        ("offset", "pen"),
        (),
        1.5,
    )
    more = CsvLog.rewound(tmp_path, 1)
    more.step(step_record(2))
    more.close()
    row = b"2,1.0,0.8,0.2,,,0.001,0.5,2000,0.2,0\n"
    assert (tmp_path / "train.csv").read_bytes() == old + row
    assert len(read_log(tmp_path).train) == 2


GOOD = b"1,1.0,0.8,0.2,,0.0,0.001,0.5,1000,0.1,0\n"
HOSTILE = {
    "no columns of ours": (b"a,b,c\n1,2,3\n", "line 1: not the columns"),
    "a term twice": (
        b"step,loss,pen,pen,learning_rate,gradient_norm,points,seconds,skipped\n",
        "line 1: not the",
    ),
    "a term without a name": (
        b"step,loss,,learning_rate,gradient_norm,points,seconds,skipped\n",
        "line 1: not",
    ),
    "endless columns": (b"step,loss," + b"a," * 5000, "line 1: not the columns"),
    "binary": (bytes(range(256)) * 100, "line 1: not the columns"),
    "a field too few": (b"@1,1.0,0.8,0.2,,0.0,0.001,0.5,1000,0.1\n", "line 2: 10 fields instead of 11"),
    "a field too many": (b"@" + GOOD[:-1] + b",1\n", "line 2: 12 fields instead of 11"),
    "words": (b"@" + GOOD + b"two,1.0\n", "line 3: not a row of numbers"),
    "other digits": ("@1,٣,0.8,0.2,,0.0,0.001,0.5,1000,0.1,0\n".encode(), "line 2: not a row of numbers"),
    "no number": (b"@" + GOOD.replace(b"0.8", b"0.8.1"), r"line 2: '0\.8\.1' is no offset"),
    "nothing where it must be": (b"@" + GOOD.replace(b"0.5", b""), "line 2: '' is no gradient_norm"),
    "half a step": (b"@" + b"1.5" + GOOD[1:], r"line 2: '1\.5' is no step"),
    "step 0": (b"@0" + GOOD[1:], "line 2: step 0 after step 0"),
    "a step again": (b"@" + GOOD * 2, "line 3: step 1 after step 1"),
    "steps backwards": (b"@5" + GOOD[1:] + b"4" + GOOD[1:], "line 3: step 4 after step 5"),
    "a huge count": (b"@" + b"9" * 400 + GOOD[1:], "line 2: .* is no step"),
    "an endless row": (b"@" + b"1" * 10_000, "line 2: more than 1000 bytes"),
    "other line ends": (b"@" + GOOD.replace(b"\n", b"\r\n"), "line 2: not a row of numbers"),
    "an empty row": (b"@" + GOOD + b"\n" + GOOD, "line 3: 1 fields"),
}


@pytest.mark.parametrize("content, words", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_damaged_log_is_one_line_that_names_file_and_row(
    tmp_path: Path, content: bytes, words: str
) -> None:
    header = b"step,loss,offset,pen,kl,kl_weight,learning_rate,gradient_norm,points,seconds,skipped\n"
    write_run(tmp_path, [])
    content = content.replace(b"@", header, 1)
    (tmp_path / "train.csv").write_bytes(content)
    with pytest.raises(FormatError, match=rf"^{tmp_path}/train\.csv, {words}") as caught:
        read_log(tmp_path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(tmp_path)) + 200
    with pytest.raises(FormatError):
        CsvLog.rewound(tmp_path, 100)
    assert (tmp_path / "train.csv").read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == ["train.csv", "valid.csv"]


def test_a_truth_is_0_or_1(tmp_path: Path) -> None:
    write_run(tmp_path, [], [evaluation_record(1)])
    row = contents(tmp_path)[1].splitlines()
    (tmp_path / "valid.csv").write_bytes(b"\n".join(row).replace(b",1,0.1", b",2,0.1") + b"\n")
    with pytest.raises(FormatError, match=r"valid\.csv, line 2: '2' is no best"):
        read_log(tmp_path)


def test_more_rows_than_memory_is_meant_for_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path, [step_record(n) for n in range(1, 12)])
    monkeypatch.setattr(logs, "MAX_ROWS", 11)
    assert len(read_log(tmp_path).train) == 11
    monkeypatch.setattr(logs, "MAX_ROWS", 10)
    with pytest.raises(FormatError, match="more than 10 rows"):
        read_log(tmp_path)
    CsvLog.rewound(tmp_path, 11).close()  # a long run still goes on


def test_an_evaluation_may_be_made_again_at_the_same_step(tmp_path: Path) -> None:
    write_run(tmp_path, [step_record(1)], [evaluation_record(1), evaluation_record(1)])
    assert read_log(tmp_path).valid["step"].tolist() == [1, 1]


def test_what_is_no_run_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"^{tmp_path}: no run: it holds no train.csv$"):
        read_log(tmp_path)
    with pytest.raises(InputError, match=r"gone: no such folder$"):
        read_log(tmp_path / "gone")


def test_without_evaluations_file_there_were_none(tmp_path: Path) -> None:
    write_run(tmp_path, [step_record(1)])
    (tmp_path / "valid.csv").unlink()
    assert len(read_log(tmp_path).valid) == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_no_log(tmp_path: Path) -> None:
    write_run(tmp_path, [step_record(1)])
    (tmp_path / "valid.csv").unlink()
    os.mkfifo(tmp_path / "valid.csv")
    with pytest.raises(InputError, match=r"valid\.csv: this is a pipe, not a file"):
        read_log(tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no disk that is always full")
def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "train.csv").symlink_to("/dev/full")
    log = CsvLog.__new__(CsvLog)
    log._files = {}
    log._open(tmp_path, "ab")
    with pytest.raises(InputError, match=r"train\.csv: no space left on device"):
        log.step(step_record(1))
    log.close()


def test_all_watchers_are_told_everything_and_closed_even_after_an_error(tmp_path: Path) -> None:
    told: list[str] = []

    class Told:
        def __init__(self, name: str) -> None:
            self.name = name

        def step(self, record: StepRecord) -> None:
            told.append(f"{self.name} step {record.step}")

        def evaluation(self, record: EvaluationRecord) -> None:
            told.append(f"{self.name} evaluation {record.step}")

        def note(self, text: str) -> None:
            told.append(f"{self.name} {text}")

        def close(self) -> None:
            told.append(f"{self.name} closed")
            if self.name == "b":
                raise InputError("b cannot")

    everyone: Watcher = Watchers(Told("a"), Told("b"))
    everyone.step(step_record(3))
    everyone.evaluation(evaluation_record(4))
    everyone.note("hello")
    with pytest.raises(InputError, match="b cannot"):
        everyone.close()
    assert told == [
        *("a step 3", "b step 3", "a evaluation 4", "b evaluation 4", "a hello", "b hello"),
        *("b closed", "a closed"),
    ]


def tensorboard_events(folder: Path) -> list[object]:
    """All events of a run in the order in which TensorBoard reads them."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    events = []
    for path in sorted((folder / "tensorboard").iterdir()):
        content, place = path.read_bytes(), 0
        while place < len(content):
            (length,) = struct.unpack_from("<Q", content, place)
            events.append(event_pb2.Event.FromString(content[place + 12 : place + 12 + length]))
            place += 12 + length + 4
    return events


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard draws: a session that starts at a step hides what came before from there on."""
    drawn: dict[str, list[tuple[int, float]]] = {}
    for event in tensorboard_events(folder):
        if event.session_log.status == event.session_log.START:  # type: ignore[attr-defined]
            drawn = {
                tag: [point for point in points if point[0] < event.step]  # type: ignore[attr-defined]
                for tag, points in drawn.items()
            }
        for value in event.summary.value:  # type: ignore[attr-defined]
            if value.HasField("simple_value"):
                drawn.setdefault(value.tag, []).append((event.step, value.simple_value))  # type: ignore[attr-defined]
    return drawn


def test_tensorboard_draws_the_curves_of_a_resumed_run_once(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    for n in range(1, 11):
        log.step(step_record(n, n / 8, kl=0.5))
    log.evaluation(evaluation_record(10, 3.0))
    log.note("a word")
    log.close()
    resumed = TensorBoardLog(tmp_path, 7)  # within the same second, most likely
    for n in range(8, 13):
        resumed.step(step_record(n, -n / 8, kl=0.5))
    resumed.close()
    resumed.close()
    drawn = curves(tmp_path)
    assert drawn["train/loss"] == [(n, n / 8 if n <= 7 else -n / 8) for n in range(1, 13)]
    assert drawn["valid/nll_per_point"] == []
    assert [step for step, _ in drawn["train/kl"]] == list(range(1, 13))
    texts = [v for e in tensorboard_events(tmp_path) for v in e.summary.value if v.tag.startswith("notes")]  # type: ignore[attr-defined]
    assert texts[0].tensor.string_val[0] == b"a word"


def test_a_model_without_a_latent_vector_has_no_curve_of_it(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.step(step_record(1))
    log.close()
    assert "train/kl" not in curves(tmp_path)
    assert {tag.split("/")[1] for tag in curves(tmp_path)} == flatten(step_record(1)).keys() - {"step"}


def test_without_its_package_tensorboard_is_a_note_or_an_error_as_the_user_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboardX"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    notes: list[str] = []
    assert TensorBoardLog.if_possible(tmp_path, None, notes.append) is None
    assert notes == ["TensorBoard's curves need tensorboardX: pip install 'sketchkit[tensorboard]'"]
    with pytest.raises(InputError, match=r"pip install 'sketchkit\[tensorboard\]'"):
        TensorBoardLog(tmp_path)
    assert os.listdir(tmp_path) == []


def test_with_its_package_nothing_is_noted(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    notes: list[str] = []
    log = TensorBoardLog.if_possible(tmp_path, None, notes.append)
    assert log is not None
    log.close()
    assert notes == []


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    (tmp_path / "tensorboard").write_text("in the way")
    with pytest.raises(InputError, match="tensorboard: "):
        TensorBoardLog(tmp_path)


def test_a_log_of_an_older_run_is_read_and_goes_on_under_the_new_name(tmp_path: Path) -> None:
    log = CsvLog(tmp_path)
    log.step(step_record(1))
    log.evaluation(evaluation_record(1))
    log.close()
    path = tmp_path / "valid.csv"
    today = path.read_bytes()
    path.write_bytes(today.replace(b"nll_per_point", b"nll"))
    assert read_log(tmp_path).valid["nll_per_point"].tolist() == [evaluation_record(1).nll_per_point]
    CsvLog.rewound(tmp_path, 1).close()
    assert path.read_bytes() == today
