"""The figures in examples: each script draws its sheet, whole, offline and the same every time."""

from __future__ import annotations

import functools
import importlib
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

import sketchkit as sk
from sketchkit.training.runs import read_run

ROOT = Path(__file__).parent.parent
FIGURES, DRAWINGS = ROOT / "examples" / "figures", ROOT / "examples" / "drawings"
#: How many cells each figure has: columns and rows.
CELLS = {
    "reconstruction": (7, 8),
    "foreign_input": (7, 8),
    "interpolation": (10, 7),
    "grid": (7, 5),
    "analogies": (7, 8),
    "endings": (9, 8),
}
MOST_BYTES = 150_000
#: The mean of a class is here one of so few drawings.
AVERAGED = 4

Draw = Callable[..., None]


def _start(name: str, output: Path) -> subprocess.Popen[str]:
    """The script as a user starts it, but where no model of theirs stands before ours."""
    words = [sys.executable, "-W", "error", str(FIGURES / f"{name}.py"), "-o", str(output)]
    inside = os.environ | {"SKETCHKIT_DATA_DIR": str(output.parent / "store"), "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env=inside, cwd=output.parent)


def _drawn(process: subprocess.Popen[str]) -> str:
    """What a script that came to its end has printed."""
    said, complaint = process.communicate()
    assert process.returncode == 0, complaint
    return said


def _cells(svg: bytes) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(svg)
    return [each for each in root.iter() if re.fullmatch(r"cell-[0-9]+", each.get("id", ""))]


@pytest.fixture
def draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Run a script in this process, which has loaded the libraries, where no model of the user's stands."""
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path / "store"))
    monkeypatch.syspath_prepend(str(FIGURES))
    monkeypatch.chdir(tmp_path)

    def run(name: str, output: Path, *options: str) -> None:
        script = FIGURES / f"{name}.py"
        monkeypatch.setattr(sys, "argv", [str(script), "-o", str(output), *options])
        for module in ("common", "coherence"):
            monkeypatch.delitem(sys.modules, module, raising=False)
        common = importlib.import_module("common")
        of_few = functools.partial(common.class_mean.__wrapped__, n=AVERAGED)
        monkeypatch.setattr(common, "class_mean", functools.cache(of_few))
        coherence = importlib.import_module("coherence")
        monkeypatch.setattr(coherence, "DRAWINGS", 6)
        monkeypatch.setattr(coherence, "COMPARED", 12)
        runpy.run_path(str(script), run_name="__main__")

    return run


@pytest.mark.parametrize("name", CELLS)
def test_a_figure_has_all_its_cells_and_is_the_same_again(
    name: str, tmp_path: Path, draw: Draw, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for output in outputs:
        draw(name, output)
    assert capsys.readouterr() == ("", "")
    once, again = (output.read_bytes() for output in outputs)
    assert once == again
    assert len(_cells(once)) == CELLS[name][0] * CELLS[name][1]
    assert len(once) < MOST_BYTES


def test_a_figure_is_the_same_where_a_user_starts_its_script(tmp_path: Path, draw: Draw) -> None:
    process = _start("grid", tmp_path / "one.svg")
    draw("grid", tmp_path / "two.svg")
    assert _drawn(process) == ""
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize("name", [*CELLS, "kl_weight"])
def test_the_figure_that_is_kept_has_as_many_cells_as_the_script_draws(name: str) -> None:
    kept = (FIGURES / f"{name}.svg").read_bytes()
    columns, rows = CELLS.get(name, (10, 6))
    cells = _cells(kept)
    assert len(cells) == columns * rows
    # A mean of drawings is shown by its name alone.
    assert sum(not list(cell.iter("{http://www.w3.org/2000/svg}path")) for cell in cells) == (
        2 if name == "analogies" else 0
    )
    assert len(kept) < MOST_BYTES


def test_two_weights_are_trained_told_apart_and_gone_on_with(
    tmp_path: Path, draw: Draw, capsys: pytest.CaptureFixture[str]
) -> None:
    output, work = tmp_path / "kl.svg", tmp_path / "work"
    few = ("--work", str(work), "--drawings", "150", "--steps")
    draw("kl_weight", output, *few, "2")
    pattern = r"^w_KL (0\.05|1): L_R -?[0-9.]+, L_KL [0-9.]+, ends [0-9.]+, middles [0-9.]+$"
    assert re.findall(pattern, capsys.readouterr().out, re.MULTILINE) == ["0.05", "1"]
    assert len(_cells(output.read_bytes())) == 60

    with pytest.raises(SystemExit) as refused:
        draw("kl_weight", output, *few, "3")
    complaint = refused.value.code  # what Python prints, before it ends with 1
    assert isinstance(complaint, str)
    assert complaint.startswith("error: ")
    assert "--resume" in complaint
    assert "\n" not in complaint

    draw("kl_weight", output, *few, "3", "--resume")
    assert [read_run(work / name).step for name in ("kl-0.05", "kl-1")] == [3, 3]


def test_going_on_needs_a_folder_to_go_on_with(
    tmp_path: Path, draw: Draw, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        draw("kl_weight", tmp_path / "kl.svg", "--resume")
    assert refused.value.code == 2
    assert "--work" in capsys.readouterr().err
    assert not (tmp_path / "kl.svg").exists()


@pytest.mark.parametrize("path", sorted(DRAWINGS.glob("*.svg")), ids=lambda path: path.stem)
def test_a_drawing_is_of_few_strokes_that_a_model_can_read(path: Path) -> None:
    sketch = sk.read(path)
    assert 1 <= sketch.n_strokes <= 25
    assert len(sketch) <= 200
    left, top, right, bottom = sketch.bounds
    assert max(right - left, bottom - top) > 100


def test_every_script_says_how_it_is_called() -> None:
    for script in FIGURES.glob("*.py"):
        if script.stem not in ("common", "coherence"):
            assert f"python examples/figures/{script.name}" in script.read_text(encoding="utf-8")
