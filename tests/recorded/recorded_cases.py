"""What the net runs: command lines and calls of every kind, by names that users use and no others."""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from recordings import Workplace

Case = Callable[[Workplace], Any]

CASES: dict[str, Case] = {}
#: Cases that train models.
TRAINED = {"train-decoder", "train-vae", "train-cells", "prior"}

# Small drawings and few of them; the last bit as promised whatever the batch.
FEW = ("--seed", 3, "--max-points", 12, "--exact")
SAMPLERS = {
    "temperature": ("-O", "temperature=0.7"),
    "temperature-paper": ("-O", "rule=paper", "-t", "0.6"),
    "temperature-tensorflow": ("-O", "rule=tensorflow", "-t", "0.6"),
    "temperature-0": ("-t", "0"),
    "greedy": (),
    "mean": (),
    "top-k": ("-O", "k=2", "-t", "0.8"),
    "nucleus": ("-O", "p=0.8", "-t", "0.8"),
    "truncated": ("-O", "r=1.5", "-t", "0.8"),
    "best-of": ("-O", "n=3", "-O", "by=nucleus"),
    "critic": ("-O", "n=3"),
    "mbr": ("-O", "n=4"),
    "restarts": ("-O", "n=3", "-O", "limit=0.5"),
}


def case(function: Case) -> Case:
    """Add a case under the name of its function."""
    CASES[function.__name__.replace("_", "-")] = function
    return function


def _commands(name: str, *lines: str) -> None:
    """Add a case of command lines, one after another in one folder."""
    CASES[name] = lambda place: [place.run(*line.split()) for line in lines]


for _name, _options in SAMPLERS.items():
    _sampler = _name.partition("-")[0] if _name.startswith("temperature") else _name
    _line = ("--sampler", _sampler, *_options, *FEW, "--tries", 1)
    CASES[f"sampler-{_name}"] = lambda place, line=_line: [
        place.run("sample", "-n", 3, "--class", "sun", *line, "-o", "a.ndjson"),
        place.run("sample", "-n", 2, "-m", "dreamer", *line, "-o", "b.ndjson"),
        place.run("complete", "drawings.ndjson#0", "-n", 2, "--scale", 1, *line, "-o", "c.ndjson"),
    ]

_EXACT = "--seed 3 --max-points 12 --exact"
_commands(
    "sample-pictures",
    f"sample -n 4 --tries 2 {_EXACT} --class sun --class face --json -o a.svg",
    f"sample -n 3 --tries 1 {_EXACT} --label --title Suns --class sun --curves off -o b.svg",
    f"sample -n 2 --tries 1 {_EXACT} --first 7 --layout files -o drawing-{{index}}.svg",
    f"sample -n 2 --tries 1 {_EXACT} --page A5 --margin 12 -o c.svg --json",
    f"sample -n 2 --tries 1 {_EXACT} --cell 60 -o d.png",
    f"sample -n 2 --tries 1 {_EXACT} --cell 60 -o e.gif",
    f"sample -n 2 --tries 1 {_EXACT} --cell 60 --format apng -o e.png",
    f"sample -n 2 --tries 1 {_EXACT} --cell 60 --format animated-svg:seconds=1 -o f.svg",
    f"sample -n 2 --tries 1 {_EXACT} --cell 60 -o g.pdf",
)
_commands(
    "sample-data",
    f"sample -n 5 --tries 1 {_EXACT} --batch-size 2 -o a.ndjson --json",
    f"sample -n 5 --tries 1 {_EXACT} --class face -o a.npz",
    f"sample -n 5 --tries 1 {_EXACT} -o a.bin",
    f"sample -n 2 --tries 1 {_EXACT} -o -  --format ndjson",
    "sample -n 3 --seed 9223372036854775807 --tries 3 --class face -o b.ndjson",
    "sample -n 3 --seed 5 -o b.ndjson --max-points 9",
    "sample -n 3 --seed 5 -o b.ndjson --max-points 9 --force",
)
_commands(
    "sample-models",
    f"sample -m plain -n 3 {_EXACT} --json -o a.ndjson",
    f"sample -m layernorm -n 3 {_EXACT} --class face -o b.ndjson",
    f"sample -m hyper -n 3 {_EXACT} -o c.ndjson",
    f"sample -m dreamer -n 3 {_EXACT} --class face --z-temperature 0.7 --json -o d.ndjson",
)
_commands(
    "complete-svg",
    f"complete bird.svg -n 3 --tries 1 {_EXACT} --class face --json -o a.svg",
    f"complete bird.svg -n 3 --tries 2 {_EXACT} --class sun --part 0.5 --json -o b.svg",
    f"complete bird.svg -n 2 --tries 1 {_EXACT} --layout layers --ink same -o c.svg",
    f"complete bird.svg -n 2 --tries 1 {_EXACT} --layout files --only-added -o {{stem}}-{{index}}.svg",
    f"complete bird.svg -n 4 --keep 2 --tries 1 {_EXACT} --scale 0.7 --class any --json -o d.ndjson",
    f"complete bird.svg -n 2 --tries 1 {_EXACT} --keep-background --class sun -o e.svg",
    f"complete bird.svg -n 2 -m plain --tries 1 {_EXACT} -o f.npz",
)
_commands(
    "complete-guess",
    "complete drawings.ndjson --limit 3 -n 2 --seed 1 --max-points 20 --json -o a.ndjson",
    "complete drawings.ndjson#2 -n 3 --keep 3 --tries 2 --seed 1 --max-points 20 --json -o b.svg",
)
_commands(
    "complete-bounds",
    "complete bird.svg -n 3 --seed 2 --max-points 15 --scale 0.6 --class sun"
    " --region 40,40,250,200 --clearance 2 --json -o a.svg",
    "complete bird.svg -n 3 --seed 2 --max-points 15 --scale 0.6 --class sun"
    " --avoid bird.svg --json -o b.ndjson",
)
_commands(
    "infill",
    "infill bird.svg --gap 1:2 -n 2 --particles 24 --seed 2 --class sun --json -o a.svg",
    "infill drawings.ndjson#1 --gap 1:1 -n 3 --particles 24 --max-strokes 2 --seed 4 --json -o b.ndjson",
    "infill drawings.ndjson#0 --gap 0:1 -n 2 --particles 16 -m plain --sampler top-k -O k=2 -o c.ndjson",
    "infill bird.svg --number -o d.svg",
)
_commands(
    "score",
    "score drawings.ndjson --limit 4 --json",
    "score bird.svg --class any --json --heat a.svg",
    "score drawings.ndjson --limit 2 -m dreamer --json",
    "score drawings.ndjson --limit 2 -m layernorm --prepared --class sun --json",
    "score drawings.ndjson --limit 2 -m hyper --json",
    "score drawings.ndjson --limit 2 -m plain",
)
_commands(
    "reconstruct",
    f"reconstruct drawings.ndjson --limit 2 -t 0.1,0.6 {_EXACT} --label --json -o a.svg",
    f"reconstruct drawings.ndjson#1 -t 0.3 {_EXACT} --prepared -o b.ndjson",
)
_commands(
    "interpolate",
    f"interpolate drawings.ndjson#0 drawings.ndjson#1 -n 4 {_EXACT} --json -o a.ndjson",
    f"interpolate drawings.ndjson#0 bird.svg -n 3 --path lerp --class sun {_EXACT} -o b.svg",
    f"interpolate drawings.ndjson#0 drawings.ndjson#1 --via drawings.ndjson#2 -n 5 {_EXACT} -o c.gif",
    f"interpolate --pairs random:2 --from drawings.ndjson -n 3 {_EXACT} -o way-{{stem}}.svg",
)
_commands(
    "grid",
    "grid drawings.ndjson#0 drawings.ndjson#1 drawings.ndjson#2 drawings.ndjson#3"
    f" --steps 3x2 {_EXACT} --json -o a.ndjson",
    "grid drawings.ndjson#0 drawings.ndjson#1 drawings.ndjson#2 drawings.ndjson#3"
    f" --steps 2x2 --path lerp {_EXACT} -o b.svg",
)
_commands(
    "analogy",
    f"analogy drawings.ndjson#0 drawings.ndjson#1 drawings.ndjson#2 {_EXACT} --json -o a.svg",
    f"analogy mean:face mean:sun drawings.ndjson#1 --from drawings.ndjson {_EXACT} -o b.ndjson",
)
_commands(
    "encode-and-decode",
    "encode drawings.ndjson --limit 3 --draws 2 --seed 4 --json -o z.npz",
    f"decode z.npz {_EXACT} --json -o a.ndjson",
    f"decode z.npz --means --class sun {_EXACT} --cell 50 -o b.svg",
)
_commands(
    "atlas",
    "atlas drawings.ndjson --steps 3x2 --worst 3 --seed 2 --cell 60 --json -o a.svg --outliers b.svg",
    "atlas drawings.ndjson --class face --steps 2x2 --path lerp --worst 0 -o c.ndjson",
)
_commands(
    "render",
    "render bird.svg -o a.svg",
    "render bird.svg --keep-background --cell 80 -o b.svg",
    "render drawings.ndjson --limit 6 --tile 3x2 --cell 60 --label --sizes common --curves on -o c.svg",
    "render drawings.ndjson bird.svg --limit 3 --page A5-landscape --title Three --stroke 0.5 -o d.svg",
    "render drawings.ndjson --limit 3 --cell 60 --background ivory -o e.png",
    "render drawings.ndjson --limit 3 --cell 60 --format png:dpi=192 -o f.png",
    "render drawings.ndjson --limit 3 --cell 60 --format gif:seconds=0.3 -o g.gif",
    "render drawings.ndjson --limit 2 --format animated-svg -o h.svg",
    "render drawings.ndjson --limit 2 -o i.pdf",
)
_commands(
    "models",
    "models list --json",
    "models info tiny --json",
    "models info dreamer --json",
    "models info layernorm",
    "models export plain -o plain.gen.json",
    "models export tiny --class sun -o tiny.gen.json",
    "models export dreamer --class sun -o dreamer.json",
    "models export tiny --dtype float16 --name half --licence CC-BY-4.0 -o half.safetensors",
    "models import half.safetensors",
    "models info half --json",
    "models remove half",
    "models list",
)
_commands(
    "magenta",
    "models export tiny --class sun -o sun.gen.json",
    "models import sun.gen.json --name sunny",
    "models info sunny --json",
    f"sample -m sunny -n 3 --tries 1 {_EXACT} -o a.ndjson --json",
    f"sample -m sun.gen.json -n 3 --tries 1 {_EXACT} --sampler greedy -o b.ndjson",
    f"complete bird.svg -m sunny -n 2 --tries 1 {_EXACT} --scale 0.6 --json -o c.svg",
    "score drawings.ndjson --limit 2 -m sunny --json",
    "models import sun.gen.json --name papery --start paper",
    "score drawings.ndjson --limit 2 -m papery --json",
)
_commands(
    "magenta-vae",
    "models export dreamer --class sun -o sun.vae.json",
    "models import sun.vae.json --name remembered",
    f"sample -m remembered -n 2 --tries 1 {_EXACT} -o a.ndjson",
    f"reconstruct drawings.ndjson#1 -m remembered -t 0.2,0.5 {_EXACT} --json -o b.ndjson",
    "encode drawings.ndjson --limit 2 -m remembered -o z.npz",
)
_commands(
    "data",
    "data synth -n 6 --seed 8 -o things.ndjson --json",
    "data synth -n 8 --class face --class sun --first 3 -o things.bin",
    "data prepare drawings.ndjson -o set --split 60/20/20 --json",
    "data info set --json",
    "data prepare drawings.ndjson bird.svg -o other --limit 4 --max-points 60 --simplify always --json",
    "data list . --json",
    "data synth -n 8 --class sun -o things.npz --split 50/25/25",
)
_commands(
    "data-by-models",
    "data distill tiny -n 3 -t 0.3,0.5 --max-points 30 --seed 2 --json -o taught.ndjson",
    "data critique drawings.ndjson --least 0.3 --json -o kept.ndjson",
)
_SMALL = "--hidden 6 --mixtures 2 --batch-size 4 --threads 1 --no-tensorboard --evaluate-every 3 --seed 4"
_PREPARE = "data prepare drawings.ndjson -o set --split 60/20/20"
_commands(
    "train-decoder",
    _PREPARE,
    f"train set -o run --steps 6 --grid 4 --classes {_SMALL} --json",
    "train set -o run --resume --steps 8 --no-tensorboard --threads 1 --json",
    "sample -m run/last.safetensors -n 2 --tries 1 --max-points 8 --class sun -o a.ndjson",
    "doctor run --json",
)
_commands(
    "train-vae",
    _PREPARE,
    f"train set -o run --backend vae --encoder-hidden 4 --latent 3 --steps 4 --grid 0 {_SMALL} --json",
    "reconstruct drawings.ndjson#1 -m run/last.safetensors -t 0.2 --max-points 8 -o a.ndjson",
)
_commands(
    "train-cells",
    _PREPARE,
    f"train set -o one --cell layernorm-lstm --steps 3 --grid 0 {_SMALL} --json",
    f"train set -o two --cell hyper-lstm --steps 2 --grid 0 --batch-size 2 {_SMALL} --json",
)
_SYNTH = "data synth -n 60 --class face --class sun --split 50/25/25 -o set"
_commands(
    "prior",
    _SYNTH,
    "models prior dreamer set --steps 12 --seed 3 -o known.safetensors",
    f"sample -m known.safetensors -n 3 {_EXACT} -o a.ndjson --json",
    f"interpolate drawings.ndjson#0 drawings.ndjson#1 -n 3 -m known.safetensors {_EXACT} -o b.ndjson",
)
_commands(
    "evaluate",
    _SYNTH,
    "evaluate tiny set --samples 8 --bootstrap 20 --seed 2 -t 0.3,0.6 --json",
    "evaluate dreamer set --samples 6 --bootstrap 0 --seed 2 --split train -o report.md",
    "evaluate tiny set --samples 0 --class sun --json -o report.json",
)
_commands("plugins", "plugins list --json")
_commands(
    "exit-codes",
    "",
    "nothing",
    "sample --nothing",
    "sample -n 0 -o a.svg",
    "sample --sampler missing -o a.svg",
    "sample --sampler top-k -O k=0 -o a.svg",
    "sample -m missing -o a.svg",
    "sample -m bird.svg -o a.svg",
    "sample --class dog -o a.svg",
    "sample --engine missing -o a.svg",
    "complete missing.svg -o a.svg",
    "complete drawings.ndjson#99 -o a.svg",
    "complete drawings.ndjson -o bird.svg",
    "complete bird.svg -m dreamer -o a.svg",
    "reconstruct bird.svg -m tiny -o a.svg",
    "infill bird.svg --gap 9:12 -o a.svg",
    "render bird.svg -o a.unknown",
    "evaluate tiny missing",
    "train missing -o run",
    "doctor missing",
    "data synth -n 3 --class unheard -o a.ndjson",
    "models remove missing",
    "decode drawings.ndjson -o a.svg",
)


GROUPS = {
    "models": ("list", "info", "import", "export", "pull", "remove", "prior"),
    "data": ("list", "info", "fetch", "prepare", "synth", "distill", "critique"),
    "plugins": ("list", "check", "new"),
}
COMMANDS = [
    *("complete", "sample", "render", "reconstruct", "interpolate", "grid", "analogy", "encode", "decode"),
    *("atlas", "infill", "score", "train", "evaluate", "bench", "doctor"),
    *(f"{group} {name}" for group, names in GROUPS.items() for name in names),
]


@case
def options(place: Workplace) -> Any:
    """The options of every command, not what its help says of them."""
    found = []
    for command in COMMANDS:
        text = place.run(*command.split(), "--help")["stdout"]
        own = text.partition("Example:")[0]
        found.append({command: sorted(set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", own)))})
    return found


@case
def names(place: Workplace) -> Any:
    """What may be imported from the rooms, and which plugins there are of each kind."""
    rooms = ("", ".models", ".sampling", ".rendering", ".formats", ".generate", ".latent", ".training")
    modules = [f"sketchkit{room}" for room in (*rooms, ".evaluate", ".engine", ".testing")]
    public = {name: sorted(importlib.import_module(name).__all__) for name in modules}
    for name, known in public.items():
        assert all(hasattr(importlib.import_module(name), one) for one in known)
    kinds = ("commands", "engines", "formats", "models", "samplers", "renderers")
    groups = {kind: sorted(entry_points(group=f"sketchkit.{kind}").names) for kind in kinds}
    return [*({name: known} for name, known in public.items()), groups]


@case
def new_plugins(place: Workplace) -> Any:
    """The files that a new plugin begins with."""
    found = []
    for kind in ("sampler", "renderer", "model", "format", "command"):
        done = place.run("plugins", "new", f"my-{kind}", "--kind", kind)
        found.append({"exit": done["exit"], "files": sorted(done["files"])})
    return found


@case
def bench(place: Workplace) -> Any:
    """What the benchmark tells, without its figures."""
    done = place.run("bench", "--batch", "1,2", "--runs", 1, "--json")
    rows = done["stdout"] if isinstance(done["stdout"], list) else [done["stdout"]]
    return [{"exit": done["exit"], "keys": sorted(rows[0])}]


@case
def stdin_and_stdout(place: Workplace) -> Any:
    bird, drawings = Path("bird.svg").read_bytes(), Path("drawings.ndjson").read_bytes()
    ending = ("-n", 2, "--tries", 1, "--scale", 1, *FEW, "--class", "sun")
    return [
        place.run("complete", "-", *ending, "-o", "-", "--format", "ndjson", stdin=bird),
        place.run("render", "-", "--input-format", "ndjson", "-o", "-", "--format", "svg", stdin=drawings),
        place.run("score", "-", "--json", stdin=bird),
    ]


@case
def environment_and_config(place: Workplace) -> Any:
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "sketchkit"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('temperature = 0.9\nsampler = "nucleus"\ntries = 1\n')
    from_file = place.run("sample", "-n", 2, *FEW, "--json", "-o", "a.ndjson")
    os.environ |= {"SKETCHKIT_TEMPERATURE": "0.2", "SKETCHKIT_SAMPLER": "top-k", "SKETCHKIT_TRIES": "2"}
    by_environment = place.run("sample", "-n", 2, *FEW, "--class", "sun", "--json", "-o", "b.ndjson")
    by_flag = place.run("sample", "-n", 2, *FEW, "-t", 1, "--tries", 1, "--json", "-o", "c.ndjson")
    return [from_file, by_environment, by_flag]


def _rows(sketch: Any) -> Any:
    return {"label": sketch.label, "origin": list(sketch.origin), "rows": sketch.stroke5.tolist()}


def _model(name: str) -> Any:
    import sketchkit as sk

    return sk.load_model(name, engine="torch")


def _drawings() -> list[Any]:
    import sketchkit as sk

    return list(sk.read_all("drawings.ndjson"))


@case
def call_sample(place: Workplace) -> Any:
    import sketchkit as sk

    tiny, dreamer = _model("tiny"), _model("dreamer")
    found = {
        "class": sk.sample(tiny, 3, class_name="face", seed=5, exact=True),
        "classes": sk.sample(tiny, 4, class_name=["face", "sun", None, "sun"], seed=5, max_points=15),
        "index": sk.sample(tiny, index=[7, 0, 2**40], seed=2**62, exact=True, max_points=9),
        "mixed": sk.sample(tiny, 2, class_name={"face": 0.5, "sun": 0.5}, seed=1),
        "stream": list(sk.sample_stream(tiny, 5, class_name="sun", seed=5, batch_size=2, exact=True)),
        "z": sk.sample(dreamer, z=np.linspace(-1, 1, 10).reshape(2, 5), seed=4, exact=True),
        "noise": sk.sample(dreamer, 2, z_temperature=0.3, class_name="sun", seed=4, sampler="mean"),
    }
    return [{name: place.value([_rows(sketch) for sketch in drawn])} for name, drawn in found.items()]


@case
def call_complete(place: Workplace) -> Any:
    import sketchkit as sk

    tiny, drawings = _model("tiny"), _drawings()
    bird = sk.read("bird.svg")

    def told(endings: Any) -> Any:
        return place.value(
            [
                {
                    "ending": _rows(one.ending),
                    "whole": _rows(one.sketch),
                    "facts": [
                        one.nll_per_point,
                        one.scale,
                        one.index,
                        one.finished,
                        one.redrawn,
                        one.class_name,
                    ],
                }
                for one in endings
            ]
        )

    settings = {"seed": 6, "max_points": 14}
    many = sk.complete(tiny, drawings[:2], 2, class_name="sun", exact=True, **settings)
    return [
        told(sk.complete(tiny, bird, 3, class_name="face", exact=True, **settings)),
        [told(endings) for endings in many],
        told(
            sk.complete(
                tiny, bird, 2, part=0.4, class_name="sun", sampler="top-k", options={"k": 2}, **settings
            )
        ),
        told(sk.complete(tiny, bird, 6, keep=2, scale=0.7, first=3, **settings)),
        told(sk.complete(tiny, bird, 2, scale=0.7, region=(40, 40, 300, 250), clearance=1.0, **settings)),
        told(sk.complete(tiny, bird, 2, scale=0.7, avoid=drawings[1], **settings)),
    ]


@case
def call_infill(place: Workplace) -> Any:
    import sketchkit as sk

    tiny, drawing = _model("tiny"), _drawings()[0]
    found = sk.infill(tiny, drawing, (1, 2), 3, particles=24, seed=2, class_name="face")
    return place.value(
        [[_rows(one.part), one.rest, one.gain, one.weight, one.index, one.scale] for one in found]
    )


@case
def call_score(place: Workplace) -> Any:
    import sketchkit as sk

    drawings = _drawings()[:3]
    models = ["tiny", "plain", "layernorm", "hyper", "dreamer"]
    return [
        {
            name: place.value(
                [
                    {"offset": one.offset, "pen": one.pen, "strokes": one.stroke_of, "class": one.class_name}
                    for one in sk.score(_model(name), drawings)
                ]
            )
        }
        for name in models
    ]


@case
def call_latent(place: Workplace) -> Any:
    import sketchkit as sk

    dreamer, drawings = _model("dreamer"), _drawings()
    drawing = {"seed": 3, "max_points": 14, "exact": True}
    mu, sigma = sk.encode(dreamer, drawings[:4], exact=True)
    axes = sk.principal_axes(mu, 2)
    located = sk.locate(dreamer, drawings[:6])
    atlas = sk.atlas(dreamer, located, (2, 2), **drawing)
    drawn = {
        "reconstruct": sk.reconstruct(dreamer, drawings[:2], 0.3, n=2, **drawing),
        "decode": sk.decode(dreamer, mu, 0.2, class_name="sun", **drawing),
        "interpolate": sk.interpolate(dreamer, drawings[:2], 3, **drawing),
        "lerp": sk.interpolate(dreamer, drawings[:3], 4, path="lerp", class_name="face", **drawing),
        "grid": sk.grid(dreamer, drawings[:4], (2, 3), **drawing),
        "analogy": [sk.analogy(dreamer, *drawings[:3], **drawing)],
        "atlas": [sketch for sketch in atlas.sketches if sketch is not None],
    }
    return [
        place.value({"mu": mu, "sigma": sigma, "mean": axes.mean, "axes": axes.axes}),
        *({name: place.value([_rows(one) for one in sketches])} for name, sketches in drawn.items()),
    ]


@case
def call_live(place: Workplace) -> Any:
    from sketchkit import generate, read

    tiny, dreamer, bird = _model("tiny"), _model("dreamer"), read("bird.svg")
    decoder = generate.LiveDecoder(slots=4, chunk=3)
    settings: dict[str, Any] = {"seed": 2, "max_points": 10}
    decoder.add(generate.live_endings(tiny, bird, 3, scale=0.7, class_name="sun", **settings))
    decoder.add(generate.live_drawings(tiny, 3, class_name="face", **settings))
    decoder.add(generate.live_reconstructions(dreamer, _drawings()[0], [0.2, 0.6], **settings))
    points: dict[str, list[Any]] = {}
    for _ in range(200):
        for told in decoder.step():
            key = f"{told.request}.{told.drawing}"
            points.setdefault(key, []).extend([*told.points.tolist(), *(["end"] if told.over else [])])
        if all(found[-1:] == ["end"] for found in points.values()) and len(points) == 8:
            break
    decoder.close()
    return [{key: place.value(points[key])} for key in sorted(points)]


@case
def call_guess(place: Workplace) -> Any:
    from sketchkit import generate

    guesses = generate.guess_classes(_model("tiny"), _drawings()[:3])
    return [[place.value([one.class_name, one.chance]) for one in told] for told in guesses]


@case
def call_formats(place: Workplace) -> Any:
    import sketchkit as sk

    drawings = _drawings()[:4]
    for suffix in ("ndjson", "bin", "npz"):
        sk.write(drawings, f"again.{suffix}")
    sk.write(drawings[0], "one.svg")
    names = ["again.ndjson", "again.bin", "again.npz", "one.svg"]
    files = [{name: place.value_of_file(Path(name))} for name in names]
    read = [{name: place.value([_rows(one) for one in sk.read_all(name)])} for name in names]
    document = sk.read_svg(Path("bird.svg").read_bytes(), "bird.svg")
    return [*files, *read, place.value({"left out": dict(document.left_out)})]


@case
def call_sketch(place: Workplace) -> Any:
    import sketchkit as sk

    bird = sk.read("bird.svg")
    values = {
        "rows": _rows(bird),
        "polylines": [line.tolist() for line in bird.to_polylines()],
        "stroke3": bird.to_stroke3(),
        "bounds": bird.bounds,
        "ink": bird.ink_length,
        "strokes": bird.n_strokes,
        "end": list(bird.end_point),
        "svg": bird.to_svg(),
        "back": _rows(sk.Sketch.from_svg(bird.to_svg())),
        "stroke": _rows(sk.Sketch.from_stroke3(bird.to_stroke3())),
        "lines": _rows(sk.Sketch.from_polylines([[(0, 0), (3, 4), (6, 0)], [(1, 1), (2, 2)]])),
    }
    return [
        {name: place.value(json.loads(json.dumps(value, default=np.ndarray.tolist)))}
        for name, value in values.items()
    ]


@case
def call_render(place: Workplace) -> Any:
    import sketchkit as sk

    drawings, bird = _drawings()[:4], sk.read("bird.svg")
    pages = {
        "sheet": {"tile": (2, 2), "cell": 60, "label": True},
        "page": {
            "page": "A5",
            "title": "Suns",
            "stroke": 0.3,
            "row_labels": ["a", "b"],
            "column_labels": ["1", "2"],
            "tile": (2, 2),
        },
        "smooth": {"curves": "on", "scale": "common", "background": "#eef", "gap": 3, "margin": 11},
    }
    found = [
        {name: place.value_of_bytes(sk.render(drawings, renderer="svg", **layout))}
        for name, layout in pages.items()
    ]
    sk.render([bird, *drawings], "all.png", cell=50)
    return [
        *found,
        {"png": place.value_of_file(Path("all.png"))},
        sorted(sk.renderers()),
        sorted(sk.samplers()),
    ]
