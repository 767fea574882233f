"""Native checkpoints: what is written is what is read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from checkpoint_parts import CARD, decoder, native_bytes, same_weights, split, vae

from sketchkit.card import ModelCard
from sketchkit.checkpoints.arrays import METADATA_KEY, read_arrays, read_header
from sketchkit.checkpoints.load import load_model
from sketchkit.checkpoints.native import from_grid, save_model, to_grid
from sketchkit.errors import DeviceError, InputError
from sketchkit.models import SketchModel
from sketchkit.tensors import MAX_HEADER_BYTES


def _on_grid(model: SketchModel) -> SketchModel:
    model.load_state_dict({name: from_grid(to_grid(t)) for name, t in model.state_dict().items()})
    return model


def _facts(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(split(path.read_bytes())[0]["__metadata__"][METADATA_KEY])
    return facts


@pytest.mark.parametrize("make", [decoder, vae])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_a_model_comes_back_bit_for_bit(make: Any, dtype: torch.dtype, tmp_path: Path) -> None:
    model = make(seed=5).to(dtype)
    path = tmp_path / "model.safetensors"
    model.save(path)
    back = load_model(path, device="cpu", dtype=dtype)
    assert type(back) is type(model)
    assert back.architecture == model.architecture
    assert back.card == model.card == CARD
    assert same_weights(back, model)
    assert back.dtype == dtype
    assert not back.training
    assert not any(p.requires_grad for p in back.parameters())
    assert _facts(path)["encoding"] == "plain"


@pytest.mark.parametrize("make", [decoder, vae])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weights_on_magentas_grid_are_kept_as_its_integers(
    make: Any, dtype: torch.dtype, tmp_path: Path
) -> None:
    model = _on_grid(make(seed=5)).to(dtype)
    path = tmp_path / "model.safetensors"
    model.save(path)
    assert _facts(path)["encoding"] == "int16-grid"
    assert {info.dtype for info in read_header(path).tensors.values()} == {"I16"}
    assert same_weights(load_model(path, device="cpu", dtype=dtype), model)


def test_every_step_of_the_grid_survives(tmp_path: Path) -> None:
    steps = torch.arange(-32767, 32768, dtype=torch.int32).to(torch.int16)
    assert torch.equal(to_grid(from_grid(steps)), steps)
    assert from_grid(steps).abs().max() == 10.0


def test_weights_beside_the_grid_are_kept_as_they_are(tmp_path: Path) -> None:
    model = _on_grid(decoder())
    model.decoder.output.bias[0] += 1e-6
    path = tmp_path / "model.safetensors"
    model.save(path)
    assert _facts(path)["encoding"] == "plain"
    assert same_weights(load_model(path, device="cpu"), model)


def test_half_precision_weights_mean_the_same_in_float32(tmp_path: Path) -> None:
    model = decoder(seed=2).bfloat16()
    path = tmp_path / "model.safetensors"
    model.save(path)
    assert same_weights(load_model(path, device="cpu"), model.float())


def test_the_header_says_all_but_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    vae().save(path)
    header = read_header(path)
    assert header.backend == "vae"
    assert header.card == CARD
    assert dict(header.architecture)["latent"] == 2
    assert header.tensors["mu.weight"].shape == (2, 4)


@pytest.mark.parametrize("stored", [None, "float16", "bfloat16", "float32", "float64"])
def test_arrays_are_the_weights_of_the_loaded_model(stored: str | None, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for make in (vae, lambda: _on_grid(decoder(seed=4))):
        make().save(path, dtype=stored)
        header, arrays = read_arrays(path)
        kind = "float64" if stored == "float64" else "float32"
        expected = load_model(path, device="cpu", dtype=kind).state_dict()
        assert header == read_header(path) and arrays.keys() == expected.keys()
        for name, array in arrays.items():
            assert array.dtype == kind and array.flags.writeable
            assert np.array_equal(array, expected[name].numpy())


def test_every_integer_of_the_grid_is_read_alike_with_and_without_torch(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = decoder(hidden=128, mixtures=1)
    steps = torch.arange(-32767, -32767 + 128 * 512, dtype=torch.int32).clamp(max=32767).to(torch.int16)
    model.decoder.cell.load_state_dict(
        {**model.decoder.cell.state_dict(), "weight_h": from_grid(steps).reshape(512, 128)}
    )
    _on_grid(model).save(path)
    assert np.array_equal(read_arrays(path)[1]["decoder.cell.weight_h"].ravel(), from_grid(steps).numpy())


def test_equal_models_make_equal_files(tmp_path: Path) -> None:
    assert native_bytes(decoder(seed=1), tmp_path) == native_bytes(decoder(seed=1), tmp_path)


def test_a_loaded_model_draws_what_the_saved_one_drew(tmp_path: Path) -> None:
    model = decoder(seed=9)
    rows = [[0.5, -0.25, 1, 0, 0], [1.0, 0.125, 0, 1, 0]]
    path = tmp_path / "model.safetensors"
    model.save(path)
    assert (load_model(path, device="cpu").raw_outputs(rows) == model.raw_outputs(rows)).all()


@pytest.mark.parametrize("name", ["model.pt", "model", "model.safetensors.bak", "model.json"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.safetensors"):
        decoder().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_stays_unless_it_may_go(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"precious")
    with pytest.raises(InputError, match="exists already"):
        decoder().save(path, overwrite=False)
    assert path.read_bytes() == b"precious"
    decoder().save(path)
    assert same_weights(load_model(path, device="cpu"), decoder())
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    decoder(seed=1).save(path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(KeyboardInterrupt):
        decoder(seed=2).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        decoder().save(tmp_path / "nowhere" / "model.safetensors")


def _nested(depth: int) -> Any:
    return {"a": _nested(depth - 1)} if depth else 1


@pytest.mark.parametrize(
    "provenance",
    [
        {"when": object()},
        {"text": "\ud800"},
        {1: "number as a name"},
        {"size": 10**30},
        {"deep": _nested(400)},
        {"long": "x" * (MAX_HEADER_BYTES + 1)},
    ],
    ids=["object", "surrogate", "key", "integer", "deep", "long"],
)
def test_a_card_that_could_not_be_read_again_is_not_written(
    provenance: dict[Any, Any], tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(InputError, match="the card") as refused:
        save_model(decoder(card=ModelCard(provenance=provenance)), path)
    assert str(refused.value).startswith(f"{path}: ")
    assert list(tmp_path.iterdir()) == []


def test_any_mapping_may_be_a_provenance(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    decoder(card=ModelCard(provenance=MappingProxyType({"made": "here"}))).save(path)
    assert read_header(path).card.provenance == {"made": "here"}


def test_headers_arrays_and_the_store_are_read_without_torch(tmp_path: Path) -> None:
    decoder().save(tmp_path / "models.safetensors")
    code = (
        "import sys, pathlib; from sketchkit.checkpoints import read_arrays, store;"
        "header, arrays = read_arrays(pathlib.Path(sys.argv[1]));"
        "print(header.card.name, len(arrays) > 3, store.stored_models()[0].name);"
        "sys.exit('torch' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "models.safetensors")],
        check=False,
        timeout=600,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (0, "tiny True doodle\n")


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    model = decoder()
    model.decoder.output.bias.data[0] = float("nan")
    with pytest.raises(InputError, match=r"output\.bias' holds a number that is not finite"):
        model.save(tmp_path / "bad.safetensors")
    assert not list(tmp_path.iterdir())


# --- the number type that weights are stored in ----------------------------------------------------------


@pytest.mark.parametrize("make", [decoder, vae])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", torch.float64])
def test_weights_are_stored_in_the_number_type_that_is_asked_for(
    make: Any, dtype: Any, tmp_path: Path
) -> None:
    model, path = make(seed=5), tmp_path / "model.safetensors"
    model.save(path, dtype=dtype)
    kind = dtype if isinstance(dtype, torch.dtype) else getattr(torch, dtype)
    short = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64"}[kind]
    assert {info.dtype for info in read_header(path).tensors.values()} == {short}
    assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float32}
    back = load_model(path, device="cpu")
    assert back.dtype == torch.float32
    for name, tensor in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor.to(kind).float())


def test_a_number_type_that_is_asked_for_goes_before_the_grid(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    _on_grid(decoder()).save(path, dtype="float16")
    assert _facts(path)["encoding"] == "plain"
    assert {info.dtype for info in read_header(path).tensors.values()} == {"F16"}


def test_a_weight_too_large_for_the_number_type_is_refused(tmp_path: Path) -> None:
    model, path = decoder(), tmp_path / "model.safetensors"
    model.decoder.output.bias[1] = -65_520.0  # halfway to the next power: rounds to infinity
    with pytest.raises(InputError) as refused:
        model.save(path, dtype="float16")
    assert str(refused.value) == (
        f"{path}: the weight 'decoder.output.bias' reaches 65520, which is too large for float16"
    )
    assert not path.exists()
    model.decoder.output.bias[1] = -65_504.0
    model.save(path, dtype="float16")
    assert load_model(path, device="cpu").decoder.output.bias[1] == -65_504.0


def test_an_unknown_number_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="unknown number type 'int8'"):
        decoder().save(tmp_path / "model.safetensors", dtype="int8")
