"""The training loop as a whole: it learns, it goes on exactly, it stops when it should, and it survives."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from forks import Fork
from loop_parts import Ear, groups, losses, run_tiny, several, small_data, start, tiny

from sketchkit.card import CELLS
from sketchkit.checkpoints.load import load_model
from sketchkit.errors import CheckpointError, InputError
from sketchkit.training import train
from sketchkit.training.checkpointing import steps_saved
from sketchkit.training.data import Dataset, Split
from sketchkit.training.logs import read_log
from sketchkit.training.runs import read_run

#: How often a run is killed; `SKETCHKIT_KILLS=25` asks for more.
KILLS = int(os.environ.get("SKETCHKIT_KILLS", "2"))

#: What several processes train together; a VAE has all that a decoder has.
SHARED = tiny(backend="vae", steps=12, kl_minimum=0.02, precision="float32", schedule="constant")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return small_data(tmp_path_factory.mktemp("data") / "small")


@pytest.fixture(scope="module")
def whole(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run_tiny(small, folder, config={"backend": "vae"})
    return folder


@pytest.fixture(scope="module")
def in_two(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes, one of which ends as Python ends: threads of theirs could abort that."""
    folder = tmp_path_factory.mktemp("runs") / "two"
    for code, said in several(2, small, folder, SHARED, forked=False):
        assert code == 0, said
    return folder


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("backend", ["decoder", "vae"])
def test_every_model_learns(small: Dataset, tmp_path: Path, backend: str, cell: str) -> None:
    ear = Ear()
    config = {"backend": backend, "cell": cell, "steps": 30, "learning_rate": 0.02, "evaluate_every": 15}
    info = run_tiny(small, tmp_path / "run", ear, config=config)
    assert info.status == "finished" and info.step == 30
    parts = [record.terms["offset"] + record.terms["pen"] for record in ear.steps]
    assert np.mean(parts[-5:]) < 0.85 * np.mean(parts[:5])
    assert [record.step for record in ear.evaluations] == [15, 30]
    assert ("kl" in ear.steps[-1].terms) == (backend == "vae")
    model = load_model(tmp_path / "run" / "best.safetensors")
    assert model.card.classes == ("face", "sun") and model.card.scale_factor == small.scale_factor
    assert model.card.provenance["step"] == 30


def test_a_run_that_goes_on_comes_to_the_same_losses(small: Dataset, whole: Path, tmp_path: Path) -> None:
    folder, asked = tmp_path / "run", iter([None] * 9 + ["interrupted"])
    info = run_tiny(small, folder, config={"backend": "vae"}, stop=lambda: next(asked))
    assert (info.status, info.step) == ("interrupted", 10)
    assert read_run(folder).status == "interrupted"
    info = run_tiny(small, folder, config={"backend": "vae"}, resume=True)
    assert (info.status, info.step) == ("finished", 24)
    assert losses(folder) == losses(whole)
    ours, theirs = (load_model(path / "last.safetensors").state_dict() for path in (folder, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("setting", ["autocast", "device", "inference", "type"])
def test_what_is_set_in_torch_around_a_run_does_not_change_it(
    small: Dataset, tmp_path: Path, setting: str
) -> None:
    short = tiny(steps=4, evaluate_every=2)
    train(small, tmp_path / "a", short, device="cpu")
    around = {
        "autocast": torch.autocast("cpu", torch.bfloat16),
        "device": torch.device("meta"),
        "inference": torch.inference_mode(),
        "type": nullcontext(),
    }
    with around[setting]:
        torch.set_default_dtype(torch.float64 if setting == "type" else torch.float32)
        try:
            train(small, tmp_path / "b", short, device="cpu")
        finally:
            torch.set_default_dtype(torch.float32)
    first, second = read_log(tmp_path / "a"), read_log(tmp_path / "b")
    assert np.array_equal(first.train["loss"], second.train["loss"])
    assert np.array_equal(first.valid["loss"], second.valid["loss"])


def test_a_damaged_checkpoint_is_passed_over_with_a_word(small: Dataset, whole: Path, tmp_path: Path) -> None:
    folder, asked, ear = tmp_path / "run", iter([None] * 12 + ["interrupted"]), Ear()
    run_tiny(small, folder, config={"backend": "vae"}, stop=lambda: next(asked))
    newest = sorted((folder / "checkpoints").glob("*.safetensors"))[-1]
    content = bytearray(newest.read_bytes())
    content[-9] ^= 1
    newest.write_bytes(bytes(content))
    run_tiny(small, folder, ear, config={"backend": "vae"}, resume=True)
    assert ["damaged" in note for note in ear.notes] == [True]
    assert losses(folder) == losses(whole)


def test_killed_at_any_moment_every_later_loss_is_the_same(
    small: Dataset, whole: Path, tmp_path: Path
) -> None:
    chance, folder, saving = random.Random(5), tmp_path / "run", 0
    config = tiny(backend="vae")
    for number in range(KILLS):
        while_saving = number % 2 == 0
        process = start(small, folder, config, chance.randint(1, 12) if while_saving else 0)
        if not while_saving:
            _wait_for(folder / "train.csv", _lines(folder / "train.csv") + chance.randint(1, 8), process)
            process.kill()
        process.communicate(timeout=600)
        if process.returncode == 0:  # it came to its end before: begin anew, or nothing would be left to kill
            assert losses(folder) == losses(whole)
            folder = tmp_path / f"run-{number}"
        else:
            assert process.returncode == -signal.SIGKILL
            saving += while_saving
    assert saving >= KILLS // 3
    process = start(small, folder, config)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert out.strip() == "finished"
    assert losses(folder) == losses(whole)
    assert not list((folder / "checkpoints").glob(".*"))


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wait_for(path: Path, lines: int, process: Fork) -> None:
    """Until the log of a run has so many lines, or the run is over."""
    while _lines(path) < lines and process.poll() is None:
        time.sleep(0.005)


def test_on_a_full_disk_the_older_checkpoint_stays(small: Dataset, tmp_path: Path) -> None:
    folder, asked = tmp_path / "run", iter([None] * 3 + ["interrupted"])
    run_tiny(small, folder, stop=lambda: next(asked))
    before = {p.name: p.read_bytes() for p in (folder / "checkpoints").iterdir()}
    limit = max(len(content) for content in before.values()) // 2

    process = start(small, folder, tiny(), largest_file=limit)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 1
    assert err.strip().splitlines()[-1].endswith("safetensors: file too large")
    after = {p.name: p.read_bytes() for p in (folder / "checkpoints").iterdir()}
    assert after == before
    assert run_tiny(small, folder, resume=True).status == "finished"


def test_two_processes_learn_what_one_does(small: Dataset, in_two: Path, tmp_path: Path) -> None:
    run_tiny(small, tmp_path / "one", config={**SHARED.to_json()})
    one, two = losses(tmp_path / "one"), losses(in_two)
    assert len(one) == len(two) == 12 + 2
    for ours, theirs in zip(two, one, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_two_processes_go_on_together(small: Dataset, in_two: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for steps in (6, SHARED.steps):
        for code, said in several(2, small, folder, replace(SHARED, steps=steps)):
            assert code == 0, said
    # The shorter run was measured at its own last step, too.
    went_on = [row for row in losses(folder) if len(row) > 8]
    np.testing.assert_allclose(went_on, [row for row in losses(in_two) if len(row) > 8], rtol=0, atol=0)


def test_two_groups_of_torchrun_go_on_after_a_worker_is_killed(
    small: Dataset, in_two: Path, tmp_path: Path
) -> None:
    for code, said in groups(2, small, tmp_path / "run", SHARED, die_at=7):
        assert code == 0, said
    assert (tmp_path / "run" / "died").exists()
    assert losses(tmp_path / "run") == losses(in_two)
    best = "best.safetensors"
    assert (
        load_model(tmp_path / "run" / best).weights_checksum() == load_model(in_two / best).weights_checksum()
    )


def test_what_is_not_finite_is_left_out_and_counted(small: Dataset, tmp_path: Path) -> None:
    ear = Ear()
    info = run_tiny(_poisoned(small, 1), tmp_path / "run", ear, config={"steps": 40})
    assert info.status == "finished"
    assert 0 < ear.steps[-1].skipped < 20
    spoilt = [record.step for record in ear.steps if not np.isfinite(record.loss)]
    assert len(spoilt) == ear.steps[-1].skipped
    assert np.isfinite([record.loss for record in ear.evaluations]).all()


def test_a_run_without_any_finite_loss_gives_up_with_advice(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"step 3: 3 updates in a row had no finite loss.*--learning-rate"):
        run_tiny(_poisoned(small, 55), tmp_path / "run", config={"skip_limit": 3})
    assert read_run(tmp_path / "run").status == "failed"
    assert not (tmp_path / "run" / "last.safetensors").exists()


def _poisoned(small: Dataset, count: int) -> Dataset:
    """The same drawings, but some of the training drawings reach into infinity."""
    train = small.split("train")
    offsets, lifts, inks, labels = train.flat(np.arange(len(train)))
    offsets[: int(inks[:count].sum())] = np.inf
    arrays = {
        "offsets": offsets.reshape(-1),
        "lifts": lifts.astype(np.uint8),
        "bounds": np.concatenate(([0], np.cumsum(inks))),
        "labels": labels.astype(np.uint16),
        "keys": train.keys,
    }
    splits = {name: small.split(name) for name in ("valid", "test")}
    return Dataset(small.path, small.manifest, {**splits, "train": Split("train", arrays)})


def test_patience_ends_a_run_that_gets_no_better(small: Dataset, tmp_path: Path) -> None:
    ear = Ear()
    config = {"learning_rate": 0.0, "min_learning_rate": 0.0, "patience": 2, "evaluate_every": 3, "ema": 0.0}
    info = run_tiny(small, tmp_path / "run", ear, config=config)
    assert (info.status, info.step) == ("stopped-early", 9)
    assert [record.best for record in ear.evaluations] == [True, False, False]


def test_time_that_is_up_ends_a_run_that_can_go_on(small: Dataset, tmp_path: Path) -> None:
    info = run_tiny(small, tmp_path / "run", max_seconds=0.0)
    assert (info.status, info.step) == ("out-of-time", 1)
    assert steps_saved(tmp_path / "run" / "checkpoints") == [1]


def test_a_run_that_goes_on_may_become_longer_but_not_another(small: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_tiny(small, folder, config={"steps": 8})
    assert run_tiny(small, folder, config={"steps": 12}, resume=True).step == 12
    with pytest.raises(InputError, match="a run that goes on cannot change hidden from 12 to 13"):
        run_tiny(small, folder, config={"hidden": 13}, resume=True)
    other = small_data(tmp_path / "other", 70)
    with pytest.raises(InputError, match="learns from other data"):
        run_tiny(other, folder, resume=True)
    with pytest.raises(InputError, match="the run exists already; --resume goes on with it"):
        run_tiny(small, folder)
    with pytest.raises(InputError, match=r"no run: it holds no run\.json"):
        run_tiny(small, tmp_path, resume=True)
    for path in (folder / "checkpoints").glob("*.json"):
        path.write_text("{}")
    with pytest.raises(CheckpointError, match="every checkpoint is damaged"):
        run_tiny(small, folder, config={"steps": 12}, resume=True)


def test_a_run_may_begin_with_a_model_of_its_sizes(small: Dataset, whole: Path, tmp_path: Path) -> None:
    model, folder = load_model(whole / "last.safetensors"), tmp_path / "run"
    # Its units are its own, whatever the data's.
    model.with_card(scale_factor=2.0 * small.scale_factor)
    still = {"backend": "vae", "learning_rate": 0.0, "min_learning_rate": 0.0, "steps": 2}
    info = run_tiny(small, folder, config=still, init=model)
    after = load_model(folder / "last.safetensors")
    assert after.card.scale_factor == model.card.scale_factor
    assert after.card.provenance["began_with"]["name"] == model.card.name == info.init["name"]
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(after.state_dict()[name], weight, rtol=1e-6, atol=0)
    with pytest.raises(InputError, match="'whole' has hidden=12, not hidden=13: leave out --hidden"):
        run_tiny(small, tmp_path / "other", config={"backend": "vae", "hidden": 13}, init=model)
    with pytest.raises(InputError, match="the model 'whole' is of the backend vae, not decoder"):
        run_tiny(small, tmp_path / "other", config={"backend": "decoder"}, init=model)


def test_a_run_that_began_with_a_model_goes_on_exactly(small: Dataset, whole: Path, tmp_path: Path) -> None:
    model, asked = load_model(whole / "last.safetensors"), iter([None, "interrupted"])
    config = {"backend": "vae", "steps": 6, "save_every": 100}
    run_tiny(small, tmp_path / "whole", config=config, init=model)
    run_tiny(small, tmp_path / "run", config=config, init=model, stop=lambda: next(asked))
    for path in (tmp_path / "run" / "checkpoints").glob("00000002.*"):
        path.unlink()  # as if it had been killed before it saved anything but what it began with
    assert run_tiny(small, tmp_path / "run", config=config, resume=True).step == 6
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")


def test_an_evaluation_leaves_a_sheet_to_look_at(small: Dataset, tmp_path: Path) -> None:
    for backend in ("decoder", "vae"):
        run_tiny(small, tmp_path / backend, config={"backend": backend, "grid": 4, "steps": 4})
        sheet = tmp_path / backend / "samples" / "step-00000004"
        assert sheet.with_suffix(".svg").read_bytes().startswith(b"<?xml")
        assert sheet.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_torch_is_left_as_it_was(small: Dataset, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    run_tiny(small, tmp_path / "run", config={"steps": 2})
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == 1


def test_a_device_without_bfloat16_products_is_told_of(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sketchkit.training.trainer.fast_bfloat16", lambda device: False)
    ear = Ear()
    run_tiny(small, tmp_path / "run", ear, config={"precision": "bfloat16", "steps": 1})
    assert ear.notes == ["this device has no products in bfloat16 of its own: float32 would be faster"]


@pytest.mark.gpu
@pytest.mark.parametrize("backend", ["decoder", "vae"])
def test_a_run_on_cuda_comes_near_one_on_the_cpu(small: Dataset, tmp_path: Path, backend: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    found = []
    for device in ("cpu", "cuda"):
        train(small, tmp_path / device, tiny(backend=backend, precision="float32"), device=device, threads=1)
        found.append(read_log(tmp_path / device).train["loss"])
    np.testing.assert_allclose(found[1], found[0], rtol=0.02)
    asked = iter([None] * 9 + ["interrupted"])
    train(small, tmp_path / "half", tiny(precision="bfloat16"), device="cuda", stop=lambda: next(asked))
    assert train(small, tmp_path / "half", resume=True, device="cuda").status == "finished"


def test_products_in_bfloat16_come_near_those_in_float32(small: Dataset, tmp_path: Path) -> None:
    found = []
    for precision in ("float32", "bfloat16"):
        run_tiny(small, tmp_path / precision, config={"precision": precision, "steps": 20})
        found.append(read_log(tmp_path / precision).train["loss"])
    assert not np.array_equal(*found)
    np.testing.assert_allclose(found[1], found[0], rtol=0.03)
