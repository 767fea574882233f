"""Drawings one after another: the same as all at once, in memory that does not grow."""

from __future__ import annotations

import gc
import itertools
import math
from collections.abc import Iterator

import pytest

import sketchkit as sk
from sketchkit.generate import streaming
from sketchkit.models import SketchModel
from sketchkit.models.vae import VaeModel


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Blocks of eight drawings."""
    monkeypatch.setattr(streaming, "_MOST_BLOCK", 8)
    return 8


@pytest.mark.parametrize("n", [0, 1, 8, 9, 24, 29])
def test_a_stream_draws_what_sample_draws(tiny_model: SketchModel, small_blocks: int, n: int) -> None:
    settings = {"seed": 3, "first": 5, "exact": True, "batch_size": 4}
    drawn = list(sk.sample_stream(tiny_model, n, 0.7, **settings))  # type: ignore[arg-type]
    assert drawn == sk.sample(tiny_model, n, 0.7, **settings)  # type: ignore[arg-type]
    assert [sketch.key for sketch in drawn] == [f"3-{5 + i}" for i in range(n)]


def test_a_stream_goes_on_from_the_beginning_of_a_block(tiny_vae: VaeModel, small_blocks: int) -> None:
    labels = ["cat", "sun", None] * 10
    whole = list(sk.sample_stream(tiny_vae, 30, class_name=labels, batch_size=4))
    for begin in (8, 16, 24):
        rest = sk.sample_stream(tiny_vae, 30 - begin, class_name=labels[begin:], first=begin, batch_size=4)
        assert list(rest) == whole[begin:]


def test_no_more_labels_are_taken_than_are_needed(tiny_vae: VaeModel, small_blocks: int) -> None:
    labels = itertools.cycle(["cat", "sun"])
    drawn = list(sk.sample_stream(tiny_vae, 11, class_name=labels, batch_size=4))
    assert [sketch.label for sketch in drawn[:3]] == ["cat", "sun", "cat"]
    assert next(labels) == "sun"


def test_progress_is_told_of_all_blocks(tiny_model: SketchModel, small_blocks: int) -> None:
    told: list[tuple[int, int]] = []
    drawn = sk.sample_stream(
        tiny_model, 20, batch_size=4, progress=lambda done, total: told.append((done, total))
    )
    assert len(list(drawn)) == 20
    assert told == [(done, 20) for done in range(1, 21)]


def alive() -> int:
    """How many sketches there are."""
    return sum(type(each) is sk.Sketch for each in gc.get_objects())


def test_two_blocks_at_most_are_alive(tiny_model: SketchModel, small_blocks: int) -> None:
    gc.collect()
    gc.freeze()  # so that only what is made from here on is looked through
    before, seen = alive(), []
    try:
        for _ in sk.sample_stream(tiny_model, 64, batch_size=4):
            seen.append(alive() - before)
    finally:
        gc.unfreeze()
    assert small_blocks <= max(seen) <= 2 * small_blocks


def test_what_is_wrong_is_refused_at_once(tiny_model: SketchModel, tiny_vae: VaeModel) -> None:
    with pytest.raises(sk.InputError, match="n must"):
        sk.sample_stream(tiny_model, -1)
    with pytest.raises(sk.InputError, match="n must"):
        sk.sample_stream(tiny_model, 2, first=2**63 - 2)
    with pytest.raises(sk.InputError, match="max_points"):
        sk.sample_stream(tiny_model, 1, max_points=0)
    with pytest.raises(sk.InputError, match="option"):
        sk.sample_stream(tiny_model, 1, options={"nothing": 1})
    with pytest.raises(sk.PluginError):
        sk.sample_stream(tiny_model, 1, sampler="nothing")
    with pytest.raises(sk.InputError, match="cow"):
        sk.sample_stream(tiny_vae, 1, class_name="cow")
    with pytest.raises(sk.InputError, match="3 drawings need as many classes"):
        sk.sample_stream(tiny_vae, 3, class_name=["cat"])


def test_labels_that_run_out_are_refused_on_the_way(tiny_vae: VaeModel, small_blocks: int) -> None:
    def labels() -> Iterator[str]:
        yield from ["cat"] * 10

    drawn = sk.sample_stream(tiny_vae, 16, class_name=labels(), batch_size=4)
    assert len(list(itertools.islice(drawn, 8))) == 8
    with pytest.raises(sk.InputError, match="8 drawings need as many classes"):
        next(drawn)


def test_blocks_grow_with_the_batch_and_not_without_end(tiny_model: SketchModel) -> None:
    sizes = [streaming.block_size(tiny_model, width) for width in (None, 1, 128, 4096, 2**63 - 1)]
    assert sizes[:3] == [4096] * 3
    assert sizes[3] >= 4 * 4096
    assert sizes == sorted(sizes) and math.log2(sizes[-1]) <= 20
