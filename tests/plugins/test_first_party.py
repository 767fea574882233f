"""The packages in plugins/: public names only, tests of their own, and READMEs that are true."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
from plugin_parts import ROOT, Environment

PACKAGES = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml"))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("second") / "env")


def test_they_are_all_here() -> None:
    assert set(PACKAGES) == {
        "sketchkit-animate",
        "sketchkit-canvas",
        "sketchkit-diffusion",
        "sketchkit-extra-samplers",
        "sketchkit-inkscape",
        "sketchkit-native",
        "sketchkit-plotter",
        "sketchkit-resvg",
        "sketchkit-transformer",
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_public_names_only(package: str) -> None:
    modules = list((ROOT / "plugins" / package / package.replace("-", "_")).rglob("*.py"))
    assert modules
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                inner = [a.name for a in node.names if a.name.startswith("sketchkit.")]
                assert not inner, f"{path.name} imports {inner}: import names from it"
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sketchkit":
                home = importlib.import_module(str(node.module))
                for name in node.names:
                    known = name.name in home.__all__ or f"{node.module}.{name.name}" in _public_rooms()
                    assert known, f"{path.name} imports {name.name} from {node.module}, which is not public"


def _public_rooms() -> set[str]:
    """Modules that a plugin may import as such."""
    return {"sketchkit.options", "sketchkit.sampling", "sketchkit.rendering", "sketchkit.models"}


@pytest.mark.parametrize("package", PACKAGES)
def test_its_readme_and_its_tests_run_in_an_environment_of_their_own(
    second: Environment, tmp_path: Path, package: str
) -> None:
    for name in ("examples", "plugins", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    readme = (ROOT / "plugins" / package / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert re.search(rf"pip install .*\./plugins/{package}\b", readme)
    if not any(f"./plugins/{package}" in block for block in blocks):
        blocks.insert(0, f"pip install ./plugins/{package}")
    for block in blocks:
        done = second.run(block, tmp_path)
        assert done.code == 0, f"{block}\n{done.out}\n{done.err}"
    done = second.run(
        f"pytest -q -rs {ROOT / 'plugins' / package / 'tests'} -c {ROOT / 'pyproject.toml'}", tmp_path
    )
    assert done.code == 0, f"{done.out}\n{done.err}"
