"""The files that a host of repositories reads: they parse, and what they name is there."""

import re
import shutil
from itertools import pairwise
from typing import Any

import pytest
import yaml

import ablate
from support import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(name: str) -> dict[str, Any]:
    content = yaml.safe_load((ROOT / name).read_text())
    assert isinstance(content, dict)
    return content


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_the_citation_is_of_this_version() -> None:
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == ablate.__version__
    assert citation["license"] == "MIT"
    assert citation["authors"] == [{"name": "ablate contributors"}]
    assert citation["title"]
    assert citation["message"]


def test_the_checks_are_those_of_one_script() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o100
    assert [step["run"] for step in steps(read(".github/workflows/ci.yml")) if "run" in step] == [
        ".ci/run"
    ]


def test_the_script_names_sessions_that_there_are() -> None:
    there = set(re.findall(r"^@nox\.session.*\ndef (\w+)", (ROOT / "noxfile.py").read_text(), re.M))
    lines = re.findall(r"^nox -s (.+)$", (ROOT / ".ci" / "run").read_text(), re.M)
    named = {name for line in lines for name in line.split()}
    assert {"lint", "typecheck", "tests"} <= named <= there


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_holds_no_secret(path: Any) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets" not in path.read_text()
    for step in steps(workflow):
        assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/none@v0"))
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 90


def test_the_oldest_python_of_the_checks_is_the_oldest_allowed() -> None:
    matrix = read(".github/workflows/ci.yml")["jobs"]["check"]["strategy"]["matrix"]["python"]
    project = (ROOT / "pyproject.toml").read_text()
    assert f'requires-python = ">={matrix[0]}"' in project
    stated = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    assert set(matrix) <= set(stated)
    assert all(int(b[2:]) == int(a[2:]) + 1 for a, b in pairwise(stated))


def test_hooks_are_tools_that_dev_installs() -> None:
    (local,) = read(".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        assert hook["language"] == "system"
        assert shutil.which(hook["entry"].split()[0]), hook["entry"]
