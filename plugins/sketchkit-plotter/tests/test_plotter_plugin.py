"""How the renderers are found and what the command line makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from plotter_machines import obey_gcode, obey_hpgl
from sketchkit_plotter import GcodeRenderer, HpglRenderer

import sketchkit
from sketchkit.rendering import renderer_for


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "SKETCHKIT_PLUGINS"}
    command = [sys.executable, "-m", "sketchkit", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_both_are_installed_under_their_names() -> None:
    assert {"hpgl", "gcode"} <= set(sketchkit.renderers())


@pytest.mark.parametrize("suffix", [".hpgl", ".plt", ".PLT"])
def test_hpgl_is_chosen_by_the_suffix(suffix: str, tmp_path: Path, drawings: list[Path]) -> None:
    path = tmp_path / f"sheet{suffix}"
    sketchkit.render(sketchkit.read(drawings[0]), path)
    assert obey_hpgl(path.read_bytes()).lines


@pytest.mark.parametrize("suffix", [".gcode", ".nc"])
def test_gcode_is_chosen_by_the_suffix(suffix: str, tmp_path: Path, drawings: list[Path]) -> None:
    path = tmp_path / f"sheet{suffix}"
    sketchkit.render(sketchkit.read(drawings[0]), path)
    assert obey_gcode(path.read_bytes()).lines
    assert renderer_for(suffix)() is not None


def test_the_command_line_takes_options_behind_the_name(tmp_path: Path, drawings: list[Path]) -> None:
    path = tmp_path / "sheet.nc"
    made = run(
        "render", *drawings[:6], "--page", "A5", "--format", "gcode:up=M5:down=M3 S90:feed=900", "-o", path
    )
    assert made.returncode == 0, made.stderr
    machine = obey_gcode(path.read_bytes(), ("M5",), ("M3 S90",))
    assert machine.lines
    assert "generator: sketchkit" in machine.comments
    assert "F900" in path.read_text()


def test_the_command_line_says_in_one_line_what_is_refused(tmp_path: Path, drawings: list[Path]) -> None:
    path = tmp_path / "sheet.plt"
    failed = run("render", drawings[0], "--background", "ivory", "-o", path)
    assert failed.returncode == 3
    assert "leave out the background" in failed.stderr and len(failed.stderr.splitlines()) == 1
    assert not path.exists()


@pytest.mark.parametrize("kind", [HpglRenderer, GcodeRenderer])
def test_the_renderers_keep_the_contract_of_sketchkit(kind: type[HpglRenderer] | type[GcodeRenderer]) -> None:
    from sketchkit.testing import check_renderer

    check_renderer(kind)
