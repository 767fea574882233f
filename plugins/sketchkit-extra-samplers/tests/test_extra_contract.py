"""What sketchkit asks of every sampler, how these are found, and what the command line makes of them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sketchkit_extra_samplers
from sketchkit_extra_samplers import Beam, MinP, Mirostat, Typical

import sketchkit
from sketchkit.cli import main

NAMES = {"beam", "min-p", "mirostat", "typical"}
README = Path(__file__).parents[1] / "README.md"


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process, which has loaded the libraries, and in an empty folder."""
    monkeypatch.delenv("SKETCHKIT_PLUGINS", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, main.run(list(words)), *capsys.readouterr())

    return call


@pytest.mark.parametrize("sampler", [Beam, MinP, Mirostat, Typical])
def test_the_samplers_keep_the_contract_of_sketchkit(sampler: type) -> None:
    from sketchkit.testing import check_sampler

    check_sampler(sampler)


@pytest.mark.parametrize(
    "sampler",
    [
        Beam(width=1),
        Beam(width=9, alpha=0.0),
        Beam(width=3, spread=0.0),
        Mirostat(tau=0.3, rate=1.0),
        Mirostat(tau=3.0, temperature=2.0),
        Typical(p=0.2, rule="paper"),
        MinP(p=0.8, rule="tensorflow"),
    ],
)
def test_they_keep_it_with_other_options_too(sampler: Any) -> None:
    from sketchkit.testing import check_sampler

    check_sampler(sampler)


def test_all_are_installed_under_their_names() -> None:
    assert set(sketchkit.samplers()) >= NAMES


def test_importing_them_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, sketchkit_extra_samplers; print({'torch', 'numpy'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_the_help_shows_their_options(run: Run) -> None:
    told = run("sample", "--help")
    assert told.returncode == 0, told.stderr
    for words in ("width=4", "alpha=1.0", "spread=0.6", "tau=1.5", "rate=0.1"):
        assert words in told.stdout


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_finishes_a_drawing_by_its_full_name(run: Run, name: str, tmp_path: Path, starts: Path) -> None:
    path = tmp_path / "faces.svg"
    full = f"sketchkit-extra-samplers:{name}"
    words = ["--class", "face", "-n", "2", "--sampler", full, "-o", str(path)]
    made = run("complete", str(starts / "face-start.svg"), *words)
    assert made.returncode == 0, made.stderr
    assert "<path" in path.read_text() or "<polyline" in path.read_text()


def test_a_search_cannot_keep_a_drawing_within_bounds(run: Run, tmp_path: Path, starts: Path) -> None:
    words = ["--region", "0,0,400,400", "--sampler", "beam", "-o", str(tmp_path / "a.svg")]
    failed = run("complete", str(starts / "face-start.svg"), *words)
    assert failed.returncode == 3
    assert "whole drawings" in failed.stderr and len(failed.stderr.splitlines()) == 1


def test_the_commands_of_the_readme_work(run: Run, tmp_path: Path, starts: Path) -> None:
    (tmp_path / "examples").symlink_to(starts)
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(), re.S)
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("sketchkit ")]
    assert len(commands) >= 4
    for command in commands:
        made = run(*shlex.split(command)[1:])
        assert made.returncode == 0, f"{command}: {made.stderr}"


def test_the_readme_has_every_option_with_its_default_and_its_range() -> None:
    from sketchkit import options

    text = README.read_text()
    for name in sketchkit_extra_samplers.__all__:
        for info in options.describe(getattr(sketchkit_extra_samplers, name)):
            if info.name not in ("temperature", "rule"):
                assert f"| `{info.name}` | {info.default:g} | {info.range.replace('..', ' to ')} |" in text
