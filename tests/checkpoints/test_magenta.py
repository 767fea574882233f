"""Magenta's files: read, run and written as the official libraries do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoint_parts import CARD, decoder, magenta_parts, same_weights, vae

from sketchkit.card import PAPER_START, ZERO_START, ModelCard
from sketchkit.checkpoints.load import load_model
from sketchkit.checkpoints.magenta import dump_magenta, load_magenta, parse_magenta
from sketchkit.errors import CheckpointError
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeModel

HALF_STEP = 0.5 * 10 / 32767
TINY = ["tiny_gen", "tiny_gen_v2", "tiny_vae", "tiny_vae_v5"]
# A row of the tiny golden sequence is in units of the header's scale factor itself.
TINY_SCALE = 40.5


@pytest.fixture
def golden(data: Path) -> Path:
    return data / "magenta" / "golden"


def _load(path: Path, dtype: str = "float64") -> SketchModel:
    return load_model(path, device="cpu", dtype=dtype)


def _scaled(rows: Any, scale: float) -> np.ndarray:
    out = np.array(rows, np.float64)
    out[:, :2] /= scale
    return out


# --- against the official libraries -------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("name", TINY)
def test_raw_outputs_are_those_of_the_official_library(golden: Path, name: str) -> None:
    answers = json.loads((golden / "tiny_golden.json").read_bytes())
    expected = answers["models"][name]
    model = _load(golden / f"{name}.json")
    rows = _scaled(answers["seq"], TINY_SCALE)
    raw = model.raw_outputs(rows, start=PAPER_START, z=expected.get("z"))
    theirs = np.array([out["raw"] for out in expected["forward"]["outputs"]])
    np.testing.assert_allclose(raw, theirs, rtol=0, atol=1e-9)


@pytest.mark.data
@pytest.mark.parametrize("name", ["tiny_vae", "tiny_vae_v5"])
def test_posteriors_and_start_states_are_those_of_the_official_library(golden: Path, name: str) -> None:
    answers = json.loads((golden / "tiny_golden.json").read_bytes())
    expected = answers["models"][name]
    model = _load(golden / f"{name}.json")
    assert isinstance(model, VaeModel)
    rows = _scaled(answers["seq"], TINY_SCALE)
    for key, seen in (("encode_with_end_row", rows), ("encode_without_end_row", rows[:-1])):
        mu, sigma = model.encode(seen)
        np.testing.assert_allclose(mu, expected[key]["mu"], rtol=0, atol=1e-9)
        np.testing.assert_allclose(sigma, expected[key]["sigma"], rtol=0, atol=1e-9)
    hidden, memory, _ = model.initial_state(1, torch.tensor([expected["z"]], dtype=torch.float64))
    np.testing.assert_allclose(hidden[0], expected["init"]["h"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(memory[0], expected["init"]["c"], rtol=0, atol=1e-9)


@pytest.mark.data
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 5e-5), ("float64", 1e-9)])
@pytest.mark.parametrize("name", ["bird", "sheep"])
def test_published_models_predict_what_the_official_library_predicts(
    data: Path, golden: Path, name: str, dtype: str, tolerance: float
) -> None:
    model = _load(data / "magenta" / f"{name}.gen.json", dtype)
    for run in json.loads((golden / f"{name}.json").read_bytes())["runs"]:
        raw = model.raw_outputs(_scaled(run["inputs"], run["scale"]), start=run["start"])
        theirs = np.array([out["raw"] for out in run["lib"]["sketch_rnn.js"]["outputs"]])
        np.testing.assert_allclose(raw, theirs, rtol=0, atol=tolerance)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "start", "length", "scale"),
    [("bird", ZERO_START, 129, 71.3754 / 2), ("sheep", PAPER_START, 156, 63.0983 / 2)],
)
def test_the_card_of_a_published_model_says_what_its_header_says(
    data: Path, name: str, start: tuple[float, ...], length: int, scale: float
) -> None:
    card = _load(data / "magenta" / f"{name}.gen.json", "float32").card
    assert (card.name, card.classes, card.start) == (name, (name,), start)
    assert (card.max_length, card.scale_factor) == (length, scale)
    assert card.provenance["source"] == "Magenta JSON"
    assert card.licence == "not stated in the file"


# --- out again ----------------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("name", TINY)
def test_what_was_read_is_written_byte_for_byte(golden: Path, name: str, tmp_path: Path) -> None:
    content = (golden / f"{name}.json").read_bytes()
    model = _load(golden / f"{name}.json", "float32")
    assert dump_magenta(model) == content.strip()
    model.save(tmp_path / "model.safetensors")
    assert dump_magenta(_load(tmp_path / "model.safetensors", "float32")) == content.strip()


@pytest.mark.data
@pytest.mark.parametrize("name", TINY)
def test_the_js_form_is_the_same_model(golden: Path, name: str, tmp_path: Path) -> None:
    model = _load(golden / f"{name}.json")
    script = dump_magenta(model, wrapper=True)
    assert script == b"var model_raw_data='" + (golden / f"{name}.json").read_bytes().strip() + b"';"
    (tmp_path / "model.gen.js").write_bytes(script)
    back = _load(tmp_path / "model.gen.js")
    assert same_weights(back, model)
    assert back.card == model.card


def _read_back(model: SketchModel, wrapper: bool = False) -> SketchModel:
    return parse_magenta(dump_magenta(model, wrapper=wrapper), torch.float32)


@pytest.mark.parametrize("wrapper", [False, True])
@pytest.mark.parametrize("make", [decoder, vae, lambda seed: vae(seed, tanh_z=True)])
def test_a_model_of_our_own_comes_back_within_half_a_step(make: Any, wrapper: bool) -> None:
    model = make(seed=4)
    back = _read_back(model, wrapper)
    assert back.architecture == model.architecture
    ours, theirs = model.state_dict(), back.state_dict()
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        assert float((theirs[name].double() - weight.double()).abs().max()) <= HALF_STEP * (1 + 1e-4)
    assert back.card.name == "tiny"
    assert (back.card.max_length, back.card.scale_factor) == (CARD.max_length, CARD.scale_factor)
    # The second time nothing is lost any more.
    assert dump_magenta(back) == dump_magenta(_read_back(back))


def test_weights_beyond_ten_are_clipped() -> None:
    model = decoder()
    model.decoder.output.bias[0], model.decoder.output.bias[1] = 50.0, -50.0
    assert _read_back(model).decoder.output.bias[:2].tolist() == [10.0, -10.0]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_not_written(number: float) -> None:
    model = decoder()
    model.decoder.output.bias[0] = number
    with pytest.raises(CheckpointError, match="not finite"):
        dump_magenta(model)


@pytest.mark.parametrize("name", ["cat's", "back\\slash", 'quo"te', "\\'", "line\nbreak", "chêne", "\\u0041"])
def test_any_name_survives_both_forms(name: str) -> None:
    model = decoder(card=ModelCard(name=name))
    assert _read_back(model).card.name == name
    assert _read_back(model, wrapper=True).card.name == name
    script = dump_magenta(model, wrapper=True)
    inside = script[script.index(b"'") + 1 : -2]
    # No quote may end the string early: each follows an odd number of backslashes.
    bare = inside.replace(b"\\\\", b"").replace(b"\\'", b"")
    assert b"'" not in bare


def test_a_header_that_is_no_longer_true_is_written_anew() -> None:
    model = parse_magenta(dump_magenta(decoder()), torch.float32)
    model.with_card(scale_factor=3.0, max_length=99)
    header = json.loads(dump_magenta(model))[0]
    assert (header["scale_factor"], header["max_seq_len"], header["mode"]) == (6.0, 99, 2)
    # A stranger's file may claim anything to have been its header.
    for kept in ({}, {"mode": 1, "scale_factor": 25.0, "max_seq_len": 30}, {"mode": 2}, 5, ["x"]):
        claimed = decoder(
            card=ModelCard(scale_factor=12.5, max_length=30, provenance={"magenta_header": kept})
        )
        assert _read_back(claimed).card.scale_factor == 12.5
    later = vae(tanh_z=True, card=ModelCard(provenance={"magenta_header": magenta_parts(vae())[0]}))
    assert _read_back(later).architecture.tanh_z


def test_another_cell_cannot_be_written() -> None:
    torch.manual_seed(0)
    model = DecoderModel(DecoderArchitecture(hidden=8, mixtures=1, cell="layernorm-lstm"), CARD)
    with pytest.raises(CheckpointError, match="plain LSTM"):
        dump_magenta(model)


def test_another_backend_cannot_be_written() -> None:
    class Other(SketchModel):
        backend = "other"

        def initial_state(self, batch: int, z: object = None, label: object = None) -> tuple[()]:
            return ()

        def step(self, rows: torch.Tensor, state: object) -> tuple[torch.Tensor, tuple[()]]:
            return rows, ()

    with pytest.raises(CheckpointError, match="cannot hold a model of the backend 'other'"):
        dump_magenta(Other(DecoderArchitecture(), CARD))


# --- headers ------------------------------------------------------------------------------------------


def _with_header(**changes: Any) -> bytes:
    header, shapes, blobs = magenta_parts()
    kept = {name: value for name, value in {**header, **changes}.items() if value is not ...}
    return json.dumps([kept, shapes, blobs]).encode()


@pytest.mark.parametrize("mode", [2, "gen", 2.0])
def test_a_decoder_only_file_has_mode_2_or_gen(mode: Any) -> None:
    assert parse_magenta(_with_header(mode=mode), torch.float32).backend == "decoder"


def test_what_the_header_leaves_out_has_a_default(tmp_path: Path) -> None:
    path = tmp_path / "flying pig.gen.json"
    path.write_bytes(_with_header(name=..., version=..., max_seq_len=...))
    card = load_magenta(path, torch.float32, torch.device("cpu")).card
    assert (card.name, card.max_length) == ("flying pig", 250)


def test_what_the_header_has_more_is_kept() -> None:
    model = parse_magenta(_with_header(r_loss=-0.5, training_size=70000), torch.float32)
    assert json.loads(dump_magenta(model))[0]["r_loss"] == -0.5


@pytest.mark.parametrize(("version", "expected"), [(5, True), (5.9, True), (6, False), (7, False)])
def test_below_version_6_the_start_state_takes_tanh_of_z(version: float, expected: bool) -> None:
    header, shapes, blobs = magenta_parts(vae())
    header["version"] = version
    model = parse_magenta(json.dumps([header, shapes, blobs]).encode(), torch.float32)
    assert model.architecture.tanh_z is expected


@pytest.mark.parametrize("wrapper", [False, True])
def test_a_byte_order_mark_does_not_matter(wrapper: bool) -> None:
    content = dump_magenta(decoder(), wrapper=wrapper)
    for marks in (b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2):
        assert dump_magenta(parse_magenta(marks + content, torch.float32), wrapper=wrapper) == content


def test_a_file_that_is_no_utf8_text_is_called_so() -> None:
    content = dump_magenta(decoder())
    with pytest.raises(CheckpointError, match="UTF-16"):
        parse_magenta(content.decode().encode("utf-16"), torch.float32)
    with pytest.raises(CheckpointError, match="compressed with gzip"):
        parse_magenta(gzip.compress(content), torch.float32)


def test_blanks_around_the_file_do_not_matter() -> None:
    for content in (dump_magenta(decoder()), dump_magenta(decoder(), wrapper=True)):
        assert parse_magenta(b"\n  " + content + b"\r\n", torch.float32).backend == "decoder"
    spaced = dump_magenta(decoder(), wrapper=True).replace(b"data='", b"data = '")
    assert parse_magenta(spaced, torch.float32).backend == "decoder"
