"""The package that `plugins new` writes: whatever a plugin is called, its module is sound."""

from __future__ import annotations

import builtins
import io
import keyword
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from sketchkit import FormatError, ModelCard, Sketch, registry
from sketchkit.cli.plugins import app
from sketchkit.cli.scaffold import write_package
from sketchkit.errors import InputError
from sketchkit.rendering import Layout, Picture
from sketchkit.testing import check_command, check_format, check_renderer

#: Names that sketchkit's templates, Python's grammar or its built-ins have for something else.
AWKWARD = (
    *("sketch", "format-error", "input-error", "class-var", "binary-io", "iterable", "mapping", "sequence"),
    *("architecture", "tensor", "state", "model-card", "sketch-model", "layout", "picture", "tempered"),
    *("class", "lambda", "print", "none", "true", "false", "def", "import", "app", "typer", "json", "nn"),
    *("type-error", "value-error", "recursion-error", "exception", "ellipsis", "a", "a1-2b", "annotated"),
)
LINE = Sketch.from_polylines([[(0.0, 0.0), (10.0, 5.0)]])


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("sketchkit_"):
            del sys.modules[name]


def _written(folder: Path, name: str, kind: str) -> tuple[ModuleType, str]:
    """The module of a new package, imported, and the target that its entry point names in it."""
    package = write_package(name, kind, str(folder / "package"))
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    module, _, target = project["entry-points"][f"sketchkit.{kind}s"][name].partition(":")
    sys.path.insert(0, str(package))
    try:
        return import_module(module), target
    finally:
        sys.path.remove(str(package))


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("kind", ["sampler", "renderer", "model", "format"])
def test_a_class_hides_no_name_whatever_the_plugin_is_called(importable: Path, name: str, kind: str) -> None:
    if any(plugin.builtin and plugin.name == name for plugin in registry.all_plugins(kind)):
        pytest.skip("sketchkit's own")
    module, target = _written(importable, name, kind)
    assert target.isidentifier() and not keyword.iskeyword(target) and not hasattr(builtins, target)
    made = getattr(module, target)
    assert made.__module__ == module.__name__ == f"sketchkit_{name.replace('-', '_')}"
    plain, expected = _written(importable / "plain", "wobble", kind)
    assert expected == "Wobble"
    # Every other name of the module means what it means in a package with a name that nobody else has.
    for other in vars(plain).keys() - {expected} - set(vars(builtins)):
        if not other.startswith("__"):
            mine, theirs = getattr(module, other), getattr(plain, other)
            own = getattr(theirs, "__module__", None) == plain.__name__
            assert own or mine is theirs, other
            assert mine is not made, other


@pytest.mark.parametrize("name", AWKWARD)
def test_a_command_runs_whatever_it_is_called(importable: Path, name: str) -> None:
    if any(plugin.builtin and plugin.name == name for plugin in registry.all_plugins("command")):
        pytest.skip("sketchkit's own")
    module, target = _written(importable, name, "command")
    assert target == "app"
    check_command(module.app)


@pytest.mark.parametrize("name", ["sketch", "format-error", "input-error", "type-error", "none"])
def test_a_format_of_an_awkward_name_passes_its_check(importable: Path, name: str) -> None:
    module, target = _written(importable, name, "format")
    made = getattr(module, target)
    check_format(made)
    stream = io.BytesIO()
    made().write([LINE], stream)
    stream.seek(0)
    (again,) = made().read(stream, "a.txt")
    assert again.to_polylines()[0].tolist() == LINE.to_polylines()[0].tolist()
    with pytest.raises(FormatError, match=r"a\.txt: line 1 is no drawing"):
        list(made().read(io.BytesIO(b"{]\n"), "a.txt"))


@pytest.mark.usefixtures("no_wait")
@pytest.mark.parametrize("name", ["picture", "layout", "sequence", "true"])
def test_a_renderer_of_an_awkward_name_passes_its_check(importable: Path, name: str) -> None:
    module, target = _written(importable, name, "renderer")
    made = getattr(module, target)
    check_renderer(made)
    assert made(digits=0).render([Picture.of(LINE)], Layout(), {}).count(b",") == 2


@pytest.mark.parametrize("name", ["architecture", "sketch", "sketch-model", "tensor", "state"])
def test_a_model_of_an_awkward_name_can_be_made(importable: Path, name: str) -> None:
    module, target = _written(importable, name, "model")
    made = getattr(module, target)
    model = made(made.architecture_type(hidden=2, mixtures=3), ModelCard())
    assert model.backend == name
    raw, _ = model.step(model.start_rows(4), model.initial_state(4))
    assert raw.shape == (4, 21)


def test_a_class_has_its_kind_behind_its_name_only_where_it_must(tmp_path: Path) -> None:
    wanted = {
        ("wobble", "sampler"): "Wobble",
        ("two-words", "format"): "TwoWords",
        ("sketch", "format"): "SketchFormat",
        ("sketch", "sampler"): "Sketch",
        ("sketch", "model"): "Sketch",
        ("none", "renderer"): "NoneRenderer",
    }
    for number, ((name, kind), target) in enumerate(wanted.items()):
        package = write_package(name, kind, str(tmp_path / str(number)))
        assert f':{target}"\n' in (package / "pyproject.toml").read_text()
        source = (package / f"sketchkit_{name.replace('-', '_')}" / "__init__.py").read_text()
        assert f"\nclass {target}" in source


@pytest.mark.parametrize(
    "name", ["", "Sketch", "9lives", "a_b", "a--b", "-a", "a.b", "a b", "été", "a/b", "a\n"]
)
def test_what_cannot_be_a_name_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="a plugin's name is small letters, digits and dashes"):
        write_package(name, "format", str(tmp_path / "package"))
    assert list(tmp_path.iterdir()) == []


def test_every_kind_has_a_template_but_engines_which_the_choice_does_not_offer(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["new", "--help"]).output
    for kind in registry.GROUPS:
        assert (f"|{kind}|" in shown.replace("<", "|").replace(">", "|")) == (kind != "engine")
        if kind != "engine":
            assert write_package("wobble", kind, str(tmp_path / kind)).is_dir()
    refused = CliRunner().invoke(app, ["new", "wobble", "--kind", "engine"])
    assert refused.exit_code == 2
