"""URLs as names: which there are, which are refused, and how they look without their secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

from sketchkit.errors import InputError

__all__ = [
    "accept",
    "address_of",
    "forbid",
    "hold_addresses",
    "is_loopback",
    "is_url",
    "public_name",
    "scheme_of",
]

#: Two letters at least: one is a drive of Windows.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://", re.ASCII)
_USER = re.compile(r"^([A-Za-z0-9+.-]+://)[^/?#]*@")
_QUERY = re.compile(r"\?[^#]*")
_SCHEMES = ("https", "http", "hf", "s3", "gs")
#: The whole URLs of those whose names lack a password or a signature.
_ADDRESSES: dict[str, str] = {}
_forbidden: list[str] = []
#: Whether a name keeps its URL: a program may renew signatures, a command has no reason to.
_held = False


def is_url(path: object) -> TypeGuard[str]:
    """Whether a name is a URL; `./` in front makes a local path of any name."""
    return isinstance(path, str) and _URL.match(path) is not None


def scheme_of(url: str) -> str:
    """The scheme of a URL, in lower case."""
    return url.partition("://")[0].lower()


def public_name(url: str) -> str:
    """A URL without user, password and, of a web address, query: there signatures stand."""
    bare = _USER.sub(r"\1", url)
    return _QUERY.sub("", bare) if scheme_of(url) in ("http", "https") else bare


@contextmanager
def forbid(why: str) -> Iterator[None]:
    """Refuse all URLs in a block, which does what a file says.

    Args:
        why: the reason, in the error.
    """
    _forbidden.append(why)
    try:
        yield
    finally:
        _forbidden.pop()


@contextmanager
def hold_addresses() -> Iterator[None]:
    """Let every name stand for one URL in a block, which begins without any."""
    global _held
    before, _held = _held, True
    _ADDRESSES.clear()
    try:
        yield
    finally:
        _held = before


def accept(url: str) -> str:
    """Check a URL, and keep what its name leaves out.

    Args:
        url: as a user types it; `#K` may stand behind it.

    Returns:
        Its name for errors, records and the identity of work; it may be accepted again.

    Raises:
        InputError: an unknown scheme, a web address without encryption, secrets in another URL, any URL
            within `forbid`, or another of the same name within `hold_addresses`.
    """
    name, scheme = public_name(url), scheme_of(url)
    shown = name if name.isprintable() else repr(name)
    if _forbidden:
        raise InputError(f"{shown}: {_forbidden[-1]}")
    if scheme not in _SCHEMES:
        raise InputError(f"{shown}: {scheme}:// is unknown: there are https://, hf://, s3:// and gs://")
    if not url.isprintable():
        raise InputError(f"{shown}: a URL holds no control characters")
    if scheme not in ("http", "https"):
        if name != url:
            raise InputError(f"{shown}: keys belong in the environment, not in a URL")
        return name
    from urllib.parse import urlsplit

    try:
        host = urlsplit(url).hostname
    except ValueError as error:
        raise InputError(f"{shown}: no valid URL: {error}") from None
    if not host:
        raise InputError(f"{shown}: names no server")
    if scheme == "http" and not is_loopback(host):
        raise InputError(
            f"{shown}: http:// is not encrypted, and is read from this machine only: use https://"
        )
    if name != url:
        bare, address = name.partition("#")[0], url.partition("#")[0]
        if _held and _ADDRESSES.get(bare, address) != address:
            raise InputError(
                f"{shown}: stands for two URLs, which differ in their queries: fetch one to a file"
            )
        _ADDRESSES[bare] = address
    return name


def address_of(name: str) -> str:
    """The whole URL of a name."""
    bare = name.partition("#")[0]
    return _ADDRESSES.get(bare, bare)


def is_loopback(host: str) -> bool:
    """Whether a server is this machine."""
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
