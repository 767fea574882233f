"""The packages in plugins/: public names only, tests of their own, and READMEs that are true."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import shutil
from glob import glob
from pathlib import Path

import pytest
from plugin_parts import ROOT, Environment

#: Of a training in a README, whose command is to run; that models learn is for the tests of the packages.
STEPS = 5
PACKAGES = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml"))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with all of them, built from a copy: another process may build them at the same time."""
    folder = tmp_path_factory.mktemp("second")
    built = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "plugins", folder / "plugins", ignore=built)
    made = Environment(folder / "env")
    done = made.run(" ".join(["pip install", *(f"./plugins/{package}" for package in PACKAGES)]), folder)
    assert done.code == 0, f"{done.out}\n{done.err}"
    return made


def test_they_are_all_here() -> None:
    assert set(PACKAGES) == {
        "sketchkit-animate",
        "sketchkit-canvas",
        "sketchkit-diffusion",
        "sketchkit-extra-samplers",
        "sketchkit-inkscape",
        "sketchkit-native",
        "sketchkit-parquet",
        "sketchkit-plotter",
        "sketchkit-ray",
        "sketchkit-resvg",
        "sketchkit-transformer",
    }


def test_one_process_can_import_the_tests_of_all_of_them() -> None:
    files = [path for package in PACKAGES for path in (ROOT / "plugins" / package / "tests").rglob("*.py")]
    names = [path.name for path in files if path.name != "conftest.py"]
    assert len(set(names)) == len(names)
    for path in files:
        assert "from conftest import" not in path.read_text(encoding="utf-8"), path


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


def _read_commands(package: str) -> list[str]:
    """The commands of a package's README, which says how it is installed."""
    readme = (ROOT / "plugins" / package / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"pip install .*\./plugins/{package}\b", readme), package
    blocks = re.findall(r"^```sh\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if not line.startswith("pip install ")]


def _split_command(command: str, folder: Path) -> list[str]:
    """The words of a command as a shell gives them, names for patterns; of a training, few steps."""
    words = shlex.split(re.sub(r"--steps \d+", f"--steps {STEPS}", command))
    assert words[0] == "sketchkit" and not {"|", "&&", ";", ">"} & set(words), command
    return [name for word in words[1:] for name in (sorted(glob(word, root_dir=folder)) or [word])]


def test_every_command_of_their_readmes_runs(second: Environment, tmp_path: Path) -> None:
    steps: list[tuple[Path, list[str]]] = []
    for package in PACKAGES:
        folder = tmp_path / package
        folder.mkdir()
        (folder / "examples").symlink_to(ROOT / "examples")
        for command in _read_commands(package):
            if command.startswith("sketchkit "):
                steps.append((folder, _split_command(command, folder)))
            else:
                done = second.run(command, folder)
                assert done.code == 0, f"{command}\n{done.out}\n{done.err}"
    for (folder, words), done in zip(steps, second.run_each(steps, tmp_path), strict=True):
        assert done.code == 0, f"{folder.name}: {words}\n{done.out}\n{done.err}"


@pytest.mark.parametrize("page", [True, False], ids=["page", "others"])
def test_their_tests_pass_where_all_of_them_are_installed(
    second: Environment, tmp_path: Path, page: bool
) -> None:
    packages = [package for package in PACKAGES if (package == "sketchkit-canvas") is page]
    folders = " ".join(str(ROOT / "plugins" / package / "tests") for package in packages)
    done = second.run(f"pytest -q -rs {folders} -c {ROOT / 'pyproject.toml'}", tmp_path)
    assert done.code == 0, f"{done.out}\n{done.err}"
