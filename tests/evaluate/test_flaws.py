"""Flawed copies of drawings: one flaw each, and nothing else changes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sketchkit import Sketch
from sketchkit.critic import FLAWS, load_critic
from sketchkit.critic.raster import Lines
from sketchkit.evaluate import flaws
from sketchkit.evaluate.flaws import add_flaws
from sketchkit.training.data import synth

Stroke = npt.NDArray[np.float64]


def same(a: Stroke, b: Stroke) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b))


@pytest.fixture(scope="module")
def drawings() -> list[Sketch]:
    """Drawings of four strokes or more, of different sizes."""
    return [each for each in synth(120, seed=8) if each.n_strokes >= 4]


@pytest.mark.parametrize("flaw", range(5), ids=["lose", "displace", "resize", "repeat", "cut"])
def test_a_drawing_gets_one_flaw(flaw: int, drawings: list[Sketch], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flaws, "_OFTEN", tuple(float(i == flaw) for i in range(5)))
    lines = Lines.of(drawings)
    flawed = add_flaws(lines, np.random.default_rng(2))
    assert len(flawed) == len(lines) and len(flawed.joined) == len(flawed.points)
    for i in range(len(lines)):
        before, after = lines.strokes(i), flawed.strokes(i)
        extent = np.ptp(np.concatenate(before), 0).max()
        kept = [any(same(each, other) for other in after) for each in before]
        new = [each for each in after if not any(same(each, other) for other in before)]
        if flaw == 0:
            assert not new and 1 <= len(before) - len(after) <= max(1, len(before) // 3)
            continue
        largest = max(range(len(before)), key=lambda k: np.ptp(before[k], 0).max())
        if flaw == 4:
            assert sum(map(len, after)) < sum(map(len, before)) and kept.count(False) == 1
            continue
        assert kept[largest] and len(new) == 1 and len(after) == len(before) + (flaw == 3)
        if flaw == 3:
            assert all(kept)
            continue
        [old] = [each for each, stays in zip(before, kept, strict=True) if not stays]
        if flaw == 2:
            factor = np.ptp(new[0], 0).max() / np.ptp(old, 0).max()
            assert 0.29 < factor < 2.61 and not 0.61 < factor < 1.59
            np.testing.assert_allclose(new[0].mean(0), old.mean(0), atol=1e-9)
        else:
            way = np.hypot(*(new[0] - old).T) / extent
            assert np.ptp(way) < 1e-9 and 0.149 < way[0] < 0.401


def test_a_single_stroke_loses_a_piece_and_a_dot_stays() -> None:
    stroke = np.stack([np.arange(20.0), np.sin(np.arange(20.0))], 1)
    dot = [[1.0, 2.0], [1.0, 2.0]]
    lines = Lines.of(
        [Sketch.from_polylines([stroke]), Sketch.from_polylines([dot]), Sketch.from_polylines([])]
    )
    flawed = add_flaws(lines, np.random.default_rng(0))
    counts = np.diff(flawed.bounds)
    assert 20 * 0.5 <= counts[0] <= 20 * 0.8
    np.testing.assert_array_equal(counts[1:], np.diff(lines.bounds)[1:])


def test_the_same_seed_gives_the_same_flaws(drawings: list[Sketch]) -> None:
    lines = Lines.of(drawings)
    first, again, other = (add_flaws(lines, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.points, again.points)
    assert first.points.shape != other.points.shape or not np.array_equal(first.points, other.points)


def test_the_critic_of_flaws_prefers_sound_drawings() -> None:
    critic = load_critic(FLAWS)
    drawings = [each for each in synth(160, seed=5) if each.label in critic.classes]
    names = [each.label or "" for each in drawings]
    lines = Lines.of(drawings)
    flawed = add_flaws(lines, np.random.default_rng(0))
    copies = [Sketch.from_polylines(flawed.strokes(i)) for i in range(len(flawed))]
    sound, unsound = critic.soundness(drawings, names), critic.soundness(copies, names)
    assert ((unsound > 0) & (sound < 1)).all()
    assert (sound > unsound).mean() > 0.65 and sound.mean() - unsound.mean() > 0.1
    assert critic.soundness([], []).shape == (0,)
    with pytest.raises(ValueError, match="not in"):
        critic.soundness(drawings[:1], ["teapot"])
