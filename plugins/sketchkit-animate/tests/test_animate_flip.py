"""Pictures that turn into each other as SVG, read again as XML."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from sketchkit_animate.flip import FlipSvg
from sketchkit_animate.morph import alike

from sketchkit import InputError, Sketch
from sketchkit.rendering import Ink, Layout, Picture
from sketchkit.testing import check_renderer

SVG = "{http://www.w3.org/2000/svg}"
LAYOUT = Layout(cell=100)


def picture(lines, color="#222222", caption=None):
    return Picture((Ink(Sketch.from_polylines(lines), color),), caption)


SQUARE = picture([[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]], caption="square")
CROSS = picture([[(0, 0), (10, 10)], [(10, 0), (0, 10)]], "#ff0000", "cross")


def parsed(content):
    root = ElementTree.fromstring(content)
    for animate in root.iter(f"{SVG}animate"):
        times = [float(time) for time in animate.get("keyTimes").split(";")]
        assert len(times) == len(animate.get("values").split(";"))
        assert times[0] == 0 and times == sorted(times) and times[-1] <= 1
        assert animate.get("calcMode") == "discrete" or times[-1] == 1
    return root


def value(animate, time):
    """What an animated attribute is at a time, in seconds, where it rests or jumps."""
    times = [float(each) * float(animate.get("dur")[:-1]) for each in animate.get("keyTimes").split(";")]
    return animate.get("values").split(";")[max(i for i, each in enumerate(times) if each <= time + 1e-3)]


def numbers(data):
    return [float(each) for each in re.findall(r"-?[\d.]+", data)]


@pytest.mark.parametrize("renderer", [FlipSvg, FlipSvg(morph=0)])
def test_it_keeps_what_every_renderer_promises(renderer):
    check_renderer(renderer)


def test_without_turning_one_picture_is_seen_at_a_time():
    root = parsed(FlipSvg(seconds=1, pause=0, morph=0).render([SQUARE, CROSS, SQUARE], LAYOUT, {}))
    groups = [group for group in root.iter(f"{SVG}g") if group.get("stroke")]
    assert len(groups) == 3
    for time in (0.1, 0.9, 1.1, 1.9, 2.1, 2.9):
        seen = [value(group.find(f"{SVG}animate"), time) == "visible" for group in groups]
        assert seen == [int(time) == 0, int(time) == 1, int(time) == 2]
    assert [group.get("visibility") for group in groups] == ["visible", "hidden", "hidden"]


def test_a_picture_rests_and_turns_into_the_next():
    root = parsed(FlipSvg(seconds=1, pause=1, morph=0.25).render([SQUARE, CROSS], LAYOUT, {}))
    paths = list(root.iter(f"{SVG}path"))
    assert len(paths) == 2
    animate = paths[0].find(f"{SVG}animate")
    assert animate.get("dur") == "3s"
    assert [round(3 * float(time), 3) for time in animate.get("keyTimes").split(";")] == [0, 0.75, 1, 2.75, 3]
    values = animate.get("values").split(";")
    assert values[0] == values[1] == paths[0].get("d")
    assert values[2] == values[3] == values[4] != values[0]
    # SMIL turns one path into another only where both have the same commands.
    assert len({re.sub(r"[\d.-]+", "#", each) for each in values}) == 1


def test_all_pictures_have_the_scale_and_the_centre_of_them_all():
    small = picture([[(4, 4), (6, 4)]])
    root = parsed(FlipSvg(points=2).render([SQUARE, small], LAYOUT, {}))
    *_, last = root.find(f".//{SVG}animate").get("values").split(";")
    middle = 58.0
    assert np.mean(numbers(last)[0::2]) == pytest.approx(middle, abs=0.02)
    assert abs(numbers(last)[2] - numbers(last)[0]) < 0.25 * 100


def test_colours_and_widths_turn_too():
    wide = Picture((Ink(SQUARE.inks[0].sketch, "teal", width=5.0),))
    root = parsed(FlipSvg().render([SQUARE, wide], LAYOUT, {}))
    turned = {a.get("attributeName"): a.get("values").split(";") for a in root.iter(f"{SVG}animate")}
    assert (turned["stroke"][0], turned["stroke"][-1]) == ("#222222", "#008080")
    assert (turned["stroke-width"][0], turned["stroke-width"][-1]) == ("2", "5")


def test_what_goes_back_comes_home():
    root = parsed(FlipSvg(back_and_forth=True).render([SQUARE, CROSS, SQUARE], LAYOUT, {}))
    values = root.find(f".//{SVG}animate").get("values").split(";")
    assert len(values) == 2 * 4 + 1
    assert values[-1] == values[0]


@pytest.mark.parametrize(("loop", "said"), [(True, ("indefinite", None)), (False, (None, "freeze"))])
def test_it_begins_again_unless_it_shall_not(loop, said):
    root = parsed(FlipSvg(loop=loop).render([SQUARE, CROSS], LAYOUT, {}))
    assert {(a.get("repeatCount"), a.get("fill")) for a in root.iter(f"{SVG}animate")} == {said}


@pytest.mark.parametrize("morph", [0, 0.5])
def test_each_picture_has_its_own_caption_and_the_sheet_its_title(morph):
    layout = Layout(cell=100, label=True, title="Both")
    root = parsed(FlipSvg(seconds=1, morph=morph).render([SQUARE, CROSS], layout, {"seed": 7}))
    words = {text.text: text.find(f"{SVG}animate") for text in root.iter(f"{SVG}text")}
    assert set(words) == {"square", "cross", "Both"}
    assert words["Both"] is None
    assert value(words["square"], 0.5) == "visible" and value(words["square"], 1.5) == "hidden"
    assert value(words["cross"], 0.5) == "hidden" and value(words["cross"], 1.5) == "visible"
    assert '"seed": 7' in root.find(f"{SVG}metadata").text


def test_the_document_is_called_by_how_many_it_shows():
    assert parsed(FlipSvg().render([SQUARE, CROSS], LAYOUT, {})).find(f"{SVG}title").text == "2 drawings"


@pytest.mark.parametrize("pictures", [[], [Picture(())], [SQUARE], [picture([[(1, 1)]])]])
@pytest.mark.parametrize("morph", [0, 0.5])
def test_one_picture_or_none_moves_nothing(pictures, morph):
    root = parsed(FlipSvg(morph=morph).render(pictures, LAYOUT, {}))
    assert not list(root.iter(f"{SVG}animate"))


@pytest.mark.parametrize("morph", [0, 0.5])
def test_the_same_arguments_are_the_same_bytes(morph):
    shown = FlipSvg(morph=morph)
    assert shown.render([SQUARE, CROSS], LAYOUT, {}) == shown.render([SQUARE, CROSS], LAYOUT, {})


def test_a_dot_can_turn_into_a_line():
    root = parsed(FlipSvg(points=3).render([picture([[(5, 5)]]), SQUARE], LAYOUT, {}))
    first = numbers(root.find(f".//{SVG}animate").get("values").split(";")[0])
    assert first == pytest.approx([58.0] * 6, abs=0.02)


def test_an_empty_picture_can_be_seen_but_not_be_turned_into():
    with pytest.raises(InputError, match="picture 2, which is empty: use flip-svg:morph=0"):
        FlipSvg().render([SQUARE, picture([])], LAYOUT, {})
    assert FlipSvg(morph=0).render([SQUARE, picture([])], LAYOUT, {})


def test_pictures_of_different_numbers_of_inks_can_be_seen_but_not_be_turned():
    two = Picture((SQUARE.inks[0], CROSS.inks[0]))
    with pytest.raises(InputError, match="different numbers of inks"):
        FlipSvg().render([SQUARE, two], LAYOUT, {})
    assert FlipSvg(morph=0).render([SQUARE, two], LAYOUT, {})


def test_a_file_that_would_be_huge_is_refused():
    with pytest.raises(InputError, match="fewer points"):
        FlipSvg(points=1000).render([SQUARE, CROSS] * 1000, LAYOUT, {})


def test_lines_cut_to_be_as_many_are_the_same_ink():
    long, short = np.array([[0.0, 0], [30, 0], [30, 10]]), np.array([[0.0, 5], [5, 5]])
    one, two = alike([[long], [short, long, short]], 40)
    assert len(one) == len(two) == 3

    def length(lines):
        return sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines)

    assert length(one) == pytest.approx(40)
    assert length(two) == pytest.approx(50)
    for before, after in pairwise(one):
        assert before[-1].tolist() == after[0].tolist()


def test_corners_keep_their_places():
    line = np.array([[0.0, 0], [33.3, 0], [33.3, 7.7], [1.0, 9.9]])
    ((turned,),) = alike([[line]], 64)
    assert {tuple(point) for point in line.tolist()} <= {tuple(point) for point in turned.tolist()}
