"""The page to send: one HTML file with a model inside, which needs neither a server nor a network."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from importlib.resources import files
from typing import Any, ClassVar

from sketchkit import SketchModel
from sketchkit.critic import BEGINNINGS, CRITIC, load_critic
from sketchkit.engine import LSTMWeights
from sketchkit.errors import InputError
from sketchkit_canvas.modules import link
from sketchkit_canvas.weights import model_tensors, pack, recogniser_tensors

__all__ = ["MOST_WEIGHTS", "WebExporter"]

#: The most weights of a model in a page: a browser unpacks them all.
MOST_WEIGHTS = 32 << 20
#: What of the page of `sketchkit canvas` needs its server.
_SERVED = re.compile(r"<!-- served -->.*?<!-- /served -->\s*", re.DOTALL)
#: Text that would end a script, or hide its end.
_ENDS_SCRIPT = re.compile(r"</script|<!--", re.IGNORECASE)
_RECOGNISERS = {"critic": CRITIC, "beginnings": BEGINNINGS}


class WebExporter:
    """One HTML file, on which the model finishes what is drawn; see `sketchkit.checkpoints.Exporter`."""

    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm")
    keeps_card: ClassVar[bool] = True

    def export(self, model: SketchModel) -> bytes:
        """The file of a model of the backend `decoder` whose cell is the plain LSTM.

        Raises:
            InputError: another model, or one too large for a page.
        """
        if str(model.dtype) != "torch.float32":
            model = copy.deepcopy(model).float()
        facts, text = _pack(model, _check(model))
        return _page(facts, text).encode()


def _check(model: SketchModel) -> LSTMWeights:
    """The weights of a model that a page can step.

    Raises:
        InputError: another model.
    """
    name = model.card.name
    if model.conditional:
        raise InputError(f"a page finishes drawings, which {name!r} of the backend {model.backend!r} cannot")
    weights = LSTMWeights.of(model)
    if weights is None or model.backend != "decoder":
        kind = asdict(model.architecture).get("cell", model.backend)
        raise InputError(f"a page steps decoders whose cell is the plain LSTM, and {name!r} is {kind}")
    size = weights.recurrent.shape[0] * weights.recurrent.shape[1]
    if size > MOST_WEIGHTS:
        raise InputError(f"a page holds up to {MOST_WEIGHTS:,} recurrent weights, {name!r} has {size:,}")
    return weights


def _pack(model: SketchModel, weights: LSTMWeights) -> tuple[dict[str, Any], str]:
    """What the page knows of the model beside its weights, and these as text; see `web/weights.js`."""
    tensors: dict[str, Any] = dict(model_tensors(model, weights))
    units = tensors["output"].shape[1]
    for name, path in _RECOGNISERS.items():
        tensors |= recogniser_tensors(path, name)
    text, described = pack(tensors)
    card = model.card
    return {
        "name": card.name,
        "licence": card.licence,
        "checksum": model.weights_checksum(),
        "classes": card.classes,
        "labelled": model.labelled,
        "position": weights.position,
        "units": units,
        "mixtures": (len(weights.output_bias) - 3) // 6,
        "start": card.start,
        "scale_factor": card.scale_factor,
        "max_length": card.max_length,
        "recognisers": {name: _describe(load_critic(path).about) for name, path in _RECOGNISERS.items()},
        "tensors": described,
    }, text


def _describe(about: Any) -> dict[str, Any]:
    return {"classes": about.classes, "known": about.known, "views": about.views}


def _read(path: str) -> str:
    return files("sketchkit_canvas").joinpath(*path.split("/")).read_text(encoding="utf-8")


def _page(facts: Mapping[str, Any], weights: str) -> str:
    """The whole file."""
    html = _SERVED.sub("", _read("page/index.html"))
    icon = "data:image/svg+xml;base64," + _base64(_read("page/icon.svg").encode())
    style, script = _read("page/style.css"), link("web/main.js", _read)
    kernel = files("sketchkit_canvas").joinpath("web", "vectors.wasm").read_bytes()
    name = escape(facts["name"])
    blocks = {
        "facts": ("application/json", json.dumps(facts).replace("<", "\\u003c")),
        "kernel": ("application/octet-stream", _base64(kernel)),
        "worker": ("text/plain", link("web/worker.js", _read)),
        "weights": ("application/octet-stream", weights),
    }
    data = "\n".join(_block(id, kind, text) for id, (kind, text) in blocks.items())
    for old, new in {
        '<meta charset="utf-8">': f'<meta charset="utf-8">\n  {_policy(script, style)}',
        "<title>sketchkit canvas</title>": f"<title>{name}: draw, and it draws with you</title>",
        '<link rel="icon" href="/page/icon.svg"': f'<link rel="icon" href="{icon}"',
        '<img src="/page/icon.svg"': f'<img src="{icon}"',
        '<link rel="stylesheet" href="/page/style.css">': f"<style>{style}</style>",
        '  <script type="module" src="/page/main.js"></script>\n': "",
        "<b>canvas</b>": f"<b>{name}</b>",
        "<!-- about -->": _about(facts),
        "</body>": f"{data}\n<script>{_check_script(script)}</script>\n</body>",
    }.items():
        if html.count(old) != 1:
            raise InputError(f"index.html has {html.count(old)} times {old!r}, not once")
        html = html.replace(old, new)
    return html


def _about(facts: Mapping[str, Any]) -> str:
    licence = f" Its weights: {escape(facts['licence'])}." if facts["licence"] else ""
    return (
        f"<p>This page is one file. The network “{escape(facts['name'])}” is inside, "
        "and nothing that is drawn leaves it."
        f"{licence} Made with sketchkit.</p>"
    )


def _policy(script: str, style: str) -> str:
    """A content security policy under which the page can reach nothing, and runs what it brings alone."""
    rules = [
        "default-src 'none'",
        f"script-src {_hash(script)} 'wasm-unsafe-eval'",
        "worker-src blob:",
        f"style-src {_hash(style)}",
        "img-src data:",
        "connect-src 'none'",
        "form-action 'none'",
        "base-uri 'none'",
    ]
    return f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">'


def _hash(text: str) -> str:
    return f"'sha256-{_base64(hashlib.sha256(text.encode()).digest())}'"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _block(id: str, kind: str, text: str) -> str:
    """Text that the browser keeps, and does not run."""
    return f'<script type="{kind}" id="{id}">{_check_script(text)}</script>'


def _check_script(text: str) -> str:
    if found := _ENDS_SCRIPT.search(text):
        raise InputError(f"a script of the page holds {found[0]!r}, which would end it")
    return text
