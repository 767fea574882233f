"""Elements as selectors see them, at a counted cost.

cssselect2 compiles a selector to a Python function that walks the tree through a handful of attributes.
`Subject` offers these attributes and counts every step, so that the budget bounds the time of any
selectors and elements. Pseudo-classes that count siblings, look into an element or stand for an outer
rule are tests of our own, whose answers are kept; cssselect2 sees each as an attribute with the number of the
test for its name, which the attributes of a document cannot have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sketchkit.formats.svg import limits
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.xmltree import SVG_NAMESPACE, Node

#: Whether something holds for an element.
Test = Callable[["Subject"], bool]
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class Subject:
    """An element with the attributes by which compiled selectors know it."""

    __slots__ = ("_matcher", "answers", "classes", "id", "index", "local_name", "node", "weight")

    in_html_document = False

    def __init__(self, node: Node, matcher: Matcher) -> None:
        self._matcher = matcher
        self.node = node
        self.local_name = node.name
        self.index = node.index
        self.id = node.attrib.get("id")
        self.classes = frozenset(node.get("class").split())
        self.answers: dict[int, bool] = {}
        # A selector may search a long attribute: that counts for as many looks as it takes.
        self.weight = 1 + sum(map(len, node.attrib.values())) // 1024

    @property
    def etree_element(self) -> Subject:
        """The holder of the attributes: the element itself."""
        return self

    @property
    def attrib(self) -> Subject:
        """The container of the names of attributes: the element itself."""
        return self

    def get(self, name: str, default: str = "") -> str:
        """The value of an attribute."""
        return self.node.attrib.get(name, default)

    def __contains__(self, name: str) -> bool:
        if name.startswith(":"):
            return self._matcher.answer(int(name[1:]), self)
        return name in self.node.attrib

    @property
    def namespace_url(self) -> str:
        """Its namespace; SVG's where a document forgot to name it."""
        return SVG_NAMESPACE if self.node.is_svg else self.node.namespace

    @property
    def etree_siblings(self) -> list[Node]:
        """The element and its siblings."""
        return [self.node] if self.node.parent is None else self.node.parent.children

    @property
    def parent(self) -> Subject | None:
        """The element around it."""
        return self._look_at(self.node.parent)

    @property
    def previous(self) -> Subject | None:
        """The sibling before it."""
        return self._look_at(self.etree_siblings[self.index - 1] if self.index else None)

    @property
    def ancestors(self) -> Iterator[Subject]:
        """The elements around it, from the inside."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    @property
    def previous_siblings(self) -> Iterator[Subject]:
        """The siblings before it, from the nearest."""
        node = self.previous
        while node is not None:
            yield node
            node = node.previous

    def _look_at(self, node: Node | None) -> Subject | None:
        return None if node is None else self._matcher.look_at(node)


class Matcher:
    """The elements of a document as selectors see them, and the tests of our own."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._subjects: dict[Node, Subject] = {}
        self._tests: list[Test] = []
        self._types: dict[Node, dict[Node, tuple[int, int]]] = {}

    def subject(self, node: Node) -> Subject:
        """The element as selectors see it."""
        known = self._subjects.get(node)
        if known is None:
            known = self._subjects[node] = Subject(node, self)
        return known

    def look_at(self, node: Node) -> Subject:
        """The element as selectors see it, at the cost of a step."""
        subject = self.subject(node)
        self.step(subject)
        return subject

    def step(self, subject: Subject, cost: int = 1) -> None:
        """Count a look at an element."""
        self.budget.spend("steps of matching selectors", limits.MAX_SELECTOR_STEPS, cost * subject.weight)

    def answer(self, number: int, subject: Subject) -> bool:
        """Whether a numbered test holds for an element."""
        known = subject.answers.get(number)
        if known is None:
            self.step(subject)
            known = subject.answers[number] = self._tests[number](subject)
        return known

    def add(self, test: Test) -> Any:
        """The component value by which cssselect2 knows a test."""
        import tinycss2

        self._tests.append(test)
        return tinycss2.parse_one_component_value(f"[\\:{len(self._tests) - 1}]")

    def place_by_type(self, subject: Subject) -> tuple[int, int]:
        """Which of its siblings of the same name an element is, counted from 1, and how many there are."""
        parent = subject.node.parent
        if parent is None:
            return 1, 1
        known = self._types.get(parent)
        if known is None:
            groups: dict[tuple[str, str], list[Node]] = {}
            for node in parent.children:
                groups.setdefault((node.name, node.namespace), []).append(node)
            known = self._types[parent] = {
                node: (i, len(group)) for group in groups.values() for i, node in enumerate(group, 1)
            }
        return known[subject.node]

    def place_among(self, matches: Test) -> Callable[[Subject], tuple[int, int]]:
        """Counts an element among its siblings that match; the place is 0 where it does not."""
        counted: dict[Node | None, dict[Node, tuple[int, int]]] = {}

        def place(subject: Subject) -> tuple[int, int]:
            parent = subject.node.parent
            if parent not in counted:
                siblings = [self.look_at(node) for node in subject.etree_siblings]
                found = [sibling.node for sibling in siblings if matches(sibling)]
                counted[parent] = {node: (i, len(found)) for i, node in enumerate(found, 1)}
            return counted[parent].get(subject.node, (0, 0))

        return place


def place_of_child(subject: Subject) -> tuple[int, int]:
    """Which of its siblings an element is, counted from 1, and how many there are."""
    return subject.index + 1, len(subject.etree_siblings)


def is_link(subject: Subject) -> bool:
    """Whether an element is an `a` that leads somewhere."""
    return subject.local_name == "a" and "href" in {name.rpartition("}")[2] for name in subject.node.attrib}


def has_language(parts: Iterable[Sequence[Any]]) -> Test:
    """`:lang()`: whether the language around an element is one of some."""
    wanted = [getattr(part[0], "value", "").lower() for part in parts if len(part) == 1]

    def holds(subject: Subject) -> bool:
        element: Subject | None = subject
        while element is not None:
            language = element.get(_XML_LANG, element.get("lang")).lower()
            if language:
                return any(language == word or language.startswith(f"{word}-") for word in wanted)
            element = element.parent
        return False

    return holds


def nodes_below(node: Node, near: bool) -> Iterator[Node]:
    """The children of an element, and all below them unless only the near ones are asked for."""
    if near:
        yield from node.children
    else:
        yield from (inner for child in node.children for inner in child.walk())


def nodes_behind(node: Node) -> Iterator[Node]:
    """The siblings after an element."""
    if node.parent is not None:
        yield from (node.parent.children[i] for i in range(node.index + 1, len(node.parent.children)))
