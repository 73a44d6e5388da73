"""Every command of the runbook, run in the embedded AWS: in an account they would fail over, stop, restore and delete.

The whole page is one script in its own order, with what a reader puts in put in. What its commands leave behind is
removed at the end. Each command is a test of its own: it was run, and it ended as it does on AWS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from breakwater_drills.clock import Clock
from embedded_aws.loopback import require_loopback
from ops import REPOSITORY
from stacks.settings import Settings
from tests import runbook
from tests.integration import aws_cli
from tests.runbook import Command

Process = get_context("spawn").Process

FOUND = [each for each in runbook.blocks(runbook.PAGE.read_text(encoding="utf-8")) if each.section not in runbook.LAST]
COMMANDS = list(runbook.commands(FOUND))
TIMEOUT_SECONDS = 600
# What AWS answers, too: a healthy deployment is not stuck, and its cluster is not stopped.
REFUSED = {
    ("cloudformation", "cancel-update-stack"): "ValidationError",
    ("cloudformation", "continue-update-rollback"): "ValidationError",
    ("rds", "start-db-cluster"): "InvalidDBClusterStateFault",
}


def _script(outputs: Mapping[str, str], settings: Settings) -> str:
    known = "\n".join(f"    {key}) echo '{value}' ;;" for key, value in outputs.items() if "'" not in value)
    first = f"""
aws() {{ "{sys.executable}" -SE "{aws_cli.__file__}" "$@"; }}
python() {{ "{sys.executable}" "$@"; code=$?; echo "$code $*" >> ours; return "$code"; }}
"""
    before = {
        # The look-ups of the first section have shown that the page's own function works; each takes its time.
        "health-database": f'output() {{\n  case "$1" in\n{known}\n  esac\n}}',
        "Loss of the key": 'aws kms schedule-key-deletion --key-id "$(output DataKeyArn)" --pending-window-in-days 7',
    }
    protection = "" if settings.removal.termination_protection else "no-"
    last = f"""
eval "$(sed -n 's/^  aws/aws/p' undo)"
aws rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier "by-hand-$SUFFIX"
for backup in $(aws dynamodb list-backups --table-name "$(output TableName)" --output text \\
  --query "BackupSummaries[?BackupName=='by-hand-$SUFFIX'].BackupArn"); do
  aws dynamodb delete-backup --backup-arn "$backup"
done
aws cloudformation update-termination-protection --{protection}enable-termination-protection \\
  --stack-name "Breakwater-$SUFFIX"
"""
    page = runbook.script(FOUND, before).replace("SUFFIX=eu1", f"SUFFIX={settings.suffix}")
    # The first block defines the function that the others call.
    second = f"export {aws_cli.BLOCK}=1\n"
    return first + page.replace(second, f"output Suffix\n{second}", 1) + last


@pytest.fixture(scope="module")
def folder(outputs: Mapping[str, str], settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the page, and return the folder that it was run in, with what it left there."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    require_loopback(endpoint, "AWS_ENDPOINT_URL")
    there = tmp_path_factory.mktemp("runbook")
    (there / "page.sh").write_text(_script(outputs, settings), encoding="utf-8")
    server = Process(target=aws_cli.serve, args=(there / "aws", there / "calls", endpoint), daemon=True)
    server.start()
    try:
        Clock().wait_until((there / "aws").exists, timeout_seconds=60, poll_seconds=0.1)
        with (there / "log").open("wb") as log:
            subprocess.run(
                ["sh", "page.sh"],
                cwd=there,
                env={**os.environ, aws_cli.SOCKET: str(there / "aws"), "PYTHONPATH": str(REPOSITORY)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
    finally:
        server.kill()
    return there


@pytest.fixture(scope="module")
def calls(folder: Path) -> list[dict[str, Any]]:
    """Return how each command of the AWS CLI ended."""
    return [json.loads(line) for line in (folder / "calls").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: f"{FOUND[each.block].section}: {' '.join(each[1:3])}")
def test_a_command_of_the_aws_cli_is_run_and_ends_as_on_aws(
    command: Command, calls: list[dict[str, Any]], unanswered: Callable[[str, str], None]
) -> None:
    made = [call for call in calls if runbook.command(call["block"], call["words"]) == command]
    assert made, "it was not run"
    called, failed = (command.service, command.operation), any(call["code"] for call in made)
    if failed and command.service == "fis":
        unanswered("fis:*", "no experiment runs there")
    if failed and called == ("backup", "get-recovery-point-restore-metadata"):
        unanswered("backup:GetRecoveryPointRestoreMetadata", "a recovery point is a record without data there")
    if failed and called == ("backup", "start-restore-job"):
        unanswered("backup:StartRestoreJob", "a cluster is not restored from a vault there, only a table")
    for call in made:
        if called in REFUSED:
            assert (call["code"] != 0, REFUSED[called] in call["error"]) == (True, True), call["error"]
        else:
            assert (call["code"], call["error"]) == (0, "")


def test_what_the_page_runs_of_this_repository_succeeds(folder: Path) -> None:
    ours = (folder / "ours").read_text(encoding="utf-8").splitlines()
    assert len(ours) == sum(runbook.filled_in(block.text).count("python -") for block in FOUND)
    assert [line for line in ours if not line.startswith("0 ")] == []


def test_what_the_page_leaves_behind_is_removed(calls: list[dict[str, Any]]) -> None:
    removed = [call for call in calls if call["block"] == -1]
    assert len(removed) >= 6
    assert [call for call in removed if call["code"]] == []
