"""What the documents say is tried: every command and every piece of Python in them runs."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
from pathlib import Path

import pytest

from sketchkit.checkpoints.magenta import dump_magenta
from sketchkit.cli.main import run
from sketchkit.models import SketchModel

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


#: Options whose value is a file that the command writes, and what is read by its suffix.
WRITTEN, READ = (
    {"-o", "--output", "--out", "--heatmap", "--outliers"},
    (".svg", ".ndjson", ".npz", ".safetensors"),
)
#: The documents whose commands all run, in the order in which they stand.
RUN = ["README.md", "docs/complete.md", "docs/files.md", "docs/gallery.md", "docs/tutorial.md"]


def _text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def _commands(document: str) -> list[str]:
    return [line for block in _blocks(_text(document), "console") for line in block.splitlines()]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: SketchModel) -> Path:
    """A folder with the examples in it, and an empty store; what is published has random weights."""
    monkeypatch.setenv("SKETCHKIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "bird.gen.json").write_bytes(dump_magenta(tiny_model))
    return tmp_path


def test_the_readme_begins_with_its_two_commands() -> None:
    first, second = _blocks(README, "sh")
    assert "pip install -q -c constraints.txt . && sketchkit complete examples/car-start.svg -o" in first
    assert second.splitlines()[-1] == "pytest"


@pytest.mark.parametrize("document", ["docs/index.md", "docs/install.md"])
def test_what_a_page_of_beginnings_shows_is_run_elsewhere(document: str) -> None:
    words = {line for block in _blocks(README, "sh") for line in re.split(r"\n| && ", block)}
    elsewhere = words | {command for page in RUN for command in _commands(page)}
    blocks = _blocks(_text(document), "sh")
    assert blocks
    assert {line for block in blocks for line in re.split(r"\n| && ", block)} <= elsewhere


@pytest.mark.parametrize("document", RUN)
def test_every_command_of_a_document_runs(workshop: Path, document: str) -> None:
    commands = _commands(document)
    assert len(commands) >= 4
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "sketchkit"
        if words[1:3] == ["models", "pull"]:
            words = ["sketchkit", "models", "import", f"published/{words[3]}.gen.json", "--name", words[3]]
        written = {new for option, new in itertools.pairwise(words) if option in WRITTEN}
        shown = {name for name in written if f"](images/{name})" in _text(document)}
        assert run([*words[1:], *_less(words, bool(shown))]) == 0, command
        for name in written:
            assert list(workshop.glob(re.sub(r"\{\w+\}", "*", name))), command
            if name in shown:
                picture = (ROOT / "docs" / "images" / name).read_text(encoding="utf-8")
                assert _layout((workshop / name).read_text(encoding="utf-8")) == _layout(picture), command


def _less(words: list[str], shown: bool) -> list[str]:
    """Options for a command to take less time; of an option that comes again the last counts.

    Args:
        words: of the command.
        shown: whether the document shows the picture that it makes.
    """
    number = int(words[words.index("-n") + 1]) if "-n" in words else 0
    if words[1] == "train":
        return ["--steps", "2", "--batch-size", "2"]
    if words[1] == "infill":
        return ["--particles", "16"]
    if words[1:3] == ["data", "synth"]:
        return ["-n", str(min(100, number))]
    return ["-n", str(min(20, number))] if words[1] == "sample" and not shown else []


def _layout(picture: str) -> tuple[str, int]:
    """The extent of a picture, and how many drawings are on it."""
    return re.findall(r'viewBox="([^"]+)"', picture)[0], len(re.findall(r'id="cell-\d+"', picture))


def test_each_picture_of_the_gallery_stands_by_its_command() -> None:
    sections = _text("docs/gallery.md").split("\n## ")[1:]
    assert len(sections) >= 10
    for section in sections:
        (shown,) = re.findall(r"^!\[.+\]\((.+)\)$", section, re.MULTILINE)
        (block,) = _blocks(section, "console") or _blocks(section, "sh")
        words = shlex.split(block.splitlines()[-1])
        if words[0] == "python":
            assert words == ["python", shown.removeprefix("../").replace(".svg", ".py")]
        else:
            assert shown == f"images/{words[-1]}"


def test_every_option_a_document_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("complete", "sample", "render", "train", "grid", "score", "rerun"):
        assert run([command, "--help"]) == 0
    shown = capsys.readouterr().out
    for document in RUN:
        for option in set(re.findall(r"`(--[a-z-]+)", _text(document))) - {"--install-completion"}:
            assert option in shown, f"{document}: {option}"


@pytest.mark.parametrize("document", ["README.md", "docs/from-python.md"])
def test_the_python_of_a_document_runs(workshop: Path, document: str) -> None:
    blocks = _blocks(_text(document), "python")
    assert blocks
    for code in blocks:
        exec(compile(code, document, "exec"), {})
    assert (workshop / "best.svg").exists()
    assert (workshop / "best.ndjson").exists()


def test_links_between_the_documents_lead_somewhere() -> None:
    documents = [
        "README.md",
        "CONTRIBUTING.md",
        *(p.relative_to(ROOT) for p in (ROOT / "docs").rglob("*.md")),
        *(p.relative_to(ROOT) for p in (ROOT / "plugins").glob("*/README.md")),
    ]
    for document in documents:
        folder = (ROOT / document).parent
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / document).read_text(encoding="utf-8")):
            assert (folder / target).exists(), f"{document}: {target}"


#: Where a command takes the name of a data set, among its words without an option.
DATA_SETS = {"train": 0, "atlas": 0, "evaluate": 1}
PAGES = ["atlas", "data", "evaluate", "infill", "latent", "regions", "score", "sheets"]


@pytest.mark.parametrize("page", [*RUN, *(f"docs/{name}.md" for name in PAGES)])
def test_every_file_that_a_command_of_a_page_reads_is_there_or_made_before(page: str) -> None:
    made: set[str] = set()
    lines = _commands(page)
    assert lines
    for line in lines:
        _, *words = shlex.split(line.partition("|")[0].partition(">")[0], comments=True)
        outputs = {new for option, new in itertools.pairwise(words) if option in WRITTEN}
        read = [w.partition("#")[0] for w in words if w.endswith(READ) and w not in outputs and "=" not in w]
        plain = list(itertools.takewhile(lambda word: not word.startswith("-"), words[1:]))
        if words[0] in DATA_SETS:
            read.append(plain[DATA_SETS[words[0]]])
        for name in read:
            assert name in made or list(ROOT.glob(name)), f"{page}: {line}: there is no {name}"
        models = ("best", "last") if words[0] == "train" else ()
        made |= outputs | {f"{new}/{name}.safetensors" for new in outputs for name in models}
        if words[:2] == ["data", "fetch"]:
            made |= {f"{name}.ndjson" for name in plain[2:]}
