"""Downloads that refuse redirects to other hosts and out of encrypted connections."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

if TYPE_CHECKING:
    from requests import Response

__all__ = ["cause", "response_from"]

_MAX_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
#: Domains whose servers stand for one another: Google serves one bucket under several names, and the Hugging
#: Face Hub sends large files from servers of its own.
_OWNERS = ((".googleapis.com",), (".huggingface.co", ".hf.co"))
_BY_OPTION = "--redirect-host {host} allows it"


@contextmanager
def response_from(
    url: str,
    timeout: float,
    redirect_hosts: Collection[str] = (),
    headers: Mapping[str, str] | None = None,
    *,
    advice: str = _BY_OPTION,
) -> Iterator[Response]:
    """Request a file and follow redirects that stay on its server.

    Args:
        url: of the file.
        timeout: seconds to wait for the answer, and for each part of it.
        redirect_hosts: hosts beside its own that a redirect may lead to.
        headers: to send; `Authorization` goes to the first server alone.
        advice: ends the refusal of another server, whose `{host}` it may name.

    Yields:
        The answer, of any status; its content is still to be read.

    Raises:
        requests.RequestException: the server is silent, or redirects to another host or from https to http.
        ValueError: the URL is invalid.
    """
    import requests

    place, sent = url, dict(headers or {})
    for _ in range(_MAX_REDIRECTS + 1):
        with requests.get(
            place, headers=sent, stream=True, timeout=timeout, allow_redirects=False
        ) as response:
            if not response.is_redirect:
                yield response
                return
            following = urljoin(place, response.headers["location"])
        before, after = urlsplit(place), urlsplit(following)
        fault = _fault(before, after, redirect_hosts, advice)
        if fault is not None:
            # Without passwords and signatures.
            shown = re.sub(r"(?<=//)[^/?#]*@|\?.*", "", following)
            raise requests.TooManyRedirects(f"the server redirects to {shown}, {fault}")
        if before.netloc != after.netloc:
            sent.pop("Authorization", None)
        place = following
    raise requests.TooManyRedirects(f"the server redirects more than {_MAX_REDIRECTS} times")


def cause(error: Exception) -> str:
    """The cause of a failed download, in a few words: the innermost error of those that urllib3 wraps."""
    inner = getattr(error.args[0], "reason", None) if error.args else None
    text = " ".join(str(inner or error).split())
    # In front of it stands the connection, as an object or with the host, which the URL names.
    return re.sub(r"^(<[^>]*>|\w+\([^)]*\)): ", "", text)[:300] or type(error).__name__


def _fault(
    before: SplitResult, after: SplitResult, redirect_hosts: Collection[str], advice: str
) -> str | None:
    """The fault of a redirect, as the end of a sentence; `None` for a valid one."""
    if after.scheme not in _PORTS or (before.scheme, after.scheme) == ("https", "http"):
        return "which is not encrypted" if after.scheme == "http" else "which is no web address"
    if after.hostname in {each.lower() for each in redirect_hosts}:
        return None
    same_port = _port(before) == _port(after) or (_port(before), _port(after)) == (80, 443)
    if before.hostname == after.hostname and same_port:
        return None
    if any(all(f".{each.hostname}".endswith(names) for each in (before, after)) for names in _OWNERS):
        return None
    return f"which is another server: {advice.format(host=after.hostname)}"


def _port(place: SplitResult) -> int | None:
    return place.port or _PORTS.get(place.scheme)
