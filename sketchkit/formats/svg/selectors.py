"""Selectors: which elements a rule is for, and how much each counts. cssselect2 compiles them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sketchkit.formats.svg import limits
from sketchkit.formats.svg.calc import arguments
from sketchkit.formats.svg.subjects import (
    Matcher,
    Subject,
    Test,
    has_language,
    is_link,
    nodes_behind,
    nodes_below,
    place_of_child,
)


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


def compile_selectors(
    matcher: Matcher,
    tokens: Sequence[Any],
    namespaces: Mapping[str | None, str],
    nested: Selector | None = None,
) -> list[Selector]:
    """Compile a list of selectors.

    Args:
        matcher: the elements that they are compared with.
        tokens: component values of tinycss2.
        namespaces: the URL of each prefix.
        nested: the selector that `&` stands for; `None` for a rule that is not inside another.

    Returns:
        The selectors that can match; [] where one of the list is invalid.
    """
    scope = _Scope(matcher, namespaces, nested)
    selectors = []
    try:
        for part in arguments(tokens):
            selectors += scope.compile(part)
    except _Invalid:
        return []
    return selectors


def nest(selectors: Sequence[Selector]) -> Selector:
    """The selector that `&` stands for inside a rule with these selectors."""
    return Selector(max(selector.specificity for selector in selectors), _any(selectors), "*", 1)


def _any(selectors: Sequence[Selector]) -> Test:
    return lambda subject: any(selector.test(subject) for selector in selectors)


class _Invalid(ValueError):
    """A selector that browsers refuse, so its whole rule is dropped."""


class _TooMuch(ValueError):
    """A selector that is passed over: too long, or too rare to be known here."""


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
        cost = 1 + size // 16
        self.matcher.budget.spend("CSS selectors", limits.MAX_SELECTORS, cost)
        if size > limits.MAX_SELECTOR_TOKENS or depth > _MAX_DEPTH:
            return []
        if self.nested is not None and (not _refers(tokens) or tokens[0] in _COMBINATORS):
            tokens = [*self._nesting(), WhitespaceToken(0, 0, " "), *tokens] if tokens else []
        try:
            (compiled,) = cssselect2.compile_selector_list(self._prepare(tokens), dict(self.namespaces))
        except (_TooMuch, SyntaxError, RecursionError):  # Python has no brackets for more than 200 levels
            return []
        except (cssselect2.SelectorError, ValueError) as error:
            raise _Invalid from error
        except NotImplementedError:
            return []
        if compiled.never_matches or compiled.pseudo_element is not None:
            return []
        specificity = tuple(a + b for a, b in zip(compiled.specificity, self._extra, strict=True))
        return [Selector(specificity, compiled.test, _key(compiled), cost)]

    def _nesting(self) -> list[Any]:
        """The tokens for `&`, whose specificity is that of the outer rule instead of an attribute's."""
        import tinycss2

        if self.nested is None:
            return list(tinycss2.parse_component_value_list(":root"))
        a, b, c = (more + own for more, own in zip(self._extra, self.nested.specificity, strict=True))
        self._extra = (a, b - 1, c)
        return [self.matcher.add(self.nested.test)]

    def _prepare(self, tokens: Sequence[Any]) -> list[Any]:
        """A selector as cssselect2 reads it."""
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
            return [self.matcher.add(has_language(arguments(inside)))]
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
            "any-link": is_link,
            "defined": lambda subject: True,
            "empty": lambda subject: not subject.node.children,
            "first-of-type": lambda subject: self.matcher.place_by_type(subject)[0] == 1,
            "last-of-type": lambda subject: len(set(self.matcher.place_by_type(subject))) == 1,
            "link": is_link,
            "only-of-type": lambda subject: self.matcher.place_by_type(subject)[1] == 1,
        }.get(name)
        if test is None:
            raise _Invalid
        return [self.matcher.add(test)]

    def _logical(self, token: Any) -> Any:
        """`:is()`, `:where()` or `:not()`; the first two pass over invalid selectors."""
        from tinycss2.ast import FunctionBlock, LiteralToken

        inside: list[Any] = []
        for part in arguments(token.arguments):
            try:
                prepared = self._prepare(part)
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
                for node in (nodes_behind(subject.node) if behind else nodes_below(subject.node, near))
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
            place = (
                place_of_child if at is None else self.matcher.place_among(_any(self._list(tokens[at + 1 :])))
            )
        step, start = formula

        def holds(subject: Subject) -> bool:
            number, count = place(subject)
            if number == 0:
                return False
            offset = (count + 1 - number if "last" in name else number) - start
            return bool(offset == 0 if step == 0 else offset % step == 0 and offset // step >= 0)

        return holds


def _measure(tokens: Iterable[Any]) -> tuple[int, int]:
    """How many component values a selector has in all, and how deep its functions go."""
    size = depth = 0
    for token in tokens:
        inside = getattr(token, "arguments", None) or getattr(token, "content", None) or ()
        more, deeper = _measure(inside)
        size += 1 + more
        depth = max(depth, deeper + 1 if inside else 0)
    return size, depth


def _refers(tokens: Iterable[Any]) -> bool:
    """Whether a selector mentions `&`."""
    return any(token == "&" or _refers(getattr(token, "arguments", ())) for token in tokens)


def _key(compiled: Any) -> str:
    if compiled.id is not None:
        return f"#{compiled.id}"
    if compiled.class_name is not None:
        return f".{compiled.class_name}"
    return str(compiled.local_name) if compiled.local_name is not None else "*"


#: Functions inside one another in one selector.
_MAX_DEPTH = 8
_COMBINATORS = (">", "+", "~")
_PLACES = frozenset({"nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"})
#: The pseudo-classes and pseudo-elements that cssselect2 reads at a cost of one step.
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
#: The pseudo-classes of pointers, focus, history and forms, which a drawing lacks.
_NEVER = """active autofill buffering checked current default disabled enabled focus focus-visible
    focus-within fullscreen future host hover in-range indeterminate invalid modal muted open
    optional out-of-range past paused picture-in-picture placeholder-shown playing popover-open
    read-only read-write required seeking stalled target target-current user-invalid user-valid
    valid visited volume-locked"""
_DYNAMIC = frozenset(_NEVER.split())
