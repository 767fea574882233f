"""The directives `commands` and `settings`: what the commands and the settings say of themselves."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.main import get_command

#: What help says of an option in brackets behind its meaning: its default, range, environment variable.
_FACTS = re.compile(r"\s+\[((?:default|env|required|[\d.]+ ).*?)\](?=\s|$)")


class DocumentFormatter:
    """Takes what a command writes as its help, and makes nodes of a document of it.

    Args:
        directive: what the nodes are made for.
        program: the words of the command, such as `sketchkit models`.
        told: by its text where each list of plugins stands already, which is told once.
    """

    #: As wide as need be: a document breaks its lines by itself.
    width = 10_000

    def __init__(self, directive: SphinxDirective, program: str, told: dict[str, str]) -> None:
        self.directive, self.program, self.told = directive, program, told
        self.root: nodes.Element = nodes.container()
        self.here = self.root

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Add how the command is called."""
        self.here += nodes.literal_block("", f"{prog} {args}", language="text", classes=["cli-usage"])

    def write_text(self, text: str) -> None:
        """Add a paragraph for each that the text has."""
        for part in filter(None, re.split(r"\n\s*\n", text.strip())):
            self.here += nodes.paragraph("", " ".join(part.split()))

    def write(self, text: str) -> None:
        """Add an example, or the name of a plugin."""
        words = text.strip()
        if self.here.get("title") == "Example":
            self.here += nodes.literal_block("", re.sub(r"(?m)^  ", "", text).rstrip(), language="console")
        elif words:
            name, colon, rest = words.partition(":")
            self.here += nodes.paragraph("", "", nodes.literal("", name), nodes.Text(colon + rest))

    def write_paragraph(self) -> None:
        """Add nothing: a document parts paragraphs by itself."""

    @contextmanager
    def indentation(self) -> Iterator[None]:
        """Add what follows as it stands: a document indents lists by itself."""
        yield

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Add a panel under its title; a list of plugins that stands above already becomes a link."""
        outer, panel = self.here, nodes.container(title=name, classes=["cli-panel"])
        self.here = panel
        yield
        self.here = outer
        outer += nodes.rubric("", name)
        first = self.program
        if name.startswith(("Samplers", "Renderers", "Options of")):
            first = self.told.setdefault(f"{name}\n{panel.astext()}", self.program)
        if first != self.program:
            words, target = nodes.literal("", first), f"#{nodes.make_id(first)}"
            link = nodes.reference("", "", words, internal=True, refuri=target)
            outer += nodes.paragraph("", "As listed with ", link, nodes.Text("."))
        else:
            outer += panel

    def write_dl(self, rows: Sequence[tuple[str, str]], **_: Any) -> None:
        """Add arguments, options or commands with their meanings; options can be linked to."""
        items = [nodes.definition_list_item("", self._term(name), self._meaning(text)) for name, text in rows]
        self.here += nodes.definition_list("", *items, classes=["cli-options"])

    def _term(self, name: str) -> nodes.term:
        term = nodes.term("", "", nodes.literal("", name))
        options = re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", name) if name.startswith("-") else []
        for option in options:
            env, program = self.directive.env, nodes.make_id(self.program)
            term["ids"].append(f"{program}{option}")
            env.domains.standard_domain.add_program_option(program, option, env.docname, f"{program}{option}")
        return term

    def _meaning(self, text: str) -> nodes.definition:
        facts = _FACTS.findall(f" {text}")
        meaning = nodes.paragraph("", _FACTS.sub("", f" {text}").strip())
        shown = [nodes.inline("", fact.replace("; ", " · "), classes=["cli-fact"]) for fact in facts]
        below = [nodes.paragraph("", "", *shown, classes=["cli-facts"])] if shown else []
        return nodes.definition("", meaning, *below)


class Commands(SphinxDirective):
    """All commands, each a section with those of its group below it."""

    def run(self) -> list[nodes.Node]:
        """Write the help of every command that comes with sketchkit."""
        from sketchkit.cli.main import app

        os.environ["SKETCHKIT_PLUGINS"] = "no"
        root = get_command(app)
        context = root.make_context("sketchkit", [], resilient_parsing=True)
        self.told: dict[str, str] = {}
        names = root.list_commands(context)
        return [self._section(root.get_command(context, name), name, context) for name in names]

    def _section(self, command: Any, name: str, parent: Any) -> nodes.section:
        context = command.make_context(name, [], parent=parent, resilient_parsing=True)
        program = context.command_path
        section = nodes.section(ids=[nodes.make_id(program)], names=[nodes.fully_normalize_name(program)])
        self.state.document.note_explicit_target(section, section)
        formatter = DocumentFormatter(self, program, self.told)
        context.command.format_help(context, formatter)
        section += [nodes.title("", "", nodes.literal("", program)), *formatter.root.children]
        group = context.command
        for inner in getattr(group, "list_commands", lambda _: [])(context):
            section += self._section(group.get_command(context, inner), inner, context)
        return section


class Settings(SphinxDirective):
    """A table of the settings that have a variable of the environment and a key of `config.toml`."""

    def run(self) -> list[nodes.Node]:
        """Write the table as Markdown, and read that."""
        from sketchkit.settings import DrawSettings, LatentSettings

        rows = {
            field.metadata["key"]: (field.metadata.get("flags") or f"--{field.name}", field)
            for kind in (DrawSettings, LatentSettings)
            for field in dataclasses.fields(kind)
            if "key" in field.metadata
        }
        lines = [
            f"| `{key}` | `SKETCHKIT_{key.upper()}` | `{flags.split()[0]}` | "
            f"`{field.default or field.metadata['usual']}` | {field.metadata['help'].partition(';')[0]} |"
            for key, (flags, field) in sorted(rows.items())
        ]
        head = ["| in `config.toml` | variable | option | default | |", "|---|---|---|---|---|"]
        return self.parse_text_to_nodes("\n".join(head + lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("commands", Commands)
    app.add_directive("settings", Settings)
    return {"parallel_read_safe": True}
