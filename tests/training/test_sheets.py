"""Sheets of what a model draws: the same seeds each time, as SVG and PNG, and the model undisturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from train_parts import model_of, shapes, small

from sketchkit.errors import InputError, PluginError
from sketchkit.rendering import render
from sketchkit.sketch import Sketch
from sketchkit.training import sheets
from sketchkit.training.data import Dataset
from sketchkit.training.sheets import Sheets


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return shapes(tmp_path_factory)


class Drawn:
    """Sees what is rendered, and has it rendered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, png: bool = True) -> None:
        self.sketches: list[Sketch] = []
        self.columns = 0
        self.png = png
        monkeypatch.setattr(sheets, "render", self)

    def __call__(self, drawings: list[Sketch], target: Path, *, tile: tuple[int, None]) -> None:
        if target.suffix == ".png" and not self.png:
            raise PluginError("there is no cairo")
        self.sketches, self.columns = list(drawings), tile[0]
        render(drawings, target, tile=tile)


def sheets_of(data: Dataset, folder: Path, **changes: Any) -> tuple[Sheets, Any]:
    config = small(**changes)
    model = model_of(data, config)
    with torch.no_grad():
        model.decoder.output.bias[2] = 1.0  # drawings that end soon
    return Sheets(folder, config, data.split("valid")), model


def test_a_sheet_of_samples_shows_the_classes_by_turns(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Drawn(monkeypatch)
    sheet, model = sheets_of(data, tmp_path, grid=7)
    assert sheet(model, 12) is None
    assert [sketch.label for sketch in drawn.sketches] == [*data.classes, *data.classes, data.classes[0]]
    written = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert written == ["step-00000012.png", "step-00000012.svg"]
    assert (tmp_path / "samples" / written[0]).read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "samples" / written[1]).read_bytes()


def test_sheets_can_be_compared(data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, found = Drawn(monkeypatch), []
    sheet, model = sheets_of(data, tmp_path, grid=4, classes=False)
    for step in (1, 2):
        sheet(model, step)
        found.append([sketch.stroke5.tobytes() for sketch in drawn.sketches])
    assert found[0] == found[1] and len(set(found[0])) > 1
    assert all(sketch.label is None for sketch in drawn.sketches)
    assert len(list((tmp_path / "samples").iterdir())) == 4


def test_a_vaes_sheet_shows_drawings_and_beside_each_what_it_makes_of_it(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Drawn(monkeypatch)
    sheet, model = sheets_of(data, tmp_path, grid=11, backend="vae")
    sheet(model, 3)
    valid = data.split("valid")
    assert len(drawn.sketches) == 12 and drawn.columns % 2 == 0
    for place, given in enumerate(drawn.sketches[::2]):
        index = place * len(valid) // 6
        assert np.array_equal(given.stroke5[1:, :2], valid.drawing(index)[:, :2])
        assert given.label == data.classes[valid.classes[index]]
    for given, again in zip(drawn.sketches[::2], drawn.sketches[1::2], strict=True):
        assert again.label == given.label and not np.array_equal(again.stroke5, given.stroke5)


def test_there_are_no_more_drawings_than_the_validation_split_has(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Drawn(monkeypatch)
    sheet, model = sheets_of(data, tmp_path, grid=400, backend="vae")
    sheet(model, 1)
    assert len(drawn.sketches) == 2 * len(data.split("valid"))
    config = small(backend="vae")
    assert Sheets(tmp_path / "none", config, data.split("test"))(model, 1) is None
    assert not (tmp_path / "none").exists()


def test_no_sheet_is_drawn_where_none_is_wanted(data: Dataset, tmp_path: Path) -> None:
    sheet, model = sheets_of(data, tmp_path, grid=0)
    assert sheet(model, 1) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("backend", ["decoder", "vae"])
def test_the_drawing_changes_neither_the_model_nor_any_chance(
    data: Dataset, tmp_path: Path, backend: str
) -> None:
    sheet, model = sheets_of(data, tmp_path, grid=2, backend=backend)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    chance, theirs = torch.get_rng_state(), np.random.get_state()
    for training in (True, False):
        sheet(model.train(training), 1)
        assert model.training is training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(chance, torch.get_rng_state())
    assert all(np.array_equal(a, b) for a, b in zip(theirs, np.random.get_state(), strict=True))
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_without_cairo_there_is_svg_alone_and_it_is_said_once(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Drawn(monkeypatch, png=False)
    sheet, model = sheets_of(data, tmp_path, grid=2)
    said = [sheet(model, step) for step in (1, 2)]
    assert said == ["sample sheets are written as SVG only: there is no cairo", None]
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["step-00000001.svg", "step-00000002.svg"]


def test_a_folder_that_cannot_be_written_to_is_one_line(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("in the way")
    sheet, model = sheets_of(data, tmp_path, grid=2)
    for place in (sheet, sheets_of(data, tmp_path / "nosuch", grid=2)[0]):
        with pytest.raises(InputError) as told:
            place(model.train(), 1)
        assert str(told.value).isprintable() and "samples: " in str(told.value)
        assert model.training
