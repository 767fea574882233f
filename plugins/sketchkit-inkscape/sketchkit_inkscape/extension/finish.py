"""Finish drawing: endings of what is begun, as layers right above it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from process import Sketchkit, Trouble, _, add_sampling_arguments, parse, sampling_words

if TYPE_CHECKING:
    import inkex
    from document import Drawing

#: How a remark of sketchkit begins on what it read no strokes of.
_OMITTED = "left out "


def add_arguments(parser: ArgumentParser) -> None:
    """The parameters of finish.inx."""
    parser.add_argument("--tab")
    parser.add_argument("--where", default="selection")
    parser.add_argument("--number", type=int, default=4)
    parser.add_argument("--class_name", default="auto")
    parser.add_argument("--ink", default="same")
    add_sampling_arguments(parser)


def words(options: Namespace) -> list[str]:
    """The command for sketchkit, which reads the document from its stdin."""
    line = ["complete", "-", "--layout", "layers", "--only-added", "--output", "-"]
    line += ["-n", str(options.number), "--class", options.other or options.class_name, "--ink", options.ink]
    return [*line, *sampling_words(options)]


def finish(svg: inkex.SvgDocumentElement, options: Namespace, sketchkit: Sketchkit) -> None:
    """Add a layer for each ending, of which the best is shown."""
    import inkex
    from document import add_above, chosen, drawings_in, only

    elements = chosen(svg, options.where)
    data, remarks = sketchkit.draw(only(svg, elements))
    endings = drawings_in(data)
    if all(ending.empty for ending in endings):
        raise Trouble(
            _("The model takes the drawing for finished. Say what it becomes, or try another seed.")
        )
    layers = []
    for number, ending in enumerate(endings, 1):
        layer = inkex.Layer.new(_name(ending, number, remarks))
        layer.style = {"display": "inline" if ending.visible else "none"}
        ending.fill(layer)
        layers.append(layer)
    add_above(svg, elements, layers)


def _name(ending: Drawing, number: int, remarks: Sequence[str]) -> str:
    """The name of a layer: the class, the number, and of the one that is shown what sketchkit left out.

    A message would interrupt every live preview.
    """
    name = _("ending {number}").format(number=number)
    if ending.shows:
        name = f"{ending.shows}, {name}"
    if ending.empty:
        name = _("{name}, adds nothing").format(name=name)
    omitted = [line[len(_OMITTED) :] for line in remarks if line.startswith(_OMITTED)]
    if omitted and ending.visible:
        name = _("{name}, without {what}").format(name=name, what=", ".join(omitted))
    return name


def main() -> None:
    """Start sketchkit, which takes a while, and import inkex in that time."""
    with Sketchkit(words(parse(add_arguments))) as sketchkit:
        from document import Extension

        Extension(add_arguments, lambda svg, options: finish(svg, options, sketchkit)).run()


if __name__ == "__main__":
    main()
