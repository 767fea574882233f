from __future__ import annotations

import colorsys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.errors import InputError
from sketchkit.rendering.palette import HEAT, draw_heat_legend, heat_color, temperature_color

shares = st.floats(0, 1)


def channels(color: str) -> list[float]:
    return [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def contrast_to_white(color: str) -> float:
    """WCAG 2.1, relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(color)]
    return 1.05 / (sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05)


@given(shares)
def test_every_temperature_is_readable_on_white(share: float) -> None:
    assert contrast_to_white(temperature_color(share)) >= 4.5


@given(shares, shares)
def test_the_hotter_the_redder(first: float, second: float) -> None:
    cool, warm = (channels(temperature_color(share)) for share in sorted((first, second)))
    assert cool[0] <= warm[0] and cool[2] >= warm[2]


@pytest.mark.parametrize(("share", "hue"), [(0, 225), (0.5, 300), (1, 360)])
def test_temperatures_go_from_blue_over_violet_to_red(share: float, hue: float) -> None:
    found, _, _ = colorsys.rgb_to_hls(*channels(temperature_color(share)))
    assert (360 * found or 360) == pytest.approx(hue, abs=20)


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_beyond_the_row_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="share"):
        temperature_color(share)


@given(a=shares, b=shares)
def test_more_is_never_lighter(a: float, b: float) -> None:
    low, high = sorted((a, b))
    # Colours are rounded to whole steps.
    assert contrast_to_white(heat_color(high)) >= contrast_to_white(heat_color(low)) - 0.05


@given(share=shares)
def test_every_colour_can_be_seen_on_white_paper(share: float) -> None:
    assert contrast_to_white(heat_color(share)) > 2


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
