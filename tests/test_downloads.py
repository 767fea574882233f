"""Redirects: followed on their own server, refused where they lead elsewhere or out of the encryption."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests

from sketchkit.downloads import response_from

HOME = "https://home.test/models/bird.json"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were asked for; all but those that end in `.json` redirect to what follows `to=`."""
    places: list[str] = []

    def get(url: str, **_: Any) -> requests.Response:
        places.append(url)
        response = requests.Response()
        response.status_code, response.raw = 200, io.BytesIO(b"content")
        if "to=" in url:
            response.status_code, response.headers["location"] = 302, url.partition("to=")[2]
        return response

    monkeypatch.setattr(requests, "get", get)
    return places


@pytest.mark.parametrize(
    ("url", "hosts", "ends_at"),
    [
        (HOME, (), HOME),
        ("https://home.test/x?to=/models/bird.json", (), HOME),
        ("https://home.test/x?to=//home.test/y?to=https://HOME.test:443/models/bird.json", (), None),
        ("http://home.test/x?to=https://home.test/models/bird.json", (), HOME),
        ("http://home.test:80/x?to=http://home.test/a.json", (), "http://home.test/a.json"),
        ("https://storage.googleapis.com/x?to=https://a.storage.googleapis.com/b.json", (), None),
        ("https://home.test/x?to=https://other.test/a.json", ("Other.test",), "https://other.test/a.json"),
    ],
)
def test_a_redirect_that_stays_or_was_allowed_is_followed(
    asked: list[str], url: str, hosts: tuple[str, ...], ends_at: str | None
) -> None:
    with response_from(url, 1.0, hosts) as response:
        assert response.content == b"content"
    assert asked[-1] == (ends_at or url.rpartition("to=")[2])


@pytest.mark.parametrize(
    ("url", "hosts", "words"),
    [
        ("https://home.test/x?to=http://home.test/a.json", (), "http://home.test/a.json, which is not enc"),
        ("https://home.test/x?to=http://home.test/a.json", ("home.test",), "which is not encrypted"),
        (
            "https://home.test/x?to=https://other.test/a.json",
            (),
            "another server: --redirect-host other.test",
        ),
        ("https://home.test/x?to=//other.test/a.json", ("third.test",), "another server"),
        ("https://home.test/x?to=https://home.test.other.test/a.json", (), "another server"),
        ("https://home.test/x?to=https://home.test@other.test/a.json", (), "--redirect-host other.test"),
        ("http://home.test:8000/x?to=http://home.test:9000/a.json", (), "another server"),
        ("http://home.test/x?to=http://169.254.169.254/a.json", (), "another server"),
        ("https://storage.googleapis.com/x?to=https://googleapis.com.other.test/a.json", (), "another"),
        ("https://storage.googleapis.com/x?to=http://storage.googleapis.com/a.json", (), "not encrypted"),
        ("https://home.test/x?to=file:///etc/passwd", (), "file:///etc/passwd, which is no web address"),
        ("https://home.test/x?to=ftp://home.test/a.json", ("home.test",), "which is no web address"),
    ],
)
def test_a_redirect_elsewhere_is_refused_and_not_asked(
    asked: list[str], url: str, hosts: tuple[str, ...], words: str
) -> None:
    with (
        pytest.raises(requests.RequestException, match="the server redirects to ") as refused,
        response_from(url, 1.0, hosts),
    ):
        raise AssertionError("it was followed")
    assert words in str(refused.value)
    assert asked == [url]
