"""Every option of every command that draws: it does what it says or is refused, and no record is false."""

from __future__ import annotations

import copy
import html
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch
from conftest import Outcome, Sketchkit
from option_cases import BASE, CASES, Case
from torch import Tensor
from typer.main import get_command

import sketchkit as library
from sketchkit import benchmark, options, registry
from sketchkit.card import ModelCard
from sketchkit.engine.steppers import State
from sketchkit.engine.torch_engine import CompiledEngine, TorchEngine, TorchStepper, make_step
from sketchkit.latent import Latents, encode, posterior, read_latents, write_latents
from sketchkit.models import SketchModel
from sketchkit.models.decoder import DecoderArchitecture, DecoderModel
from sketchkit.models.vae import VaeModel
from sketchkit.training.data import Recipe, prepare_sketches, synth

LINES = [[(0, 0), (200, 0), (200, 90)], [(50, 50), (60, 60)], [(10, 80), (90, 60), (120, 85)]]
PATH = '<path fill="none" stroke="#000" d="M{}"/>'
PAPER = '<rect x="-50" y="-50" width="300" height="200" fill="white"/>'
UNCONDITIONAL = ("sample", "complete", "infill", "score")

Numbers = npt.NDArray[np.float64]


# --- what there is ----------------------------------------------------------------------------------------


class Odd(TorchEngine):
    """An engine whose drawings are others than torch's, for those who name it."""

    steps: ClassVar[int] = 0

    def unsupported_reason(self, model: SketchModel, precision: str) -> str | None:
        return None if model.decoding.engine != "auto" else "it is for those who name it"

    def stepper(self, model: SketchModel, precision: str) -> TorchStepper:
        return TorchStepper(model, _OddStep(model, precision))


class _OddStep:
    def __init__(self, model: SketchModel, precision: str) -> None:
        self._step = make_step(model, precision)

    def prepare_state(self, state: State) -> State:
        return self._step.prepare_state(state)

    def __call__(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        Odd.steps += 1
        raw, state = self._step(rows, state)
        return raw + 0.5, state


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, tiny_vae: VaeModel) -> Path:
    """A folder of drawings, latent vectors, a data set, a list of jobs and models of both kinds."""
    folder = tmp_path_factory.mktemp("given")
    wall = [[(-200, 150), (300, 150), (230, -200)]]
    for name, lines, paper in (("three", LINES, ""), ("paper", LINES, PAPER), ("wall", wall, "")):
        paths = "".join(PATH.format(" L".join(f"{x} {y}" for x, y in line)) for line in lines)
        (folder / f"{name}.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{paper}{paths}</svg>')
    drawings = [
        sketch.transformed(0.4 + 0.2 * i, (0.0, 0.0)).labelled(
            ("cat", "cat", "cat", "sun")[i % 4], f"key {i}"
        )
        for i, sketch in enumerate(synth(6, seed=3))
    ]
    library.write(drawings, folder / "six.ndjson")
    prepare_sketches(
        [d.labelled("cat") for d in synth(30, seed=4)], folder / "animals", Recipe(splits=(40, 30, 30))
    )
    (folder / "jobs.ndjson").write_text(
        '{"name": "a", "drawings": ["six.ndjson#0"' + ', "six.ndjson#1"' * 3 + "]}\n"
    )
    _save_models(folder, tiny_vae)
    mu, sigma = encode(tiny_vae, drawings)
    names = tuple(str(k) for k in range(6))
    about = {"model": "dreamer", "weights": tiny_vae.weights_checksum()}
    latents = Latents(mu, sigma, posterior(mu, sigma, 1), names, ("cat",) * 6, names, about)
    write_latents(folder / "six.npz", latents)
    return folder


def _save_models(folder: Path, tiny_vae: VaeModel) -> None:
    sizes = DecoderArchitecture(hidden=16, mixtures=3, classes=2, embedding=4)
    for seed, name in ((2, "own"), (3, "other")):
        torch.manual_seed(seed)
        decoder = DecoderModel(sizes, ModelCard(name, 40.0, 20, classes=("cat", "sun")))
        decoder.decoder.output.bias.data[:3] = torch.tensor([1.0, 0.0, -2.0])  # draw, lift, end
        decoder.embedding.table.weight.data.mul_(4.0)
        vae = copy.deepcopy(tiny_vae).with_card(name=name)
        vae.decoder.output.bias.data.mul_(seed / 2)
        vae.mu.bias.data.add_(seed - 2.0)
        for kind, model in (("decoder", decoder), ("vae", vae)):
            (folder / kind).mkdir(exist_ok=True)
            model.save(folder / kind / f"{name}.safetensors")


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch, given: Path) -> None:
    """The odd engine, which also stands for the compiled one, and small models for those who name none."""
    own = {kind: registry.plugins_of(kind) for kind in registry.GROUPS}
    place = ModuleType("odd_engine")
    place.Odd = Odd  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, place.__name__, place)
    entry = EntryPoint("odd", "odd_engine:Odd", registry.GROUPS["engine"])
    odd = registry.Plugin("engine", "odd", "odd-plugin", entry, "1.0", ())
    monkeypatch.setattr(
        registry, "_plugins", lambda kind, _: (*own[kind], *([odd] if kind == "engine" else []))
    )
    for name in ("unsupported_reason", "stepper"):
        monkeypatch.setattr(CompiledEngine, name, getattr(Odd, name))
    for name in benchmark.MODELS:
        monkeypatch.setitem(benchmark.MODELS, name, ("lstm", 16))
    monkeypatch.setattr(benchmark, "_MOST_SECONDS", 0.01)
    monkeypatch.setenv("SKETCHKIT_MODEL", str(given / "decoder/own.safetensors"))
    monkeypatch.setenv("SKETCHKIT_VAE", str(given / "vae/own.safetensors"))


# --- what a command line makes ----------------------------------------------------------------------------


@dataclass
class Made:
    """What a command line made.

    Args:
        done: what it said.
        drawing: the numbers of all that it drew.
        picture: its files, by name, without any record.
        records: what it says of what it made.
    """

    done: Outcome
    drawing: list[Numbers]
    picture: dict[str, bytes]
    records: list[dict[str, Any]]


class Maker:
    """Runs command lines, each in a folder of its own."""

    kept: ClassVar[dict[tuple[str, tuple[str, ...], bool], Made]] = {}

    def __init__(self, sketchkit: Sketchkit, given: Path, home: Path) -> None:
        self._sketchkit, self._given, self._home = sketchkit, given, home

    def usual(self, command: str, words: tuple[str, ...], *, data: bool) -> Made:
        """What many options are compared with: run once."""
        what = (command, words, data)
        if what not in self.kept:
            self.kept[what] = self(command, words, data=data)
        return self.kept[what]

    def __call__(self, command: str, words: tuple[str, ...], *, data: bool) -> Made:
        """Run a command.

        Args:
            command: its name.
            words: what it is given.
            data: whether it writes drawings, and says what it did, instead of a picture.
        """
        folder = self._home / str(len(list(self._home.iterdir())))
        folder.mkdir()
        os.chdir(folder)
        kind = "decoder" if command in UNCONDITIONAL else "vae"
        output = _output(command, words, data=data)
        if "--force" in words:
            Path(output[1]).write_text("mine")
        replaced = [
            w.replace("@models", f"{self._given}/{kind}").replace("@/", f"{self._given}/") for w in words
        ]
        done = self._sketchkit(command, *output, *replaced)
        if done.code:
            assert len(done.err.splitlines()) == 1 and done.code in (2, 3, 4, 5), done.err
            assert not list(folder.iterdir())
            return Made(done, [], {}, [])
        files = {path.name: path for path in sorted(folder.iterdir())}
        said = json.loads(done.out) if done.out[:1] in (b"[", b"{") else []
        records = said if isinstance(said, list) else [said]
        drawing = [each for path in files.values() for each in _numbers(path)]
        if command in ("score", "atlas"):
            drawing += _costs(records)
        picture = {name: _bare(path.read_bytes()) for name, path in files.items()}
        return Made(done, drawing, picture, records + [r for path in files.values() for r in _records(path)])


def _output(command: str, words: tuple[str, ...], *, data: bool) -> tuple[str, ...]:
    """Where a command writes to, and whether it says what it did."""
    json = ("--json",) if data else ()
    if command == "bench":
        return json
    if "--jobs" in words or "--pairs" in words:
        return ("-o", "{stem}.svg")
    if command == "score":
        return ("--heatmap", "out.svg", *json)
    if command == "encode":
        return ("-o", "out.npz", *json)
    if command == "render" or not data:
        return ("-o", "out.svg")
    return ("-o", "out.ndjson", *json)


def _numbers(path: Path) -> Iterator[Numbers]:
    """What a file draws."""
    if path.suffix == ".npz":
        latents = read_latents(path)
        yield from (np.asarray(each, np.float64) for each in (latents.mu, latents.sigma, latents.draws))
    elif path.suffix == ".ndjson":
        yield from (sketch.stroke5 for sketch in library.read_all(path))
    elif path.suffix == ".svg":
        for d in re.findall(rb'<path[^>]* d="([^"]*)"', path.read_bytes()):
            yield np.array([float(each) for each in re.findall(rb"-?[\d.]+", d)])


def _costs(records: list[dict[str, Any]]) -> list[Numbers]:
    return [np.array([row["offset"] + row["pen"] for row in each.get("rows", [])]) for each in records]


def _bare(content: bytes) -> bytes:
    """A file without its records."""
    return re.sub(rb"<metadata>.*?</metadata>", b"", content, flags=re.S)


def _records(path: Path) -> list[dict[str, Any]]:
    found = re.findall(rb"<metadata>(.*?)</metadata>", path.read_bytes(), re.S)
    return [json.loads(html.unescape(each.decode())) for each in found]


def _same(a: list[Numbers], b: list[Numbers]) -> bool:
    """Whether drawings are the same up to the last bits."""
    shapes = [each.shape for each in a] == [each.shape for each in b]
    return shapes and all(np.allclose(x, y, rtol=1e-5, atol=2e-3) for x, y in zip(a, b, strict=True))


@pytest.fixture
def make(sketchkit: Sketchkit, given: Path, home: Path) -> Maker:
    return Maker(sketchkit, given, home)


# --- the options ------------------------------------------------------------------------------------------


def _options(command: str) -> list[str]:
    """The first name of each option of a command."""
    parameters = get_command(registry.load("command", command)).params
    return [each.opts[0] for each in parameters if each.param_type_name == "option"]


EVERY = [(command, option) for command in BASE for option in _options(command)]


@pytest.mark.parametrize(("command", "option"), EVERY, ids=lambda value: value)
def test_an_option_changes_what_it_says_and_is_recorded_or_is_refused(
    make: Maker, command: str, option: str
) -> None:
    assert option in CASES[command], f"{option} of {command} is new: option_cases.py says what it must do"
    case = CASES[command][option]
    usual = (BASE[command] if case.base is None else case.base) + case.beside
    data = case.effect in ("drawing", "nothing", "refusal") or command == "bench"
    with_it = make(command, (*usual, *case.words), data=data)
    refused = with_it.done.code != 0
    if refused and not case.everywhere:
        return
    assert refused == (case.effect == "refusal"), with_it.done.err
    without = make.usual(command, usual, data=data)
    _check_effect(case, with_it, without)
    for record in with_it.records:
        assert {name: record.get(name, "not there") for name in case.record} == case.record
    for name, value in case.record.items() if case.effect != "nothing" else ():
        assert not without.records or any(record.get(name) != value for record in without.records)


def _check_effect(case: Case, with_it: Made, without: Made) -> None:
    if case.effect == "drawing":
        assert with_it.drawing and not _same(with_it.drawing, without.drawing)
    elif case.effect == "nothing":
        assert _same(with_it.drawing, without.drawing)
        assert [set(each) for each in with_it.records] == [set(each) for each in without.records]
    elif case.effect == "picture":
        assert with_it.picture.keys() == without.picture.keys() and with_it.picture != without.picture
    elif case.effect == "files":
        kinds = [{name: c[:4] for name, c in each.picture.items()} for each in (with_it, without)]
        assert kinds[0] != kinds[1]
    elif case.effect == "record":
        assert with_it.done.out != without.done.out


def test_no_case_is_of_an_option_that_is_gone() -> None:
    assert {(command, option) for command in CASES for option in CASES[command]} == set(EVERY)


# --- the options of plugins -------------------------------------------------------------------------------

#: Values of samplers' and renderers' options that are not the usual ones.
VALUES = {
    "temperature": "0.9",
    "rule": "paper",
    "n": "2",
    "by": "greedy",
    "limit": "-100",
    "p": "0.2",
    "k": "1",
    "r": "0.2",
    "seconds": "1",
    "pause": "3",
    "loop": "no",
    "back_and_forth": "yes",
    "scale": "2",
    "dpi": "200",
}


def _plugin_options(kind: str) -> list[tuple[str, str]]:
    """(plugin, option) of all of sketchkit's own."""
    own = [plugin.name for plugin in registry.plugins_of(kind) if plugin.builtin]
    return [(name, each.name) for name in own for each in options.describe(registry.load(kind, name))]


@pytest.mark.parametrize(("sampler", "option"), _plugin_options("sampler"), ids=lambda value: value)
def test_every_option_of_a_sampler_changes_drawings_and_is_recorded(
    make: Maker, sampler: str, option: str
) -> None:
    usual, value = (*BASE["sample"], "--sampler", sampler), VALUES[option]
    with_it = make("sample", (*usual, "-O", f"{option}={value}"), data=True)
    assert with_it.done.code == 0 and not _same(
        with_it.drawing, make.usual("sample", usual, data=True).drawing
    )
    for record in with_it.records:
        found = record["temperature"] if option == "temperature" else record["options"][option]
        assert found == type(found)(value)


@pytest.mark.parametrize(("renderer", "option"), _plugin_options("renderer"), ids=lambda value: value)
def test_every_option_of_a_renderer_changes_the_picture(make: Maker, renderer: str, option: str) -> None:
    usual = (*BASE["render"], "--limit", "3", "--format")
    with_it = make("render", (*usual, f"{renderer}:{option}={VALUES[option]}"), data=False)
    without = make.usual("render", (*usual, renderer), data=False)
    assert (with_it.done.code, without.done.code) == (0, 0) and with_it.picture != without.picture
