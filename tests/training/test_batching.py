"""Batches: a function of their number, however many processes share them, each drawing in its turn."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from train_parts import batches_of, model_of, shapes, small

from sketchkit.errors import InputError
from sketchkit.models.losses import Batch
from sketchkit.training.batching import Batches, Order, lay_out
from sketchkit.training.data import Dataset

#: What a batch of a vae that knows classes says of a drawing.
EVERYTHING = {"points", "weight", "inks", "label", "noise", "keep", "ink_keep"}
#: No chance but the order.
PLAIN: dict[str, Any] = {"axis_scale": 0, "point_drop": 0, "recurrent_dropout": 0, "class_dropout": 0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return shapes(tmp_path_factory)


def drawings(batch: Batch) -> list[dict[str, torch.Tensor]]:
    """All that a batch says of each of its drawings, for itself."""
    out = []
    keep = None if batch.keep is None else batch.packing.padded(batch.keep)
    ink_keep = None if batch.ink_keep is None else batch.ink_packing.padded(batch.ink_keep)
    weight = batch.packing.padded(batch.weight[:, None])[..., 0]
    for b, (n, inks) in enumerate(zip(batch.lengths.tolist(), batch.inks.tolist(), strict=True)):
        drawing = {"points": batch.points[b, :n], "weight": weight[b, :n], "inks": batch.inks[b]}
        given = {"label": batch.label, "noise": batch.noise}
        drawing |= {name: values[b] for name, values in given.items() if values is not None}
        if batch.offset_noise is not None:
            drawing["offset_noise"] = batch.offset_noise[b, :n]
        if keep is not None:
            drawing["keep"] = keep[b, :n]
        if ink_keep is not None:
            drawing["ink_keep"] = ink_keep[b, :inks]
        out.append(drawing)
    return out


def assert_same(one: Batch, other: Batch) -> None:
    """Equal to the last bit."""
    assert (one.drawings, one.keep_scale) == (other.drawings, other.keep_scale)
    for a, b in zip(drawings(one), drawings(other), strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a)


# --- a batch is a function of its number ----------------------------------------------------------------


@pytest.mark.parametrize("backend", ["decoder", "vae"])
def test_the_same_number_is_the_same_batch(data: Dataset, backend: str) -> None:
    config = small(backend=backend)
    first, again = batches_of(data, config), batches_of(data, config)
    for step in (3, 0, 10**8):
        assert_same(first.batch(step), again.batch(step))
    for other in (batches_of(data, config).batch(4), batches_of(data, small(seed=1)).batch(3)):
        assert not all(
            torch.equal(a["points"], b["points"])
            for a, b in zip(drawings(first.batch(3)), drawings(other), strict=True)
        )


@pytest.mark.parametrize(("begin", "stop"), [(0, 6), (4, 6), (5, 6), (6, 6), (7, 6)])
def test_batches_may_begin_anywhere(data: Dataset, begin: int, stop: int) -> None:
    batches = batches_of(data, small(backend="vae"))
    found = list(batches.from_step(begin, stop))
    assert len(found) == max(0, stop - begin)
    for step, batch in enumerate(found, begin):
        assert_same(batch, batches.batch(step))


def test_nobody_goes_on_making_batches_when_no_more_are_wanted(data: Dataset) -> None:
    before = threading.active_count()
    coming = batches_of(data, small()).from_step(0, 10**9)
    next(coming)
    coming.close()
    assert threading.active_count() == before


def test_what_goes_wrong_in_the_making_comes_out(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = batches_of(data, small())

    def broken(step: int) -> Batch:
        raise InputError(f"step {step} is broken")

    monkeypatch.setattr(batches, "batch", broken)
    with pytest.raises(InputError, match="step 2 is broken"):
        next(batches.from_step(2, 5))


def test_no_global_chance_is_touched(data: Dataset) -> None:
    ours, theirs = torch.get_rng_state(), np.random.get_state()
    batches_of(data, small(backend="vae", balance=0.5)).batch(1)
    assert torch.equal(ours, torch.get_rng_state())
    for a, b in zip(theirs, np.random.get_state(), strict=True):
        assert np.array_equal(a, b)


# --- which drawings -------------------------------------------------------------------------------------


def test_an_epoch_sees_each_drawing_once(data: Dataset) -> None:
    train = data.split("train")
    n = len(train)
    batches = batches_of(data, small(**PLAIN, batch_size=7))
    known = {train.drawing(i)[:, :2].tobytes(): i for i in range(n)}
    assert len(known) == n
    seen: list[int] = []
    for batch in batches.from_step(0, -(-3 * n // 7)):
        for b, inks in enumerate(batch.inks.tolist()):
            pixels = (batch.points[b, : inks + 1, :2].double() * data.scale_factor).round().float()
            index = known[pixels.numpy().tobytes()]
            assert batch.label is not None and int(batch.label[b]) == train.classes[index]
            assert np.array_equal(batch.points[b, : inks + 1, 2:].numpy(), train.drawing(index)[:, 2:])
            seen.append(index)
    epochs = [seen[k * n : (k + 1) * n] for k in range(3)]
    assert all(sorted(epoch) == list(range(n)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


#: Classes of some drawings; some of them have none.
classes_of = st.lists(st.sampled_from([0, 1, 2, 2, 2, 2, 2, 5, 5, 9]), min_size=1, max_size=40).map(np.array)


@settings(max_examples=60)
@given(classes=classes_of, seed=st.integers(0, 9))
def test_without_balance_every_epoch_is_a_permutation(classes: np.ndarray, seed: int) -> None:
    order, n = Order(classes, seed), len(classes)
    assert order.epoch == n
    for epoch in (0, 1, 9):
        found = order(np.arange(epoch * n, (epoch + 1) * n))
        assert np.array_equal(np.sort(found), np.arange(n))


@settings(max_examples=60)
@given(classes=classes_of, seed=st.integers(0, 9), balance=st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_balance_gives_each_class_its_share_and_each_drawing_its_turn(
    classes: np.ndarray, seed: int, balance: float
) -> None:
    order, n = Order(classes, seed, balance), len(classes)
    counts = Counter(classes.tolist())
    parts = sum(count ** (1 - balance) for count in counts.values())
    turns = np.zeros(n, int)
    for epoch in range(7):
        found = order(np.arange(epoch * order.epoch, (epoch + 1) * order.epoch))
        met = Counter(classes[found].tolist())
        for name, count in counts.items():
            due = n * count ** (1 - balance) / parts
            assert met[name] == max(1, round(due))
        turns += np.bincount(found, minlength=n)
        for name in counts:
            members = turns[classes == name]
            assert members.max() - members.min() <= 1


@given(classes=classes_of, balance=st.sampled_from([0.0, 0.7]), data=st.data())
def test_any_place_can_be_asked_for(classes: np.ndarray, balance: float, data: st.DataObject) -> None:
    order = Order(classes, 3, balance)
    places = np.array(data.draw(st.lists(st.integers(0, 5 * order.epoch), max_size=9)), np.int64)
    everything = order(np.arange(5 * order.epoch + 1))
    assert np.array_equal(order(places), everything[places])


def test_a_balanced_run_meets_rare_classes_as_often_as_the_others(data: Dataset) -> None:
    labels: Counter[int] = Counter()
    for batch in batches_of(data, small(**PLAIN, balance=1)).from_step(0, 30):
        assert batch.label is not None
        labels.update(batch.label.tolist())
    assert max(labels.values()) - min(labels.values()) <= 12
    assert sum(labels.values()) == 300


# --- several processes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [2, 3, 10])
@pytest.mark.parametrize("padding", [-1, 1])
def test_processes_together_see_what_one_sees(data: Dataset, world: int, padding: int) -> None:
    config = small(backend="vae", padding=padding, balance=0.5)
    for step in (0, 7):
        alone = batches_of(data, config).batch(step)
        shares = [batches_of(data, config, rank=r, world=world).batch(step) for r in range(world)]
        assert [share.drawings for share in shares] == [10] * world
        together = [drawings(shares[place % world])[place // world] for place in range(10)]
        assert sum(len(share.points) for share in shares) == len(drawings(alone)) == 10
        for one, other in zip(drawings(alone), together, strict=True):
            assert one.keys() == other.keys() == EVERYTHING
            assert all(torch.equal(one[name], other[name]) for name in one)


def test_more_processes_than_drawings_and_no_drawings_are_refused(data: Dataset) -> None:
    with pytest.raises(InputError, match="a batch of 10 drawings cannot be shared by 11 processes"):
        batches_of(data, small(), world=11)
    with pytest.raises(InputError, match="the data set has no drawings in test"):
        Batches(data.split("test"), small(), model_of(data, small()), 10)


# --- what chance does to a drawing ----------------------------------------------------------------------


def test_each_axis_of_each_drawing_is_stretched_by_a_factor_of_its_own(data: Dataset) -> None:
    plain = batches_of(data, small(**PLAIN))
    stretched = batches_of(data, small(**{**PLAIN, "axis_scale": 0.3}))
    factors = []
    for step in range(8):
        for before, after in zip(drawings(plain.batch(step)), drawings(stretched.batch(step)), strict=True):
            assert torch.equal(before["points"][:, 2:], after["points"][:, 2:])
            for axis in (0, 1):
                was, now = (d["points"][:, axis].double() for d in (before, after))
                found = (now[was != 0] / was[was != 0]).numpy()
                assert np.ptp(found) < 1e-5 and not now[was == 0].any()
                factors.append(found[0])
    assert 0.7 <= min(factors) < 0.72 and 1.28 < max(factors) <= 1.3
    assert abs(np.mean(factors) - 1) < 4 * 0.3 / np.sqrt(3 * len(factors))
    assert len(set(factors)) == len(factors)


def test_points_go_but_not_the_way(data: Dataset) -> None:
    whole = batches_of(data, small(**PLAIN, batch_size=30)).batch(2)
    fewer = batches_of(data, small(**{**PLAIN, "point_drop": 0.4}, batch_size=30)).batch(2)
    for before, after in zip(drawings(whole), drawings(fewer), strict=True):
        assert len(after["points"]) <= len(before["points"])
        assert torch.equal(before["points"][:, 3].sum(), after["points"][:, 3].sum())
        ways = [d["points"][:, :2].double().sum(0) for d in (before, after)]
        torch.testing.assert_close(*ways, rtol=0, atol=1e-4)
    assert int(fewer.inks.sum()) < 0.9 * int(whole.inks.sum())


def test_the_class_is_kept_from_the_model_as_often_as_it_says(data: Dataset) -> None:
    batches = batches_of(data, small(**{**PLAIN, "class_dropout": 0.3}, batch_size=500))
    plain = batches_of(data, small(**PLAIN, batch_size=500))
    hidden = []
    for step in range(4):
        label, whole = batches.batch(step).label, plain.batch(step).label
        assert label is not None and whole is not None
        hidden.append(label == 3)
        assert torch.equal(label[~hidden[-1]], whole[~hidden[-1]])
    share = torch.cat(hidden).double().mean()
    assert abs(share - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 2000)
    assert not torch.equal(hidden[0], hidden[1])
    for rate, whether in ((0.0, False), (1.0, True)):
        label = batches_of(data, small(**{**PLAIN, "class_dropout": rate})).batch(0).label
        assert label is not None and bool((label == 3).all()) is whether and (label == 3).any() == whether


def test_a_model_without_classes_is_told_none(data: Dataset) -> None:
    assert batches_of(data, small(classes=False)).batch(0).label is None


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_masks_keep_as_many_as_they_should(data: Dataset, rate: float) -> None:
    config = small(backend="vae", recurrent_dropout=rate, hidden=32, encoder_hidden=8)
    batch = batches_of(data, config).batch(0)
    assert batch.keep is not None and batch.ink_keep is not None
    assert batch.keep.shape == (len(batch.packing.rows), 32)
    assert batch.ink_keep.shape == (int(batch.inks.sum()), 16)
    assert batch.keep_scale == pytest.approx(1 / (1 - rate))
    for keep in (batch.keep, batch.ink_keep):
        assert keep.dtype == torch.bool
        spread = np.sqrt(rate * (1 - rate) / keep.numel())
        assert abs(keep.double().mean() * batch.keep_scale - 1) < 4 * spread * batch.keep_scale
        rows = keep.double().mean(1)  # no row is all alike
        assert rows.std() < 2 * np.sqrt(rate * (1 - rate) / keep.shape[1])
    assert len({d["keep"][0].numpy().tobytes() for d in drawings(batch)}) == 10


def test_there_are_no_masks_without_dropout_and_none_for_an_encoder_that_is_not_there(data: Dataset) -> None:
    batch = batches_of(data, small(recurrent_dropout=0, backend="vae")).batch(0)
    assert (batch.keep, batch.ink_keep, batch.keep_scale) == (None, None, 1.0)
    batch = batches_of(data, small()).batch(0)
    assert (batch.ink_keep, batch.noise) == (None, None)
    assert batch.keep is not None


def test_latent_noise_is_normal(data: Dataset) -> None:
    batches = batches_of(data, small(backend="vae", latent=100))
    noise = torch.cat([n for step in range(10) if (n := batches.batch(step).noise) is not None]).double()
    assert noise.shape == (100, 100)
    assert abs(noise.mean()) < 4 / 100
    assert abs(noise.square().mean() - 1) < 4 * np.sqrt(2) / 100


# --- how drawings are laid out --------------------------------------------------------------------------

inked = st.lists(st.integers(1, 12), min_size=1, max_size=7)


def test_the_pen_goes_astray_as_far_as_it_may_and_in_some_drawings_less(data: Dataset) -> None:
    batch = batches_of(data, small(backend="vae", batch_size=200, offset_noise=5.0), 64).batch(0)
    assert batch.offset_noise is not None
    spread = []
    for astray, inks in zip(batch.offset_noise.numpy(), batch.inks.tolist(), strict=True):
        assert (astray[inks:] == 0).all()
        spread.append(astray[:inks].std() * data.scale_factor)
    assert 0 < min(spread) < 1 and 3.5 < max(spread) < 8
    assert np.mean(spread) == pytest.approx(2.5, abs=0.5)


def test_going_astray_changes_no_other_chance(data: Dataset) -> None:
    one, other = (batches_of(data, small(backend="vae", offset_noise=s), 64).batch(3) for s in (0.0, 5.0))
    assert one.offset_noise is None
    for a, b in zip(drawings(one), drawings(other), strict=True):
        assert set(b) - set(a) == {"offset_noise"}
        assert all(torch.equal(a[name], b[name]) for name in a)


def rows_for(inks: list[int]) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(sum(inks))
    return chance.normal(size=(sum(inks), 2)), chance.random(sum(inks)) < 0.3


@given(inks=inked, nmax=st.integers(1, 20), padding=st.sampled_from([-1, 0, 1, 5]))
def test_so_many_rows_are_computed_and_the_last_counts_for_the_rest(
    inks: list[int], nmax: int, padding: int
) -> None:
    batch = lay_out(*rows_for(inks), np.array(inks), None, nmax, padding)
    assert batch.inks.tolist() == inks
    for n, drawing in zip(inks, drawings(batch), strict=True):
        whole = max(n + 1, nmax)
        assert len(drawing["points"]) == (whole if padding < 0 else min(n + 1 + padding, whole))
        weight = drawing["weight"].tolist()
        assert set(weight[:-1]) <= {1.0}
        assert sum(weight[n:]) == (1 if padding == 0 else whole - n)
        if padding < 0:
            assert set(weight) == {1.0}
    assert batch.useful == sum(inks) + len(inks)


@given(inks=inked, nmax=st.integers(1, 20), padding=st.sampled_from([-1, 0, 1, 5]))
def test_rows_stay_in_their_drawings_and_the_rest_are_end_rows(
    inks: list[int], nmax: int, padding: int
) -> None:
    offsets, lifts = rows_for(inks)
    batch = lay_out(offsets, lifts, np.array(inks), np.arange(len(inks)), nmax, padding)
    assert batch.points.dtype == torch.float32
    assert batch.label is not None and batch.label.tolist() == list(range(len(inks)))
    begin = 0
    for b, n in enumerate(inks):
        mine = slice(begin, begin := begin + n)
        points = batch.points[b].numpy()
        np.testing.assert_array_equal(points[:n, :2], offsets[mine].astype(np.float32))
        np.testing.assert_array_equal(points[:n, 3] == 1, lifts[mine])
        assert (points[:n, 2:].sum(1) == 1).all() and not points[:n, 4].any()
        assert (points[n:] == [0, 0, 0, 0, 1]).all() and len(points) > n
