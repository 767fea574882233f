"""The font of words: resvg draws none, and says nothing, where the font that it looks for is not installed.

It takes "sans-serif" for Arial, which many systems lack. So a word is tried in each of the usual families.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sketchkit.errors import InputError, PluginError

__all__ = ["USUAL", "Font", "font"]

#: Families without serifs that systems come with, in the order in which they are tried.
USUAL = (
    "DejaVu Sans",
    "Liberation Sans",
    "Noto Sans",
    "Arial",
    "Helvetica Neue",
    "Helvetica",
    "Segoe UI",
    "Verdana",
    "Open Sans",
    "Roboto",
    "Ubuntu",
    "Cantarell",
    "FreeSans",
)

_SUFFIXES = (".ttf", ".otf", ".ttc")

_TRIAL = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="32">'
    '<text x="4" y="24" font-size="20" font-family="sans-serif">Ag</text></svg>'
)


@dataclass(frozen=True)
class Font:
    """What "sans-serif" stands for.

    Args:
        family: its name.
        file: where it is, besides the fonts of the system.
    """

    family: str
    file: str | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of `resvg_py.svg_to_bytes` that make it the font of words."""
        files = {"font_files": [self.file]} if self.file else {}
        return {"sans_serif_family": self.family, **files}

    def writes(self) -> bool:
        """Whether anything is seen of a word in it, and in no other."""
        from PIL import Image
        from resvg_py import svg_to_bytes

        # Where a family is missing resvg falls back on the one with serifs, if the system has any.
        png = svg_to_bytes(svg_string=_TRIAL, serif_family=self.family, **self.arguments)
        with Image.open(io.BytesIO(png)) as image:
            return image.convert("RGBA").getbbox() is not None


def font(name: str) -> Font:
    """The font of a name, or one that there is.

    Args:
        name: of a family or of a file; empty for the first of the usual ones.

    Raises:
        InputError: nothing is written in it.
        PluginError: none of the usual ones is installed.
    """
    if name:
        named = _of_file(Path(name)) if name.lower().endswith(_SUFFIXES) else Font(name)
        if not named.writes():
            raise InputError(f"no font {name!r} is installed: name a family, or a file, .ttf or .otf")
        return named
    found = _usual()
    if found is None:
        raise PluginError(
            "resvg finds no font for these words: install one (`apt-get install fonts-dejavu-core`) "
            "or name one with resvg:font=FAMILY or resvg:font=FILE.ttf"
        )
    return found


@cache
def _usual() -> Font | None:
    return next((each for each in map(Font, USUAL) if each.writes()), None)


def _of_file(path: Path) -> Font:
    from PIL import ImageFont

    try:
        family, _ = ImageFont.truetype(str(path)).getname()
    except (OSError, ImportError) as error:
        raise InputError(f"{path}: no font can be read from it: {error}") from error
    return Font(str(family), str(path))
