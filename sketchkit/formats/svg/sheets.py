"""Style sheets and blocks of declarations: tinycss2 reads the text, at-rules and nesting are unfolded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sketchkit.errors import FormatError
from sketchkit.formats.svg import limits
from sketchkit.formats.svg.calc import arguments, nesting
from sketchkit.formats.svg.conditions import is_media, is_supported
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.properties import FONT_SIZES, PROPERTIES, WIDE_KEYWORDS, is_valid, standard_name
from sketchkit.formats.svg.selectors import Selector, compile_selectors, nest
from sketchkit.formats.svg.subjects import Matcher
from sketchkit.formats.svg.variables import are_variables_valid, has_variables
from sketchkit.formats.svg.xmltree import Node

__all__ = ["NOTHING", "Block", "Rule", "Sheets", "is_sheet", "read_block"]

#: Rules and at-rules inside one another; what is deeper is passed over.
_MAX_NESTING = 16


class Block(NamedTuple):
    """What a block of declarations sets, each property once: the last valid declaration of it counts."""

    normal: dict[str, str]
    important: dict[str, str]


NOTHING = Block({}, {})


class Rule(NamedTuple):
    """A selector with its declarations, and what decides which of several rules wins."""

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

    Args:
        budget: for the selectors.
        matcher: the elements that the selectors are compared with.

    Attributes:
        rules: what was read, in order.
        initial: the values of registered custom properties where nothing sets them.
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
        if block == NOTHING:
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
        """An `@scope` without an end: its rules are for what is inside of an element, at no specificity."""
        words = [token for token in item.prelude if token.type != "whitespace"]
        if len(words) != 1 or words[0].type != "() block":
            return
        roots = self._compile(words[0].content, place.nested)
        if roots:
            nested = nest(roots)._replace(specificity=(0, 0, 0))
            self._read_group(item, place._replace(nested=nested), None)

    def _read_namespace(self, prelude: Iterable[Any]) -> None:
        words = [token for token in prelude if token.type not in ("whitespace", "comment")]
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
    """What a declaration sets; nothing where its value is not valid."""
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
    words = [token for token in tokens if token.type not in ("whitespace", "comment")]
    if len(words) == 1 and words[0].type == "ident" and words[0].lower_value in WIDE_KEYWORDS:
        return {"font-size": words[0].lower_value}
    for word in words[:-1]:
        named = word.type == "ident" and word.lower_value in {*FONT_SIZES, "larger", "smaller"}
        if named or word.type in ("dimension", "percentage", "function"):
            text = word.serialize()
            return {"font-size": text} if is_valid("font-size", text) else {}
    return {}
