"""The check of commands: each rule, broken by a command of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from checking import rules_of
from typer.core import TyperCommand

from sketchkit import registry
from sketchkit.errors import InputError
from sketchkit.testing import check_command


@pytest.mark.parametrize("name", [p.full_name for p in registry.all_plugins("command") if p.builtin])
def test_every_command_of_ours_passes(name: str) -> None:
    check_command(name)


@pytest.mark.skipif(not registry.names("command"), reason="no command is registered")
def test_a_command_is_tried_in_a_process_of_its_own() -> None:
    check_command("sketchkit:render", slow=True)


def test_a_process_of_its_own_needs_a_name() -> None:
    with pytest.raises(InputError, match="give its name"):
        check_command(_app(), slow=True)


def do(file: Annotated[str, typer.Argument(help="A file.")], times: int = 3) -> None:
    """Do something with a file."""


def _app(function: Callable[..., Any] = do, **more: Any) -> typer.Typer:
    app = typer.Typer(**more)
    app.command()(function)
    return app


def test_a_command_with_and_without_colours_passes() -> None:
    check_command(_app())
    check_command(_app(rich_markup_mode=None, add_completion=False))


def test_a_command_of_several_passes() -> None:
    app = _app(help="Several things.")
    app.command("again")(do)
    check_command(app)


def silent(file: str) -> None:
    pass


def wide(
    a_rather_long_name_for_an_option_that_nobody_would_ever_want_to_type_by_hand_or_read: int = 3,
) -> None:
    """Do it."""


def _unmarked() -> typer.Typer:
    app = _app(help="Several things.")
    app.command("again")(silent)
    return app


def _undocumented_group() -> typer.Typer:
    app = _app()
    app.command("again")(do)
    return app


class _Picky(TyperCommand):
    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        if "--help" not in args:
            raise LookupError("what is this?")
        return super().parse_args(ctx, args)


def _picky() -> typer.Typer:
    app = typer.Typer()
    app.command(cls=_Picky)(do)
    return app


class _Broken(TyperCommand):
    def format_help(self, ctx: Any, formatter: Any) -> None:
        raise OSError("the disk is full")


def _broken() -> typer.Typer:
    app = typer.Typer()
    app.command(cls=_Broken)(do)
    return app


def _tolerant() -> typer.Typer:
    app = typer.Typer()
    app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(do_all)
    return app


def do_all(words: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Do all."""


def bad_type(value: int | list[int]) -> None:
    """Do it."""


@pytest.mark.parametrize(
    ("app", "rule"),
    [
        (do, "a command"),
        (typer.Typer(), "a command"),
        (_app(bad_type), "a command"),
        (_app(silent), "description"),
        (_unmarked(), "description again"),
        (_undocumented_group(), "description"),
        (_tolerant(), "unknown option"),
        (_picky(), "help"),
        (_broken(), "help"),
        (_app(wide, rich_markup_mode=None), "columns"),
    ],
)
def test_a_command_that_does_not_explain_itself_is_told(app: Any, rule: str) -> None:
    assert rule in rules_of(check_command, app)


def _own_help() -> typer.Typer:
    app = typer.Typer(context_settings={"help_option_names": ["--what"]})
    app.command()(do)
    return app


def test_help_that_does_not_end_well_is_told() -> None:
    assert rules_of(check_command, _own_help()) == ("help",)


def _refuses_without_a_word() -> typer.Typer:
    app = typer.Typer()

    @app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def do() -> None:
        """Do it."""
        raise typer.Exit(2)

    return app


def test_a_refusal_must_name_what_it_refuses() -> None:
    assert rules_of(check_command, _refuses_without_a_word()) == ("unknown option",)


LIGHT = """
import typer
app = typer.Typer()

@app.command()
def swirl() -> None:
    '''Swirl.'''
"""


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Install a distribution whose command is in a module of this source, here and in new processes."""

    def put(source: str) -> None:
        name = f"command_{abs(hash(source))}"
        (tmp_path / f"{name}.py").write_text(source)
        place = tmp_path / "flow-1.0.dist-info"
        place.mkdir()
        (place / "METADATA").write_text("Name: flow\nVersion: 1.0\n")
        (place / "entry_points.txt").write_text(f"[sketchkit.commands]\nswirl = {name}:app\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        registry._all_installed.cache_clear()
        registry._plugins.cache_clear()

    yield put
    monkeypatch.undo()
    registry._all_installed.cache_clear()
    registry._plugins.cache_clear()


def test_a_light_and_quiet_command_passes_in_a_process_of_its_own(publish: Callable[[str], None]) -> None:
    publish(LIGHT)
    check_command("swirl", slow=True)
    check_command("flow:swirl", slow=True)


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("print('hello')" + LIGHT, "quiet"),
        ("import torch" + LIGHT, "light"),
        (
            "import sys\nif 'pytest' not in sys.modules: raise OSError('all alone')" + LIGHT,
            "alone",
        ),
    ],
)
def test_what_a_new_process_shows_is_told(publish: Callable[[str], None], source: str, rule: str) -> None:
    publish(source)
    check_command("swirl")
    assert rules_of(check_command, "swirl", slow=True) == (rule,)


def test_a_command_that_cannot_be_imported_is_told(publish: Callable[[str], None]) -> None:
    publish("raise ValueError('one')")
    assert rules_of(check_command, "swirl") == ("importable",)
