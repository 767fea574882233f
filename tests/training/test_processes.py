"""The processes of a run: one alone, several that meet, and those that cannot."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from forks import Fork, run_code
from loop_parts import torchrun_variables

from sketchkit.errors import DeviceError, InputError
from sketchkit.training.processes import Processes, join_processes, keep_memory

CPU = torch.device("cpu")
VARIABLES = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_one_process_is_all_there_is() -> None:
    with join_processes(CPU) as who:
        assert (who.rank, who.world, who.first, who.device) == (0, 1, True, CPU)
        values = torch.tensor([1.0, 2.0])
        assert torch.equal(who.sum_up(values), values)
        assert who.share({"a": 1}) == {"a": 1}
        assert (who.agree(None), who.agree("interrupted")) == (None, "interrupted")
        module = torch.nn.Linear(2, 2)
        assert who.wrap(module) is module
    assert not torch.distributed.is_initialized()
    assert Processes() == Processes(0, 1, CPU)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"WORLD_SIZE": "many"}, "must be whole numbers"),
        ({"WORLD_SIZE": "2", "RANK": "first"}, "must be whole numbers"),
        ({"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": ""}, "must be whole numbers"),
        ({"WORLD_SIZE": "2", "RANK": "0"}, "the processes cannot meet: .*MASTER_ADDR"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "localhost"}, "cannot meet: .*MASTER_PORT"),
    ],
)
def test_what_no_torchrun_would_say_is_one_line(
    said: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=words) as told, join_processes(CPU):
        pass
    assert str(told.value).isprintable()
    assert not torch.distributed.is_initialized()


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The first of two processes, whose launcher has made a process group."""
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("launched")
def test_the_group_of_a_launcher_is_used_and_stays() -> None:
    with join_processes(CPU) as who:
        assert (who.rank, who.world) == (0, 2)
    assert torch.distributed.is_initialized()


@pytest.mark.usefixtures("launched")
def test_a_lost_process_is_one_line_and_other_errors_are_as_they_were() -> None:
    lost = RuntimeError(
        "[/src/gloo/transport/tcp/pair.cc:537] Read error [10.0.0.2]:34: reset by peer. Look there"
    )
    with pytest.raises(DeviceError) as told, join_processes(CPU):
        raise lost
    said = (
        "another process of the run has ended or cannot be reached: Read error [10.0.0.2]:34: reset by peer"
    )
    assert str(told.value) == said
    with pytest.raises(DeviceError, match="cannot be reached: no store"), join_processes(CPU):
        raise torch.distributed.DistStoreError("no store")
    with pytest.raises(RuntimeError, match="shapes"), join_processes(CPU):
        raise RuntimeError("shapes differ")


TWO = """
import sys
from pathlib import Path
import torch
from sketchkit.training.processes import join_processes
torch.set_num_threads(1)
with join_processes(torch.device("cpu")) as who:
    values = torch.tensor([1.0, 10.0 * (who.rank + 1)], dtype=torch.float64)
    assert who.sum_up(values).tolist() == [2.0, 30.0]
    assert values.tolist() == [1.0, 10.0 * (who.rank + 1)], "what is summed stays as it was"
    assert who.share({"rank": who.rank}) == {"rank": 0}
    assert who.agree(None) is None
    assert who.agree("interrupted" if who.rank == 1 else None) == "interrupted"
    assert who.agree(f"of {who.rank}") == "of 0"
    who.wrap(torch.nn.Linear(2, 2))(torch.ones(1, 2)).sum().backward()
    print(who.rank, who.world, who.first)
assert not torch.distributed.is_initialized()
threads = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
assert not [name for name in threads if "gloo" in name], f"{threads} could abort the exit"
"""


def test_two_processes_share_sums_and_words() -> None:
    both = [Fork(run_code, TWO, (), environment=variables) for variables in torchrun_variables(2)]
    said = [process.communicate(timeout=600) for process in both]
    assert [out for out, _ in said] == ["0 2 True\n", "1 2 False\n"], said
    assert [process.returncode for process in both] == [0, 0], said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only the GNU C library is told")
def test_the_c_library_can_be_told_to_keep_memory() -> None:
    code = "from sketchkit.training.processes import keep_memory; print(keep_memory(), keep_memory())"
    out, err = Fork(run_code, code, ()).communicate(timeout=600)
    assert out in ("True True\n", "False False\n"), err


def test_elsewhere_memory_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_memory() is False
