"""Titles, labels and captions in letters of single lines."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotter_machines import Machine, obey_gcode, obey_hpgl
from sketchkit_plotter import GcodeRenderer, HpglRenderer
from sketchkit_plotter.letters import cut, lines_of, width_of

from sketchkit import Sketch
from sketchkit.rendering import Ink, Layout, Picture

CROSS = Sketch.from_polylines([[(0, 0), (9, 9)], [(0, 9), (9, 0)]])


def drawn(layout: Layout, caption: str | None = None, **options: Any) -> Machine:
    picture = Picture((Ink(CROSS),), caption)
    return obey_gcode(GcodeRenderer(**options).render([picture], layout, {}))


def test_every_letter_of_ascii_has_lines_of_its_own() -> None:
    shapes = {letter: b"|".join(line.tobytes() for line in lines_of(letter)) for letter in string.printable}
    seen = [letter for letter in string.printable if not letter.isspace()]
    assert len({shapes[letter] for letter in seen}) == len(seen)
    box = b"|".join(line.tobytes() for line in lines_of("\u4e00"))
    assert box and box not in [shapes[letter] for letter in seen]


def test_every_letter_stays_in_its_box() -> None:
    for letter in string.ascii_letters + string.digits + string.punctuation:
        points = np.concatenate(lines_of(letter))
        assert points.min() >= 0 and points[:, 0].max() <= 4 and points[:, 1].max() <= 9
        assert points[:, 0].min() == 0, letter
        assert width_of(letter) == points[:, 0].max()


def test_accents_are_left_out_and_the_usual_marks_are_known() -> None:
    fancy = ("\u00e9t\u00e9", "a\u2026", "\u201cx\u201d \u2014 y")
    for words, plain in zip(fancy, ("ete", "a...", '"x" - y'), strict=True):
        both = zip(lines_of(words), lines_of(plain), strict=True)
        assert all(np.array_equal(a, b) for a, b in both)


@given(st.text(max_size=40), st.floats(12, 200))
def test_words_that_are_cut_fit(words: str, width: float) -> None:
    kept = cut(words, width)
    assert width_of(kept) <= width
    assert len(lines_of(kept)) == len(lines_of(words)) or kept.endswith("...")


@pytest.mark.parametrize(
    "words",
    [{"title": "L"}, {"row_labels": ("L",)}, {"column_labels": ("L",)}],
    ids=["title", "row", "column"],
)
def test_titles_and_labels_are_drawn_where_the_layout_sets_them(words: dict[str, Any]) -> None:
    layout = Layout(**words)
    sheet = layout.arrange([Picture((Ink(CROSS),))])
    (line,) = sheet.words
    machine = drawn(layout, order="drawn")
    *cross, letter = machine.polylines
    assert len(cross) == 2 and len(letter) == 3
    pixels = letter / 25.4 * 96
    assert pixels[0, 1] - pixels[1, 1] == pytest.approx(0.66 * line.font, abs=0.1)  # the height of a capital
    assert sheet.height - pixels[1, 1] == pytest.approx(line.at[1], abs=0.1)  # it stands on its baseline
    middle = (pixels[:, 0].min() + pixels[:, 0].max()) / 2
    assert (pixels[:, 0].max() if line.anchor == "end" else middle) == pytest.approx(line.at[0], abs=0.1)


def test_a_caption_is_drawn_under_its_cell() -> None:
    layout = Layout(label=True)
    sheet = layout.arrange([Picture((Ink(CROSS),), "L")])
    letter = drawn(layout, "L", order="drawn").polylines[-1] / 25.4 * 96
    x, y = sheet.baseline(sheet.places[0])
    assert (letter[:, 0].min() + letter[:, 0].max()) / 2 == pytest.approx(x, abs=0.1)
    assert sheet.height - letter[:, 1].min() == pytest.approx(y, abs=0.1)


def test_a_caption_wider_than_its_cell_is_cut() -> None:
    layout = Layout(label=True, margin=100)
    place = layout.arrange([Picture((Ink(CROSS),), "?")]).places[0]
    letters = np.concatenate(drawn(layout, 80 * "wide ", order="drawn").polylines[2:]) / 25.4 * 96
    assert letters[:, 0].min() >= place.corner[0] - 0.1
    assert letters[:, 0].max() <= place.corner[0] + place.cell + 0.1
    assert letters[:, 0].max() > place.corner[0] + 0.8 * place.cell


def test_words_are_omitted_only_if_somebody_says_so() -> None:
    layout = Layout(title="Title", label=True)
    assert len(drawn(layout, "caption").lines) > 10
    assert len(drawn(layout, "caption", words="omit").lines) == 2
    assert len(drawn(Layout(label=False), "caption").lines) == 2


def test_words_are_drawn_with_the_first_pen() -> None:
    two = Picture((Ink(CROSS, "red"), Ink(CROSS, "blue")), "words")
    machine = obey_hpgl(HpglRenderer(pens=2).render([two], Layout(label=True), {}))
    assert machine.pens.count(2) == 2 and machine.pens.count(1) > 2
    alone = obey_hpgl(HpglRenderer(pens=2).render([], Layout(title="nothing"), {}))
    assert set(alone.pens) == {1}


texts = st.text(max_size=60) | st.text("-*/r.W\ufdfa\u338d", max_size=200)


@given(texts, texts, st.sampled_from([Layout(cell=20, margin=0), Layout.on_page("A5", margin=0)]))
def test_no_words_leave_the_paper(title: str, caption: str, plain: Layout) -> None:
    labels = {"title": title, "label": True, "row_labels": (title,), "column_labels": (title,)}
    layout = replace(plain, **labels)
    sheet = layout.arrange([Picture((Ink(CROSS),), caption)])
    size = np.array([sheet.width, sheet.height]) * 25.4 / 96
    for line in drawn(layout, caption).polylines:
        assert (line >= -0.006).all() and (line <= size + 0.006).all()
