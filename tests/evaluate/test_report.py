"""The paper's figures beside ours."""

from __future__ import annotations

from pathlib import Path

from sketchkit.card import ModelCard
from sketchkit.evaluate import Choices, evaluate
from sketchkit.evaluate.report import TABLE_1, find_published
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.training.data import prepare_sketches, synth


def test_a_row_is_found_by_its_classes_in_any_order() -> None:
    both = find_published(["pig", "Cat", "pig"])
    assert both is not None and both.l_r == (-1.02, -1.24, -1.50) and both.decoder_l_r == -0.75
    assert find_published(["cat", "dog"]) is None and find_published([]) is None
    assert all(names == tuple(sorted(names)) for names in TABLE_1)
    # The more freedom the divergence has, the better the reconstruction.
    assert all(list(row.l_r) == sorted(row.l_r, reverse=True) for row in TABLE_1.values())
    assert all(list(row.l_kl) == sorted(row.l_kl) for row in TABLE_1.values())


def test_a_report_says_what_the_papers_models_cost_and_what_may_be_compared(tmp_path: Path) -> None:
    data = prepare_sketches(synth(40, seed=1, classes=["face"]), tmp_path / "data")
    model = DecoderModel(DecoderArchitecture(hidden=8, mixtures=2), ModelCard(scale_factor=30.0))
    report = evaluate(model, data, Choices(split="train", samples=0, resamples=0))
    assert report.to_json()["likelihood"]["published"]["decoder_l_r"] == -0.73
    (line,) = [line for line in report.to_markdown().splitlines() if "table 1" in line]
    assert "L_R -1.13 / -1.55 / -1.90 and L_KL 0.27 / 0.71 / 1.44" in line
    assert "counts the pen of end rows" in line
