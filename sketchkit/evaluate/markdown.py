"""A report as tables in Markdown: each figure with its number of drawings and its bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from sketchkit.evaluate.report import (
    ClassFigures,
    Comparison,
    Costs,
    Likelihood,
    Likeness,
    ReconstructionFigures,
    Report,
    SampleFigures,
)
from sketchkit.evaluate.statistics import Figure

__all__ = ["markdown"]

_NONE = "-"
Row = tuple[str, ...]


def markdown(report: Report) -> str:
    """The whole report, ending with a newline."""
    sections = [_heading(report)]
    sections += [] if report.likelihood is None else [_likelihood(report.likelihood)]
    sections += [_samples(figures) for figures in report.samples]
    sections += [_reconstructions(figures) for figures in report.reconstructions]
    sections.append(_notes(report))
    return "\n\n".join(sections) + "\n"


def _heading(report: Report) -> str:
    model, data, settings = report.model, report.data, report.settings
    only = "" if data["class"] is None else f", class {_cell(data['class'])}"
    drawings = f"{data['drawings']:,} of {data['available']:,} drawings"
    made = f"seed {settings['seed']}, sketchkit {report.versions['sketchkit']}"
    return "\n".join(
        (
            f"# {_cell(model['name'])} on {_cell(data['name'])}",
            "",
            f"- model: {_cell(model['name'])}, {model['backend']}, scale factor {model['scale_factor']:.4g}, "
            f"weights {model['weights']}",
            f"- data: {_cell(data['name'])}, {data['split']} split{only}, {drawings}, "
            f"fingerprint {data['fingerprint']}",
            f"- {made}; in brackets 95 % intervals from {settings['bootstrap']:,} resamples of drawings",
        )
    )


def _likelihood(found: Likelihood) -> str:
    drawn = "model" if found.mean_z is None else "model, z drawn"
    columns = [(drawn, found.model), ("model, z mean", found.mean_z), ("constant mixture", found.baseline)]
    there = [(name, costs) for name, costs in columns if costs is not None]
    rows = [(name, *(_number(get(costs)) for _, costs in there)) for name, get in _COSTS]
    blanks = (_NONE,) * (len(there) - 1)
    if found.l_kl is not None and found.bound is not None:
        rows.append(("L_KL", _number(found.l_kl), *blanks))
        rows.append(("bound of the NLL per point, with KL", _number(found.bound), *blanks))
    title = (
        f"## Likelihood\n\n{found.drawings:,} drawings, {found.points:,} points (end rows among them), "
        f"Nmax {found.nmax}; natural logarithms."
    )
    if found.unknown:
        title += (
            f" {found.unknown:,} drawings are of no class that the model knows, and were scored as of none."
        )
    beside = "" if found.published is None else f"\n\n{found.published.line()}"
    return f"{title}\n\n{_table(('figure', *(name for name, _ in there)), rows)}{beside}"


_COSTS: tuple[tuple[str, Callable[[Costs], Figure | None]], ...] = (
    ("NLL per point", lambda c: c.per_point),
    ("NLL per point, offsets", lambda c: c.offset_per_point),
    ("NLL per point, pen", lambda c: c.pen_per_point),
    ("NLL per point, in pixels", lambda c: c.per_point_pixels),
    ("NLL per drawing", lambda c: c.per_drawing),
    ("L_R", lambda c: c.l_r),
    ("L_R, offsets (L_s)", lambda c: c.l_s),
    ("L_R, pen (L_p)", lambda c: c.l_p),
)


def _samples(found: SampleFigures) -> str:
    rows: list[Row] = [("ended by the model", _share(found.ended), _NONE)]
    for name, pair in (
        ("points of a drawing, mean", found.mean_length),
        ("points of a drawing, median", found.median_length),
        ("strokes of a drawing, mean", found.mean_strokes),
        ("strokes of a drawing, median", found.median_strokes),
    ):
        rows.append((name, _number(pair.samples), _number(pair.held_out)))
    if found.named is not None:
        rows.append((f"named rightly ({found.nameable:,} samples)", *_shares(found.named)))
    if found.class_mean is not None:
        rows.append(("named rightly, mean over the classes", *map(_percent, found.class_mean)))
    text = f"## Samples at temperature {found.temperature:g}\n\n{found.drawings:,} samples."
    if found.likeness is not None and found.held_out is not None:
        text += (
            f" Distances: {found.likeness.drawings:,} of them, and beside them as many held-out drawings, "
            f"against {found.reference:,} other held-out drawings."
        )
        rows += _likeness_rows(found.likeness, found.held_out)
    else:
        text += " Too few drawings for distances."
    text += f"\n\n{_table(('figure', 'samples', 'held-out drawings'), rows)}"
    return text + _classes(found.classes) if len(found.classes) > 1 else text


def _classes(found: Sequence[ClassFigures]) -> str:
    """The table of the classes, the least often named first."""
    header = ("class", "samples", "ended", "named rightly", "held-out drawings", "named rightly")
    rows = [
        (
            _cell(each.name),
            f"{each.samples:,}",
            _percent(each.ended),
            _percent(each.named),
            f"{each.held_out:,}",
            _percent(each.held_out_named),
        )
        for each in sorted(found, key=lambda each: (each.named, each.name))
    ]
    return f"\n\n{_table(header, rows)}"


def _likeness_rows(samples: Likeness, real: Likeness) -> Iterable[Row]:
    yield ("distance of the lengths (W1, points)", _number(samples.length), _number(real.length))
    yield ("distance of the stroke counts (W1)", _number(samples.strokes), _number(real.strokes))
    yield ("Frechet distance", _number(samples.frechet), _number(real.frechet))
    yield ("precision", _share(samples.precision), _share(real.precision))
    yield ("recall", _share(samples.recall), _share(real.recall))


def _reconstructions(found: ReconstructionFigures) -> str:
    rows: list[Row] = [
        ("ended by the model", _share(found.ended), _NONE),
        ("Chamfer distance to the drawing", _number(found.chamfer, 4), _NONE),
        ("Chamfer distance to another of its class", _NONE, _number(found.chamfer_other, 4)),
    ]
    if found.named is not None:
        rows.append((f"named rightly ({found.nameable:,} drawings)", *_shares(found.named)))
    text = (
        f"## Reconstructions at temperature {found.temperature:g}\n\n{found.drawings:,} drawings; Chamfer "
        "distances with either drawing fitted to a diagonal of 1."
    )
    return f"{text}\n\n{_table(('figure', 'reconstructions', 'held-out drawings'), rows)}"


def _notes(report: Report) -> str:
    if report.recogniser is None:
        return "Nothing was drawn."
    r = report.recogniser
    return (
        f"Looks are judged by recogniser {_cell(r['version'])} ({len(r['classes'])} classes, "
        f"{100 * r['test_accuracy']:.1f} % of {r['test_drawings']:,} held-out drawings named rightly, "
        f"checksum {r['checksum'] or 'none'}). {_cell(r['notice'])}."
    )


def _table(header: Row, rows: Sequence[Row]) -> str:
    """A table whose columns are aligned in the source, too."""
    lines = [header, *rows]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(header))]
    padded = [
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    ]
    rule = "-|-".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (padded[0], rule, *padded[1:]))


def _number(figure: Figure | None, digits: int = 3) -> str:
    if figure is None:
        return _NONE
    return _figure(figure, lambda value: f"{value:.{_decimals(figure.value, digits)}f}")


def _decimals(value: float, digits: int) -> int:
    """Fewer after the point for large numbers."""
    if not math.isfinite(value):
        return 0
    return max(0, digits - max(0, math.floor(math.log10(max(abs(value), 1.0)))))


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.1f} %"


def _share(figure: Figure) -> str:
    return _figure(figure, lambda value: f"{100 * value:.1f} %")


def _shares(comparison: Comparison) -> tuple[str, str]:
    return _share(comparison.samples), _share(comparison.held_out)


def _figure(figure: Figure, write: Callable[[float], str]) -> str:
    if figure.low is None or figure.high is None:
        return write(figure.value)
    low, high = (write(each).removesuffix(" %") for each in (figure.low, figure.high))
    return f"{write(figure.value)} [{low}, {high}]"


def _cell(text: object) -> str:
    """Foreign text in a document: on one line, its mark-up escaped."""
    words = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)[:200])
    return "".join(f"\\{c}" if c in r"\`*_[]<>|#" else c for c in words)
