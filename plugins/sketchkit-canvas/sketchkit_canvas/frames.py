"""Drawings one after another in one place, as an SVG that plays by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from sketchkit import Sketch, render
from sketchkit.rendering import Ink, Picture

__all__ = ["frames_svg", "there_and_back"]

_SVG = "http://www.w3.org/2000/svg"
_INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"


def frames_svg(
    drawings: Sequence[Sketch], seconds: float, pause: float, metadata: Mapping[str, object], cell: float
) -> bytes:
    """Show drawings there and back, for ever. What knows no animation shows the first.

    Args:
        drawings: at least two; all at one scale.
        seconds: for which each is shown.
        pause: for which the first and the last are shown beyond that.
        metadata: provenance of them all.
        cell: the side of the picture, in pixels.

    Raises:
        InputError: something that makes no picture.
    """
    inks = tuple(Ink(drawing, name=f"frame {k}") for k, drawing in enumerate(drawings, start=1))
    content = render([Picture(inks)], cell=cell, stroke=3, metadata=metadata)
    for prefix, space in (("", _SVG), ("inkscape", _INKSCAPE)):
        ElementTree.register_namespace(prefix, space)
    root = ElementTree.fromstring(content)
    groups = [each for each in root.iter(f"{{{_SVG}}}g") if f"{{{_INKSCAPE}}}label" in each.attrib]
    order = there_and_back(len(groups))
    times = [seconds + pause * (k in (0, len(groups) - 1)) for k in order]
    for k, group in enumerate(groups):
        group.set("visibility", "hidden" if k else "visible")
        group.insert(0, _animation([each == k for each in order], times))
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root) + b"\n"


def there_and_back(count: int) -> list[int]:
    """The numbers of frames in the order in which they are shown."""
    return [*range(count), *range(count - 2, 0, -1)]


def _animation(shown: Sequence[bool], times: Sequence[float]) -> ElementTree.Element:
    """When a frame is seen: what is shown at each time, and for how long."""
    whole, now = sum(times), 0.0
    keys: list[tuple[float, str]] = []
    for visible, time in zip(shown, times, strict=True):
        word = "visible" if visible else "hidden"
        if not keys or keys[-1][1] != word:
            keys.append((now / whole, word))
        now += time
    attributes = {
        "attributeName": "visibility",
        "calcMode": "discrete",
        "dur": f"{whole:.3g}s",
        "repeatCount": "indefinite",
        "keyTimes": ";".join(f"{time:.6g}" for time, _ in keys),
        "values": ";".join(word for _, word in keys),
    }
    return ElementTree.Element(f"{{{_SVG}}}animate", attributes)
