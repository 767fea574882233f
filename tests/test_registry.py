"""The registry: who owns a name, and that a broken plugin stays alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sketchkit import registry
from sketchkit.errors import PluginError

GROUP = registry.GROUPS["sampler"]
Install = Callable[..., None]


def _entry(distribution: str | None, name: str, value: str = "json:loads") -> EntryPoint:
    entry = EntryPoint(name, value, GROUP)
    # As importlib.metadata itself ties an entry point to its distribution.
    vars(entry).update(dist=None if distribution is None else SimpleNamespace(name=distribution))
    return entry


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put entry points of samplers in the place of those that are really installed."""

    def put(*entries: EntryPoint) -> None:
        found: dict[str, tuple[EntryPoint, ...]] = dict.fromkeys(registry.GROUPS.values(), ())
        monkeypatch.setattr(registry, "_all_entry_points", lambda: {**found, GROUP: entries})
        registry._plugins.cache_clear()

    monkeypatch.delenv("SKETCHKIT_PLUGINS", raising=False)
    yield put
    monkeypatch.undo()
    registry._plugins.cache_clear()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a module that can be imported, and return its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source: str) -> str:
        name = f"plugin_{abs(hash(source))}"
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


def test_a_plugin_is_loaded_by_either_of_its_names(install: Install) -> None:
    install(_entry("flow", "swirl"))
    import json

    assert registry.names("sampler") == ["swirl"]
    assert registry.load("sampler", "swirl") is json.loads
    assert registry.load("sampler", "flow:swirl") is json.loads
    assert registry.find("sampler", "swirl").full_name == "flow:swirl"
    assert not registry.find("sampler", "swirl").builtin


def test_a_built_in_owns_its_bare_name(install: Install) -> None:
    install(_entry("flow", "greedy"), _entry("sketchkit", "greedy"), _entry("zeal", "greedy"))
    assert registry.names("sampler") == ["flow:greedy", "greedy", "zeal:greedy"]
    assert registry.find("sampler", "greedy").builtin
    assert registry.find("sampler", "sketchkit:greedy").builtin
    assert registry.find("sampler", "flow:greedy").distribution == "flow"


def test_strangers_with_one_name_are_known_by_their_full_names(install: Install) -> None:
    install(_entry("flow", "swirl"), _entry("zeal", "swirl"), _entry("zeal", "zap"))
    assert registry.names("sampler") == ["flow:swirl", "zap", "zeal:swirl"]
    with pytest.raises(PluginError, match=r"several plugins .* choose one of flow:swirl, zeal:swirl"):
        registry.load("sampler", "swirl")
    assert registry.find("sampler", "zeal:swirl").distribution == "zeal"


def test_every_name_listed_can_be_found(install: Install) -> None:
    install(
        _entry("flow", "swirl"),
        _entry("zeal", "swirl"),
        _entry("sketchkit", "greedy"),
        _entry("flow", "greedy"),
    )
    for name in registry.names("sampler"):
        assert name in (registry.find("sampler", name).name, registry.find("sampler", name).full_name)


def test_one_distribution_found_twice_is_one_plugin(install: Install) -> None:
    install(_entry("flow", "swirl", "json:loads"), _entry("flow", "swirl", "json:dumps"))
    assert registry.names("sampler") == ["swirl"]
    assert registry.find("sampler", "swirl").entry_point.value == "json:loads"


def test_a_plugin_without_a_distribution_has_a_name_all_the_same(install: Install) -> None:
    install(_entry(None, "swirl"))
    assert registry.find("sampler", "swirl").full_name == "unknown:swirl"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def Sampler(:", "SyntaxError: "),
        ("raise ValueError('one\\ntwo')", "ValueError: one"),
        ("1 / 0", "ZeroDivisionError: "),
        ("other = 1", "AttributeError: "),
    ],
)
def test_a_broken_plugin_is_named_with_its_distribution(
    install: Install, module: Callable[[str], str], source: str, reason: str
) -> None:
    install(_entry("flow", "swirl", f"{module(source)}:Sampler"), _entry("zeal", "zap"))
    assert registry.names("sampler") == ["swirl", "zap"]
    with pytest.raises(PluginError) as refused:
        registry.load("sampler", "swirl")
    assert str(refused.value).startswith("the sampler flow:swirl cannot be loaded: ")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
    assert registry.load("sampler", "zap")


def test_a_broken_plugin_does_not_swallow_an_interrupt(
    install: Install, module: Callable[[str], str]
) -> None:
    install(_entry("flow", "swirl", module("raise KeyboardInterrupt")))
    with pytest.raises(KeyboardInterrupt):
        registry.load("sampler", "swirl")


def test_a_broken_built_in_is_a_bug_and_shows_itself(install: Install) -> None:
    install(_entry("sketchkit", "greedy", "not_there_at_all:Greedy"))
    with pytest.raises(ModuleNotFoundError):
        registry.load("sampler", "greedy")


@pytest.mark.parametrize("setting", ["", "0"])
def test_strangers_can_be_shut_out(install: Install, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    install(_entry("flow", "swirl"), _entry("flow", "greedy"), _entry("sketchkit", "greedy"))
    monkeypatch.setenv("SKETCHKIT_PLUGINS", setting)
    assert registry.names("sampler") == ["greedy"]
    with pytest.raises(PluginError, match="no sampler named 'swirl'"):
        registry.find("sampler", "swirl")
    monkeypatch.setenv("SKETCHKIT_PLUGINS", "1")
    assert registry.names("sampler") == ["flow:greedy", "greedy", "swirl"]


def test_names_are_listed_without_importing_a_plugin(install: Install, module: Callable[[str], str]) -> None:
    name = module("raise AssertionError('imported')")
    install(_entry("flow", "swirl", f"{name}:Sampler"))
    assert registry.names("sampler") == ["swirl"]
    assert registry.find("sampler", "swirl").name == "swirl"
    assert name not in sys.modules


def test_an_unknown_name_brings_a_suggestion(install: Install) -> None:
    install(_entry("flow", "swirl"), _entry("zeal", "zap"))
    with pytest.raises(PluginError, match="no sampler named 'swril': did you mean 'swirl'"):
        registry.find("sampler", "swril")
    with pytest.raises(PluginError, match="no sampler named 'x': there are swirl, zap"):
        registry.find("sampler", "x")


@pytest.mark.parametrize(
    ("suffixes", "told"),
    [((".a", ".b"), (".a", ".b")), ([".a", 3], (".a",)), (None, ()), (".ab", ()), (7, ())],
)
def test_suffixes_that_make_no_sense_are_none(suffixes: Any, told: tuple[str, ...]) -> None:
    assert registry.suffixes_of(SimpleNamespace(suffixes=suffixes)) == told
    assert registry.suffixes_of(object()) == ()


def test_only_strangers_are_blamed_and_only_for_what_they_can_help(install: Install) -> None:
    install(_entry("flow", "swirl"), _entry("sketchkit", "greedy"))
    stranger, ours = registry.find("sampler", "swirl"), registry.find("sampler", "greedy")
    told = r"^the sampler flow:swirl failed: ValueError: one$"
    with pytest.raises(PluginError, match=told), registry.blamed(stranger):
        raise ValueError("one\ntwo")
    for plugin, error in ((ours, ValueError()), (stranger, MemoryError()), (stranger, PluginError("mine"))):
        with pytest.raises(type(error)) as raised, registry.blamed(plugin):
            raise error
        assert raised.value is error


def test_where_nothing_is_installed_the_error_says_so(install: Install) -> None:
    install()
    assert registry.names("sampler") == []
    with pytest.raises(PluginError, match="no sampler named 'swirl': none is installed"):
        registry.find("sampler", "swirl")


@pytest.mark.parametrize("kind", sorted(registry.GROUPS))
def test_every_built_in_of_every_kind_can_be_imported(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKETCHKIT_PLUGINS", "")
    known = registry.names(kind)
    assert known
    for name in known:
        loaded: Any = registry.load(kind, name)
        assert callable(loaded)


def test_listing_the_installed_plugins_imports_none_of_them() -> None:
    code = (
        "import sys; from sketchkit import registry;"
        "[registry.names(kind) for kind in registry.GROUPS];"
        "sys.exit(sorted(m for m in sys.modules if m.startswith(('torch', 'sketchkit.sampling'))) and 1 or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
