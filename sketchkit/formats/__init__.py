"""File formats: one module each, found through entry points, used through `read`, `read_all` and `write`."""

from sketchkit.formats.base import Format
from sketchkit.formats.files import format_for, read, read_all, write

__all__ = ["Format", "format_for", "read", "read_all", "write"]
