"""The critic on numpy, and what is drawn when it chooses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import sketchkit
from sketchkit import Sketch, complete, sample
from sketchkit.critic import CRITIC, FLAWS, load_critic
from sketchkit.errors import CheckpointError
from sketchkit.evaluate import load_recogniser
from sketchkit.evaluate.recogniser import JUDGE
from sketchkit.geometry import chamfer, unit_outline
from sketchkit.models import SketchModel
from sketchkit.sampling import BestLooking, Draft, DraftingContext, make_sampler, wrap_sampler
from sketchkit.sampling.base import Subject
from sketchkit.sampling.critic import whole_drawing
from sketchkit.settings import DrawSettings
from sketchkit.training.data import synth


def log_odds(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    clipped = chances.clip(1e-6, 1 - 1e-6)
    odds: npt.NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return odds


def test_it_says_what_the_same_network_says_in_torch() -> None:
    drawings = [*synth(30, seed=3), Sketch.from_polylines([]), Sketch.from_polylines([[[1.0, 2.0]]])]
    critic, network = load_critic(), load_recogniser(CRITIC)
    assert critic.checksum == network.checksum and critic.classes == network.classes
    for among in (None, critic.about.classes):
        chances = critic.chances(drawings, among)
        np.testing.assert_allclose(chances, network.chances(drawings, among)[1], atol=1e-5)
        np.testing.assert_allclose(chances.sum(1), 1.0)
    assert critic.chances([]).shape == (0, len(critic.classes))


def test_likeness_to_a_class_is_its_chance_beside_the_classes_that_are_known_well() -> None:
    drawings, critic = list(synth(12, seed=3)), load_critic()
    names = ("duck", "star", "snowman")
    found = critic.likeness(drawings, names)
    for place, name in enumerate(names):
        among = tuple(dict.fromkeys((*critic.classes, name)))
        np.testing.assert_allclose(found[:, place], critic.chances(drawings, among)[:, among.index(name)])
    assert critic.likeness([], names).shape == (0, 3) and critic.likeness(drawings, []).shape == (12, 0)
    with pytest.raises(ValueError, match="not in tuple"):
        critic.likeness(drawings, ["teapots"])


def test_a_file_that_is_no_critic_is_refused_in_one_line(tmp_path: Path) -> None:
    data = CRITIC.read_bytes()
    head = int.from_bytes(data[:8], "little")
    cases = {
        "missing": None,
        "short": data[:100],
        "cut": data[:-8],
        "nameless": data.replace(b"sketchkit-recogniser", b"sketchkit-recogniseX", 1),
        "other": data[: 8 + head].replace(b"features.bias", b"features.bjas") + data[8 + head :],
        "infinite": data[:-2] + b"\x00\x7c",
    }
    for name, content in cases.items():
        path = tmp_path / f"{name}.safetensors"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(CheckpointError) as caught:
            load_critic(path)
        assert str(path.name) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="plain network"):
        load_critic(JUDGE)


@pytest.mark.parametrize("name", ["crab", "duck", "face"])
def test_it_chooses_the_best_looking_that_has_ended(name: str) -> None:
    model = sketchkit.load_model("doodle", device="cpu")
    critic, tries = load_critic(), {"n": 5}
    [chosen] = sketchkit.sample(model, 1, 0.6, sampler="critic", options=tries, class_name=name, seed=4)
    found: list[Draft] = []

    class Looking:
        def draw(self, context: DraftingContext) -> Iterator[Draft]:
            assert context.subject(0).classes == (name,)
            hand = make_sampler("temperature", 0.6)
            drafts = context.drafts(hand, np.zeros(5, np.int64), np.arange(5))
            found.extend(sorted(drafts, key=lambda each: each.attempt))
            yield found[0]

    sketchkit.sample(model, 1, sampler=Looking(), class_name=name, seed=4)
    whole = [draft for draft in found if draft.ended]
    drawn = [whole_drawing(Subject(np.zeros((0, 5))), draft) for draft in whole]
    chances = critic.chances(drawn)[:, critic.classes.index(name)]
    sound = load_critic(FLAWS).soundness(drawn, [name] * len(drawn))
    best = whole[int((log_odds(chances).clip(max=2.0) + log_odds(sound).clip(max=0.3)).argmax())]
    np.testing.assert_array_equal(chosen.stroke5[-len(best.rows) :, 2:], best.rows[:, 2:])


def test_whole_drawings_are_drawn_until_one_is_enough() -> None:
    model, n = sketchkit.load_model("doodle", device="cpu"), 5
    names = [name for name in ("duck", "sun", "rhinoceros", "cactus") for _ in range(3)]
    asked: list[tuple[int, int]] = []

    class Counting:
        """Another context that counts the drafts."""

        def __init__(self, context: DraftingContext) -> None:
            self._context = context

        def __getattr__(self, name: str) -> Any:
            return getattr(self._context, name)

        def drafts(self, sampler: Any, jobs: Any, attempts: Any) -> Iterator[Draft]:
            asked.extend(zip(jobs.tolist(), attempts.tolist(), strict=True))
            return self._context.drafts(sampler, jobs, attempts)

    class Few:
        def draw(self, context: DraftingContext) -> Iterator[Draft]:
            return BestLooking(make_sampler("temperature", 0.5), n).draw(Counting(context))

    class All:
        def draw(self, context: DraftingContext) -> Iterator[Draft]:
            hand, jobs = make_sampler("temperature", 0.5), np.arange(context.jobs)
            drafts = list(context.drafts(hand, jobs.repeat(n), np.tile(np.arange(n), len(jobs))))
            drafts.sort(key=lambda draft: (draft.job, draft.attempt))
            drawn = [whole_drawing(context.subject(draft.job), draft) for draft in drafts]
            places = [load_critic().classes.index(names[draft.job]) for draft in drafts]
            looks = log_odds(load_critic().chances(drawn)[np.arange(len(drafts)), places])
            sound = log_odds(load_critic(FLAWS).soundness(drawn, [names[draft.job] for draft in drafts]))
            worth = looks.clip(max=2.0) + sound.clip(max=0.3) - 99.0 * np.array([not d.ended for d in drafts])
            yield from (drafts[job * n + int(worth[job * n :][:n].argmax())] for job in jobs)

    few, whole = (
        sketchkit.sample(model, 12, sampler=each, class_name=names, seed=6) for each in (Few(), All())
    )
    for a, b in zip(few, whole, strict=True):
        np.testing.assert_array_equal(a.stroke5[:, 2:], b.stroke5[:, 2:])
        np.testing.assert_allclose(a.stroke5[:, :2], b.stroke5[:, :2], atol=1e-3)
    assert len(asked) == len(set(asked)) and 12 < len(asked) < 12 * n * 0.8


def test_of_endings_that_look_right_it_chooses_a_tidy_one() -> None:
    model, critic = sketchkit.load_model("doodle", device="cpu"), load_critic()
    [sun] = synth(1, seed=5, classes=["sun"])
    begun = Sketch.from_polylines(sun.to_polylines()[:3])
    found: list[tuple[Draft, Sketch]] = []

    class Looking:
        def draw(self, context: DraftingContext) -> Iterator[Draft]:
            drafts = context.drafts(make_sampler("temperature", 0.4), np.zeros(6, np.int64), np.arange(6))
            in_order = sorted(drafts, key=lambda each: each.attempt)
            found.extend((draft, whole_drawing(context.subject(0), draft)) for draft in in_order)
            yield in_order[0]

    sketchkit.complete(model, begun, 1, sampler=Looking(), class_name="sun")
    [chosen] = sketchkit.complete(model, begun, 1, sampler="critic", class_name="sun")
    able = [each for each in found if each[0].ended]
    drawn = [whole for _, whole in able]
    looks = log_odds(critic.chances(drawn)[:, critic.classes.index("sun")])
    looks += 2.0 * log_odds(load_critic(FLAWS).soundness(drawn, ["sun"] * len(drawn)))
    likely = np.array([draft.nll_per_point for draft, _ in able])
    points = np.log([len(draft.rows) for draft, _ in able])
    best = able[int((looks - 3.0 * likely - points).argmax())][0]
    np.testing.assert_array_equal(chosen.ending.stroke5[-len(best.rows) :, 2:], best.rows[:, 2:])


def test_what_it_does_not_know_is_drawn_until_it_ends(tiny_model: sketchkit.models.SketchModel) -> None:
    plain = sketchkit.sample(tiny_model, 40, 1.0, max_points=9)
    sampler = BestLooking(make_sampler("temperature", 1.0), 6)
    chosen = sketchkit.sample(tiny_model, 40, sampler=sampler, max_points=9)
    assert sum(each.ended for each in chosen) > sum(each.ended for each in plain)
    for before, after in zip(plain, chosen, strict=True):
        if before.ended and before.ink_length > 0:
            assert after == before


def test_the_beginning_is_seen_with_the_ending() -> None:
    model = sketchkit.load_model("doodle", device="cpu")
    [sun] = synth(1, seed=5, classes=["sun"])
    lines = sun.to_polylines()
    begun = Sketch.from_polylines(lines[: max(1, len(lines) // 2)])
    seen: list[Sketch] = []

    class Looking:
        def draw(self, context: DraftingContext) -> Iterator[Draft]:
            [draft] = context.drafts(make_sampler("temperature", 0.3), np.array([0]), np.array([0]))
            seen.append(whole_drawing(context.subject(0), draft))
            yield draft

    [ending] = sketchkit.complete(model, begun, 1, sampler=Looking(), class_name="sun")
    whole = ending.sketch
    (x0, y0, x1, y1), (a0, b0, a1, b1) = whole.bounds, seen[0].bounds
    assert (a1 - a0) / (b1 - b0) == pytest.approx((x1 - x0) / (y1 - y0), rel=0.05)
    assert seen[0].n_strokes == whole.n_strokes


@pytest.mark.parametrize("tries", [1, 3])
def test_max_ink_cuts_what_is_drawn_and_changes_nothing_before(tiny_model: SketchModel, tries: int) -> None:
    def draw(max_ink: float | None) -> list[Sketch]:
        settings = DrawSettings(tries=tries, max_ink=max_ink)
        return sample(tiny_model, 12, sampler=wrap_sampler(make_sampler("temperature", 0.9), settings))

    whole = draw(None)
    limit = float(np.median([sketch.ink_length for sketch in whole]))
    for sketch, cut in zip(whole, draw(limit), strict=True):
        if sketch.ink_length <= limit:
            assert cut == sketch
            continue
        assert cut.ink_length == pytest.approx(limit, rel=1e-4) and not cut.ended
        kept = len(cut) - 1
        np.testing.assert_array_equal(cut.stroke5[:kept], sketch.stroke5[:kept])
        assert cut.stroke5[kept, 3] == 1.0
    begun = Sketch.from_polylines([[(0, 0), (90, 0)], [(20, 20), (40, 40)]])
    sampler = wrap_sampler(make_sampler("temperature", 0.9), DrawSettings(tries=tries, max_ink=limit))
    for ending in complete(tiny_model, begun, 6, sampler=sampler, scale=1.0):
        assert ending.sketch.ink_length - begun.ink_length <= limit * 1.001
        assert np.isfinite(ending.nll_per_point)


@pytest.mark.parametrize("label", ["face", None])
def test_of_reconstructions_it_chooses_the_nearest_that_looks_right(label: str | None) -> None:
    model, critic, n = sketchkit.load_model("doodle-vae", device="cpu"), load_critic(), 6
    drawings = [
        Sketch(each.stroke5, origin=each.origin, label=label) for each in synth(4, seed=8, classes=["face"])
    ]
    again = sketchkit.reconstruct(model, drawings, 0.4, "critic", options={"n": n}, seed=3)
    found: dict[tuple[int, int], tuple[Subject, Draft]] = {}

    class Looking:
        def draw(self, context: DraftingContext) -> Iterator[Draft]:
            jobs = np.arange(context.jobs)
            hand = make_sampler("temperature", 0.4)
            for draft in context.drafts(hand, jobs.repeat(n), np.tile(np.arange(n), len(jobs))):
                found[draft.job, draft.attempt] = context.subject(draft.job), draft
            yield from (found[job, 0][1] for job in jobs.tolist())

    plain = sketchkit.reconstruct(model, drawings, 0.4, Looking(), seed=3)
    first = sketchkit.reconstruct(model, drawings, 0.4, seed=3)
    assert [a.stroke5.shape for a in plain] == [a.stroke5.shape for a in first]
    for job, drawn in enumerate(again):
        tried = [found[job, attempt] for attempt in range(n)]
        drafts = [whole_drawing(*each) for each in tried]
        original = tried[0][0].original
        assert original is not None
        given = unit_outline(whole_drawing(tried[0][0], Draft(job, original, 0.0)))
        assert chamfer(given, unit_outline(drawings[job])) < 0.01  # what is drawn again was simplified
        worth = -np.array([chamfer(given, unit_outline(each)) for each in drafts])
        chances = critic.chances(drafts)
        looks = chances.max(1) if label is None else chances[:, critic.classes.index(label)]
        worth += 0.006 * log_odds(looks).clip(max=3.0)
        best = tried[int((worth - 9.0 * np.array([not draft.ended for _, draft in tried])).argmax())][1]
        np.testing.assert_array_equal(drawn.stroke5[-len(best.rows) :, 2:], best.rows[:, 2:])
    distances = [
        [chamfer(unit_outline(a), unit_outline(b)) for a, b in zip(drawings, each, strict=True)]
        for each in (again, first)
    ]
    assert np.mean(distances[0]) < 0.95 * np.mean(distances[1])
