"""What became of the drawings, in words, as a small plot for a terminal, and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np

from sketchkit.formats.svg import omissions
from sketchkit.svgdoc import INK, Element, document, rectangle, text, to_bytes
from sketchkit.training.data.manifest import SPLITS, Manifest

__all__ = ["PLOT_NAME", "histogram", "length_at", "plot_lines", "plot_svg", "report_lines", "write_plot"]

PLOT_NAME = "lengths.png"
#: Bars of a plot, and the longest of them in letters.
_BARS, _WIDTH = 12, 40
_EIGHTHS = " ▏▎▍▌▋▊▉"
#: Steps that eyes read easily.
_STEPS = (1, 2, 5)


def report_lines(manifest: Manifest, encoding: str | None = "utf-8") -> list[str]:
    """Everything worth knowing of a fresh data set, a line each.

    Args:
        manifest: of the data set.
        encoding: of the terminal; decides what bars are made of.
    """
    splits = ", ".join(f"{name} {manifest.splits[name].drawings}" for name in SPLITS)
    lines = [f"{manifest.drawings} drawings of {_classes(manifest)}: {splits}"]
    lines += [f"  dropped {count}: {why}" for why, count in manifest.dropped.items()]
    if manifest.left_out:
        lines.append(f"  strokes leave out {omissions(manifest.left_out)}")
    middle = f"half of them up to {length_at(manifest, 0.5)}, 95 % up to {length_at(manifest, 0.95)}"
    lines.append(f"scale factor {manifest.scale_factor:.4g}; points of a drawing ({middle}):")
    return lines + plot_lines(manifest, encoding)


def length_at(manifest: Manifest, share: float) -> int:
    """The length that a share of the drawings do not exceed."""
    counts = np.cumsum(manifest.length_counts)
    return int(np.searchsorted(counts, share * counts[-1]))


def histogram(manifest: Manifest) -> list[tuple[int, int, int]]:
    """How many drawings have so many points: (from, to, drawings), a dozen rows at most."""
    counts = np.array(manifest.length_counts)
    step = next(s * 10**e for e in range(7) for s in _STEPS if s * 10**e * _BARS >= len(counts))
    starts = range(0, len(counts), step)
    return [
        (max(start, 2), min(start + step, len(counts)) - 1, int(counts[start : start + step].sum()))
        for start in starts
        if start + step > 2
    ]


def plot_lines(manifest: Manifest, encoding: str | None = "utf-8") -> list[str]:
    """The lengths as bars, a line each; `#` where the encoding has no blocks."""
    rows = histogram(manifest)
    most = max(count for *_, count in rows)
    names = [f"{low}-{high}" if low < high else f"{low}" for low, high, _ in rows]
    width = max(map(len, names))
    fine = _has_blocks(encoding)
    return [
        f"  {name:>{width}} {_bar(count / most, fine)} {count}"
        for name, (_, _, count) in zip(names, rows, strict=True)
    ]


def plot_svg(manifest: Manifest) -> bytes:
    """The lengths as a picture."""
    rows = histogram(manifest)
    most = max(count for *_, count in rows)
    bar, gap, height, margin = 44.0, 6.0, 200.0, 40.0
    size = (2 * margin + len(rows) * (bar + gap), height + 2 * margin)
    page = document(size, title="Points of a drawing", background="#ffffff")
    for i, (low, high, count) in enumerate(rows):
        left, tall = margin + i * (bar + gap), height * count / most
        for element in _column(left, bar, margin + height, tall, (f"{low}-{high}", str(count))):
            page.add(element)
    words = f"points of a drawing; {manifest.drawings} drawings of {_classes(manifest)}"
    page.add(text(words, (size[0] / 2, size[1] - 8), 11, INK))
    return to_bytes(page)


def write_plot(manifest: Manifest, folder: Path) -> None:
    """Put the picture of the lengths into a data set's folder, where there is cairo to draw it."""
    try:
        import cairosvg
    except (ImportError, OSError):
        return  # a data set is none the worse without it
    png = cairosvg.surface.PNGSurface.convert(plot_svg(manifest), unsafe=False, url_fetcher=_refuse)
    (folder / PLOT_NAME).write_bytes(png)


def _column(left: float, width: float, foot: float, tall: float, words: tuple[str, str]) -> list[Element]:
    middle = left + width / 2
    parts = [text(words[0], (middle, foot + 14), 10, INK), text(words[1], (middle, foot - tall - 4), 10, INK)]
    return [rectangle((left, foot - tall, width, tall), "#4c78a8"), *parts] if tall > 0 else parts


def _classes(manifest: Manifest) -> str:
    if len(manifest.classes) == 1:
        return f"1 class ({manifest.classes[0]})"
    return f"{len(manifest.classes)} classes"


def _bar(share: float, fine: bool) -> str:
    if not fine:
        return "#" * max(round(share * _WIDTH), share > 0)
    eighths = max(round(share * _WIDTH * 8), share > 0)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _has_blocks(encoding: str | None) -> bool:
    try:
        f"█{_EIGHTHS}".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _refuse(url: str, resource_type: str) -> NoReturn:
    """Fetches nothing: the plot refers to nothing outside itself."""
    raise ValueError(f"a plot may not fetch {url!r}")
