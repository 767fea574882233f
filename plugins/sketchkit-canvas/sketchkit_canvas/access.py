"""Who may speak to the server: under which names it is known, and the secrets of a run."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sketchkit import InputError

__all__ = ["Access", "Opening", "address_of", "checked_name", "is_loopback"]

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\]")
_WITH_PORT = re.compile(rf"({_NAME.pattern}):[0-9]{{1,5}}")


@dataclass(frozen=True)
class Access:
    """What must be right in a request.

    Args:
        hosts: all that its header Host may say, in lower case.
        token: the secret of this run, 256 bits.
    """

    hosts: frozenset[str]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @classmethod
    def at(cls, host: str, port: int, more: Iterable[str] = ()) -> Access:
        """What fits a server that listens at an address.

        Args:
            host: as it was given, a name or an address.
            port: that it listens to.
            more: names by which it is known besides, as `checked_name` gives them.
        """
        hosts = {address_of(name, port) for name in (host, *_LOOPBACK)}
        for name in more:
            hosts.add(name if _WITH_PORT.fullmatch(name) else address_of(name, port))
        if port == 80:  # which browsers leave out
            hosts |= {name.removesuffix(":80") for name in hosts}
        return cls(frozenset(name.lower() for name in hosts))

    def knows(self, host: str) -> bool:
        """Whether the server is known under what a header Host says."""
        return host.lower() in self.hosts

    def fits(self, token: str) -> bool:
        """Whether it is the token, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())


class Opening:
    """A word that opens the page once, in place of the token.

    The browser is started with an address on its command line, which other users of the machine may read. So
    that address holds this word: whoever comes first with it is led to the page with the token, and nobody
    after.

    Args:
        seconds: for which it is good.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        self.word = secrets.token_urlsafe(32)
        self._until = time.monotonic() + seconds

    def take(self, word: str) -> bool:
        """Whether this is the word, and nobody has used it."""
        good = hmac.compare_digest(word.encode("utf-8", "replace"), self.word.encode())
        if not good or time.monotonic() > self._until:
            return False
        self._until = float("-inf")
        return True


def address_of(host: str, port: int) -> str:
    """Host and port as they stand in a URL: an address of IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def is_loopback(address: str) -> bool:
    """Whether an address is one that only this machine reaches."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def checked_name(name: str) -> str:
    """A name as it may stand in a header Host, with a port of its own or without.

    Raises:
        InputError: it is none.
    """
    whole = f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
    if not (_NAME.fullmatch(whole) or _WITH_PORT.fullmatch(whole)):
        raise InputError(f"--allow-host takes a name such as sketch.local, got {name[:60]!r}")
    return whole
