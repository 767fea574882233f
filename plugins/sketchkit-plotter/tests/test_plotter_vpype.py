"""What vpype makes of the files: asked of the real one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from plotter_machines import obey_gcode

import sketchkit
from sketchkit import Sketch
from sketchkit.rendering import Ink, Picture

pytestmark = pytest.mark.skipif(not find_spec("vpype"), reason="vpype is not installed")

_DESCRIBE = """
import json, sys, vpype
mm = 96 / 25.4
file, *attributes = sys.argv[1:]
by = [attributes] if attributes else []
read = (vpype.read_svg_by_attributes if by else vpype.read_multilayer_svg)(file, *by, 0.1)
layers = {
    number: {
        "name": layer.property("vp_name"),
        "color": str(layer.property("vp_color")),
        "width": layer.property("vp_pen_width") / mm,
        "strokes": len(layer),
        "bounds": [side / mm for side in layer.bounds()],
    }
    for number, layer in read.layers.items()
}
print(json.dumps({"page": [side / mm for side in read.page_size], "layers": layers}))
"""

_VPYPE = f'exec "{sys.executable}" -c "from vpype_cli.cli import cli; cli()" "$@"'


def describe(file: Path, *attributes: str) -> dict[str, Any]:
    """What vpype reads in a file, in layers or by attributes; lengths in millimetres."""
    command = [sys.executable, "-c", _DESCRIBE, str(file), *attributes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def box(left: float, top: float, side: float) -> list[tuple[float, float]]:
    return [(left, top), (left + side, top), (left + side, top + side), (left, top + side), (left, top)]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A drawing of 100 by 60 mm in three colours: a line under a black disk under a blue one."""
    path = tmp_path / "three.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="60mm" viewBox="0 0 100 60">'
        '<path d="M5 30h90" stroke="#c00" stroke-width=".7"/>'
        '<g fill="#fff" stroke-width="0.5"><circle cx="35" cy="30" r="20" stroke="#000"/>'
        '<circle cx="60" cy="30" r="20" stroke="#06c"/></g></svg>'
    )
    return path


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `sketchkit` and `vpype` are those of this Python."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    for name, line in (("vpype", _VPYPE), ("sketchkit", f'exec "{sys.executable}" -m sketchkit "$@"')):
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=False,
    )


def test_vpype_reads_the_layers_as_they_are_meant(document: Path) -> None:
    done = run(
        document.parent, "sketchkit render three.svg --format plotter-svg:speed=30:pause=yes -o out.svg"
    )
    assert done.returncode == 0, done.stderr
    found = describe(document.parent / "out.svg")
    assert found["page"] == pytest.approx([100, 60])
    names = {number: layer["name"] for number, layer in found["layers"].items()}
    assert names == {"1": "1+S30-#cc0000", "2": "!2+S30-black", "3": "!3+S30-#0066cc"}
    assert [layer["color"] for layer in found["layers"].values()] == ["#cc0000", "#000000", "#0066cc"]
    assert [layer["width"] for layer in found["layers"].values()] == pytest.approx([0.7, 0.5, 0.5])
    assert found["layers"]["1"]["bounds"] == pytest.approx([5, 30, 95, 30], abs=0.01)
    assert found["layers"]["3"]["bounds"] == pytest.approx([40, 10, 80, 50], abs=0.06)


def test_vpype_tells_the_inks_of_a_sheet_apart_by_their_colours(tmp_path: Path) -> None:
    two = Picture(
        (Ink(Sketch.from_polylines([box(0, 0, 9)])), Ink(Sketch.from_polylines([box(3, 3, 3)]), "red"))
    )
    sketchkit.render([two] * 6, tmp_path / "sheet.svg", page="A4-landscape")
    found = describe(tmp_path / "sheet.svg", "stroke")
    assert found["page"] == pytest.approx([297, 210])
    assert [layer["color"] for layer in found["layers"].values()] == ["#222222", "#ff0000"]
    assert [layer["strokes"] for layer in found["layers"].values()] == [6, 6]
    assert [layer["width"] for layer in found["layers"].values()] == pytest.approx([0.4, 0.4], abs=1e-3)


def test_vpype_leaves_hidden_layers_out(document: Path) -> None:
    done = run(document.parent, "sketchkit complete three.svg -n 3 --tries 1 --layout layers -o ends.svg")
    assert done.returncode == 0, done.stderr
    added = re.findall(
        r'inkscape:label="ending \d[^"]*" style="display:(\w+)"', (document.parent / "ends.svg").read_text()
    )
    assert sorted(added) == ["inline", "none", "none"]
    found = describe(document.parent / "ends.svg", "stroke")
    assert [layer["color"] for layer in found["layers"].values()] == [
        "#cc0000",
        "#000000",
        "#0066cc",
        "#0072b2",
    ]


def test_what_vpype_optimised_is_drawn_at_its_size_by_its_pens(document: Path) -> None:
    done = run(
        document.parent,
        "sketchkit render three.svg --format plotter-svg:order=drawn -o out.svg;"
        "vpype read out.svg linemerge linesort write sorted.svg;"
        "sketchkit render sorted.svg --format 'gcode:colors=#c00=1+black=2+*=3' -o out.gcode",
    )
    assert done.returncode == 0, done.stderr
    machine = obey_gcode((document.parent / "out.gcode").read_bytes())
    line, black, blue = machine.polylines
    assert machine.pens == [0, 1, 2]
    assert sorted(line[:, 0]) == pytest.approx([5, 95], abs=0.011)
    assert (black[:, 0].min(), blue[:, 0].max()) == pytest.approx((15, 80), abs=0.06)


@pytest.mark.skipif(not find_spec("occult"), reason="vpype-occult is not installed")
def test_occult_hides_what_lies_under_closed_shapes(document: Path) -> None:
    done = run(
        document.parent,
        "sketchkit render three.svg --format plotter-svg:order=drawn:join=0 -o out.svg;"
        "vpype read out.svg occult -i write seen.svg",
    )
    assert done.returncode == 0, done.stderr
    layers = describe(document.parent / "seen.svg")["layers"]
    assert [layer["name"] for layer in layers.values()] == ["1-#cc0000", "2-black", "3-#0066cc"]
    assert layers["1"]["strokes"] == 2  # to the left and to the right of the disks
    assert layers["2"]["bounds"][2] == pytest.approx(47.5, abs=0.1)  # where the blue one begins


PAGE = Path(__file__).parents[3] / "docs" / "plotting.md"


@pytest.mark.skipif(not find_spec("occult"), reason="vpype-occult is not installed")
def test_the_commands_of_the_page_about_plotting_run(tmp_path: Path) -> None:
    blocks = re.findall(
        r"^```console\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert any("vpype" in block for block in blocks)
    shutil.copytree(PAGE.parents[1] / "examples", tmp_path / "examples")
    for block in blocks:
        done = run(tmp_path, block)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
