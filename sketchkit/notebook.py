"""How values show themselves in a notebook: pictures as images, facts as tables.

Both are parts of an HTML page that run no script: all words are escaped, and a picture is an `<img>`, which
shows in pages that cut `<svg>` elements out, and whose ids and styles stay its own. Pictures bring white
paper, tables take the colours of the page, so that both are read on light and on dark ones.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from sketchkit.svgdoc import clean
from sketchkit.svgdoc.markup import Element, to_text

__all__ = ["clip", "facts_html", "image_html", "table_html"]

#: The longest cell of a table, in characters, and the most rows.
MAX_CELL, MAX_ROWS = 400, 40


def image_html(svg: str, words: str) -> str:
    """An SVG document as an HTML image.

    Args:
        svg: the document, with or without an XML declaration.
        words: read aloud in place of the picture.
    """
    data = base64.b64encode(svg.encode()).decode()
    return to_text(Element("img", {"src": f"data:image/svg+xml;base64,{data}", "alt": clean(words)}))


def table_html(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table of at most 40 rows; a last one says how many are left out.

    Args:
        header: the names of the columns, or one for them all.
        rows: a cell a column.
    """
    several = list(rows)
    columns = len(several[0]) if several else 1
    lines = [_line("th", header, columns), *(_line("td", row, columns) for row in several[:MAX_ROWS])]
    if len(several) > MAX_ROWS:
        lines.append(_line("td", [f"and {len(several) - MAX_ROWS:,} more"], columns))
    return to_text(Element("table", children=lines))


def facts_html(title: str, facts: Iterable[tuple[str, object]]) -> str:
    """An HTML table of names and values under a title; values of None and "" are left out.

    Args:
        title: the heading of the table.
        facts: names and values.
    """
    rows = [(name, value) for name, value in facts if value not in ("", None)]
    return table_html((title,), rows)


def clip(items: Sequence[object], most: int = 12) -> str:
    """The first items in words, and how many more there are."""
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(map(str, items[:most])) + more


def _line(tag: str, cells: Sequence[object], columns: int) -> Element:
    # Words beside numbers: without a style, notebooks set all cells to the right.
    look = {"style": "text-align:left;vertical-align:top"}
    if len(cells) == 1 < columns:
        look["colspan"] = str(columns)
    return Element("tr", children=[Element(tag, look, words=_words(cell)) for cell in cells])


def _words(cell: object) -> str:
    text = f"{cell:.4g}" if isinstance(cell, float) else str(cell)
    return clean(text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]}...") or "\N{NO-BREAK SPACE}"
