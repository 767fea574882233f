"""Endings as pictures and as layers: what the user drew and what the model added, always told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sketchkit.cli.inputs import Input
from sketchkit.cli.outputs import Item
from sketchkit.cli.parameters import SheetOptions
from sketchkit.errors import InputError
from sketchkit.rendering import Ink, Picture
from sketchkit.rendering.palette import ENDING, INK
from sketchkit.svgdoc import Layer, insert_layers, write_layers

if TYPE_CHECKING:
    from sketchkit.cli.bounds import Limits
    from sketchkit.generate import Ending

__all__ = ["Finished", "rows_of_pictures"]

# Where nothing says how wide a pen is, it is this share of the drawing's extent.
_PEN_SHARE = 1 / 100


@dataclass(frozen=True)
class Finished:
    """A drawing with its endings.

    Args:
        given: what the user drew.
        endings: what the model made of it.
        provenance: of the run.
        sheet: the width of a layer's pen, in the drawing's units, and which layers are drawn as curves.
        limits: where the endings might go, which their pictures show.
    """

    given: Input
    endings: Sequence[Ending]
    provenance: Mapping[str, Any]
    sheet: SheetOptions = field(default_factory=SheetOptions)
    limits: Limits | None = None

    def items(self) -> list[Item]:
        """One an ending: for sheets, files of drawings, or as an SVG page of its own."""
        return [
            Item(
                self.given.stem,
                ending.index,
                ending.sketch.labelled(ending.sketch.label, self._key(ending)),
                self._picture(ending),
                partial(self._page, ending),
                self.given.source,
            )
            for ending in self.endings
        ]

    def layered(self) -> bytes:
        """The user's document as it was, with a layer an ending, of which the best on the page is shown."""
        if self.given.document is None:
            raise InputError(f"{self.given.source}: layers can only be added to an SVG file")
        data, document = self.given.document
        layers = [self._layer(ending, self._facts(ending)) for ending in self.endings]
        return insert_layers(
            data,
            document.insert_at,
            document.self_closing,
            document.encoding,
            layers,
            visible=self._best_on_page(),
        )

    def _key(self, ending: Ending) -> str:
        """What tells an ending from all others in a file of drawings."""
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
        """What keeps an ending from being shown: 0 nothing, 1 it leaves the page, 2 it adds nothing."""
        if self.adds_nothing(ending):
            return 2
        page = None if self.given.document is None else self.given.document[1].view_box
        if page is None:
            return 0
        x0, y0, x1, y1 = ending.ending.bounds
        inside = page.x <= x0 and page.y <= y0 and x1 <= page.x + page.width and y1 <= page.y + page.height
        return 0 if inside else 1

    def _picture(self, ending: Ending) -> Picture:
        # The numbers first: a caption is cut where it is too long for its cell.
        caption = f"{ending.index}: {ending.nll_per_point:.2f} {self.given.stem}"
        below = () if self.limits is None else self.limits.inks()
        inks = (
            Ink(self.given.sketch, INK, "drawing"),
            Ink(ending.ending, ENDING, self._name(ending), curved=self.limits is None),
        )
        return Picture((*below, *inks), caption, self._facts(ending))

    def _page(self, ending: Ending) -> bytes:
        """The drawing and one ending in two layers, in the drawing's own units and place."""
        given = Layer(self.given.sketch, "drawing", INK, self._pen(), curved=self.sheet.curves == "on")
        layers = [given, self._layer(ending, {})]
        if self.given.document is None:
            return write_layers(layers, metadata=self._facts(ending))
        document = self.given.document[1]
        return write_layers(
            layers, view_box=document.view_box, size=document.size, metadata=self._facts(ending)
        )

    def _layer(self, ending: Ending, metadata: Mapping[str, Any]) -> Layer:
        # A curve may leave the bounds that its points keep within.
        curved = self.sheet.curves == "on" or (self.sheet.curves == "auto" and self.limits is None)
        return Layer(ending.ending, self._name(ending), ENDING, self._pen(), metadata, curved=curved)

    def _name(self, ending: Ending) -> str:
        """What its group or layer is called: by its index, which no other ending of the drawing has."""
        return f"ending {ending.index}" + (" (adds nothing)" if self.adds_nothing(ending) else "")

    def _pen(self) -> float:
        """The width of a layer's pen: the user's choice, the document's own, or by the drawing's size."""
        own = None if self.given.document is None else self.given.document[1].pen_width
        x0, y0, x1, y1 = self.given.sketch.bounds
        return self.sheet.stroke or own or max(x1 - x0, y1 - y0) * _PEN_SHARE or 1.0

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
        """What the drawing was taken for, where its class was guessed."""
        found = getattr(self.endings, "guesses", ())[:3]
        return {"guesses": {each.class_name: round(each.chance, 3) for each in found}} if found else {}

    def _record(self, ending: Ending) -> dict[str, Any]:
        """What it took to keep within bounds, where there are any."""
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
