"""The report on a data set: in words, as a small plot for a terminal, and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np

from sketchkit.formats.svg import omissions
from sketchkit.svgdoc import INK, document, rectangle, text, to_bytes
from sketchkit.training.data.manifest import SPLITS, Manifest

__all__ = ["histogram", "plot_lines", "plot_svg", "report_lines", "write_plot"]

PLOT_NAME = "lengths.png"
#: Bars of a plot, and the longest of them in letters.
_BARS, _WIDTH = 12, 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


def report_lines(manifest: Manifest, encoding: str | None = "utf-8") -> list[str]:
    """The report on a fresh data set, in lines.

    Args:
        manifest: of the data set.
        encoding: of the terminal; decides about the characters of bars.
    """
    splits = ", ".join(f"{name} {manifest.splits[name].drawings}" for name in SPLITS)
    lines = [f"{manifest.drawings} drawings of {_count_classes(manifest)}: {splits}"]
    lines += [f"  dropped {count}: {why}" for why, count in manifest.dropped.items()]
    if manifest.left_out:
        lines.append(f"  strokes leave out {omissions(manifest.left_out)}")
    counts = np.cumsum(manifest.length_counts)
    half, most = (int(np.searchsorted(counts, share * counts[-1])) for share in (0.5, 0.95))
    middle = f"half of them up to {half}, 95 % up to {most}"
    lines.append(f"scale factor {manifest.scale_factor:.4g}; points of a drawing ({middle}):")
    return lines + plot_lines(manifest, encoding)


def histogram(manifest: Manifest) -> list[tuple[int, int, int]]:
    """How many drawings have so many points: (from, to, drawings), a dozen rows at most."""
    counts = np.array(manifest.length_counts)
    steps = (digit * 10**e for e in range(7) for digit in (1, 2, 5))
    step = next(each for each in steps if each * _BARS >= len(counts))
    return [
        (max(start, 2), min(start + step, len(counts)) - 1, int(counts[start : start + step].sum()))
        for start in range(0, len(counts), step)
        if start + step > 2
    ]


def plot_lines(manifest: Manifest, encoding: str | None = "utf-8") -> list[str]:
    """The lengths as bars, a line each; `#` where the encoding lacks blocks."""
    rows = histogram(manifest)
    longest = max(count for *_, count in rows)
    names = [f"{low}-{high}" if low < high else f"{low}" for low, high, _ in rows]
    width, fine = max(map(len, names)), _has_blocks(encoding)
    return [
        f"  {name:>{width}} {_bar(count / longest, fine)} {count}"
        for name, (_, _, count) in zip(names, rows, strict=True)
    ]


def plot_svg(manifest: Manifest) -> bytes:
    """The lengths as a picture."""
    rows = histogram(manifest)
    longest = max(count for *_, count in rows)
    bar, gap, height, margin = 44.0, 6.0, 200.0, 40.0
    width, foot = 2 * margin + len(rows) * (bar + gap), margin + height
    page = document((width, foot + margin), title="Points of a drawing", background="#ffffff")
    for i, (low, high, count) in enumerate(rows):
        left, tall = margin + i * (bar + gap), height * count / longest
        if count:
            page.add(rectangle((left, foot - tall, bar, tall), "#4c78a8"))
        page.add(text(f"{low}-{high}", (left + bar / 2, foot + 14), 10, INK))
        page.add(text(str(count), (left + bar / 2, foot - tall - 4), 10, INK))
    words = f"points of a drawing; {manifest.drawings} drawings of {_count_classes(manifest)}"
    page.add(text(words, (width / 2, foot + margin - 8), 11, INK))
    return to_bytes(page)


def write_plot(manifest: Manifest, folder: Path) -> None:
    """Put the picture of the lengths into a data set's folder, where there is cairo to draw it."""
    try:
        import cairosvg
    except (ImportError, OSError):
        return  # the picture is an extra
    png = cairosvg.surface.PNGSurface.convert(plot_svg(manifest), unsafe=False, url_fetcher=_refuse)
    (folder / PLOT_NAME).write_bytes(png)


def _refuse(url: str, resource_type: str) -> NoReturn:
    raise ValueError(f"a plot may not fetch {url!r}")


def _count_classes(manifest: Manifest) -> str:
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
