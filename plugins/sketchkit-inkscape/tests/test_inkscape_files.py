"""The files of the extensions: parameters, translations, and Python as old as Inkscape's."""

from __future__ import annotations

import ast
import gettext
import re
import sys
from argparse import ArgumentParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sketchkit_inkscape

from sketchkit.generate import load_drawing_model

SOURCE = Path(sketchkit_inkscape.__file__).parent / "extension"
NAMES = ("finish", "draw", "between")
LANGUAGES = ("de", "ko")
INX = "{http://www.inkscape.org/namespace/inkscape/extension}"


def parameters(name: str) -> dict[str, ElementTree.Element]:
    root = ElementTree.parse(SOURCE / f"{name}.inx").getroot()
    return {str(each.get("name")): each for each in root.iter(f"{INX}param")}


def parser_of(name: str, monkeypatch: pytest.MonkeyPatch) -> ArgumentParser:
    monkeypatch.syspath_prepend(str(SOURCE))
    parser = ArgumentParser()
    __import__(name).add_arguments(parser)
    return parser


@pytest.mark.parametrize("name", NAMES)
def test_the_dialogue_and_the_script_have_the_same_parameters(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, parser = parameters(name), parser_of(name, monkeypatch)
    defaults = vars(parser.parse_args([]))
    assert set(shown) == set(defaults)
    for key, param in shown.items():
        options = [str(each.get("value")) for each in param.iter(f"{INX}option")]
        kind = {"int": int, "float": float}.get(str(param.get("type")), str)
        if key != "tab":
            assert defaults[key] == (options[0] if options else kind(param.text or ""))
        if kind is not str:
            assert isinstance(vars(parser.parse_args([f"--{key}={param.get('max')}"]))[key], kind)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_has_a_tooltip_and_every_extension_a_page_of_help(name: str) -> None:
    for key, param in parameters(name).items():
        assert key == "tab" or param.get("gui-description")
    pages = list(ElementTree.parse(SOURCE / f"{name}.inx").getroot().iter(f"{INX}page"))
    assert len(list(pages[-1].iter(f"{INX}label"))) > 3


def test_the_lists_show_what_the_bundled_model_draws() -> None:
    classes = load_drawing_model("doodle").card.classes
    for name, first in (("finish", "auto"), ("draw", "any")):
        options = [each.get("value") for each in parameters(name)["class_name"].iter(f"{INX}option")]
        assert options == [first, *classes]


def words_of_dialogues() -> set[str]:
    found: list[str | None] = []
    for name in NAMES:
        for each in ElementTree.parse(SOURCE / f"{name}.inx").getroot().iter():
            found += [each.get("gui-text"), each.get("gui-description")]
            tag = each.tag.replace(INX, "")
            found += [each.text] if tag in ("name", "option", "label", "menu-tip") else []
            found += [each.get("name")] if tag == "submenu" else []
    return {each.strip() for each in found if each and each.strip()}


def words_of_scripts() -> set[str]:
    return {
        node.args[0].value
        for path in SOURCE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "_"
        and isinstance(node.args[0], ast.Constant)
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_translated_and_no_other(language: str) -> None:
    found = gettext.translation("sketchkit-inkscape", str(SOURCE / "locale"), [language])
    catalog = found._catalog  # type: ignore[attr-defined]
    words = words_of_dialogues() | words_of_scripts()
    assert words == set(catalog) - {""}
    for word in words:
        assert found.gettext(word)
        assert set(re.findall(r"{\w+}", word)) == set(re.findall(r"{\w+}", found.gettext(word)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_loaded_is_what_the_readable_file_says(language: str) -> None:
    text = (SOURCE / "locale" / language / "LC_MESSAGES" / "sketchkit-inkscape.po").read_text(
        encoding="utf-8"
    )
    entries = dict(re.findall(r'^msgid (".+")\nmsgstr (".+")$', text, re.MULTILINE))
    found = gettext.translation("sketchkit-inkscape", str(SOURCE / "locale"), [language])
    read = {ast.literal_eval(key): ast.literal_eval(value) for key, value in entries.items()}
    assert read == {key: value for key, value in found._catalog.items() if key}  # type: ignore[attr-defined]


def test_scripts_need_nothing_but_inkex_and_python_3_8() -> None:
    own = {path.stem for path in SOURCE.glob("*.py")}
    for path in SOURCE.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
        for node in ast.walk(tree):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in {*own, "inkex", *sys.stdlib_module_names}
