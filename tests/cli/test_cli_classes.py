"""`--class`: what to draw, with a model that knows several classes."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Sketchkit, without_record

from sketchkit import load_model
from sketchkit.cli.main import run
from sketchkit.cli.runner import tell_guesses
from sketchkit.generate.guess import Guess, Guesses
from sketchkit.models.vae import VaeModel


@pytest.fixture(autouse=True)
def zoo(own_store: Path, doodle: Path) -> None:
    """A model of two classes beside the other one."""
    (own_store / "zoo.safetensors").write_bytes(doodle.read_bytes())


def test_a_class_decides_what_is_drawn_and_is_written_down(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("cat", "pig"):
        command = ["sample", "--model", "zoo", "--class", name, "-n", "3", "-o", f"{name}.svg", "--json"]
        assert run(command) == 0
        assert f'"class": "{name}"' in capsys.readouterr().out
    cats, pigs = Path("cat.svg").read_bytes(), Path("pig.svg").read_bytes()
    assert b"&quot;class&quot;: &quot;cat" in cats or b'"class": "cat"' in cats
    assert cats.replace(b"cat", b"pig") != pigs


@pytest.mark.parametrize("name", ["PIG", "Pig", " pig"])
@pytest.mark.parametrize("words", ["sample", "complete bird.svg"])
def test_a_class_is_known_in_any_case_and_recorded_by_its_own_name(
    sketchkit: Sketchkit, bird: Path, name: str, words: str
) -> None:
    flags = ("--model", "zoo", "-n", 2, "-o", "-", "--class")
    drawn, other = (sketchkit(*words.split(), *flags, each).out for each in (name, "pig"))
    assert without_record(drawn) == without_record(other) != b""


def test_a_class_of_a_file_of_drawings_is_known_in_any_case(
    sketchkit: Sketchkit, own_store: Path, tiny_vae: VaeModel
) -> None:
    tiny_vae.save(own_store / "dreamer.safetensors")
    assert (
        sketchkit("data", "synth", "-n", 6, "--class", "FACE", "--class", "Sun", "-o", "d.ndjson").code == 0
    )
    told = [
        sketchkit("encode", "d.ndjson", "-m", "dreamer", "--class", name, "-o", "z.npz", "-f", "--json").json
        for name in ("sun", "SUN")
    ]
    assert told[0] == told[1]
    assert told[0]["drawings"] == 3
    assert "did you mean 'face'?" in sketchkit("data", "synth", "--class", "FACES", "-o", "e.ndjson").err


def test_an_unknown_class_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sample", "--model", "zoo", "--class", "pigg"]) == 3
    assert "does not draw 'pigg': did you mean 'pig'?" in capsys.readouterr().err


def test_a_model_without_classes_cannot_be_told_what_to_draw(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sample", "--model", "tiny", "--class", "cat"]) == 3
    assert "knows no classes" in capsys.readouterr().err


def test_several_classes_take_turns(sketchkit: Sketchkit) -> None:
    flags = ("--class", "pig", "--class", "cat", "-o", "out.svg", "-f", "--json")
    told = sketchkit("sample", "-n", 5, *flags).json
    assert [each["class"] for each in told] == ["pig", "cat", "pig", "cat", "pig"]
    later = sketchkit("sample", "-n", 2, "--first", 3, *flags).json
    assert later == told[3:]
    alone = sketchkit("sample", "-n", 5, "--class", "cat", "-o", "cats.svg", "--json").json
    assert [each["points"] for each in alone[1::2]] == [each["points"] for each in told[1::2]]


@pytest.mark.parametrize(
    ("n", "classes", "size"), [(16, 2, "4x4"), (8, 2, "2x4"), (9, 1, "3x3"), (1, 2, "1x1")]
)
def test_a_sheet_has_columns_of_one_class_each(sketchkit: Sketchkit, n: int, classes: int, size: str) -> None:
    flags = [word for name in ("cat", "pig")[:classes] for word in ("--class", name)]
    assert sketchkit("sample", "-n", n, *flags, "--cell", 10, "--gap", 0, "-o", "out.svg").code == 0
    root = ElementTree.parse("out.svg").getroot()
    columns, rows = map(int, size.split("x"))
    assert (root.get("width"), root.get("height")) == (str(10 * columns), str(10 * rows))


def test_a_drawing_is_finished_as_one_thing(sketchkit: Sketchkit, bird: Path) -> None:
    refused = sketchkit("complete", bird, "--class", "cat", "--class", "pig")
    assert (refused.code, "a drawing is finished as one thing: give one class" in refused.err) == (2, True)
    endings = {
        name: sketchkit("complete", bird, "-n", 3, *flags, "-o", "-").out
        for name, flags in {"cat": ["--class", "cat"], "pig": ["--class", "pig"], "any": []}.items()
    }
    assert len(set(endings.values())) == 3


@pytest.mark.parametrize(
    "command",
    [
        "score bird.svg",
        "interpolate bird.svg bird.svg",
        "interpolate --pairs all --from drawings.ndjson -o {stem}.svg",
        "grid bird.svg bird.svg bird.svg bird.svg",
        "reconstruct bird.svg",
        "analogy bird.svg bird.svg bird.svg",
        "decode z.npz",
        "infill bird.svg --missing 0:1",
        "evaluate zoo birds",
        "models export zoo -o zoo.json",
    ],
)
def test_where_all_show_one_thing_several_classes_are_refused_rather_than_the_last_taken(
    sketchkit: Sketchkit, bird: Path, command: str
) -> None:
    refused = sketchkit(*command.split(), "--class", "cat", "--class", "pig")
    assert (refused.code, ": give one class" in refused.err) == (2, True)


def test_a_model_with_a_latent_vector_draws_and_does_not_finish(
    sketchkit: Sketchkit, bird: Path, own_store: Path, tiny_vae: VaeModel
) -> None:
    tiny_vae.save(own_store / "dreamer.safetensors")
    told = sketchkit("sample", "-m", "dreamer", "--class", "sun", "-n", 3, "--json").json
    assert [each["class"] for each in told] == ["sun"] * 3
    refused = sketchkit("complete", bird, "-m", "dreamer")
    assert refused.code == 3
    assert "it draws whole drawings from a latent vector and cannot go on with a beginning" in refused.err


def test_the_shell_completes_the_classes_of_stored_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_SKETCHKIT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "sketchkit sample --class c")
    monkeypatch.setenv("COMP_CWORD", "3")
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out.split() == ["cat"]


def test_of_a_class_that_no_slip_explains_all_classes_are_listed(
    sketchkit: Sketchkit, zoo: None, home: Path
) -> None:
    done = sketchkit("sample", "--model", "zoo", "--class", "Sea turtle", "-o", "out.svg")
    *listed, last = done.err.splitlines()
    assert done.code == 3 and "draws:" in listed[0] and listed[1].split() == ["cat", "pig"]
    assert "does not draw 'Sea turtle'" in last and "`sketchkit models pull sea_turtle`" in last
    other = sketchkit("sample", "--model", "zoo", "--class", "xylophone", "-o", "out.svg")
    assert "`sketchkit train` makes a model" in other.err.splitlines()[-1]
    assert not Path("out.svg").exists()


def test_a_class_that_another_model_draws_is_found_there(
    sketchkit: Sketchkit, doodle: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    model = load_model(doodle, device="cpu")
    model.card = replace(model.card, name="doodle-more", classes=("flower", "house"))
    model.save(doodle.with_name("doodle-more.safetensors"))
    done = sketchkit("sample", "--class", "House", "-o", "out.svg")
    assert done.code == 3
    assert done.err.splitlines()[-1].endswith("does not draw 'House': --model doodle-more does")
    for others, told in {
        (
            ("barn", 0.5),
            ("house", 0.2),
        ): "perhaps house: --model doodle-more draws that, `sketchkit models info",
        (("barn", 0.5), ("house", 0.01)): "nearest: pig (90%); `sketchkit models info",
    }.items():
        guesses = Guesses([Guess("pig", 0.9)], 0.9, [Guess(*each) for each in others])
        tell_guesses("drawing", guesses, "doodle")
        assert told in capfdbinary.readouterr().err.decode()
