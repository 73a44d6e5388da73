"""Workflows, hooks, the Makefile and the integration suite keep the promises that reviewers rely on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from tests.assembly import ROOT
from tests.conftest import Chunks
from tests.integration.conftest import leave_out

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")
each_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)


def _load(file: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(file.read_text())
    return document


def _triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    """YAML 1.1 reads the key `on` as true."""
    triggers: dict[str, Any] = workflow[True]
    return triggers


def _steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    """Return the steps of a workflow's jobs; a job that calls another workflow has none."""
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def _actions() -> list[Path]:
    return [*WORKFLOWS, *(ROOT / ".github" / "actions").glob("*/action.yml")]


def _used(file: Path) -> list[str]:
    """Return the actions that a workflow, or an action, uses; those of this repository need no pin."""
    document = _load(file)
    steps = document["runs"]["steps"] if "runs" in document else _steps(document)
    return [step["uses"] for step in steps if not step.get("uses", "./").startswith("./")]


def test_all_workflows_are_there() -> None:
    assert [file.name for file in WORKFLOWS] == [
        "ci.yml", "deploy.yml", "environment.yml", "image.yml", "operations.yml", "pages.yml",
        "release.yml", "weekly.yml",
    ]  # fmt: skip


@pytest.mark.parametrize("file", _actions(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_action_is_pinned_by_commit_and_says_its_version(file: Path) -> None:
    used = _used(file)
    assert used
    for action in used:
        assert PINNED.match(action), action
        assert re.search(rf"{re.escape(action)} # v\d+\.\d+\.\d+$", file.read_text(), flags=re.MULTILINE), action


def test_one_action_has_one_version_everywhere() -> None:
    everywhere = {action for each in _actions() for action in _used(each)}
    names = [action.partition("@")[0] for action in everywhere]
    assert len(names) == len(set(names))


# Jobs that may write, and run nothing of this repository.
PUBLISHING = {
    ("release.yml", "publish"): {"contents": "write"},
    ("pages.yml", "publish"): {"pages": "write", "id-token": "write"},
}


def test_a_job_that_may_write_runs_nothing_of_this_repository() -> None:
    for file, name in PUBLISHING:
        job = _load(ROOT / ".github" / "workflows" / file)["jobs"][name]
        assert not [step["run"] for step in job["steps"] if re.search(r"make |python|scripts/", step.get("run", ""))]


@each_workflow
def test_the_default_token_only_reads(file: Path) -> None:
    workflow = _load(file)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        granted = job.get("permissions", {})
        if (file.name, name) in PUBLISHING:
            assert granted == PUBLISHING[file.name, name]
            continue
        assert granted in ({}, {"contents": "read", "id-token": "write"}), name
        assert file.name in {"deploy.yml", "environment.yml", "image.yml", "operations.yml"} or granted == {}, name


@each_workflow
def test_jobs_end_and_leave_no_credentials_in_the_checkout(file: Path) -> None:
    workflow = _load(file)
    own = {name: job for name, job in workflow["jobs"].items() if "uses" not in job}
    for name, job in own.items():
        longest = {"weekly.yml": 350, "operations.yml": 120}
        assert job["timeout-minutes"] <= longest.get(file.name, 60), name
        assert "concurrency" in workflow or "concurrency" in job, name
    checkouts = [step for step in _steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len(own) - (file.name == "pages.yml")  # its last job has nothing to check out
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@each_workflow
def test_no_expression_is_pasted_into_a_shell(file: Path) -> None:
    for step in _steps(_load(file)):
        assert "${{" not in step.get("run", ""), step


@each_workflow
def test_no_stored_secret_and_no_dangerous_trigger(file: Path) -> None:
    text = file.read_text()
    assert "secrets." not in text
    assert "aws-access-key-id" not in text
    assert "pull_request_target" not in _triggers(_load(file))


def test_ci_runs_lint_tests_and_synth_on_every_python_and_platform() -> None:
    jobs = _load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert jobs["platforms"]["strategy"]["matrix"]["runner"] == ["macos-15", "ubuntu-24.04-arm"]
    assert jobs["synth"]["strategy"]["matrix"]["environment"] == ["dev", "staging", "prod"]
    commands = {name: " ".join(step.get("run", "") for step in job["steps"]) for name, job in jobs.items()}
    assert "make lint" in commands["lint"]
    assert 'make scan ARGS="--check --require-advisories"' in commands["lint"]
    assert "make test" in commands["test"]
    assert "make upgrade" in commands["upgrade"]
    assert jobs["upgrade"]["steps"][0]["with"]["fetch-depth"] == 0
    assert commands["synth"].count("make synth") == 2


def test_updates_never_offer_the_accidental_cdk_3() -> None:
    updates = _load(ROOT / ".github" / "dependabot.yml")["updates"]
    (npm,) = [update for update in updates if update["package-ecosystem"] == "npm"]
    assert {"dependency-name": "aws-cdk", "versions": [">=3.0.0"]} in npm["ignore"]
    assert {update["package-ecosystem"] for update in updates} == {"npm", "uv", "docker", "github-actions"}


def test_hooks_run_the_pinned_tools() -> None:
    (repository,) = _load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert repository["hooks"]
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        program = hook["entry"].split()[0]
        assert program == "make" or os.access(ROOT / program, os.X_OK), program


def test_help_lists_every_command_and_is_the_default() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = set(" ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)).split())
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = set(re.findall(r"^  make ([a-z-]+) +\S", shown, re.MULTILINE))
    assert listed == phony - {"install-platform", "lint-types", "lint-templates", "lint-workflows"}


def test_make_test_runs_every_test_once() -> None:
    """In two runs: what is not measured does not pay for the tracer."""
    shown = subprocess.run(["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    unmeasured, measured = (
        [word for word in line.split() if "tests" in word] for line in shown.splitlines() if line.startswith("pytest")
    )
    left_out = [word.removeprefix("--ignore=") for word in measured if word.startswith("--ignore=")]
    assert sorted([*unmeasured, *measured]) == sorted([*paths, *left_out, *(f"--ignore={path}" for path in left_out)])
    assert set(left_out) <= set(unmeasured)


def test_workers_get_parts_of_a_module_and_whole_groups() -> None:
    chunks = Chunks(cast(pytest.Config, SimpleNamespace(getvalue=lambda _name: ["popen"])))
    tests = [f"tests/test_a.py::test_{number}" for number in range(40)]
    scopes = [chunks._split_scope(each) for each in tests]
    assert list(Counter(scopes).values()) == [16, 16, 8]
    assert scopes == [chunks._split_scope(each) for each in tests]  # asked again, a test stays where it is
    assert chunks._split_scope("tests/test_b.py::test_0") not in scopes
    grouped = {chunks._split_scope(f"tests/test_{module}.py::test_0@emulator") for module in "ab"}
    assert grouped == {"emulator"}


def test_ci_run_is_executable_and_ends_with_a_deployment() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert [line for line in lines if line.startswith("make ")] == [
        "make --keep-going --jobs=2 lint scan ARGS=--check",
        "make test",
        "make local",
        "make integration",
        "make drills-quick",
    ]
    assert lines[-1] == "make drills-quick"
    # Nothing stays behind, however it ends.
    assert lines.index("trap 'make local-down' EXIT") == lines.index("make local") - 1


SUITE = ROOT / "tests" / "integration"


def test_nothing_is_left_out_in_an_account() -> None:
    leave_out(False, "rds:DescribeDBClusters", "no reason holds there")
    with pytest.raises(pytest.skip.Exception, match=r"^rds:DescribeDBClusters: not there$"):
        leave_out(True, "rds:DescribeDBClusters", "not there")


def test_what_is_left_out_is_documented_and_nothing_skips_otherwise() -> None:
    documented = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    sources = {path.name: path.read_text(encoding="utf-8") for path in SUITE.glob("check_*.py")}
    reasons = [found for text in sources.values() for found in re.findall(r'unanswered\("[^"]+", "([^"]+)"\)', text)]
    table = documented.partition("| API | Why not |")[2].split("\n\n")[0]
    assert len(reasons) == table.count("\n| `") == 6
    for reason in reasons:
        assert reason.replace("LatestRestorableTime", "`LatestRestorableTime`") in documented
    for name, text in sources.items():
        assert not re.search(r"pytest\.(skip|xfail)|mark\.(skip|xfail)|except ", text), name


def test_make_test_leaves_the_suite_alone() -> None:
    assert list(SUITE.glob("test_*.py")) == []


# Which messages there are is tested with `ops.outputs`; here, that one of them is all that is printed.
def test_without_outputs_it_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", str(SUITE), "-o", "python_files=check_*.py", "-p", "no:cacheprovider"]
    # pytest shortens what it says to the width of the terminal.
    environment = os.environ | {"BREAKWATER_OUTPUTS": str(tmp_path / "outputs.json"), "COLUMNS": "400"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    (line,) = [line for line in ended.stdout.splitlines() if "integration:" in line]
    assert ended.returncode == 2
    assert "No such file or directory: write it with" in line
    assert "Traceback" not in ended.stdout + ended.stderr
