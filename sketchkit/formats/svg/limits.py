"""The limits of reading a document, and the counter that holds them.

A document may come from anywhere. Each bound is far above what people draw and far below what would cost
minutes or gigabytes; each is checked while the work is being done, never after it.
"""

from __future__ import annotations

from sketchkit.errors import FormatError

#: Bytes of a document.
MAX_BYTES = 16 * 1024 * 1024
#: Elements inside one another, in the file and again where `use` has put elements into elements.
MAX_DEPTH = 128
#: Elements in the file.
MAX_ELEMENTS = 200_000
#: Attributes in the file.
MAX_ATTRIBUTES = 2_000_000
#: Times that a `use` is replaced by its target.
MAX_USES = 10_000
#: Elements looked at once every `use` has been replaced.
MAX_EXPANDED = 400_000
#: Segments in the path data of a document; and points of all its polylines.
MAX_POINTS = 1_000_000

#: Internal entities a document may declare, and the characters that all references to them may add.
MAX_ENTITIES = 64
MAX_ENTITY_TEXT = 1024 * 1024

#: Characters of style sheets and of different `style` attributes.
MAX_CSS_CHARACTERS = 2 * 1024 * 1024
#: Characters of long values and of functions inside functions, counted again for every element drawn.
MAX_VALUE_CHARACTERS = 4 * 1024 * 1024
#: Custom properties that are set, counted again for every element drawn.
MAX_VARIABLES = 1_000_000
#: Characters that are looked at, or put in, to replace custom properties by their values.
MAX_VARIABLE_CHARACTERS = 2 * 1024 * 1024
#: Functions in the transforms of CSS, counted once an element.
MAX_CSS_FUNCTIONS = 200_000
#: Selectors in all style sheets; a long one counts for several.
MAX_SELECTORS = 4_000
#: Tokens in one selector; a longer one is passed over.
MAX_SELECTOR_TOKENS = 96
#: Elements looked at while selectors are compared with elements.
MAX_SELECTOR_STEPS = 2_000_000

#: A coordinate whose size is larger cannot be drawn: shapes that need one are left out.
MAX_COORDINATE = 1e12


class Budget:
    """Counts the cost of reading one document, whose name begins every error."""

    __slots__ = ("_spent", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._spent: dict[str, int] = {}

    def spend(self, kind: str, limit: int, amount: int = 1) -> None:
        """Add to a counter.

        Args:
            kind: the thing counted, a plural fit for the sentence "more than 10 ...".
            limit: how many of them a document may have.
            amount: how many are added.

        Raises:
            FormatError: the counter is above its limit.
        """
        spent = self._spent.get(kind, 0) + amount
        self._spent[kind] = spent
        if spent > limit:
            raise FormatError(f"{self.name}: more than {limit:,} {kind}")

    def remaining(self, kind: str, limit: int) -> int:
        """How many of a kind may still be spent, 0 or more."""
        return max(0, limit - self._spent.get(kind, 0))


def quote(text: str) -> str:
    """A piece of the document as it may stand in a one-line message: quoted, escaped and short."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
