"""The notebooks in examples run from top to bottom without a warning, and show what they were stored with."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import nbformat
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))
#: What each leaves in its folder `out`.
WRITTEN = {
    "artist": ["car.svg", "cars.ndjson", "sheet.svg"],
    "plugin_author": ["compass.svg", "dist/sketchkit_compass-0.1.0-py3-none-any.whl"],
    "researcher": ["run-0.05/best.safetensors", "run-1.0/valid.csv", "shapes"],
}
#: What is less here than where the notebooks are stored: they show as much, of models that have learnt less.
LESS = {"researcher": {"steps=80": "steps=20", "synth(500": "synth(200"}}
MOST_BYTES = 400_000

Kinds = list[list[tuple[str, ...]]]


def _kinds(notebook: nbformat.NotebookNode) -> Kinds:
    """What each cell shows: by output its type, or the types of its contents."""
    return [
        [tuple(sorted(output.get("data", ()))) or (output.output_type,) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_there_is_a_notebook_for_each_of_three_readers() -> None:
    assert [path.stem for path in NOTEBOOKS] == sorted(WRITTEN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_was_stored_with(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in {
        "SKETCHKIT_DATA_DIR": str(tmp_path / "store"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "OMP_NUM_THREADS": "1",
    }.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    copy = tmp_path / "examples" / "notebooks" / path.name
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("out"))
    text = copy.read_text(encoding="utf-8")
    for usual, less in LESS.get(path.stem, {}).items():
        assert usual in text
        text = text.replace(usual, less)
    copy.write_text(text, encoding="utf-8")
    before = copy.read_bytes()
    execute = runpy.run_path(str(copy.with_name("execute.py")))["execute"]
    done = execute(copy)
    assert _kinds(done) == _kinds(nbformat.read(path, as_version=4))
    assert [name for name in WRITTEN[path.stem] if not (copy.parent / "out" / name).exists()] == []
    assert copy.read_bytes() == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_was_run_in_order_and_is_small_and_valid(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [kind for cell in _kinds(notebook) for output in cell for kind in output]
    assert kinds.count("text/html") + kinds.count("image/svg+xml") >= 3
    text = path.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    assert not re.search(r"/(root|home|Users|tmp)/", text)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (path.parent / target).exists(), target
