"""Requests that join a running batch: what comes is what the usual calls draw, in order, in any company."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sketchkit import InputError, Sketch, SketchModel, complete, reconstruct, sample
from sketchkit.generate import (
    Endings,
    LiveDecoder,
    LiveDrawing,
    LivePoints,
    live_drawings,
    live_endings,
    live_reconstructions,
)
from sketchkit.sampling import make_sampler

BEGUN = Sketch.from_polylines([[(10, 10), (60, 15), (70, 40)], [(30, 60), (50, 75)]])
DOWN = Sketch.from_polylines([[(10, 10), (60, 15), (70, 40)]], pen_down=True)

Points = npt.NDArray[np.float64]
Key = tuple[int, int]


def drawn(decoder: LiveDecoder, steps: int = 10_000) -> list[LivePoints]:
    """All that is told until nothing is left to draw, or for so many steps."""
    out: list[LivePoints] = []
    while steps and decoder.wait(0):
        out += decoder.step()
        steps -= 1
    return out


def joined(told: Sequence[LivePoints]) -> dict[Key, Points]:
    """The points of each drawing, which came in order and without a gap."""
    out: dict[Key, list[Points]] = {}
    over: set[Key] = set()
    for each in told:
        key = (each.request, each.drawing)
        assert key not in over, "something came after the end"
        mine = out.setdefault(key, [])
        assert each.first == sum(map(len, mine))
        mine.append(each.points)
        if each.over:
            over.add(key)
    assert over == set(out)
    return {key: np.concatenate(parts) for key, parts in out.items()}


def polylines(points: Points) -> list[Points]:
    begins = np.flatnonzero(points[:, 2] == 0.0)
    return np.split(points[:, :2], begins[1:])


def assert_is(points: Points, sketch: Sketch) -> None:
    want = sketch.without_end().to_polylines()
    mine = polylines(points) if len(points) else []
    assert [len(line) for line in mine] == [len(line) for line in want]
    for a, b in zip(mine, want, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


@pytest.mark.parametrize("begun", [BEGUN, DOWN, Sketch.from_polylines([[(5, 5)]])])
def test_endings_are_those_of_complete(tiny_model: SketchModel, begun: Sketch) -> None:
    decoder = LiveDecoder()
    decoder.add(live_endings(tiny_model, begun, 3, seed=5, first=2, max_points=40))
    found = joined(drawn(decoder))
    for k, ending in enumerate(complete(tiny_model, begun, 5, seed=5, max_points=40)[2:]):
        assert_is(found[0, k], ending.ending)


def test_drawings_and_reconstructions_are_those_of_sample_and_reconstruct(tiny_vae: SketchModel) -> None:
    decoder = LiveDecoder()
    size = int(tiny_vae.architecture.latent)
    z = np.ones((2, size), np.float32) * [[0.5], [-0.5]]
    decoder.add(live_drawings(tiny_vae, z=z, index=[0, 0], seed=3, max_points=30, place=(7, 8), scale=0.5))
    decoder.add(live_reconstructions(tiny_vae, BEGUN, [0.1, 0.9], seed=4, max_points=30))
    decoder.add(live_drawings(tiny_vae, 2, 0.5, seed=6, max_points=30))
    found = joined(drawn(decoder))
    for k, sketch in enumerate(sample(tiny_vae, z=z, index=[0, 0], seed=3, max_points=30)):
        ours = found[0, k] - (7, 8, 0)
        assert_is(ours * (0.5, 0.5, 1), sketch)
    for k, tau in enumerate([0.1, 0.9]):
        assert_is(found[1, k], reconstruct(tiny_vae, [BEGUN], tau, seed=4, max_points=30)[0])
    for k, sketch in enumerate(sample(tiny_vae, 2, 0.5, seed=6, max_points=30)):
        assert_is(found[2, k], sketch)


@cache
def endings(model: SketchModel, seed: int, n: int) -> Endings:
    """What is drawn without company; many examples ask for the same."""
    return complete(model, BEGUN, n, seed=seed, max_points=20, scale=1.0)


@given(data=st.data())
def test_what_is_drawn_does_not_depend_on_who_joins_and_leaves(
    tiny_model: SketchModel, data: st.DataObject
) -> None:
    decoder = LiveDecoder(slots=data.draw(st.integers(1, 9)), chunk=data.draw(st.integers(1, 9)))
    asked, cancelled, told = {}, set(), []
    for _ in range(data.draw(st.integers(1, 5))):
        seed, n = data.draw(st.integers(0, 99)), data.draw(st.integers(1, 4))
        request = decoder.add(live_endings(tiny_model, BEGUN, n, seed=seed, max_points=20, scale=1.0), seed)
        asked[request] = (seed, n)
        told += drawn(decoder, data.draw(st.integers(0, 25)))
        if data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(sorted(asked)))
            if decoder.cancel(gone):
                cancelled.add(gone)
    later = drawn(decoder)
    assert not {each.request for each in later} & cancelled
    found = joined([each for each in [*told, *later] if each.request not in cancelled])
    assert found.keys() == {(r, k) for r, (_, n) in asked.items() if r not in cancelled for k in range(n)}
    for (request, k), points in found.items():
        assert_is(points, endings(tiny_model, *asked[request])[k].ending)
    assert (decoder.live, decoder.waiting, decoder.wait(0)) == (0, 0, False)


def test_points_are_told_in_chunks(tiny_model: SketchModel) -> None:
    decoder = LiveDecoder(chunk=8)
    decoder.add(endless(tiny_model, 20))
    assert [len(each.points) for each in drawn(decoder)] == [8, 8, 4]


def endless(model: SketchModel, points: int, n: int = 1, **settings: Any) -> list[LiveDrawing]:
    """Endings that never end by themselves."""
    return live_endings(model, BEGUN, n, max_points=points, sampler=Stubborn(), scale=1.0, **settings)


@dataclass(frozen=True)
class Stubborn:
    """Goes on for ever, and remembers for how long: each step is one unit longer than the last."""

    def initial_state(self, rows: int, device: torch.device) -> tuple[torch.Tensor, ...]:
        return (torch.zeros(rows, device=device),)

    def step(self, density: Any, noise: Any, state: tuple[torch.Tensor, ...]) -> Any:
        steps = state[0] + 1.0
        points = torch.zeros(len(steps), 5)
        points[:, 0], points[:, 2] = steps, 1.0
        return points, (steps,)


def test_a_sampler_s_memory_stays_with_its_drawing(tiny_model: SketchModel) -> None:
    decoder = LiveDecoder(chunk=1)
    told = []
    for count in (1, 2, 3):
        decoder.add(endless(tiny_model, 4 + count, count))
        told += drawn(decoder, 2)
    for points in joined(told + drawn(decoder)).values():
        steps = np.diff(points[:, 0])
        np.testing.assert_allclose(steps / steps[0], np.arange(2, len(steps) + 2) / 2.0, rtol=1e-3)


def test_clients_take_free_slots_in_turns(tiny_model: SketchModel) -> None:
    decoder = LiveDecoder(slots=2, chunk=1)
    greedy = [decoder.add(endless(tiny_model, 3, 10), "greedy") for _ in range(3)]
    decoder.step()
    modest = decoder.add(endless(tiny_model, 3), "modest")
    order = [each.request for each in drawn(decoder) if each.over]
    assert order.index(modest) <= 3  # after what was being drawn, and not after all that waited
    assert order.count(greedy[0]) == 10


def test_a_failure_ends_what_shares_it_alone(tiny_model: SketchModel) -> None:
    @dataclass(frozen=True)
    class Broken:
        def __call__(self, density: Any, noise: Any) -> Any:
            raise ZeroDivisionError("no luck")

    decoder = LiveDecoder()
    bad = decoder.add(live_endings(tiny_model, BEGUN, 2, sampler=Broken()))
    good = decoder.add(live_endings(tiny_model, BEGUN, 2, max_points=10))
    told = drawn(decoder)
    failed = [each for each in told if each.request == bad]
    assert [(each.over, str(each.error)) for each in failed] == [(True, "no luck")] * 2
    assert {each.drawing for each in told if each.request == good and each.over} == {0, 1}


def test_what_cannot_begin_is_told(tiny_model: SketchModel) -> None:
    drawings = live_endings(tiny_model, BEGUN, 1)
    decoder = LiveDecoder()
    tiny_model.decoding = type(tiny_model.decoding)(engine="nobody")
    try:
        decoder.add(drawings)
        (told,) = drawn(decoder)
    finally:
        del tiny_model.decoding
    assert told.over and "nobody" in str(told.error)


def test_a_closed_decoder_wakes_who_waits_and_takes_nothing(tiny_model: SketchModel) -> None:
    decoder = LiveDecoder()
    found: list[bool] = []
    waiting = threading.Thread(target=lambda: found.append(decoder.wait(600)))
    waiting.start()
    decoder.close()
    waiting.join(600)
    assert found == [False]
    with pytest.raises(InputError, match="closed"):
        decoder.add(live_endings(tiny_model, BEGUN, 1))


def test_several_threads_may_ask_at_once(tiny_model: SketchModel) -> None:
    decoder = LiveDecoder(slots=8)
    numbers: list[int] = []
    threads = [
        threading.Thread(
            target=lambda k=k: numbers.append(
                decoder.add(live_endings(tiny_model, BEGUN, 3, seed=k, max_points=10, scale=1.0), k)
            )
        )
        for k in range(8)
    ]
    for thread in threads:
        thread.start()
    told: list[LivePoints] = []
    while any(thread.is_alive() for thread in threads) or decoder.wait(0):
        told += decoder.step()
    assert sorted(numbers) == list(range(8))
    assert joined(told).keys() == {(r, k) for r in range(8) for k in range(3)}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, vae: LiveDecoder(slots=0), "slots"),
        (lambda model, vae: LiveDecoder().add([]), "one drawing"),
        (lambda model, vae: live_endings(vae, BEGUN), "conditional"),
        (lambda model, vae: live_endings(model, "x.svg"), "sketchkit.read"),
        (lambda model, vae: live_endings(model, BEGUN, sampler="best-of"), "whole drawings"),
        (lambda model, vae: live_drawings(model, 2, [0.1]), "as many temperatures"),
        (lambda model, vae: live_drawings(model, 2, index=[1]), "as many indices"),
        (lambda model, vae: live_drawings(model, scale=0.0), "scale"),
        (lambda model, vae: live_drawings(model, z=[[1.0]]), "unconditional"),
        (lambda model, vae: live_reconstructions(model, BEGUN), "encoder"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tiny_model: SketchModel, tiny_vae: SketchModel, call: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        call(tiny_model, tiny_vae)


def test_a_sampler_that_is_made_already_is_taken(tiny_model: SketchModel) -> None:
    made = make_sampler("temperature", 0.3)
    decoder = LiveDecoder()
    decoder.add(live_endings(tiny_model, BEGUN, 1, sampler=made, max_points=10))
    assert_is(joined(drawn(decoder))[0, 0], complete(tiny_model, BEGUN, 1, 0.3, max_points=10)[0].ending)
