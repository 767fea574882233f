"""Links to files that are no page of the site lead to the file in the repository."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.addnodes import download_reference, pending_xref
from sphinx.application import Sphinx

SOURCE = "https://github.com/sketchkit/sketchkit/blob/main/"
#: The front page of the repository, and that of the site.
FRONT, INDEX = "README", "docs/index"


def link_files(app: Sphinx, document: nodes.document) -> None:
    """Turn links to files that are there, but no page, into links to the repository."""
    root = Path(app.srcdir)
    here = (root / app.env.doc2path(app.env.docname)).parent
    for node in list(document.findall(pending_xref)):
        if node["reftarget"] == FRONT:
            node["reftarget"] = INDEX
    for node in list(document.findall(lambda node: isinstance(node, pending_xref | download_reference))):
        path = (here / node["reftarget"]).resolve()
        if node.get("refdomain") != "doc" and path.exists() and path.is_relative_to(root) and path != here:
            name = path.relative_to(root).as_posix()
            node.replace_self(nodes.reference("", "", *node.children, refuri=SOURCE + name, internal=False))


def setup(app: Sphinx) -> dict[str, bool]:
    """Listen for documents that have been read."""
    app.connect("doctree-read", link_files)
    return {"parallel_read_safe": True}
