"""The package as a whole: its public names, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sketchkit as sk


def test_every_public_name_is_there() -> None:
    for name in sk.__all__:
        assert getattr(sk, name) is not None
    assert set(sk.__all__) <= set(dir(sk))
    assert sk.__all__ == sorted(sk.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sketchkit' has no attribute 'nothing'"):
        sk.nothing  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'shapely', 'numpy', 'cairosvg', 'svgwrite', 'typer', 'rich'}"
    code = f"import sys, sketchkit; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_drawings_files_and_pictures_need_no_torch() -> None:
    code = (
        "import sys, sketchkit as sk; s = sk.Sketch.from_polylines([[(0, 0), (5, 5)]]); sk.render([s]);"
        "s.to_svg(); sk.samplers(); sk.renderers(); sk.list_models(); print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_the_built_in_plugins_are_listed() -> None:
    assert {"temperature", "greedy", "top-k", "nucleus", "truncated"} <= set(sk.samplers())
    assert {"svg", "png", "pdf"} <= set(sk.renderers())


def test_a_notebook_shows_a_sketch_and_svg_comes_back() -> None:
    sketch = sk.Sketch.from_polylines([[(0, 0), (50, 5), (20, 80)], [(7, 7)]])
    svg = sketch._repr_svg_()
    assert svg.startswith("<svg")
    back = sk.Sketch.from_svg(svg)
    assert back.n_strokes == sketch.n_strokes
    assert back.points == pytest.approx(sketch.points, abs=1e-3)
    with pytest.raises(sk.FormatError, match="the SVG text: "):
        sk.Sketch.from_svg("<html/>")
