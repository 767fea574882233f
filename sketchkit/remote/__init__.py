"""Files elsewhere: URLs as names of files, local copies of them, and files that are put in their place.

A URL is a `str` with a scheme in front, as a user types it. `sketchkit.files` is the seam: what it opens,
writes and lists may be a URL, so that readers and commands know local files alone. A `Path` is always local,
and no file's content is ever taken for a URL.
"""

from sketchkit.remote.copies import fetch, forget, local_copy, upload, watch
from sketchkit.remote.listing import check_writable, exists, names_in, remove
from sketchkit.remote.urls import accept, forbid, is_url, public_name

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
