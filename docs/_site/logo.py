"""Draw the logo anew, `python docs/_site/logo.py`: a sun, to which `doodle` adds rays."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from sketchkit.cli.main import run

HERE = Path(__file__).parent
SUN = HERE.parent.parent / "examples" / "beginnings" / "sun.svg"
#: Of the endings of seed 0, the one that is the logo; the side of its cell, in pixels.
INDEX, SIDE = 11, 64
#: The colours of what was given and of what was added, as sketchkit draws them, and on dark pages.
GIVEN, ADDED = {"light": "#222222", "dark": "#F0F0F0"}, {"light": "#0072B2", "dark": "#56B4E9"}
STYLE = (
    f"<style>.given{{stroke:{GIVEN['light']}}}.added{{stroke:{ADDED['light']}}}"
    f"@media(prefers-color-scheme:dark){{.given{{stroke:{GIVEN['dark']}}}.added{{stroke:{ADDED['dark']}}}}}</style>"
)


def draw_paths() -> tuple[str, str]:
    """The path of the given strokes and that of the added ones, in the coordinates of a sheet of one row."""
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder) / "suns.svg"
        words = f"--class sun -n {INDEX + 1} --tile {INDEX + 1}x1 --cell {SIDE} --gap 0 --margin 0"
        if run(["complete", str(SUN), *words.split(), "-o", str(sheet)]):
            raise SystemExit(1)
        cell = sheet.read_text(encoding="utf-8").split(f'id="cell-{INDEX + 1}"')[1]
    given, added = re.findall(r'<path d="([^"]+)"', cell)[:2]
    return given, added


def main() -> None:
    """Write the logo for light and for dark pages, and the icon, which follows the browser's."""
    view = f'viewBox="{INDEX * SIDE} 0 {SIDE} {SIDE}"'
    line = 'fill="none" stroke-width="4.2" stroke-linecap="round" stroke-linejoin="round"'
    given, added = draw_paths()
    for name, strokes, style in (
        *((f"logo-{tone}", (f'stroke="{GIVEN[tone]}"', f'stroke="{ADDED[tone]}"'), "") for tone in GIVEN),
        ("favicon", ('class="given"', 'class="added"'), STYLE),
    ):
        paths = f'<path {strokes[0]} d="{given}"/>\n<path {strokes[1]} d="{added}"/>'
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" {view} {line}>{style}\n{paths}\n</svg>\n'
        (HERE / "static" / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
