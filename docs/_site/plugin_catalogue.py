"""The directive `plugin-catalogue`: the packages in `plugins/`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class PluginCatalogue(SphinxDirective):
    """A card for each package: its name, its description, and what it brings."""

    def run(self) -> list[nodes.Node]:
        """Write the cards as Markdown, and read that."""
        root = Path(self.env.srcdir)
        cards = []
        for file in sorted(root.glob("plugins/*/pyproject.toml")):
            self.env.note_dependency(str(file))
            cards.append(_card(file))
        text = ":::::{grid} 1 1 2 2\n:gutter: 3\n\n" + "\n".join(cards) + "\n:::::\n"
        return self.parse_text_to_nodes(text)


def _card(file: Path) -> str:
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    brings = {
        kind.rpartition(".")[2].removesuffix("s") + "s" * (len(names) > 1): names
        for kind, names in project.get("entry-points", {}).items()
    }
    kinds = [f"{kind}: {', '.join(f'`{name}`' for name in sorted(names))}" for kind, names in brings.items()]
    name, footer = project["name"], f":::{{card-footer}}\n{'; '.join(kinds)}\n:::\n" if kinds else ""
    return (
        f"::::{{grid-item-card}} {name}\n:link: /plugins/{name}/README\n:link-type: doc\n\n"
        f"{project['description']}.\n\n{footer}::::\n"
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("plugin-catalogue", PluginCatalogue)
    return {"parallel_read_safe": True}
