"""Fifteen plugins that are broken in as many ways, all installed at once: what they cost everybody else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forks import Fork
from plugin_parts import PATIENCE, python_beside, run_beside, run_each_beside, write_distribution

from sketchkit import registry
from sketchkit.cli import plugin_checks
from sketchkit.cli.main import run

GOOD = """
from dataclasses import dataclass
from sketchkit.sampling import Tempered
@dataclass(frozen=True)
class Good(Tempered):
    def __call__(self, density, noise):
        return self._tempered(density).draw(noise)
"""
NAN = GOOD.replace("return self._tempered(density).draw(noise)", "return density.draw(noise) * float('nan')")
WRITES = GOOD.replace("return", "density.pen_logits.add_(1.0); return")
SIGNATURE = GOOD.replace("(self, density, noise)", "(self, density)")
#: By distribution: its module, and what `plugins --check` must say.
BROKEN = {
    "raises-at-import": ("raise ValueError('no luck')", "ValueError: no luck"),
    "exits-at-import": ("import sys; sys.exit(0)", "SystemExit"),
    "never-returns": ("def f(): return f()\nf()", "RecursionError"),
    "wrong-signature": (SIGNATURE, "TypeError"),
    "not-a-number": (NAN, "nan"),
    "like-ours": (GOOD, "sketchkit's own has this name"),
    "like-another": (GOOD, "like-the-other has one of this name"),
    "like-the-other": (GOOD, "like-another has one of this name"),
    "bad-metadata": (GOOD, "entry_points.txt cannot be read"),
    "too-new": (GOOD, "it needs sketchkit>=99"),
    "writes-to-inputs": (WRITES, "writ"),
    "prints-at-import": ("print('look at me')\n" + GOOD, "prints"),
    "lacks-something": ("import not_there_at_all", "not-there-at-all"),
}
TRIPS = """
class Good:
    takes_arrays = True
    def unsupported_reason(self, model, precision):
        raise KeyError("lost its way")
    def stepper(self, model, precision):
        raise AssertionError("nobody asks")
"""
#: Engines, which are asked wherever something is drawn.
ENGINES = {
    "engine-not-importable": ("raise ValueError('no engine')", "ValueError: no engine"),
    "engine-trips": (
        TRIPS,
        "in unsupported_reason, it raises KeyError: 'lost its way'",
    ),
}
#: What is broken as soon as its module is imported, whatever kind of plugin it is.
AT_IMPORT = ("exits-at-import", "never-returns", "prints-at-import", "lacks-something")
#: Two of sketchkit's own, which are checked as all of them are: in one process, without plugins.
OURS = ("sketchkit:ndjson", "sketchkit:top-k")
NAMES = {"like-ours": "greedy", "like-another": "twin", "like-the-other": "twin"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all of them, and something to draw on."""
    folder = tmp_path_factory.mktemp("shelf")
    for name, (source, _) in BROKEN.items():
        plugins = {"sampler": {NAMES.get(name, name): "Good"}}
        # Each of them, or its like, stands in the other groups, too.
        if name not in NAMES:
            plugins |= {
                kind: {f"{name}-{kind}": "Good"} for kind in ("renderer", "format", "command", "model")
            }
        requires = {"too-new": "sketchkit>=99", "lacks-something": "not-there-at-all>=1"}
        write_distribution(
            folder,
            name,
            source,
            plugins,
            requires=(requires.get(name, "sketchkit>=0.1"),),
            entry_points="[sketchkit.samplers\nno = way" if name == "bad-metadata" else None,
        )
    for name, (source, _) in ENGINES.items():
        write_distribution(folder, name, source, {"engine": {name: "Good"}})
    lines = '<path d="M 0 0 L 90 9 L 50 50"/><path d="M 9 9 L 90 90"/>'
    (folder / "cat.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{lines}</svg>')
    return folder


#: One line of work for every command.
WORK = """
plugins
models list
data list
complete cat.svg -n 2 --max-points 20 -o endings.svg
sample -n 4 --max-points 20 -o drawn.ndjson
render drawn.ndjson -o drawn.png
reconstruct cat.svg --temperature 0.1 --max-points 20 -o again.svg
interpolate cat.svg drawn.ndjson#1 -n 3 --max-points 20 -o row.svg
grid cat.svg drawn.ndjson#1 drawn.ndjson#2 cat.svg --steps 2x2 --max-points 20 -o grid.svg
analogy cat.svg drawn.ndjson#1 drawn.ndjson#2 --max-points 20 -o sum.svg
encode cat.svg -o z.npz
decode z.npz --max-points 20 -o z.svg
infill cat.svg --missing 0:1 -n 1 -o gap.svg
score cat.svg
score cat.svg -o scores/
merge scores -o scores.jsonl
bench --batch 1 --runs 1
data synth -n 120 --class face --class sun --split 60/20/20 -o shapes
train shapes -o run --steps 2 --hidden 8 --mixtures 2 --grid 0 --batch-size 4
doctor run
evaluate run/last.safetensors shapes --limit 4 --samples 0 --split train
atlas shapes --split train --limit 30 --steps 2x2 -o map.svg
rerun endings.svg -o endings-again.svg
"""
RUN_ALL = """
import sys
from sketchkit.cli.main import run
for line in sys.argv[1:]:
    print(run(line.split()), line, file=open("codes.txt", "a"))
"""


def test_every_command_works_beside_them(shelf: Path) -> None:
    lines = WORK.strip().splitlines()
    named = {line.split()[0] for line in lines}
    assert named == {p.name for p in registry.all_plugins("command") if p.builtin}
    done = python_beside(shelf, RUN_ALL, *lines, SKETCHKIT_DATA_DIR=str(shelf / "data"))
    codes = (shelf / "codes.txt").read_text().splitlines()
    assert [code.split(" ", 1) for code in codes] == [["0", line] for line in lines], done.err
    assert "Traceback" not in done.err
    assert "look at me" not in done.out


def test_the_help_of_every_command_shows_what_is_sound(shelf: Path) -> None:
    commands = ([], ["complete"], ["render"], ["plugins"])
    found = run_each_beside(shelf, *([*command, "--help"] for command in commands))
    for shown in found:
        assert shown.code == 0 and "Traceback" not in shown.err
        assert "look at me" not in shown.out
    assert "temperature=0.4" in found[1].out


def test_each_of_them_is_an_error_of_one_line_for_whoever_asks_for_it(shelf: Path) -> None:
    names = ("raises-at-import", "exits-at-import", "never-returns", "wrong-signature", "not-a-number")
    lines = [("sample", "-n", "1", "--sampler", name, "-o", f"{name}.svg") for name in names]
    for name, failed in zip(names, run_each_beside(shelf, *lines), strict=True):
        assert (failed.code, failed.out) == (4, ""), name
        (line,) = (line for line in failed.err.splitlines() if "warning: the engine " not in line)
        assert f"the sampler {name}:{name}" in line
        assert not (shelf / f"{name}.svg").exists()


def test_engines_that_fail_cost_a_warning_each_and_the_drawings_are_the_same(shelf: Path) -> None:
    args = ("sample", "-n", "3", "--seed", "5", "--max-points", "20", "-o", "-")
    lines = (args, *((*args, "--engine", name) for name in ENGINES))
    drawn, *asked = run_each_beside(shelf, *lines)
    alone = run_beside(shelf, "--no-plugins", *args)
    assert (drawn.code, alone.code, alone.err) == (0, 0, "")
    assert drawn.out == alone.out
    warnings = [line for line in drawn.err.splitlines() if "warning: " in line]
    assert warnings == [
        "sketchkit: warning: the engine engine-not-importable:engine-not-importable cannot be loaded: "
        "ValueError: no engine",
        "sketchkit: warning: the engine engine-trips:engine-trips failed: KeyError: 'lost its way'",
    ]
    for failed, words in zip(asked, ("ValueError: no engine", "KeyError"), strict=True):
        assert (failed.code, failed.out) == (4, "")
        assert words in failed.err and len(failed.err.splitlines()) == 1


def _check_forked(words: list[str], errors: str) -> None:
    """Do as `python -m sketchkit.testing WORDS` does in a group of processes of its own."""
    from sketchkit.testing.__main__ import main

    os.setpgid(0, 0)
    os.dup2(os.open(errors, os.O_WRONLY), 2)
    os._exit(main(words))


class ForkedCheck(Fork):
    """The process of a check as a fork, in the place of `subprocess.Popen`."""

    def __init__(self, command: list[str], *, env: dict[str, str], stderr: Any, **_: Any) -> None:
        assert command[:4] == [sys.executable, "-P", "-m", "sketchkit.testing"]
        super().__init__(_check_forked, command[4:], stderr.name, environment=env)

    def wait(self, timeout: float = 600) -> int:
        code = super().wait(timeout)
        self._folder.cleanup()
        return code


@pytest.fixture
def forked_checks(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process finds the distributions; what checks them is forked, one process after another."""
    monkeypatch.chdir(shelf)
    monkeypatch.syspath_prepend(shelf)
    monkeypatch.setattr(plugin_checks.subprocess, "Popen", ForkedCheck)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # by one thread: `multiprocessing` looks at all forks
    monkeypatch.delenv(registry.PLUGINS_VARIABLE, raising=False)
    _forget_plugins()
    yield
    _forget_plugins()


def _forget_plugins() -> None:
    registry._all_installed.cache_clear()
    registry._plugins.cache_clear()


@pytest.mark.usefixtures("forked_checks")
def test_a_check_names_all_of_them_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    # Each check is a process: of most distributions the sampler alone, or the renderer where no sampler is
    # needed to see the fault, since that loads no torch; of one everything.
    strangers = [
        f"{name}:{name}-renderer" if name in AT_IMPORT else f"{name}:{NAMES.get(name, name)}"
        for name in BROKEN
        if name not in ("bad-metadata", "raises-at-import")
    ]
    engines = [f"{name}:{name}" for name in ENGINES]
    chosen = (*strangers, *engines, "bad-metadata", "raises-at-import", *OURS)
    assert run(["plugins", "check", *chosen, "--json", "--patience", PATIENCE]) == 4
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert len(err.splitlines()) == sum(row["group"] != "" for row in rows)
    for name, (_, words) in {**BROKEN, **ENGINES}.items():
        mine = [row for row in rows if row["distribution"] == name]
        assert len(mine) == (5 if name == "raises-at-import" else 1), name
        for row in mine:
            assert row["state"] not in ("works", "installed", "built-in"), row
            assert words in row["reason"], row
    ours = {f"sketchkit:{row['name']}": row["state"] for row in rows if row["distribution"] == "sketchkit"}
    assert ours == dict.fromkeys(OURS, "works")
