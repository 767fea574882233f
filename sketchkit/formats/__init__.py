"""File formats: one module each, found through entry points, used through `read`, `read_all` and `write`."""

from sketchkit.arguments import old_function
from sketchkit.formats.base import Format
from sketchkit.formats.files import (
    count_drawings,
    format_for,
    format_of,
    read,
    read_all,
    split_reference,
    write,
)

__all__ = [
    "Format",
    "count_drawings",
    "format_for",
    "format_of",
    "parted",
    "read",
    "read_all",
    "split_reference",
    "write",
]

parted = old_function("parted", split_reference)
