"""Redirects: followed on their own server, refused where they lead elsewhere or out of the encryption."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests

from sketchkit.downloads import response_from

HOME = "https://home.test/models/bird.json"


@pytest.fixture
def sent() -> list[dict[str, str]]:
    """The headers of each request."""
    return []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, sent: list[dict[str, str]]) -> list[str]:
    """The addresses that were asked for; all but those that end in `.json` redirect to what follows `to=`."""
    places: list[str] = []

    def get(url: str, headers: dict[str, str], **_: Any) -> requests.Response:
        places.append(url)
        sent.append(dict(headers))
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
        ("https://huggingface.co/x?to=https://cas-bridge.xethub.hf.co/b.json", (), None),
        ("https://huggingface.co/x?to=https://cdn-lfs.huggingface.co/b.json", (), None),
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
        ("https://huggingface.co/x?to=https://nothuggingface.co/b.json", (), "another"),
        ("https://huggingface.co/x?to=https://hf.co.other.test/b.json", (), "another"),
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


def test_a_password_goes_to_the_first_server_alone(asked: list[str], sent: list[dict[str, str]]) -> None:
    url = "https://huggingface.co/x?to=https://huggingface.co/y?to=https://cdn.hf.co/b.json"
    with response_from(url, 1.0, headers={"Authorization": "Bearer secret", "Accept": "*/*"}):
        pass
    assert [set(headers) for headers in sent] == [{"Authorization", "Accept"}] * 2 + [{"Accept"}]


def test_a_refused_redirect_is_named_without_its_signature(asked: list[str]) -> None:
    url = "https://home.test/x?to=https://ann:secret@other.test/a.json?signature=secret"
    with pytest.raises(requests.RequestException) as refused, response_from(url, 1.0):
        raise AssertionError("it was followed")
    assert "redirects to https://other.test/a.json, " in str(refused.value)
    assert "secret" not in str(refused.value)
