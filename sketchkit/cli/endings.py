"""Endings as pictures and as layers: the strokes of the user and those of the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
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

__all__ = ["Finished", "Inks", "check_ink", "own_page", "rows_of_pictures"]

# Where nothing says how wide a pen is, it is this share of the drawing's extent.
_PEN_SHARE = 1 / 100

#: Names of `--ink` that are no colours.
_SAME, _CONTRAST = "same", "contrast"


def check_ink(ink: InkOptions) -> None:
    """Refuse an unknown ink.

    Raises:
        typer.BadParameter: it is to be a colour, or one of two names.
    """
    if ink.ink not in (_SAME, _CONTRAST):
        with as_usage("--ink"):
            check_color(ink.ink)


def own_page(given: Input, sheet: SheetOptions) -> OwnPage | None:
    """The page of a user's document at its true size, unless options ask for another."""
    page = given.document[1].true_page if given.document and sheet.is_open else None
    return None if page is None else OwnPage(*page)


@dataclass(frozen=True)
class Inks:
    """The pens of the user's strokes and of those that are added.

    Args:
        given: the drawing of the user.
        sheet: the width of the pen, in the drawing's units.
        options: of the added ink.
    """

    given: Input
    sheet: SheetOptions
    options: InkOptions

    @property
    def added(self) -> str:
        """The colour of added strokes."""
        if self.options.ink == _CONTRAST:
            return ENDING
        return self._pen(INK).color if self.options.ink == _SAME else self.options.ink

    @property
    def drawn_with(self) -> Pen:
        """The pen of the user's own strokes, where they are written anew."""
        return self._pen(INK)

    @property
    def added_with(self) -> Pen:
        """The pen of added strokes: that of the user's strokes in another colour."""
        return dataclasses.replace(self._pen(INK), color=self.added)

    def _pen(self, color: str) -> Pen:
        """The width is the user's choice, the document's own, or by the drawing's size."""
        x0, y0, x1, y1 = self.given.sketch.bounds
        width = self.sheet.stroke or max(x1 - x0, y1 - y0) * _PEN_SHARE or 1.0
        usual = None if self.given.document is None else self.given.document[1].usual_pen
        if usual is None:
            return Pen(color, width)
        return Pen(usual.colour or color, self.sheet.stroke or usual.width or width, usual.cap, usual.join)


@dataclass(frozen=True)
class Finished:
    """A drawing with its endings.

    Args:
        given: the drawing of the user.
        endings: by the model.
        provenance: of the run.
        sheet: the width of a layer's pen, in the drawing's units, and which layers are drawn as curves.
        limits: where the endings might go, which their pictures show.
        ink: of the endings, and whether they are written alone.
    """

    given: Input
    endings: Sequence[Ending]
    provenance: Mapping[str, Any]
    sheet: SheetOptions = field(default_factory=SheetOptions)
    limits: Limits | None = None
    ink: InkOptions = field(default_factory=InkOptions)

    @property
    def _inks(self) -> Inks:
        return Inks(self.given, self.sheet, self.ink)

    def items(self) -> list[Item]:
        """One an ending: for sheets, files of drawings, or as an SVG page of its own."""
        return [
            Item(
                self.given.stem,
                ending.index,
                self._written(ending).labelled(ending.sketch.label, self._key(ending)),
                self._picture(ending),
                partial(self._page, ending),
                self.given.source,
                own_page(self.given, self.sheet),
            )
            for ending in self.endings
        ]

    def layered(self, record: Mapping[str, Any]) -> bytes:
        """The user's document with a layer for each ending, of which the best on the page is visible.

        Args:
            record: of the command; the last layer has it.
        """
        if self.given.document is None:
            raise InputError(f"{self.given.source}: layers can only be added to an SVG file")
        layers = [
            self._layer(ending, {**self._facts(ending), **(record if ending is self.endings[-1] else {})})
            for ending in self.endings
        ]
        return self._in_document(layers, self._best_on_page())

    def _in_document(
        self, layers: Sequence[Layer], visible: int, facts: Mapping[str, Any] | None = None
    ) -> bytes:
        """Layers in the user's document, or on an empty page of the same size."""
        assert self.given.document is not None
        data, document = self.given.document
        if self.ink.only_added:
            return write_layers(
                layers, view_box=document.view_box, size=document.size, metadata=facts, visible=visible
            )
        return insert_layers(
            data, document.insert_at, document.self_closing, document.encoding, layers, visible=visible
        )

    def _written(self, ending: Ending) -> Sketch:
        """The drawing for a file of drawings."""
        return ending.ending if self.ink.only_added else ending.sketch

    def _key(self, ending: Ending) -> str:
        """The key of an ending in a file of drawings."""
        return f"{self.given.sketch.key or self.given.stem}-{self.provenance['seed']}-{ending.index}"

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

    def _picture(self, ending: Ending) -> Picture:
        # The numbers first: a caption is cut where it is too long for its cell.
        caption = f"{ending.index}: {ending.nll_per_point:.2f} {self.given.stem}"
        below = () if self.limits is None else self.limits.inks()
        given = () if self.ink.only_added else (Ink(self.given.sketch, INK, "drawing"),)
        added = Ink(ending.ending, self._inks.added, self._name(ending), curved=self.limits is None)
        return Picture((*below, *given, added), caption, self._facts(ending))

    def _page(self, ending: Ending, record: Mapping[str, Any]) -> bytes:
        """One ending as a layer of the user's document, or else the drawing and it in two layers."""
        facts = {**self._facts(ending), **record}
        if self.given.document is not None:
            return self._in_document([self._layer(ending, {} if self.ink.only_added else facts)], 0, facts)
        layers = [self._layer(ending, {})]
        if not self.ink.only_added:
            pen = self._inks.drawn_with
            layers.insert(0, Layer(self.given.sketch, "drawing", pen, curved=self.sheet.curves == "on"))
        return write_layers(layers, metadata=facts)

    def _layer(self, ending: Ending, metadata: Mapping[str, Any]) -> Layer:
        # A curve may leave the bounds that its points keep within.
        curved = self.sheet.curves == "on" or (self.sheet.curves == "auto" and self.limits is None)
        return Layer(ending.ending, self._name(ending), self._inks.added_with, metadata, curved=curved)

    def _name(self, ending: Ending) -> str:
        """The name of its group or layer, by its index, which is unique in the drawing."""
        return f"ending {ending.index}" + (" (adds nothing)" if self.adds_nothing(ending) else "")

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
