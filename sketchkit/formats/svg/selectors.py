"""Selectors: which elements a rule is for.

cssselect2 compiles a selector to a Python function that walks the tree through a handful of attributes.
`Subject` offers these attributes and counts every step, so that no choice of selectors and elements can take
longer than the budget allows. Pseudo-classes that count siblings, look into an element or stand for an outer
rule are tests of our own, whose answers are kept; cssselect2 sees each as an attribute with the number of the
test for its name, which no attribute of a document can have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sketchkit.formats.svg import limits
from sketchkit.formats.svg.calc import arguments
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.xmltree import SVG_NAMESPACE, Node

__all__ = ["Matcher", "Selector", "Subject", "Test"]

#: Whether something holds for an element.
Test = Callable[["Subject"], bool]


class Selector(NamedTuple):
    """A compiled selector.

    Attributes:
        specificity: as CSS counts it.
        test: whether an element matches.
        key: the id ("#a"), class (".a") or name that the element must have; "*" where any might match.
        cost: how many looks at an element a comparison counts for.
    """

    specificity: tuple[int, ...]
    test: Test
    key: str
    cost: int


class _Invalid(ValueError):
    """Not a selector in any browser, so its whole rule is dropped."""


class _TooMuch(ValueError):
    """A selector that is passed over: too long, or too rare to be known here."""


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
        """What has the attributes: the element itself."""
        return self

    @property
    def attrib(self) -> Subject:
        """What tells whether there is an attribute: the element itself."""
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
        return self._seen(self.node.parent)

    @property
    def previous(self) -> Subject | None:
        """The sibling before it."""
        return self._seen(self.etree_siblings[self.index - 1] if self.index else None)

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

    def _seen(self, node: Node | None) -> Subject | None:
        return None if node is None else self._matcher.look_at(node)


class Matcher:
    """Compiles selectors and compares them with elements.

    Args:
        budget: for the selectors and the steps.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
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
        self._budget.spend("steps of matching selectors", limits.MAX_SELECTOR_STEPS, cost * subject.weight)

    def answer(self, number: int, subject: Subject) -> bool:
        """Whether a numbered test holds for an element."""
        known = subject.answers.get(number)
        if known is None:
            self.step(subject)
            known = subject.answers[number] = self._tests[number](subject)
        return known

    def nest(self, selectors: Sequence[Selector]) -> Selector:
        """What `&` stands for inside a rule with these selectors."""
        test = self._any(selectors)
        return Selector(max(selector.specificity for selector in selectors), test, "*", 1)

    def compile(
        self, tokens: Sequence[Any], namespaces: Mapping[str | None, str], nested: Selector | None = None
    ) -> list[Selector]:
        """Compile a list of selectors.

        Args:
            tokens: component values of tinycss2.
            namespaces: the URL of each prefix.
            nested: what `&` stands for; None for a rule that is not inside another.

        Returns:
            The selectors that can match; none where one of the list is not a selector.

        Raises:
            FormatError: more selectors than the budget has left.
        """
        scope = _Scope(self, namespaces, nested)
        selectors = []
        try:
            for part in arguments(tokens):
                self._budget.spend("CSS selectors", limits.MAX_SELECTORS)
                selectors += scope.compile(part)
        except _Invalid:
            return []
        return selectors

    def add(self, test: Test) -> Any:
        """The component value by which cssselect2 knows a test."""
        import tinycss2

        self._tests.append(test)
        return tinycss2.parse_one_component_value(f"[\\:{len(self._tests) - 1}]")

    def _any(self, selectors: Sequence[Selector]) -> Test:
        return lambda subject: any(selector.test(subject) for selector in selectors)

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

    def place_among(self, selectors: Sequence[Selector]) -> Callable[[Subject], tuple[int, int]]:
        """Counts an element among its siblings that match; the place is 0 where it does not."""
        matches = self._any(selectors)
        counted: dict[Node | None, dict[Node, tuple[int, int]]] = {}

        def place(subject: Subject) -> tuple[int, int]:
            parent = subject.node.parent
            if parent not in counted:
                siblings = [self.look_at(node) for node in subject.etree_siblings]
                found = [sibling.node for sibling in siblings if matches(sibling)]
                counted[parent] = {node: (i, len(found)) for i, node in enumerate(found, 1)}
            return counted[parent].get(subject.node, (0, 0))

        return place


class _Scope:
    """Compiles the selectors of one rule."""

    def __init__(
        self, matcher: Matcher, namespaces: Mapping[str | None, str], nested: Selector | None
    ) -> None:
        self.matcher = matcher
        self.namespaces = namespaces
        self.nested = nested
        self._extra = (0, 0, 0)

    def compile(self, tokens: Sequence[Any]) -> list[Selector]:
        """One selector as a list; an empty one where it cannot match."""
        import cssselect2
        from tinycss2.ast import WhitespaceToken

        self._extra = (0, 0, 0)
        size, depth = _measure(tokens)
        if size > limits.MAX_SELECTOR_TOKENS or depth > _MAX_DEPTH:
            return []
        if self.nested is not None and (not _refers(tokens) or tokens[0] in _COMBINATORS):
            tokens = [*self._nesting(), WhitespaceToken(0, 0, " "), *tokens] if tokens else []
        try:
            (compiled,) = cssselect2.compile_selector_list(self._prepared(tokens), dict(self.namespaces))
        except _TooMuch:
            return []
        except (cssselect2.SelectorError, ValueError) as error:
            raise _Invalid from error
        except NotImplementedError:
            return []
        if compiled.never_matches or compiled.pseudo_element is not None:
            return []
        specificity = tuple(a + b for a, b in zip(compiled.specificity, self._extra, strict=True))
        return [Selector(specificity, compiled.test, _key(compiled), 1 + size // 16)]

    def _nesting(self) -> list[Any]:
        """What stands for `&`, whose specificity is that of the outer rule and not that of an attribute."""
        import tinycss2

        if self.nested is None:
            return list(tinycss2.parse_component_value_list(":root"))
        a, b, c = (more + own for more, own in zip(self._extra, self.nested.specificity, strict=True))
        self._extra = (a, b - 1, c)
        return [self.matcher.add(self.nested.test)]

    def _prepared(self, tokens: Sequence[Any]) -> list[Any]:
        """A selector as cssselect2 may read it."""
        prepared: list[Any] = []
        rest = iter(tokens)
        for token in rest:
            if token == "&":
                prepared += self._nesting()
            elif token != ":":
                prepared.append(token)
            else:
                prepared += self._pseudo(token, next(rest, None), rest)
        return prepared

    def _pseudo(self, colon: Any, token: Any, rest: Iterator[Any]) -> list[Any]:
        """A pseudo-class or pseudo-element, the colon in front of it included."""
        if token == ":":
            name = next(rest, None)
            if getattr(name, "lower_value", "").startswith("-webkit-"):
                raise _TooMuch  # a browser takes any such name
            return [colon, token] if name is None else [colon, token, name]
        if token is None:
            raise _Invalid
        if token.type == "ident":
            return self._word(colon, token)
        if token.type != "function":
            raise _Invalid
        if token.lower_name in ("is", "where", "not"):
            return [colon, self._logical(token)]
        inside = [argument for argument in token.arguments if argument.type != "comment"]
        if token.lower_name == "has":
            return [self.matcher.add(self._has(inside))]
        if token.lower_name == "lang":
            return [self.matcher.add(_speaks(arguments(inside)))]
        if token.lower_name in _PLACES:
            return [self.matcher.add(self._nth(token.lower_name, inside))]
        raise _Invalid

    def _word(self, colon: Any, token: Any) -> list[Any]:
        name = token.lower_value
        if name in _NATIVE:
            return [colon, token]
        if name in _DYNAMIC:
            return [self.matcher.add(lambda subject: False)]
        test = {
            "any-link": _is_link,
            "defined": lambda subject: True,
            "empty": lambda subject: not subject.node.children,
            "first-of-type": lambda subject: self.matcher.place_by_type(subject)[0] == 1,
            "last-of-type": lambda subject: len(set(self.matcher.place_by_type(subject))) == 1,
            "link": _is_link,
            "only-of-type": lambda subject: self.matcher.place_by_type(subject)[1] == 1,
        }.get(name)
        if test is None:
            raise _Invalid
        return [self.matcher.add(test)]

    def _logical(self, token: Any) -> Any:
        """`:is()`, `:where()` or `:not()`; the first two pass over what is not a selector."""
        from tinycss2.ast import FunctionBlock, LiteralToken

        inside: list[Any] = []
        for part in arguments(token.arguments):
            try:
                prepared = self._prepared(part)
            except _Invalid:
                if token.lower_name == "not":
                    raise
                continue
            comma = LiteralToken(token.source_line, token.source_column, ",")
            inside += [comma, *prepared] if inside else prepared
        return FunctionBlock(token.source_line, token.source_column, token.name, inside)

    def _list(self, tokens: Sequence[Any]) -> list[Selector]:
        scope = _Scope(self.matcher, self.namespaces, None)
        return [selector for part in arguments(tokens) for selector in scope.compile(part)]

    def _has(self, tokens: Sequence[Any]) -> Test:
        """`:has()`: whether something below or behind an element matches."""
        wanted = []
        for part in arguments(tokens):
            behind = bool(part) and part[0] in ("+", "~")
            near = bool(part) and part[0] in ("+", ">")
            selector = part[1:] if part and part[0] in _COMBINATORS else part
            wanted.append((behind, near, self._list(selector)))

        def holds(subject: Subject) -> bool:
            return any(
                selector.test(self.matcher.look_at(node))
                for behind, near, selectors in wanted
                for node in (_behind(subject.node) if behind else _below(subject.node, near))
                if not (behind and near) or node.index == subject.index + 1
                for selector in selectors
            )

        return holds

    def _nth(self, name: str, tokens: Sequence[Any]) -> Test:
        """A pseudo-class that counts siblings."""
        from tinycss2.nth import parse_nth

        at = next((i for i, token in enumerate(tokens) if getattr(token, "lower_value", "") == "of"), None)
        formula = parse_nth(list(tokens[:at]))
        if formula is None or (at is not None and not name.endswith("child")):
            raise _Invalid
        place: Callable[[Subject], tuple[int, int]] = self.matcher.place_by_type
        if name.endswith("child"):
            place = _place_of_child if at is None else self.matcher.place_among(self._list(tokens[at + 1 :]))
        step, start = formula

        def holds(subject: Subject) -> bool:
            number, count = place(subject)
            if number == 0:
                return False
            offset = (count + 1 - number if "last" in name else number) - start
            return bool(offset == 0 if step == 0 else offset % step == 0 and offset // step >= 0)

        return holds


def _measure(tokens: Iterable[Any]) -> tuple[int, int]:
    """How many component values a selector has in all, and how deep its functions and combinators go."""
    size = depth = deepest = 0
    for token in tokens:
        inside = getattr(token, "arguments", None) or getattr(token, "content", None) or ()
        more, deeper = _measure(inside)
        size += 1 + more
        depth += token.type == "whitespace" or token in _COMBINATORS
        deepest = max(deepest, deeper + 1 if inside else 0)
    return size, depth + deepest


def _refers(tokens: Iterable[Any]) -> bool:
    """Whether a selector mentions `&`."""
    return any(token == "&" or _refers(getattr(token, "arguments", ())) for token in tokens)


def _key(compiled: Any) -> str:
    if compiled.id is not None:
        return f"#{compiled.id}"
    if compiled.class_name is not None:
        return f".{compiled.class_name}"
    return str(compiled.local_name) if compiled.local_name is not None else "*"


def _place_of_child(subject: Subject) -> tuple[int, int]:
    return subject.index + 1, len(subject.etree_siblings)


def _is_link(subject: Subject) -> bool:
    return subject.local_name == "a" and "href" in {name.rpartition("}")[2] for name in subject.node.attrib}


def _speaks(parts: Iterable[Sequence[Any]]) -> Test:
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


def _below(node: Node, near: bool) -> Iterator[Node]:
    """The children of an element, and all below them unless only the near ones are asked for."""
    if near:
        yield from node.children
    else:
        yield from (inner for child in node.children for inner in child.walk())


def _behind(node: Node) -> Iterator[Node]:
    if node.parent is not None:
        yield from (node.parent.children[i] for i in range(node.index + 1, len(node.parent.children)))


#: Functions and combinators inside one another in one selector.
_MAX_DEPTH = 32
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_COMBINATORS = (">", "+", "~")
_PLACES = frozenset({"nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"})
#: What cssselect2 reads at a cost of one step.
_NATIVE = frozenset(
    {
        "first-child",
        "last-child",
        "only-child",
        "root",
        "scope",
        "before",
        "after",
        "first-line",
        "first-letter",
    }
)
#: A drawing has no pointer, focus, history or form.
_NEVER = """active autofill buffering checked current default disabled enabled focus focus-visible
    focus-within fullscreen future host hover in-range indeterminate invalid modal muted open
    optional out-of-range past paused picture-in-picture placeholder-shown playing popover-open
    read-only read-write required seeking stalled target target-current user-invalid user-valid
    valid visited volume-locked"""
_DYNAMIC = frozenset(_NEVER.split())
