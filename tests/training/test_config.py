"""The configuration of a training: ranges, types, presets, files and schedules."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchkit.errors import FormatError, InputError
from sketchkit.options import OptionInfo
from sketchkit.training.config import PRESETS, SCHEDULES, TrainConfig, option_infos, read_config

FIELDS = option_infos()
NUMBERS = [info for info in FIELDS if info.type in (int, float)]
CHOICES = [info for info in FIELDS if info.choices]
#: So that each field can be tried at both ends of its range.
RATES = {"learning_rate": {"min_learning_rate": 0}, "min_learning_rate": {"learning_rate": 10}}


def made(info: OptionInfo, value: Any) -> Any:
    """The value that a configuration holds when it is given one."""
    return getattr(TrainConfig.made(None, RATES.get(info.name, {}), {info.name: value}), info.name)


def by_name(info: OptionInfo) -> str:
    return info.name


@pytest.mark.parametrize("info", NUMBERS, ids=by_name)
def test_every_number_has_a_range_and_a_type(info: OptionInfo) -> None:
    assert info.low is not None and info.high is not None and info.low < info.high
    assert info.help and info.low <= info.default <= info.high
    for edge in (info.low, info.high):
        assert made(info, edge) == edge
        assert type(made(info, edge)) is info.type
    beyond = [info.low - 1, info.high + max(1, info.high), math.nan, math.inf, -math.inf]
    others = [None, True, False, [], {}, (1,), "much", "", object]
    for wrong in [*beyond, *others, *([info.low + 0.5] if info.type is int else [])]:
        with pytest.raises(InputError, match=info.name) as told:
            made(info, wrong)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("info", CHOICES, ids=by_name)
def test_every_text_is_one_of_a_few(info: OptionInfo) -> None:
    assert info.default in info.choices
    for choice in info.choices:
        assert made(info, choice) == choice
    for wrong in ("", "nonsense", info.choices[0].upper(), 3, None, True, list(info.choices)):
        with pytest.raises(InputError, match=info.name):
            made(info, wrong)


def test_nothing_is_left_without_a_check() -> None:
    flags = {"classes", "position"}
    assert {info.name for info in FIELDS} == {i.name for i in [*NUMBERS, *CHOICES]} | flags | {"backend"}
    assert made(next(i for i in FIELDS if i.name == "classes"), "yes") is True
    for wrong in (None, 2, "perhaps", [], 0.5):
        with pytest.raises(InputError, match="'classes' of the training must be true or false"):
            TrainConfig(classes=wrong)  # type: ignore[arg-type]


def test_a_learning_rate_cannot_rise() -> None:
    with pytest.raises(InputError, match=r"cannot fall from 1e-06 to 1e-05"):
        TrainConfig(learning_rate=1e-6)
    assert TrainConfig(learning_rate=1e-5).learning_rate_at(7) == pytest.approx(1e-5)


def test_an_old_name_is_read_and_warned_of_in_a_call(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match="stray of TrainConfig is called offset_noise now"):
        config = TrainConfig(stray=3.0)  # type: ignore[call-arg]
    assert config == TrainConfig(offset_noise=3.0) == TrainConfig.made(None, {"stray": 3.0})
    (tmp_path / "how.toml").write_text("stray = 3.0")
    assert TrainConfig.made(None, read_config(tmp_path / "how.toml")) == config
    assert "stray" not in config.to_json() and config.to_json()["offset_noise"] == 3.0


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"the training has no option 'hiden': it has backend, cell, hidden"):
        TrainConfig.made(None, {"hiden": 3})


VALUES = {
    info.name: st.booleans()
    if info.type is bool
    else st.sampled_from(info.choices)
    if info.choices
    else st.text()
    if info.type is str
    else (st.integers if info.type is int else st.floats)(info.low, info.high)  # type: ignore[operator]
    for info in FIELDS
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_what_a_configuration_says_makes_it_again(values: dict[str, Any]) -> None:
    values["min_learning_rate"] = min(
        values.get("learning_rate", 1e-3), values.get("min_learning_rate", 1e-5)
    )
    config = TrainConfig.made(None, values)
    written = json.dumps(config.to_json(), allow_nan=False)
    assert TrainConfig.made(None, json.loads(written)) == config


# --- presets -------------------------------------------------------------------------------------------


def test_the_released_preset_is_the_released_codes() -> None:
    c = TrainConfig.made("released")
    assert (c.schedule, c.position, c.padding, c.kl_weight_start) == ("exponential", False, -1, 0.01)
    assert (c.learning_rate, c.min_learning_rate, c.decay, c.clip) == (1e-3, 1e-5, 0.9999, 1.0)
    assert (c.kl_weight, c.kl_minimum, c.kl_start, c.kl_rate) == (0.5, 0.2, 0.01, 0.99995)
    assert (c.batch_size, c.recurrent_dropout, c.axis_scale, c.point_drop) == (100, 0.1, 0.15, 0.1)
    assert (c.hidden, c.encoder_hidden, c.latent, c.mixtures, c.cell) == (512, 256, 128, 20, "lstm")
    assert (TrainConfig().learning_rate, TrainConfig().schedule, TrainConfig().position) == (
        8e-3,
        "cosine",
        True,
    )
    assert "kl_weight_start" not in TrainConfig().to_json()


def test_the_papers_preset_is_the_papers() -> None:
    c = TrainConfig.made("paper", {"backend": "vae"})
    assert (c.cell, c.hidden, c.encoder_hidden, c.latent, c.mixtures) == ("hyper-lstm", 2048, 512, 128, 20)
    assert (c.kl_weight, c.padding, c.backend) == (1.0, -1, "vae")


def test_the_last_word_counts() -> None:
    assert TrainConfig.made("paper", {"hidden": 3, "latent": 4}, {"hidden": 5}).hidden == 5
    assert PRESETS["paper"]["hidden"] == 2048
    with pytest.raises(InputError, match="there is no preset 'papers': choose one of released, paper"):
        TrainConfig.made("papers")


# --- files ---------------------------------------------------------------------------------------------


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "how.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_dashes_and_underscores_are_alike(tmp_path: Path) -> None:
    path = written(tmp_path, '# mine\nbatch-size = 7\nmin_learning_rate = 0\ncell = "lstm"\nclasses = true\n')
    values = read_config(path)
    assert values == {"batch_size": 7, "min_learning_rate": 0, "cell": "lstm", "classes": True}
    assert TrainConfig.made(None, values).batch_size == 7
    assert read_config(written(tmp_path, "")) == {}
    assert read_config(written(tmp_path, "\ufeffhidden = 12")) == {"hidden": 12}


def test_a_file_may_begin_with_a_preset(tmp_path: Path) -> None:
    values = read_config(written(tmp_path, 'preset = "paper"\nhidden = 12'))
    assert TrainConfig.made(None, values) == TrainConfig.made("paper", {"hidden": 12})


HOSTILE = {
    "utf-16": ("steps = 1".encode("utf-16"), "text in UTF-16"),
    "binary": (bytes(range(256)), "can't decode byte"),
    "nul": (b"steps = 1\x00", "Expected newline"),
    "no toml": ("steps: 3", "Expected '='"),
    "unknown": ("stepz = 3", "has no option 'stepz'"),
    "line in a name": ('"a\\nb" = 3', r"has no option 'a\\nb'"),
    "text": ('steps = "many"', "'steps' of the training must be a whole number, got 'many'"),
    "fraction": ("steps = 1.5", "must be a whole number, got 1.5"),
    "truth": ("steps = true", "must be a whole number, got True"),
    "date": ("steps = 1979-05-27", "must be a whole number"),
    "table": ("[steps]\na = 1", "must be a whole number"),
    "range": ("hidden = 0", r"must be 1..16384, got 0"),
    "no number": ("clip = nan", "got nan"),
    "no end": ("kl-weight = inf", "got inf"),
    "no preset": ("preset = 3", "there is no preset 3"),
    "list as preset": ("preset = []", r"there is no preset \[\]"),
    "both": ("batch-size = 3\nbatch_size = 4", "both with dashes and with underscores"),
    "rates": ("learning-rate = 1e-7", "cannot fall"),
    "deep": ("steps = " + "[" * 100_000, "recursion"),
    "deep names": (f"steps.{'.'.join('a' * 3000)} = 1", "recursion"),
    "digits": (f"steps = {'9' * 5000}", "4300 digits"),
    "hexadecimal": (f"steps = 0x{'f' * 9000}", "a whole number beyond all floats"),
    "hexadecimal text": (f"backend = 0x{'f' * 9000}", "4300 digits"),
    "long text": (f'steps = "{"a" * 100_000}"', "must be a whole number"),
    "huge": (b"#" * ((1 << 20) + 1), "more than 1048576 bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_cannot_be_used_is_one_line_that_names_it(tmp_path: Path, name: str) -> None:
    content, words = HOSTILE[name]
    path = written(tmp_path, content)
    with pytest.raises(FormatError, match=words) as told:
        read_config(path)
    text = str(told.value)
    assert text.startswith(f"{path}: ")
    assert text.isprintable() and len(text) < 1_200


@pytest.mark.parametrize("name", ["nosuch.toml", "", "a\0b"])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as told:
        read_config(tmp_path / name)
    assert str(tmp_path) in str(told.value) and str(told.value).isprintable()


@given(st.binary(max_size=60))
def test_whatever_bytes_there_are_no_other_error_comes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = written(tmp_path_factory.getbasetemp(), content)
    try:
        assert TrainConfig.made(None, read_config(path)) == TrainConfig()  # a comment, say
    except FormatError as error:
        assert str(error).startswith(f"{path}: ") and str(error).isprintable()


# --- schedules -----------------------------------------------------------------------------------------


def test_the_exponential_schedule_is_the_released_codes() -> None:
    at = TrainConfig.made("released").learning_rate_at
    for step in (0, 1, 10_000, 100_000):
        assert at(step) == pytest.approx((1e-3 - 1e-5) * 0.9999**step + 1e-5, rel=1e-12)
    assert at(10**7) == pytest.approx(1e-5)


def test_the_cosine_falls_from_the_first_rate_to_the_last() -> None:
    config = TrainConfig(schedule="cosine", steps=1000, learning_rate=0.5, min_learning_rate=0.1, warmup=200)
    at = config.learning_rate_at
    assert (at(200), at(1000), at(5000)) == pytest.approx((0.5, 0.1, 0.1))
    assert at(600) == pytest.approx(0.3)
    assert at(400) == pytest.approx(0.1 + 0.4 * (1 + math.sqrt(0.5)) / 2)
    rates = [at(step) for step in range(200, 1001)]
    assert rates == sorted(rates, reverse=True)


def test_the_constant_schedule_is_constant() -> None:
    config = TrainConfig(schedule="constant", learning_rate=0.25)
    assert {config.learning_rate_at(step) for step in (0, 3, 10**6)} == {0.25}


@given(st.sampled_from(SCHEDULES), st.integers(1, 500), st.integers(1, 1000))
def test_the_rate_rises_evenly_during_the_warmup_and_falls_after_it(
    schedule: str, warmup: int, steps: int
) -> None:
    config = TrainConfig(schedule=schedule, warmup=warmup, steps=steps)
    at = config.learning_rate_at
    assert at(0) == pytest.approx(8e-3 / warmup)
    assert at(warmup - 1) == pytest.approx(8e-3)
    assert at(warmup) == pytest.approx(8e-3)
    if schedule == "exponential":
        assert at(warmup + 40) == pytest.approx(TrainConfig(schedule=schedule).learning_rate_at(40))
    rates = [at(step) for step in range(warmup - 1, warmup + steps)]
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(rates))


def test_a_configuration_needs_no_torch() -> None:
    code = (
        "import sys, sketchkit.training.config, sketchkit.training.runs; "
        "from sketchkit.training import TrainConfig; TrainConfig(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.stdout == "False\n", done.stderr
