"""docs/plugins.md and the plugin of docs/tutorial.md, block by block, as a reader follows them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from plugin_parts import PATIENCE, ROOT, Environment

PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("second") / "env")


def test_every_block_of_the_page_runs(second: Environment, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert len(BLOCKS) >= 7
    for language, place, code in BLOCKS:
        if language == "sh":
            command = code
        elif place.strip():
            (tmp_path / place.strip()).write_text(code)
            assert len(code.splitlines()) <= 15
            continue
        else:
            (tmp_path / "block.py").write_text(code)
            command = f"{second.python} block.py"
        done = second.run(command, tmp_path)
        assert done.code == 0, f"{code}\n{done.out}\n{done.err}"
    assert b'"pen": 0.7' in (tmp_path / "calm.svg").read_bytes().replace(b"&quot;", b'"')
    assert (tmp_path / "dist").is_dir()


def test_the_sampler_of_the_first_hour_draws(second: Environment, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    _, plugin = blocks  # the first sets up, and is the README's
    done = second.run(plugin, tmp_path)
    assert done.code == 0, f"{plugin}\n{done.out}\n{done.err}"
    assert b'"reach": 0.5' in (tmp_path / "calm.svg").read_bytes().replace(b"&quot;", b'"')


def test_the_new_sampler_works_in_every_way_the_page_says(second: Environment, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (code,) = (code for _, place, code in BLOCKS if place.strip())
    made = second.run("sketchkit plugins new calm --kind sampler", tmp_path)
    assert made.code == 0, made.err
    (tmp_path / "sketchkit-calm" / "sketchkit_calm" / "__init__.py").write_text(code)
    assert second.run("pip install ./sketchkit-calm", tmp_path).code == 0
    shown = second.run("sketchkit complete --help", tmp_path).out
    assert "the temperature of the pen alone" in " ".join(shown.split())
    refused = second.run("sketchkit complete examples/face-start.svg --sampler calm -O pen=99", tmp_path)
    assert refused.code == 2 and "option 'pen' of sampler 'calm' must be 0.01..10" in refused.err
    checked = second.run(f"sketchkit plugins check calm --json --patience {PATIENCE}", tmp_path)
    (calm,) = json.loads(checked.out)
    assert (calm["group"], calm["distribution"], calm["state"]) == ("samplers", "sketchkit-calm", "works")
