"""Strings from users, made fit to stand in an XML document."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from sketchkit.errors import InputError

__all__ = ["clean", "json_text", "slug"]

# XML 1.0, production 2: what is not a Char cannot be written at all, not even as a reference.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_ID = re.compile("[^a-z0-9]+")
_LONGEST_SLUG = 60


def clean(text: str) -> str:
    """The text with each character that XML does not allow replaced by U+FFFD; nothing is escaped yet."""
    return _NOT_XML.sub("\ufffd", text)


def slug(text: str, otherwise: str) -> str:
    """A piece of an XML id made of text: lower-case ASCII letters, digits and dashes.

    Args:
        text: any words.
        otherwise: what to return when nothing of the text is left.
    """
    return _NOT_ID.sub("-", text.lower())[:_LONGEST_SLUG].strip("-") or otherwise


def json_text(metadata: Mapping[str, object]) -> str:
    """Provenance as one line of ASCII JSON, keys in the order given.

    Args:
        metadata: what JSON knows, numpy numbers and arrays, and paths.

    Raises:
        InputError: a value that JSON cannot say, NaN and infinity included.
    """
    # ASCII: a control character or a lone surrogate survives as \uXXXX, in a document of any encoding.
    try:
        return json.dumps(dict(metadata), ensure_ascii=True, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the metadata cannot be written as JSON: {error}") from error


def _plain(value: Any) -> Any:
    """What the json module should write for a value that it does not know."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
