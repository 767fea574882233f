"""The cascade: which declarations apply to an element, and which of them wins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from sketchkit.formats.svg import limits
from sketchkit.formats.svg.limits import Budget
from sketchkit.formats.svg.properties import ATTRIBUTES, GEOMETRY
from sketchkit.formats.svg.sheets import NOTHING, Block, Rule, Sheets, is_sheet, read_block
from sketchkit.formats.svg.subjects import Matcher, Subject
from sketchkit.formats.svg.xmltree import Node

__all__ = ["Cascade"]

#: Characters of a value that is read at no cost.
_SHORT = 64
_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)")


class Cascade:
    """Gathers what attributes, sheets and `style` attributes say about an element.

    Args:
        root: of the document whose `style` elements count.
        budget: for the characters of CSS and the steps of matching.

    Attributes:
        initial: the values of registered custom properties where nothing sets them.
    """

    def __init__(self, root: Node, budget: Budget) -> None:
        self._budget = budget
        self._matcher = Matcher(budget)
        self._matched: dict[Node, Block] = {}
        self._blocks: dict[tuple[int, ...], Block] = {}
        self._inline: dict[str, Block] = {"": NOTHING}
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
            return NOTHING
        known = self._matched.get(node)
        if known is None:
            subject = self._matcher.subject(node)
            rules = [rule for rule in self._candidates(subject) if rule.selector.test(subject)]
            key = tuple(rule.order for rule in rules)  # elements with the same rules share one block
            known = self._matched[node] = self._blocks[key] = self._blocks.get(key) or _merged(rules)
        return known

    def _candidates(self, subject: Subject) -> Iterator[Rule]:
        """The rules whose last part fits the element's id, a class or its name, or fits any element."""
        keys = [f"#{subject.id}", *(f".{name}" for name in subject.classes), subject.local_name, "*"]
        for key in keys:
            for rule in self._rules.get(key, ()):
                self._matcher.step(subject, rule.selector.cost)
                yield rule


def _attribute(name: str, value: str) -> str:
    """What an attribute says as a property; nothing where it is none."""
    # Path data is read where it is drawn, and lengths in attributes are not inherited.
    if name not in ATTRIBUTES or name == "d" or (name in GEOMETRY and value.lower() == "inherit"):
        return ""
    return (_COMMENT.sub(" ", value) if "/*" in value else value).strip()


def _merged(rules: Sequence[Rule]) -> Block:
    """Several rules as one block; what is important wins by the layers in reverse."""
    if len(rules) < 2:
        return rules[0].block if rules else NOTHING
    merged = Block({}, {})
    _merge(merged.normal, rules, lambda rule: rule.layer, lambda block: block.normal)
    _merge(
        merged.important,
        rules,
        lambda rule: tuple(-rank for rank in rule.layer),
        lambda block: block.important,
    )
    return merged


def _merge(
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
