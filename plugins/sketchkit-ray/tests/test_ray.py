"""Commands by workers of Ray: what they write, and what happens when something dies."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import mortal_worker
import pytest
import ray
import torch
from mortal_worker import TRAPS, MortalWorker, make_parts_small
from moto.server import ThreadedMotoServer
from sketchkit_ray import driver
from sketchkit_ray.gathering import EXAMPLES, gathering_command
from sketchkit_ray.session import open_ray
from sketchkit_ray.worker import Assignment, Worker, normalize

import sketchkit
from sketchkit.card import ModelCard
from sketchkit.cli.main import run
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeArchitecture, VaeModel
from sketchkit.testing import check_command

#: Drawings in all: of five parts.
N = 18
SAMPLE = ("sample", "-n", N, "--seed", 5)
TOLD = "sketchkit: a worker died at {}.ndjson: another one goes on"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The URL of a bucket in an object store on this machine, which the environment names."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    settings = {
        "AWS_ENDPOINT_URL": "http://{}:{}".format(*server.get_host_and_port()),
        "AWS_ACCESS_KEY_ID": "AKIDOFTEST",
        "AWS_SECRET_ACCESS_KEY": "key-of-test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield "s3://bucket"
    server.stop()


@pytest.fixture(scope="module")
def cluster(bucket: str) -> Iterator[str]:
    """The address of a Ray with two cores, whose workers see the bucket."""
    ray.cloudpickle.register_pickle_by_value(mortal_worker)
    with open_ray(None, 2):
        yield ray.get_runtime_context().gcs_address


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a decoder `tiny` and a VAE `dreamer`, with random weights."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "models").mkdir()
    torch.manual_seed(1)
    tiny = DecoderModel(DecoderArchitecture(hidden=16, mixtures=3), ModelCard("tiny", 40.0, max_length=20))
    tiny.decoder.output.bias.data[2] -= 3.0
    tiny.save(folder / "models" / "tiny.safetensors")
    sizes = VaeArchitecture(encoder_hidden=8, hidden=16, latent=6, mixtures=3)
    dreamer = VaeModel(sizes, ModelCard("dreamer", 20.0, max_length=20))
    dreamer.decoder.output.bias.data[:3] = torch.tensor([1.0, 0.0, -3.0])
    dreamer.save(folder / "models" / "dreamer.safetensors")
    return folder


@pytest.fixture(autouse=True)
def home(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with small parts, and a folder of traps beside it."""
    for name in [name for name in os.environ if name.startswith("SKETCHKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for folder in ("work", "traps"):
        (tmp_path / folder).mkdir()
    settings = {"DATA_DIR": str(store), "MODEL": "tiny", "TRIES": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"SKETCHKIT_{name}", value)
    monkeypatch.setenv(TRAPS, str(tmp_path / "traps"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path / "work")
    make_parts_small(monkeypatch.setattr)
    monkeypatch.setattr(driver, "Worker", MortalWorker)
    return tmp_path


@dataclass
class Told:
    code: int
    err: str


Sketchkit = Callable[..., Told]


@pytest.fixture
def do(capfd: pytest.CaptureFixture[str]) -> Sketchkit:
    """Run a command line in this process."""

    def call(*words: object) -> Told:
        code = run([str(word) for word in words])
        # Ray itself tells of a dead worker when it finds the time, perhaps while the next command runs.
        return Told(code, re.sub(r".*\(raylet\).*\n", "", capfd.readouterr().err))

    return call


@pytest.fixture
def by_ray(cluster: str, do: Sketchkit, monkeypatch: pytest.MonkeyPatch) -> Sketchkit:
    """Run a command of the group by the workers of the Ray of this process."""
    monkeypatch.setattr(driver, "open_ray", lambda address, workers: contextlib.nullcontext())
    return lambda *words: do("ray", *words)


def set_trap(home: Path, kind: str, number: int, text: str = "") -> None:
    (home / "traps" / f"{kind}-{number}").write_text(text)


def parts_of(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.suffix != ".json"}


@pytest.fixture
def drawings() -> Path:
    """A file of drawings."""
    sketches = sketchkit.sample(sketchkit.load_model("tiny", device="cpu"), N, 0.8, seed=3)
    sketchkit.write(sketches, "drawings.ndjson")
    return Path("drawings.ndjson")


# --- what is written ------------------------------------------------------------------------------------


def test_workers_fill_a_folder_of_an_object_store(do: Sketchkit, by_ray: Sketchkit, bucket: str) -> None:
    do(*SAMPLE, "-o", "one.ndjson")
    told = by_ray(*SAMPLE, "-o", f"{bucket}/parts/", "--workers", 2)
    assert told.code == 0 and "wrote 5 of 5 parts" in told.err, told.err
    assert do("merge", f"{bucket}/parts", "-o", "all.ndjson").code == 0
    assert Path("all.ndjson").read_bytes() == Path("one.ndjson").read_bytes()
    assert "5 were there already" in by_ray(*SAMPLE, "-o", f"{bucket}/parts/").err


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_write_what_one_process_writes(do: Sketchkit, by_ray: Sketchkit, workers: int) -> None:
    do(*SAMPLE, "-o", "one.ndjson")
    told = by_ray(*SAMPLE, "-o", "parts/", "--workers", workers)
    assert (told.code, told.err) == (0, "parts/: wrote 5 of 5 parts\n")
    assert do("merge", "parts", "-o", "merged.ndjson").code == 0
    assert Path("merged.ndjson").read_bytes() == Path("one.ndjson").read_bytes()


@pytest.mark.usefixtures("drawings")
@pytest.mark.parametrize(
    ("command", "suffix"),
    [
        (("score", "drawings.ndjson"), ".jsonl"),
        (("encode", "drawings.ndjson", "--model", "dreamer", "--draws", 2), ".npz"),
        (("complete", "drawings.ndjson", "-n", 2), ".ndjson"),
        (("reconstruct", "drawings.ndjson", "--model", "dreamer"), ".ndjson"),
    ],
    ids=("score", "encode", "complete", "reconstruct"),
)
def test_drawings_are_read_by_workers(
    do: Sketchkit, by_ray: Sketchkit, command: tuple[object, ...], suffix: str
) -> None:
    do(*command, "-o", f"one{suffix}")
    assert by_ray(*command, "-o", "parts/", "--workers", 1).code == 0
    assert do("merge", "parts", "-o", f"merged{suffix}").code == 0
    assert Path(f"merged{suffix}").read_bytes() == Path(f"one{suffix}").read_bytes()


@pytest.mark.usefixtures("drawings")
def test_grids_of_workers_are_those_of_one_process(do: Sketchkit, by_ray: Sketchkit) -> None:
    words = "grid --pairs random:5 --from drawings.ndjson --steps 2x2 --deterministic --model dreamer"
    grid = words.split()
    for folder in ("one", "shared"):
        Path(folder).mkdir()
    do(*grid, "-o", "one/{stem}.svg")
    assert by_ray(*grid, "-o", "shared/{stem}.svg", "--workers", 1).err == "shared: wrote 5 of 5 jobs\n"
    assert parts_of("shared") == parts_of("one") and len(parts_of("one")) == 5


def test_parts_that_are_there_stay_and_other_work_is_refused(by_ray: Sketchkit, do: Sketchkit) -> None:
    do(*SAMPLE, "--shard", "1/1", "-o", "parts/")
    before = parts_of("parts")
    Path("parts/2.ndjson").unlink()
    told = by_ray(*SAMPLE, "-o", "parts/")
    assert told.err == "parts/: wrote 1 of 5 parts; 4 were there already\n"
    assert parts_of("parts") == before
    refused = by_ray("sample", "-n", N, "--seed", 6, "-o", "parts/")
    assert refused.code == 3 and "holds files of another run" in refused.err
    assert by_ray("sample", "-n", N, "--seed", 6, "-o", "parts/", "--force").code == 0
    assert parts_of("parts").keys() == before.keys() and parts_of("parts") != before


# --- what dies ------------------------------------------------------------------------------------------


def test_workers_that_are_killed_are_replaced(do: Sketchkit, by_ray: Sketchkit, home: Path) -> None:
    command = ("sample", "-n", 80)
    do(*command, "-o", "one.ndjson")
    for number in range(0, 20, 5):
        set_trap(home, "once", number)
    told = by_ray(*command, "-o", "parts/", "--workers", 2)
    assert told.code == 0, told.err
    assert sorted(told.err.splitlines()[:-1]) == [TOLD.format(f"{each:02}") for each in range(0, 20, 5)]
    do("merge", "parts", "-o", "merged.ndjson")
    assert Path("merged.ndjson").read_bytes() == Path("one.ndjson").read_bytes()
    assert not list((home / "traps").iterdir()) and not list(Path("parts").glob(".*"))


def test_a_part_that_always_ends_its_worker_is_named(do: Sketchkit, by_ray: Sketchkit, home: Path) -> None:
    set_trap(home, "always", 3)
    told = by_ray(*SAMPLE, "-o", "parts/", "--workers", 1, "--retries", 1)
    first, last = told.err.splitlines()
    assert told.code == 5
    assert first == TOLD.format(3) and last.startswith("sketchkit: a worker died at 3.ndjson, 2 times: ")
    assert parts_of("parts").keys() == {"0.ndjson", "1.ndjson", "2.ndjson", "4.ndjson"}
    (home / "traps" / "always-3").unlink()
    assert by_ray(*SAMPLE, "-o", "parts/").err == "parts/: wrote 1 of 5 parts; 4 were there already\n"


def test_an_error_of_a_worker_is_that_of_the_command(
    do: Sketchkit, by_ray: Sketchkit, drawings: Path
) -> None:
    lines = drawings.read_text().splitlines()
    Path("dots.ndjson").write_text("\n".join([*lines[:5], '{"drawing": [[[3], [3]]]}', ""]))
    command = ("reconstruct", "dots.ndjson", "--model", "dreamer", "--format", "ndjson", "-o")
    mine, theirs = do(*command, "one/"), by_ray(*command, "parts/", "--workers", 1)
    assert mine.code == theirs.code == 3
    assert mine.err == theirs.err and "dots.ndjson#5: a drawing without a line" in mine.err


DRIVER = """
import sys
sys.path.insert(0, {tests!r})
import mortal_worker, ray
from sketchkit_ray import driver
from sketchkit.cli.main import main
ray.cloudpickle.register_pickle_by_value(mortal_worker)
mortal_worker.make_parts_small()
driver.Worker = mortal_worker.MortalWorker
main()
"""


def test_a_command_whose_process_was_killed_goes_on(cluster: str, do: Sketchkit, home: Path) -> None:
    do(*SAMPLE, "--shard", "1/1", "-o", "whole/")
    (home / "driver.py").write_text(DRIVER.format(tests=str(Path(__file__).parent)))
    words = " ".join(map(str, SAMPLE))
    line = (
        f"echo $$ > '{home}/traps/driver-2'; exec '{sys.executable}' '{home}/driver.py' ray {words} "
        f"-o parts/ --workers 1 --address {cluster}"
    )

    def drive(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=600)

    assert drive(line).returncode == -9
    assert parts_of("parts").keys() >= {"0.ndjson", "1.ndjson"} and len(parts_of("parts")) < 5
    done = drive(line.partition("; ")[2])
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr == "parts/: wrote 3 of 5 parts; 2 were there already\n"
    assert parts_of("parts") == parts_of("whole")


def test_a_ray_of_its_own_is_quiet_and_leaves_no_process(home: Path) -> None:
    (home / "driver.py").write_text(DRIVER.format(tests=str(Path(__file__).parent)))
    set_trap(home, "once", 3)
    command = [sys.executable, str(home / "driver.py"), "ray", *map(str, SAMPLE), "-o", "parts/"]
    before = rays_in(tempfile.gettempdir())
    done = subprocess.run([*command, "--workers", "1"], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{TOLD.format(3)}\nparts/: wrote 5 of 5 parts\n"
    assert rays_in(tempfile.gettempdir()) <= before


def rays_in(folder: str) -> set[Path]:
    """The folders of Rays that commands have started."""
    return set(Path(folder).glob("sketchkit-ray-*"))


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("sample",), 2, "--output: Ray writes parts into a folder"),
        (("score", "drawings.ndjson"), 2, "--output: Ray writes parts into a folder"),
        (("encode", "drawings.ndjson", "-o", "z.npz"), 2, "Ray writes parts into a folder"),
        (("grid", "drawings.ndjson"), 2, "give --jobs or --pairs"),
        (("sample", "-o", "parts/", "--shard", "1/2"), 2, "--shard"),
        (("sample", "-o", "parts/", "--workers", "0"), 2, "--workers"),
        (("sample", "-o", "parts/", "--json"), 2, "no report"),
        (("sample", "-o", "parts/", "--format", "png"), 2, "no pictures"),
        (("render", "drawings.ndjson"), 2, "No such command"),
        ((*SAMPLE, "-o", "no/parts/"), 3, "there is no folder no"),
        ((*SAMPLE, "-o", "parts/", "--model", "none-such"), 5, "none-such"),
        ((*SAMPLE, "-o", "parts/", "--address", "127.0.0.1:1"), 5, "no Ray cluster at 127.0.0.1:1: conn"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    do: Sketchkit, words: tuple[object, ...], code: int, why: str
) -> None:
    told = do("ray", *words)
    assert (told.code, why in told.err, len(told.err.splitlines())) == (code, True, 1), told.err


def test_more_gpus_than_there_are_are_refused(by_ray: Sketchkit) -> None:
    told = by_ray(*SAMPLE, "-o", "parts/", "--num-gpus", 1)
    assert told.code == 5 and "--num-gpus 1: Ray finds 0 GPUs" in told.err


def assign(**changes: Any) -> Assignment:
    """What a worker in this process is to do in `parts`, where the record of the work is."""
    words = (*map(str, SAMPLE), "-o", "parts/")[1:]
    found = gathering_command("sample").main(list(words), standalone_mode=False)
    with found.work.open_folder("parts"):
        pass
    Path("parts/token").touch()
    settings = {name: value for name, value in os.environ.items() if name.startswith("SKETCHKIT_")}
    known: dict[str, Any] = {
        "name": "sample",
        "words": words,
        "place": os.getcwd(),
        "settings": settings,
        "folder": os.path.abspath("parts"),
        "token": "token",
        "record": Path("parts/sketchkit-run.json").read_bytes(),
        "run": normalize(found.work.record),
    }
    return Assignment(**{**known, **changes})


def test_a_worker_that_sees_another_folder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    error = Worker(assign(token="other")).begin().error
    assert isinstance(error, sketchkit.InputError) and "does not see this folder" in str(error)


def test_a_worker_with_other_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    given = assign()
    error = Worker(assign(run={**given.run, "weights": "others"})).begin().error
    assert isinstance(error, sketchkit.InputError)
    assert "would make other parts: weights is" in str(error) and '"others" here' in str(error)


def test_a_worker_that_was_left_behind_writes_nothing_over_other_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    worker = Worker(assign())
    assert worker.begin().error is None
    assert worker.write([0]).error is None and set(parts_of("parts")) == {"0.ndjson", "token"}
    Path("parts/sketchkit-run.json").write_text("{}")
    error = worker.write([1]).error
    assert "another run" in str(error) and set(parts_of("parts")) == {"0.ndjson", "token"}


# --- the command ----------------------------------------------------------------------------------------


def test_the_group_keeps_the_contract_of_commands() -> None:
    check_command("ray", slow=True)


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_has_the_options_of_the_command_and_those_of_ray(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ray", name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"  sketchkit ray {name} " in text and "--shard" not in text
    assert all(text.count(f"\n  {flag} ") == 1 for flag in ("--workers", "--address", "--retries"))
    assert run([name, "--help"]) == 0
    flags = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  -")}
    assert flags - {"--shard"} <= {line.split()[0] for line in text.splitlines() if line.startswith("  -")}
