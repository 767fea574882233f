"""Strings from users, made fit to stand in an SVG document: text, ids, JSON and colours."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from sketchkit.errors import InputError
from sketchkit.svgdoc.markup import load_svgwrite

# XML 1.0, production 2: the characters beside Char are forbidden, even as a reference.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_ID = re.compile("[^a-z0-9]+")
_LONGEST_SLUG = 60
_DIGITS = re.compile("#[0-9a-f]{3}|#[0-9a-f]{6}", re.IGNORECASE)


def clean(text: str) -> str:
    """The text with each character that XML forbids replaced by U+FFFD, before escaping."""
    return _NOT_XML.sub("\ufffd", text)


def slug(text: str, otherwise: str) -> str:
    """A piece of an XML id made of text: lower-case ASCII letters, digits and dashes.

    Args:
        text: any words.
        otherwise: returned when the piece would be empty.
    """
    return _NOT_ID.sub("-", text.lower())[:_LONGEST_SLUG].strip("-") or otherwise


def json_text(metadata: Mapping[str, object]) -> str:
    """Provenance as one line of ASCII JSON, keys in the order given.

    Args:
        metadata: values of JSON, numpy numbers and arrays, and paths.

    Raises:
        InputError: a value that JSON cannot say, NaN and infinity included.
    """
    # ASCII: a control character or a lone surrogate survives as \uXXXX, in a document of any encoding.
    try:
        return json.dumps(dict(metadata), ensure_ascii=True, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the metadata cannot be written as JSON: {error}") from error


def _plain(value: Any) -> Any:
    """A value that the json module does not know, as one that it knows."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


@cache
def color_names() -> frozenset[str]:
    """The names of SVG 1.1, section 4.4, "Recognized color keyword names".

    Of other words readers of SVG make black, or leave the element out.
    """
    load_svgwrite()
    from svgwrite.data.colors import colornames

    return frozenset(colornames)


def check_color(color: str, *, none: bool = False) -> str:
    """Return a colour if it is `#rgb`, `#rrggbb` or a name, which cannot refer to a resource.

    Args:
        color: in any case.
        none: whether the word `none` is valid, too.

    Raises:
        InputError: another value.
    """
    if isinstance(color, str) and (
        _DIGITS.fullmatch(color) or color.lower() in color_names() or (none and color == "none")
    ):
        return color
    near = difflib.get_close_matches(str(color).lower(), sorted(color_names()), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    known = f"#rgb, #rrggbb, {'none or ' if none else 'or '}a name that SVG knows, such as teal"
    raise InputError(f"a colour must be {known}, got {color!r}{hint}")
