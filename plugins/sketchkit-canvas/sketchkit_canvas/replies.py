"""Answers that are made in more than one place."""

from __future__ import annotations

from http import HTTPStatus

import orjson

__all__ = ["error_body", "raw_reply"]


def error_body(words: str) -> bytes:
    """The body of an answer that is an error."""
    return orjson.dumps({"error": words})


def raw_reply(status: int, words: str) -> bytes:
    """A whole answer, for a connection that is closed behind it."""
    body = error_body(words)
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        "connection: close",
        "\r\n",
    ]
    return "\r\n".join(lines).encode() + body
