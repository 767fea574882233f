"""Files of web servers, and of repositories on the Hugging Face Hub, by its plain routes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sketchkit.downloads import cause, response_from
from sketchkit.errors import InputError
from sketchkit.remote.sources import Report, Source
from sketchkit.remote.urls import accept, address_of

if TYPE_CHECKING:
    from requests import Response

__all__ = ["find", "find_repository"]

_TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 20
_MAX_ANSWER_BYTES = 16 << 20
_HUB, HUB_VARIABLE, _TOKEN_VARIABLE = "https://huggingface.co", "HF_ENDPOINT", "HF_TOKEN"
_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_REPOSITORY = re.compile(rf"hf://(datasets/|models/)?({_WORD}/{_WORD})(?:@([^/#]+))?(?:/(.+))?", re.ASCII)


@contextmanager
def find(name: str, redirect_hosts: Collection[str] | None = None) -> Iterator[Source]:
    """Look for a file of a web server; see `sources.find`."""
    with _answer(name, address_of(name), redirect_hosts) as response:
        yield _source(name, response)


@contextmanager
def find_repository(name: str) -> Iterator[Source]:
    """Look for a file of a repository of the Hub: its commit first, then the file as it is in that.

    Args:
        name: `hf://OWNER/NAME[@REVISION][/FILE]`, with `datasets/` in front of OWNER where it is one; without
            FILE the only .safetensors file that there is.

    Raises:
        InputError: another name, or see `sources.find`.
    """
    kind, repository, revision, file = _parse(name)
    hub = os.environ.get(HUB_VARIABLE, _HUB).rstrip("/")
    accept(hub)  # refuses what is not encrypted
    token = os.environ.get(_TOKEN_VARIABLE)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    about = f"{hub}/api/{kind}s/{repository}/revision/{quote(unquote(revision), safe='')}"
    with _answer(name, about, headers=headers) as response:
        facts = _read_facts(name, response)
    file = file or _only_model(name, facts["files"])
    folder = "" if kind == "model" else f"{kind}s/"
    address = f"{hub}/{folder}{repository}/resolve/{facts['commit']}/{quote(file)}"
    with _answer(name, address, headers=headers) as response:
        yield _source(name, response, facts["commit"], {"revision": facts["commit"], "file": file})


def _parse(name: str) -> tuple[str, str, str, str]:
    found = _REPOSITORY.fullmatch(name)
    if found is None or ".." in (found[4] or "").split("/"):
        raise InputError(f"{name}: is not hf://OWNER/NAME[@REVISION][/FILE], or hf://datasets/OWNER/...")
    kind = (found[1] or "models/").removesuffix("s/")
    return kind, found[2], found[3] or "main", found[4] or ""


def _read_facts(name: str, response: Response) -> dict[str, Any]:
    """The commit of a repository, and the names of its files.

    Raises:
        InputError: another answer.
    """
    data = b""
    for chunk in response.iter_content(_CHUNK_BYTES):
        data += chunk
        if len(data) > _MAX_ANSWER_BYTES:
            raise InputError(f"{name}: the answer of the Hub has more than {_MAX_ANSWER_BYTES} bytes")
    try:
        values = json.loads(data)
        commit, files = values["sha"], [each["rfilename"] for each in values.get("siblings") or []]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{name}: the answer of the Hub is no description of a repository") from error
    if not isinstance(commit, str) or not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise InputError(f"{name}: the answer of the Hub names no commit")
    return {"commit": commit, "files": [str(file) for file in files]}


def _only_model(name: str, files: Collection[str]) -> str:
    models = [file for file in files if file.endswith(".safetensors") and ".." not in file.split("/")]
    if len(models) == 1:
        return models[0]
    what = f"holds {', '.join(models[:9])}: name one" if models else "holds no .safetensors file"
    raise InputError(f"{name}: the repository {what}")


@contextmanager
def _answer(
    name: str,
    address: str,
    redirect_hosts: Collection[str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Response]:
    """The answer of a server that has the file.

    Raises:
        InputError: the server is silent, refuses, or redirects to another one.
    """
    import requests

    sent = {"Accept-Encoding": "identity", **(headers or {})}
    how = {"advice": "give its address itself"} if redirect_hosts is None else {}
    try:
        with response_from(address, _TIMEOUT_SECONDS, redirect_hosts or (), sent, **how) as response:
            if response.status_code != requests.codes.ok:
                raise InputError(f"{name}: {_refusal(response.status_code)}")
            yield response
    except (requests.RequestException, ValueError) as error:
        # Without the error itself, which may name the signature.
        raise InputError(f"{name}: cannot be read: {cause(error)}") from None


def _refusal(status: int) -> str:
    if status == 404:
        return "no such file (the server answers 404)"
    if status in (401, 403):
        return f"no permission (the server answers {status})"
    return f"the server answers {status}"


def _source(name: str, response: Response, version: str = "", origin: dict[str, str] | None = None) -> Source:
    head = response.headers
    mark = version or head.get("ETag") or head.get("Last-Modified") or ""
    length = "" if head.get("Content-Encoding") else head.get("Content-Length", "")
    size = int(length) if length.isascii() and length.isdigit() else None
    return Source(f"{mark} {length}" if mark else "", size, partial(_download, response, size), origin or {})


def _download(response: Response, size: int | None, path: str, report: Report) -> None:
    done = 0
    with open(path, "wb") as stream:
        for chunk in response.iter_content(_CHUNK_BYTES):
            done += len(chunk)
            report(done, size or 0)
            stream.write(chunk)
