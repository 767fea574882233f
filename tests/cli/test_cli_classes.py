"""`--class`: what to draw, with a model that knows several classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sketchkit.card import ModelCard
from sketchkit.cli.main import run
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel


@pytest.fixture(autouse=True)
def zoo(own_store: Path) -> None:
    """A model of two classes beside the other one."""
    torch.manual_seed(2)
    card = ModelCard("zoo", scale_factor=40.0, max_length=20, classes=("cat", "pig"))
    model = DecoderModel(DecoderArchitecture(hidden=8, mixtures=2, classes=2, embedding=4), card)
    model.decoder.output.bias.data[2] -= 3.0
    model.embedding.table.weight.data.mul_(4.0)
    model.save(own_store / "zoo.safetensors")


def test_a_class_decides_what_is_drawn_and_is_written_down(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("cat", "pig"):
        command = ["sample", "--model", "zoo", "--class", name, "-n", "3", "-o", f"{name}.svg", "--json"]
        assert run(command) == 0
        assert f'"class": "{name}"' in capsys.readouterr().out
    cats, pigs = Path("cat.svg").read_bytes(), Path("pig.svg").read_bytes()
    assert b"&quot;class&quot;: &quot;cat" in cats or b'"class": "cat"' in cats
    assert cats.replace(b"cat", b"pig") != pigs


def test_an_unknown_class_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sample", "--model", "zoo", "--class", "pigg"]) == 3
    assert "does not draw 'pigg': did you mean 'pig'?" in capsys.readouterr().err


def test_a_model_without_classes_cannot_be_told_what_to_draw(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sample", "--model", "tiny", "--class", "cat"]) == 3
    assert "knows no classes" in capsys.readouterr().err


def test_the_shell_completes_the_classes_of_stored_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_SKETCHKIT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "sketchkit sample --class c")
    monkeypatch.setenv("COMP_CWORD", "3")
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out.split() == ["cat"]
