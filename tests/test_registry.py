"""The registry: who owns a name, and that a broken plugin stays alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sketchkit import __version__, registry
from sketchkit.errors import InputError, PluginError, PluginWarning
from sketchkit.files import open_file
from sketchkit.installed import Installed, find_misfit, installed_distributions, read_installed

GROUP = registry.GROUPS["sampler"]
Install = Callable[..., None]


Entry = tuple[str, EntryPoint]


def _entry(distribution: str, name: str, value: str = "json:loads") -> Entry:
    return distribution, EntryPoint(name, value, GROUP)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put entry points of samplers in the place of those that are really installed."""

    def put(*entries: Entry, requires: tuple[str, ...] = ()) -> None:
        found = tuple(Installed(name, "1.0", requires, (entry,)) for name, entry in entries)
        monkeypatch.setattr(registry, "_all_installed", lambda third_party: found)
        monkeypatch.setattr(registry, "_warned", set())
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


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def Sampler(:", "SyntaxError: "),
        ("raise ValueError('one\\ntwo')", "ValueError: one"),
        ("1 / 0", "ZeroDivisionError: "),
        ("other = 1", "AttributeError: "),
        ("def f(): f()\nf()", "RecursionError: "),
        ("class Odd(BaseException): pass\nraise Odd('mine')", "Odd: mine"),
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
    install(_entry("flow", "swirl", f"{module('raise KeyboardInterrupt')}:x"))
    with pytest.raises(KeyboardInterrupt):
        registry.load("sampler", "swirl")


def test_what_a_plugin_prints_while_it_is_imported_goes_to_stderr(
    install: Install, module: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    install(_entry("flow", "swirl", f"{module('print(1234)')}:__name__"))
    registry.load("sampler", "swirl")
    assert capsys.readouterr() == ("", "1234\n")


@pytest.mark.parametrize(
    "wanted", ["sketchkit>=99", "Sketchkit ( >=99 )", "sketchkit==0.0.1", "sketchkit<0.0.1,>0"]
)
def test_a_plugin_for_another_version_is_not_imported(
    install: Install, module: Callable[[str], str], wanted: str
) -> None:
    name = module("raise AssertionError('imported')")
    install(_entry("flow", "swirl", f"{name}:Sampler"), requires=("numpy", wanted))
    with pytest.raises(PluginError, match=r"the sampler flow:swirl cannot be loaded: it needs [Ss]ketchkit"):
        registry.load("sampler", "swirl")


@pytest.mark.parametrize(
    "wanted", ["sketchkit", "sketchkit>=0.0.1", "sketchkit~=0.1", "sketchkit>=0.0; extra == 'x'"]
)
def test_a_plugin_for_this_version_is_loaded(install: Install, wanted: str) -> None:
    install(_entry("flow", "swirl"), requires=("other>=99", wanted))
    assert registry.load("sampler", "swirl")


def test_versions_are_compared_by_their_numbers() -> None:
    for version, fits in (("1.10", True), ("1.9.0", True), ("1.9", True), ("1.8.9", False)):
        assert (find_misfit(("sketchkit>=1.9",), "sketchkit", version) is None) == fits
    assert find_misfit(("sketchkit>=1.0.0",), "sketchkit", "1") is None
    assert "needs sketchkit>=1.0" in str(find_misfit(("sketchkit>=1.0",), "sketchkit", "1.0.dev1"))


def test_requirements_that_say_nothing_of_versions_are_met_and_unreadable_ones_told() -> None:
    assert find_misfit(("sketchkit @ git+https://example.org/x",), "sketchkit", "1") is None
    assert find_misfit(("sketchkit>=9; extra == 'x'",), "sketchkit", "1") is None
    for line in ("sketchkit?!", "sketchkit>=banana"):
        assert "cannot be read" in str(find_misfit((line,), "sketchkit", "1"))


def test_a_plugin_that_is_passed_over_is_warned_of_once(
    install: Install, module: Callable[[str], str]
) -> None:
    install(_entry("flow", "swirl", f"{module('1 / 0')}:x"))
    with pytest.warns(PluginWarning, match="the sampler flow:swirl cannot be loaded") as said:
        assert list(registry.plugins_for_suffix("sampler", ".x", builtin=False)) == []
        assert list(registry.plugins_for_suffix("sampler", ".x", builtin=False)) == []
    assert len(said) == 1


def _folder(parent: Path, folder: str, metadata: str | bytes | None, entry_points: str | bytes) -> None:
    place = parent / f"{folder}.dist-info"
    place.mkdir(parents=True)
    for name, content in (("METADATA", metadata), ("entry_points.txt", entry_points)):
        if content is not None:
            (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def _found(*paths: Path) -> list[Installed]:
    return read_installed(distributions(path=[str(path) for path in paths]))


SWIRL = "[sketchkit.samplers]\nswirl = flow:Swirl\n"


def test_metadata_tell_of_a_plugin(tmp_path: Path) -> None:
    head = "Name: flow\nVersion: 1.2\nRequires-Dist: numpy\nRequires-Dist: sketchkit>=0.1\n\nVersion: 3\n"
    _folder(tmp_path, "flow-1.2", head, "[console_scripts]\nx = y:z\n" + SWIRL + "Whirl = flow:Whirl\n")
    _folder(tmp_path, "other-1.0", "Name: other\nVersion: 1.0\n", "[console_scripts]\nx = y:z\n")
    (flow,) = _found(tmp_path)
    assert (flow.name, flow.version, flow.problem) == ("flow", "1.2", None)
    assert flow.requires == ("numpy", "sketchkit>=0.1")
    assert [(e.group, e.name, e.value) for e in flow.entry_points] == [
        ("sketchkit.samplers", "swirl", "flow:Swirl"),
        ("sketchkit.samplers", "Whirl", "flow:Whirl"),
    ]


def test_of_two_distributions_of_one_name_the_first_counts(tmp_path: Path) -> None:
    _folder(tmp_path / "a", "flow-1.0", "Name: flow\nVersion: 1.0\n", SWIRL)
    _folder(tmp_path / "b", "Flow-2.0", "Name: Flow\nVersion: 2.0\n", SWIRL)
    assert [each.version for each in _found(tmp_path / "a", tmp_path / "b")] == ["1.0"]


def test_nobody_takes_sketchkits_place_by_its_name(tmp_path: Path) -> None:
    ours = "[sketchkit.commands]\nsample = sketchkit.cli.sample:app\n" + SWIRL
    _folder(tmp_path / "a", "SketchKit-9.0", "Name: SketchKit\nVersion: 9.0\n", SWIRL)
    _folder(tmp_path / "b", "sketchkit-x", f"Name: Sketchkit\nVersion: {__version__}\n", ours)
    own, other = _found(tmp_path / "a", tmp_path / "b")
    assert (own.name, own.version, len(own.entry_points)) == ("sketchkit", __version__, 2)
    assert other.problem == "it is named like sketchkit itself" and not other.entry_points


def test_a_default_section_speaks_for_no_group(tmp_path: Path) -> None:
    _folder(tmp_path, "flow-1.0", "Name: flow\n", "[DEFAULT]\nghost = flow:Ghost\n" + SWIRL)
    (flow,) = _found(tmp_path)
    assert [entry.name for entry in flow.entry_points] == ["swirl"]


def test_a_group_that_does_not_exist_is_told_with_the_nearest(install: Install) -> None:
    install(("flow", EntryPoint("swirl", "flow:Swirl", "sketchkit.sampler")))
    ((distribution, reason),) = registry.damaged()
    assert distribution.name == "flow"
    assert reason.endswith("of entry points: did you mean sketchkit.samplers?")


def test_what_strangers_print_at_work_goes_to_stderr_from_any_thread(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(_entry("flow", "swirl"), _entry("sketchkit", "greedy"))
    stranger, inside, leave = registry.find("sampler", "swirl"), threading.Event(), threading.Event()

    def other() -> None:
        with registry.attribute_errors(stranger):
            inside.set()
            leave.wait(600)

    thread = threading.Thread(target=other)
    with registry.attribute_errors(stranger):
        print("one")
        thread.start()
        inside.wait(600)
    print("two")  # the other is still at work
    leave.set()
    thread.join()
    with registry.attribute_errors(registry.find("sampler", "greedy")):
        print("three")
    assert capsys.readouterr() == ("three\n", "one\ntwo\n")


@pytest.mark.parametrize(
    ("metadata", "entry_points", "problem"),
    [
        (None, SWIRL, "its metadata have no name"),
        (b"\xff\xfe", SWIRL, "its metadata cannot be read"),
        ("Name: flow\n", b"[sketchkit.samplers]\nswirl = \xff", "its metadata cannot be read"),
        ("Name: flow\n", "swirl = flow:Swirl\n[sketchkit.samplers]", "its entry_points.txt cannot be read"),
        ("Name: flow\n", "[sketchkit.samplers\nswirl = flow:Swirl", "its entry_points.txt cannot be read"),
        ("Name: flow\n", "[sketchkit.samplers]\nswirl", "its entry_points.txt cannot be read"),
        ("Name: flow\n", SWIRL + "#" * 1_000_001, "its entry_points.txt cannot be read: longer than"),
    ],
)
def test_damaged_metadata_are_told_of_their_distribution_alone(
    tmp_path: Path, metadata: str | bytes | None, entry_points: str | bytes, problem: str
) -> None:
    _folder(tmp_path, "flow-1.0", metadata, entry_points)
    _folder(tmp_path, "zeal-1.0", "Name: zeal\n", SWIRL)
    flow, zeal = sorted(_found(tmp_path), key=lambda each: each.name)
    assert flow.name == "flow" and flow.problem is not None and problem in flow.problem
    assert zeal.problem is None and len(zeal.entry_points) == 1


def _endless(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def _waiting(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("file", ["entry_points.txt", "METADATA"])
@pytest.mark.parametrize(("put", "kind"), [(_endless, "a device"), (_waiting, "a pipe")])
def test_metadata_that_are_no_file_are_told_and_not_read(
    tmp_path: Path, file: str, put: Callable[[Path], None], kind: str
) -> None:
    _folder(tmp_path, "flow-1.0", "Name: flow\n", SWIRL)
    put(tmp_path / "flow-1.0.dist-info" / file)
    _folder(tmp_path, "zeal-1.0", "Name: zeal\n", SWIRL)
    flow, zeal = sorted(_found(tmp_path), key=lambda each: each.name)
    assert (flow.name, flow.problem) == ("flow", f"its metadata cannot be read: this is {kind}, not a file")
    assert zeal.problem is None


def test_a_long_description_does_not_hide_the_head_of_metadata(tmp_path: Path) -> None:
    head = "Name: flow\r\nVersion: 1.0\r\n\r\nName: other\r\n" + "\N{SNOWMAN}" * 400_000
    _folder(tmp_path, "flow-1.0", head, SWIRL)
    (flow,) = _found(tmp_path)
    assert (flow.name, flow.version, flow.problem) == ("flow", "1.0", None)


def test_more_plugins_than_a_distribution_may_bring_are_told(tmp_path: Path) -> None:
    many = "".join(f"n{number} = a:B\n" for number in range(60_000))
    _folder(tmp_path, "flow-1.0", "Name: flow\n", "[sketchkit.samplers]\n" + many)
    (flow,) = _found(tmp_path)
    assert flow.problem is not None and "it names 60000 plugins, the limit is 1000" in flow.problem
    assert flow.entry_points == ()


def test_more_distributions_than_can_be_looked_at_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sketchkit.installed._MAX_DISTRIBUTIONS", 5)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for number in range(6):
        _folder(tmp_path, f"flow{number}-1.0", f"Name: flow{number}\n", SWIRL)
    own, *others, last = read_installed(installed_distributions())
    assert own.name == "sketchkit" and own.entry_points and len(others) == 4
    assert last.problem == "there are more distributions than 5: the others are skipped"


def test_tens_of_thousands_of_names_are_told_apart(install: Install) -> None:
    # A look at all others for each of them would take minutes.
    count = 30_000
    install(*(_entry("flow" if number % 3 else "zeal", f"n{number // 2}") for number in range(count)))
    names = registry.names("sampler")
    assert len(names) == len(set(names)) == len(registry.plugins_of("sampler"))
    for name in names:
        assert name in (registry.find("sampler", name).name, registry.find("sampler", name).full_name)


def test_without_strangers_no_file_of_theirs_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _folder(tmp_path, "flow-1.0", "Name: flow\n", SWIRL)
    monkeypatch.syspath_prepend(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr(
        "sketchkit.installed.open_file", lambda path: opened.append(str(path)) or open_file(path)
    )
    assert "flow" in {each.name for each in read_installed(installed_distributions())}
    assert any("flow-1.0" in path for path in opened)
    opened.clear()
    assert {each.name for each in read_installed(installed_distributions(others=False))} == {"sketchkit"}
    assert opened and all("sketchkit-" in path.lower() for path in opened), opened


def test_names_that_no_command_line_could_carry_are_not_listed(install: Install) -> None:
    install(_entry("flow", "a b"), _entry("flow", "-x"), _entry("flow", "x:y"), _entry("flow", "x\x1b[2J"))
    assert registry.names("sampler") == []


@pytest.mark.parametrize("value", ["flow", "flow:", ":Swirl", "flow.Swirl()", "flow:a b", "__import__('os')"])
def test_an_entry_point_that_names_nothing_is_not_imported(install: Install, value: str) -> None:
    install(_entry("flow", "swirl", value))
    with pytest.raises(PluginError, match="not of the form module:attribute"):
        registry.load("sampler", "swirl")


def test_a_broken_built_in_is_a_bug_and_shows_itself(install: Install) -> None:
    install(_entry("sketchkit", "greedy", "not_there_at_all:Greedy"))
    with pytest.raises(ModuleNotFoundError):
        registry.load("sampler", "greedy")


@pytest.mark.parametrize("setting", ["", "0", "no", "No", "FALSE", "off", " off "])
def test_strangers_can_be_shut_out(install: Install, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    install(_entry("flow", "swirl"), _entry("flow", "greedy"), _entry("sketchkit", "greedy"))
    monkeypatch.setenv("SKETCHKIT_PLUGINS", setting)
    assert registry.names("sampler") == ["greedy"]
    with pytest.raises(PluginError, match="no sampler named 'swirl'"):
        registry.find("sampler", "swirl")
    for yes in ("1", "yes", "True", "ON"):
        monkeypatch.setenv("SKETCHKIT_PLUGINS", yes)
        assert registry.names("sampler") == ["flow:greedy", "greedy", "swirl"]


def test_a_setting_that_says_neither_yes_nor_no_is_named(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(_entry("sketchkit", "greedy"))
    monkeypatch.setenv("SKETCHKIT_PLUGINS", "nope")
    with pytest.raises(InputError, match=r"SKETCHKIT_PLUGINS must be one of 1, .* or empty, got 'nope'"):
        registry.names("sampler")


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
    with pytest.raises(PluginError, match=told), registry.attribute_errors(stranger):
        raise ValueError("one\ntwo")
    for plugin, error in ((ours, ValueError()), (stranger, MemoryError()), (stranger, PluginError("mine"))):
        with pytest.raises(type(error)) as raised, registry.attribute_errors(plugin):
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
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=600).returncode == 0
