"""Help that can be read and copied from, completion, and a start that loads next to nothing."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from conftest import Outcome, Sketchkit
from typer.core import TyperCommand
from typer.testing import CliRunner

from sketchkit import options, registry
from sketchkit.cli.help import Command, standalone_app
from sketchkit.cli.main import run

COMMANDS = [
    ["complete"],
    ["sample"],
    ["render"],
    ["train"],
    ["evaluate"],
    ["encode"],
    ["decode"],
    ["reconstruct"],
    ["interpolate"],
    ["grid"],
    ["analogy"],
    ["atlas"],
    ["score"],
    ["infill"],
    ["doctor"],
    *(["data", name] for name in ("list", "info", "fetch", "prepare", "synth", "distill", "critique")),
    *(["models", name] for name in ("list", "info", "import", "export", "prior", "pull", "remove")),
]


@pytest.mark.parametrize("command", [[], ["models"], ["data"], *COMMANDS], ids=" ".join)
def test_help_fits_a_terminal_of_80_columns(sketchkit: Sketchkit, command: list[str]) -> None:
    shown = sketchkit(*command, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert all(len(line) <= 80 for line in shown.out.decode().splitlines())
    assert sketchkit(*command, "-h").out == shown.out


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_ends_with_examples_on_lines_of_their_own(
    sketchkit: Sketchkit, command: list[str]
) -> None:
    lines = sketchkit(*command, "--help").out.decode().splitlines()
    examples = lines[lines.index("Example:") + 1 :]
    assert examples
    for example in examples:
        assert example.startswith(f"  sketchkit {' '.join(command)} ") or example.endswith(" ".join(command))


#: A command, and under which heading some of its options stand.
PANELS = [
    ("complete", {"What is drawn": ["-n", "--top", "--class"], "How it is drawn": ["--model", "--seed"]}),
    ("complete", {"Where it may go": ["--region"], "What is read": ["--limit"], "The sheet": ["--gap"]}),
    (
        "complete",
        {"What is written": ["--output", "--layout", "--json"], "Speed": ["--device", "--deterministic"]},
    ),
    ("sample", {"What is drawn": ["-n", "--first"], "Speed": ["--engine"], "Options": ["--help"]}),
    ("infill", {"What is drawn": ["--missing", "--number"], "The sheet": ["--cell"]}),
    ("grid", {"What is drawn": ["--steps"], "What is read": ["--pairs", "--from"]}),
    ("render", {"What is written": ["--output", "--format"], "The sheet": ["--page"]}),
]


@pytest.mark.parametrize(("command", "panels"), PANELS)
def test_the_options_of_a_drawing_command_stand_under_headings(
    sketchkit: Sketchkit, command: str, panels: dict[str, list[str]]
) -> None:
    found: dict[str, set[str]] = {}
    for line in sketchkit(command, "--help").out.decode().splitlines():
        if line and not line.startswith(" "):
            words = found.setdefault(line.rstrip(":"), set())
        elif line.startswith("  -"):
            words |= {word.rstrip(",") for word in line.split() if word.startswith("-")}
    for title, names in panels.items():
        assert set(names) <= found[title]
    assert found["Options"] == {"-h", "--help"}


def test_an_option_that_has_a_panel_of_its_own_stands_there() -> None:
    def command(x: Annotated[int, typer.Option(rich_help_panel="Mine")] = 1) -> None:
        """Do something."""

    text = CliRunner().invoke(standalone_app(command, Command, "x"), ["--help"]).output
    assert "Mine:\n  --x <int>" in text


def test_what_several_samplers_take_is_said_once(sketchkit: Sketchkit) -> None:
    text = sketchkit("sample", "--help").out.decode()
    assert text.count("rule=javascript") == text.count("temperature=0.4") == 1
    assert "  nucleus: temperature, rule\n    p=0.9" in text


@pytest.mark.parametrize("words", [[], ["models"], ["complete"], ["models", "pull"], ["plugins"], ["bench"]])
def test_help_is_the_same_where_python_leaves_docstrings_out(sketchkit: Sketchkit, words: list[str]) -> None:
    command = [sys.executable, "-OO", "-m", "sketchkit", *words, "--help"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert done.stdout == sketchkit(*words, "--help").out


def test_the_examples_work(sketchkit: Sketchkit, own_store: Path, bird: Path, doodle: Path) -> None:
    import sketchkit as library

    library.load_model("tiny").with_card(name="bird").save(own_store / "bird.safetensors")
    library.write([library.read(bird)] * 3, "cat.ndjson")
    assert sketchkit("models", "export", "bird", "-o", "bird.gen.json").code == 0
    (doodle.parent / "doodle-1.safetensors").write_bytes(doodle.read_bytes())
    for command in ("complete", "sample", "render", "models list", "models info", "models export"):
        assert run_example(sketchkit, command).code == 0
    assert run_example(sketchkit, "models remove").code == 0
    assert run_example(sketchkit, "models import").code == 0


def run_example(sketchkit: Sketchkit, command: str) -> Outcome:
    *_, example = sketchkit(*command.split(), "--help").out.decode().splitlines()
    return sketchkit(*shlex.split(example)[1:])


@pytest.mark.parametrize("command", ["complete", "sample"])
def test_help_lists_the_options_of_every_sampler(sketchkit: Sketchkit, command: str) -> None:
    shown = " ".join(sketchkit(command, "--help").out.decode().split())
    for name in registry.names("sampler"):
        assert name in shown
        for each in options.describe(registry.load("sampler", name)):
            allowed = f" [{each.range}]" if each.range else ""
            assert f"{each.name}={each.default} {each.help}{allowed}" in shown


def test_a_broken_sampler_stays_alone(sketchkit: Sketchkit, monkeypatch: pytest.MonkeyPatch) -> None:
    load = registry.load

    def broken(kind: str, name: str) -> object:
        if name == "nucleus":
            raise registry.PluginError("it is \x1b[31mbroken")
        return load(kind, name)

    monkeypatch.setattr(registry, "load", broken)
    shown = sketchkit("complete", "--help").out.decode()
    assert "it is \N{REPLACEMENT CHARACTER}[31mbroken" in shown
    assert "k=5" in shown


@pytest.mark.parametrize("args", [[], ["models"]])
def test_no_command_shows_the_help_and_the_code_of_wrong_usage(sketchkit: Sketchkit, args: list[str]) -> None:
    shown = sketchkit(*args)
    assert (shown.code, shown.out) == (2, b"")
    assert shown.err == sketchkit(*args, "--help").out.decode()


def test_the_version_is_shown(sketchkit: Sketchkit) -> None:
    from sketchkit import __version__

    assert sketchkit("--version").out.decode() == f"sketchkit {__version__}\n"


def test_help_marks_nothing_up(sketchkit: Sketchkit) -> None:
    assert b"\x1b" not in sketchkit("complete", "--help").out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("sketchkit complete x --model t", ["tiny"]),
        ("sketchkit complete x --model b", []),
        ("sketchkit sample --sampler n", ["nucleus"]),
        ("sketchkit models pull flam", ["flamingo"]),
        ("sketchkit models info ti", ["tiny"]),
        ("sketchkit models remove ti", ["tiny"]),
        ("sketchkit models remove doo", []),
        ("sketchkit complete x --model doo", ["doodle"]),
        ("sketchkit models export doodle --class c", ["cat"]),
        ("sketchkit complete x --layout l", ["layers"]),
        ("sketchkit models ex", ["export"]),
    ],
)
def test_the_shell_completes(
    words: str,
    expected: list[str],
    doodle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("_SKETCHKIT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    with pytest.raises(SystemExit) as ended:
        run([])
    assert ended.value.code == 0
    assert capsys.readouterr().out.split() == expected


def test_completion_works_through_the_console_script(shell: Sketchkit) -> None:
    words = {"COMP_WORDS": "sketchkit complete x --model ti", "COMP_CWORD": "4"}
    done = shell(env={"_SKETCHKIT_COMPLETE": "complete_bash", **words})
    assert (done.code, done.out.strip(), done.err) == (0, b"tiny", "")


def test_a_store_that_cannot_be_read_completes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sketchkit.cli.completions import complete_models

    (tmp_path / "models").write_text("a file where a folder should be")
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path))
    assert complete_models("t") == []


RUN = "from sketchkit.cli.main import run; run"


def loaded_by(code: str, modules: set[str]) -> set[str]:
    """Which of some modules a piece of Python has loaded in the end."""
    program = f"import sys; {code}; print('loaded', *({modules} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    first, *rest = done.stdout.splitlines()[-1].split()
    assert first == "loaded", done.stderr
    return set(rest)


@pytest.mark.parametrize(
    "code",
    [
        "import sketchkit",
        "{}(['--help'])",
        "{}(['complete', '--help'])",
        "{}(['sample', '--help'])",
        "{}(['models', 'list'])",
        "{}(['models', 'list', '--json'])",
        "{}(['models', 'info', 'tiny'])",
    ],
)
def test_what_needs_no_drawing_loads_nothing_heavy(code: str) -> None:
    assert loaded_by(code.format(RUN), {"torch", "shapely", "cairosvg", "svgwrite"}) == set()


def test_the_root_help_loads_no_numbers_either() -> None:
    modules = {"numpy", "rich.console", "packaging"}
    assert loaded_by(f"{RUN}(['--help'])", modules) == set()


def test_wrong_usage_is_told_before_the_slow_part_is_loaded(bird: Path) -> None:
    for args in (["sample", "-t", "-1"], ["complete", "bird.svg", "-o", "no/x.svg"]):
        assert loaded_by(f"{RUN}({args})", {"torch"}) == set()


@pytest.mark.parametrize(
    "command", [["complete"], ["sample"], ["render"], ["models", "pull"], ["models", "list"]]
)
def test_help_shows_nothing_that_only_the_parser_understands(
    sketchkit: Sketchkit, command: list[str]
) -> None:
    text = sketchkit(*command, "--help").out.decode()
    for inner in ("<list", "<str>", "default: (", "]...", "{FILES}", "{CLASS}", "9223372036854775807"):
        assert inner not in " ".join(text.split())


def test_the_list_of_commands_is_whole_and_says_what_each_is_for(sketchkit: Sketchkit) -> None:
    lines = sketchkit("--help").out.decode().splitlines()
    shown = dict(line.split(maxsplit=1) for line in lines[lines.index("Commands:") + 1 :])
    assert set(shown) == {p.name for p in registry.all_plugins("command") if p.builtin}
    assert all(text.endswith(".") and not text.endswith("...") for text in shown.values())


def test_the_list_of_plugins_and_plain_flags_need_no_pydantic() -> None:
    assert loaded_by(f"{RUN}(['plugins'])", {"pydantic", "torch", "numpy"}) == set()


def test_drawing_loads_no_compiler(home: Path) -> None:
    # Fresh weights, which a file replaces at once, would do so on the way.
    assert loaded_by(f"{RUN}(['sample', '-n', '1', '-o', 'x.svg'])", {"torch._dynamo"}) == set()
    assert (home / "x.svg").exists()


NUMBERS = ["7", "-3", "007", "-0", "9", "10", "-4", "+5", " 6 ", "1_0", "6.0", "6.5", "٣", "", "x", "2²"]
SHARES = ["0.25", "1", "0.1", "1e1", "inf", "nan", ".5", "5.", "1,5", "1_0.5", "0.30000000000000004", ""]


def outcomes(cls: type[TyperCommand]) -> list[object]:
    """What a command of a class is given by many command lines, or says of them."""
    seen: list[object] = []
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    def draw(
        files: list[str],
        number: Annotated[int, typer.Option(min=-3, max=9)] = 4,
        clamped: Annotated[int, typer.Option(max=9, clamp=True)] = 4,
        free: int | None = None,
        share: Annotated[float, typer.Option(min=0.25)] = 0.5,
        word: str = "plain",
        kind: Literal["one", "two"] = "one",
        name: list[str] | None = None,
        loud: bool = False,
    ) -> None:
        seen.append((files, number, clamped, free, share, word, kind, name, loud))

    app.command(cls=cls)(draw)
    lines = [
        *([f"--{option}", word] for option in ("number", "clamped", "free") for word in NUMBERS),
        *(["--share", word] for word in SHARES),
        *(["--word", word] for word in ("", "7", " two ")),
        *(["--kind", word] for word in ("two", "TWO", "")),
        ["--name", "a", "--name", ""],
        ["--loud"],
    ]
    said = [CliRunner().invoke(app, [*line, "a.svg", ""]).output for line in lines]
    return [*seen, *said, CliRunner().invoke(app, []).output, CliRunner().invoke(app, ["b.svg"]).output]


def test_words_of_options_are_read_as_typer_reads_them() -> None:
    ours = outcomes(Command)
    assert ours == outcomes(TyperCommand)
    assert len(ours) > 100
