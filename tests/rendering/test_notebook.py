"""What a notebook shows of drawings, models, runs and findings."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sketchkit as sk
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel
from sketchkit.notebook import MAX_CELL, MAX_ROWS, clip, facts_html, image_html, table_html
from sketchkit.rendering import Ink, Picture
from sketchkit.rendering.drawings import MAX_SHOWN
from sketchkit.rendering.palette import ENDING, INK
from sketchkit.training.config import TrainConfig
from sketchkit.training.data import prepare_sketches, synth
from sketchkit.training.doctor import Diagnosis, Finding, Severity
from sketchkit.training.runs import RunInfo, describe_data

START = sk.Sketch.from_polylines([[(0, 0), (50, 5), (20, 80)]], label="a <b> & 'c'")
NASTY = "<script>alert(1)</script>\"'&\x00\ud800"


def picture_of(html: str) -> ElementTree.Element:
    """The SVG document in an HTML image."""
    image = ElementTree.fromstring(html)
    assert image.tag == "img"
    kind, _, data = image.attrib["src"].partition(";base64,")
    assert kind == "data:image/svg+xml"
    return ElementTree.fromstring(base64.b64decode(data))


def cells_of(shown: Any) -> list[ElementTree.Element]:
    root = picture_of(shown._repr_html_())
    return [each for each in root.iter() if re.fullmatch(r"cell-[0-9]+", each.get("id", ""))]


def captions_of(shown: Any) -> list[str]:
    """The words written on a sheet."""
    root = picture_of(shown._repr_html_())
    return [each.text or "" for each in root.iter() if each.tag.rpartition("}")[2] == "text"]


def words_of(html: str) -> list[str]:
    """The cells of a table."""
    return [each.text or "" for each in ElementTree.fromstring(html).iter() if each.tag in ("th", "td")]


def test_a_sketch_is_an_image_of_its_svg_with_its_label_as_words() -> None:
    html = START._repr_html_()
    assert ElementTree.tostring(picture_of(html)) == ElementTree.tostring(
        ElementTree.fromstring(START._repr_svg_())
    )
    assert ElementTree.fromstring(html).attrib["alt"] == START.label


def test_a_few_drawings_are_all_shown_and_one_label_is_not_repeated() -> None:
    alike = sk.Drawings([START] * 3)
    assert len(cells_of(alike)) == 3
    assert captions_of(alike) == []
    assert captions_of(sk.Drawings([START, START.labelled("sun")])) == [START.label, "sun"]


@pytest.mark.parametrize("n", [MAX_SHOWN, MAX_SHOWN + 1, 1000])
def test_of_many_drawings_the_first_are_shown_and_the_others_counted(n: int) -> None:
    drawings = sk.Drawings([START] * n)
    assert len(cells_of(drawings)) == min(n, MAX_SHOWN)
    assert captions_of(drawings) == ([f"the first {MAX_SHOWN} of {n:,}"] if n > MAX_SHOWN else [])


def test_an_empty_list_of_drawings_is_left_to_its_text() -> None:
    assert sk.Drawings()._repr_html_() is None
    assert sk.Drawings()._repr_svg_() is None


def test_drawings_are_a_list_whose_slices_show_themselves() -> None:
    drawings = sk.Drawings([START, START.labelled("sun")])
    assert drawings == [START, START.labelled("sun")]
    assert drawings[1].label == "sun"
    assert isinstance(drawings[:1], sk.Drawings)
    assert len(cells_of(drawings[:1])) == 1


def test_drawings_stand_on_white_paper_in_their_columns() -> None:
    root = picture_of(sk.Drawings([START] * 6, columns=6)._repr_html_() or "")
    paper = next(each for each in root.iter() if each.tag.endswith("rect"))
    assert paper.attrib["fill"] == "#FFFFFF"
    assert float(root.attrib["width"]) > 5 * float(root.attrib["height"])


def test_a_drawing_with_a_picture_is_shown_in_its_colours() -> None:
    class Pictured:
        sketch = START
        picture = Picture((Ink(START, "#ff0000"),))

    root = picture_of(sk.Drawings([Pictured()])._repr_html_() or "")
    assert "#ff0000" in {each.get("stroke") for each in root.iter()}


@given(st.text())
def test_words_are_escaped_whatever_they_are(text: str) -> None:
    for html in (
        image_html("<svg/>", text),
        table_html((text, "b"), [(text, 1)]),
        facts_html(text, [(text, text)]),
    ):
        found = {each.tag for each in ElementTree.fromstring(html.encode()).iter()}
        assert found <= {"img", "table", "tr", "th", "td"}


def test_a_long_table_and_a_long_cell_are_cut_and_say_so() -> None:
    words = words_of(table_html(("a", "b"), [(i, "x" * 1000) for i in range(MAX_ROWS + 7)]))
    assert words[-1] == "and 7 more"
    assert len(words) == 2 + 2 * MAX_ROWS + 1
    assert words[3] == "x" * MAX_CELL + "..."
    assert clip(range(14)).endswith("11 and 2 more")


def test_a_card_shows_what_is_known_and_no_nested_record() -> None:
    card = sk.ModelCard(
        name=NASTY, classes=tuple(f"c{i}" for i in range(50)), provenance={"config": {"a": 1}, "by": NASTY}
    )
    words = words_of(card._repr_html_())
    assert words[0].startswith("<script>")
    assert words[words.index("classes") + 1].endswith("and 38 more")
    assert "config" not in words and "licence" not in words and "by" in words


def test_results_of_models_are_shown_in_the_colours_of_their_strokes(tiny_model: SketchModel) -> None:
    drawing = sk.Sketch.from_polylines([[(0, 0), (255, 0)], [(40, 40), (60, 60)], [(20, 160), (230, 180)]])
    endings = sk.complete(tiny_model, drawing, 3, temperature=1.0)
    infills = sk.infill(tiny_model, drawing, (1, 2), 3, particles=32)
    for results in (endings, infills):
        assert isinstance(results, sk.Drawings)
        assert len(cells_of(results)) == len(results) > 1
        for shown in (results, results[:2], results[0]):
            root = picture_of(shown._repr_html_() or "")
            assert {INK, ENDING} <= {each.get("stroke") for each in root.iter()}


def test_a_grid_and_a_way_have_their_columns_and_an_atlas_its_own(tiny_vae: VaeModel) -> None:
    drawings = list(synth(12, seed=3, classes=["cat", "sun"]))
    assert sk.grid(tiny_vae, drawings[:4], (3, 2)).columns == 3
    assert sk.interpolate(tiny_vae, drawings[:2], 4).columns == 4
    made = sk.atlas(tiny_vae, sk.locate(tiny_vae, drawings), (4, 2))
    assert len(cells_of(made)) == 8
    root = picture_of(made._repr_html_() or "")
    assert float(root.attrib["width"]) > 1.5 * float(root.attrib["height"])


def test_a_model_and_a_score_are_tables(tiny_model: SketchModel) -> None:
    words = words_of(tiny_model._repr_html_())
    assert words[0] == "tiny"
    assert "hidden 24, mixtures 4" in words[words.index("sizes") + 1]
    drawing = sk.Sketch.from_polylines([[(0, 0), (255, 0)], [(9, 9)], [(20, 160), (230, 180)]])
    (score,) = sk.score(tiny_model, [drawing])
    cells = words_of(score._repr_html_())
    rows = [cells[i : i + 3] for i in range(0, len(cells), 3)]
    assert [row[0].removesuffix(", the dearest") for row in rows] == (
        ["stroke", "the drawing", "0", "1", "2", "its end"]
    )
    assert rows[3][1] == "0"
    assert rows[2 + score.dearest][0].endswith("the dearest")


def test_a_data_set_a_run_and_its_diagnosis_are_tables(tmp_path: Path) -> None:
    data = prepare_sketches(synth(30, classes=["cat", "sun"]), tmp_path / "set")
    words = words_of(data._repr_html_())
    assert words[words.index("train") + 1] == f"{len(data.split('train'))} drawings"
    config = TrainConfig(hidden=7, steps=9)
    info = RunInfo(config, describe_data(data), nmax=64, threads=1, parameters=12_345, versions={}, step=3)
    words = words_of(info._repr_html_())
    assert words[words.index("options") + 1] == "hidden 7, steps 9"
    assert words[words.index("status") + 1] == "running, step 3 of 9"
    findings = (Finding("divergence", Severity.PROBLEM, "It <rises>.", "Lower the rate."),)
    words = words_of(Diagnosis({}, findings)._repr_html_())
    assert words[4:] == ["problem", "divergence", "It <rises>.", "Lower the rate."]
