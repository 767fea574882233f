"""Devices and number types by a user's word."""

from __future__ import annotations

import pytest
import torch

from sketchkit.devices import fast_bfloat16, one_thread, resolve_device, resolve_dtype
from sketchkit.errors import DeviceError


def test_auto_is_a_device_that_is_there() -> None:
    device = resolve_device("auto")
    assert torch.ones(2, device=device).sum().item() == 2


def test_the_cpu_is_always_there() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")


def test_auto_prefers_cuda_then_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")


@pytest.mark.parametrize(
    "name", ["", "gpu", "cuda:999", "cpu!", "HPU", "hpu", "xla", "vulkan", "privateuseone"]
)
def test_a_device_that_is_not_there_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(DeviceError, match="cannot be used here") as refused:
        resolve_device(name)
    assert repr(name) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "meant"), [("gpu", "cuda"), ("gpu:1", "cuda:1"), ("GPU", "cuda"), ("Cpu", "cpu")]
)
def test_gpu_is_cuda_in_any_case(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    monkeypatch.setattr(torch, "empty", lambda *size, device: None)
    assert resolve_device(name) == torch.device(meant)


def test_the_error_of_a_missing_gpu_says_what_gpu_means(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*size: int, device: torch.device) -> None:
        raise RuntimeError(f"no {device}")

    monkeypatch.setattr(torch, "empty", fail)
    with pytest.raises(DeviceError, match=r"^the device 'gpu', which is cuda, cannot be used here: no cuda$"):
        resolve_device("gpu")


def test_a_device_without_numbers_is_refused() -> None:
    with pytest.raises(DeviceError, match="'meta'"):
        resolve_device("meta")


@pytest.mark.parametrize("name", ["float32", "float64", "bfloat16", "float16"])
def test_a_number_type_is_known_by_name_and_as_itself(name: str) -> None:
    assert resolve_dtype(name) == getattr(torch, name)
    assert resolve_dtype(getattr(torch, name)) == getattr(torch, name)


@pytest.mark.parametrize("word", ["float", "int8", "", "torch.float32", torch.int64, torch.complex64])
def test_other_number_types_are_refused_with_those_that_exist(word: str | torch.dtype) -> None:
    with pytest.raises(DeviceError, match="float32, float64, bfloat16, float16"):
        resolve_dtype(word)


def test_a_processor_knows_whether_it_has_products_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for known, expected in (
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": True}, True),
        ({"avx2": True, "avx512_bf16": False}, False),
        ({}, None),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda known=known: known)
        assert fast_bfloat16(cpu) is expected
    assert fast_bfloat16(torch.device("mps")) is None


def test_one_thread_is_given_back_whatever_happens() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with pytest.raises(KeyError), one_thread():
            assert torch.get_num_threads() == 1
            raise KeyError
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
