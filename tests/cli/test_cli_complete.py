"""`sketchkit complete`: three layouts, the user's strokes and the endings told apart, bytes that repeat."""

from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import BIRD, Sketchkit, without_record

import sketchkit as library
from sketchkit.card import ModelCard
from sketchkit.formats import read_all
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.rendering.palette import ENDING, INK

SVG = "{http://www.w3.org/2000/svg}"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"
PROVENANCE = {"version", "model", "sampler", "seed", "index", "temperature"}


def facts_in(svg: bytes) -> list[dict[str, Any]]:
    """Every `<metadata>` of a document."""
    return [json.loads(each.text or "") for each in ElementTree.fromstring(svg).iter(f"{SVG}metadata")]


def groups_in(svg: bytes) -> Iterator[ElementTree.Element]:
    return ElementTree.fromstring(svg).iter(f"{SVG}g")


def test_a_grid_shows_every_ending_in_its_own_colour_and_group(sketchkit: Sketchkit, bird: Path) -> None:
    assert sketchkit("complete", bird, "-n", 4, "-o", "out.svg").code == 0
    svg = Path("out.svg").read_bytes()
    strokes = [(g.get("stroke"), g.get(f"{INKSCAPE}label")) for g in groups_in(svg) if g.get("stroke")]
    assert strokes == [pair for i in range(4) for pair in ((INK, "drawing"), (ENDING, f"ending {i}"))]


def test_every_ending_of_a_grid_carries_its_provenance(sketchkit: Sketchkit, bird: Path) -> None:
    sketchkit("complete", bird, "-n", 3, "--seed", 7, "-t", 0.25, "-o", "out.svg")
    sheet, *cells = facts_in(Path("out.svg").read_bytes())
    assert sheet.keys() >= PROVENANCE - {"index"}
    assert [cell["index"] for cell in cells] == [0, 1, 2]
    for cell in cells:
        assert cell.keys() >= PROVENANCE
        assert (cell["model"], cell["sampler"], cell["seed"], cell["temperature"]) == (
            "tiny",
            "temperature",
            7,
            0.25,
        )
        assert cell["version"] == library.__version__


def test_layers_keep_the_document_byte_for_byte(sketchkit: Sketchkit, bird: Path) -> None:
    assert sketchkit("complete", bird, "--layout", "layers", "-n", 2, "-o", "out.svg").code == 0
    made = Path("out.svg").read_bytes()
    before, end = BIRD.encode().split(b"</svg>")
    assert made.startswith(before)
    assert made.endswith(b"</svg>" + end)


def test_layers_are_inkscape_layers_of_which_one_is_shown(sketchkit: Sketchkit, bird: Path) -> None:
    sketchkit("complete", bird, "--layout", "layers", "-n", 3, "-o", "out.svg")
    svg = Path("out.svg").read_bytes()
    layers = [g for g in groups_in(svg) if g.get(f"{INKSCAPE}groupmode") == "layer"]
    assert [g.get(f"{INKSCAPE}label") for g in layers] == ["ending 0", "ending 1", "ending 2"]
    assert sorted(g.get("style") or "" for g in layers) == ["display:inline", "display:none", "display:none"]
    assert [facts.keys() >= PROVENANCE for facts in facts_in(svg)] == [True] * 3


def test_a_layer_lies_where_the_library_puts_the_ending(sketchkit: Sketchkit, bird: Path) -> None:
    from sketchkit.formats.svg import read_svg

    sketchkit("complete", bird, "--layout", "layers", "-n", 1, "--seed", 5, "-o", "out.svg")
    begun = library.read(bird)
    ending = library.complete(library.load_model("tiny"), begun, 1, seed=5)[0].ending
    lines = read_svg(Path("out.svg").read_bytes(), "out.svg").polylines
    drawn = [line for line in ending.to_polylines() if len(line) > 1]
    assert len(lines) >= len(begun.to_polylines()) + len(drawn)
    assert lines[len(begun.to_polylines())][0] == pytest.approx(drawn[0][0], abs=0.01)


@pytest.mark.parametrize(
    ("paint", "flags", "width"),
    [
        ('stroke="#222" stroke-width="2.5"', (), "2.5"),
        ('stroke="#222" stroke-width="2.5"', ("--stroke", "3"), "3"),
        ('fill="#222"', (), "1.02"),  # a hundredth of the drawing
    ],
)
def test_the_pen_of_a_layer_is_the_users_or_the_documents_or_suits_the_drawing(
    sketchkit: Sketchkit, bird: Path, paint: str, flags: tuple[str, ...], width: str
) -> None:
    bird.write_text(BIRD.replace('fill="none" stroke="#222"', paint))
    sketchkit("complete", bird, "--layout", "layers", "-n", 1, "-o", "out.svg", *flags)
    layer = Path("out.svg").read_text().partition("sketchkit-ending-0")[2]
    assert f"stroke-width:{width}" in layer


def test_layers_go_into_svg_only(sketchkit: Sketchkit, bird: Path) -> None:
    wrong_output = sketchkit("complete", bird, "--layout", "layers", "-o", "out.png")
    assert wrong_output.code == 2
    assert "layers are written as SVG" in wrong_output.err
    library.write(library.read(bird), "bird.ndjson")
    wrong_input = sketchkit("complete", "bird.ndjson", "--layout", "layers")
    assert wrong_input.code == 3
    assert wrong_input.err == "sketchkit: bird.ndjson: layers can only be added to an SVG file\n"


def test_files_are_named_by_a_pattern(sketchkit: Sketchkit, bird: Path) -> None:
    Path("egg{index}.svg").write_text(BIRD)
    done = sketchkit(
        "complete", bird, "egg{index}.svg", "--layout", "files", "-n", 2, "-o", "{index}_{stem}.svg"
    )
    assert done.code == 0
    made = {"0_bird.svg", "1_bird.svg", "0_egg{index}.svg", "1_egg{index}.svg"}
    assert {p.name for p in Path().iterdir()} == made | {"bird.svg", "egg{index}.svg"}
    assert facts_in(Path("1_bird.svg").read_bytes())[0]["index"] == 1


def test_a_file_of_one_ending_keeps_the_page_of_the_drawing(sketchkit: Sketchkit, bird: Path) -> None:
    sketchkit("complete", bird, "--layout", "files", "-n", 1, "--max-points", 1)
    again = library.read("bird-0.svg")
    begun = library.read(bird)
    assert again.to_polylines()[0][0] == pytest.approx(begun.to_polylines()[0][0], abs=0.01)
    labels = [g.get(f"{INKSCAPE}label") for g in groups_in(Path("bird-0.svg").read_bytes())]
    assert labels == ["ending 0"]
    begin, end = bird.read_bytes().split(b"</svg>")
    written = Path("bird-0.svg").read_bytes()
    assert written.startswith(begin) and written.endswith(b"</svg>" + end)


@pytest.mark.parametrize("suffix", ["png", "pdf", "ndjson", "npz"])
def test_the_suffix_decides_what_is_written(sketchkit: Sketchkit, bird: Path, suffix: str) -> None:
    for flags in (("-o", f"out.{suffix}"), ("--format", suffix, "-o", "out.other")):
        assert sketchkit("complete", bird, "-n", 2, *flags).code == 0
    assert Path(f"out.{suffix}").read_bytes() == Path("out.other").read_bytes()
    if suffix in ("ndjson", "npz"):
        assert len(list(read_all(f"out.{suffix}"))) == 2


def test_a_file_of_drawings_may_be_compressed(sketchkit: Sketchkit, bird: Path) -> None:
    for name, flags in (("a.ndjson", ()), ("b.ndjson.gz", ()), ("c.gz", ("--format", "ndjson"))):
        assert sketchkit("complete", bird, "-n", 2, *flags, "-o", name).code == 0
    assert gzip.decompress(Path("b.ndjson.gz").read_bytes()) == Path("a.ndjson").read_bytes()
    assert Path("c.gz").read_bytes() == Path("b.ndjson.gz").read_bytes()
    assert sketchkit("complete", "b.ndjson.gz", "-n", 1, "--layout", "files").code == 0
    assert Path("b-0-0.svg").exists()
    refused = sketchkit("complete", bird, "--format", "ndjson.gz", "-o", "d.other")
    assert refused.code == 2 and not Path("d.other").exists()


def test_formats_are_known_by_their_names_too(sketchkit: Sketchkit, bird: Path) -> None:
    assert sketchkit("complete", bird, "-n", 2, "--format", "quickdraw-bin").code == 0
    assert len(list(read_all("bird-endings.bin"))) == 2


def test_endings_in_a_file_of_drawings_are_told_apart_by_their_keys(sketchkit: Sketchkit, bird: Path) -> None:
    library.write(library.read(bird).labelled("bird", "4711"), "known.ndjson")
    assert sketchkit("complete", bird, "known.ndjson", "-n", 2, "-s", 3, "-o", "out.ndjson").code == 0
    assert [each.key for each in read_all("out.ndjson")] == ["bird-3-0", "bird-3-1", "4711-3-0", "4711-3-1"]
    assert [each.label for each in read_all("out.ndjson")][2:] == ["bird", "bird"]


@pytest.mark.parametrize(
    ("size", "mm"),
    [
        ('width="120mm"', 0.3),
        ('width="120mm" height="90mm"', 0.3),
        ('width="12cm" height="9cm"', 0.3),
        ('height="6in"', 6 * 25.4 / 300),
        ('width="800" height="600"', 2 * 25.4 / 96),
    ],
)
def test_added_ink_alone_keeps_the_size_of_a_unit(
    sketchkit: Sketchkit, bird: Path, size: str, mm: float
) -> None:
    from sketchkit.formats.svg.values import Units

    bird.write_text(BIRD.replace('width="120mm"', size))
    for flags in (("--max-points", 1), ("--scale", 0.01)):  # on the page, and far beyond it
        sketchkit("complete", bird, "--layout", "files", "--only-added", "-n", 1, "--force", *flags)
        root = ElementTree.parse("bird-0.svg").getroot()
        box = [float(number) for number in root.attrib["viewBox"].split()]
        for side, length in (("width", box[2]), ("height", box[3])):
            pixels = Units(0, 0).length(root.attrib[side])
            assert pixels is not None
            assert pixels * 25.4 / 96 / length == pytest.approx(mm, rel=1e-4)
        if flags[0] == "--max-points":
            assert box == [0, 0, 400, 300]
    assert box[2] > 400


def test_the_layer_shown_is_the_first_that_keep_would_leave(sketchkit: Sketchkit, bird: Path) -> None:
    Path("wide.svg").write_text(BIRD.replace("0 0 400 300", "-4000 -4000 8000 8000"))
    for seed in range(3):
        command = (
            "complete",
            "wide.svg",
            "-n",
            6,
            "--seed",
            seed,
            "--layout",
            "layers",
            "-f",
            "-o",
            "out.svg",
        )
        (best,) = sketchkit(*command, "--top", 1, "--json").json
        assert sketchkit(*command).code == 0
        layers = [
            g for g in groups_in(Path("out.svg").read_bytes()) if g.get(f"{INKSCAPE}groupmode") == "layer"
        ]
        (shown,) = (g for g in layers if g.get("style") == "display:inline")
        assert shown.get(f"{INKSCAPE}label") == f"ending {best['index']}"


def test_the_layer_shown_is_the_best_that_stays_on_the_page(sketchkit: Sketchkit, bird: Path) -> None:
    from sketchkit.cli.endings import Finished
    from sketchkit.cli.inputs import Input
    from sketchkit.formats.svg import read_svg
    from sketchkit.generate import Ending

    def ending(index: int, x: float, nll: float) -> Ending:
        made = library.Sketch.from_polylines([[(100, 100), (x, 120)]])
        return Ending(made, made, nll_per_point=nll, seed=1, index=index, scale=1.0, finished=nll < 5)

    given = Input(library.read(bird), "bird.svg", "bird", (BIRD.encode(), read_svg(BIRD.encode(), "bird")))
    for places, costs, shown in (
        ([900, 200, 300], [0, 0, 0], 1),
        ([900, 200, 300], [0, 3, 1], 2),
        ([200, 300, 300], [9, 4, 2], 2),
        ([200, 300], [5, -1], 1),
        ([200, 900], [1, 0], 0),
        ([900, -5], [1, 0], 1),
    ):
        endings = [ending(i, x, nll) for i, (x, nll) in enumerate(zip(places, costs, strict=True))]
        layered = Finished(given, endings, {"seed": 1}).layered({})
        layers = [g for g in groups_in(layered) if g.get(f"{INKSCAPE}groupmode") == "layer"]
        assert [g.get(f"{INKSCAPE}label") for g in layers] == [f"ending {i}" for i in range(len(places))]
        assert [g.get("style") for g in layers].index("display:inline") == shown


@pytest.fixture
def contented(own_store: Path) -> None:
    """A model that takes most drawings for finished."""
    torch.manual_seed(1)
    card = ModelCard("contented", scale_factor=40.0, max_length=20)
    model = DecoderModel(DecoderArchitecture(hidden=16, mixtures=3), card)
    model.decoder.output.bias.data[2] += 1.0
    model.save(own_store / "contented.safetensors")


def test_endings_that_add_nothing_are_told_and_named_and_not_shown(
    sketchkit: Sketchkit, bird: Path, contented: None
) -> None:
    command = ("complete", bird, "-m", "contented", "-n", 8, "-t", 1, "--seed", 2)
    told = sketchkit(*command, "--layout", "layers", "-o", "out.svg", "--json")
    svg = Path("out.svg").read_bytes()
    layers = [g for g in groups_in(svg) if g.get(f"{INKSCAPE}groupmode") == "layer"]
    empty = [g for g in layers if g.find(f"{SVG}path") is None]
    assert 2 <= len(empty) < 8 and empty[0] is layers[0], "else there is nothing to test"
    assert (
        told.err
        == f"{bird}: {len(empty)} of 8 endings add nothing: the model thinks the drawing is finished\n"
    )
    labels = [g.get(f"{INKSCAPE}label") or "" for g in layers]
    assert labels == [f"ending {i}" + (" (adds nothing)" if g in empty else "") for i, g in enumerate(layers)]
    assert len({g.get("id") for g in layers}) == 8
    (shown,) = (g for g in layers if g.get("style") == "display:inline")
    assert shown not in empty


def test_where_all_endings_add_something_only_the_file_is_named(sketchkit: Sketchkit, bird: Path) -> None:
    assert sketchkit("complete", bird, "-n", 3, "-o", "out.svg").err == "wrote out.svg\n"


def test_of_several_drawings_each_is_told_by_its_name(
    sketchkit: Sketchkit, bird: Path, contented: None
) -> None:
    library.write([library.read(bird)] * 2, "two.ndjson")
    told = sketchkit("complete", "two.ndjson", "-m", "contented", "-n", 8, "-t", 1, "-o", "out.svg")
    assert [line.partition(":")[0] for line in told.err.splitlines()] == ["two-0", "two-1", "wrote out.svg"]


def test_keep_leaves_the_best_first(sketchkit: Sketchkit, bird: Path) -> None:
    kept = sketchkit("complete", bird, "-n", 6, "--top", 3, "-o", "out.svg", "--json").json
    everything = sketchkit("complete", bird, "-n", 6, "-o", "all.svg", "--json").json
    ranks = [(not each["finished"], each["nll_per_point"]) for each in kept]
    assert 1 <= len(kept) <= 3
    assert ranks == sorted(ranks)
    assert ranks[0] == min((not each["finished"], each["nll_per_point"]) for each in everything)


def test_with_keep_no_file_is_overwritten_either(sketchkit: Sketchkit, bird: Path) -> None:
    Path("bird-5.svg").write_text("mine")
    refused = sketchkit("complete", bird, "--layout", "files", "-n", 6, "--top", 1)
    assert (refused.code, Path("bird-5.svg").read_text()) == (3, "mine")


def test_several_drawings_share_a_sheet_a_row_each(sketchkit: Sketchkit, bird: Path) -> None:
    Path("other.svg").write_text(BIRD.replace("146", "150"))
    done = sketchkit(
        "complete", bird, "other.svg", "-n", 3, "--cell", 100, "--gap", 0, "-o", "o.svg", "--json"
    )
    assert [each["drawing"] for each in done.json] == ["bird"] * 3 + ["other"] * 3
    root = ElementTree.parse("o.svg").getroot()
    assert (root.get("width"), root.get("height")) == ("300", "200")


def test_a_drawing_gets_the_same_endings_whatever_comes_with_it(sketchkit: Sketchkit, bird: Path) -> None:
    Path("other.svg").write_text(BIRD.replace("146", "150"))
    for folder, inputs in (("one", ["other.svg"]), ("two", [bird, "other.svg"])):
        Path(folder).mkdir()
        pattern = f"{folder}/{{stem}}-{{index}}.svg"
        sketchkit("complete", *inputs, "--layout", "files", "--deterministic", "-n", 2, "-o", pattern)
    one, two = (without_record(Path(name, "other-1.svg").read_bytes()) for name in ("one", "two"))
    assert one == two


def test_rows_stay_rows_where_one_drawing_keeps_fewer_endings() -> None:
    from sketchkit.cli.endings import rows_of_pictures
    from sketchkit.cli.outputs import Item
    from sketchkit.rendering import Ink, Picture

    sketch = library.Sketch([[1, 1, 1, 0, 0]])
    item = Item("a", 0, sketch, Picture((Ink(sketch),)))
    assert [len(p.inks) for p in rows_of_pictures([[item], [item, item]], 3)] == [1, 0, 0, 1, 1, 0]


def test_stdin_to_stdout_gives_the_bytes_of_the_file_and_nothing_else(
    sketchkit: Sketchkit, shell: Sketchkit, bird: Path
) -> None:
    piped = shell("complete", "-", "-o", "-", "-n", "2", "--layout", "layers", stdin=BIRD.encode())
    assert (piped.code, piped.err) == (0, "")
    sketchkit("complete", bird, "-o", "out.svg", "-n", 2, "--layout", "layers")
    assert without_record(piped.out) == without_record(Path("out.svg").read_bytes())


def test_data_goes_to_stdout_as_well(sketchkit: Sketchkit, bird: Path) -> None:
    made = sketchkit("complete", bird, "-n", 2, "-o", "-", "--format", "ndjson")
    assert len(made.out.splitlines()) == 2


def test_stdin_may_be_another_format(sketchkit: Sketchkit, bird: Path) -> None:
    library.write([library.read(bird)] * 3, "birds.ndjson")
    data = Path("birds.ndjson").read_bytes()
    flags = ("--input-format", "ndjson", "--limit", 2, "-n", 1, "-o", "out.svg", "--json")
    assert [e["drawing"] for e in sketchkit("complete", "-", *flags, stdin=data).json] == [
        "stdin-0",
        "stdin-1",
    ]


@pytest.mark.parametrize("name", ["out.svg", "out.png", "out.pdf", "out.npz"])
def test_the_same_command_gives_the_same_bytes(sketchkit: Sketchkit, bird: Path, name: str) -> None:
    made, words = [], () if name == "out.npz" else ("--label",)
    for _ in range(2):
        assert sketchkit("complete", bird, "-n", 2, *words, "-o", name, "--force").code == 0
        made.append(Path(name).read_bytes())
    assert made[0] == made[1]


def test_json_says_what_the_file_says(sketchkit: Sketchkit, bird: Path) -> None:
    told = sketchkit("complete", bird, "-n", 2, "-o", "out.svg", "--json").json
    _, *cells = facts_in(Path("out.svg").read_bytes())
    assert [{k: each[k] for k in cell} for each, cell in zip(told, cells, strict=True)] == cells
    assert {each["output"] for each in told} == {"out.svg"}
    assert {each["input"] for each in told} == {str(bird)}


def test_a_sampler_without_temperature_claims_none(sketchkit: Sketchkit, bird: Path) -> None:
    told = sketchkit("complete", bird, "-n", 1, "--sampler", "greedy", "-o", "out.svg", "--json").json
    assert told[0]["temperature"] is None


def test_the_options_of_a_sampler_are_on_record(sketchkit: Sketchkit, bird: Path) -> None:
    flags = ("--sampler", "top-k", "-O", "k=2", "-O", "temperature=0.9", "-o", "out.svg", "--json")
    told = sketchkit("complete", bird, "-n", 1, *flags).json[0]
    assert told["temperature"] == 0.9
    assert told["options"] == {"k": 2, "rule": "javascript"}


def test_the_scale_can_be_given(sketchkit: Sketchkit, bird: Path) -> None:
    told = sketchkit("complete", bird, "-n", 1, "--scale", 0.5, "-o", "out.svg", "--json").json
    assert told[0]["scale"] == 0.5


# --- what the critic chooses, what is guessed, curves -----------------------------------------------------

REAL = Path(library.__file__).with_name("bundled") / "doodle.safetensors"
FACE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200"><g fill="none" stroke="#333">'
    '<circle cx="100" cy="100" r="80"/><circle cx="72" cy="80" r="8"/></g></svg>'
)


@pytest.fixture
def face(home: Path) -> Path:
    path = home / "face.svg"
    path.write_text(FACE)
    return path


HAND = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="100mm" viewBox="0 0 200 200"><g fill="none" '
    'stroke="#c03020" stroke-width="3" stroke-linecap="square" stroke-linejoin="bevel">'
    '<circle cx="100" cy="100" r="80"/><circle cx="72" cy="80" r="8"/></g></svg>'
)


@pytest.mark.parametrize(
    ("ink", "color"), [("same", "#c03020"), ("contrast", ENDING), ("teal", "teal"), ("#0f0", "#0f0")]
)
@pytest.mark.parametrize("layout", ["layers", "files"])
def test_endings_are_in_the_hand_of_the_drawing(
    sketchkit: Sketchkit, home: Path, layout: str, ink: str, color: str
) -> None:
    (home / "hand.svg").write_text(HAND)
    assert (
        sketchkit("complete", "hand.svg", "-n", 1, "--layout", layout, "--ink", ink, "-o", "o.svg").code == 0
    )
    path = list(ElementTree.parse("o.svg").iter(f"{SVG}path"))[-1]
    pen = dict(fact.split(":") for fact in path.attrib["style"].split(";"))
    assert pen["stroke"] == color and pen["stroke-width"] == "3" and pen["fill"] == "none"
    assert pen["stroke-linecap"] == "square" and pen["stroke-linejoin"] == "bevel"


def test_an_ink_of_no_colour_is_refused_before_anything_is_drawn(sketchkit: Sketchkit, bird: Path) -> None:
    done = sketchkit("complete", bird, "--ink", "tael", "-o", "o.svg")
    assert done.code == 2 and "--ink" in done.err and "did you mean teal?" in done.err
    assert not Path("o.svg").exists()


def test_only_what_is_added_is_written(sketchkit: Sketchkit, bird: Path) -> None:
    sketchkit("complete", bird, "-n", 2, "-o", "whole.ndjson")
    sketchkit("complete", bird, "-n", 2, "--only-added", "-o", "added.ndjson")
    given = library.read(bird)
    for whole, added in zip(read_all("whole.ndjson"), read_all("added.ndjson"), strict=True):
        assert len(added.without_end()) < len(whole.without_end())
        assert whole.n_strokes - added.n_strokes in (given.n_strokes, given.n_strokes - 1)
    for layout in ("grid", "layers", "files"):
        words = ("--layout", layout, "--only-added", "-n", 1, "-f", "-o", "o.svg")
        assert sketchkit("complete", bird, *words).code == 0
        labels = [g.get(f"{INKSCAPE}label") for g in groups_in(Path("o.svg").read_bytes())]
        assert "drawing" not in labels and "ending 0" in labels
        assert Path("o.svg").read_text().count("<path") <= 1


def test_the_class_is_guessed_and_told(sketchkit: Sketchkit, face: Path) -> None:
    done = sketchkit("complete", face, "--model", REAL, "-n", 4, "--json", "-o", "out.ndjson")
    assert done.code == 0
    [line] = [line for line in done.err.splitlines() if "taken for" in line]
    assert line.startswith(f"{face}: taken for ") and line.endswith("; --class chooses")
    report = json.loads(done.out)
    guesses = report[0]["guesses"]
    assert list(guesses.values()) == sorted(guesses.values(), reverse=True)
    assert {each["class"] for each in report} <= guesses.keys() and "face" in guesses


@pytest.mark.parametrize(("wanted", "told"), [("face", ["face", "face"]), ("any", [None, None])])
def test_a_class_that_is_chosen_is_not_guessed(
    sketchkit: Sketchkit, face: Path, wanted: str, told: list[str | None]
) -> None:
    done = sketchkit(
        "complete", face, "--model", REAL, "-n", 2, "--class", wanted, "--json", "-o", "out.ndjson"
    )
    assert "taken for" not in done.err
    report = json.loads(done.out)
    assert [each.get("class") for each in report] == told and not any("guesses" in each for each in report)


def test_of_several_tries_the_best_looking_is_shown(sketchkit: Sketchkit, face: Path) -> None:
    usual = ("complete", face, "--model", REAL, "--class", "face", "-n", 2, "--json", "-t", 0.8)
    plain = json.loads(sketchkit(*usual, "-o", "plain.ndjson").out)
    several = json.loads(sketchkit(*usual, "--tries", 5, "-o", "several.ndjson").out)
    assert [each.get("tries") for each in plain + several] == [None, None, 5, 5]
    critic = library.critic.load_critic()
    column = critic.classes.index("face")
    liked = {
        name: critic.chances(list(read_all(f"{name}.ndjson")))[:, column] for name in ("plain", "several")
    }
    assert (liked["several"] >= liked["plain"] - 0.02).all()


def test_keep_is_another_word_for_the_number(sketchkit: Sketchkit, face: Path) -> None:
    usual = ("complete", face, "--model", REAL, "--class", "face", "--json")
    report = json.loads(sketchkit(*usual, "-n", 12, "--top", 2, "--tries", 3, "-o", "out.ndjson").out)
    assert [(each["index"], each["tries"]) for each in report] == [(0, 6), (1, 6)]


def test_several_tries_within_bounds_are_refused(sketchkit: Sketchkit, bird: Path) -> None:
    done = sketchkit("complete", bird, "--region", "0,0,99,99", "--tries", 3)
    assert done.code == 2 and "within bounds an ending is drawn once" in done.err


def test_what_the_model_adds_is_curved_in_pictures_and_layers(sketchkit: Sketchkit, face: Path) -> None:
    usual = ("complete", face, "--model", REAL, "--class", "face", "-n", 1)
    for layout in ("grid", "layers", "files"):
        for curves, curved in (("auto", [False, True]), ("on", [True, True]), ("off", [False, False])):
            assert sketchkit(*usual, "--layout", layout, "--curves", curves, "-f", "-o", "out.svg").code == 0
            paths = [p.get("d") or "" for p in ElementTree.parse("out.svg").iter(f"{SVG}path")]
            # In a document the user's own bytes stay.
            assert ["c" in path for path in paths] == (curved if layout == "grid" else curved[1:])
    for curves in ("on", "off"):
        assert sketchkit(*usual, "--curves", curves, "-o", f"{curves}.ndjson").code == 2


def test_drawings_in_data_files_are_the_points_of_the_model(sketchkit: Sketchkit, face: Path) -> None:
    model = library.load_model(REAL, device="cpu")
    [ending] = library.complete(model, library.read(face), 1, class_name="face")
    assert (
        sketchkit("complete", face, "--model", REAL, "--class", "face", "-n", 1, "-o", "out.ndjson").code == 0
    )
    [written] = read_all("out.ndjson")
    assert len(written) == len(ending.sketch)


def test_the_part_that_is_there_is_told_or_the_scale(sketchkit: Sketchkit, face: Path) -> None:
    usual = ("complete", face, "--model", REAL, "--class", "face", "-n", 1, "--json", "-o", "out.ndjson")
    [ending] = json.loads(sketchkit(*usual, "--part", 0.5).out)
    assert ending["scale"] == pytest.approx(0.5 * 255 / 160, rel=0.01)
    assert sketchkit(*usual, "--part", 0.5, "--scale", 2).code == 2
    assert sketchkit(*usual, "--part", 1.5).code == 2
