"""What vpype makes of the files: asked of the real one."""

from __future__ import annotations

import re
import shlex
import shutil
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from glob import glob
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from plotter_machines import obey_gcode

import sketchkit
from sketchkit import Sketch
from sketchkit.cli import main
from sketchkit.rendering import Ink, Picture

pytestmark = pytest.mark.skipif(not find_spec("vpype"), reason="vpype is not installed")

#: What vpype counts in a millimetre.
MM = 96 / 25.4


def describe(file: Path, *attributes: str) -> dict[str, Any]:
    """What vpype reads in a file, in layers or by attributes; lengths in millimetres."""
    with _its_own_warnings():
        import vpype

        if attributes:
            read = vpype.read_svg_by_attributes(str(file), list(attributes), 0.1)
        else:
            read = vpype.read_multilayer_svg(str(file), 0.1)
    layers = {
        str(number): {
            "name": layer.property("vp_name"),
            "color": str(layer.property("vp_color")),
            "width": layer.property("vp_pen_width") / MM,
            "strokes": len(layer),
            "bounds": [side / MM for side in layer.bounds()],
        }
        for number, layer in read.layers.items()
    }
    return {"page": [side / MM for side in read.page_size], "layers": layers}


@contextmanager
def _its_own_warnings() -> Iterator[None]:
    """Warnings of vpype and of what it loads are no matter of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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


def run(folder: Path, *commands: str) -> None:
    """Run commands of `sketchkit` and of `vpype` in a folder; all of them succeed."""
    with chdir(folder):
        for command in commands:
            words = [each for word in shlex.split(command) for each in (sorted(glob(word)) or [word])]
            assert (main.run if words[0] == "sketchkit" else _vpype)(words[1:]) == 0, command


def _vpype(words: list[str]) -> int:
    with _its_own_warnings():
        from vpype_cli.cli import cli

        try:
            cli(words)
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def test_vpype_reads_the_layers_as_they_are_meant(document: Path) -> None:
    run(document.parent, "sketchkit render three.svg --format plotter-svg:speed=30:pause=yes -o out.svg")
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
    run(document.parent, "sketchkit complete three.svg -n 3 --tries 1 --layout layers -o ends.svg")
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
    run(
        document.parent,
        "sketchkit render three.svg --format plotter-svg:order=drawn -o out.svg",
        "vpype read out.svg linemerge linesort write sorted.svg",
        "sketchkit render sorted.svg --format 'gcode:colors=#c00=1+black=2+*=3' -o out.gcode",
    )
    machine = obey_gcode((document.parent / "out.gcode").read_bytes())
    line, black, blue = machine.polylines
    assert machine.pens == [0, 1, 2]
    assert sorted(line[:, 0]) == pytest.approx([5, 95], abs=0.011)
    assert (black[:, 0].min(), blue[:, 0].max()) == pytest.approx((15, 80), abs=0.06)


@pytest.mark.skipif(not find_spec("occult"), reason="vpype-occult is not installed")
def test_occult_hides_what_lies_under_closed_shapes(document: Path) -> None:
    run(
        document.parent,
        "sketchkit render three.svg --format plotter-svg:order=drawn:join=0 -o out.svg",
        "vpype read out.svg occult -i write seen.svg",
    )
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
    run(tmp_path, *(line for block in blocks for line in block.splitlines()))
