"""Style sheets, `style` attributes, and the cascade: the declarations that win on each element.

tinycss2 reads the text; at-rules and nesting are unfolded here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sketchkit.errors import FormatError
from sketchkit.formats.svg import limits
from sketchkit.formats.svg.calc import arguments, drop_spaces, keyword, nesting
from sketchkit.formats.svg.conditions import is_media, is_supported
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.properties import (
    ATTRIBUTES,
    FONT_SIZES,
    GEOMETRY,
    PROPERTIES,
    WIDE_KEYWORDS,
    is_valid,
    standard_name,
)
from sketchkit.formats.svg.selectors import Selector, compile_selectors, nest
from sketchkit.formats.svg.subjects import Matcher, Subject
from sketchkit.formats.svg.variables import are_variables_valid, has_variables
from sketchkit.formats.svg.xmltree import Node

#: Characters of a value that is read without cost.
_SHORT = 64
_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)")
#: Rules and at-rules inside one another; deeper ones are passed over.
_MAX_NESTING = 16


class Block(NamedTuple):
    """The values that a block of declarations sets: the last valid declaration of a property counts."""

    normal: dict[str, str]
    important: dict[str, str]


EMPTY_BLOCK = Block({}, {})


class Rule(NamedTuple):
    """A selector with its declarations, and the facts by which it wins over other rules."""

    layer: tuple[float, ...]
    specificity: tuple[int, ...]
    order: int
    selector: Selector
    block: Block


class _Place(NamedTuple):
    """Where a rule stands: in which layer, inside of which rule, and how deep."""

    layer: tuple[float, ...] = ()
    nested: Selector | None = None
    depth: int = 0


class Sheets:
    """Reads the style sheets of a document.

    Attributes:
        rules: in the order in which they were read.
        initial: the initial values of registered custom properties.
    """

    def __init__(self, budget: Budget, matcher: Matcher) -> None:
        self.rules: list[Rule] = []
        self.initial: dict[str, str] = {}
        self._budget = budget
        self._matcher = matcher
        self._namespaces: dict[str | None, str] = {}
        self._layers: dict[tuple[float, ...], dict[str, float]] = {}

    def add(self, text: str) -> None:
        """Read a sheet."""
        import tinycss2  # here, so that documents without CSS do not wait for it

        check_nesting(text, self._budget)
        self._namespaces = {}
        rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
        self._read(rules, _Place())

    def _read(self, items: Iterable[Any], place: _Place) -> None:
        for item in items:
            if item.type == "qualified-rule":
                self._read_rule(item, place)
            elif item.type == "at-rule":
                self._read_at_rule(item, place, None)

    def _compile(self, tokens: Sequence[Any], nested: Selector | None = None) -> list[Selector]:
        return compile_selectors(self._matcher, tokens, self._namespaces, nested)

    def _read_rule(self, item: Any, place: _Place) -> None:
        selectors = self._compile(item.prelude, place.nested)
        if selectors and place.depth < _MAX_NESTING:
            self._read_block(item.content, selectors, place._replace(depth=place.depth + 1))

    def _read_block(self, content: Any, selectors: Sequence[Selector], place: _Place) -> None:
        """The declarations and rules between the brackets of a rule."""
        import tinycss2

        block = Block({}, {})
        nested: _Place | None = None
        for item in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
            if item.type == "declaration":
                _declare(item, block)
                continue
            self._add(selectors, block, place)
            block = Block({}, {})
            if item.type == "qualified-rule":
                nested = nested or place._replace(nested=nest(selectors))
                self._read_rule(item, nested)
            elif item.type == "at-rule":
                self._read_at_rule(item, place, selectors)
        self._add(selectors, block, place)

    def _add(self, selectors: Sequence[Selector], block: Block, place: _Place) -> None:
        if block == EMPTY_BLOCK:
            return
        for selector in selectors:
            rule = Rule((*place.layer, math.inf), selector.specificity, len(self.rules), selector, block)
            self.rules.append(rule)

    def _read_at_rule(self, item: Any, place: _Place, selectors: Sequence[Selector] | None) -> None:
        """An at-rule; `selectors` are those of the rule that it stands in."""
        name = item.lower_at_keyword
        if name == "layer":
            for layer in self._layers_of(item, place.layer):
                self._read_group(item, place._replace(layer=layer), selectors)
        elif name == "media":
            if is_media(item.prelude):
                self._read_group(item, place, selectors)
        elif name == "supports":
            if is_supported(item.prelude, self._is_selector):
                self._read_group(item, place, selectors)
        elif name == "scope":
            self._read_scope(item, place)
        elif name == "namespace":
            self._read_namespace(item.prelude)
        elif name == "property":
            self._register(item)

    def _read_group(self, item: Any, place: _Place, selectors: Sequence[Selector] | None) -> None:
        import tinycss2

        place = place._replace(depth=place.depth + 1)
        if item.content is None or place.depth > _MAX_NESTING:
            return
        if selectors is not None:
            self._read_block(item.content, selectors, place)
        else:
            self._read(
                tinycss2.parse_rule_list(item.content, skip_comments=True, skip_whitespace=True), place
            )

    def _is_selector(self, tokens: Sequence[Any]) -> bool:
        return bool(self._compile(tokens))

    def _layers_of(self, item: Any, around: tuple[float, ...]) -> Iterator[tuple[float, ...]]:
        """The layers that an `@layer` names or opens; the first mention gives each its rank."""
        for part in arguments(item.prelude):
            layer = around
            names = [token.value for token in part if token.type == "ident"] or [""]
            for name in names[:_MAX_NESTING]:
                ranks = self._layers.setdefault(layer, {})
                layer = (*layer, ranks.setdefault(name or f" {len(ranks)}", len(ranks)))
            yield layer

    def _read_scope(self, item: Any, place: _Place) -> None:
        """An `@scope` without an end: its rules hold inside of an element, at specificity 0."""
        words = [token for token in item.prelude if token.type != "whitespace"]
        if len(words) != 1 or words[0].type != "() block":
            return
        roots = self._compile(words[0].content, place.nested)
        if roots:
            nested = nest(roots)._replace(specificity=(0, 0, 0))
            self._read_group(item, place._replace(nested=nested), None)

    def _read_namespace(self, prelude: Iterable[Any]) -> None:
        words = drop_spaces(prelude)
        if not 1 <= len(words) <= 2 or (len(words) == 2 and words[0].type != "ident"):
            return
        url = words[-1]
        if url.type == "function" and url.lower_name == "url":
            url = next((token for token in url.arguments if token.type == "string"), url)
        if url.type in ("string", "url"):
            self._namespaces[words[0].value if len(words) == 2 else None] = url.value

    def _register(self, item: Any) -> None:
        """A custom property that `@property` gives an initial value."""
        import tinycss2

        names = [token.value for token in item.prelude if token.type == "ident"]
        for inner in tinycss2.parse_blocks_contents(
            item.content or (), skip_comments=True, skip_whitespace=True
        ):
            if inner.type == "declaration" and inner.lower_name == "initial-value" and len(names) == 1:
                self.initial[names[0]] = tinycss2.serialize(inner.value).strip()


def is_sheet(node: Node, budget: Budget) -> bool:
    """Whether a `style` element holds CSS for a screen; spends the characters of its media query."""
    if not node.text or node.get("type").strip().lower() not in ("", "text/css"):
        return False
    if not node.get("media").strip():
        return True
    import tinycss2

    media = node.get("media")
    budget.spend("characters of CSS", limits.MAX_CSS_CHARACTERS, len(media))
    return nesting(media) <= _MAX_NESTING and is_media(tinycss2.parse_component_value_list(media))


def check_nesting(text: str, budget: Budget) -> None:
    """Refuse brackets nested so deep that tinycss2, which calls itself for each, would not return."""
    if nesting(text) > limits.MAX_DEPTH:
        raise FormatError(f"{budget.name}: CSS nested more than {limits.MAX_DEPTH} deep")


def read_block(text: str, budget: Budget) -> Block:
    """The declarations of a `style` attribute.

    Raises:
        FormatError: more characters than the budget has left, or brackets nested too deep.
    """
    import tinycss2

    budget.spend("characters of CSS", limits.MAX_CSS_CHARACTERS, len(text))
    check_nesting(text, budget)
    block = Block({}, {})
    for item in tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True):
        if item.type == "declaration":
            _declare(item, block, unitless=True)
    return block


def _declare(item: Any, block: Block, *, unitless: bool = False) -> None:
    """Add a declaration to a block, unless its value is not valid."""
    (block.important if item.important else block.normal).update(_values(item, unitless))


def _values(item: Any, unitless: bool) -> Mapping[str, str]:
    """The properties that a declaration sets, {} where its value is invalid."""
    import tinycss2

    custom = item.name.startswith("--")
    name = standard_name(item.lower_name)
    if not custom and name not in PROPERTIES and name not in ("all", "font"):
        return {}
    text = tinycss2.serialize(item.value).strip()
    if custom:
        return {item.name: text} if are_variables_valid(item.value) else {}
    if name == "all":
        return dict.fromkeys(PROPERTIES, text) if text.lower() in WIDE_KEYWORDS else {}
    if name == "font":
        return _font(item.value)
    if has_variables(text):
        return {name: text} if are_variables_valid(item.value) else {}
    return {name: text} if is_valid(name, text, unitless=unitless) else {}


def _font(tokens: Iterable[Any]) -> dict[str, str]:
    """The size in a `font`: the first length or name of a size, with a family behind it."""
    words = drop_spaces(tokens)
    if len(words) == 1 and keyword(words[0]) in WIDE_KEYWORDS:
        return {"font-size": keyword(words[0])}
    for word in words[:-1]:
        named = keyword(word) in {*FONT_SIZES, "larger", "smaller"}
        if named or word.type in ("dimension", "percentage", "function"):
            text = word.serialize()
            return {"font-size": text} if is_valid("font-size", text) else {}
    return {}


class Cascade:
    """Gathers the declarations of attributes, sheets and `style` attributes for an element.

    Attributes:
        initial: the initial values of registered custom properties.
    """

    def __init__(self, root: Node, budget: Budget) -> None:
        self._budget = budget
        self._matcher = Matcher(budget)
        self._matched: dict[Node, Block] = {}
        self._blocks: dict[tuple[int, ...], Block] = {}
        self._inline: dict[str, Block] = {"": EMPTY_BLOCK}
        sheets = Sheets(budget, self._matcher)
        for node in root.walk():
            if is_sheet(node, budget):
                sheets.add(node.text)
        self.initial = sheets.initial
        self._rules: dict[str, list[Rule]] = {}
        for rule in sheets.rules:
            self._rules.setdefault(rule.selector.key, []).append(rule)

    def properties(self, node: Node) -> dict[str, str]:
        """The specified value of each property, also the custom ones, that anything sets on an element."""
        found = {name: text for name, value in node.attrib.items() if (text := _attribute(name, value))}
        sheets, inline = self._from_sheets(node), self._from_attribute(node.get("style"))
        for declared in (sheets.normal, inline.normal, sheets.important, inline.important):
            _lay_over(found, declared)
        long = sum(len(value) for value in found.values() if len(value) > _SHORT or value.count("(") > 1)
        self._budget.spend("characters of CSS values", limits.MAX_VALUE_CHARACTERS, long)
        custom = sum(name.startswith("--") for name in found)
        self._budget.spend("custom properties of elements", limits.MAX_VARIABLES, custom)
        return found

    def _from_attribute(self, text: str) -> Block:
        known = self._inline.get(text)
        if known is None:
            known = self._inline[text] = read_block(text, self._budget)
        return known

    def _from_sheets(self, node: Node) -> Block:
        if not self._rules:
            return EMPTY_BLOCK
        known = self._matched.get(node)
        if known is None:
            subject = self._matcher.subject(node)
            rules = [rule for rule in self._candidates(subject) if rule.selector.test(subject)]
            key = tuple(rule.order for rule in rules)  # elements with the same rules share one block
            known = self._matched[node] = self._blocks[key] = self._blocks.get(key) or _merge_rules(rules)
        return known

    def _candidates(self, subject: Subject) -> Iterator[Rule]:
        """The rules whose last part fits the element's id, a class or its name, or fits any element."""
        keys = [f"#{subject.id}", *(f".{name}" for name in subject.classes), subject.local_name, "*"]
        for key in keys:
            for rule in self._rules.get(key, ()):
                self._matcher.step(subject, rule.selector.cost)
                yield rule


def _attribute(name: str, value: str) -> str:
    """An attribute as a value of a property, "" for other attributes."""
    # Path data is read where it is drawn, and lengths in attributes are not inherited.
    if name not in ATTRIBUTES or name == "d" or (name in GEOMETRY and value.lower() == "inherit"):
        return ""
    return (_COMMENT.sub(" ", value) if "/*" in value else value).strip()


def _merge_rules(rules: Sequence[Rule]) -> Block:
    """Several rules as one block; important declarations win by the layers in reverse."""
    if len(rules) < 2:
        return rules[0].block if rules else EMPTY_BLOCK
    merged = Block({}, {})
    _merge_into(merged.normal, rules, lambda rule: rule.layer, lambda block: block.normal)
    _merge_into(
        merged.important,
        rules,
        lambda rule: tuple(-rank for rank in rule.layer),
        lambda block: block.important,
    )
    return merged


def _merge_into(
    merged: dict[str, str],
    rules: Sequence[Rule],
    layer: Callable[[Rule], tuple[float, ...]],
    part: Callable[[Block], dict[str, str]],
) -> None:
    ordered = sorted(rules, key=lambda rule: (layer(rule), rule.specificity, rule.order))
    for _, group in groupby(ordered, layer):
        declared: dict[str, str] = {}
        for rule in group:
            declared.update(part(rule.block))
        _lay_over(merged, declared)


def _lay_over(found: dict[str, str], declared: dict[str, str]) -> None:
    """Let the declarations of a layer win over those before it, except where they give way themselves."""
    found.update({name: text for name, text in declared.items() if text.lower() != "revert-layer"})
