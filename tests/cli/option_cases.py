"""What every option of every command that draws must do: a table with a line for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["BASE", "CASES", "Case"]

#: What a command is given; of an option that comes again the last counts. @ stands for the folder of the
#: inputs, @models for that of the models of the command's kind.
BASE: dict[str, tuple[str, ...]] = {
    "sample": ("-n", "6"),
    "complete": ("@/three.svg", "-n", "3"),
    "infill": ("@/three.svg", "--missing", "1:2", "-n", "2", "--particles", "12"),
    "reconstruct": ("@/six.ndjson", "--limit", "2"),
    "interpolate": ("@/six.ndjson#0", "@/six.ndjson#1", "-n", "4"),
    "grid": (*(f"@/six.ndjson#{k}" for k in range(4)), "--steps", "2x3"),
    "analogy": tuple(f"@/six.ndjson#{k}" for k in range(3)),
    "atlas": ("@/six.ndjson", "--steps", "2x2"),
    "encode": ("@/six.ndjson", "--draws", "1"),
    "decode": ("@/six.npz",),
    "score": ("@/six.ndjson",),
    "render": ("@/six.ndjson",),
    "bench": ("--batch", "1", "--runs", "1"),
}

#: What an option changes: what is drawn, how it is shown, which files are written, or the record alone; or
#: nothing, as it promises; or the command refuses it.
Effect = Literal["drawing", "picture", "files", "record", "nothing", "refusal"]


@dataclass(frozen=True)
class Case:
    """An option at work.

    Args:
        effect: of the option.
        words: the option.
        beside: what the command is given both with the option and without it.
        record: what is recorded of it.
        base: what the command is given in place of its usual.
        everywhere: whether every machine has what the option takes.
    """

    effect: Effect
    words: tuple[str, ...]
    beside: tuple[str, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)
    base: tuple[str, ...] | None = None
    everywhere: bool = True


def _draws(*words: str, beside: tuple[str, ...] = (), **record: Any) -> Case:
    return Case("drawing", words, beside, record)


def _shows(*words: str) -> Case:
    return Case("picture", words)


_SUN = _draws("--class", "sun", **{"class": "sun"})
_OUTPUT: dict[str, Case] = {
    "--output": Case("files", ("--output", "other.svg")),
    "--format": Case("files", ("--format", "png")),
    "--force": Case("nothing", ("--force",)),
    "--json": Case("record", ("--json",)),
}
_SHEET: dict[str, Case] = {
    "--tile": _shows("--tile", "6x6"),
    "--cell": _shows("--cell", "90"),
    "--gap": _shows("--gap", "3"),
    "--margin": _shows("--margin", "30"),
    "--page": _shows("--page", "A4"),
    "--title": _shows("--title", "birds"),
    "--scale-mode": _shows("--scale-mode", "common"),
    "--label": _shows("--label"),
    "--stroke": _shows("--stroke", "5"),
    "--background": _shows("--background", "ivory"),
    "--curves": _shows("--curves", "off"),
}
#: Of pictures in which no model drew.
_CURVES_ON = {"--curves": _shows("--curves", "on")}
_DRAWING: dict[str, Case] = {
    "--model": _draws("--model", "@models/other.safetensors", model="other.safetensors"),
    "--class": _SUN,
    "--temperature": _draws("-t", "0.9", temperature=0.9),
    "--sampler": _draws("--sampler", "greedy", sampler="greedy", temperature=None),
    "--option": _draws("-O", "k=1", beside=("--sampler", "top-k"), options={"rule": "javascript", "k": 1}),
    "--seed": _draws("--seed", "7", seed=7),
    "--max-points": _draws("--max-points", "3", max_points=3),
    "--max-ink": _draws("--max-ink", "9", max_ink=9.0),
    "--batch-size": Case("nothing", ("--batch-size", "4")),
    # The engine stays: without one it would be torch's, whose name goes unrecorded.
    "--deterministic": Case("nothing", ("--deterministic",), beside=("--engine", "torch")),
    "--device": Case("nothing", ("--device", "cpu")),
    "--engine": _draws("--engine", "odd", engine="odd"),
    "--precision": Case("drawing", ("--precision", "int8"), record={"precision": "int8"}, everywhere=False),
    "--compile": _draws("--compile", engine="compiled"),
}
#: Of these `infill` has none.
_LACKING = ("--max-ink", "--batch-size", "--deterministic")
_INK: dict[str, Case] = {"--ink": _shows("--ink", "teal"), "--only-added": _draws("--only-added")}
_GIVEN: dict[str, Case] = {
    "--input-format": Case("refusal", ("--input-format", "npz")),
    "--limit": _draws("--limit", "3"),
}


def _paper(command: str) -> dict[str, Case]:
    """`--keep-background`, where the first drawing is on white paper."""
    base = ("@/paper.svg", *BASE[command][1:])
    return {"--keep-background": Case("drawing", ("--keep-background",), base=base)}


_FILES: dict[str, Case] = {"--layout": Case("files", ("--layout", "files", "-o", "{index}.svg"))}
#: Its output is a folder; `test_shards.py` has what it does.
_SHARD: dict[str, Case] = {"--shard": Case("refusal", ("--shard", "1/2"))}
_PREPARED: dict[str, Case] = {"--prepared": _draws("--prepared")}
_FROM, _PAIRS = ("--from", "@/six.ndjson"), ("--pairs", "random:2")
_JOBS: dict[str, Case] = {
    **_PREPARED,
    **_SHARD,
    "--path": _draws("--path", "lerp", path="lerp"),
    "--jobs": Case("files", ("--jobs", "@/jobs.ndjson"), base=()),
    "--pairs": Case("files", _PAIRS, _FROM, base=()),
    "--from": Case("files", _FROM, _PAIRS, base=()),
    "--limit": Case("drawing", ("--limit", "4"), base=(*_PAIRS, *_FROM)),
    "--split": Case("drawing", ("--split", "valid"), base=(*_PAIRS, "--from", "@/animals")),
}
_REGION = ("--region", "-20,-20,260,130")
_MEANS = ("mean:cat", "@/six.ndjson#1", "@/six.ndjson#2")

#: By command and option.
CASES: dict[str, dict[str, Case]] = {
    "sample": {
        **_OUTPUT,
        **_SHEET,
        **_DRAWING,
        **_FILES,
        **_SHARD,
        "--z-temperature": Case("refusal", ("--z-temperature", "0.5")),
        "--tries": _draws("--tries", "4", tries=4),
        "-n": _draws("-n", "7"),
        "--first": _draws("--first", "5"),
    },
    "complete": {
        **_paper("complete"),
        **_OUTPUT,
        **_SHEET,
        **_DRAWING,
        **_GIVEN,
        **_FILES,
        **_INK,
        **_SHARD,
        "--tries": _draws("--tries", "4", tries=4),
        "--class": _draws("--class", "cat", **{"class": "cat"}),
        "--part": _draws("--part", "0.3"),
        "-n": _draws("-n", "4"),
        "--top": _draws("--top", "1"),
        "--scale": _draws("--scale", "0.2", scale=0.2),
        "--region": _draws(*_REGION, region=[-20, -20, 260, 130]),
        "--avoid": _draws("--avoid", "@/wall.svg"),
        "--clearance": _draws("--clearance", "9", beside=_REGION, clearance=9),
        "--limit": _draws("--limit", "1", beside=("@/six.ndjson",)),
    },
    "infill": {
        **_paper("infill"),
        **_OUTPUT,
        **{name: case for name, case in _SHEET.items() if name != "--gap"},
        **{name: case for name, case in _DRAWING.items() if name not in _LACKING},
        **_FILES,
        **_INK,
        "--input-format": _GIVEN["--input-format"],
        "--class": _draws("--class", "cat", **{"class": "cat"}),
        "--sampler": _draws("--sampler", "truncated", "-O", "r=0.5", sampler="truncated"),
        "--scale-mode": Case("picture", ("--scale-mode", "common"), ("-t", "3", "--class", "any")),
        "--missing": _draws("--missing", "1:1", gap="1:1"),
        "--number": Case("refusal", ("--number",)),
        "-n": _draws("-n", "1"),
        "--particles": _draws("--particles", "20", particles=20),
        "--max-strokes": _draws("--max-strokes", "1", max_strokes=1),
    },
    "reconstruct": {
        **_OUTPUT,
        **_SHEET,
        **_DRAWING,
        **_GIVEN,
        **_PREPARED,
        **_SHARD,
        **_paper("reconstruct"),
        "--tries": _draws("--tries", "4", tries=4),
    },
    "interpolate": {
        **_paper("interpolate"),
        **_OUTPUT,
        **_SHEET,
        **_DRAWING,
        **_JOBS,
        "-n": _draws("-n", "5", steps=5),
        "--via": _draws("--via", "@/six.ndjson#3"),
    },
    "grid": {
        **_paper("grid"),
        **_OUTPUT,
        **_SHEET,
        **_DRAWING,
        **_JOBS,
        "--steps": _draws("--steps", "3x2", steps=[3, 2]),
    },
    "analogy": {
        "--path": Case("refusal", ("--path", "prior")),
        **_paper("analogy"),
        **_OUTPUT,
        **_SHEET,
        **_DRAWING,
        **_PREPARED,
        "--from": Case("files", _FROM, base=_MEANS),
        "--split": Case("drawing", ("--split", "valid"), base=(*_MEANS, "--from", "@/animals")),
    },
    "atlas": {
        "--path": Case("refusal", ("--path", "prior")),
        **_OUTPUT,
        **{name: case for name, case in _SHEET.items() if name != "--tile"},
        **{name: _DRAWING[name] for name in ("--model", "--temperature", "--seed", "--device")},
        "--limit": _draws("--limit", "3", limit=3),
        "--class": _draws("--class", "cat"),
        "--split": Case("drawing", ("--split", "train"), base=("@/animals", "--steps", "2x2")),
        "--steps": _draws("--steps", "2x3", steps=[2, 3]),
        "--by": Case("drawing", ("--by", "umap"), record={"by": "umap"}, everywhere=False),
        "--worst": Case("record", ("--worst", "2")),
        "--outliers": Case("files", ("--outliers", "worst.svg")),
    },
    "encode": {
        **_paper("encode"),
        **_SHARD,
        "--output": Case("files", ("--output", "other.npz")),
        **{name: _OUTPUT[name] for name in ("--force", "--json")},
        **{name: _DRAWING[name] for name in ("--seed", "--device")},
        **_GIVEN,
        **_PREPARED,
        "--model": _draws("--model", "@models/other.safetensors", model="other"),
        "--draws": _draws("--draws", "2", draws=2),
        "--class": _draws("--class", "cat"),
        "--split": Case("drawing", ("--split", "train"), base=("@/animals",)),
    },
    "decode": {
        **_OUTPUT,
        **_SHEET,
        **_DRAWING,
        **_FILES,
        **_SHARD,
        "--means": _draws("--means"),
        "--model": Case("refusal", ("--model", "@models/other.safetensors")),
    },
    "score": {
        **_paper("score"),
        **_SHARD,
        "--output": Case("refusal", ("--output", "scores.jsonl")),  # beside a picture
        **{name: case for name, case in _SHEET.items() if name != "--label"},
        **{name: _DRAWING[name] for name in ("--model", "--class", "--device")},
        **{name: _OUTPUT[name] for name in ("--force", "--json")},
        **_GIVEN,
        **_PREPARED,
        **_CURVES_ON,
        "--heatmap": Case("files", ("--heatmap", "other.svg")),
    },
    "render": {
        **_paper("render"),
        **{name: case for name, case in _OUTPUT.items() if name != "--json"},
        **_SHEET,
        **_CURVES_ON,
        **_GIVEN,
    },
    "bench": {
        "--batch": Case("record", ("--batch", "2"), record={"batch": 2}),
        "--precision": Case(
            "record", ("--precision", "int8"), record={"precision": "int8"}, everywhere=False
        ),
        "--model": Case("record", ("--model", "lstm-2048"), record={"model": "lstm-2048"}),
        "--runs": Case("nothing", ("--runs", "2")),
        "--engine": Case("record", ("--engine", "odd"), record={"engine": "odd"}),
        "--device": Case("nothing", ("--device", "cpu"), record={"device": "cpu"}),
        "--json": Case("record", ("--json",)),
    },
}
