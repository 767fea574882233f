"""A document as a tree of elements, read within limits.

expat is used directly because it tells where in the bytes an element ends, and because its handlers see an
element before the next one is read: the limits hold while the document is parsed. Only the bytes
are read: a document type that points elsewhere is passed over, an entity that does is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pyexpat import ExpatError, ParserCreate
from urllib.parse import unquote_to_bytes

from sketchkit.errors import FormatError
from sketchkit.formats.streams import SIGNATURE_BYTES, kind_of_bytes
from sketchkit.formats.svg import limits
from sketchkit.formats.svg.limits import Budget, quote

SVG_NAMESPACE = "http://www.w3.org/2000/svg"
_HTML_NAMESPACE = "http://www.w3.org/1999/xhtml"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_BYTE_ORDERS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}


class Node:
    """An element: its name, its attributes, and where it hangs in the tree.

    Attribute names in a namespace are written `{namespace}name`. `text` is kept for `style` elements only;
    `shows_text` is whether anything is written in a `text` element or in HTML.
    """

    __slots__ = ("attrib", "children", "index", "name", "namespace", "parent", "shows_text", "text")

    def __init__(self, name: str, namespace: str, attrib: dict[str, str], parent: Node | None) -> None:
        self.name = name
        self.namespace = namespace
        self.attrib = attrib
        self.parent = parent
        self.children: list[Node] = []
        self.index = 0
        self.text = ""
        self.shows_text = False
        if parent is not None:
            self.index = len(parent.children)
            parent.children.append(self)

    def get(self, name: str, default: str = "") -> str:
        """The value of an attribute."""
        return self.attrib.get(name, default)

    @property
    def is_svg(self) -> bool:
        """Whether the element is SVG's; documents that forgot to name the namespace are believed."""
        return self.namespace in (SVG_NAMESPACE, "")

    @property
    def href(self) -> str:
        """The reference in `href` or the older `xlink:href`, "" without either."""
        return self.attrib.get("href", self.attrib.get(_XLINK_HREF, "")).strip()

    def walk(self) -> Iterator[Node]:
        """This element and all below it, in document order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


def fragment(reference: str) -> str | None:
    """The id that a reference into its own document means; `None` for any other reference.

    Source: the URL standard. White space around and line breaks do not count, the rest is percent-encoded.
    """
    reference = re.sub("[\t\n\r]", "", reference.strip())
    if not reference.startswith("#"):
        return None
    data = unquote_to_bytes(reference[1:])
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Document:
    """The tree of a document, and the facts that an edit of its bytes needs.

    Attributes:
        root: the `svg` element.
        ids: the first element of each `id`.
        insert_at: the byte at which the root's end tag starts, or the `/>` of a root that closes itself.
        self_closing: whether the root closes itself.
        encoding: the codec in which inserted text is to be encoded; never writes a byte order mark.
        prefix: the start of the root's name ("svg:" in `<svg:svg>`), mostly empty.
    """

    root: Node
    ids: dict[str, Node]
    insert_at: int
    self_closing: bool
    encoding: str
    prefix: str

    def by_reference(self, reference: str) -> Node | None:
        """The element that a reference means, percent-encoded or as the id is written."""
        target = fragment(reference)
        return None if target is None else self.ids.get(target) or self.ids.get(reference[1:])


def parse_document(data: bytes, budget: Budget) -> Document:
    """Parse a document.

    Args:
        data: the whole file.
        budget: counts elements; its name begins every error.

    Raises:
        FormatError: not well-formed, not SVG, an entity outside the file, or above a limit.
    """
    name = budget.name
    if len(data) > limits.MAX_BYTES:
        raise FormatError(f"{name}: more than {limits.MAX_BYTES:,} bytes")
    if not data.strip():
        raise FormatError(f"{name}: the file is empty")
    if (kind := kind_of_bytes(data[:SIGNATURE_BYTES], ".svg")) is not None:
        raise FormatError(f"{name}: not SVG but {kind}")
    builder = _Builder(data, budget)
    try:
        builder.parser.Parse(data, True)
    except ExpatError as error:
        raise FormatError(f"{name}: not well-formed XML: {' '.join(str(error).split())}") from error
    except (LookupError, ValueError) as error:  # raised by pyexpat for an unknown encoding
        raise FormatError(
            f"{name}: its text encoding cannot be read ({quote(str(error))}): save it as UTF-8"
        ) from error
    return builder.finish()


class _Builder:
    """expat's handlers, which build the tree and hold the limits."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        self.data = data
        self.budget = budget
        self.encoding = next((e for mark, e in _BYTE_ORDERS.items() if data.startswith(mark)), "utf-8")
        self.root: Node | None = None
        self.open: Node | None = None
        self.written: Node | None = None  # the text or the HTML that is open
        self.depth = 0
        self.starts_at = self.ends_at = 0
        self.parser = parser = ParserCreate(None, "}")
        parser.buffer_text = True  # a style sheet arrives in few large pieces
        parser.specified_attributes = True  # defaults from a document type could multiply a long text
        parser.XmlDeclHandler = self.on_declaration
        parser.EntityDeclHandler = self.on_entity
        parser.ExternalEntityRefHandler = self.on_external
        parser.StartElementHandler = self.on_start
        parser.EndElementHandler = self.on_end

    def on_declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and self.encoding == "utf-8":
            self.encoding = codecs.lookup(encoding).name.removesuffix("-sig")  # inserted text lacks a mark

    def on_external(self, *reference: object) -> int:
        raise FormatError(f"{self.budget.name}: refers to an entity outside the file")

    def on_entity(
        self,
        name: str,
        is_parameter: int,
        value: str | None,
        base: str | None,
        system: str | None,
        public: str | None,
        notation: str | None,
    ) -> None:
        """Let small texts through (Adobe's names of namespaces); refuse references to other entities."""
        where = f"{self.budget.name}: line {self.parser.CurrentLineNumber}: the entity {quote(name)}"
        if value is None:
            raise FormatError(f"{where} lies outside the file")
        if is_parameter or re.search("&[^#]", value):
            raise FormatError(f"{where} is made of other entities")
        self.budget.spend("entities", limits.MAX_ENTITIES)
        # expat expands a reference before any handler sees it, so they are counted in the bytes beforehand.
        references = self.data.count(f"&{name};".encode(self.encoding, "replace"))
        self.budget.spend("characters from entities", limits.MAX_ENTITY_TEXT, references * len(value))

    def on_start(self, tag: str, attrib: dict[str, str]) -> None:
        self.budget.spend("elements", limits.MAX_ELEMENTS)
        self.budget.spend("attributes", limits.MAX_ATTRIBUTES, len(attrib))
        self.depth += 1
        if self.depth > limits.MAX_DEPTH:
            raise FormatError(f"{self.budget.name}: elements nested more than {limits.MAX_DEPTH} deep")
        namespace, _, name = tag.rpartition("}")
        qualified = {f"{{{key}" if "}" in key else key: value for key, value in attrib.items()}
        node = Node(name, namespace, qualified, self.open)
        if self.root is None:
            self.on_root(node)
        if name == "style" and (node.is_svg or namespace == _HTML_NAMESPACE):
            self.parser.CharacterDataHandler = self.on_text
        elif self.written is None and name in ("text", "foreignObject") and node.is_svg:
            self.written = node
            self.parser.CharacterDataHandler = self.on_written
        elif self.written is not None and name in ("img", "svg"):
            self.written.shows_text = True
        self.open = node

    def on_root(self, node: Node) -> None:
        if node.name != "svg" or not node.is_svg:
            raise FormatError(f"{self.budget.name}: not SVG: its root element is {quote(node.name)}")
        self.root = node
        self.starts_at = self.parser.CurrentByteIndex

    def on_text(self, text: str) -> None:
        self.budget.spend("characters of CSS", limits.MAX_CSS_CHARACTERS, len(text))
        if self.open is not None:
            self.open.text += text

    def on_written(self, text: str) -> None:
        if self.written is not None and not text.isspace():
            self.written.shows_text = True

    def on_end(self, tag: str) -> None:
        self.depth -= 1
        if self.depth == 0:
            self.ends_at = self.parser.CurrentByteIndex
        if self.open is self.written:
            self.written = None
        self.parser.CharacterDataHandler = None if self.written is None else self.on_written
        if self.open is not None:
            self.open = self.open.parent

    def finish(self) -> Document:
        if self.root is None:
            raise FormatError(f"{self.budget.name}: not SVG: it has no root element")
        ids: dict[str, Node] = {}
        for node in self.root.walk():
            if "id" in node.attrib:
                ids.setdefault(node.attrib["id"], node)
        # At the end of a root that closes itself, expat stands behind the `/>`.
        slash = "/>".encode(self.encoding)
        self_closing = not self.data.startswith("</".encode(self.encoding), self.ends_at)
        insert_at = self.ends_at - len(slash) if self_closing else self.ends_at
        if self_closing and not self.data.startswith(slash, insert_at):  # a codec with shift states
            raise FormatError(f"{self.budget.name}: its text encoding {quote(self.encoding)} cannot be read")
        return Document(self.root, ids, insert_at, self_closing, self.encoding, self.prefix())

    def prefix(self) -> str:
        """The text before the root's local name in the file."""
        # An element's name may be as long as the file, so look at a short piece of it.
        piece = self.data[self.starts_at : self.starts_at + 400].decode(self.encoding, "replace")
        written = re.match(r"<([^\s:/>]+:)svg", piece)
        return written[1] if written else ""
