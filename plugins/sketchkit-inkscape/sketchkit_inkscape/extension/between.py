"""Between two drawings: the way from one selected drawing to the other."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from process import Sketchkit, Trouble, _, shared_folder

if TYPE_CHECKING:
    import inkex
    from document import Drawing

_FILES = ("first.svg", "second.svg")


def add_arguments(parser: ArgumentParser) -> None:
    """The parameters of between.inx."""
    parser.add_argument("--tab")
    parser.add_argument("--number", type=int, default=3)
    parser.add_argument("--result", default="groups")
    parser.add_argument("--temperature", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="")


def words(options: Namespace) -> list[str]:
    """The command for sketchkit; both ends are among its drawings."""
    line = ["interpolate", *_FILES, "-n", str(options.number + 2), "--output", "-", "--format", "svg"]
    line += ["--temperature", str(options.temperature), "--seed", str(options.seed)]
    return [*line, "--model", options.model] if options.model else line


def interpolate(svg: inkex.SvgDocumentElement, options: Namespace) -> None:
    """Add the drawings between the two selected ones, each where it is on the way."""
    import inkex
    from document import add_above, box_of, stroke_of

    ends = list(svg.selection)
    boxes = [box_of(each) for each in ends]
    if len(ends) != 2 or None in boxes:
        raise Trouble(_("Select two drawings: two groups, or two paths."))
    styles = [stroke_of([each]) for each in ends]
    drawings = _ask(svg, ends, options)
    kind = inkex.Layer if options.result == "layers" else inkex.Group
    groups = []
    for number, drawing in enumerate(drawings, 1):
        share = number / (len(drawings) + 1)
        drawing.style.update(_style_between(styles, share))
        group = kind.new(_("{number} of {count} between").format(number=number, count=len(drawings)))
        drawing.fill(group, drawing.fitted(*_place_between(boxes, share)))
        groups.append(group)
    add_above(svg, ends, groups if options.result == "layers" else [inkex.Layer.new(_("between"), *groups)])


def _ask(
    svg: inkex.SvgDocumentElement, ends: Sequence[inkex.BaseElement], options: Namespace
) -> list[Drawing]:
    """The drawings between, from documents of one end each."""
    from document import drawings_in, only

    with TemporaryDirectory(prefix="sketchkit-", dir=shared_folder()) as folder:
        for place, end in enumerate(ends):
            with open(os.path.join(folder, _FILES[place]), "wb") as file:
                file.write(only(svg, [end]))
        with Sketchkit(words(options), folder) as sketchkit:
            data, _remarks = sketchkit.draw()
    return drawings_in(data)[1:-1]


def _style_between(styles: Sequence[dict[str, str]], share: float) -> dict[str, str]:
    """A stroke as wide and of a colour as befits the way; of either end where the other has none."""
    import inkex

    if not all(styles):
        return styles[0] or styles[1]
    (first, second), nearer = styles, styles[round(share)]
    width = _mix(float(first["stroke-width"]), float(second["stroke-width"]), share)
    color = inkex.Color(first["stroke"]).interpolate(inkex.Color(second["stroke"]), share)
    return {**nearer, "stroke": str(color), "stroke-width": f"{width:g}"}


def _place_between(boxes: Sequence[inkex.BoundingBox], share: float) -> tuple[tuple[float, float], float]:
    """The middle and the longer side of a drawing on the way."""
    (x0, y0), (x1, y1) = (box.center for box in boxes)
    side0, side1 = (max(box.width, box.height) for box in boxes)
    return (_mix(x0, x1, share), _mix(y0, y1, share)), _mix(side0, side1, share)


def _mix(first: float, second: float, share: float) -> float:
    return first + share * (second - first)


def main() -> None:
    """Run the extension; sketchkit starts once its two files are there."""
    from document import Extension

    Extension(add_arguments, interpolate).run()


if __name__ == "__main__":
    main()
