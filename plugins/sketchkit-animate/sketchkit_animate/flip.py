"""Pictures one after another as SVG: each one turns into the next, or is followed by it at once (SMIL).

It begins with sketchkit's own SVG of all pictures in one place, whose groups are given their times; whatever
knows no animation shows the first picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from xml.dom import minidom

from PIL import ImageColor

from sketchkit.errors import InputError
from sketchkit.options import option
from sketchkit.rendering import Layout, Picture, Place, make_renderer
from sketchkit_animate.morph import alike
from sketchkit_animate.pens import Float64, pieces_of
from sketchkit_animate.sequence import Sequenced, alone, together

__all__ = ["MOST_NUMBERS", "FlipSvg"]

#: The most coordinates of a file: some tens of megabytes.
MOST_NUMBERS = 4_000_000

#: Nodes of minidom, whose declared types leave open what a document of ours has.
Document = Any
Element = Any

#: A value from a time on, a share of the whole, or at it where values turn into each other.
Key = tuple[float, str]


@dataclass(frozen=True)
class FlipSvg(Sequenced):
    """Animated SVG of pictures one after another in one place.

    Args:
        seconds: for which each picture is shown.
        pause: for which the last one is shown beyond that; the first one, too, where it goes back.
        back_and_forth: whether the pictures come back in reverse order.
        morph: the share of its time in which a picture turns into the next; 0 lets it follow at once.
        points: of each line of pictures that turn into each other.
        loop: whether it begins again.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".svg",)

    seconds: float = option(0.5, "Seconds a picture.", low=0.02, high=120)
    morph: float = option(0.5, "Share of that in which it turns into the next.", low=0, high=1)
    points: int = option(64, "Points of each line that turns into another.", low=2, high=1000)
    loop: bool = option(True, "Whether it begins again.")

    def render(self, pictures: Sequence[Picture], layout: Layout, metadata: Mapping[str, object]) -> bytes:
        """Draw pictures one after another, each alone on the sheet; see `sketchkit.rendering.Renderer`."""
        each = list(pictures) or [Picture(())]
        sheet, all_inks = alone(layout), together(each)
        place = sheet.arrange([all_inks]).places[0]
        document = minidom.parseString(make_renderer("svg").render([all_inks], sheet, metadata))
        cell = _by_id(document, "cell-1")
        groups = _groups(cell, each)
        if len(each) > 1:
            _rename(document, f"{len(each)} drawings")
            if self.morph:
                self._turn(document, groups, each, place)
            else:
                for number, inks in enumerate(groups):
                    self._flip(document, inks, number, len(each))
        self._caption(document, cell, each, sheet)
        content: bytes = document.toxml(encoding="utf-8")
        document.unlink()
        return content

    def _flip(self, document: Document, elements: Sequence[Element], number: int, count: int) -> None:
        """Show elements only while a picture is to be seen."""
        order = self.order(count)
        ends = self.ends(order)
        keys = [
            (start / ends[-1], "visible" if shown == number else "hidden")
            for shown, start in zip(order, [0.0, *ends[:-1]], strict=True)
        ]
        for element in elements:
            element.setAttribute("visibility", keys[0][1])
            element.appendChild(self._animate(document, "visibility", _changes(keys), ends[-1], jump=True))

    def _turn(
        self,
        document: Document,
        groups: Sequence[Sequence[Element]],
        pictures: Sequence[Picture],
        place: Place,
    ) -> None:
        """Let the groups of the first picture turn into those of the others, which go."""
        if len({len(picture.inks) for picture in pictures}) > 1:
            raise InputError("pictures of different numbers of inks cannot turn into each other: use morph=0")
        lines = [[piece for piece in pieces_of(picture, place)] for picture in pictures]
        for layer, group in enumerate(groups[0]):
            of_ink = [[p.points for p in pieces if p.layer == layer] for pieces in lines]
            most = max(map(len, of_ink))
            if most * self.points * len(self.order(len(pictures))) * 4 > MOST_NUMBERS:
                raise InputError(
                    f"{len(pictures)} pictures of up to {most} lines of {self.points} points are too many to "
                    "turn into each other: use fewer points or morph=0"
                )
            self._turn_ink(document, group, alike(of_ink, self.points))
            self._turn_pen(document, group, [other[layer] for other in groups])
        for gone in (group for inks in groups[1:] for group in inks):
            gone.parentNode.removeChild(gone)

    def _turn_ink(self, document: Document, group: Element, pictures: Sequence[Sequence[Float64]]) -> None:
        """Put lines into a group that turn into those of the other pictures."""
        for path in list(group.getElementsByTagName("path")):
            group.removeChild(path)
        for ways in zip(*pictures, strict=True):
            path = document.createElement("path")
            data = [_data(line) for line in ways]
            path.setAttribute("d", data[0])
            path.appendChild(self._turning(document, "d", data))
            group.appendChild(path)

    def _turn_pen(self, document: Document, group: Element, groups: Sequence[Element]) -> None:
        """Let colour and width of an ink turn into those of the other pictures, where they are others."""
        colors = [ImageColor.getrgb(other.getAttribute("stroke")) for other in groups]
        hexes = ["#" + "".join(f"{part:02x}" for part in color[:3]) for color in colors]
        widths = [other.getAttribute("stroke-width") for other in groups]
        for name, values in (("stroke", hexes), ("stroke-width", widths)):
            if len(set(values)) > 1:
                group.appendChild(self._turning(document, name, values))

    def _turning(self, document: Document, name: str, values: Sequence[str]) -> Element:
        """An attribute that has the value of each picture in its turn, and goes over from one to the next."""
        order = self.order(len(values))
        ends = self.ends(order)
        keys: list[Key] = []
        for number, start, end in zip(order, [0.0, *ends[:-1]], ends, strict=True):
            keys += [
                (start / ends[-1], values[number]),
                ((end - self.morph * self.seconds) / ends[-1], values[number]),
            ]
        # What goes back comes home; anything else stays and begins anew.
        keys.append((1.0, values[0] if self.back_and_forth and self.loop else values[order[-1]]))
        return self._animate(document, name, keys, ends[-1], jump=False)

    def _animate(
        self, document: Document, name: str, keys: Sequence[Key], seconds: float, *, jump: bool
    ) -> Element:
        """An `<animate>` of an attribute by its values at shares of the whole time."""
        element = document.createElement("animate")
        attributes = {
            "attributeName": name,
            "dur": f"{_number(seconds, 3)}s",
            "calcMode": "discrete" if jump else "linear",
            "keyTimes": ";".join(_number(time, 6) for time, _ in keys),
            "values": ";".join(value for _, value in keys),
        }
        attributes |= {"repeatCount": "indefinite"} if self.loop else {"fill": "freeze"}
        for attribute, value in attributes.items():
            element.setAttribute(attribute, value)
        return element

    def _caption(self, document: Document, cell: Element, pictures: Sequence[Picture], sheet: Layout) -> None:
        """Write the caption of each picture while it is to be seen, as sketchkit writes it."""
        if not sheet.label:
            return
        for number, picture in enumerate(pictures):
            words = make_renderer("svg").render([Picture((), picture.caption)], sheet, {})
            parsed = minidom.parseString(words)
            lines = [
                document.importNode(line, deep=True)
                for line in _by_id(parsed, "cell-1").getElementsByTagName("text")
            ]
            for line in lines:
                cell.appendChild(line)
            if len(pictures) > 1:
                self._flip(document, lines, number, len(pictures))
            parsed.unlink()


def _groups(cell: Element, pictures: Sequence[Picture]) -> list[list[Element]]:
    """The groups of the inks of each picture, of a cell that shows them all."""
    every: Iterator[Element] = iter([child for child in cell.childNodes if child.nodeName == "g"])
    return [[next(every) for _ in picture.inks] for picture in pictures]


def _by_id(document: Document, id: str) -> Element:
    return next(group for group in document.getElementsByTagName("g") if group.getAttribute("id") == id)


def _rename(document: Document, title: str) -> None:
    """Call a document of one cell what it shows."""
    for element in document.documentElement.childNodes:
        if element.nodeName == "title" and element.firstChild.data == "1 drawing":
            element.firstChild.data = title


def _changes(keys: Iterable[Key]) -> list[Key]:
    """The keys whose value is another than that of the one before."""
    out: list[Key] = []
    for key in keys:
        if not out or key[1] != out[-1][1]:
            out.append(key)
    return out


def _data(line: Float64) -> str:
    """The path of a line of points [n, 2]."""
    return "M" + " ".join(f"{_number(x, 2)} {_number(y, 2)}" for x, y in line.tolist())


def _number(value: float, decimals: int) -> str:
    """A number without zeros behind it."""
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
