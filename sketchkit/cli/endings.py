"""Endings and infills as pictures and as layers: the strokes of the user and those of the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sketchkit.cli.groups import InkOptions, SheetOptions, as_usage
from sketchkit.cli.inputs import Input
from sketchkit.cli.outputs import Item
from sketchkit.errors import InputError
from sketchkit.rendering import Ink, OwnPage, Picture
from sketchkit.rendering.palette import ENDING, INK
from sketchkit.svgdoc import Layer, Pen, check_color, insert_layers, write_layers

if TYPE_CHECKING:
    from sketchkit.cli.bounds import Limits
    from sketchkit.generate import Ending
    from sketchkit.sketch import Sketch

__all__ = ["Addition", "Finished", "check_ink", "own_page", "rows_of_pictures"]

# Where nothing says how wide a pen is, it is this share of the drawing's extent.
_PEN_SHARE = 1 / 100

#: Names of `--ink` that are no colours.
_SAME, _CONTRAST = "same", "contrast"


def check_ink(ink: InkOptions) -> None:
    """Refuse an unknown ink.

    Raises:
        UsageError: it is to be a colour, or one of two names.
    """
    if ink.ink not in (_SAME, _CONTRAST):
        with as_usage("--ink"):
            check_color(ink.ink)


def own_page(given: Input, sheet: SheetOptions) -> OwnPage | None:
    """The page of a user's document at its true size, unless options ask for another."""
    page = given.document[1].true_page if given.document and sheet.is_open else None
    return None if page is None else OwnPage(*page)


@dataclass(frozen=True)
class Addition:
    """Strokes of a model that are added to a drawing of the user, as a picture, a layer and a page.

    Args:
        given: the drawing of the user.
        kept: its strokes that stay: all of them, in the user's document as they are, or those around a gap.
        added: the strokes of the model.
        whole: both.
        index: of the addition among those to the drawing.
        name: of its group or layer.
        caption: of its picture.
        facts: its provenance, as JSON values.
        sheet: the width of a layer's pen, in the drawing's units, and which layers are drawn as curves.
        ink: of the added strokes, and whether they are written alone.
        limits: where they might go, which the picture shows.
    """

    given: Input
    kept: Sketch
    added: Sketch
    whole: Sketch
    index: int
    name: str
    caption: str
    facts: Mapping[str, Any]
    sheet: SheetOptions
    ink: InkOptions
    limits: Limits | None = None

    def item(self) -> Item:
        """For a sheet, a file of drawings, or as an SVG page of its own."""
        key = f"{self.given.sketch.key or self.given.stem}-{self.facts['seed']}-{self.index}"
        sketch = (self.added if self.ink.only_added else self.whole).labelled(self.whole.label, key)
        page = own_page(self.given, self.sheet)
        return Item(self.given.stem, self.index, sketch, self._picture(), self._page, self.given.source, page)

    def layer(self, metadata: Mapping[str, Any]) -> Layer:
        """The added strokes, drawn with the pen of the user's strokes in another colour."""
        # A curve may leave the bounds that its points keep within.
        curved = self.sheet.curves == "on" or (self.sheet.curves == "auto" and self.limits is None)
        pen = dataclasses.replace(self._pen, color=self._color)
        return Layer(self.added, self.name, pen, metadata, curved=curved)

    def _picture(self) -> Picture:
        below = () if self.limits is None else self.limits.inks()
        kept = () if self.ink.only_added else (Ink(self.kept, INK, "drawing"),)
        added = Ink(self.added, self._color, self.name, curved=self.limits is None)
        return Picture((*below, *kept, added), self.caption, self.facts)

    def _page(self, record: Mapping[str, Any]) -> bytes:
        """A layer of the user's document where all its strokes stay, or else the drawing in two layers."""
        facts, only_added = {**self.facts, **record}, self.ink.only_added
        if self.given.document is not None and self.kept is self.given.sketch and not only_added:
            return insert_into(self.given, [self.layer(facts)], 0)
        layers = [self.layer({})]
        if not only_added:
            layers.insert(0, Layer(self.kept, "drawing", self._pen, curved=self.sheet.curves == "on"))
        return write_layers(layers, **place_of(self.given), metadata=facts)

    @property
    def _color(self) -> str:
        if self.ink.ink == _CONTRAST:
            return ENDING
        return self._pen.color if self.ink.ink == _SAME else self.ink.ink

    @property
    def _pen(self) -> Pen:
        """The pen of the user's own strokes; its width is the user's choice, or the drawing's."""
        x0, y0, x1, y1 = self.given.sketch.bounds
        width = self.sheet.stroke or max(x1 - x0, y1 - y0) * _PEN_SHARE or 1.0
        usual = None if self.given.document is None else self.given.document[1].usual_pen
        if usual is None:
            return Pen(INK, width)
        return Pen(usual.colour or INK, self.sheet.stroke or usual.width or width, usual.cap, usual.join)


def place_of(given: Input) -> dict[str, Any]:
    """The page of a user's document, as arguments of `write_layers`."""
    if given.document is None:
        return {}
    return {"view_box": given.document[1].view_box, "size": given.document[1].size}


def insert_into(given: Input, layers: Sequence[Layer], visible: int) -> bytes:
    """The user's document with further layers, of which one is visible."""
    assert given.document is not None
    data, document = given.document
    return insert_layers(
        data, document.insert_at, document.self_closing, document.encoding, layers, visible=visible
    )


@dataclass(frozen=True)
class Finished:
    """A drawing with its endings.

    Args:
        given: the drawing of the user.
        endings: by the model.
        provenance: of the run.
        sheet: see `Addition`.
        limits: where the endings might go.
        ink: see `Addition`.
    """

    given: Input
    endings: Sequence[Ending]
    provenance: Mapping[str, Any]
    sheet: SheetOptions = field(default_factory=SheetOptions)
    limits: Limits | None = None
    ink: InkOptions = field(default_factory=InkOptions)

    def items(self) -> list[Item]:
        """One an ending: for sheets, files of drawings, or as an SVG page of its own."""
        return [self._addition(ending).item() for ending in self.endings]

    def layered(self, record: Mapping[str, Any]) -> bytes:
        """The user's document with a layer for each ending, of which the best on the page is visible.

        Args:
            record: of the command; the last layer has it.
        """
        if self.given.document is None:
            raise InputError(f"{self.given.source}: layers can only be added to an SVG file")
        additions = [self._addition(ending) for ending in self.endings]
        last, best = len(additions) - 1, self._best_on_page()
        layers = [
            each.layer({**each.facts, **(record if i == last else {})}) for i, each in enumerate(additions)
        ]
        if self.ink.only_added:
            return write_layers(layers, **place_of(self.given), visible=best)
        return insert_into(self.given, layers, best)

    def _addition(self, ending: Ending) -> Addition:
        given, sketch = self.given, self.given.sketch
        # The numbers first: a caption is cut where it is too long for its cell.
        caption = f"{ending.index}: {ending.nll_per_point:.2f} {given.stem}"
        name = f"ending {ending.index}" + (" (adds nothing)" if self.adds_nothing(ending) else "")
        shown = (name, caption, self._facts(ending), self.sheet, self.ink, self.limits)
        return Addition(given, sketch, ending.ending, ending.sketch, ending.index, *shown)

    def adds_nothing(self, ending: Ending) -> bool:
        """Whether an ending leaves the drawing as it was: the model took it for finished."""
        given = self.given.sketch.without_end()
        # Where the pen is down, an ending begins with the point at which it stands.
        return len(ending.ending.without_end()) <= given.pen_down

    def _best_on_page(self) -> int:
        """The place of the best ending with ink that does not leave the page; of the best if all do."""
        ranked = sorted(range(len(self.endings)), key=lambda place: self.endings[place].rank)
        return min(ranked, key=lambda place: self._flaw(self.endings[place]))

    def _flaw(self, ending: Ending) -> int:
        """The flaw of an ending: 0 for a good ending, 1 if it leaves the page, 2 if it is empty."""
        return 2 if self.adds_nothing(ending) else int(self.leaves_page(ending))

    def leaves_page(self, ending: Ending) -> bool:
        """Whether ink is added beside the page of the user's document."""
        page = None if self.given.document is None else self.given.document[1].view_box
        if page is None or self.adds_nothing(ending):
            return False
        x0, y0, x1, y1 = ending.ending.bounds
        inside = page.x <= x0 and page.y <= y0 and x1 <= page.x + page.width and y1 <= page.y + page.height
        return not inside

    def _facts(self, ending: Ending) -> dict[str, Any]:
        """The provenance of one ending."""
        return {
            **self.provenance,
            "index": ending.index,
            "scale": ending.scale,
            "nll_per_point": ending.nll_per_point,
            "finished": ending.finished,
            **({} if ending.class_name is None else {"class": ending.class_name}),
            **self._guesses(),
            **self._record(ending),
        }

    def _guesses(self) -> dict[str, Any]:
        """The guesses at the class of the drawing, if there are any."""
        from sketchkit.generate import Guesses

        found = getattr(self.endings, "guesses", Guesses())
        if not found:
            return {}
        told = {"guesses": {each.class_name: round(each.chance, 3) for each in found[:3]}}
        return told if found.unlike is None else {**told, "unlike": round(found.unlike, 3)}

    def _record(self, ending: Ending) -> dict[str, Any]:
        """The attempts within bounds, if there are any."""
        from sketchkit.generate import Endings

        attempts = self.endings.attempts if isinstance(self.endings, Endings) else None
        if attempts is None:
            return {}
        return {"redrawn": ending.redrawn, "attempts": asdict(attempts)}


def rows_of_pictures(rows: Sequence[Sequence[Item]], columns: int) -> list[Picture]:
    """The pictures of several drawings, a row each, which ends in empty cells where it is shorter."""
    blank = Picture(())
    return [
        picture
        for row in rows
        for picture in ([item.picture for item in row] + [blank] * (columns - len(row)))
    ]
