"""Options that have been renamed: the old names work for one minor version, with a line on stderr."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Sketchkit

import sketchkit as library
from sketchkit.training.data import synth


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [
        ("sample -n 3 --exact", "--exact", "--deterministic"),
        ("complete bird.svg -n 4 --keep 2", "--keep", "--top"),
        ("complete bird.svg -n 4 --keep=2", "--keep", "--top"),
        ("render two.ndjson --sizes common", "--sizes", "--scale-mode"),
        ("score bird.svg --heat {}", "--heat", "--heatmap"),
        ("infill bird.svg --gap 0:1 --particles 4 -n 1", "--gap", "--missing"),
    ],
)
def test_an_old_name_does_the_same_and_says_the_new_one(
    sketchkit: Sketchkit, home: Path, bird: Path, command: str, old: str, new: str
) -> None:
    library.write(list(synth(2, seed=3)), home / "two.ndjson")

    def run(words: str, name: str) -> tuple[bytes, str]:
        words = words.format(name) if "{}" in words else f"{words} -o {name}"
        done = sketchkit(*words.split())
        assert done.code == 0, done.err
        return Path(name).read_bytes(), done.err

    new_content, told = run(command.replace(old, new), "new.svg")
    assert "is called" not in told
    content, told = run(command, "old.svg")
    assert content == new_content
    assert f"sketchkit: {old} is called {new} now" in told.splitlines()[0]


def test_the_old_name_of_an_option_of_a_training_says_the_new_one(sketchkit: Sketchkit) -> None:
    done = sketchkit("train", "cats", "-o", "run", "--stray", "far")
    assert done.code == 2 and "--offset-noise" in done.err.splitlines()[-1]
    assert done.err.startswith("sketchkit: --stray is called --offset-noise now")


def test_the_gap_of_a_sheet_and_a_word_after_two_dashes_keep_their_names(
    sketchkit: Sketchkit, home: Path, bird: Path
) -> None:
    assert sketchkit("sample", "-n", 2, "--gap", 3, "-o", "out.svg").err == "wrote out.svg\n"
    assert "--keep: no such file" in sketchkit("complete", "-o", "x.svg", "--", "--keep").err


@pytest.mark.parametrize("command", ["sample", "complete", "infill", "score", "render"])
def test_help_has_the_new_names_alone(sketchkit: Sketchkit, command: str) -> None:
    words = sketchkit(command, "--help").out.decode().split()
    assert not {"--exact", "--keep", "--sizes", "--heat"}.intersection(words)
