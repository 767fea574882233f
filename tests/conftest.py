"""What every test may ask for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from remote_parts import Bucket, WebServer, serve_store, serve_web

if TYPE_CHECKING:
    from sketchkit.models import SketchModel
    from sketchkit.models.vae import VaeModel

DATA_VARIABLE = "SKETCHKIT_TEST_DATA"
#: Slow tests, a line each: a file, or a function of one as `tests/test_x.py::test_y`.
SLOW = frozenset((Path(__file__).parent / "slow.txt").read_text(encoding="utf-8").splitlines())
#: Files and tests that begin first, dealt out to the processes, so that none is left with a long test while
#: the others have none.
LONGEST = tuple(
    f"tests/{name}"
    for name in (
        "plugins/test_first_party.py::test_their_tests_pass_where_all_of_them_are_installed[page]",
        "plugins/test_first_party.py::test_their_tests_pass_where_all_of_them_are_installed[others]",
        "plugins/test_first_party.py",
        "plugins/test_tutorial.py",
        "test_readme.py",
        "test_notebooks.py",
        "test_figures.py",
        "plugins/test_broken_neighbours.py",
        "training/test_loop.py",
    )
)
#: At most so many processes run the suite: each of them loads torch.
MOST_PROCESSES = 8

# Whether a change may land must not hang on chance: there the examples are always the same. Anywhere else
# every run tries new ones, and `--hypothesis-profile thorough` many. A busy machine is never too slow.
settings.register_profile("usual", deadline=None, max_examples=30)
settings.register_profile("ci", deadline=None, max_examples=30, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("ci" if os.environ.get("CI") else "usual")

# A shell lets its background jobs ignore Ctrl-C, nohup a hangup, and what the tests start would do so, too.
# A handler stands for the default in every process that is started.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the whole suite in several processes, and a part of it, which is named, in this one."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not hasattr(config, "workerinput")
    option = config.option
    if whole and not (option.usepdb or option.collectonly) and getattr(option, "numprocesses", 0) is None:
        # One more than there are cores: tests wait for browsers, servers and processes that they start.
        option.numprocesses, option.dist = min((os.cpu_count() or 1) + 1, MOST_PROCESSES), "worksteal"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `slow.txt` names, and deal the longest tests out to the processes."""
    for item in items:
        function = item.nodeid.partition("[")[0]
        if not SLOW.isdisjoint((function, function.partition("::")[0])):
            item.add_marker(pytest.mark.slow)
    items[:] = _deal(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _deal(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """The tests in equal parts, a part a process, each with some of the longest at its beginning."""
    longest: dict[str, list[pytest.Item]] = {name: [] for name in LONGEST}
    others = []
    for item in items:
        names = [name for name in (item.nodeid, item.nodeid.partition("::")[0]) if name in longest]
        (longest[names[0]] if names else others).append(item)
    parts: list[list[pytest.Item]] = [[] for _ in range(processes)]
    for place, tests in enumerate(longest.values()):
        parts[place % processes] += tests
    size = -(-len(items) // processes)
    for part in parts:
        missing = size - len(part)
        part += others[:missing]
        del others[:missing]
    return [item for part in parts for item in part]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real drawings and models; the test skips where nobody has named it."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        pytest.skip(f"{DATA_VARIABLE} does not name a folder of real drawings")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"{DATA_VARIABLE}={folder} is not a folder")
    return path


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Small products on several threads crawl wherever another program keeps a core busy."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """`time.sleep` puts Python's clock forward, and returns at once."""
    real, ahead = time.time, [0.0]
    monkeypatch.setattr(time, "sleep", ahead.append)
    monkeypatch.setattr(time, "time", lambda: real() + sum(ahead))


@pytest.fixture(scope="session")
def tiny_model() -> SketchModel:
    """A decoder-only model with random weights, whose drawings end after some ten points."""
    import torch

    from sketchkit.card import ModelCard
    from sketchkit.models.decoder import DecoderArchitecture, DecoderModel

    torch.manual_seed(7)
    card = ModelCard(name="tiny", scale_factor=20.0, max_length=40, classes=("scribble",))
    model = DecoderModel(DecoderArchitecture(hidden=24, mixtures=4), card)
    with torch.no_grad():
        model.decoder.output.bias[:3] = torch.tensor([1.0, 0.0, -0.5])  # draw, lift, end
    return model.requires_grad_(False).eval()


@pytest.fixture(scope="session")
def tiny_vae() -> VaeModel:
    """A conditional VAE of two classes with random weights, that minds its latent vector and its class."""
    import torch

    from sketchkit.card import ModelCard
    from sketchkit.models.vae import VaeArchitecture, VaeModel

    torch.manual_seed(11)
    sizes = VaeArchitecture(encoder_hidden=8, hidden=16, latent=6, mixtures=3, classes=2, embedding=4)
    card = ModelCard(name="dreamer", scale_factor=20.0, max_length=30, classes=("cat", "sun"))
    model = VaeModel(sizes, card)
    with torch.no_grad():
        for weight in (model.mu.weight, model.initial.weight, model.embedding.table.weight):
            weight.mul_(4.0)
        model.decoder.output.bias[:3] = torch.tensor([1.0, 0.0, -3.0])  # draw, lift, end
    return model.requires_grad_(False).eval()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no proxy between this machine and itself."""
    monkeypatch.setenv("SKETCHKIT_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path / "cache"


@pytest.fixture
def web(cache: Path) -> Iterator[WebServer]:
    """A web server on this machine."""
    with serve_web() as server:
        yield server


@pytest.fixture(scope="session")
def store_server() -> Iterator[str]:
    """The address of an object store on this machine."""
    with serve_store() as address:
        yield address


@pytest.fixture
def bucket(store_server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket of the store."""
    import boto3
    import requests
    import s3fs

    for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_"))]:
        monkeypatch.delenv(name)
    keys = {"AWS_ACCESS_KEY_ID": "AKIDOFTEST", "AWS_SECRET_ACCESS_KEY": "key-that-stays-secret"}
    where = {"AWS_ENDPOINT_URL": store_server, "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**keys, **where}.items():
        monkeypatch.setenv(name, value)
    requests.post(f"{store_server}/moto-api/reset", timeout=60).raise_for_status()
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3")
    client.create_bucket(Bucket="bucket")
    return Bucket(client)
