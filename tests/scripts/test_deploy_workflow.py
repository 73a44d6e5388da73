"""Deployment and operations: what is checked first, who approves what, and which jobs can get credentials."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from breakwater_drills import DRILLS
from tests.assembly import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
ACTIONS = ROOT / ".github" / "actions"
DEPLOY = WORKFLOWS / "deploy.yml"
ENVIRONMENT = WORKFLOWS / "environment.yml"
OPERATIONS = WORKFLOWS / "operations.yml"
PROMOTED = ("dev", "staging", "prod")


def _load(file: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def test_main_is_checked_before_it_is_deployed() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert set(_load(WORKFLOWS / "ci.yml")[True]) == {"pull_request", "workflow_call"}
    jobs = _load(DEPLOY)["jobs"]
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert jobs["ci"]["if"] == "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'"
    # A skipped or failed CI skips the first environment, and the others ask for its success themselves.
    assert jobs["dev"]["needs"] == "ci"
    for name in ("staging", "prod"):
        assert "needs.ci.result == 'success'" in jobs[name]["if"]


def test_each_environment_waits_for_the_one_before() -> None:
    jobs = _load(DEPLOY)["jobs"]
    needs = {name: jobs[name].get("needs") for name in PROMOTED}
    assert needs == {"dev": "ci", "staging": ["ci", "dev"], "prod": ["ci", "dev", "staging"]}
    for name in PROMOTED:
        assert jobs[name]["uses"] == "./.github/workflows/environment.yml"
        assert jobs[name]["with"] == {"environment": name, "accept": "${{ inputs.accept }}"}
        assert f"github.event_name == 'push' || inputs.environment == '{name}'" in jobs[name]["if"]
        assert name == "dev" or jobs[name]["if"].startswith("!cancelled() && !failure() && ")
    assert _load(DEPLOY)[True]["workflow_dispatch"]["inputs"]["environment"]["options"] == list(PROMOTED)
    assert _load(DEPLOY)[True]["push"] == {"branches": ["main"]}


def test_an_environment_is_planned_so_that_people_see_it_first() -> None:
    jobs = _load(ENVIRONMENT)["jobs"]
    needs = {name: job.get("needs", []) for name, job in jobs.items()}
    assert needs == {
        "build": [],
        "preflight": "build",
        "plan": ["build", "preflight"],
        "deploy": ["build", "plan"],
        "integration": ["build", "plan", "deploy"],
    }
    assert jobs["deploy"]["if"] == "needs.plan.outputs.changes == 'true'"
    assert jobs["integration"]["if"] == "!cancelled() && !failure() && needs.plan.result == 'success'"
    # Only the job that changes the platform waits for reviewers, who have the plan before them.
    waiting = [name for name, job in jobs.items() if job["environment"] == "${{ inputs.environment }}"]
    assert waiting == ["deploy"]
    for name in ("plan", "deploy"):
        assert jobs[name]["concurrency"] == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}


def test_a_pull_request_of_a_fork_gets_no_credentials() -> None:
    jobs = _load(DEPLOY)["jobs"]
    own = "github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository"
    assert jobs["build"]["if"] == own
    assert jobs["diff"]["needs"] == "build"
    assert jobs["diff"]["environment"] == "diff"


def test_what_was_promised_after_a_deployment_is_run_by_schedule() -> None:
    workflow = _load(OPERATIONS)
    weekly, monthly = (each["cron"] for each in workflow[True]["schedule"])
    assert re.fullmatch(r"\d+ \d+ \* \* \d", weekly)
    assert re.fullmatch(r"\d+ \d+ 1 \* \*", monthly)
    drift, drill = workflow["jobs"]["drift"], workflow["jobs"]["drill"]
    assert drift["if"] == f"github.event.schedule != '{monthly}'"
    assert drift["strategy"]["matrix"]["environment"] == ["staging", "prod"]
    assert 'python -m ops drift --stack "$STACK"' in drift["steps"][-1]["run"]
    # Drills break things: in staging alone, with a role of their own, one after the other.
    assert drill["environment"] == "staging-drills"
    assert drill["strategy"]["max-parallel"] == 1
    names = re.findall(r'"([a-z-]+)"', drill["strategy"]["matrix"]["drill"])
    assert names == ["task-loss", "bad-deployment", "pitr", "failover", "restore"]
    assert set(names) <= set(DRILLS)
    assert f"github.event.schedule == '{monthly}'" in drill["strategy"]["matrix"]["drill"]
    run, upload = drill["steps"][-2:]
    assert run["run"] == 'python -m ops drill "$DRILL" --stack "$STACK" --yes --out evidence'
    assert (upload["if"], upload["with"]["path"]) == ("!cancelled()", "evidence")


def test_what_is_approved_is_what_is_executed() -> None:
    jobs = _load(ENVIRONMENT)["jobs"]
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
    files = (DEPLOY, ENVIRONMENT, OPERATIONS)
    jobs = {name: job for file in files for name, job in _load(file)["jobs"].items() if "steps" in job}
    holding = {name for name, job in jobs.items() if "id-token" in job.get("permissions", {})}
    assert holding == {"diff", "preflight", "plan", "deploy", "integration", "drift", "drill"}
    assert set(jobs) - holding == {"build"}
    unpacking = [step.get("run", "") for step in _load(ACTIONS / "workspace" / "action.yml")["runs"]["steps"]]
    for name in holding:
        job = jobs[name]
        used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
        more = ["actions/upload-artifact"] if name == "drill" else []
        assert used == [
            "actions/checkout",
            "./.github/actions/workspace",
            "aws-actions/configure-aws-credentials",
            *more,
        ], name
        commands = "\n".join([*unpacking, *(step.get("run", "") for step in job["steps"])])
        assert not re.search(r"\b(npm|npx|pip|uv|apt|apt-get|curl|wget)\b", commands), name
        # `--old-file=install`: what is there counts as installed.
        assert re.findall(r"\bmake .*", commands) in ([], ["make --old-file=install integration-aws"]), name


def test_every_environment_and_variable_is_documented() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    for file in (DEPLOY, ENVIRONMENT, OPERATIONS):
        for variable in re.findall(r"vars\.(\w+)", file.read_text(encoding="utf-8")):
            assert f"| `{variable}` |" in page, variable
    for environment in ("diff", "<name>-plan", "<name>", "staging-drills"):
        assert f"| `{environment}` |" in page, environment


def test_settings_of_an_environment_become_options() -> None:
    """What is in BREAKWATER_CONTEXT is given to each command, and nothing where it is empty."""
    line = 'read -ra settings <<< "$BREAKWATER_CONTEXT"'
    for given, options in (("a=1 b=x", "-c a=1 -c b=x,--context=a=1,--context=b=x"), ("", "")):
        script = f'{line}; printf "%s" "${{settings[*]/#/-c }}"; printf ",%s" "${{settings[@]/#/--context=}}"'
        shell = ["bash", "-eo", "pipefail", "-c", script]
        found = subprocess.run(shell, env={"BREAKWATER_CONTEXT": given}, capture_output=True, text=True, check=True)
        assert found.stdout.rstrip(",") == options
    for file in (ACTIONS / "install" / "action.yml", ENVIRONMENT):
        assert line in file.read_text(encoding="utf-8")


def test_make_installs_nothing_where_it_is_told_so() -> None:
    """The workflow relies on it: `install` is phony, and would run before the checks."""
    command = ["make", "--dry-run", "--old-file=install", "integration-aws"]
    planned = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "scripts.install" not in planned
    assert "pytest" in planned
