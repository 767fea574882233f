"""What a client may say: every message is checked, from its type to the last coordinate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

import orjson

from sketchkit import InputError

__all__ = [
    "Cancel",
    "Drawing",
    "Finish",
    "Hello",
    "Message",
    "MessageError",
    "Mimic",
    "Morph",
    "Ping",
    "Request",
    "Score",
    "drawing_of",
    "parse",
]

#: Strokes of points (x, y) in paper units; a stroke of one point is a dot.
Drawing: TypeAlias = tuple[tuple[tuple[float, float], ...], ...]

MAX_POINTS = 4_000
MAX_COORDINATE = 1e5
MAX_TEXT = 200
_MAX_ID = 2**31 - 1
_MAX_SEED = 2**53 - 1
_TEMPERATURES = (0.01, 2.0)
_PARTS = (0.01, 1.0)
_MOST_TRIES = 16
#: The last ending whose class can be guessed: endings before it are shared out among classes, too.
_LAST_GUESSED = 100_000


class MessageError(InputError):
    """A message that makes no sense.

    Args:
        words: why, in one line.
        id: of the request that it was to be, where that much is known.
    """

    def __init__(self, words: str, id: int | None = None) -> None:
        super().__init__(words)
        self.id = id


@dataclass(frozen=True)
class Hello:
    """The first message."""

    token: str


@dataclass(frozen=True)
class Ping:
    """Whether somebody is there."""


@dataclass(frozen=True)
class Cancel:
    """That a request is given up."""

    id: int


@dataclass(frozen=True)
class Finish:
    """Endings `first` to `first + n - 1` of what has been drawn; of nothing, whole drawings.

    The best-looking of `tries` is sent, as smooth curves with `curves`. `part` says how much of the finished
    drawing is there, and `guess` asks for the class where there is no label; nothing drawn is no part of
    anything, and no class is guessed from it.
    """

    id: int
    model: str
    label: str | None
    temperature: float
    seed: int
    first: int
    n: int
    drawing: Drawing
    tries: int = 1
    part: float | None = None
    curves: bool = False
    guess: bool = False

    @property
    def at_once(self) -> bool:
        """Whether an ending has to be drawn to its end before its first point is known."""
        return self.tries > 1 or self.curves or bool(self.drawing and (self.part is not None or self.guess))


@dataclass(frozen=True)
class Mimic:
    """A drawing drawn again, once for each temperature."""

    id: int
    model: str
    label: str | None
    temperatures: tuple[float, ...]
    seed: int
    drawing: Drawing

    @property
    def n(self) -> int:
        """How many drawings are asked for."""
        return len(self.temperatures)


@dataclass(frozen=True)
class Morph:
    """A row of n drawings from one drawing to another."""

    id: int
    model: str
    label: str | None
    temperature: float
    seed: int
    n: int
    drawings: tuple[Drawing, ...]


@dataclass(frozen=True)
class Score:
    """What a drawing and each of its strokes cost a model."""

    id: int
    model: str
    label: str | None
    drawing: Drawing

    @property
    def n(self) -> int:
        """How many drawings are asked for."""
        return 0


Request: TypeAlias = Finish | Mimic | Morph | Score
Message: TypeAlias = Hello | Ping | Cancel | Request


def parse(text: str | bytes) -> Message:
    """Read a message.

    Raises:
        MessageError: anything that is none; one line that says what is wrong.
    """
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MessageError(f"not JSON: {error.msg}") from None
    if not isinstance(values, dict):
        raise MessageError("a message is a JSON object")
    fields = _Fields(values)
    kind = fields.words("type")
    if kind not in _READERS:
        raise fields.wrong(f"there is no message of the type {_shown(kind)}")
    return _READERS[kind](fields)


def drawing_of(value: object, least: int = 1) -> Drawing:
    """A drawing as it stands in JSON, checked.

    Args:
        value: a list of strokes, lists of [x, y].
        least: the fewest strokes.

    Raises:
        MessageError: it is none, has too many points or one that is too far away.
    """
    if not isinstance(value, list) or len(value) < least:
        raise MessageError(f"a drawing is a list of {least} strokes or more")
    if sum(len(stroke) if isinstance(stroke, list) else 1 for stroke in value) > MAX_POINTS:
        raise MessageError(f"a drawing has at most {MAX_POINTS:,} points")
    return tuple(map(_stroke, value))


class _Fields:
    """The values of a message by name, each checked as it is taken out."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        given = values.get("id")
        self.id = given if _is_whole(given) and 0 <= given <= _MAX_ID else None

    def wrong(self, words: str) -> MessageError:
        return MessageError(words, self.id)

    def words(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise self.wrong(f"{name} must be a text of at most {MAX_TEXT} letters")
        return value

    def words_or_none(self, name: str) -> str | None:
        return None if self.values.get(name) is None else self.words(name)

    def whole(self, name: str, low: int, high: int) -> int:
        value = self.values.get(name)
        if not (_is_whole(value) and low <= value <= high):
            raise self.wrong(f"{name} must be a whole number in {low}..{high}, got {_shown(value)}")
        return int(value)

    def temperature(self, value: object) -> float:
        return self.number("a temperature", value, *_TEMPERATURES)

    def number(self, what: str, value: object, low: float, high: float) -> float:
        if not (_is_number(value) and low <= value <= high):
            raise self.wrong(f"{what} must be a number in {low:g}..{high:g}, got {_shown(value)}")
        return float(value)

    def yes(self, name: str) -> bool:
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(f"{name} must be true or false, got {_shown(value)}")
        return value

    def several(self, name: str, low: int, high: int) -> list[Any]:
        value = self.values.get(name)
        if not isinstance(value, list) or not low <= len(value) <= high:
            raise self.wrong(f"{name} must be a list of {low} to {high}")
        return value

    def drawing(self, value: object, least: int = 1) -> Drawing:
        try:
            return drawing_of(value, least)
        except MessageError as error:
            raise self.wrong(str(error)) from None

    def common(self) -> dict[str, Any]:
        """What every request says."""
        return {
            "id": self.whole("id", 0, _MAX_ID),
            "model": self.words("model"),
            "label": self.words_or_none("label"),
        }

    def chance(self) -> dict[str, Any]:
        """What every request to draw says."""
        return {**self.common(), "seed": self.whole("seed", 0, _MAX_SEED)}


def _draw(fields: _Fields) -> Request:
    mode = fields.words("mode")
    if mode not in _MODES:
        raise fields.wrong(f"there is no mode {_shown(mode)}: there are {', '.join(_MODES)}")
    return _MODES[mode](fields)


def _finish(fields: _Fields) -> Finish:
    guess, part = fields.yes("guess"), fields.values.get("part")
    return Finish(
        **fields.chance(),
        temperature=fields.temperature(fields.values.get("temperature")),
        first=fields.whole("first", 0, _LAST_GUESSED if guess else _MAX_ID),
        n=fields.whole("n", 1, 16),
        drawing=fields.drawing(fields.values.get("drawing"), least=0),
        tries=fields.whole("tries", 1, _MOST_TRIES) if "tries" in fields.values else 1,
        part=None if part is None else fields.number("the part that is drawn", part, *_PARTS),
        curves=fields.yes("curves"),
        guess=guess,
    )


def _mimic(fields: _Fields) -> Mimic:
    return Mimic(
        **fields.chance(),
        temperatures=tuple(map(fields.temperature, fields.several("temperatures", 1, 16))),
        drawing=fields.drawing(fields.values.get("drawing")),
    )


def _morph(fields: _Fields) -> Morph:
    return Morph(
        **fields.chance(),
        temperature=fields.temperature(fields.values.get("temperature")),
        n=fields.whole("n", 2, 33),
        drawings=tuple(map(fields.drawing, fields.several("drawings", 2, 2))),
    )


def _score(fields: _Fields) -> Score:
    return Score(**fields.common(), drawing=fields.drawing(fields.values.get("drawing")))


_MODES: dict[str, Callable[[_Fields], Request]] = {"finish": _finish, "mimic": _mimic, "morph": _morph}
_READERS: dict[str, Callable[[_Fields], Message]] = {
    "hello": lambda fields: Hello(fields.words("token")),
    "ping": lambda fields: Ping(),
    "cancel": lambda fields: Cancel(fields.whole("id", 0, _MAX_ID)),
    "draw": _draw,
    "score": _score,
}


def _stroke(value: object) -> tuple[tuple[float, float], ...]:
    if not isinstance(value, list) or not value:
        raise MessageError("a stroke is a list of one point or more")
    return tuple(map(_point, value))


def _point(value: object) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise MessageError("a point is [x, y]")
    x, y = value
    # Nothing compares with NaN.
    if not (_is_number(x) and _is_number(y) and abs(x) <= MAX_COORDINATE and abs(y) <= MAX_COORDINATE):
        raise MessageError(f"a place is two numbers of at most {MAX_COORDINATE:g}, got {_shown(value)}")
    return (float(x), float(y))


def _is_whole(value: object) -> TypeGuard[int]:
    return type(value) is int  # a bool is an int to Python


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) in (int, float)


def _shown(value: object) -> str:
    """A value as it may stand in a line; lists and objects, which may be deep, by what they are."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = ascii(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:57] + "..."
