"""What the server says of itself on stderr: short lines for people, or a JSON object a line.

The token never comes here: it is in no path, no header that is written down, and no message of an error.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

import orjson

from sketchkit_canvas.bucket import Bucket

__all__ = ["Log"]

#: Of one event, so that nobody can fill a disk by knocking.
_RATE, _BURST = 1.0, 20
#: Whose words are passed on.
_LIBRARIES = ("asyncio", "uvicorn.error", "websockets")


class Log:
    """Events, each with a level and some facts.

    Of one event a few a second are written; the next one says how many were left out.

    Args:
        as_json: an object a line, with every event; else a line of words, without those of the level debug.
        stream: where to; stderr as it is at the time when None.
    """

    def __init__(self, as_json: bool = False, stream: TextIO | None = None) -> None:
        self._as_json, self._stream = as_json, stream
        self._buckets: dict[str, Bucket] = {}
        self._left_out: dict[str, int] = {}

    def debug(self, event: str, **facts: object) -> None:
        """Something that happens all the time."""
        self._write("debug", event, facts)

    def info(self, event: str, **facts: object) -> None:
        """Something that happens now and then."""
        self._write("info", event, facts)

    def warning(self, event: str, **facts: object) -> None:
        """Something that somebody should look at."""
        self._write("warning", event, facts)

    def error(self, event: str, error: BaseException, **facts: object) -> None:
        """Something that should not have happened, with where it did."""
        what = f"{type(error).__name__}: {error}"
        where = "".join(traceback.format_exception(error)) if self._as_json else None
        self._write("error", event, {**facts, "error": what, **({"traceback": where} if where else {})})

    @contextmanager
    def of_libraries(self) -> Iterator[None]:
        """Write down what the libraries below complain of, too, and nothing else that they say."""
        handler = _Handler(self)
        before = {}
        for name in _LIBRARIES:
            logger = logging.getLogger(name)
            before[name] = (logger.handlers[:], logger.level, logger.propagate)
            logger.handlers, logger.propagate = [handler], False
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for name, (handlers, level, propagate) in before.items():
                logger = logging.getLogger(name)
                logger.handlers, logger.propagate = handlers, propagate
                logger.setLevel(level)

    def _write(self, level: str, event: str, facts: dict[str, object]) -> None:
        if not self._as_json and level == "debug":
            return
        # What is done for clients is bounded by itself.
        if level != "debug" and not self._buckets.setdefault(event, Bucket(_RATE, _BURST)).take():
            self._left_out[event] = self._left_out.get(event, 0) + 1
            return
        left_out = self._left_out.pop(event, 0)
        if left_out:
            facts = {**facts, "left_out": left_out}
        line = _json(level, event, facts) if self._as_json else _words(level, event, facts)
        stream = self._stream or sys.stderr
        if stream is not None:
            try:
                stream.write(line + "\n")
                stream.flush()
            except (OSError, ValueError):  # whoever read it has gone: the drawing goes on
                self._stream = None


class _Handler(logging.Handler):
    """Passes on the records of a library."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        words = " ".join(record.getMessage().split())
        error = record.exc_info[1] if record.exc_info else None
        # uvicorn tells of a text that is no UTF-8 by the error that it met; it is the client's.
        if error is not None and not isinstance(error, UnicodeDecodeError):
            self._log.error(record.name, error, said=words)
        else:
            self._log.warning(record.name, said=words)


def _json(level: str, event: str, facts: dict[str, object]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    said = {name: _encodable(value) for name, value in facts.items()}
    return orjson.dumps({"time": now, "level": level, "event": event, **said}, default=str).decode()


def _encodable(value: object) -> object:
    """A text without halves of surrogate pairs, such as a file's name may have; anything else as it is."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _words(level: str, event: str, facts: dict[str, object]) -> str:
    said = ", ".join(f"{name} {_plain(value)}" for name, value in facts.items())
    mark = f"{level}: " if level in ("warning", "error") else ""
    return f"{time.strftime('%H:%M:%S')} {mark}{event}{': ' if said else ''}{said}"


def _plain(value: object) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[:300])
