"""docs/plugins.md and the plugin of docs/tutorial.md, block by block, as a reader follows them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from plugin_parts import PATIENCE, ROOT, Environment

PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
#: The tests of all plugins of the page run in one process.
PYTEST = "python -m pytest -q "
RUN_SCRIPTS = "import runpy, sys\nfor path in sys.argv[1:]:\n    runpy.run_path(path, run_name='__main__')\n"


def test_every_block_of_the_page_runs_and_its_sampler_works_in_every_way_it_says(tmp_path: Path) -> None:
    second = Environment(tmp_path / "env")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert len(BLOCKS) >= 7
    scripts: list[str] = []
    tested: list[str] = []
    for language, place, code in BLOCKS:
        if language == "sh":
            lines = code.splitlines(keepends=True)
            tested += [line.removeprefix(PYTEST).strip() for line in lines if line.startswith(PYTEST)]
            done = second.run("".join(line for line in lines if not line.startswith(PYTEST)), tmp_path)
            assert done.code == 0, f"{code}\n{done.out}\n{done.err}"
        elif place.strip():
            (tmp_path / place.strip()).write_text(code)
            assert len(code.splitlines()) <= 15
        else:
            scripts.append(f"block-{len(scripts)}.py")
            (tmp_path / scripts[-1]).write_text(code)
    assert len(tested) == 2
    done = second.run(PYTEST + " ".join(tested), tmp_path)
    assert done.code == 0, f"{done.out}\n{done.err}"
    # Python that stands by itself, one after another in a process that loads the libraries once.
    (tmp_path / "each.py").write_text(RUN_SCRIPTS)
    done = second.run(" ".join([f'"{second.python}" each.py', *scripts]), tmp_path)
    assert done.code == 0, f"{done.out}\n{done.err}"
    assert b'"pen": 0.7' in (tmp_path / "calm.svg").read_bytes().replace(b"&quot;", b'"')
    assert (tmp_path / "dist").is_dir()
    asked = ("complete --help", "complete examples/face-start.svg --sampler calm -O pen=99")
    shown, refused = second.run_each([(tmp_path, line.split()) for line in asked], tmp_path)
    assert "the temperature of the pen alone" in " ".join(shown.out.split())
    assert refused.code == 2 and "option 'pen' of sampler 'calm' must be 0.01..10" in refused.err
    checked = second.run(f"sketchkit plugins check calm --json --patience {PATIENCE}", tmp_path)
    (calm,) = json.loads(checked.out)
    assert (calm["group"], calm["distribution"], calm["state"]) == ("samplers", "sketchkit-calm", "works")


def test_the_sampler_of_the_first_hour_draws(tmp_path: Path) -> None:
    second = Environment(tmp_path / "env")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    _, plugin = blocks  # the first sets up, and is the README's
    done = second.run(plugin, tmp_path)
    assert done.code == 0, f"{plugin}\n{done.out}\n{done.err}"
    assert b'"reach": 0.5' in (tmp_path / "calm.svg").read_bytes().replace(b"&quot;", b'"')
