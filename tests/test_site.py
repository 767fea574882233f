"""The documentation site: its references hold every command, every option and every public name."""

from __future__ import annotations

import importlib
import io
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
pytest.importorskip("sphinx", reason="the extra `docs` is not installed")


@pytest.fixture
def public_names(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_site"))
    return importlib.import_module("public_names")


def test_a_public_name_that_the_reference_lacks_is_found(public_names: ModuleType) -> None:
    everything = public_names.missing_names([])
    assert {"sketchkit.complete", "sketchkit.generate.LiveDecoder", "sketchkit.options.option"} <= set(
        everything
    )
    assert "sketchkit.generate.complete" not in everything  # it stands in the reference as sketchkit.complete
    assert public_names.missing_names(everything) == []
    assert public_names.missing_names(everything[1:]) == everything[:1]


def test_the_reference_has_the_modules_that_plugins_may_rely_on(public_names: ModuleType) -> None:
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    section = page.partition("## What you may rely on")[2].partition("\n## ")[0]
    promised = {f"sketchkit{name}" for name in re.findall(r"`(\.[a-z]+)`", section)}
    assert len(promised) > 10
    assert promised <= set(public_names.MODULES)


def test_the_reference_of_commands_has_every_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sphinx.application import Sphinx

    monkeypatch.setenv("SKETCHKIT_PLUGINS", "no")
    page = "docs/reference/commands"
    only = {"include_patterns": [f"{page}.md"], "root_doc": page, "html_additional_pages": {}}
    warned = io.StringIO()  # of the names that the other pages have
    app = Sphinx(ROOT, ROOT / "docs", tmp_path / "site", tmp_path / "tree", "html", only, None, warned)
    app.build()
    shown = (tmp_path / "site" / f"{page}.html").read_text(encoding="utf-8")
    anchors = set(re.findall(r'id="([^"]+)"', shown))
    for command, options in _recorded_options().items():
        program = f"sketchkit-{command.replace(' ', '-')}"
        assert {program, *(f"{program}{option}" for option in options)} <= anchors


def _recorded_options() -> dict[str, list[str]]:
    """The options of every command, as the recording of their help has them."""
    text = (ROOT / "tests" / "recorded" / "outputs" / "options.json").read_text(encoding="utf-8")
    found = {command: options for each in json.loads(text) for command, options in each.items()}
    option = re.compile("--.+|-.")
    return {command: list(filter(option.fullmatch, options)) for command, options in found.items()}
