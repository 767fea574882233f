"""File formats: one module each, found through entry points, used through `read`, `read_all` and `write`."""

from sketchkit.formats.base import Format
from sketchkit.formats.files import format_for, format_of, read, read_all, write
from sketchkit.formats.references import parted

__all__ = ["Format", "format_for", "format_of", "parted", "read", "read_all", "write"]
