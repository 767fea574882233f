"""Flag before environment before config.toml before default."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Sketchkit

from sketchkit.errors import InputError
from sketchkit.settings import read_setting


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('temperature = 0.3\nsampler = "nucleus"\nmodel = "tiny"\n')
    monkeypatch.setenv("SKETCHKIT_CONFIG", str(path))
    return path


def test_each_source_gives_way_to_the_one_before_it(
    sketchkit: Sketchkit, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def temperature(*flags: str) -> float:
        told = sketchkit("sample", "-n", 1, "--json", "--force", *flags).json
        return float(told[0]["temperature"])

    assert temperature() == 0.3
    monkeypatch.setenv("SKETCHKIT_TEMPERATURE", "0.2")
    assert temperature() == 0.2
    assert temperature("-t", "0.1") == 0.1
    monkeypatch.delenv("SKETCHKIT_TEMPERATURE")
    config.write_bytes(b"\xef\xbb\xbftemperature = 0.6")
    assert temperature() == 0.6
    config.write_text("")
    assert temperature() == 0.4


def test_the_folder_of_settings_is_read(
    sketchkit: Sketchkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda *args, **kwargs: tmp_path)
    (tmp_path / "config.toml").write_text('sampler = "greedy"')
    assert sketchkit("sample", "-n", 1, "--json").json[0]["sampler"] == "greedy"


def test_the_model_and_the_device_are_settings_too(
    sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKETCHKIT_MODEL", "nobody")
    assert "no model named 'nobody'" in sketchkit("sample").err
    monkeypatch.setenv("SKETCHKIT_DEVICE", "abacus")
    assert "'abacus'" in sketchkit("sample", "-m", "tiny").err


@pytest.mark.parametrize(
    "content", ["temperature = 'hot'", "temperature = true", "temperature = [1]", "no toml"]
)
def test_a_wrong_setting_names_its_file(sketchkit: Sketchkit, config: Path, content: str) -> None:
    config.write_text(content)
    failed = sketchkit("sample")
    assert failed.code == 3
    assert failed.err.startswith(f"sketchkit: {config}: ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("temprature = 0.3", "nothing is called 'temprature': did you mean temperature?"),
        (
            "zzz = 1",
            "nothing is called 'zzz': there are device, engine, model, precision, sampler, temperature, "
            "tries, vae",
        ),
    ],
)
def test_a_setting_that_nobody_knows_is_not_passed_over(
    sketchkit: Sketchkit, config: Path, content: str, words: str
) -> None:
    config.write_text(content)
    failed = sketchkit("sample")
    assert (failed.code, failed.err) == (3, f"sketchkit: {config}: {words}\n")


def test_a_wrong_variable_is_named(sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKETCHKIT_TEMPERATURE", "hot")
    assert sketchkit("sample").err == "sketchkit: SKETCHKIT_TEMPERATURE must be a float, got 'hot'\n"


def test_a_file_that_was_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKETCHKIT_CONFIG", "nosuch.toml")
    monkeypatch.delenv("SKETCHKIT_MODEL")
    with pytest.raises(InputError, match="no such file, though SKETCHKIT_CONFIG names it"):
        read_setting("model", None, "")
    assert read_setting("model", "mine", "") == "mine"


def test_doodle_is_the_model_of_whoever_names_none(
    sketchkit: Sketchkit, bird: Path, doodle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sketchkit("sample", "-n", 1, "--json").json[0]["model"] == "doodle"
    assert sketchkit("complete", bird, "-n", 1, "--json").json[0]["model"] == "doodle"
    assert sketchkit("sample", "-n", 1, "-m", "tiny", "--json").json[0]["model"] == "tiny"
    monkeypatch.setenv("SKETCHKIT_MODEL", "tiny")
    assert sketchkit("sample", "-n", 1, "--json", "-f").json[0]["model"] == "tiny"


@pytest.mark.parametrize("command", ["sample", "complete"])
def test_the_help_says_which_model_it_is(sketchkit: Sketchkit, command: str) -> None:
    shown = " ".join(sketchkit(command, "--help").out.decode().split())
    assert "[env: SKETCHKIT_MODEL] [default: doodle]" in shown


def test_without_doodle_a_model_must_be_named(
    sketchkit: Sketchkit, bird: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SKETCHKIT_MODEL")
    missing = "sketchkit: no model is named and 'doodle', which comes with sketchkit, is not there: "
    for args in (["sample"], ["complete", bird]):
        failed = sketchkit(*args)
        assert (failed.code, failed.err) == (5, f"{missing}--model takes one of tiny\n")
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path / "nowhere"))
    failed = sketchkit("sample")
    assert (failed.code, failed.err) == (
        5,
        f"{missing}`sketchkit models pull bird` brings one for --model\n",
    )
