"""The deployment workflow: what is checked first, who approves what, and which jobs can get credentials."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.assembly import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
DEPLOY = WORKFLOWS / "deploy.yml"


def _load(file: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def test_main_is_checked_before_it_is_deployed() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert set(_load(WORKFLOWS / "ci.yml")[True]) == {"pull_request", "workflow_call"}
    jobs = _load(DEPLOY)["jobs"]
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert jobs["build"]["needs"] == "ci"


def test_a_deployment_comes_from_main_in_an_order_that_lets_people_see_it_first() -> None:
    jobs = _load(DEPLOY)["jobs"]
    needs = {name: job.get("needs", []) for name, job in jobs.items()}
    assert needs == {
        "ci": [],
        "build": "ci",
        "diff": "build",
        "preflight": "build",
        "plan": ["build", "preflight"],
        "deploy": ["build", "plan"],
        "integration": ["build", "plan", "deploy"],
    }
    assert "github.ref == 'refs/heads/main'" in jobs["ci"]["if"]
    condition = "github.event.pull_request.head.repo.full_name == github.repository || github.ref == 'refs/heads/main'"
    assert condition in " ".join(jobs["build"]["if"].split())
    for name in ("diff", "preflight", "plan", "deploy", "integration"):
        assert "!cancelled() && !failure()" in jobs[name]["if"], name
    # Only the job that changes the platform waits for reviewers, who have the plan before them.
    assert [
        name for name, job in jobs.items() if job.get("environment") == "${{ inputs.environment || 'staging' }}"
    ] == ["deploy"]
    for name in ("plan", "deploy"):
        assert jobs[name]["concurrency"] == {
            "group": "deploy-${{ inputs.environment || 'staging' }}",
            "cancel-in-progress": False,
        }


def test_what_is_approved_is_what_is_executed() -> None:
    jobs = _load(DEPLOY)["jobs"]
    runs = {name: " ".join(step.get("run", "") for step in jobs[name]["steps"]) for name in ("plan", "deploy")}
    assert '--method prepare-change-set --change-set-name "$CHANGE_SET"' in runs["plan"]
    assert '--method execute-change-set --change-set-name "$CHANGE_SET"' in runs["deploy"]
    assert jobs["plan"]["env"]["CHANGE_SET"] == jobs["deploy"]["env"]["CHANGE_SET"] == "run-${{ github.run_id }}"
    assert '--only changes --change-set "$CHANGE_SET"' in runs["plan"]
    # What is not there must be told from what may not be read: only the former has no changes.
    assert "*ChangeSetNotFound*)" in runs["plan"]
    for run in runs.values():
        assert "--app cdk.out" in run


def test_no_job_that_can_get_a_token_installs_or_tests_anything() -> None:
    jobs = _load(DEPLOY)["jobs"]
    holding = {name for name, job in jobs.items() if "id-token" in job.get("permissions", {})}
    assert holding == {"diff", "preflight", "plan", "deploy", "integration"}
    (workspace,) = (ROOT / ".github" / "actions").glob("*/action.yml")
    unpacking = [step.get("run", "") for step in _load(workspace)["runs"]["steps"]]
    for name in holding:
        job = jobs[name]
        used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
        assert used == [
            "actions/checkout",
            "./.github/actions/workspace",
            "aws-actions/configure-aws-credentials",
        ], name
        commands = "\n".join([*unpacking, *(step.get("run", "") for step in job["steps"])])
        assert not re.search(r"\b(npm|npx|pip|uv|apt|apt-get|curl|wget)\b", commands), name
        # `--old-file=install`: what is there counts as installed.
        assert re.findall(r"\bmake .*", commands) in ([], ["make --old-file=install integration-aws"]), name


def test_make_installs_nothing_where_it_is_told_so() -> None:
    """The workflow relies on it: `install` is phony, and would run before the checks."""
    command = ["make", "--dry-run", "--old-file=install", "integration-aws"]
    planned = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "scripts.install" not in planned
    assert "pytest" in planned
