"""Style sheets: which declarations apply to an element, and in which order.

tinycss2 reads the text and cssselect2 compiles selectors. Compiled selectors are Python functions that walk
the tree through a handful of attributes; `_Subject` offers these attributes and counts every step, so that
no choice of selectors and elements can take longer than the budget allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sketchkit.errors import FormatError
from sketchkit.formats.svg import limits
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.properties import ATTRIBUTES, PROPERTIES, is_valid
from sketchkit.formats.svg.variables import are_variables_valid, has_variables
from sketchkit.formats.svg.xmltree import Node

__all__ = ["Cascade"]

#: Pseudo-classes that cost one step. A drawing has no pointer or focus, and counting siblings is not cheap.
_PSEUDO_CLASSES = frozenset({"first-child", "last-child", "only-child", "root"})
#: Characters of a value that is read at no cost.
_SHORT = 32
_BRACKETS = re.compile(r"[(){}\[\]]")
_SELECTOR_TOKENS = frozenset({"ident", "hash", "literal", "whitespace", "[] block", "string"})


class _Block(NamedTuple):
    """What a block of declarations sets, each property once: the last declaration of it counts."""

    normal: dict[str, str]
    important: dict[str, str]


_NOTHING = _Block({}, {})


class _Rule(NamedTuple):
    specificity: tuple[int, ...]
    order: int
    test: Any
    block: _Block


class Cascade:
    """Gathers what attributes, sheets and `style` attributes say about an element.

    Args:
        root: of the document whose `style` elements count.
        budget: for the characters of CSS and the steps of matching.
    """

    def __init__(self, root: Node, budget: Budget) -> None:
        self._budget = budget
        self._order = 0
        self._rules: dict[str, list[_Rule]] = {}
        self._subjects: dict[Node, _Subject] = {}
        self._matched: dict[Node, _Block] = {}
        self._inline: dict[str, _Block] = {"": _NOTHING}
        for node in root.walk():
            if node.text and _is_sheet(node):
                self._add_sheet(node.text)

    def properties(self, node: Node) -> dict[str, str]:
        """The specified value of each property, also the custom ones, that anything sets on an element."""
        # An attribute's `d` is path data itself; it is read where it is drawn.
        found = {
            name: value.strip() for name, value in node.attrib.items() if name in ATTRIBUTES and name != "d"
        }
        sheets, inline = self._from_sheets(node), self._from_attribute(node.get("style"))
        for declared in (sheets.normal, inline.normal, sheets.important, inline.important):
            found.update(declared)
        long = sum(len(value) for value in found.values() if len(value) > _SHORT or "(" in value)
        self._budget.spend("characters of CSS values", limits.MAX_VALUE_CHARACTERS, long)
        return found

    def _from_attribute(self, text: str) -> _Block:
        known = self._inline.get(text)
        if known is None:
            self._budget.spend("characters of CSS", limits.MAX_CSS_CHARACTERS, len(text))
            self._check_nesting(text)
            known = self._inline[text] = _block(text)
        return known

    def _from_sheets(self, node: Node) -> _Block:
        if not self._rules:
            return _NOTHING
        known = self._matched.get(node)
        if known is None:
            subject = self.subject(node)
            rules = [rule for rule in self._candidates(subject) if rule.test(subject)]
            rules.sort(key=lambda rule: rule[:2])
            known = self._matched[node] = _merged([rule.block for rule in rules])
        return known

    def _candidates(self, subject: _Subject) -> Iterator[_Rule]:
        """The rules whose last part fits the element's id, a class or its name, or fits any element."""
        keys = [f"#{subject.id}", *(f".{name}" for name in subject.classes), subject.local_name, "*"]
        for key in keys:
            for rule in self._rules.get(key, ()):
                self.step(subject)
                yield rule

    def _check_nesting(self, text: str) -> None:
        """Refuse brackets nested so deep that tinycss2, which calls itself for each, would not return."""
        depth = 0
        for bracket in _BRACKETS.findall(text):
            depth += 1 if bracket in "([{" else -1
            if depth > limits.MAX_DEPTH:
                raise FormatError(f"{self._budget.name}: CSS nested more than {limits.MAX_DEPTH} deep")

    def step(self, subject: _Subject) -> None:
        """Count one look at an element."""
        self._budget.spend("steps of matching selectors", limits.MAX_SELECTOR_STEPS, subject.weight)

    def subject(self, node: Node) -> _Subject:
        """The element as selectors see it."""
        known = self._subjects.get(node)
        if known is None:
            known = self._subjects[node] = _Subject(node, self)
        return known

    def _add_sheet(self, text: str) -> None:
        import tinycss2  # here, so that documents without CSS do not wait for it

        self._check_nesting(text)
        for rule in tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True):
            if rule.type == "qualified-rule":
                block = _block(rule.content)
                for selector in _split(rule.prelude):
                    self._add_selector(selector, block)

    def _add_selector(self, tokens: list[Any], block: _Block) -> None:
        self._budget.spend("CSS selectors", limits.MAX_SELECTORS)
        if block == _NOTHING or not _is_plain(tokens):
            return
        import cssselect2

        try:
            (compiled,) = cssselect2.compile_selector_list(tokens)
        except (cssselect2.SelectorError, NotImplementedError, ValueError):
            return  # what is not a selector matches nothing
        if compiled.never_matches or compiled.pseudo_element is not None:
            return
        self._order += 1
        rule = _Rule(compiled.specificity, self._order, compiled.test, block)
        self._rules.setdefault(_key(compiled), []).append(rule)


def _is_sheet(node: Node) -> bool:
    """Whether a `style` element holds CSS for a screen."""
    if node.get("type", "text/css").strip() not in ("", "text/css"):
        return False
    media = [" ".join(word.lower().split()).removeprefix("only ") for word in node.get("media").split(",")]
    return media == [""] or not {"all", "screen"}.isdisjoint(media)


def _key(compiled: Any) -> str:
    """Under what `_candidates` looks for a selector."""
    if compiled.id is not None:
        return f"#{compiled.id}"
    if compiled.class_name is not None:
        return f".{compiled.class_name}"
    return str(compiled.local_name) if compiled.local_name is not None else "*"


def _split(prelude: Iterable[Any]) -> Iterator[list[Any]]:
    """The selectors of a list; each stands alone, so that an unknown one does not spoil its neighbours."""
    selector: list[Any] = []
    for token in prelude:
        if token == ",":
            yield selector
            selector = []
        elif token.type != "comment":
            selector.append(token)
    yield selector


def _is_plain(tokens: list[Any]) -> bool:
    """Whether a selector is short and of the kinds that are cheap to compare."""
    if len(tokens) > limits.MAX_SELECTOR_TOKENS:
        return False
    after_colon = False
    for token in tokens:
        if token.type not in _SELECTOR_TOKENS:
            return False
        if after_colon and (token.type != "ident" or token.lower_value not in _PSEUDO_CLASSES):
            return False
        if token.type == "[] block" and not (len(token.content) < 8 and _is_plain(token.content)):
            return False
        after_colon = token == ":"
    return not after_colon


def _block(content: Any) -> _Block:
    """The valid declarations of properties in a rule or a `style` attribute."""
    import tinycss2

    block = _Block({}, {})
    for item in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if item.type == "declaration":
            declared = block.important if item.important else block.normal
            declared.update(_declared(item))
    return block


def _declared(item: Any) -> dict[str, str]:
    """What a declaration sets; nothing where its value is not valid."""
    import tinycss2

    name = item.name if item.name.startswith("--") else item.lower_name
    custom = name.startswith("--")
    if not (custom or name in PROPERTIES):
        return {}
    text = tinycss2.serialize(item.value).strip()
    valid = are_variables_valid(item.value) if custom or has_variables(text) else is_valid(name, text)
    return {name: text} if valid else {}


def _merged(blocks: list[_Block]) -> _Block:
    """Several blocks as one; later ones win."""
    if len(blocks) < 2:
        return blocks[0] if blocks else _NOTHING
    merged = _Block({}, {})
    for block in blocks:
        merged.normal.update(block.normal)
        merged.important.update(block.important)
    return merged


class _Subject:
    """An element with the attributes by which cssselect2's compiled selectors know it."""

    __slots__ = (
        "_cascade",
        "attrib",
        "classes",
        "etree_element",
        "id",
        "index",
        "local_name",
        "node",
        "weight",
    )

    in_html_document = False

    def __init__(self, node: Node, cascade: Cascade) -> None:
        self._cascade = cascade
        self.node = node
        self.etree_element = node
        self.attrib = node.attrib
        self.local_name = node.name
        self.index = node.index
        self.id = node.attrib.get("id")
        self.classes = frozenset(node.get("class").split())
        # A selector may search a long attribute: that counts for as many looks as it takes.
        self.weight = 1 + sum(map(len, node.attrib.values())) // 1024

    @property
    def namespace_url(self) -> str:
        return self.node.namespace

    @property
    def etree_siblings(self) -> list[Node]:
        return [self.node] if self.node.parent is None else self.node.parent.children

    @property
    def parent(self) -> _Subject | None:
        return self._seen(self.node.parent)

    @property
    def previous(self) -> _Subject | None:
        return self._seen(self.etree_siblings[self.index - 1] if self.index else None)

    @property
    def ancestors(self) -> Iterator[_Subject]:
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    @property
    def previous_siblings(self) -> Iterator[_Subject]:
        node = self.previous
        while node is not None:
            yield node
            node = node.previous

    def _seen(self, node: Node | None) -> _Subject | None:
        if node is None:
            return None
        subject = self._cascade.subject(node)
        self._cascade.step(subject)
        return subject
