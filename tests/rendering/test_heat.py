"""Colours for numbers: ordered by lightness, and readable on white."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.errors import InputError
from sketchkit.rendering.palette import HEAT, draw_heat_legend, heat_color

SHARES = st.floats(0, 1)


def contrast(color: str) -> float:
    """With white, as WCAG measures it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


@given(a=SHARES, b=SHARES)
def test_more_is_never_lighter(a: float, b: float) -> None:
    low, high = sorted((a, b))
    # Colours are rounded to whole steps.
    assert contrast(heat_color(high)) >= contrast(heat_color(low)) - 0.05


@given(share=SHARES)
def test_every_colour_can_be_seen_on_white_paper(share: float) -> None:
    assert contrast(heat_color(share)) > 2


def test_the_scale_goes_through_all_its_stops() -> None:
    assert [heat_color(i / 8) for i in range(9)] == list(HEAT)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_the_scale_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=r"0\.\.1"):
        heat_color(share)


def test_the_legend_shows_the_scale_from_end_to_end() -> None:
    picture = draw_heat_legend("0 to 1")
    assert picture.caption == "0 to 1"
    assert (picture.inks[0].color, picture.inks[-1].color) == (HEAT[0], HEAT[-1])
    lefts = [ink.sketch.bounds[0] for ink in picture.inks]
    assert lefts == sorted(lefts)
