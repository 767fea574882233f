"""Files elsewhere: URLs as names of files, local copies of them, and files that are put in their place.

A URL is a `str` with a scheme in front, as a user types it. `sketchkit.files` is the seam: what it opens,
writes and lists may be a URL, so that readers and commands know local files alone. A `Path` is always local,
and no file's content is ever taken for a URL.
"""

from typing import TYPE_CHECKING

from sketchkit.lazy import lazy_names
from sketchkit.remote.command import forget, watch
from sketchkit.remote.urls import accept, forbid, is_url, public_name

if TYPE_CHECKING:
    from sketchkit.remote.copies import fetch, local_copy, upload
    from sketchkit.remote.stores import check_writable, exists, names_in, remove

__all__ = [
    "accept",
    "check_writable",
    "exists",
    "fetch",
    "forbid",
    "forget",
    "is_url",
    "local_copy",
    "names_in",
    "public_name",
    "remove",
    "upload",
    "watch",
]

__getattr__ = lazy_names(
    __name__,
    {
        "sketchkit.remote.copies": "fetch local_copy upload",
        "sketchkit.remote.stores": "check_writable exists names_in remove",
    },
)
