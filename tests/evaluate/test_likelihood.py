"""What drawings cost, against the model's own score and the paper's sums written out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluate_parts import CLASSES, held_out, small_data, small_model

from sketchkit.card import ModelCard
from sketchkit.errors import InputError
from sketchkit.evaluate import heldout as module
from sketchkit.evaluate.heldout import HeldOut, class_indices, score_drawings
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.noise import POSTERIOR, normals

NMAX = 70


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> HeldOut:
    return held_out(small_data(tmp_path_factory.mktemp("likelihood")))


@pytest.fixture(params=["decoder", "hyper", "vae"])
def model(request: pytest.FixtureRequest) -> SketchModel:
    return small_model(request.param)


def _rows(model: SketchModel, held: HeldOut, i: int) -> np.ndarray:
    """Drawing i in model units, its end row with it."""
    rows = held.split.drawing(int(held.indices[i])).astype(np.float64)
    rows[:, :2] /= model.card.scale_factor
    return rows


def _mean_z(model: SketchModel, rows: np.ndarray) -> np.ndarray | None:
    return model.encode(rows[:-1])[0] if isinstance(model, VaeModel) else None


@torch.inference_mode()
def test_a_drawing_costs_what_the_model_says_of_it_alone(model: SketchModel, held: HeldOut) -> None:
    scores = score_drawings(model, held, NMAX)
    assert len(held) > 20
    for i in range(len(held)):
        rows = _rows(model, held, i)
        z = _mean_z(model, rows)
        state = model.initial_state(1, None if z is None else torch.from_numpy(z)[None])
        expected = float(model.score(torch.from_numpy(rows)[None], torch.tensor([len(rows)]), state))
        assert scores.total[i] == pytest.approx(expected, rel=1e-9)
        assert (scores.rows[i], scores.inked[i]) == (len(rows), len(rows) - 1)


def _slow_costs(raw: np.ndarray, rows: np.ndarray) -> tuple[float, float, float, float]:
    """Equations 3 to 9 for one drawing, point by point: offset, pen, and L_s and L_p before the division."""
    offset = pen = l_s = l_p = 0.0
    for q, point in zip(raw, rows, strict=True):
        m = (len(q) - 3) // 6
        pens = np.exp(q[:3]) / np.exp(q[:3]).sum()
        pi = np.exp(q[3 : 3 + m]) / np.exp(q[3 : 3 + m]).sum()
        mu_x, mu_y, log_sx, log_sy, a = q[3 + m :].reshape(5, m)
        sx, sy, rho = np.exp(log_sx), np.exp(log_sy), np.tanh(a)
        zx, zy = (point[0] - mu_x) / sx, (point[1] - mu_y) / sy
        form = (zx**2 + zy**2 - 2 * rho * zx * zy) / (1 - rho**2)
        density = float((pi * np.exp(-form / 2) / (2 * math.pi * sx * sy * np.sqrt(1 - rho**2))).sum())
        log_pen = float(np.log(pens[point[2:].argmax()]))
        pen -= log_pen
        if not point[4]:
            offset -= math.log(density)
            l_s -= math.log(density + 1e-6)
            l_p -= log_pen
    return offset, pen, l_s, l_p


def test_every_part_is_the_papers_sum(model: SketchModel, held: HeldOut) -> None:
    scores = score_drawings(model, held, NMAX)
    for i in range(0, len(held), 5):
        rows = _rows(model, held, i)
        z = _mean_z(model, rows)
        offset, pen, l_s, l_p = _slow_costs(model.raw_outputs(rows[:-1], z=z), rows)
        assert scores.offset[i] == pytest.approx(offset, rel=1e-9)
        assert scores.pen[i] == pytest.approx(pen, rel=1e-9)
        assert scores.l_s[i] == pytest.approx(l_s / NMAX, rel=1e-9)
        assert scores.l_p[i] == pytest.approx(l_p / NMAX, rel=1e-9)


def test_the_divergence_is_equation_10(held: HeldOut) -> None:
    model = small_model("vae")
    scores = score_drawings(model, held, NMAX)
    assert isinstance(model, VaeModel) and scores.l_kl is not None and scores.kl is not None
    for i in range(0, len(held), 6):
        mu, sigma = model.encode(_rows(model, held, i)[:-1])
        s = 2 * np.log(sigma)
        expected = -0.5 * (1 + s - mu**2 - np.exp(s))
        assert scores.l_kl[i] == pytest.approx(expected.mean(), rel=1e-9)
        assert scores.kl[i] == pytest.approx(expected.sum(), rel=1e-9)
    decoder = score_drawings(small_model("decoder"), held, NMAX)
    assert decoder.l_kl is None and decoder.kl is None


def test_neither_the_batch_nor_the_neighbours_change_a_drawings_cost(
    model: SketchModel, held: HeldOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = score_drawings(model, held, NMAX, seed=3)
    some = replace(held, indices=held.indices[[4, 1, 7]])
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 1)
    alone = score_drawings(model, held, NMAX, seed=3)
    few = score_drawings(model, some, NMAX, seed=3)
    for name in ("rows", "inked", "offset", "pen", "l_s", "l_p"):
        np.testing.assert_allclose(getattr(alone, name), getattr(whole, name), rtol=1e-9)
        np.testing.assert_allclose(getattr(few, name), getattr(whole, name)[[4, 1, 7]], rtol=1e-9)


def test_z_is_drawn_from_the_posterior_by_the_seed_and_the_drawings_place(held: HeldOut) -> None:
    model = small_model("vae")
    assert isinstance(model, VaeModel)
    drawn = score_drawings(model, held, NMAX, seed=5)
    rows, place = _rows(model, held, 2), torch.from_numpy(held.indices[2:3])
    mu, sigma = model.encode(rows[:-1])
    z = mu + sigma * normals(5, place, 5, POSTERIOR)[0].double().numpy()
    offset, pen, *_ = _slow_costs(model.raw_outputs(rows[:-1], z=z), rows)
    assert drawn.total[2] == pytest.approx(offset + pen, rel=1e-9)
    assert not np.allclose(drawn.total, score_drawings(model, held, NMAX, seed=6).total)
    assert not np.allclose(drawn.total, score_drawings(model, held, NMAX).total)


@pytest.mark.parametrize("kind", ["decoder", "vae"])
def test_a_model_is_told_each_drawings_class_by_its_name(kind: str, held: HeldOut) -> None:
    # The model's own order, and a class less than the data set has.
    model = small_model(kind, ("sun", "pig", "car"))
    scores, classes = score_drawings(model, held, NMAX), class_indices(model, held)
    assert classes is not None
    assert set(zip(held.labels, classes.tolist(), strict=True)) == {("sun", 0), ("car", 2), ("face", 3)}
    for i in range(0, len(held), 4):
        rows = _rows(model, held, i)
        label = None if held.labels[i] == "face" else held.labels[i]
        raw = model.raw_outputs(rows[:-1], z=_mean_z(model, rows), class_name=label)
        offset, pen, *_ = _slow_costs(raw, rows)
        assert scores.total[i] == pytest.approx(offset + pen, rel=1e-9)
    assert class_indices(small_model(kind), held) is None


def test_single_precision_is_near_double_precision(model: SketchModel, held: HeldOut) -> None:
    exact = score_drawings(model, held, NMAX)
    rough = score_drawings(model.float(), held, NMAX)
    np.testing.assert_allclose(rough.total, exact.total, rtol=1e-4)


def test_progress_is_told_until_all_are_done(held: HeldOut) -> None:
    seen: list[tuple[int, int]] = []
    score_drawings(
        small_model("decoder"), held, NMAX, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (len(held), len(held))


def test_what_cannot_be_scored_is_refused(held: HeldOut) -> None:
    class Blind(DecoderModel):
        conditional = True

    with pytest.raises(InputError, match="'blind' is conditional but has no encoder"):
        score_drawings(Blind(DecoderArchitecture(4, 1), ModelCard("blind")), held, NMAX)
    with pytest.raises(InputError, match="Nmax must be 1 or more, got 0"):
        score_drawings(small_model("decoder"), held, 0)


# --- which drawings -------------------------------------------------------------------------------------


def test_the_drawings_are_those_of_the_split_and_class(tmp_path: Path) -> None:
    data = small_data(tmp_path)
    everything = HeldOut.choose(data)
    assert len(everything) == everything.available == len(data.split("test"))
    assert set(everything.labels) == set(CLASSES)
    faces = HeldOut.choose(data, "train", class_name="face")
    assert set(faces.labels) == {"face"}
    assert len(faces) == data.manifest.splits["train"].per_class[1]
    for sketch, length in zip(faces.sketches(), faces.lengths, strict=True):
        # The first point is the start token's; the data set does not store it.
        assert sketch.ended and sketch.label == "face" and len(sketch) == length + 1


def test_chance_chooses_when_there_are_too_many(tmp_path: Path) -> None:
    data = small_data(tmp_path)
    few = HeldOut.choose(data, limit=9, seed=1)
    assert len(few) == 9 and few.available == len(data.split("test"))
    assert (np.diff(few.indices) > 0).all()
    assert few.indices.tolist() == HeldOut.choose(data, limit=9, seed=1).indices.tolist()
    assert few.indices.tolist() != HeldOut.choose(data, limit=9, seed=2).indices.tolist()
    assert len(HeldOut.choose(data, limit=10**6)) == few.available


def test_no_drawings_are_refused_in_one_line(tmp_path: Path) -> None:
    data = small_data(tmp_path, splits=(100, 0, 0))
    with pytest.raises(InputError, match=r"shapes: the test split holds no drawings, train holds \d+$"):
        HeldOut.choose(data)
    with pytest.raises(InputError, match="holds no class 'fac': did you mean 'face'"):
        HeldOut.choose(data, "train", class_name="fac")
    assert set(HeldOut.choose(data, "train", class_name="FACE").labels) == {"face"}
    with pytest.raises(InputError, match=r"holds no class 'FACES': did you mean 'face'\?$"):
        HeldOut.choose(data, "train", class_name="FACES")
    with pytest.raises(InputError, match="the valid split holds no drawings of 'sun'"):
        HeldOut.choose(data, "valid", class_name="sun")
    with pytest.raises(InputError, match="a split is one of train, valid, test"):
        HeldOut.choose(data, "dev")
