"""Weights in few bits and in the order of the kernels; no instructions of a precision are needed for it."""

import numpy as np
import pytest
import torch
from native_reference import PATHS, make_weights
from sketchkit_native import library as lib
from sketchkit_native.packing import PackedModel, pad, to_bfloat16


def test_bfloat16_is_rounded_as_torch_rounds_it():
    generator = np.random.default_rng(1)
    bits = generator.integers(0, 1 << 32, 200_000, np.uint32)
    # Ties, their neighbours, the largest numbers, infinities, zeros and subnormal numbers.
    ties = (generator.integers(0, 1 << 16, 20_000, np.uint32) << 16) | 0x8000
    limits = np.array(
        [0, 1, 0x7FFF, 0x8000, 0x8001, 0x7F7F7FFF, 0x7F7F8000, 0x7F7FFFFF, 0x7F800000], np.uint32
    )
    bits = np.concatenate((bits, ties, ties - 1, ties + 1, limits, limits | 0x80000000), dtype=np.uint32)
    values = bits.view(np.float32)
    values = values[~np.isnan(values)]
    expected = torch.from_numpy(values).bfloat16().view(torch.int16).numpy().view(np.uint16)
    assert np.array_equal(to_bfloat16(values), expected)


def test_nan_stays_nan_in_bfloat16():
    values = np.array([0x7F800001, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF], np.uint32).view(np.float32)
    back = (to_bfloat16(values).astype(np.uint32) << 16).view(np.float32)
    assert np.isnan(back).all()


def test_numbers_are_padded_with_zeros():
    values = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    assert pad(values, 5).tolist() == [[1, 2, 3, 0, 0], [4, 5, 6, 0, 0]]
    assert pad(values, 3, 0).tolist() == [[1, 2, 3], [4, 5, 6], [0, 0, 0]]


@pytest.mark.parametrize(("precision", "name"), PATHS)
def test_recurrent_weights_lie_in_panels(precision, name):
    weights = make_weights(20, 2)
    lanes = lib.count_lanes(name)
    recurrent = weights.recurrent.numpy().reshape(4, 20, 20)
    if precision == "bfloat16":
        recurrent = to_bfloat16(recurrent)
    elif precision == "int8":
        recurrent = np.rint(recurrent * (127 / np.abs(recurrent).max(2, keepdims=True))).astype(np.int8)
    panels = PackedModel(weights.to_numpy(), precision, name)._products.panels
    assert panels.dtype == recurrent.dtype
    assert panels.ctypes.data % 64 == 0
    assert panels.shape[:1] + panels.shape[2:4] == (32 // lanes, 4, lanes)
    flat = panels.transpose(2, 0, 3, 1, 4).reshape(4, 32, 32)  # gate, unit, input
    assert np.array_equal(flat[:, :20, :20], recurrent)
    assert not flat[:, 20:].any() and not flat[:, :, 20:].any()


def test_gates_of_zeros_are_packed_as_zeros_in_int8():
    weights = make_weights(20, 2)
    weights.recurrent[3] = 0.0
    weights.recurrent[4] *= 1e-39
    products = PackedModel(weights.to_numpy(), "int8", "avx512_vnni")._products
    assert np.isfinite(products.scale).all()
    assert not products.panels.transpose(2, 0, 3, 1, 4).reshape(4, 32, 32)[0, 3].any()
