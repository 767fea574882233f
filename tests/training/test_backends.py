"""Backends of plugins are trained as ours are: what they can be told, and what they cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from forks import Fork, run_command
from loop_parts import losses, small_data
from strange_parts import MODULE, installed_here, write_package
from train_parts import batches_of, model_of

from sketchkit.card import ModelCard
from sketchkit.checkpoints.load import load_model
from sketchkit.cli import main
from sketchkit.errors import InputError, PluginError
from sketchkit.models import Packing
from sketchkit.training import TrainConfig, train
from sketchkit.training.backends import build, resolve_config, sizes_of
from sketchkit.training.data import Dataset
from sketchkit.training.estimate import estimate
from sketchkit.training.runs import read_run


@pytest.fixture(scope="module", autouse=True)
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with installed_here(tmp_path_factory.mktemp("strange")):
        yield


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return small_data(tmp_path_factory.mktemp("data") / "small")


def configured(**changes: Any) -> TrainConfig:
    short = {"steps": 12, "save_every": 4, "evaluate_every": 6, "log_every": 1, "grid": 2, "batch_size": 6}
    return TrainConfig.made(None, {"backend": "walker", "mixtures": 2, **short}, changes)


def trained(data: Dataset, folder: Path, config: TrainConfig, **more: Any) -> Any:
    return train(data, folder, config, device="cpu", threads=1, **more)


# --- what a backend is told -----------------------------------------------------------------------------


def test_an_architecture_is_made_of_the_options_it_shares_and_of_its_own() -> None:
    config = resolve_config(configured(position=True, architecture={"units": "9", "mood": "wild"}))
    assert config.architecture == {"units": 9, "pace": 0.5, "mood": "wild"}
    assert resolve_config(config) == config
    made = vars(build(config, ModelCard()).architecture)
    assert made == {"units": 9, "pace": 0.5, "mood": "wild", "mixtures": 2, "position": True}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"architecture": {"unit": 3}}, "'walker' has no option 'unit': it has units, pace, mood"),
        ({"architecture": {"units": 65}}, "'units' of the architecture of 'walker' must be 1..64, got 65"),
        ({"architecture": {"units": "some"}}, "'units' of .* must be a whole number, got 'some'"),
        ({"architecture": {"mood": "sad"}}, "'mood' of .* must be one of calm, wild, got 'sad'"),
        ({"architecture": {"mixtures": 3}}, "'mixtures' is an option of every training: say --mixtures"),
        ({"architecture": {"units": [3]}}, "the architecture's 'units' must be a number or a text"),
        ({"architecture": 3}, "the architecture must be values by name, got 3"),
        ({"hidden": 9}, "'walker' has no --hidden: it has mixtures, position, units, pace, mood"),
        ({"cell": "hyper-lstm"}, "'walker' has no --cell"),
        ({"classes": True}, "'walker' has no --classes"),
        ({"recurrent_dropout": 0.2}, "'walker' has no --recurrent-dropout"),
        ({"dropout": 0.2}, "'walker' has no --dropout"),
        ({"backend": "stumbler", "recurrent_dropout": 0.2}, "'stumbler' has no .*: it has --dropout"),
        ({"backend": "decoder", "dropout": 0.2}, "'decoder' has no --dropout: it has --recurrent-dropout"),
        (
            {"backend": "decoder", "architecture": {"units": 3}},
            "has no option 'units': it has none",
        ),
        ({"backend": "dreamer"}, "'dreamer' draws from a latent vector: to be trained, it needs losses"),
    ],
    ids=str,
)
def test_what_a_backend_cannot_be_told_is_refused_in_one_line(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        resolve_config(configured(**changes))
    assert "\n" not in str(error.value)


def test_an_unknown_backend_is_told_with_the_nearest() -> None:
    with pytest.raises(PluginError, match=r"no model named 'walkr': did you mean 'walker'\?"):
        resolve_config(configured(backend="walkr"))


def test_a_default_that_is_said_outright_is_not_passed_over() -> None:
    assert resolve_config(configured()).recurrent_dropout == 0
    assert resolve_config(configured(backend="decoder")).recurrent_dropout == 0.1
    with pytest.raises(InputError, match="'walker' has no --recurrent-dropout"):
        resolve_config(configured(recurrent_dropout=0.1), {"recurrent_dropout"})
    with pytest.raises(InputError, match="'walker' has no --hidden"):
        resolve_config(configured(hidden=512), {"hidden"})
    assert resolve_config(configured(recurrent_dropout=0.0), {"recurrent_dropout"}).recurrent_dropout == 0


def test_a_backend_that_reads_no_position_is_trained_and_recorded_without(
    small: Dataset, tmp_path: Path
) -> None:
    for config in (configured(backend="crawler"), TrainConfig.made("released", {"backend": "crawler"})):
        assert resolve_config(config).position is False
    assert resolve_config(resolve_config(configured(backend="crawler")), {"position"}).position is False
    with pytest.raises(InputError, match="'crawler' has no --position"):
        resolve_config(configured(backend="crawler", position=True), {"position"})
    config = resolve_config(configured(backend="crawler"))
    trained(small, tmp_path / "run", replace(config, steps=6))
    assert read_run(tmp_path / "run").config.position is False
    again = resolve_config(read_run(tmp_path / "run").config)
    assert trained(small, tmp_path / "run", replace(again, steps=12), resume=True).step == 12


def test_dashes_and_underscores_name_the_same_part_of_an_architecture() -> None:
    assert TrainConfig.made(None, {"architecture": {"a-b": 3}}).architecture == {"a_b": 3}


def test_what_is_said_of_an_architecture_is_said_part_by_part() -> None:
    layers = [{"architecture": {"units": 3, "pace": 0.1}}, {"architecture": {"units": 4}}]
    assert TrainConfig.made(None, *layers).architecture == {"units": 4, "pace": 0.1}


def test_a_model_says_the_configuration_that_makes_it_again(small: Dataset) -> None:
    config = resolve_config(configured(architecture={"units": 5}))
    model = model_of(small, config)
    again = resolve_config(TrainConfig.made(None, sizes_of(model)))
    assert model_of(small, again).architecture == model.architecture


def test_a_record_without_an_architecture_reads_as_it_always_did() -> None:
    record = TrainConfig().to_json()
    assert "architecture" not in record and "dropout" not in record
    assert TrainConfig.made(None, record) == TrainConfig()
    said = resolve_config(configured()).to_json()
    assert TrainConfig.made(None, json.loads(json.dumps(said))) == resolve_config(configured())


# --- what it computes -----------------------------------------------------------------------------------


def test_packed_rows_are_those_of_forward_unless_a_backend_brings_its_own(small: Dataset) -> None:
    model = model_of(small, resolve_config(configured()))
    rows, lengths = torch.randn(4, 7, 5), torch.tensor([3, 7, 1, 5])
    packing, state = Packing.of(lengths, 7), model.initial_state(4)
    raw, _ = model(rows, state)
    assert torch.equal(model.packed(rows, state, packing), packing.pack(raw))


def test_dropout_drops_the_backends_own_numbers_and_no_others(small: Dataset) -> None:
    config = resolve_config(configured(backend="stumbler", dropout=0.25, architecture={"units": 50}))
    model = model_of(small, config)
    batch = batches_of(small, config).batch(0)
    assert batch.keep is not None and batch.keep.shape == (len(batch.packing.rows), 50)
    assert 0.2 < 1 - float(batch.keep.float().mean()) < 0.3
    assert batch.keep_scale == pytest.approx(1 / 0.75)
    dropped = model.losses(batch)["offset"]
    assert not torch.equal(dropped, model.losses(replace(batch, keep=None))["offset"])


def test_every_weight_of_a_plugins_model_is_learnt_and_kept(small: Dataset, tmp_path: Path) -> None:
    config = configured(steps=60, learning_rate=0.02, ema=0.9)
    info = trained(small, tmp_path / "run", config)
    assert (info.status, info.config.backend) == ("finished", "walker")
    first, last = (losses(tmp_path / "run")[i][1] for i in (0, 59))
    assert last < first - 0.1
    model = load_model(str(tmp_path / "run" / "best.safetensors"))
    assert (type(model).__name__, model.architecture.units) == ("Walker", 6)
    assert model.card.provenance["config"]["architecture"] == {"units": 6, "pace": 0.5, "mood": "calm"}
    assert (tmp_path / "run" / "samples" / "step-00000060.svg").exists()


@pytest.mark.parametrize("backend", ["walker", "stumbler", "twin"])
def test_a_run_that_stopped_goes_on_to_the_last_bit(small: Dataset, tmp_path: Path, backend: str) -> None:
    more = {"dropout": 0.2} if backend == "stumbler" else {}
    if backend == "twin":
        more = {"hidden": 8, "encoder_hidden": 4, "latent": 3}
    config = configured(backend=backend, **more)
    trained(small, tmp_path / "whole", config)
    asked = iter([None] * 5 + ["interrupted"])
    assert trained(small, tmp_path / "parts", config, stop=lambda: next(asked)).step == 6
    trained(small, tmp_path / "parts", None, resume=True)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert losses(tmp_path / "whole")[-1][0] == 12


def test_a_run_that_goes_on_cannot_change_its_architecture(small: Dataset, tmp_path: Path) -> None:
    trained(small, tmp_path / "run", configured())
    same = configured(steps=13, architecture={"units": "6"})
    assert trained(small, tmp_path / "run", same, resume=True).step == 13
    with pytest.raises(InputError, match="cannot change units from 6 to 7"):
        trained(small, tmp_path / "run", configured(architecture={"units": 7}), resume=True)
    identities = {read_run(tmp_path / "run").identity}
    trained(small, tmp_path / "other", configured(architecture={"units": 7}))
    assert read_run(tmp_path / "other").identity not in identities


def test_a_run_may_begin_with_the_weights_of_a_plugins_model(small: Dataset, tmp_path: Path) -> None:
    trained(small, tmp_path / "run", configured(architecture={"units": 4}))
    model = load_model(str(tmp_path / "run" / "last.safetensors"))
    more = trained(small, tmp_path / "more", configured(**sizes_of(model)), init=model)
    assert more.config.architecture["units"] == 4
    with pytest.raises(InputError, match="has units=4, not units=6: leave out -O units"):
        trained(small, tmp_path / "other", configured(), init=model)


def test_what_a_training_would_take_is_told_of_a_plugins_model(small: Dataset) -> None:
    found = estimate(small, configured(batch_size=4), device="cpu", threads=1)
    assert found.parameters == 5 * 6 + 6 + 6 * 15 + 15
    assert found.flop_a_step == pytest.approx(6 * (30 + 90) * found.points_a_step)


# --- the command ----------------------------------------------------------------------------------------


def command(folder: Path, package: Path, *words: object) -> subprocess.CompletedProcess[str]:
    place = {"PYTHONPATH": str(package), "SKETCHKIT_DATA_DIR": str(folder / "store"), "COLUMNS": "100"}
    with chdir(folder):
        process = Fork(run_command, [str(word) for word in words], environment=place)
    out, err = process.communicate(timeout=600)
    return subprocess.CompletedProcess(words, process.returncode or 0, out, err)


def test_the_command_trains_and_draws_with_a_plugins_model(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    package = write_package(tmp_path / "package")
    quick = (
        "--steps",
        3,
        "--mixtures",
        2,
        "--batch-size",
        4,
        "--grid",
        0,
        "--threads",
        1,
        "--no-tensorboard",
    )
    (tmp_path / "sizes.toml").write_text("[architecture]\nunits = 7\npace = 0.25\n")
    words = ("train", small.path, "-o", "run", "--backend", "walker", *quick)
    done = command(tmp_path, package, *words, "--config", "sizes.toml", "-O", "units=5", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["config"]["architecture"] == {"units": 5, "pace": 0.25, "mood": "calm"}
    model = "run/best.safetensors"
    drawn = command(
        tmp_path, package, "sample", "--model", model, "-n", 2, "--max-points", 9, "-o", "two.svg"
    )
    assert drawn.returncode == 0, drawn.stderr
    gone = command(tmp_path, package, "train", small.path, "-o", "run", "--resume", "--steps", 4, "--json")
    assert json.loads(gone.stdout)["step"] == 4, gone.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--backend", "walker", "--recurrent-dropout", 0.1), 2, "'walker' has no --recurrent-dropout"),
        (("--backend", "walker", "-O", "units=99"), 2, "must be 1..64, got 99"),
        (("--backend", "walker", "-O", "units"), 2, "an option is written name=value, got 'units'"),
        (
            (
                "--backend",
                "walkr",
            ),
            4,
            "did you mean 'walker'?",
        ),
    ],
    ids=str,
)
def test_what_the_command_cannot_be_told_leaves_no_run(
    small: Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[object, ...],
    code: int,
    told: str,
) -> None:
    run = tmp_path / "run"
    done = main.run([str(word) for word in ("train", small.path, "-o", run, *words)])
    assert done == code and told in capsys.readouterr().err
    assert not run.exists()


def test_help_lists_what_plugins_are_told_and_nothing_where_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Forks find what this process finds.
    monkeypatch.setattr(sys, "path", [place for place in sys.path if not Path(place, MODULE).exists()])
    (tmp_path / "package").mkdir()
    shown = command(tmp_path, write_package(tmp_path / "package"), "train", "--help").stdout
    assert "mood=calm  how it walks  [calm|wild]" in shown
    plain = command(tmp_path, tmp_path, "train", "--help").stdout
    assert "Backends of plugins" not in plain and "--option" in plain
