"""The check of installed plugins: real distributions in a folder, checked in processes of their own."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from forks import Fork, run_module

from sketchkit import registry
from sketchkit.testing import run_check
from sketchkit.testing.__main__ import main
from sketchkit.testing.result import find_unmet

GOOD = """
class Swirl:
    def __call__(self, density, noise):
        return density.draw(noise)
"""


def publish(
    folder: Path,
    source: str,
    kind: str = "sampler",
    target: str = "Swirl",
    head: str = "",
    name: str = "flow",
) -> None:
    """Put a distribution with one plugin into a folder."""
    (folder / f"{name}_code.py").write_text(source)
    place = folder / f"{name}-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n{head}\n")
    (place / "entry_points.txt").write_text(f"[{registry.GROUPS[kind]}]\nswirl = {name}_code:{target}\n")


def check(folder: Path, *plugins: tuple[str, str]) -> list[dict[str, Any]]:
    """The results for plugins (kinds and names) in a folder, from a new process with empty streams."""
    result = folder / "result.json"
    words = itertools.chain(*plugins or [("sampler", "swirl")])
    environment = {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    process = Fork(run_module, "sketchkit.testing", [*words, str(result)], environment=environment)
    out, err = process.communicate(600)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    results = [json.loads(line) for line in result.read_text().splitlines()]
    for each in results:
        assert set(each) == {"kind", "name", "state", "reason", "faults"}
        assert (each["state"] == "broken") == bool(each["faults"])
        assert each["reason"] == (each["faults"] or [None])[0]
        assert all("\n" not in fault for fault in each["faults"])
    return results


def test_a_plugin_that_works_works_by_either_of_its_names(tmp_path: Path) -> None:
    publish(tmp_path, GOOD)
    works = {"kind": "sampler", "name": "flow:swirl", "state": "works", "reason": None, "faults": []}
    assert check(tmp_path, ("sampler", "swirl"), ("sampler", "flow:swirl")) == [works, works]


COMMAND = """
import typer
app = typer.Typer()

@app.command()
def swirl() -> None:
    '''Swirl.'''
    print("what a command prints is its business")
"""
ENGINE = """
from sketchkit.engine.torch_engine import TorchEngine
class Swirl(TorchEngine):
    def unsupported_reason(self, model, precision):
        return super().unsupported_reason(model, precision) if precision == "float32" else "float32 only"
"""
FORMAT = """
from sketchkit import FormatError
class Swirl:
    suffixes = (".swirl",)
    def read(self, stream, name):
        raise FormatError(f"{name}: not yet")
    def write(self, sketches, stream):
        raise FormatError("not yet")
"""
MODEL = """
from sketchkit.models.decoder import DecoderModel
class Swirl(DecoderModel):
    backend = "swirl"
"""
RENDERER = """
class Swirl:
    suffixes = (".swirl",)
    def render(self, pictures, layout, metadata):
        return repr(layout.arrange(pictures)).encode()
"""


SOURCES = {"command": COMMAND, "engine": ENGINE, "format": FORMAT, "model": MODEL, "renderer": RENDERER}
BROKEN = [
    ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
    ("from json import nothing", "ImportError: cannot import name 'nothing' from 'json'"),
    ("raise SystemExit(3)", "SystemExit: 3"),
    ("def Sampler(:", "SyntaxError: "),
    ("raise ValueError('one\\ntwo')", "ValueError: one"),
    ("raise ValueError('\\x1b[2Jgone')", "ValueError: \\x1b[2Jgone"),
    ("other = 1", "AttributeError: "),
    ("def f(): f()\nf()", "RecursionError: "),
    ("class Odd(BaseException): pass\nraise Odd", "Odd"),
    ("print('hello')" + GOOD, "it prints 'hello' when it is imported"),
    ("import os\nos.write(1, b'low')" + GOOD, "it prints 'low' when it is imported"),
    ("Swirl = 7", "a int, not a class"),
    ("def Swirl(density, noise):\n    return density.draw(noise)", "when it is made without options"),
    ("class Swirl: pass", "a Swirl is not a sampler"),
    (GOOD + "    def __init__(self):\n        raise SystemExit(4)", "it raises SystemExit: 4"),
    (GOOD.replace("return", "raise KeyError('x')\n        return"), "it raises KeyError: 'x'"),
    (GOOD.replace("return", "self(density, noise)\n        return"), "it raises RecursionError: "),
    (GOOD.replace("return", "print('hi')\n        return"), "it prints 'hi' while it works"),
    (GOOD.replace("return", "raise SystemExit\n        return"), "it raises SystemExit"),
]


FAULTY = RENDERER.replace('(".swirl",)', "'.swirl'").replace("repr(", "str(").replace(".encode()", "")
FORGETFUL = """
import copy
class Swirl(Swirl):
    def save(self, path, **more):
        other = copy.deepcopy(self)
        other.decoder.output.bias.zero_()
        super(Swirl, other).save(path, **more)
"""


NEEDS = {
    "sketchkit>=99": "it needs sketchkit>=99, and this is ",
    "not-there-at-all>=2": "it needs not-there-at-all>=2, which is not installed: ",
    "numpy>=99": "it needs numpy>=99, and ",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The results of all that can be checked in one process, by distribution."""
    folder = tmp_path_factory.mktemp("published")
    kinds: dict[str, str] = {}

    def publish_as(name: str, source: str, kind: str = "sampler", **more: str) -> None:
        publish(folder, source, kind, name=name, **more)
        kinds[name] = kind

    for kind, source in SOURCES.items():
        publish_as(f"my_{kind}", source, kind, target="app" if kind == "command" else "Swirl")
    for number, (source, _) in enumerate(BROKEN):
        publish_as(f"broken{number}", source)
    publish_as("faulty", FAULTY, "renderer")
    publish_as("misnamed", MODEL.replace('"swirl"', '"whirl"'), "model")
    for number, need in enumerate(NEEDS):
        publish_as(f"needy{number}", "raise AssertionError('imported')", head=f"Requires-Dist: {need}")
    found = check(folder, *((kind, f"{name}:swirl") for name, kind in kinds.items()))
    return dict(zip(kinds, found, strict=True))


def test_plugins_of_every_kind_are_checked(results: dict[str, dict[str, Any]]) -> None:
    for kind in SOURCES:
        result = results[f"my_{kind}"]
        assert (result["kind"], result["faults"]) == (kind, [])


def test_a_broken_plugin_has_a_reason(results: dict[str, dict[str, Any]]) -> None:
    for number, (_, reason) in enumerate(BROKEN):
        result = results[f"broken{number}"]
        assert result["state"] == "broken"
        assert reason in result["reason"], result


def test_all_faults_are_told_and_the_first_is_the_reason(results: dict[str, dict[str, Any]]) -> None:
    first, second = results["faulty"]["faults"]
    assert "suffixes" in first and "bytes" in second


def test_a_model_must_bear_the_name_of_its_entry_point(results: dict[str, dict[str, Any]]) -> None:
    assert "backend is 'whirl'" in results["misnamed"]["reason"]


def test_a_model_that_is_registered_goes_through_a_file(tmp_path: Path) -> None:
    publish(tmp_path, MODEL + FORGETFUL, "model")  # alone: its backend is found by its short name
    assert "a file restores other weights" in check(tmp_path, ("model", "swirl"))[0]["reason"]


def test_a_plugin_whose_needs_are_not_met_is_not_imported(results: dict[str, dict[str, Any]]) -> None:
    for number, reason in enumerate(NEEDS.values()):
        assert results[f"needy{number}"]["reason"].startswith(reason)


def test_threads_that_a_plugin_leaves_behind_do_not_keep_the_check(tmp_path: Path) -> None:
    publish(
        tmp_path, "import threading, time\nthreading.Thread(target=time.sleep, args=(300,)).start()" + GOOD
    )
    assert check(tmp_path)[0]["state"] == "works"


def test_needs_of_other_systems_and_of_extras_do_not_count() -> None:
    assert find_unmet(["numpy", "sketchkit>=0.0.1", "pip ; python_version >= '3'"]) == []
    assert find_unmet(["not-there ; extra == 'more'", "not-there ; sys_platform == 'none'"]) == []
    wanted = "it needs not-there, which is not installed: pip install 'not-there'"
    assert find_unmet(["not-there ; extra == 'more'"], frozenset({"more"})) == [wanted]
    assert find_unmet(["not-there", "not-there"]) == [wanted]


def test_extras_of_what_is_needed_are_needed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "helper-2.0.dist-info"
    place.mkdir()
    head = ["Name: helper", "Version: 2.0", "Provides-Extra: gold", "Provides-Extra: all"]
    needs = ["gone>1; extra == 'gold'", "lost", "helper[gold]; extra == 'all'"]
    (place / "METADATA").write_text("\n".join([*head, *(f"Requires-Dist: {need}" for need in needs), ""]))
    monkeypatch.syspath_prepend(tmp_path)
    assert find_unmet(["helper>=2"]) == []
    wanted = ["it needs gone>1, which is not installed: pip install 'gone>1'"]
    assert find_unmet(["helper[gold]"]) == wanted
    assert find_unmet(["helper[all]", "helper[gold]"]) == wanted
    assert find_unmet(["helper>=3"]) == ["it needs helper>=3, and 2.0 is installed: pip install 'helper>=3'"]
    assert len(find_unmet(["?!"])) == 1


def test_a_plugin_of_ours_works() -> None:
    verdict = run_check(registry.find("sampler", "greedy"))
    assert (verdict.state, verdict.name, verdict.reason, verdict.faults) == (
        "works",
        "sketchkit:greedy",
        None,
        (),
    )


def test_metadata_that_name_nothing_are_a_reason() -> None:
    plugin = registry.Plugin(
        "sampler", "swirl", "flow", EntryPoint("swirl", "flow", registry.GROUPS["sampler"])
    )
    assert run_check(plugin).reason == plugin.problem is not None


def test_ctrl_c_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "interrupted.py").write_text("raise KeyboardInterrupt")
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("swirl", "interrupted:Swirl", registry.GROUPS["sampler"])
    with pytest.raises(KeyboardInterrupt):
        run_check(registry.Plugin("sampler", "swirl", "flow", entry))


@pytest.mark.parametrize("arguments", [[], ["sampler", "greedy"], ["brush", "greedy", "result.json"]])
def test_wrong_usage_has_a_line_and_a_code(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(
        "usage: python -m sketchkit.testing command|engine|exporter|format|"
    )


def test_what_cannot_be_checked_or_written_has_a_line_and_a_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sampler", "gredy", str(tmp_path / "result.json")]) == 4
    assert "no sampler named 'gredy': did you mean 'greedy'?" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main(["format", "ndjson", str(tmp_path / "nowhere" / "result.json")]) == 3
    assert "nowhere" in capsys.readouterr().err


def test_only_samplers_models_and_engines_need_torch() -> None:
    code = (
        "import sys; from sketchkit.testing import check_format, check_command, run_check;"
        "check_format('ndjson'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=600).returncode == 0


def test_every_public_name_is_there() -> None:
    from sketchkit import testing

    with pytest.warns(DeprecationWarning, match="CheckResult"):
        assert testing.Verdict is testing.CheckResult  # type: ignore[attr-defined]
    assert testing.__all__ == sorted(testing.__all__) == [n for n in dir(testing) if n in testing.__all__]
    for name in testing.__all__:
        assert getattr(testing, name) is not None
    with pytest.raises(AttributeError, match=r"module 'sketchkit.testing' has no attribute 'check_brush'"):
        testing.check_brush  # noqa: B018
