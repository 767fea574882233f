"""What commands say of the files that they write, and what stands in the files' names."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Sketchkit

import sketchkit as library
from sketchkit.models.vae import VaeModel


@pytest.fixture(autouse=True)
def vae(own_store: Path, tiny_vae: VaeModel) -> None:
    """A model with a latent vector, the usual one, beside the other."""
    tiny_vae.save(own_store / "doodle-vae.safetensors")


@pytest.fixture(autouse=True)
def cats(bird: Path) -> None:
    """A file of two drawings."""
    drawing = library.read(bird)
    library.write([drawing.labelled("cat"), drawing.labelled("sun")], "cats.ndjson")


#: A command, and the files that it says it wrote.
COMMANDS = [
    ("complete bird.svg -n 2", "bird-endings.svg"),
    ("complete bird.svg -n 2 -o endings.png", "endings.png"),
    ("complete bird.svg -n 2 -o endings.ndjson", "endings.ndjson"),
    ("complete bird.svg -n 2 --layout layers", "bird-layers.svg"),
    ("complete bird.svg -n 2 --layout files", "bird-0.svg and bird-1.svg"),
    ("complete bird.svg -n 3 --layout files", "3 files, bird-0.svg to bird-2.svg"),
    ("sample -n 2", "tiny.svg"),
    ("sample -n 2 -o drawings.ndjson", "drawings.ndjson"),
    ("render bird.svg -o bird.png", "bird.png"),
    ("reconstruct bird.svg -t 0.1", "bird-again.svg"),
    ("interpolate bird.svg bird.svg -n 2", "bird-way.svg"),
    ("grid bird.svg bird.svg bird.svg bird.svg --steps 2x2", "bird-grid.svg"),
    ("analogy bird.svg bird.svg bird.svg -o sum.svg", "sum.svg"),
    ("encode cats.ndjson -o z.npz", "z.npz"),
    ("infill bird.svg --missing 0:1 -n 1 --particles 4", "bird-infills.svg"),
    ("infill bird.svg --number", "bird-strokes.svg"),
    ("score bird.svg --heatmap heat.svg", "heat.svg"),
    ("models export tiny -o tiny.gen.json", "tiny.gen.json"),
    ("data synth -n 2 -o synth.ndjson", "synth.ndjson"),
    ("data synth -n 12 -o shapes", "shapes"),
    ("data prepare cats.ndjson --split 100/0/0 -o birds", "birds"),
]


@pytest.mark.parametrize(("command", "files"), COMMANDS)
def test_a_command_says_on_stderr_where_it_wrote(sketchkit: Sketchkit, command: str, files: str) -> None:
    done = sketchkit(*command.split())
    assert (done.code, done.err.splitlines()[-1]) == (0, f"wrote {files}")
    assert b"wrote" not in done.out


@pytest.mark.parametrize(
    "command",
    ["complete bird.svg -n 1", "sample -n 1", "sample -n 1 --format ndjson", "render bird.svg"],
)
@pytest.mark.parametrize("target", ["-", "/dev/null"])
def test_of_stdout_and_devices_nothing_is_said(sketchkit: Sketchkit, command: str, target: str) -> None:
    words = command.split()
    format = [] if "--format" in words else ["--format", "svg"]
    done = sketchkit(*words, *format, "-o", target)
    assert (done.code, done.err, bool(done.out)) == (0, "", target == "-")


def test_a_report_on_stdout_says_it_alone(sketchkit: Sketchkit, bird: Path) -> None:
    done = sketchkit("complete", bird, "-n", 1, "-o", "out.svg", "--json")
    assert (done.err, done.json[0]["output"]) == ("", "out.svg")


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("render bird.svg -o {stem}.png", "bird.png"),
        ("render cats.ndjson bird.svg -o {stem}-sheet.svg", "cats-sheet.svg"),
        ("complete bird.svg -n 1 -o {stem}.png", "bird.png"),
        ("encode cats.ndjson -o {stem}.npz", "cats.npz"),
        ("encode cats.ndjson#1 -o {stem}.npz", "cats.npz"),
        ("score bird.svg --heatmap {stem}-heat.svg", "bird-heat.svg"),
        ("models export tiny -o {stem}.gen.json", "tiny.gen.json"),
    ],
)
def test_stem_stands_for_the_input_in_the_name_of_any_file(
    sketchkit: Sketchkit, command: str, file: str
) -> None:
    assert sketchkit(*command.split()).code == 0
    assert Path(file).is_file()
    assert not list(Path().glob("*{*"))


@pytest.mark.parametrize(
    ("command", "field"),
    [
        ("render bird.svg -o {index}.png", "{index}"),
        ("render bird.svg -o {name}.png", "{name}"),
        ("encode cats.ndjson -o {index}.npz", "{index}"),
        ("score bird.svg --heatmap {index}.svg", "{index}"),
        ("models export tiny -o {index}.json", "{index}"),
        ("data synth -o {stem}.ndjson", "{stem}"),
        ("data prepare cats.ndjson -o {stem}", "{stem}"),
        ("data fetch quickdraw cat -o {index}", "{index}"),
        ("train cats -o {stem}", "{stem}"),
        ("plugins new wobble -o {stem}", "{stem}"),
    ],
)
def test_a_field_that_stands_for_nothing_is_an_error_of_usage(
    sketchkit: Sketchkit, command: str, field: str
) -> None:
    before = sorted(Path().iterdir())
    refused = sketchkit(*command.split())
    assert (refused.code, f"{field} stands for nothing" in refused.err) == (2, True)
    assert sorted(Path().iterdir()) == before
