"""Noise that is a pure function: against the published vectors of Philox, and as random numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sketchkit.errors import InputError
from sketchkit.noise import (
    LATENT,
    MAX_SEED,
    Noise,
    key_of,
    normal_array,
    normals,
    philox,
    round_keys,
    uniforms,
    uniforms_of_key,
    widened,
)

# From the known-answer file of the Random123 library, philox4x32 with 10 rounds: counter, key, result.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def _words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def _scalar_philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox-4x32-10 as the paper prints it, one number at a time in Python's own integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            (second >> 32) ^ c1 ^ k0,
            second & 0xFFFFFFFF,
            (first >> 32) ^ c3 ^ k1,
            first & 0xFFFFFFFF,
        )
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return [c0, c1, c2, c3]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers(counter: str, key: str, expected: str) -> None:
    first, second = _words(key)
    keys = round_keys((first, second), torch.device("cpu"))
    assert philox(torch.tensor(_words(counter)), (first, second)).tolist() == _words(expected)
    assert philox(torch.tensor(_words(counter)), keys).tolist() == _words(expected)
    assert _scalar_philox(_words(counter), _words(key)) == _words(expected)


_WORD = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(st.lists(_WORD, min_size=4, max_size=4), st.tuples(_WORD, _WORD))
def test_philox_in_tensors_is_philox_in_numbers(counter: list[int], key: tuple[int, int]) -> None:
    assert philox(torch.tensor(counter), key).tolist() == _scalar_philox(counter, list(key))


@settings(deadline=None)
@given(st.integers(0, MAX_SEED), st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))
def test_uniform_numbers_are_the_top_23_bits_and_a_half(seed: int, index: int, step: int) -> None:
    counter = [step, 0, index & 0xFFFFFFFF, index >> 32]
    bits = _scalar_philox(counter, [seed & 0xFFFFFFFF, seed >> 32])
    found = uniforms(seed, torch.tensor(index), torch.tensor(step))
    assert found.dtype == torch.float32
    assert found.tolist() == [((b >> 9) + 0.5) / 2**23 for b in bits]
    assert all(0 < u < 1 for u in found.tolist())


@settings(deadline=None)
@given(st.integers(0, MAX_SEED), st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_the_keys_of_all_rounds_give_the_same_numbers(seed: int, index: int, step: int, stream: int) -> None:
    keys = round_keys(key_of(seed), torch.device("cpu"))
    place = torch.tensor(index), torch.tensor(step)
    assert torch.equal(uniforms_of_key(keys, *place, stream), uniforms(seed, *place, stream))


def test_noise_is_made_on_the_device_of_the_index() -> None:
    index = torch.arange(3, device="meta")
    assert round_keys((1, 2), index.device).is_meta
    assert uniforms(1, index[:, None], torch.arange(7, device="meta")).shape == (3, 7, 4)
    assert normals(1, index, 5, LATENT).is_meta and normals(1, index, 5, LATENT).shape == (3, 5)


def test_a_device_without_float64_keeps_float32() -> None:
    class OnMps(Tensor):
        device = torch.device("mps")

    assert widened(torch.ones(2)).dtype == torch.float64
    assert widened(torch.ones(2).as_subclass(OnMps)).dtype == torch.float32


def test_each_of_the_four_numbers_has_one_use() -> None:
    noise = Noise(torch.tensor([[0.1, 0.2, 0.3, 0.4]]))
    assert noise.component.tolist() == pytest.approx([0.1])
    assert noise.pen.tolist() == pytest.approx([0.2])
    radius, angle = math.sqrt(-2.0 * math.log(0.7)), 0.8 * math.pi
    assert noise.normals()[0].tolist() == pytest.approx([radius * math.cos(angle), radius * math.sin(angle)])


def test_uniform_numbers_can_reach_neither_0_nor_1() -> None:
    # The outermost values that any bits can make.
    for bits in (0, 2**32 - 1):
        value = (torch.tensor(bits >> 9).to(torch.float32) + 0.5) * 2.0**-23
        assert 0 < float(value) < 1


def test_noise_does_not_depend_on_shape_order_or_neighbours() -> None:
    index, step = torch.arange(60) * 7, torch.arange(60) % 11
    whole = uniforms(5, index, step)
    assert torch.equal(uniforms(5, index.view(3, 4, 5), step.view(3, 4, 5)).view(60, 4), whole)
    assert torch.equal(uniforms(5, index.flip(0), step.flip(0)).flip(0), whole)
    assert torch.equal(uniforms(5, index[17], step[17]), whole[17])
    grid = uniforms(5, index[:, None], torch.arange(11))
    assert grid.shape == (60, 11, 4)
    assert torch.equal(grid[torch.arange(60), step], whole)


def test_indices_steps_and_seeds_all_make_different_streams() -> None:
    base = torch.tensor(0)
    seen: set[tuple[float, ...]] = set()
    cases = 0
    for seed in (0, 1, 2**32, 2**32 + 1, 2**63 - 1):
        for index in (0, 1, 2**32, 2**32 + 1, 2**62):
            for step in (0, 1, 2**32 - 1):
                seen.add(tuple(uniforms(seed, base + index, base + step).tolist()))
                cases += 1
    assert len(seen) == cases


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match="seed"):
        uniforms(seed, torch.tensor(0), torch.tensor(0))


def _sample(rows: int = 100_000, seed: int = 11) -> Tensor:
    return uniforms(seed, torch.arange(rows) // 100, torch.arange(rows) % 100)


def test_uniform_numbers_are_uniform() -> None:
    sample = _sample().double()
    rows = len(sample)
    for column in sample.T:
        expected = (torch.arange(rows) + 0.5) / rows
        distance = float((column.sort().values - expected).abs().max())
        # The Kolmogorov-Smirnov bound that one sample in a million exceeds.
        assert distance < 2.7 / math.sqrt(rows)
        counts = torch.histc(column, 64, 0, 1)
        assert float(((counts - rows / 64) ** 2 / (rows / 64)).sum()) < 130


def test_no_uniform_number_knows_of_another() -> None:
    sample = _sample().double()
    # The four of one step, those of the next step, and those of the next sketch.
    table = torch.cat((sample[:-100], sample[1:-99], sample[100:]), 1)
    correlation = torch.corrcoef(table.T) - torch.eye(12)
    assert float(correlation.abs().max()) < 5 / math.sqrt(len(table))


def test_normal_numbers_are_normal() -> None:
    normals = Noise(_sample()).normals().double()
    rows = len(normals)
    bound = 5 / math.sqrt(rows)
    assert normals.shape == (rows, 2)
    assert float(normals.mean(0).abs().max()) < bound
    assert float((normals.var(0) - 1).abs().max()) < bound * math.sqrt(2)
    assert abs(float((normals[:, 0] * normals[:, 1]).mean())) < bound
    for column in normals.T:
        cdf = torch.special.ndtr(column.sort().values)
        assert float((cdf - (torch.arange(rows) + 0.5) / rows).abs().max()) < 2.7 / math.sqrt(rows)


@pytest.mark.parametrize("radius", [1e-4, 0.3, 1.0, 2.5, 50.0])
def test_truncated_normals_keep_their_shape_within_the_radius(radius: float) -> None:
    distance = Noise(_sample()).normals(radius).double().norm(dim=-1)
    assert float(distance.max()) <= radius * (1 + 1e-6)
    # The distribution of the radius, cut off and renormalised.
    cdf = torch.expm1(-0.5 * distance.sort().values ** 2) / math.expm1(-0.5 * radius**2)
    expected = (torch.arange(len(cdf)) + 0.5) / len(cdf)
    assert float((cdf - expected).abs().max()) < 2.7 / math.sqrt(len(cdf))


def test_a_radius_of_0_is_the_mean() -> None:
    assert not Noise(_sample(100)).normals(0.0).any()


@pytest.mark.parametrize("size, begin", [(1, 0), (6, 0), (128, 0), (10, 3)])
def test_arrays_of_normal_numbers_are_those_of_tensors(size: int, begin: int) -> None:
    index = np.array([0, 7, 2**40])
    found = normal_array(5, index, size, LATENT, begin)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, normals(5, torch.from_numpy(index), size, LATENT, begin).numpy())


def test_the_outermost_uniform_numbers_make_finite_normals() -> None:
    ends = torch.tensor([2.0**-24, 1 - 2.0**-24])
    corners = torch.cartesian_prod(ends, ends, ends, ends)
    for radius in (0.0, 1e-30, 1.0, 1e30, math.inf):
        assert torch.isfinite(Noise(corners).normals(radius)).all()


def test_a_row_of_normals_does_not_depend_on_the_batch() -> None:
    sample = _sample(101)
    together = Noise(sample).normals(2.0)
    for row in range(0, 101, 9):
        assert torch.equal(Noise(sample[row : row + 1]).normals(2.0)[0], together[row])


# --- vectors of normal numbers --------------------------------------------------------------------------


def test_a_vector_is_made_of_the_four_numbers_of_each_step() -> None:
    index = torch.tensor([3, 0, 2**40])
    found = normals(7, index, 10, LATENT)
    for b, i in enumerate(index.tolist()):
        wanted = []
        for step in range(3):
            u = uniforms(7, torch.tensor([i]), torch.tensor([step]), LATENT)[0].double().tolist()
            for radius, angle in ((u[2], u[3]), (u[0], u[1])):
                length = math.sqrt(-2.0 * math.log1p(-radius))
                wanted += [length * math.cos(2 * math.pi * angle), length * math.sin(2 * math.pi * angle)]
        torch.testing.assert_close(found[b], torch.tensor(wanted[:10]), rtol=0, atol=1e-6)


@settings(deadline=None)
@given(size=st.integers(0, 20), index=st.lists(st.integers(0, 2**40), max_size=5))
def test_a_vector_does_not_depend_on_its_length_or_on_others(size: int, index: list[int]) -> None:
    found = normals(1, torch.tensor(index, dtype=torch.int64), size, LATENT)
    assert found.shape == (len(index), size)
    for row, i in zip(found, index, strict=True):
        assert torch.equal(row, normals(1, torch.tensor([i]), 24, LATENT)[0, :size])
