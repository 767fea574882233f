"""What is published agrees with itself: versions, requirements, links in READMEs, workflows."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import sketchkit as sk

ROOT = Path(__file__).parent.parent
FOLDERS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
PROJECTS: dict[str, dict[str, Any]] = {
    project["name"]: project
    for project in (tomllib.loads((f / "pyproject.toml").read_text("utf-8"))["project"] for f in FOLDERS)
}
PLUGINS = sorted(PROJECTS.keys() - {"sketchkit"})
#: What a requirement on another package of this repository says.
SAME_MINOR = f">={Version(sk.__version__).major}.{Version(sk.__version__).minor}"
#: Scripts in .ci that no workflow calls by itself: they prepare, or call the others.
HELPERS = {"environment", "run", "stage", "system"}


def _workflow(name: str) -> Any:
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"))


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_has_the_version_of_the_core_and_asks_for_its_minor_version(plugin: str) -> None:
    assert PROJECTS[plugin]["version"] == sk.__version__
    needed = [Requirement(line) for line in PROJECTS[plugin]["dependencies"]]
    assert [str(each.specifier) for each in needed if each.name == "sketchkit"] == [SAME_MINOR]


def test_the_citation_has_the_version() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == sk.__version__


def test_extras_ask_for_packages_of_the_same_minor_version() -> None:
    extras = {
        extra: [Requirement(line) for line in lines]
        for extra, lines in PROJECTS["sketchkit"]["optional-dependencies"].items()
    }
    assert [each.name for each in extras["fast"]] == ["sketchkit-native"]
    ours = [each for needed in extras.values() for each in needed if each.name.startswith("sketchkit-")]
    for each in ours:
        assert each.name in PROJECTS
        assert str(each.specifier) == SAME_MINOR, each


@pytest.mark.parametrize("name", PROJECTS)
def test_the_metadata_are_complete(name: str) -> None:
    project = PROJECTS[name]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
    assert project["requires-python"] == ">=3.11"
    assert project["description"] and project["keywords"] and project["authors"] and project["readme"]
    assert "Typing :: Typed" in project["classifiers"]
    assert {"Homepage", "Issues", "Changelog"} <= project["urls"].keys()


def test_links_of_published_readmes_lead_into_the_repository_at_the_tag(tmp_path: Path) -> None:
    subprocess.run([ROOT / ".ci" / "stage", tmp_path], check=True)
    tag = f"v{sk.__version__}"
    found = 0
    for folder in FOLDERS:
        text = (tmp_path / folder.relative_to(ROOT) / "README.md").read_text("utf-8")
        for image, target in re.findall(r"(!?)\[[^]]*\]\(([^)]+)\)", text):
            assert target.startswith(("https://", "#")), f"{folder.name}: {target}"
            kind, _, path = target.partition(f"/{tag}/")
            if path:
                assert kind == f"https://github.com/sketchkit/sketchkit/{'raw' if image else 'blob'}"
                assert (ROOT / path.partition("#")[0]).exists(), f"{folder.name}: {target}"
                found += 1
    assert found >= 10


def test_a_tag_of_another_version_is_refused(tmp_path: Path) -> None:
    tag = {**os.environ, "GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v0.0.0"}
    done = subprocess.run(
        [ROOT / ".ci" / "stage", tmp_path / "tree"], env=tag, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "is not the version of the tag v0.0.0" in done.stderr
    assert not (tmp_path / "tree").exists()


def test_workflows_run_the_scripts_of_the_repository_and_nothing_else() -> None:
    job = _workflow("check")["jobs"]["check"]
    matrix = job["strategy"]["matrix"]
    called = {*matrix["script"], *(each["script"] for each in matrix["include"])}
    assert called == {path.name for path in (ROOT / ".ci").iterdir()} - HELPERS
    assert all(os.access(ROOT / ".ci" / name, os.X_OK) for name in called)
    lines = [step["run"] for step in job["steps"] if "run" in step]
    assert lines == ["sudo .ci/system", '.ci/"$SCRIPT"']


def test_the_tests_run_on_every_python_of_the_classifiers() -> None:
    said = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECTS["sketchkit"]["classifiers"]))
    assert _workflow("check")["jobs"]["check"]["strategy"]["matrix"]["python"] == said


@pytest.mark.parametrize("name", ["check", "release"])
def test_a_workflow_may_read_only_and_its_actions_are_pinned(name: str) -> None:
    content = _workflow(name)
    assert content["permissions"] == {"contents": "read"}
    extra = {key: job["permissions"] for key, job in content["jobs"].items() if "permissions" in job}
    assert extra == ({"publish": {"id-token": "write"}} if name == "release" else {})
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8")
    for used in re.findall(r"uses: (.+)", text):
        assert used.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", used), used
